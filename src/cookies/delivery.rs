//! Which cookies of a login the user's browser gets, and under which names and domains.
//!
//! A value is the only thing that an upstream decides here. Name, domain, path and attributes are the connector's, checked
//! when it loads, so that nothing that a reply sets can reach another site or take another cookie's name.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::jar::{Cookie, Jar, MAX_COOKIES};
use crate::response::set_cookie::MAX_PAIR;
use crate::secret::Secret;
use crate::verdict::{DeliveredCookie, Delivery, SameSite, Withheld, WithheldCookie};

/// What a connector hands over, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPlan {
    /// Lower case, ASCII, without a leading dot; none is a public suffix.
    pub domains: Vec<String>,
    /// In the order of the file.
    pub cookies: Vec<CookiePlan>,
    /// Whatever else the upstream set goes too, but for the console's own cookies: these names, [`folded`].
    pub all: Option<BTreeSet<String>>,
}

/// One cookie to hand over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookiePlan {
    /// Its name at the upstream.
    pub from: String,
    /// Its name in the browser: a token without a `__Host-` prefix.
    pub name: String,
    /// Over TLS only.
    pub secure: bool,
    /// Not for scripts.
    pub http_only: bool,
    /// Whether it goes along with requests from other sites.
    pub same_site: SameSite,
}

/// What `plan` makes of the jar at the end of a login, at `now` (seconds since 1970).
pub fn deliver(plan: &DeliveryPlan, jar: &Jar, now: i64) -> Delivery {
    let mut delivery = Delivery::default();
    let every = plan.all.as_ref().map(|reserved| every(reserved, jar, now, &mut delivery)).unwrap_or_default();
    for wanted in plan.cookies.iter().chain(&every) {
        let withhold = |why| WithheldCookie { name: wanted.from.clone(), why };
        let mut found: Vec<&Cookie> =
            jar.cookies.iter().filter(|cookie| cookie.name == wanted.from && !cookie.is_over(now)).collect();
        // After a login the server sets its session anew, often for another path than the page before it.
        found.sort_by_key(|cookie| std::cmp::Reverse(cookie.set));
        let Some((last, earlier)) = found.split_first() else {
            delivery.withheld.push(withhold(Withheld::NotSet));
            continue;
        };
        let others = earlier.iter().filter(|cookie| cookie.value != last.value);
        delivery.withheld.extend(others.map(|_| withhold(Withheld::Replaced)));
        match fits(wanted, last) {
            Err(why) => delivery.withheld.push(withhold(why)),
            Ok(()) if delivery.cookies.len() + plan.domains.len() > MAX_COOKIES => {
                delivery.withheld.push(withhold(Withheld::TooMany));
            }
            Ok(()) => delivery.cookies.extend(plan.domains.iter().map(|domain| hand_over(wanted, domain, last, now))),
        }
    }
    delivery
}

/// A plan for each name in the jar that may go to the browser; of the others it is said why not.
fn every(reserved: &BTreeSet<String>, jar: &Jar, now: i64, delivery: &mut Delivery) -> Vec<CookiePlan> {
    let mut plans: Vec<CookiePlan> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for cookie in jar.cookies.iter().filter(|cookie| !cookie.is_over(now)) {
        let name = cookie.name.as_str();
        if names.contains(&name) {
            continue;
        }
        names.push(name);
        let folded = folded(name);
        let why = if reserved.contains(&folded) {
            Withheld::Reserved
        } else if folded.starts_with("__host-") || !is_browser_name(name) {
            Withheld::BadName
        } else {
            plans.push(CookiePlan {
                from: name.to_owned(),
                name: name.to_owned(),
                secure: true,
                http_only: true,
                same_site: SameSite::Lax,
            });
            continue;
        };
        delivery.withheld.push(WithheldCookie { name: name.to_owned(), why });
    }
    plans
}

/// RFC 6265 section 4.1.1: a token. Without `%`, because some servers decode names.
pub fn is_browser_name(name: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(token)
}

/// A name as careless servers read it: ASP.NET takes no notice of case, PHP reads `.` as `_` (so that `..Host-x` became
/// `__Host-x`, CVE-2022-31629).
pub fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace('.', "_")
}

fn fits(wanted: &CookiePlan, cookie: &Cookie) -> Result<(), Withheld> {
    let value = cookie.value.expose();
    // More than the RFC's cookie-octets, because servers send JSON and spaces and browsers take them. Text beyond ASCII
    // does not survive the header functions of many a language; a tab is trimmed or refused by others.
    let carried = |byte: u8| (byte.is_ascii_graphic() || byte == b' ') && byte != b';';
    if !value.bytes().all(carried) || value.starts_with(' ') || value.ends_with(' ') {
        return Err(Withheld::Unfit);
    }
    if wanted.name.len() + value.len() > MAX_PAIR { Err(Withheld::TooLong) } else { Ok(()) }
}

fn hand_over(wanted: &CookiePlan, domain: &str, cookie: &Cookie, now: i64) -> DeliveredCookie {
    let CookiePlan { name, secure, http_only, same_site, .. } = wanted;
    // Each is plain text by now: the value was looked at above, everything else when the connector was loaded.
    let mut field = format!("{name}={}; Domain={domain}; Path=/", cookie.value.expose());
    if let Some(expires) = cookie.expires {
        // Both, as servers do: the one for browsers with a wrong clock, the other for a console that takes its time.
        let _ = write!(field, "; Max-Age={}", expires.saturating_sub(now));
        field.extend(date(expires).map(|date| format!("; Expires={date}")));
    }
    field.push_str(if *secure { "; Secure" } else { "" });
    field.push_str(if *http_only { "; HttpOnly" } else { "" });
    field.push_str(match same_site {
        SameSite::None => "; SameSite=None",
        SameSite::Lax => "; SameSite=Lax",
        SameSite::Strict => "; SameSite=Strict",
    });
    DeliveredCookie {
        name: name.clone(),
        value: cookie.value.clone(),
        domain: domain.to_owned(),
        secure: *secure,
        http_only: *http_only,
        same_site: *same_site,
        expires: cookie.expires,
        set_cookie: Secret::new(field),
    }
}

/// RFC 9110 section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`. `None` beyond the year 9999, which a jar never keeps.
fn date(seconds: i64) -> Option<String> {
    let timestamp = jiff::Timestamp::from_second(seconds).ok()?;
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&timestamp).ok()
}

#[cfg(test)]
mod tests;
