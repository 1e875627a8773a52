//! Percent-encoding (RFC 3986 section 2.1), once for templates, filters, scripts, forms and proxies.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// All but RFC 3986 `unreserved`, a space as `%20`: the one spelling that RFC 3986, HTML form decoders and naive decoders read
/// alike.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Appends the bytes, encoded so that they fit any component of a URL.
pub fn encode_into(bytes: &[u8], out: &mut Vec<u8>) {
    for part in percent_encode(bytes, RESERVED) {
        out.extend_from_slice(part.as_bytes());
    }
}

/// The bytes, encoded so that they fit any component of a URL.
pub fn encode(bytes: &[u8]) -> String {
    percent_encode(bytes, RESERVED).to_string()
}

/// Undoes the encoding; `None` when two hexadecimal digits do not follow a `%`. A `+` stays a `+`.
pub fn decode(bytes: &[u8]) -> Option<Vec<u8>> {
    let is_whole = |rest: &[u8]| matches!(rest, [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit());
    let mut signs = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    signs.all(|(at, _)| is_whole(&bytes[at + 1..])).then(|| decode_leniently(bytes))
}

/// Undoes the encoding; a `%` without two hexadecimal digits stands for itself.
pub fn decode_leniently(bytes: &[u8]) -> Vec<u8> {
    percent_encoding::percent_decode(bytes).collect()
}
