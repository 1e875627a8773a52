//! The cookies of a browser: which browser it is, and the session that it has.
//!
//! Over TLS both have the prefix `__Host-`: no other host, and no page in clear, can set or change them. Both are HttpOnly, and
//! Lax: a link from elsewhere brings them, a form from elsewhere does not.

use http::{HeaderMap, HeaderValue, header};

use crate::clock::Ambient;
use crate::crypto::digest::{Algorithm, digest};
use crate::crypto::encoding::base64url_encode;
use crate::secret::Secret;

/// The names of the cookies, which depend on whether the page is under TLS.
#[derive(Debug, Clone, Copy)]
pub(super) struct CookieNames {
    secure: bool,
}

/// What a browser shows.
pub(super) struct Browser {
    /// Which browser it is; `None` when it has no cookie yet.
    pub secret: Option<Secret>,
    /// The session, not verified.
    pub session: Option<Secret>,
}

impl CookieNames {
    pub(super) fn of(url: &url::Url) -> Self {
        Self { secure: url.scheme() == "https" }
    }

    fn browser(self) -> &'static str {
        if self.secure { "__Host-doorward-browser" } else { "doorward-browser" }
    }

    fn session(self) -> &'static str {
        if self.secure { "__Host-doorward-session" } else { "doorward-session" }
    }

    /// What the request shows. A cookie that comes twice counts as none: one of the two may be somebody else's.
    pub(super) fn read(self, headers: &HeaderMap) -> Browser {
        let of = |name: &str| {
            let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
            let pairs = pairs.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
            let mut found = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
            match (found.next(), found.next()) {
                (Some(value), None) if !value.is_empty() => Some(Secret::new(value)),
                _ => None,
            }
        };
        Browser { secret: of(self.browser()), session: of(self.session()) }
    }

    /// A new secret for a browser, and the header that sets it.
    pub(super) fn draw(self, ambient: &dyn Ambient) -> (Secret, HeaderValue) {
        let mut bytes = [0; 16];
        ambient.fill(&mut bytes);
        let secret = Secret::new(base64url_encode(&bytes));
        let set = self.set(self.browser(), secret.expose(), "");
        (secret, set)
    }

    /// Gives the browser its session, until the browser is closed: the session's own end is the daemon's to keep.
    pub(super) fn give_session(self, cookie: &Secret) -> HeaderValue {
        self.set(self.session(), cookie.expose(), "")
    }

    pub(super) fn take_session(self) -> HeaderValue {
        self.set(self.session(), "", "; Max-Age=0")
    }

    fn set(self, name: &str, value: &str, more: &str) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
        // Names are ours, values base64url.
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// A browser as steps name it.
pub(super) fn hash(secret: &Secret) -> [u8; 16] {
    let named = digest(Algorithm::Sha256, format!("doorward browser\0{}", secret.expose()).as_bytes());
    let mut hash = [0; 16];
    hash.copy_from_slice(&named[..16]);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::System;

    fn names(url: &str) -> CookieNames {
        CookieNames::of(&url.parse().unwrap())
    }

    #[test]
    fn a_cookie_that_comes_twice_is_none() {
        let names = names("http://127.0.0.1:1");
        let of = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, HeaderValue::from_static(line));
            }
            names.read(&headers).secret.map(|secret| secret.expose().to_owned())
        };
        assert_eq!(of(&["a=1; doorward-browser=x; b=2"]).as_deref(), Some("x"));
        for none in [
            &["doorward-browser=x; doorward-browser=y"][..],
            &["doorward-browser=x", "doorward-browser=x"],
            &["doorward-browser="],
            &["Doorward-Browser=x"],
            &[],
        ] {
            assert_eq!(of(none), None, "{none:?}");
        }
    }

    #[test]
    fn under_tls_no_other_host_can_set_one() {
        let (_, set) = names("https://sso.example.com").draw(&System);
        let set = set.to_str().unwrap();
        assert!(
            set.starts_with("__Host-doorward-browser=") && set.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
            "{set}"
        );
    }
}
