//! The charset in which a request's text goes out, exact or not at all.
//!
//! `encoding_rs` follows the WHATWG Encoding Standard, whose encoders replace what a charset lacks and whose Japanese
//! encoders turn `¥` into a backslash. Here a text is encoded only when decoding gives the same text back.

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
}
