//! Sessions that logins leave behind, checked.

use std::time::Duration;

use ipnet::IpNet;

use super::address::Address;
use crate::lang::Lang;
use crate::secret::Secret;
use crate::token::WrittenKey;

/// Sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// One or two keys of 64 hex digits: the first makes tokens, both verify them.
    pub keys: Vec<Secret>,
    /// The connectors whose logins may open sessions.
    pub connectors: Vec<String>,
    /// How users are named.
    pub subject: SubjectForm,
    /// How long sessions last.
    pub session: SessionRules,
    /// The login page, if there is one.
    pub page: Option<LoginPage>,
    /// How access tokens are signed; opaque ones without.
    pub signing: Option<Signing>,
}

/// Access tokens that others verify alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signing {
    /// `iss`
    pub issuer: String,
    /// `aud`
    pub audience: Vec<String>,
    /// The keys; one signs.
    pub keys: Vec<WrittenKey>,
}

/// The client that the login page is.
pub const PAGE_CLIENT: &str = "sign-in";

/// The login page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginPage {
    /// Its address as browsers know it.
    pub url: url::Url,
    /// Where to listen for it.
    pub listen: Vec<Address>,
    /// Proxies in front of it.
    pub proxies: Vec<IpNet>,
    /// The name above it.
    pub name: String,
    /// The first for browsers that say none of them.
    pub languages: Vec<Lang>,
    /// Names of connectors on it, by id.
    pub labels: Vec<(String, String)>,
}

/// How a subject is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectForm {
    /// As the upstream names it.
    Plain,
    /// `corp-4a:zhangsan`.
    WithConnector,
}

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionRules {
    /// A session that is not used for so long ends.
    pub idle: Duration,
    /// A session ends then, whatever is done.
    pub absolute: Duration,
    /// Sessions of one user; one more ends the oldest.
    pub per_user: usize,
    /// How long an access token is good.
    pub access_token: Duration,
}

impl Default for SessionRules {
    fn default() -> Self {
        Self {
            // A lunch break ends it.
            idle: Duration::from_mins(30),
            // A working day with its breaks.
            absolute: Duration::from_hours(10),
            // A desk, a laptop, a telephone, and browsers that were closed.
            per_user: 10,
            // What a program that verifies alone may be behind.
            access_token: Duration::from_mins(5),
        }
    }
}
