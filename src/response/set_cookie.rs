//! One `Set-Cookie` header field (RFC 6265bis section 5.6).

mod date;

use std::fmt;

pub use crate::verdict::SameSite;
pub use date::parse_date;

/// Fields that are read of one reply; the rest is let go. Browsers keep 50 and more of a whole domain.
pub const MAX_SET_COOKIES: usize = 50;

/// RFC 6265bis section 5.6: name and value together.
pub(crate) const MAX_PAIR: usize = 4096;

/// RFC 6265bis section 5.6: a longer attribute value is no attribute.
const MAX_ATTRIBUTE: usize = 1024;

/// The whole field. Pair and attributes that count fit; padding does not matter.
const MAX_FIELD: usize = 8192;

/// A cookie as an upstream set it. Its value is a credential: `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct SetCookie {
    /// Its name, not empty.
    pub name: String,
    /// Its value as written, quotes included.
    pub value: String,
    /// The domain, lower case, without its leading dot; `None` is the host that answered.
    pub domain: Option<String>,
    /// The path, starting with `/`; `None` is the default path of the request.
    pub path: Option<String>,
    /// When it ends, seconds since 1970; `None` is the end of the session. `Max-Age` goes before `Expires`.
    pub expires: Option<i64>,
    /// Over TLS only.
    pub secure: bool,
    /// Not for scripts.
    pub http_only: bool,
    /// As written; `None` when absent or unknown.
    pub same_site: Option<SameSite>,
}

/// Why a field is no cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoCookie {
    /// No rule could name it, and no cookie header could carry it back.
    #[error("it is not UTF-8")]
    NotText,
    /// RFC 6265bis section 5.6 lets such a field go as a whole.
    #[error("it has a control character")]
    Control,
    /// Over the caps of this file.
    #[error("name and value are longer than {MAX_PAIR} bytes, or the field is longer than {MAX_FIELD}")]
    TooLong,
    /// Browsers keep a cookie without a name; nothing here could ask for it.
    #[error("it has no name")]
    Nameless,
}

impl SetCookie {
    /// Reads one field at `now` (seconds since 1970).
    pub fn parse(header: &[u8], now: i64) -> Result<Self, NoCookie> {
        if header.len() > MAX_FIELD {
            return Err(NoCookie::TooLong);
        }
        let text = std::str::from_utf8(header).map_err(|_| NoCookie::NotText)?;
        if text.chars().any(|c| c != '\t' && c.is_ascii_control()) {
            return Err(NoCookie::Control);
        }
        let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
        let (name, value) = pair.split_once('=').ok_or(NoCookie::Nameless)?;
        let (name, value) = (name.trim_matches(BLANK), value.trim_matches(BLANK));
        if name.is_empty() {
            return Err(NoCookie::Nameless);
        }
        if name.len() + value.len() > MAX_PAIR {
            return Err(NoCookie::TooLong);
        }
        let mut cookie = Self {
            name: name.to_owned(),
            value: value.to_owned(),
            domain: None,
            path: None,
            expires: None,
            secure: false,
            http_only: false,
            same_site: None,
        };
        let mut max_age = None;
        for attribute in attributes.split(';') {
            let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let value = value.trim_matches(BLANK);
            if value.len() > MAX_ATTRIBUTE {
                continue;
            }
            match name.trim_matches(BLANK).to_ascii_lowercase().as_str() {
                "max-age" => max_age = max_age_of(value).or(max_age),
                name => cookie.attribute(name, value),
            }
        }
        if let Some(seconds) = max_age {
            cookie.expires = Some(if seconds <= 0 { i64::MIN } else { now.saturating_add(seconds) });
        }
        Ok(cookie)
    }

    /// The last of each name counts.
    fn attribute(&mut self, name: &str, value: &str) {
        match name {
            "expires" => self.expires = parse_date(value).or(self.expires),
            "domain" => {
                let domain = value.strip_prefix('.').unwrap_or(value).to_ascii_lowercase();
                // An empty one is none at all (RFC 6265 section 5.2.3): it does not take back what stands before it.
                if !domain.is_empty() {
                    self.domain = Some(domain);
                }
            }
            "path" => self.path = value.starts_with('/').then(|| value.to_owned()),
            "secure" => self.secure = true,
            "httponly" => self.http_only = true,
            "samesite" => {
                self.same_site = match value.to_ascii_lowercase().as_str() {
                    "none" => Some(SameSite::None),
                    "lax" => Some(SameSite::Lax),
                    "strict" => Some(SameSite::Strict),
                    _ => None,
                }
            }
            _ => {}
        }
    }

    /// What a field would be named, as far as it is known, for a line about one that was dropped.
    pub fn name_of(header: &[u8]) -> String {
        // Longer than any real name; of a hostile one the rest tells nothing.
        const SHOWN: usize = 64;
        let pair = header.split(|byte| *byte == b';').next().unwrap_or_default();
        // Without a `=` all of it is a value, which must not be shown.
        let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(0);
        String::from_utf8_lossy(&pair[..end]).trim_matches(BLANK).chars().take(SHOWN).collect()
    }

    /// Whether `host`, as a URL has it, may not set it: the domain is not the host's own, or has no dot and so is everybody's.
    pub fn is_foreign_to(&self, host: &str) -> bool {
        let Some(domain) = self.domain.as_deref().filter(|domain| *domain != host) else { return false };
        !domain.contains('.') || !domain_matches(host, domain)
    }

    /// Whether it is over at `now`, seconds since 1970: this is how a server takes a cookie away.
    pub fn is_expired(&self, now: i64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// RFC 6265bis section 5.1.3. An IP address is in no domain: `10.0.0.1` is not below `0.0.1`.
pub(crate) fn domain_matches(host: &str, domain: &str) -> bool {
    match host.strip_suffix(domain) {
        Some("") => true,
        Some(below) => below.ends_with('.') && !is_address(host),
        None => false,
    }
}

/// Whether `host`, as a URL has it, is an IP address.
pub(crate) fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok()
}

const BLANK: [char; 2] = [' ', '\t'];

/// RFC 6265bis section 5.6.2: an optional `-` and digits; too many of them mean the longest time.
fn max_age_of(value: &str) -> Option<i64> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(value.parse().unwrap_or(if value.starts_with('-') { i64::MIN } else { i64::MAX }))
}

impl fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetCookie")
            .field("name", &self.name)
            .field("domain", &self.domain)
            .field("path", &self.path)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn parse(text: &str) -> Result<SetCookie, NoCookie> {
        SetCookie::parse(text.as_bytes(), NOW)
    }

    #[test]
    fn everything_that_a_field_can_say() {
        let field = "JSESSIONID=\"a b\"; Path=/app; domain=.Example.COM; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 \
                     GMT; Secure; HttpOnly; SameSite=lax; Priority=High";
        let cookie = parse(field).unwrap();
        assert_eq!((cookie.name.as_str(), cookie.value.as_str()), ("JSESSIONID", "\"a b\""));
        assert_eq!((cookie.domain.as_deref(), cookie.path.as_deref()), (Some("example.com"), Some("/app")));
        assert_eq!((cookie.expires, cookie.same_site), (Some(NOW + 60), Some(SameSite::Lax)));
        assert!(cookie.secure && cookie.http_only && !cookie.is_expired(NOW));
        assert!(!format!("{cookie:?}").contains("a b"));
    }

    #[test]
    fn what_takes_a_cookie_away() {
        for (field, expired) in [
            ("a=b", false),
            ("a=b; Max-Age=0", true),
            ("a=b; Max-Age=-1", true),
            ("a=b; max-age=1", false),
            ("a=b; Max-Age=-99999999999999999999", true),
            ("a=b; Max-Age=99999999999999999999", false),
            ("a=b; Max-Age=0x", false),
            ("a=b; Max-Age=", false),
            ("a=b; Max-Age=0; Max-Age=junk", true),
            ("a=b; Expires=Thu, 01 Jan 1970 00:00:10 GMT", true),
            ("a=b; Expires=Thu, 01 Jan 1970 00:00:10 GMT; Max-Age=9", false),
            ("a=b; Max-Age=9; Expires=Thu, 01 Jan 1970 00:00:10 GMT", false),
            ("a=b; Expires=Tue, 01 Jan 2999 00:00:10 GMT; Max-Age=0", true),
            ("a=b; Expires=never", false),
            ("rememberMe=deleteMe; Path=/; Max-Age=0; Expires=Sun, 01-Jan-2023 00:00:00 GMT; SameSite=lax", true),
        ] {
            assert_eq!(parse(field).unwrap().is_expired(NOW), expired, "{field}");
        }
    }

    #[test]
    fn what_is_no_cookie() {
        let long = format!("a={}", "b".repeat(MAX_PAIR));
        for (field, why) in [
            ("", NoCookie::Nameless),
            ("a", NoCookie::Nameless),
            (";a=b", NoCookie::Nameless),
            ("=a", NoCookie::Nameless),
            (" = ", NoCookie::Nameless),
            ("a=b\0", NoCookie::Control),
            ("a=b\r\nx", NoCookie::Control),
            ("a\u{7f}=b", NoCookie::Control),
            (long.as_str(), NoCookie::TooLong),
        ] {
            assert_eq!(parse(field), Err(why), "{field:.40}");
        }
        assert_eq!(SetCookie::parse(b"a=\xff", NOW), Err(NoCookie::NotText));
        assert_eq!(SetCookie::parse(&[b'a'; MAX_FIELD + 1], NOW), Err(NoCookie::TooLong));
        let names = [&b" sid =1"[..], b"value; a=b", b"value", b"a\xff=1"].map(SetCookie::name_of);
        assert_eq!(names, ["sid", "", "", "a\u{fffd}"]);
        let padded = format!("a=b; Path=/{}; Domain=x", "c".repeat(MAX_ATTRIBUTE));
        let cookie = parse(&padded).unwrap();
        assert_eq!((cookie.path, cookie.domain.as_deref()), (None, Some("x")));
    }
}
