//! The claims of an access token (RFC 9068): for whom it is good, who is signed in, and by which login.

use crate::document::{Number, Object, Value};

/// The `typ` of an access token's header (RFC 9068 section 2.1).
pub const TYP: &str = "at+jwt";

/// What an access token says. Each member is the claim of its name unless it says another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessClaims<'a> {
    /// `iss`: the configured address, never one of a request.
    pub issuer: &'a str,
    /// `sub`
    pub subject: &'a str,
    /// `aud`: who may take it. A token for one is none for another.
    pub audience: &'a [String],
    /// `client_id`: the program that asked for it.
    pub client: &'a str,
    /// The connector that the user logged in by: names of two connectors may be alike.
    pub connector: &'a str,
    /// `sid`: the session, which opens nothing by itself; the revocation feed names it.
    pub session: &'a str,
    /// `jti`
    pub id: &'a str,
    /// `auth_time`: when the accept was, in milliseconds. The claim has whole seconds.
    pub accepted_ms: u64,
    /// `started_ms`: when the login's first attempt was sent; a kick after it ends the token.
    pub started_ms: u64,
    /// `amr` (RFC 8176): how the user was proved.
    pub methods: &'a [String],
}

impl AccessClaims<'_> {
    /// The claims of a token that is made at `now_ms` and ends at `end_ms`, in milliseconds since 1970.
    pub fn at(&self, now_ms: u64, end_ms: u64) -> Value {
        let texts = |list: &[String]| Value::Array(list.iter().map(|it| Value::from(it.as_str())).collect());
        let seconds = |ms: u64| Value::Number(Number::from(ms / 1000));
        let claims = [
            ("iss", Value::from(self.issuer)),
            ("sub", Value::from(self.subject)),
            ("aud", texts(self.audience)),
            ("client_id", Value::from(self.client)),
            ("connector", Value::from(self.connector)),
            ("sid", Value::from(self.session)),
            ("jti", Value::from(self.id)),
            ("iat", seconds(now_ms)),
            ("exp", seconds(end_ms)),
            ("auth_time", seconds(self.accepted_ms)),
            ("started_ms", Value::Number(Number::from(self.started_ms))),
            ("amr", texts(self.methods)),
        ];
        Value::Object(claims.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Object>())
    }
}
