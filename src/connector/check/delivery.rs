//! `cookie_delivery`: under which names and domains the user's browser gets cookies of the upstream.
//!
//! The file alone tells most mistakes. What is the console's (its domain, its own cookies) only the daemon knows, so
//! that part is checked when the daemon loads a connector, and neither by `doorward check` nor by a send test.

use std::collections::BTreeSet;

use url::Host;

use super::{Check, Console, settings};
use crate::connector::raw::delivery::{DeliveredCookie, DeliveredCookies as Written};
use crate::connector::raw::{self, Text};
use crate::cookies::{CookiePlan, DeliveryPlan, MAX_COOKIES, SameSite, folded, is_browser_name, registrable_domain};
use crate::diagnostic::{Diagnostics, Span};

/// Compiles `cookie_delivery`, if it is written. With mistakes noted, the result must not run.
pub(super) fn delivery(check: &Check<'_>, diagnostics: &mut Diagnostics) -> Option<DeliveryPlan> {
    let raw = check.raw.cookie_delivery.as_ref()?;
    let key = check.raw.place.key("cookie_delivery");
    let mut domains: Vec<String> = Vec::new();
    for text in raw.domains.iter() {
        let Some(domain) = domain(text, diagnostics) else { continue };
        if domains.contains(&domain) {
            let message = format!("the domain `{domain}` is there already");
            diagnostics.add(diagnostics.error_at("cookie-domain-twice", &text.span, message));
        }
        domains.push(domain);
    }
    let mut cookies: Vec<CookiePlan> = Vec::new();
    for raw in raw.cookies.named() {
        let plan = cookie(raw, check.raw, diagnostics);
        if cookies.iter().any(|earlier| earlier.name == plan.name) {
            let message = format!("the browser gets a cookie `{}` already", plan.name);
            let mistake = diagnostics.error_at("cookie-twice", written_name(raw), message);
            diagnostics
                .add(mistake.label("of two of one name it keeps one").help("give one of them another name with `as`"));
        }
        cookies.push(plan);
    }
    if domains.len() * cookies.len() > MAX_COOKIES {
        let message = format!("{} domains with {} cookies each are too many", domains.len(), cookies.len());
        let mistake = diagnostics.error_at("too-many-cookies", key, message);
        diagnostics.add(mistake.help(format!("a browser keeps about {MAX_COOKIES} cookies of a site")));
    }
    if let Some(console) = check.load.console {
        of_console(raw, console, key, diagnostics);
    }
    let all = match &raw.cookies {
        Written::All(span) => {
            every_cookie(check.raw, span, diagnostics);
            Some(check.load.console.map(reserved).unwrap_or_default())
        }
        Written::Named(_) => None,
    };
    Some(DeliveryPlan { domains, cookies, all })
}

/// A list says what the browser gets; `all` is what the upstream sets tomorrow, too.
fn every_cookie(connector: &raw::Connector, span: &Span, diagnostics: &mut Diagnostics) {
    if settings::acknowledged(connector, "all_cookies") {
        return;
    }
    let message = "`cookies: all` hands over whatever the upstream sets, now and later";
    let mistake = diagnostics.error_at("all-cookies", span, message);
    let mistake = mistake.label("under all of these domains, for every host in them to read");
    diagnostics.add(mistake.help("name the cookies that are needed, or write acknowledge: { all_cookies: why }"));
}

/// The console's own cookies, as careless servers read their names.
fn reserved(console: &Console) -> BTreeSet<String> {
    console.reserved_cookies.iter().map(|name| folded(name)).collect()
}

/// A domain as browsers compare it: lower case, in ASCII, without a leading dot.
fn domain(text: &Text, diagnostics: &mut Diagnostics) -> Option<String> {
    let Some(domain) = parsed(&text.text) else {
        let mistake = diagnostics.error_at("cookie-domain", &text.span, format!("`{}` is no domain", text.text));
        let help = "write a domain such as .corp.example.com: no scheme, port, path, address or `*`";
        diagnostics.add(mistake.help(help));
        return None;
    };
    if registrable_domain(&domain).is_none() {
        let message = format!("`{}` is a public suffix: no browser takes a cookie for it", text.text);
        let mistake = diagnostics.error_at("cookie-domain-public", &text.span, message);
        diagnostics.add(
            mistake.label("anybody can have a host in there").help("write your own domain, such as .corp.example.com"),
        );
        return None;
    }
    Some(domain)
}

fn parsed(text: &str) -> Option<String> {
    let name = text.strip_prefix('.').unwrap_or(text);
    // It would decode escapes, which is never meant here.
    if name.contains('%') {
        return None;
    }
    let Ok(Host::Domain(domain)) = Host::parse(name) else { return None };
    let label = |label: &str| {
        let plain = label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
        (1..=63).contains(&label.len()) && plain
    };
    (domain.len() <= 253 && domain.split('.').all(label)).then_some(domain)
}

fn cookie(raw: &DeliveredCookie, connector: &raw::Connector, diagnostics: &mut Diagnostics) -> CookiePlan {
    let name = raw.r#as.as_ref().unwrap_or(&raw.name);
    if !is_upstream_name(&raw.name.text) {
        let message = format!("`{}` is no name that a server can give a cookie", raw.name.text);
        diagnostics.add(diagnostics.error_at("cookie-name", &raw.name.span, message));
    } else if !is_browser_name(&name.text) {
        let message = format!("`{}` is no name for a cookie in the browser", name.text);
        let mistake = diagnostics.error_at("cookie-name", &name.span, message);
        diagnostics.add(mistake.help("use letters, digits, - and _; `as` gives a cookie another name"));
    }
    let secure = raw.secure.as_ref().is_none_or(|secure| secure.value);
    let http_only = raw.http_only.as_ref().is_none_or(|http_only| http_only.value);
    let same_site = raw.same_site.as_ref().map_or(SameSite::Lax, |word| word.value);
    let folded = folded(&name.text);
    if folded.starts_with("__host-") {
        let message = format!("`{}` cannot be delivered: the prefix __Host- forbids a domain", name.text);
        let mistake = diagnostics.error_at("cookie-prefix", &name.span, message);
        diagnostics.add(
            mistake
                .label("no browser takes it")
                .help(format!("give it another name: {{ name: {}, as: sid }}", raw.name.text)),
        );
    }
    if let Some(at) = raw.secure.as_ref().filter(|secure| !secure.value) {
        if folded.starts_with("__secure-") {
            let message = format!("the prefix of `{}` forbids `secure: false`", name.text);
            let mistake = diagnostics.error_at("cookie-prefix", &at.span, message);
            diagnostics
                .add(mistake.label("no browser takes it").help("leave `secure` out, or give the cookie another name"));
        } else if same_site == SameSite::None {
            let message = "`same_site: none` needs a Secure cookie";
            let mistake = diagnostics.error_at("cookie-same-site", &at.span, message);
            diagnostics.add(mistake.label("no browser takes it").help("leave `secure` out"));
        }
    }
    lints(raw, connector, diagnostics);
    CookiePlan { from: raw.name.text.clone(), name: name.text.clone(), secure, http_only, same_site }
}

/// Exceptions from the defaults are allowed, and worth a word with a reason.
fn lints(raw: &DeliveredCookie, connector: &raw::Connector, diagnostics: &mut Diagnostics) {
    let off =
        |flag: &Option<raw::Spanned<bool>>| flag.as_ref().filter(|flag| !flag.value).map(|flag| flag.span.clone());
    let none = raw.same_site.as_ref().filter(|word| word.value == SameSite::None).map(|word| word.span.clone());
    let found: [(&'static str, &'static str, Option<Span>, &str); 3] = [
        (
            "cookie_for_scripts",
            "cookie-for-scripts",
            off(&raw.http_only),
            "a script on any page of the domain can read this cookie",
        ),
        ("cookie_in_clear", "cookie-in-clear", off(&raw.secure), "browsers send this cookie in clear too"),
        (
            "cookie_cross_site",
            "cookie-cross-site",
            none,
            "browsers send this cookie with requests from other sites too",
        ),
    ];
    for (lint, code, span, message) in found {
        if let (Some(span), false) = (span, settings::acknowledged(connector, lint)) {
            let mistake = diagnostics.error_at(code, &span, message).as_warning();
            diagnostics.add(mistake.help(format!("leave it out, or write acknowledge: {{ {lint}: why }}")));
        }
    }
}

/// What the daemon's configuration says of the console.
fn of_console(raw: &raw::delivery::CookieDelivery, console: &Console, key: &Span, diagnostics: &mut Diagnostics) {
    let Some(url) = &console.public_url else {
        let message = "cookie_delivery needs `public_url` in the daemon's configuration";
        let help = "write the console's own address there, such as https://console.corp.example.com";
        diagnostics.add(diagnostics.error_at("no-public-url", key, message).help(help));
        return;
    };
    let own = url.host_str().and_then(registrable_domain);
    for text in raw.domains.iter() {
        let Some(domain) = parsed(&text.text) else { continue };
        if own.is_none() || registrable_domain(&domain) != own {
            let own = own
                .map_or_else(|| format!("nothing: {url} has no domain"), |own| format!("{own} and what is below it"));
            let message = format!("`{}` is not a domain of the console's", text.text);
            let mistake = diagnostics.error_at("cookie-domain-foreign", &text.span, message);
            diagnostics.add(mistake.help(format!("`public_url` of the daemon's configuration allows {own}")));
        }
    }
    let reserved = reserved(console);
    for cookie in raw.cookies.named() {
        let name = cookie.r#as.as_ref().unwrap_or(&cookie.name);
        if reserved.contains(&folded(&name.text)) {
            let message = format!("`{}` is a cookie of the console's own", name.text);
            let mistake = diagnostics.error_at("cookie-reserved", &name.span, message);
            diagnostics.add(mistake.label("it would be overwritten").help(
                "`reserved_cookies` of the daemon's configuration names it; give this one another name with `as`",
            ));
        }
    }
}

fn written_name(raw: &DeliveredCookie) -> &Span {
    &raw.r#as.as_ref().unwrap_or(&raw.name).span
}

/// What `Set-Cookie` can name at all; PHP puts brackets there.
fn is_upstream_name(name: &str) -> bool {
    !name.is_empty() && name.trim() == name && !name.chars().any(|c| c.is_control() || c == '=' || c == ';')
}
