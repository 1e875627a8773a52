//! An OpenID provider with the code flow and PKCE (RFC 6749 section 4.1, RFC 7636, OpenID Connect Core section 3.1).
//!
//! - `GET /oidc/auth` (the browser's page), `POST /oidc/token` (the client by HTTP Basic), `GET /oidc/jwks`.
//!
//! A code is good once, for a minute, for the redirect URI and the verifier that it was made with.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::tickets::TicketStore;
use crate::Server;
use crate::people::LoginResult;
use crate::wire::{Flaw, Wire, flaw, form, utf8};

/// The client. A demo's, printed in the documents.
pub(crate) const CLIENT: (&str, &str) = ("doorward", "demo-oidc-secret");
const CALLBACK: &str = "https://console.example.com/callback";

struct Code {
    login: String,
    nonce: String,
    challenge: String,
}

pub(super) struct Sessions {
    codes: TicketStore<Code>,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self { codes: TicketStore::for_seconds(60) }
    }
}

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/oidc/auth", get(authorize))
        .route("/oidc/token", post(token))
        .route("/oidc/jwks", get(super::tokens::jwks))
}

/// The page in the browser, as short as can be: the user logs in by name and password in the same request, and the browser goes back.
async fn authorize(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let names = [
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "account",
        "password",
    ];
    let Ok([kind, client, callback, scope, state, nonce, challenge, method, login, password]) =
        server.read(&wire, wire.query().and_then(|query| query.exactly(names)))
    else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let right = (&*kind, &*client, &*callback, &*scope, &*method)
        == ("code", CLIENT.0, CALLBACK, "openid profile", "S256")
        && challenge.len() == 43;
    if !right {
        return StatusCode::BAD_REQUEST.into_response();
    }
    if server.salted.check_password(&login, &password) != LoginResult::Accepted {
        return StatusCode::FORBIDDEN.into_response();
    }
    let code = server.flows.oidc.codes.put(server.now(), Code { login, nonce, challenge });
    let back = Url::parse_with_params(CALLBACK, [("code", code), ("state", state)]).map(String::from);
    (StatusCode::FOUND, [(header::LOCATION, back.unwrap_or_default())]).into_response()
}

/// The code that the client has, and may have.
fn exchange(server: &Server, wire: &Wire) -> Result<Code, Flaw> {
    wire.expect_type("application/x-www-form-urlencoded", "utf-8")?;
    let right = format!("Basic {}", STANDARD.encode(format!("{}:{}", CLIENT.0, CLIENT.1)));
    if wire.header(header::AUTHORIZATION)? != right {
        return flaw("invalid_client");
    }
    let names = ["grant_type", "code", "redirect_uri", "code_verifier"];
    let [grant, code, callback, verifier] = form(&wire.body, utf8)?.exactly(names)?;
    if (&*grant, &*callback) != ("authorization_code", CALLBACK) {
        return flaw("invalid_request");
    }
    let of = |verifier: &str| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    match server.flows.oidc.codes.take(server.now(), &code) {
        Some(code) if code.challenge == of(&verifier) => Ok(code),
        _ => flaw("invalid_grant"),
    }
}

async fn token(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    match server.read(&wire, exchange(&server, &wire)) {
        Ok(code) => {
            let (person, now) = (server.salted.person(&code.login), server.now() / 1000);
            let issuer = format!("http://{}", wire.header(header::HOST).unwrap_or_default());
            let claims = json!({
                "iss": issuer, "aud": CLIENT.0, "sub": person.login, "name": person.name, "nonce": code.nonce,
                "iat": now, "exp": now + 300,
            });
            let id_token = server.flows.signer.sign(&claims);
            Json(json!({ "access_token": crate::token(), "token_type": "Bearer", "expires_in": 300, "id_token": id_token }))
                .into_response()
        }
        Err(Flaw(text)) => {
            let status = if text == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
            let error = if text.starts_with("invalid_") { text.as_str() } else { "invalid_request" };
            (status, Json(json!({ "error": error, "error_description": text }))).into_response()
        }
    }
}
