//! The cookies of one login.
//!
//! Small on purpose: it is kept, sealed, while a challenge is open. What a field means is `response::set_cookie`'s,
//! what may be kept and sent is `rules`'.

use http::header::{HeaderMap, SET_COOKIE};
use serde::{Deserialize, Serialize};
use url::Url;

use super::rules::{self, Refusal};
use crate::response::set_cookie::{MAX_SET_COOKIES, SetCookie};
use crate::secret::Secret;

/// What browsers keep of one domain at least (RFC 6265bis section 6.1); a login of several hosts needs no more.
pub const MAX_COOKIES: usize = 50;

/// Names, values, domains and paths together. Common servers take 8 to 16 KiB of headers, and the state of a challenge,
/// of which the jar is a part, has 64 KiB.
pub const MAX_JAR_BYTES: usize = 32 * 1024;

/// RFC 6265bis section 5.5: no cookie lives longer than 400 days.
const MAX_AGE: i64 = 400 * 86_400;

/// A cookie that is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Cookie {
    pub(super) name: String,
    #[serde(with = "in_clear")]
    pub(super) value: Secret,
    domain: String,
    /// It goes to `domain` and to no host below it.
    host_only: bool,
    path: String,
    secure: bool,
    /// Seconds since 1970; `None` is the end of the login.
    pub(super) expires: Option<i64>,
    /// Counts the cookies that were set: of two of one name the later one has the higher number.
    pub(super) set: u32,
}

impl Cookie {
    pub(super) fn is_over(&self, now: i64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    fn size(&self) -> usize {
        self.name.len() + self.value.expose().len() + self.domain.len() + self.path.len()
    }

    /// What makes two cookies one: the later of them replaces the earlier.
    fn same(&self, other: &Self) -> bool {
        (&self.name, &self.domain, self.host_only, &self.path)
            == (&other.name, &other.domain, other.host_only, &other.path)
    }

    fn goes_to(&self, host: &str, url: &Url) -> bool {
        let domain = if self.host_only { host == self.domain } else { rules::domain_matches(host, &self.domain) };
        domain && rules::path_matches(url.path(), &self.path) && (!self.secure || rules::is_secure(url))
    }
}

/// A cookie that a reply set and that was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Its name; empty when it has none.
    pub name: String,
    /// Why.
    pub why: Refusal,
}

/// The cookies of one login, in the order in which they were first set.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Jar {
    pub(super) cookies: Vec<Cookie>,
    sets: u32,
}

impl Jar {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.cookies.is_empty()
    }

    /// Takes what a reply from `url` sets, at `now` (seconds since 1970). Says what it did not take; a cookie that the
    /// reply ends is gone and not among these.
    pub fn store(&mut self, headers: &HeaderMap, url: &Url, now: i64) -> Vec<Dropped> {
        let mut dropped = Vec::new();
        let mut fields = headers.get_all(SET_COOKIE).iter();
        for field in fields.by_ref().take(MAX_SET_COOKIES) {
            if let Err(why) = self.take(field.as_bytes(), url, now) {
                dropped.push(Dropped { name: SetCookie::name_of(field.as_bytes()), why });
            }
        }
        match fields.count() {
            0 => {}
            more => dropped.push(Dropped { name: String::new(), why: Refusal::TooMany { more } }),
        }
        dropped
    }

    /// The value of every cookie, wherever it goes.
    pub fn values(&self) -> impl Iterator<Item = &Secret> {
        self.cookies.iter().map(|cookie| &cookie.value)
    }

    /// What a request to `url` carries, in the order of the header (section 5.8.3): the longest path first, then the
    /// oldest.
    pub fn for_request(&self, url: &Url, now: i64) -> Vec<(&str, &Secret)> {
        let Some(host) = url.host_str().filter(|_| !self.is_empty()) else { return Vec::new() };
        let mut cookies: Vec<&Cookie> =
            self.cookies.iter().filter(|cookie| !cookie.is_over(now) && cookie.goes_to(host, url)).collect();
        cookies.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        cookies.into_iter().map(|cookie| (cookie.name.as_str(), &cookie.value)).collect()
    }

    fn take(&mut self, field: &[u8], url: &Url, now: i64) -> Result<(), Refusal> {
        let cookie = SetCookie::parse(field, now)?;
        let host = url.host_str().unwrap_or_default();
        let (domain, host_only) = rules::domain(&cookie, host)?;
        if cookie.secure && !rules::is_secure(url) {
            return Err(Refusal::SecureInClear);
        }
        rules::prefix(&cookie, host_only)?;
        self.sets = self.sets.saturating_add(1);
        let cookie = Cookie {
            name: cookie.name,
            value: Secret::new(cookie.value),
            path: cookie.path.unwrap_or_else(|| rules::default_path(url.path()).to_owned()),
            domain,
            host_only,
            secure: cookie.secure,
            expires: cookie.expires.map(|expires| expires.min(now.saturating_add(MAX_AGE))),
            set: self.sets,
        };
        if !rules::is_secure(url) && self.cookies.iter().any(|secure| hides(&cookie, secure)) {
            return Err(Refusal::HidesSecure);
        }
        self.keep(cookie, now)
    }

    /// Puts a cookie in, in the place of the one that it replaces; one that is over, or too large, only takes that one
    /// away: what the server replaced is worth nothing any more.
    fn keep(&mut self, cookie: Cookie, now: i64) -> Result<(), Refusal> {
        self.cookies.retain(|kept| !kept.is_over(now));
        let place = self.cookies.iter().position(|kept| kept.same(&cookie));
        if let Some(place) = place {
            self.cookies.remove(place);
        }
        if cookie.is_over(now) {
            return Ok(());
        }
        let bytes: usize = self.cookies.iter().map(Cookie::size).sum();
        if self.cookies.len() == MAX_COOKIES || bytes + cookie.size() > MAX_JAR_BYTES {
            return Err(Refusal::Full);
        }
        self.cookies.insert(place.unwrap_or(self.cookies.len()), cookie);
        Ok(())
    }
}

/// Whether `new`, which came over plain HTTP, would go where the Secure cookie `kept` goes (section 5.7).
fn hides(new: &Cookie, kept: &Cookie) -> bool {
    let near = |a: &Cookie, b: &Cookie| rules::domain_matches(&a.domain, &b.domain);
    kept.secure
        && kept.name == new.name
        && (near(new, kept) || near(kept, new))
        && rules::path_matches(&new.path, &kept.path)
}

/// A value in serialised state. That state is sealed before it leaves the process, which is why it may be written.
mod in_clear {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::secret::Secret;

    pub(super) fn serialize<S: Serializer>(value: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(value.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}
