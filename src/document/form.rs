//! `a=1&b=2`: names and values of a form, in any ASCII-compatible charset.
//!
//! Stricter than a browser: an invalid escape, bytes that are not valid in the charset and a duplicate name are errors,
//! because a rule must not read one of two answers.

use encoding_rs::{Encoding, UTF_8};
use indexmap::IndexMap;

use super::MembersError;
use crate::percent;

/// What to do with pieces that are not `name=value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gaps {
    /// As the WHATWG URL standard section 5.1 says: an empty piece is skipped, a name alone has an empty value.
    Allow,
    /// An empty piece is skipped. A name alone is an error, because any text would be a form.
    Empty,
    /// Both are errors.
    Refuse,
}

/// Reads a form. The bytes may be split before they are decoded: in no such charset is `&`, `=`, `+` or `%` part of a
/// longer character. The caller converts UTF-16 to UTF-8 first.
pub fn from_form(
    body: &[u8],
    encoding: &'static Encoding,
    gaps: Gaps,
) -> Result<IndexMap<String, String>, MembersError> {
    let encoding = if encoding.is_ascii_compatible() { encoding } else { UTF_8 };
    let mut members = IndexMap::new();
    for piece in body.split(|byte| *byte == b'&') {
        let equals = piece.iter().position(|byte| *byte == b'=');
        let (name, value) = match (equals, gaps) {
            (Some(at), _) => (&piece[..at], &piece[at + 1..]),
            (None, Gaps::Allow | Gaps::Empty) if piece.is_empty() => continue,
            (None, Gaps::Allow) => (piece, &piece[..0]),
            (None, Gaps::Empty | Gaps::Refuse) => return Err(MembersError::Malformed("a part without `=`")),
        };
        super::pairs::add(&mut members, decode(name, encoding)?, decode(value, encoding)?)?;
    }
    Ok(members)
}

/// Undoes `+` and `%XX`, then the charset.
fn decode(component: &[u8], encoding: &'static Encoding) -> Result<String, MembersError> {
    let spaced: Vec<u8> = component.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let bytes = percent::decode(&spaced).ok_or(MembersError::Malformed("a `%` without two hex digits"))?;
    let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes);
    text.map(std::borrow::Cow::into_owned).ok_or(MembersError::Malformed("bytes that are no text in the charset"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &[u8], encoding: &'static Encoding, gaps: Gaps) -> Result<Vec<(String, String)>, MembersError> {
        from_form(body, encoding, gaps).map(|members| members.into_iter().collect())
    }

    fn pairs(members: &[(&str, &str)]) -> Vec<(String, String)> {
        members.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn names_and_values() {
        for (body, encoding, wanted) in [
            (&b"a=1&b=x%20y+z&c=%E4%B8%AD"[..], UTF_8, pairs(&[("a", "1"), ("b", "x y z"), ("c", "中")])),
            (b"a=b=c&d=", UTF_8, pairs(&[("a", "b=c"), ("d", "")])),
            (b"&a=1&&flag&", UTF_8, pairs(&[("a", "1"), ("flag", "")])),
            (b"", UTF_8, pairs(&[])),
            (b"m=%D6%D0%CE%C4", encoding_rs::GBK, pairs(&[("m", "中文")])),
            (b"m=\xd6\xd0%CE\xc4", encoding_rs::GBK, pairs(&[("m", "中文")])),
            // The second byte of a GBK character may be a letter, which some encoders leave as it is.
            (b"m=%81A", encoding_rs::GBK, pairs(&[("m", "丄")])),
            (b"m=%E4%B8%AD", encoding_rs::UTF_16LE, pairs(&[("m", "中")])),
        ] {
            assert_eq!(read(body, encoding, Gaps::Allow), Ok(wanted), "{body:?}");
        }
    }

    #[test]
    fn doubt_is_an_error() {
        for body in [&b"a=1&a=1"[..], b"a=1&%61=2", b"a=%", b"a=%4", b"a=%4g", b"a=%+1", b"a=%ff", b"=x", b"a=\xff"] {
            assert!(read(body, UTF_8, Gaps::Allow).is_err(), "{body:?}");
        }
        for body in [&b"a"[..], b"a=1&flag", b"System maintenance"] {
            assert!(read(body, UTF_8, Gaps::Empty).is_err(), "{body:?}");
        }
        assert_eq!(read(b"&a=1&&b=&", UTF_8, Gaps::Empty), Ok(pairs(&[("a", "1"), ("b", "")])));
        for body in [&b""[..], b"a", b"a=1&", b"a=1&&b=2"] {
            assert!(read(body, UTF_8, Gaps::Refuse).is_err(), "{body:?}");
        }
    }
}
