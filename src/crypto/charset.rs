//! Text to bytes of a named charset: the WHATWG encodings, and UTF-16 which that standard only decodes.
//!
//! A character that a charset lacks is refused, never replaced: a replaced character in a password is another password.

use encoding_rs::{EncoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Why a text could not be written in a charset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CharsetError {
    /// No charset of that name.
    #[error("no such charset; use one of utf-8, gbk, gb18030, big5, shift_jis, euc-kr, iso-8859-1, utf-16le, utf-16be")]
    UnknownCharset,
    /// The charset has no such character. Which one is not said: the text may be a password.
    #[error("the text has a character that the charset lacks")]
    Unmappable,
}

/// A charset by name: any label of the WHATWG Encoding Standard, case-insensitive.
pub fn charset(label: &str) -> Result<&'static Encoding, CharsetError> {
    Encoding::for_label(label.as_bytes()).ok_or(CharsetError::UnknownCharset)
}

/// `text` in `charset`, without a byte order mark.
pub fn encode(charset: &'static Encoding, text: &str) -> Result<Vec<u8>, CharsetError> {
    if charset == UTF_8 {
        return Ok(text.as_bytes().to_vec());
    }
    if charset == UTF_16LE {
        return Ok(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    }
    if charset == UTF_16BE {
        return Ok(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
    }
    let mut encoder = charset.new_encoder();
    let mut out = Vec::new();
    let mut rest = text;
    loop {
        let room =
            encoder.max_buffer_length_from_utf8_without_replacement(rest.len()).ok_or(CharsetError::Unmappable)?;
        out.reserve(room);
        let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(rest, &mut out, true);
        match result {
            // The Japanese encoders write `¥` as a backslash; such a character is lacking, too.
            EncoderResult::InputEmpty if is_exact(charset, &out, text) => return Ok(out),
            EncoderResult::InputEmpty | EncoderResult::Unmappable(_) => return Err(CharsetError::Unmappable),
            EncoderResult::OutputFull => rest = &rest[read..],
        }
    }
}

fn is_exact(charset: &'static Encoding, bytes: &[u8], text: &str) -> bool {
    text.is_ascii() || charset.decode_without_bom_handling_and_without_replacement(bytes).as_deref() == Some(text)
}

#[cfg(test)]
mod tests {
    use super::{CharsetError, charset, encode};

    fn bytes(label: &str, text: &str) -> Result<Vec<u8>, CharsetError> {
        charset(label).and_then(|it| encode(it, text))
    }

    #[test]
    fn chinese_text_in_the_charsets_of_4a_systems() {
        assert_eq!(bytes("GBK", "中文"), Ok(vec![0xd6, 0xd0, 0xce, 0xc4]));
        assert_eq!(bytes("big5", "中文"), Ok(vec![0xa4, 0xa4, 0xa4, 0xe5]));
        assert_eq!(bytes("gb18030", "😀"), Ok(vec![0x94, 0x39, 0xfc, 0x36]));
        assert_eq!(bytes("utf-16le", "a"), Ok(vec![0x61, 0]));
        assert_eq!(bytes("utf-16be", "a"), Ok(vec![0, 0x61]));
    }

    #[test]
    fn a_character_that_the_charset_lacks_is_refused() {
        assert_eq!(bytes("gbk", "😀"), Err(CharsetError::Unmappable));
        assert_eq!(bytes("shift_jis", "¥"), Err(CharsetError::Unmappable), "WHATWG writes a backslash");
        assert_eq!(bytes("ebcdic", "a"), Err(CharsetError::UnknownCharset));
    }
}
