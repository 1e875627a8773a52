//! A JSON number as the text that was written, and its exact decimal meaning.
//!
//! Numbers are never converted to floats: `12345678901234567890` and `1e400` keep their value. Comparison works on
//! sign, digits and exponent and never expands the exponent, so `1e9999` costs nothing.

use std::cmp::Ordering;

/// Larger exponents are refused when a document is decoded: no login protocol uses them, and the arithmetic below
/// cannot overflow.
const MAX_EXPONENT: i64 = 9999;

/// A JSON number, digits as written. Invariant: the text is one RFC 8259 number with an exponent of at most 9999.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Number(Box<str>);

impl Number {
    /// Takes the text of one JSON number (RFC 8259 section 6, nothing around it); `None` when it is not one or its
    /// exponent is beyond 9999.
    pub fn parse(text: &str) -> Option<Self> {
        Decimal::parse(text).map(|_| Self(text.into()))
    }

    /// The digits as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both have the same value, however they are written. Equal texts are compared first: codes in replies are
    /// plain integers, which have one spelling each.
    pub fn is_equal_to(&self, other: &Self) -> bool {
        if self.is_plain() && other.is_plain() { self == other } else { self.decimal() == other.decimal() }
    }

    /// Compares the values.
    pub fn order(&self, other: &Self) -> Ordering {
        if self.is_plain() && other.is_plain() {
            // There are no leading zeros, so the one with more digits is larger.
            return self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0));
        }
        self.decimal().cmp(&other.decimal())
    }

    fn is_plain(&self) -> bool {
        self.0.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// The exact value.
    pub fn decimal(&self) -> Decimal {
        Decimal::parse(&self.0).unwrap_or_else(Decimal::zero)
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self(number.to_string().into())
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self(number.to_string().into())
    }
}

/// An exact decimal: `0.digits * 10^exponent` with a sign. Invariant: no leading or trailing zero in `digits`; zero has
/// no digits, exponent 0 and is not negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    digits: Box<[u8]>,
    exponent: i64,
}

impl Decimal {
    fn zero() -> Self {
        Self { negative: false, digits: Box::default(), exponent: 0 }
    }

    /// Whether it is 0, however it was written.
    pub fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Reads one JSON number that fills `text`; `None` for anything else (`010`, `+1`, `1.`, `.5`, `1e99999`, spaces).
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (unsigned, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let digits_only = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !digits_only(whole) || (whole.len() > 1 && whole.starts_with('0')) || !fraction.is_none_or(digits_only) {
            return None;
        }
        let written_exponent = exponent.map_or(Some(0), parse_exponent)?;
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.unwrap_or("").bytes()).collect();
        let leading = digits.iter().take_while(|d| **d == b'0').count();
        digits.drain(..leading);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Self::zero());
        }
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()?;
        Some(Self { negative, digits: digits.into(), exponent: point + written_exponent })
    }
}

/// The digits after `e`: an optional sign, then at least one digit; at most 9999 in size.
fn parse_exponent(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    // More than four digits exceed 9999; this also keeps the parse below from overflowing.
    if significant.len() > 4 {
        return None;
    }
    let size: i64 = if significant.is_empty() { 0 } else { significant.parse().ok()? };
    (size <= MAX_EXPONENT).then_some(sign * size)
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let magnitude = |a: &Self, b: &Self| match (a.digits.is_empty(), b.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            // Without leading and trailing zeros the exponent decides first, then the digits in lexical order.
            (false, false) => a.exponent.cmp(&b.exponent).then_with(|| a.digits.cmp(&b.digits)),
        };
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => magnitude(self, other),
            (true, true) => magnitude(other, self),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_compare_exactly_whatever_their_spelling() {
        for (a, b, order) in [
            ("200", "200.0", Ordering::Equal),
            ("2e2", "200", Ordering::Equal),
            ("0", "-0.000e5", Ordering::Equal),
            ("0.1", "0.10", Ordering::Equal),
            ("9007199254740993", "9007199254740992", Ordering::Greater),
            ("1e9999", "1e9998", Ordering::Greater),
            ("-1", "1e-9999", Ordering::Less),
            ("-2", "-10", Ordering::Greater),
            ("99", "100", Ordering::Less),
            ("100", "100", Ordering::Equal),
            ("-5", "-5", Ordering::Equal),
            ("0", "0.001", Ordering::Less),
            ("0", "-3", Ordering::Greater),
            ("1.5", "1.45", Ordering::Greater),
        ] {
            let (a, b) = (Number::parse(a).unwrap(), Number::parse(b).unwrap());
            assert_eq!(a.is_equal_to(&b), order.is_eq(), "{a:?} {b:?}");
            assert_eq!(a.order(&b), order, "{a:?} {b:?}");
            let (a, b) = (a.decimal(), b.decimal());
            assert_eq!(a.cmp(&b), order, "{a:?} {b:?}");
            assert_eq!(b.cmp(&a), order.reverse(), "{a:?} {b:?}");
        }
    }

    #[test]
    fn only_json_numbers_are_numbers() {
        for bad in
            ["", "-", "010", "00", "+1", "1.", ".5", "1e", "1e+", " 1", "1 ", "0x1", "1e99999", "1e-10000", "NaN", "１"]
        {
            assert!(Number::parse(bad).is_none(), "{bad:?}");
        }
        for good in ["0", "-0", "1e0009999", "1E-9999", "1.50"] {
            assert_eq!(Number::parse(good).unwrap().as_str(), good);
        }
    }
}
