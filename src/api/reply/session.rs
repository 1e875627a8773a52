//! A session on the wire, for the client that opened or refreshed it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::session::IssuedSession;

/// A session and its pair of tokens. Names are those of OAuth (RFC 6749 section 5.1).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Session")]
pub(crate) struct SessionBody<'a> {
    /// The session's public name. It opens nothing.
    id: String,
    /// For `POST /v1/sessions/verify`.
    access_token: &'a str,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds that the access token is good.
    expires_in: u64,
    /// For `POST /v1/sessions/refresh`, once.
    refresh_token: &'a str,
    /// Seconds until the session ends, whatever is done.
    session_expires_in: u64,
}

impl<'a> SessionBody<'a> {
    pub(crate) fn of(session: &'a IssuedSession) -> Self {
        Self {
            id: session.id.to_string(),
            // The client that asked for them gets them in clear.
            access_token: session.access.expose(),
            token_type: "Bearer",
            // Rounded down: nobody should lean on a token that is over.
            expires_in: session.access_for.as_secs(),
            refresh_token: session.refresh.expose(),
            session_expires_in: session.ends_in.as_secs(),
        }
    }
}
