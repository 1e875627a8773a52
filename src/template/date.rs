//! The `date("yyyyMMddHHmmss")` filter: Java's pattern letters, because that is what 4A manuals write.
//!
//! The subset is what appears in such manuals; any other letter is an error at load, never a guess.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::document::{Decimal, Value};

use super::datum::Datum;
use super::fault::Fault;

/// Numbers from here on are milliseconds, below they are seconds: as seconds it is the year 5138, as milliseconds
/// it is March 1973.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// A compiled pattern and the connector's time zone.
#[derive(Debug, Clone, PartialEq)]
pub struct DatePattern {
    parts: Vec<Part>,
    zone: TimeZone,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Field(char, usize),
}

/// Why a pattern is not one: the letter, and what may be written.
pub(crate) struct BadPattern(pub(crate) String);

impl DatePattern {
    /// Compiles letters of Java's `DateTimeFormatter`: `y M d H h m s S a E Z X`, text in single quotes, `''` a quote.
    pub(crate) fn parse(pattern: &str, zone: TimeZone) -> Result<Self, BadPattern> {
        let mut parts = Vec::new();
        let mut rest = pattern.chars().peekable();
        while let Some(c) = rest.next() {
            if c == '\'' {
                parts.push(Part::Literal(quoted(&mut rest)?));
            } else if c.is_ascii_alphabetic() {
                let mut count = 1;
                while rest.next_if_eq(&c).is_some() {
                    count += 1;
                }
                let known = match c {
                    'y' => matches!(count, 2 | 4),
                    'M' | 'd' | 'H' | 'h' | 'm' | 's' => count <= 2,
                    'S' | 'X' | 'E' => count <= 3,
                    'a' | 'Z' => count == 1,
                    _ => false,
                };
                if !known {
                    let field: String = std::iter::repeat_n(c, count).collect();
                    return Err(BadPattern(format!("`{field}` is no date field")));
                }
                parts.push(Part::Field(c, count));
            } else {
                parts.push(Part::Literal(c.into()));
            }
        }
        if !parts.iter().any(|part| matches!(part, Part::Field(..))) {
            return Err(BadPattern("the pattern names no date field".into()));
        }
        Ok(Self { parts, zone })
    }

    /// Formats a number of seconds or milliseconds since 1970, or an ISO 8601 text (without an offset: in the
    /// connector's time zone).
    pub(crate) fn format(&self, datum: &Datum<'_>) -> Result<String, Fault> {
        let time = self.read(datum)?;
        let mut out = String::with_capacity(24);
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Field(letter, count) => field(&time, *letter, *count, &mut out),
            }
        }
        Ok(out)
    }

    fn read(&self, datum: &Datum<'_>) -> Result<Zoned, Fault> {
        let text = datum.text()?;
        let numeric = matches!(datum, Datum::Value(value) if matches!(**value, Value::Number(_)));
        let read = instant(text, numeric, &self.zone).map(|instant| instant.to_zoned(self.zone.clone()));
        read.ok_or(Fault::content("is no date: wanted seconds or milliseconds since 1970, or ISO 8601"))
    }
}

/// The moment that a value names, as the filter `date` reads it; one without an offset is in `zone`.
pub(crate) fn moment(value: &Value, zone: &TimeZone) -> Option<Timestamp> {
    instant(value.scalar_text()?, matches!(value, Value::Number(_)), zone)
}

fn instant(text: &str, numeric: bool, zone: &TimeZone) -> Option<Timestamp> {
    if numeric || text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: i64 = Decimal::parse(text).and_then(|_| text.parse().ok())?;
        return if number.abs() >= MILLISECONDS_FROM {
            Timestamp::from_millisecond(number).ok()
        } else {
            Timestamp::from_second(number).ok()
        };
    }
    text.parse::<Timestamp>()
        .ok()
        .or_else(|| Some(text.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok()?.timestamp()))
}

fn quoted(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, BadPattern> {
    let mut text = String::new();
    loop {
        match rest.next() {
            Some('\'') if rest.next_if_eq(&'\'').is_some() => text.push('\''),
            // Two quotes with nothing between are one quote.
            Some('\'') => return Ok(if text.is_empty() { "'".into() } else { text }),
            Some(c) => text.push(c),
            None => return Err(BadPattern("a quote in the pattern is not closed".into())),
        }
    }
}

fn field(time: &Zoned, letter: char, count: usize, out: &mut String) {
    let number = |value: i32, out: &mut String| out.push_str(&padded(value, count));
    match letter {
        'y' if count == 2 => number(i32::from(time.year()).rem_euclid(100), out),
        'y' => number(i32::from(time.year()), out),
        'M' => number(i32::from(time.month()), out),
        'd' => number(i32::from(time.day()), out),
        'H' => number(i32::from(time.hour()), out),
        'h' => number((i32::from(time.hour()) + 11) % 12 + 1, out),
        'm' => number(i32::from(time.minute()), out),
        's' => number(i32::from(time.second()), out),
        'S' => out.push_str(&format!("{:03}", time.millisecond())[..count]),
        'a' => out.push_str(if time.hour() < 12 { "AM" } else { "PM" }),
        'E' => out.push_str(&format!("{:?}", time.weekday())[..3]),
        _ => offset(time.offset().seconds(), letter, count, out),
    }
}

fn padded(value: i32, width: usize) -> String {
    format!("{value:0width$}")
}

/// `Z` is `+0800`; `X`, `XX`, `XXX` are `+08`, `+0800`, `+08:00`, and `Z` for UTC.
fn offset(seconds: i32, letter: char, count: usize, out: &mut String) {
    if letter == 'X' && seconds == 0 {
        return out.push('Z');
    }
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
    out.push(if seconds < 0 { '-' } else { '+' });
    let text = match (letter, count) {
        ('X', 1) if minutes == 0 => format!("{hours:02}"),
        ('X', 3) => format!("{hours:02}:{minutes:02}"),
        _ => format!("{hours:02}{minutes:02}"),
    };
    out.push_str(&text);
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn format(pattern: &str, value: Value) -> Option<String> {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let pattern = DatePattern::parse(pattern, zone).ok().unwrap();
        pattern.format(&Datum::from_value(Cow::Owned(value))).ok()
    }

    #[test]
    fn seconds_milliseconds_and_iso_text_are_the_same_moment() {
        let wanted = Some("20260102030405".to_owned());
        for value in [
            Value::from(1_767_294_245_u64),
            Value::from(1_767_294_245_000_u64),
            Value::from("1767294245"),
            Value::from("2026-01-02T03:04:05+08:00"),
            Value::from("2026-01-01T19:04:05Z"),
            Value::from("2026-01-02 03:04:05"),
        ] {
            assert_eq!(format("yyyyMMddHHmmss", value), wanted);
        }
        for bad in ["", "soon", "2026-13-01", "1e3", "99999999999999999999"] {
            assert_eq!(format("yyyy", Value::from(bad)), None, "{bad}");
        }
    }

    #[test]
    fn letters() {
        for (pattern, wanted) in [
            ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2026-01-02T15:04:05.678+08:00"),
            ("yy/M/d h:m:s a", "26/1/2 3:4:5 PM"),
            ("EEE Z X XX ''", "Fri +0800 +08 +0800 '"),
        ] {
            assert_eq!(format(pattern, Value::from(1_767_337_445_678_u64)).unwrap(), wanted);
        }
        for bad in ["yyyyy", "YYYY", "Q", "'x", "---", ""] {
            assert!(DatePattern::parse(bad, TimeZone::UTC).is_err(), "{bad}");
        }
    }
}
