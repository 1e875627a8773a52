//! From bytes to text, without ever guessing a character.
//!
//! The order is BOM, then the header, then the declaration inside XML or HTML, then UTF-8. A sequence that is not
//! valid in that charset makes the body undecodable: a replacement character would let two different replies look
//! the same to a rule.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// How far into a body a declaration is looked for (WHATWG HTML section 13.2.3.2 has browsers look that far).
const DECLARATION_WINDOW: usize = 1024;

/// Which charset a reply is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReplyCharset {
    /// What the reply itself says.
    #[default]
    Auto,
    /// What the connector says, whatever the reply claims.
    Named(&'static Encoding),
}

impl ReplyCharset {
    /// Reads a name as connectors write it: `auto` or a label of the WHATWG encoding standard (`gbk`, `big5`).
    /// `None` for a label that names no charset, and for those that the standard maps to "replacement".
    pub fn parse(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("auto") {
            return Some(Self::Auto);
        }
        Encoding::for_label_no_replacement(name.as_bytes()).map(Self::Named)
    }

    /// The charset of a body and the number of bytes of its BOM. `markup` says whether the body may carry a
    /// declaration. An unknown label is skipped, as in browsers.
    pub(super) fn of(self, content_type: Option<&str>, body: &[u8], markup: bool) -> (&'static Encoding, usize) {
        let bom = Encoding::for_bom(body);
        match (self, bom) {
            (Self::Named(encoding), Some((marked, length))) if marked == encoding => return (encoding, length),
            (Self::Named(encoding), _) => return (encoding, 0),
            (Self::Auto, Some(marked)) => return marked,
            (Self::Auto, None) => {}
        }
        let header = content_type.and_then(|value| parameter(value, "charset"));
        let declared = || if markup { declaration(body) } else { None };
        let encoding = header.and_then(|label| Encoding::for_label(label.as_bytes())).or_else(declared);
        (encoding.unwrap_or(UTF_8), 0)
    }
}

/// Decodes; `None` when a sequence is invalid.
pub(super) fn decode<'b>(encoding: &'static Encoding, bytes: &'b [u8]) -> Option<Cow<'b, str>> {
    encoding.decode_without_bom_handling_and_without_replacement(bytes)
}

/// A parameter of a media type (RFC 9110 section 8.3.1), its quotes removed. Values with escapes name no charset.
fn parameter<'v>(content_type: &'v str, name: &str) -> Option<&'v str> {
    content_type.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

/// The declaration in `<?xml … encoding="…"?>`, `<meta charset=…>` or `<meta … content="…; charset=…">`.
///
/// It could be read as ASCII, so a declared UTF-16 is not true; such a body is UTF-8 (WHATWG HTML section 13.2.3.2;
/// .NET writes such XML).
fn declaration(body: &[u8]) -> Option<&'static Encoding> {
    let window = &body[..body.len().min(DECLARATION_WINDOW)];
    let window = String::from_utf8_lossy(window).to_ascii_lowercase();
    let label = xml_label(&window).or_else(|| meta_label(&window))?;
    let encoding = Encoding::for_label(label.as_bytes())?;
    Some(if encoding == UTF_16LE || encoding == UTF_16BE { UTF_8 } else { encoding })
}

fn xml_label(window: &str) -> Option<&str> {
    let (head, _) = window.trim_start().strip_prefix("<?xml")?.split_once("?>")?;
    let value = head.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value[1..].split_once(quote).map(|(label, _)| label)
}

fn meta_label(window: &str) -> Option<&str> {
    window.split("<meta").skip(1).find_map(|rest| {
        let tag = rest.split('>').next()?;
        let value = tag.split_once("charset")?.1.trim_start().strip_prefix('=')?.trim_start();
        let value = value.trim_start_matches(['"', '\'']);
        let label = value.split(['"', '\'', ';', '/', ' ', '\t', '\r', '\n']).next()?;
        (!label.is_empty()).then_some(label)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(content_type: Option<&str>, body: &[u8]) -> &'static str {
        ReplyCharset::Auto.of(content_type, body, true).0.name()
    }

    #[test]
    fn the_first_that_speaks_decides() {
        let gbk_page = b"<meta charset=gbk>";
        for (content_type, body, wanted) in [
            (None, &b"\xef\xbb\xbf<meta charset=gbk>"[..], "UTF-8"),
            (Some("text/html; charset=big5"), &b"\xff\xfe<\0"[..], "UTF-16LE"),
            (Some("text/html; charset=Big5"), gbk_page, "Big5"),
            (Some("text/html;charset=\"gb18030\""), gbk_page, "gb18030"),
            (Some("text/html; Charset = GB2312 ; x=y"), gbk_page, "GBK"),
            (Some("text/html; charset=nonsense"), gbk_page, "GBK"),
            (Some("text/html"), gbk_page, "GBK"),
            (None, br#"<html><META HTTP-EQUIV="Content-Type" content="text/html; charset=Big5">"#, "Big5"),
            (None, br#"<?xml version="1.0" encoding='GB2312'?><a/>"#, "GBK"),
            (None, br#"<?xml version="1.0" encoding="utf-16"?><a/>"#, "UTF-8"),
            (None, br#"<?xml version="1.0"?><a encoding="gbk"/>"#, "UTF-8"),
            (None, b"<meta name=x><p>charset=gbk", "UTF-8"),
            (None, b"", "UTF-8"),
        ] {
            assert_eq!(name(content_type, body), wanted, "{content_type:?} {body:?}");
        }
        assert_eq!(ReplyCharset::Auto.of(None, gbk_page, false).0, UTF_8);
    }

    #[test]
    fn a_named_charset_wins_and_drops_its_own_bom_only() {
        let gbk = ReplyCharset::parse("GBK").unwrap();
        assert_eq!(gbk.of(Some("text/plain; charset=utf-8"), b"\xef\xbb\xbfx", false), (encoding_rs::GBK, 0));
        let utf8 = ReplyCharset::parse("utf-8").unwrap();
        assert_eq!(utf8.of(None, b"\xef\xbb\xbfx", false), (UTF_8, 3));
        assert_eq!(ReplyCharset::parse("auto"), Some(ReplyCharset::Auto));
        assert_eq!(ReplyCharset::parse("iso-2022-kr"), None);
        assert_eq!(ReplyCharset::parse("latin-99"), None);
    }

    #[test]
    fn an_invalid_sequence_is_never_replaced() {
        for (encoding, bytes) in [
            (UTF_8, &b"a\xff"[..]),
            (UTF_8, b"\xed\xa0\x80"),
            (encoding_rs::GBK, b"\xd6"),
            (encoding_rs::GB18030, b"\x81\x30\x81"),
            (encoding_rs::BIG5, b"\xa4\xff"),
            (UTF_16LE, b"\x00\xd8"),
            (UTF_16LE, b"a"),
        ] {
            assert_eq!(decode(encoding, bytes), None, "{} {bytes:?}", encoding.name());
        }
        assert_eq!(decode(encoding_rs::GBK, b"\xd6\xd0\xce\xc4").unwrap(), "中文");
        assert_eq!(decode(encoding_rs::BIG5, b"\xa4\xa4\xa4\xe5").unwrap(), "中文");
        assert_eq!(decode(UTF_16BE, b"\x4e\x2d\x65\x87").unwrap(), "中文");
    }
}
