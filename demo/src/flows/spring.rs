//! An authorization server as Spring Security OAuth has it: the password grant, `/oauth/check_token`, and RFC 7662's introspection.
//!
//! - `POST /oauth/token`, a form `grant_type=password&username=…&password=…`; the client proves itself by HTTP Basic or in the form.
//!   `grant_type=refresh_token&refresh_token=…` (by Basic) gives new tokens for a refresh token, which is used up.
//! - `POST /oauth/check_token`, a form `token=…`, the client by HTTP Basic: the token's user is `user_name`.
//! - `POST /oauth/introspect`, the same by RFC 7662: `active` and `username`.
//!
//! A refused user is 400 `invalid_grant`, with Spring's words; a refused client is 401.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::tickets::TicketStore;
use crate::people::LoginResult;
use crate::wire::{Flaw, Wire, flaw, form, utf8};
use crate::{Attempt, Server};

/// The client. A demo's, printed in the documents.
pub(crate) const CLIENT: (&str, &str) = ("doorward-login", super::tokens::SPRING.1);

/// Seconds that a user's token is good.
const TOKEN: u64 = 3600;

/// Seconds that a refresh token is good.
const REFRESH: u64 = 30 * 24 * 3600;

pub(super) struct Sessions {
    tokens: TicketStore<String>,
    refresh_tokens: TicketStore<String>,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self { tokens: TicketStore::for_seconds(TOKEN), refresh_tokens: TicketStore::for_seconds(REFRESH) }
    }
}

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/oauth/token", post(token))
        .route("/oauth/check_token", post(check_token))
        .route("/oauth/introspect", post(introspect))
}

/// Whether the client proves itself by HTTP Basic; without the header it is not asked.
fn basic(wire: &Wire) -> Result<bool, Flaw> {
    if !wire.headers.contains_key(header::AUTHORIZATION) {
        return Ok(false);
    }
    let right = format!("Basic {}", STANDARD.encode(format!("{}:{}", CLIENT.0, CLIENT.1)));
    if wire.header(header::AUTHORIZATION)? == right { Ok(true) } else { flaw("client") }
}

fn read_login(wire: &Wire) -> Result<Attempt, Flaw> {
    wire.expect_type("application/x-www-form-urlencoded", "utf-8")?;
    let fields = form(&wire.body, utf8)?;
    let [grant, login, sent] = if basic(wire)? {
        fields.exactly(["grant_type", "username", "password"])?
    } else {
        let [grant, login, sent, id, secret] =
            fields.exactly(["grant_type", "username", "password", "client_id", "client_secret"])?;
        if (&*id, &*secret) != CLIENT {
            return flaw("client");
        }
        [grant, login, sent]
    };
    if grant == "password" { Ok(Attempt { login, sent }) } else { flaw("unsupported_grant_type") }
}

/// The user whose refresh token this is, which is used up; `None` when it is no longer good.
fn read_refresh(server: &Server, wire: &Wire) -> Result<Option<String>, Flaw> {
    if !basic(wire)? {
        return flaw("client");
    }
    let [_, token] = form(&wire.body, utf8)?.exactly(["grant_type", "refresh_token"])?;
    Ok(server.flows.spring.refresh_tokens.take(server.now(), &token))
}

fn tokens(server: &Server, login: String) -> Response {
    let (sessions, now) = (&server.flows.spring, server.now());
    let (refresh, token) = (sessions.refresh_tokens.put(now, login.clone()), sessions.tokens.put(now, login));
    let all = json!({ "access_token": token, "refresh_token": refresh, "token_type": "bearer", "expires_in": TOKEN, "scope": "read" });
    Json(all).into_response()
}

fn refused(words: &str) -> Response {
    let error = json!({ "error": "invalid_grant", "error_description": words });
    (StatusCode::BAD_REQUEST, Json(error)).into_response()
}

async fn token(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let refresh = form(&wire.body, utf8).is_ok_and(|fields| fields.has("grant_type", "refresh_token"));
    if refresh {
        return match server.read(&wire, read_refresh(&server, &wire)) {
            Ok(Some(login)) => tokens(&server, login),
            Ok(None) => refused("Invalid refresh token"),
            Err(flaw) => stranger(&flaw),
        };
    }
    match server.decide(&server.salted, &wire, read_login(&wire)) {
        Ok((LoginResult::Accepted, login)) => tokens(&server, login),
        Ok((LoginResult::Wrong, _)) => refused("Bad credentials"),
        Ok((LoginResult::Locked, _)) => refused("User account is locked"),
        Ok((LoginResult::Disabled, _)) => refused("User is disabled"),
        Ok((LoginResult::PasswordExpired, _)) => refused("User credentials have expired"),
        Err(flaw) => stranger(&flaw),
    }
}

fn stranger(Flaw(text): &Flaw) -> Response {
    let (status, error) = match text.as_str() {
        "client" => (StatusCode::UNAUTHORIZED, "invalid_client"),
        "unsupported_grant_type" => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
        _ => (StatusCode::BAD_REQUEST, "invalid_request"),
    };
    (status, Json(json!({ "error": error, "error_description": text }))).into_response()
}

/// The user of the token that the form names.
fn asked(server: &Server, wire: &Wire) -> Result<Option<String>, Flaw> {
    if !basic(wire)? {
        return flaw("client");
    }
    let [token] = form(&wire.body, utf8)?.exactly(["token"])?;
    Ok(server.flows.spring.tokens.with(server.now(), &token, |login| login.clone()))
}

async fn check_token(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    match server.read(&wire, asked(&server, &wire)) {
        Ok(Some(login)) => {
            Json(json!({ "active": true, "user_name": login, "client_id": CLIENT.0, "scope": ["read"] }))
                .into_response()
        }
        Ok(None) => {
            let error = json!({ "error": "invalid_token", "error_description": "Token was not recognised" });
            (StatusCode::BAD_REQUEST, Json(error)).into_response()
        }
        Err(flaw) => stranger(&flaw),
    }
}

async fn introspect(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    match server.read(&wire, asked(&server, &wire)) {
        Ok(Some(login)) => Json(json!({ "active": true, "username": login, "token_type": "bearer" })).into_response(),
        Ok(None) => Json(json!({ "active": false })).into_response(),
        Err(flaw) => stranger(&flaw),
    }
}
