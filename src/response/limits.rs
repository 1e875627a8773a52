//! Caps on the header section of a reply.
//!
//! The transport's HTTP parser has its own, wider ones; these are what a login may have, and a reply beyond them is
//! unavailable like one whose body is too large.

use http::header::{HeaderMap, SET_COOKIE};

use crate::response::set_cookie::MAX_SET_COOKIES;

/// Header fields of a reply. Behind several gateways there are about 40.
pub const MAX_HEADERS: usize = 128;

/// Bytes of all names and values together. Fifty cookies of a kilobyte fit; common servers stop at 8 to 16 KiB.
pub const MAX_HEADER_BYTES: usize = 64 * 1024;

/// Which cap a reply is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeadersTooLarge {
    /// More than [`MAX_HEADERS`].
    #[error("the reply has more than {MAX_HEADERS} header fields")]
    Fields,
    /// More than [`MAX_HEADER_BYTES`].
    #[error("the reply's header fields are larger than {MAX_HEADER_BYTES} bytes")]
    Bytes,
    /// More than [`MAX_SET_COOKIES`].
    #[error("the reply sets more than {MAX_SET_COOKIES} cookies")]
    Cookies,
}

/// Checks a header section before anything reads it, and says how many bytes it has.
pub fn check_headers(headers: &HeaderMap) -> Result<usize, HeadersTooLarge> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > MAX_HEADERS {
        Err(HeadersTooLarge::Fields)
    } else if bytes > MAX_HEADER_BYTES {
        Err(HeadersTooLarge::Bytes)
    } else if headers.get_all(SET_COOKIE).iter().count() > MAX_SET_COOKIES {
        Err(HeadersTooLarge::Cookies)
    } else {
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn each_cap() {
        let value = |text: &str| HeaderValue::from_str(text).unwrap();
        let mut headers = HeaderMap::new();
        for _ in 0..MAX_SET_COOKIES {
            headers.append(SET_COOKIE, value("a=b"));
        }
        assert_eq!(check_headers(&headers), Ok(MAX_SET_COOKIES * "set-cookiea=b".len()));
        headers.append(SET_COOKIE, value("a=b"));
        assert_eq!(check_headers(&headers), Err(HeadersTooLarge::Cookies));
        headers.insert(SET_COOKIE, value(&"a".repeat(MAX_HEADER_BYTES)));
        assert_eq!(check_headers(&headers), Err(HeadersTooLarge::Bytes));
        for _ in 0..MAX_HEADERS {
            headers.append("x", value(""));
        }
        assert_eq!(check_headers(&headers), Err(HeadersTooLarge::Fields));
    }
}
