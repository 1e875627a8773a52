//! Cookies for the user's browser. Only an [`Accept`](super::Accept) can carry them.

use crate::secret::Secret;
use crate::words::words;

words! {
    /// Whether a cookie goes along with requests from other sites (RFC 6265bis section 5.6.7).
    pub enum SameSite {
        /// Never.
        Strict = "strict",
        /// When the user follows a link.
        Lax = "lax",
        /// Always.
        None = "none",
    }
}

/// One cookie under one domain. Its path is `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveredCookie {
    /// Its name in the browser.
    pub name: String,
    /// Its value, as the upstream set it.
    pub value: Secret,
    /// Lower case, ASCII, without a leading dot; all hosts below it get the cookie too.
    pub domain: String,
    /// Over TLS only.
    pub secure: bool,
    /// Not for scripts.
    pub http_only: bool,
    /// Whether it goes along with requests from other sites.
    pub same_site: SameSite,
    /// Seconds since 1970; `None` is the end of the browser's session.
    pub expires: Option<i64>,
    /// All of this as the value of a `Set-Cookie` field.
    pub set_cookie: Secret,
}

/// A cookie that the connector names and that is not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithheldCookie {
    /// Its name at the upstream.
    pub name: String,
    /// Why.
    pub why: Withheld,
}

/// Why a cookie is not delivered. The texts follow its name; they quote no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Withheld {
    /// Nothing of this name is left at the end of the login.
    #[error("the upstream did not set it, or took it away")]
    NotSet,
    /// Two of one name would overwrite each other.
    #[error("the upstream set another one of this name later, which goes instead")]
    Replaced,
    /// A character that ends a field or an attribute, or that consoles cannot put into a field.
    #[error("its value has a character that a Set-Cookie field does not carry safely")]
    Unfit,
    /// The configuration of the daemon names it.
    #[error("it is one of the console's own (reserved_cookies)")]
    Reserved,
    /// A name that no browser takes for a domain, or no client can send.
    #[error("no browser takes a cookie of this name for a domain")]
    BadName,
    /// More than browsers keep of a site.
    #[error("there are more cookies than browsers keep of a site")]
    TooMany,
    /// Under its new name it is over the cap of browsers.
    #[error("name and value are longer than browsers take")]
    TooLong,
}

/// What an accept hands over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// An entry for each cookie and domain.
    pub cookies: Vec<DeliveredCookie>,
    /// Those that the connector names and that are missing.
    pub withheld: Vec<WithheldCookie>,
}
