//! Cookies at the end of an accept: what the user's browser gets, and what it does not.

use super::redactor::{RedactedValue, Redactor};
use super::stage::Dropped;
use crate::verdict::{DeliveredCookie, Verdict};

/// What an accept hands over.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    pub(super) cookies: Vec<Delivered>,
    pub(super) withheld: Vec<Dropped>,
}

/// A cookie under one domain.
#[derive(Debug)]
pub(super) struct Delivered {
    pub(super) name: String,
    pub(super) shown: RedactedValue,
    /// `domain corp.example.com`, `secure`, `same-site lax`: all of it is the connector's.
    pub(super) attributes: Vec<String>,
}

impl Delivery {
    pub(super) fn of(verdict: &Verdict, redactor: &Redactor) -> Self {
        let Verdict::Accept(accept) = verdict else { return Self::default() };
        let withheld = accept.delivery.withheld.iter();
        Self {
            cookies: accept.delivery.cookies.iter().map(|cookie| Delivered::of(cookie, redactor)).collect(),
            withheld: withheld
                .map(|cookie| Dropped { name: cookie.name.clone(), because: cookie.why.to_string() })
                .collect(),
        }
    }
}

impl Delivered {
    fn of(cookie: &DeliveredCookie, redactor: &Redactor) -> Self {
        let mut attributes = vec![format!("domain {}", cookie.domain)];
        attributes.extend(cookie.secure.then(|| "secure".to_owned()));
        attributes.extend(cookie.http_only.then(|| "http-only".to_owned()));
        attributes.push(format!("same-site {}", cookie.same_site.as_str()));
        attributes.extend(cookie.expires.map(|_| "expires".to_owned()));
        let shown = redactor.value(&cookie.value.expose().into(), false);
        Self { name: cookie.name.clone(), shown, attributes }
    }
}
