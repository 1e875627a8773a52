//! Public suffixes: names under which anybody can register, so that no cookie is set for all of `.com.cn`.
//!
//! The list is the crate's, private suffixes (`github.io`) included, as in browsers. Names are lower case and ASCII.

use crate::response::set_cookie::is_address;

/// The registrable domain of a host: the public suffix and one label more. `None` for a public suffix itself, a single
/// label (`localhost`), an IP address, and a name with an empty label (`a..b`, a dot at either end).
pub fn registrable_domain(host: &str) -> Option<&str> {
    if is_address(host) || host.split('.').any(str::is_empty) {
        return None;
    }
    psl::domain_str(host)
}

/// Whether `host` is no name of one owner.
pub(super) fn is_public(host: &str) -> bool {
    registrable_domain(host).is_none()
}
