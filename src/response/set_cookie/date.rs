//! The dates of `Expires`, in every spelling that servers use (RFC 6265bis section 5.1.1).

use jiff::civil::DateTime;

/// Reads a date as seconds since 1970; `None` when it is none. The zone it names is not looked at: it is UTC.
pub fn parse_date(text: &str) -> Option<i64> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        // Each token is the first of these that is still missing and that it can be.
        if time.is_none()
            && let Some(found) = time_of(token)
        {
            time = Some(found);
        } else if day.is_none()
            && let Some(found) = number(token, 1, 2)
        {
            day = Some(found);
        } else if month.is_none()
            && let Some(found) = month_of(token)
        {
            month = Some(found);
        } else if year.is_none()
            && let Some(found) = number(token, 2, 4)
        {
            year = Some(found);
        }
    }
    let (hour, minute, second) = time?;
    let year = match year? {
        year @ 70..=99 => year + 1900,
        year @ 0..=69 => year + 2000,
        year => year,
    };
    if year < 1601 {
        return None;
    }
    let small = |n: i16| i8::try_from(n).ok();
    let date = DateTime::new(year, month?, small(day?)?, small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    // Not by way of a timestamp: those end a day before 9999-12-31, which servers write for "never".
    Some(date.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0)).as_secs())
}

/// Production `delimiter`; what is no delimiter is part of a token.
fn is_delimiter(c: char) -> bool {
    matches!(c, '\t' | ' '..='/' | ';'..='@' | '['..='`' | '{'..='~')
}

/// `least` to `most` digits, then the end or something that is no digit.
fn number(token: &str, least: usize, most: usize) -> Option<i16> {
    let digits = token.bytes().take_while(u8::is_ascii_digit).count();
    if (least..=most).contains(&digits) { token[..digits].parse().ok() } else { None }
}

fn time_of(token: &str) -> Option<(i16, i16, i16)> {
    let mut parts = token.splitn(3, ':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = |part: &str| number(part, 1, 2).filter(|_| part.bytes().all(|b| b.is_ascii_digit()));
    Some((whole(hour)?, whole(minute)?, number(second, 1, 2)?))
}

fn month_of(token: &str) -> Option<i8> {
    const NAMES: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let start = token.get(..3)?.to_ascii_lowercase();
    NAMES.iter().position(|name| *name == start).and_then(|at| i8::try_from(at + 1).ok())
}

#[cfg(test)]
mod tests {
    use super::parse_date;

    #[test]
    fn spellings() {
        for (text, wanted) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Tue, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799)),
            ("Thu, 01-Jan-70 00:00:00", Some(0)),
            ("30 Feb 2024 00:00:00", None),
            ("1 Jan 2024 24:00:00", None),
            ("1 Jan 2024 00:60:00", None),
            ("1 Jan 1600 00:00:00", None),
            ("1 Jan 2024", None),
            ("0", None),
            ("", None),
            ("日曜 1 Jan 2024 00:00:00", Some(1_704_067_200)),
        ] {
            assert_eq!(parse_date(text), wanted, "{text}");
        }
    }
}
