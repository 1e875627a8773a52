//! An OpenID provider of the old kind: the implicit flow (OpenID Connect Core 1.0 section 3.2), whose answer is an id_token in the
//! fragment of the client's callback. RFC 9700 section 2.1.2 retired it.
//!
//! `GET /oidc/authorize?…` is the page with a form, `POST` of the same address takes `username` and `password`. The keys are those of
//! `/jwt/jwks`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use crate::people::LoginResult;
use crate::wire::{Flaw, Wire, flaw, form, utf8};
use crate::{Attempt, Server};

/// Seconds that a token is good.
const LIFETIME: u64 = 300;

/// The callback of the one client.
const CALLBACK: &str = "https://console.example.com/callback";

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/oidc/authorize", get(page).post(login))
}

/// What the client asks for: its state and its nonce, which go back as they came.
fn asked(wire: &Wire) -> Result<(String, String), Flaw> {
    let names = ["response_type", "client_id", "redirect_uri", "scope", "state", "nonce"];
    let [kind, client, callback, scope, state, nonce] = wire.query()?.exactly(names)?;
    let right = [(kind, "id_token"), (client, "doorward"), (callback, CALLBACK), (scope, "openid profile")];
    if right.iter().any(|(sent, wanted)| sent != wanted) || state.is_empty() || nonce.is_empty() {
        return flaw("not what the client may ask for");
    }
    Ok((state, nonce))
}

async fn page(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    match server.read(&wire, asked(&wire)) {
        Ok(_) => Html(
            "<!doctype html><title>登录</title><form method=\"post\"><input name=\"username\"><input name=\"password\" \
             type=\"password\"><button>登录</button></form>",
        )
        .into_response(),
        Err(Flaw(text)) => (StatusCode::BAD_REQUEST, text).into_response(),
    }
}

async fn login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let read = asked(&wire).and_then(|asked| {
        let [login, sent] = form(&wire.body, utf8)?.exactly(["username", "password"])?;
        Ok((asked, Attempt { login, sent }))
    });
    let (asked, attempt) = match read {
        Ok((asked, attempt)) => (Some(asked), Ok(attempt)),
        Err(flaw) => (None, Err(flaw)),
    };
    match server.decide(&server.salted, &wire, attempt) {
        Ok((LoginResult::Accepted, login)) => {
            let (state, nonce) = asked.unwrap_or_default();
            let (person, now) = (server.salted.person(&login), server.now() / 1000);
            let token = server.flows.signer.sign(&json!({
                "iss": "https://4a.example.com", "aud": "doorward", "sub": person.login, "name": person.name,
                "nonce": nonce, "iat": now, "exp": now + LIFETIME,
            }));
            let fragment = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("id_token", &token)
                .append_pair("state", &state)
                .finish();
            (StatusCode::FOUND, [(header::LOCATION, format!("{CALLBACK}#{fragment}"))]).into_response()
        }
        Ok((_, _)) => (StatusCode::UNAUTHORIZED, Html("<title>登录</title>用户名或密码错误")).into_response(),
        Err(Flaw(text)) => (StatusCode::BAD_REQUEST, text).into_response(),
    }
}
