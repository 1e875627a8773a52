//! The charset in which a request's text goes out, exact or not at all.
//!
//! `encoding_rs` follows the WHATWG Encoding Standard, whose encoders replace what a charset lacks and whose Japanese
//! encoders turn `¥` into a backslash. Here a text is encoded only when decoding gives the same text back.

use std::borrow::Cow;
use std::fmt::Write as _;

use encoding_rs::{Encoding, UTF_8};

/// A charset that keeps ASCII as it is and has no state between characters, so that texts can be encoded piece by
/// piece and the syntax around them stays what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

impl Charset {
    /// What requests use unless they say otherwise.
    pub const UTF_8: Self = Self(UTF_8);

    /// The charset of a WHATWG label (`gbk`, `gb18030`, `big5`, …). `None` for an unknown label, for UTF-16 and
    /// ISO-2022-JP, which are not ASCII with additions, and for labels that stand for no charset.
    pub fn parse(label: &str) -> Option<Self> {
        let encoding = Encoding::for_label_no_replacement(label.as_bytes())?;
        let fits = encoding.is_ascii_compatible() && encoding.output_encoding() == encoding;
        // `x-user-defined` exists for a trick of XMLHttpRequest, no server reads it.
        (fits && encoding != encoding_rs::X_USER_DEFINED).then_some(Self(encoding))
    }

    /// The name for a `charset=` parameter or an XML declaration.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Whether text goes out as it is.
    pub fn is_utf8(self) -> bool {
        self.0 == UTF_8
    }

    /// Appends `text` in this charset; `false`, with `out` unchanged, when the charset cannot carry all of it.
    #[must_use]
    pub fn write(self, text: &str, out: &mut Vec<u8>) -> bool {
        if self.is_utf8() || text.is_ascii() {
            out.extend_from_slice(text.as_bytes());
            return true;
        }
        let (bytes, _, replaced) = self.0.encode(text);
        if replaced || self.0.decode_without_bom_handling_and_without_replacement(&bytes).as_deref() != Some(text) {
            return false;
        }
        out.extend_from_slice(&bytes);
        true
    }

    /// The bytes of `text` as a browser submits a form: what the charset lacks is a reference (`&#128512;`). For values
    /// that came from the server, which knows what it wrote; what a user typed is never replaced.
    pub(crate) fn encode_as_form(self, text: &str) -> Vec<u8> {
        self.0.encode(text).0.into_owned()
    }

    /// JSON `text` (RFC 8259) in which no character that this charset writes with a byte of ASCII is left: it is `\uXXXX`
    /// instead, for a parser that reads bytes takes the second byte of `誠` in GBK for a backslash. Characters that the
    /// charset lacks stay, and are refused when it is written.
    pub(crate) fn json_safe(self, text: &str) -> Cow<'_, str> {
        if !self.mixes_in_ascii(text) {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len() * 2);
        for c in text.chars() {
            let mut utf8 = [0; 4];
            if self.mixes_in_ascii(c.encode_utf8(&mut utf8)) {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            } else {
                out.push(c);
            }
        }
        Cow::Owned(out)
    }

    /// Whether a character of `text` that is not ASCII has a byte of ASCII in this charset.
    pub(crate) fn mixes_in_ascii(self, text: &str) -> bool {
        if self.is_utf8() || text.is_ascii() {
            return false;
        }
        let ascii = |bytes: &[u8]| bytes.iter().filter(|byte| byte.is_ascii()).count();
        let known = |bytes: Vec<u8>| ascii(&bytes) > ascii(text.as_bytes());
        match self.encode(text) {
            Some(bytes) => known(bytes),
            // A character that the charset lacks hides the others.
            None => text
                .chars()
                .any(|c| !c.is_ascii() && self.encode(&c.to_string()).is_some_and(|bytes| ascii(&bytes) > 0)),
        }
    }

    /// The text that a server reads in `bytes`; what is no text of this charset is replaced.
    pub(crate) fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        self.0.decode_without_bom_handling(bytes).0
    }

    /// The charset of `encode`, if it is one that requests could use.
    pub(super) fn of(encoding: &'static Encoding) -> Option<Self> {
        Self::parse(encoding.name())
    }

    /// The bytes of `text`; `None` when the charset cannot carry all of it.
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(text.len());
        self.write(text, &mut bytes).then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::Charset;

    #[test]
    fn labels() {
        assert_eq!(Charset::parse("GB2312").unwrap().name(), "GBK");
        assert_eq!(Charset::parse("gb18030").unwrap().name(), "gb18030");
        assert_eq!(Charset::parse("big5").unwrap().name(), "Big5");
        assert!(Charset::parse("utf8").unwrap().is_utf8());
        for bad in ["utf-16", "iso-2022-jp", "replacement", "x-user-defined", "klingon", ""] {
            assert!(Charset::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn exact_or_not_at_all() {
        let gbk = Charset::parse("gbk").unwrap();
        assert_eq!(gbk.encode("中a").unwrap(), b"\xd6\xd0a");
        assert!(gbk.encode("😀").is_none());
        // The WHATWG encoder writes a backslash for the yen sign, which would end a JSON escape.
        assert!(Charset::parse("shift_jis").unwrap().encode("¥").is_none());
    }

    #[test]
    fn json_has_no_byte_of_ascii_from_another_character() {
        for (label, text, wanted) in [
            ("gbk", "\"誠中a\\n\"", "\"\\u8aa0中a\\n\""),
            ("big5", "功", "\\u529f"),
            ("shift_jis", "ソあｱ", "\\u30bdあｱ"),
            // Four bytes, two of them digits.
            ("gb18030", "😀中", "\\ud83d\\ude00中"),
            ("utf-8", "誠😀", "誠😀"),
            // What the charset lacks is left to be refused.
            ("gbk", "誠😀", "\\u8aa0😀"),
            ("shift_jis", "¥", "¥"),
        ] {
            let charset = Charset::parse(label).unwrap();
            assert_eq!(charset.json_safe(text), wanted, "{label}");
        }
    }
}
