//! What is told of a session: to who opens or refreshes it, and to who asks whether a token is good.

use std::time::Duration;

use super::record::SessionId;
use crate::secret::Secret;

/// A session and its pair of tokens.
#[derive(Debug, Clone)]
pub struct IssuedSession {
    /// Its public name. It opens nothing.
    pub id: SessionId,
    /// Good for [`IssuedSession::access_for`].
    pub access: Secret,
    /// How long the access token is good.
    pub access_for: Duration,
    /// For the next pair.
    pub refresh: Secret,
    /// For the cookie of a browser; good until the session ends.
    pub cookie: Secret,
    /// Until the session's absolute end.
    pub ends_in: Duration,
}

/// A session whose access token is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveSession {
    /// Its public name.
    pub id: SessionId,
    /// Who it is, as the configuration says that subjects are written.
    pub subject: String,
    /// The connector that authenticated the user.
    pub connector: String,
    /// The client that the tokens were given to.
    pub client: String,
    /// Milliseconds since 1970 of the accept.
    pub authenticated_ms: u64,
    /// Milliseconds since 1970 when the access token ends.
    pub access_ends_ms: u64,
}

/// A session that is open, for a list. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// Its public name.
    pub id: SessionId,
    /// The connector that authenticated the user.
    pub connector: String,
    /// The upstream's name for the user.
    pub subject: String,
    /// The client that it was opened for.
    pub client: String,
    /// When the user logged in.
    pub authenticated_ms: u64,
    /// When it was last used.
    pub used_ms: u64,
    /// The absolute end.
    pub ends_ms: u64,
}
