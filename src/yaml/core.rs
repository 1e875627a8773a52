//! What a scalar means under the core schema of YAML 1.2 (section 10.3), with one difference: numbers that JSON does not
//! know are distinguished, because their digits would not survive.

use crate::document::Number;

use super::{Scalar, Style};

/// The meaning of a scalar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Core {
    /// Nothing was written: `key:` and the line ends.
    Absent,
    /// `null`, `~`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A JSON number, digits as written.
    Number(Number),
    /// `0000`, `010`, `0x1F`, `0o17`, `+1`, `.5`, `1.`, `.inf`, `1e99999`: a number to some readers and a text to others.
    OddNumber,
    /// Text.
    Text,
}

impl Scalar {
    /// What it means; quoted and block scalars are always text.
    pub fn core(&self) -> Core {
        if self.style != Style::Plain {
            return Core::Text;
        }
        match self.text.as_str() {
            "" => Core::Absent,
            "~" | "null" | "Null" | "NULL" => Core::Null,
            "true" | "True" | "TRUE" => Core::Bool(true),
            "false" | "False" | "FALSE" => Core::Bool(false),
            text => match Number::parse(text) {
                Some(number) => Core::Number(number),
                None if is_odd_number(text) => Core::OddNumber,
                None => Core::Text,
            },
        }
    }
}

fn is_odd_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    if let Some(digits) = unsigned.strip_prefix("0x") {
        return !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    }
    if let Some(digits) = unsigned.strip_prefix("0o") {
        return !digits.is_empty() && digits.bytes().all(|b| matches!(b, b'0'..=b'7'));
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits_or_nothing = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && digits_or_nothing(digits)
    });
    digits_or_nothing(whole)
        && digits_or_nothing(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent_fits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::Pieces;

    fn core(text: &str, style: Style) -> Core {
        Scalar { text: text.into(), style, pieces: Pieces::default() }.core()
    }

    #[test]
    fn plain_scalars_mean_what_yaml_1_2_says() {
        for text in ["0000", "010", "0x1F", "0o17", "+1", ".5", "1.", "-.inf", ".nan", "1e99999", "00123456", "-007"] {
            assert_eq!(core(text, Style::Plain), Core::OddNumber, "{text}");
            assert_eq!(core(text, Style::Quoted), Core::Text, "{text}");
        }
        for text in ["0", "-1", "1.50", "2e5", "12345678901234567890"] {
            assert_eq!(core(text, Style::Plain), Core::Number(Number::parse(text).unwrap()), "{text}");
        }
        for text in ["yes", "no", "on", "1.2.3.4", "2026-01-02", "12:30", "1_000", "e5", ".", "-", "0x", "8s", "NaN"] {
            assert_eq!(core(text, Style::Plain), Core::Text, "{text}");
        }
        assert_eq!(core("", Style::Plain), Core::Absent);
        assert_eq!(core("", Style::Quoted), Core::Text);
        assert_eq!(core("~", Style::Plain), Core::Null);
        assert_eq!(core("True", Style::Plain), Core::Bool(true));
    }
}
