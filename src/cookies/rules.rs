//! Which cookie a reply may set, and to which requests one goes (RFC 6265bis sections 5.1.3, 5.1.4 and 5.7).
//!
//! Where browsers are lenient for the sake of old sites, so is this; where they refuse for the sake of other sites,
//! so does this: a connector may well talk to several hosts, not all of one owner.

use url::Url;

use super::suffix;
pub(super) use crate::response::set_cookie::domain_matches;
use crate::response::set_cookie::{NoCookie, SetCookie};
use crate::upstream::Origin;

/// Why a cookie is not kept. The texts follow its name; they quote hosts, never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The field itself is none.
    #[error(transparent)]
    Unreadable(#[from] NoCookie),
    /// Another host's business.
    #[error("it is for {domain}, and the host that set it is not in there")]
    Foreign {
        /// What the field says.
        domain: String,
    },
    /// It would go to everybody's hosts.
    #[error("it is for all of {domain}, under which anybody can have a host")]
    PublicSuffix {
        /// What the field says.
        domain: String,
    },
    /// Browsers disagree on what such a name means.
    #[error("its domain has characters beyond ASCII")]
    DomainNotAscii,
    /// `Secure` over plain HTTP: anyone on the network could have set it.
    #[error("it is Secure and came over plain HTTP")]
    SecureInClear,
    /// RFC 6265bis: leave secure cookies alone.
    #[error("it came over plain HTTP and would hide a Secure cookie of the same name")]
    HidesSecure,
    /// `__Secure-` without what the name promises.
    #[error("a name with __Secure- needs the attribute Secure")]
    SecurePrefix,
    /// `__Host-` without what the name promises.
    #[error("a name with __Host- needs Secure, Path=/ and no Domain")]
    HostPrefix,
    /// The jar has as much as it takes. What is there stays: no reply pushes out what an earlier one set.
    #[error("the jar is full")]
    Full,
    /// The reply has more fields than are read.
    #[error("{more} fields were not read, because the reply sets too many cookies")]
    TooMany {
        /// How many.
        more: usize,
    },
}

/// Whether the URL is a secure context: https, or this machine (often the near end of a tunnel), as browsers have it too.
pub(super) fn is_secure(url: &Url) -> bool {
    url.scheme() == "https" || Origin::of(url).is_ok_and(|origin| origin.host().is_loopback())
}

/// The domain that a cookie is kept under, and whether it goes to that host only.
pub(super) fn domain(cookie: &SetCookie, host: &str) -> Result<(String, bool), Refusal> {
    let Some(written) = cookie.domain.as_deref() else { return Ok((host.to_owned(), true)) };
    if !written.is_ascii() {
        return Err(Refusal::DomainNotAscii);
    }
    if suffix::is_public(written) {
        // A host that is a public suffix itself, `localhost` or an IP address (LemonLDAP sends `domain=.127.0.0.1`)
        // may name itself.
        let itself = written == host;
        return if itself {
            Ok((host.to_owned(), true))
        } else {
            Err(Refusal::PublicSuffix { domain: shown(written) })
        };
    }
    if domain_matches(host, written) {
        Ok((written.to_owned(), false))
    } else {
        Err(Refusal::Foreign { domain: shown(written) })
    }
}

/// A domain as a line shows it; no real one is longer.
fn shown(domain: &str) -> String {
    domain.chars().take(253).collect()
}

/// What the name of a cookie promises must be so (section 4.1.3). Servers fold case, so a browser does too: `__HOST-sid`
/// would be taken for `__Host-sid`.
pub(super) fn prefix(cookie: &SetCookie, host_only: bool) -> Result<(), Refusal> {
    if has_prefix(&cookie.name, "__secure-") && !cookie.secure {
        return Err(Refusal::SecurePrefix);
    }
    if has_prefix(&cookie.name, "__host-") && !(cookie.secure && host_only && cookie.path.as_deref() == Some("/")) {
        return Err(Refusal::HostPrefix);
    }
    Ok(())
}

pub(super) fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Section 5.1.4.
pub(super) fn path_matches(path: &str, of_cookie: &str) -> bool {
    match path.strip_prefix(of_cookie) {
        Some("") => true,
        Some(below) => of_cookie.ends_with('/') || below.starts_with('/'),
        None => false,
    }
}

/// The path of a cookie that names none (section 5.1.4).
pub(super) fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(last) => &path[..last],
    }
}
