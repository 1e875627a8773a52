//! A server that takes OAuth 1.0a (RFC 5849), two- and three-legged.
//!
//! - `POST /oauth1/login`: JSON signed by the consumer alone (HMAC-SHA1), with the user's name and password in the body.
//! - `POST /oauth1/initiate`, `GET /oauth1/authorize` (the browser's page), `POST /oauth1/token`, `GET /oauth1/user`: the user approves
//!   in the browser, and the token says who that was.
//!
//! A nonce is good once, a time for five minutes, temporary credentials and verifiers once, for ten minutes.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha1::Sha1;
use subtle::ConstantTimeEq as _;

use super::tickets::TicketStore;
use crate::json::{attempt, code, malformed, message};
use crate::people::LoginResult;
use crate::wire::{Flaw, Wire, flaw};
use crate::{Server, token};

/// A demo's consumer, printed in the documents.
pub(crate) const CONSUMER: (&str, &str) = ("doorward-consumer", "demo-oauth1-secret");

const FRESH: u64 = 300;
const PENDING: u64 = 600;

/// Temporary credentials on their way to a token.
struct Pending {
    secret: String,
    callback: String,
    /// Once the user approved: who, and with which verifier.
    approved: Option<(String, String)>,
}

/// A token and who approved it.
struct Token {
    secret: String,
    login: String,
}

pub(super) struct Sessions {
    nonces: TicketStore<String>,
    pending: TicketStore<Pending>,
    tokens: TicketStore<Token>,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self {
            nonces: TicketStore::for_seconds(2 * FRESH),
            pending: TicketStore::for_seconds(PENDING),
            tokens: TicketStore::for_seconds(PENDING),
        }
    }
}

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/oauth1/login", post(login))
        .route("/oauth1/initiate", post(initiate))
        .route("/oauth1/authorize", get(authorize))
        .route("/oauth1/token", post(exchange))
        .route("/oauth1/user", get(user))
}

/// RFC 3986's unreserved characters stay.
fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &["%", &hex::encode_upper([byte])].concat();
        }
    }
    out
}

/// The parameters of the header, decoded; each once, and no other than these.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn read(wire: &Wire) -> Result<Self, Flaw> {
        let Some(rest) = wire.header(header::AUTHORIZATION)?.strip_prefix("OAuth ") else { return flaw("no OAuth") };
        let mut found: Vec<(String, String)> = Vec::new();
        for pair in rest.split(", ") {
            let value = pair.split_once("=\"").and_then(|(name, rest)| Some((name, rest.strip_suffix('"')?)));
            let Some((name, value)) = value else { return flaw("a parameter of Authorization is not as it should be") };
            let known = [
                "consumer_key",
                "token",
                "callback",
                "verifier",
                "signature_method",
                "timestamp",
                "nonce",
                "version",
                "signature",
            ];
            let known = name.strip_prefix("oauth_").is_some_and(|name| known.contains(&name));
            if !known || found.iter().any(|(known, _)| known == name) {
                return flaw("a parameter of Authorization is unknown, or there twice");
            }
            let field = format!("v={}", value.replace('+', "%2B"));
            let [value] = crate::wire::form(field.as_bytes(), crate::wire::utf8)?.exactly(["v"])?;
            found.push((name.to_owned(), value));
        }
        Ok(Self(found))
    }

    fn get(&self, name: &str) -> Result<&str, Flaw> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).ok_or_else(|| Flaw(format!("no {name}")))
    }

    /// Whether these, and only these, are there beside those that every request has.
    fn only(&self, more: &[&str]) -> Result<(), Flaw> {
        let right = more.iter().all(|name| self.get(name).is_ok()) && self.0.len() == 6 + more.len();
        if right { Ok(()) } else { flaw("another set of parameters") }
    }

    /// Checks the signature by the consumer's secret and `token_secret`, then time and nonce.
    fn check(&self, server: &Server, method: &str, wire: &Wire, token_secret: &str) -> Result<(), Flaw> {
        if self.get("oauth_consumer_key")? != CONSUMER.0 || self.get("oauth_signature_method")? != "HMAC-SHA1" {
            return flaw("unknown consumer or signature method");
        }
        if self.get("oauth_version")? != "1.0" || !wire.query.is_empty() {
            return flaw("another version, or a query");
        }
        let mut pairs: Vec<(String, String)> =
            self.0.iter().filter(|(name, _)| name != "oauth_signature").map(|(n, v)| (encode(n), encode(v))).collect();
        pairs.sort();
        let normalized: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let at = format!("http://{}{}", wire.header(header::HOST)?, wire.path);
        let text = format!("{method}&{}&{}", encode(&at), encode(&normalized.join("&")));
        let key = format!("{}&{}", encode(CONSUMER.1), encode(token_secret));
        // HMAC takes keys of every length.
        let Ok(mac) = Hmac::<Sha1>::new_from_slice(key.as_bytes()) else { return flaw("no key") };
        let right = STANDARD.encode(mac.chain_update(text).finalize().into_bytes());
        if !bool::from(right.as_bytes().ct_eq(self.get("oauth_signature")?.as_bytes())) {
            return flaw("the signature is not right");
        }
        let (sessions, now) = (&server.flows.oauth1, server.now());
        let nonce = self.get("oauth_nonce")?;
        let time: u64 = self.get("oauth_timestamp")?.parse().map_err(|_| Flaw("the time is no number".to_owned()))?;
        if time.abs_diff(now / 1000) > FRESH || nonce.len() < 16 {
            return flaw("the time is too far off, or the nonce too short");
        }
        if sessions.nonces.newest(now, |seen| (seen == nonce).then_some(())).is_some() {
            return flaw("the nonce was used before");
        }
        sessions.nonces.put(now, nonce.to_owned());
        Ok(())
    }
}

fn refused(Flaw(text): &Flaw) -> Response {
    (StatusCode::UNAUTHORIZED, Json(json!({ "code": 401, "msg": text, "data": null }))).into_response()
}

fn form(pairs: &[(&str, &str)]) -> Response {
    let body: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    ([(header::CONTENT_TYPE, "application/x-www-form-urlencoded")], body.join("&")).into_response()
}

async fn login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let signed = || {
        let parameters = Parameters::read(&wire)?;
        parameters.only(&[])?;
        parameters.check(&server, "POST", &wire, "")
    };
    if let Err(flaw) = server.read(&wire, signed()) {
        return refused(&flaw);
    }
    Json(match server.decide(&server.salted, &wire, attempt(&wire, ["account", "password"])) {
        Ok((LoginResult::Accepted, login)) => {
            let person = server.salted.person(&login);
            json!({ "code": 0, "msg": "ok", "data": { "account": person.login, "name": person.name } })
        }
        Ok((refusal, _)) => json!({ "code": code(refusal), "msg": message(refusal), "data": null }),
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}

async fn initiate(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let read = || {
        let parameters = Parameters::read(&wire)?;
        parameters.only(&["oauth_callback"])?;
        parameters.check(&server, "POST", &wire, "")?;
        Ok(parameters.get("oauth_callback")?.to_owned())
    };
    match server.read(&wire, read()) {
        Ok(callback) => {
            let secret = token();
            let pending = Pending { secret: secret.clone(), callback, approved: None };
            let name = server.flows.oauth1.pending.put(server.now(), pending);
            form(&[("oauth_token", &name), ("oauth_token_secret", &secret), ("oauth_callback_confirmed", "true")])
        }
        Err(flaw) => refused(&flaw),
    }
}

/// The page in the browser, as short as can be: the user logs in by name, password and approval in one request, and the browser
/// goes back.
async fn authorize(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let read = wire.query().and_then(|query| query.exactly(["oauth_token", "account", "password"]));
    let Ok([name, account, password]) = server.read(&wire, read) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if server.salted.check_password(&account, &password) != LoginResult::Accepted {
        return StatusCode::FORBIDDEN.into_response();
    }
    let verifier = token();
    let back = server.flows.oauth1.pending.with(server.now(), &name, |pending| {
        pending.approved = Some((account, verifier.clone()));
        format!("{}?oauth_token={}&oauth_verifier={verifier}", pending.callback, encode(&name))
    });
    match back {
        Some(back) => (StatusCode::FOUND, [(header::LOCATION, back)]).into_response(),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn exchange(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let (sessions, now) = (&server.flows.oauth1, server.now());
    let read = || {
        let parameters = Parameters::read(&wire)?;
        parameters.only(&["oauth_token", "oauth_verifier"])?;
        let name = parameters.get("oauth_token")?;
        let secret = sessions.pending.with(now, name, |pending| pending.secret.clone());
        parameters.check(&server, "POST", &wire, &secret.ok_or_else(|| Flaw("unknown token".to_owned()))?)?;
        let approved = sessions.pending.take(now, name).and_then(|pending| pending.approved);
        match approved {
            Some((login, verifier)) if verifier == parameters.get("oauth_verifier")? => Ok(login),
            _ => flaw("not approved, or another verifier"),
        }
    };
    match server.read(&wire, read()) {
        Ok(login) => {
            let secret = token();
            let name = sessions.tokens.put(now, Token { secret: secret.clone(), login });
            form(&[("oauth_token", &name), ("oauth_token_secret", &secret)])
        }
        Err(flaw) => (StatusCode::UNAUTHORIZED, form(&[("oauth_problem", &flaw.0)])).into_response(),
    }
}

async fn user(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let (sessions, now) = (&server.flows.oauth1, server.now());
    let read = || {
        let parameters = Parameters::read(&wire)?;
        parameters.only(&["oauth_token"])?;
        let known =
            sessions.tokens.with(now, parameters.get("oauth_token")?, |it| (it.secret.clone(), it.login.clone()));
        let (secret, login) = known.ok_or_else(|| Flaw("unknown token".to_owned()))?;
        parameters.check(&server, "GET", &wire, &secret)?;
        Ok(login)
    };
    match server.read(&wire, read()) {
        Ok(login) => {
            let person = server.salted.person(&login);
            Json(json!({ "account": person.login, "name": person.name })).into_response()
        }
        Err(flaw) => refused(&flaw),
    }
}
