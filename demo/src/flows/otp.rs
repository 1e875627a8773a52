//! An identity service with an authenticator app as the second factor, in the words of Okta's authentication API.
//!
//! `POST /api/v1/authn { username, password }` gives a `status`: `SUCCESS`, or `MFA_REQUIRED` with a `stateToken` and
//! the factors of the user; `POST /api/v1/authn/factors/{id}/verify { stateToken, passCode }` ends. No code counts
//! twice; five wrong ones end the transaction.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::enrolled;
use super::tickets::TicketStore;
use super::totp::Shown;
use crate::json::attempt;
use crate::people::LoginResult;
use crate::wire::{Flaw, Wire, flaw, json as read_json};
use crate::{Server, token};

/// Wrong codes that end a transaction.
const TRIES: u32 = 5;

/// Logins that wait for their code, by state token.
pub(super) struct Sessions(TicketStore<Half>);

struct Half {
    login: String,
    wrong: u32,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self(TicketStore::for_seconds(5 * 60))
    }
}

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/api/v1/authn", post(login)).route("/api/v1/authn/factors/{id}/verify", post(verify))
}

async fn login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let read = attempt(&wire, ["username", "password"]);
    match server.decide(&server.salted, &wire, read) {
        Ok((LoginResult::Accepted, login)) if enrolled(&login) => {
            let factor = json!({ "id": factor_id(&login), "factorType": "token:software:totp", "provider": "GOOGLE" });
            let embedded = json!({ "user": user(&login), "factors": [factor] });
            let state = server.flows.otp.0.put(server.now(), Half { login, wrong: 0 });
            Json(json!({ "stateToken": state, "status": "MFA_REQUIRED", "_embedded": embedded })).into_response()
        }
        Ok((LoginResult::Accepted, login)) => success(&login),
        Ok((LoginResult::Wrong, _)) => error(StatusCode::UNAUTHORIZED, "E0000004", "Authentication failed"),
        Ok((LoginResult::Locked, _)) => Json(json!({ "status": "LOCKED_OUT" })).into_response(),
        Ok((LoginResult::PasswordExpired, _)) => Json(json!({ "status": "PASSWORD_EXPIRED" })).into_response(),
        Ok((LoginResult::Disabled, _)) => error(StatusCode::FORBIDDEN, "E0000019", "User is suspended"),
        Err(flaw) => error(StatusCode::BAD_REQUEST, "E0000003", &flaw.0),
    }
}

async fn verify(State(server): State<Arc<Server>>, Path(factor): Path<String>, wire: Wire) -> Response {
    let now = server.now();
    let sessions = &server.flows.otp.0;
    let [state, given] = match server.read(&wire, fields(&wire)) {
        Ok(fields) => fields,
        Err(flaw) => return error(StatusCode::BAD_REQUEST, "E0000003", &flaw.0),
    };
    let checked = sessions.with(now, &state, |half| {
        if factor != factor_id(&half.login) {
            return None;
        }
        let shown = server.flows.authenticators.check(&half.login, &given, now);
        half.wrong += u32::from(shown != Shown::Right);
        Some((shown, half.wrong >= TRIES))
    });
    match checked {
        None => error(StatusCode::UNAUTHORIZED, "E0000011", "Invalid token provided"),
        Some(None) => error(StatusCode::NOT_FOUND, "E0000007", "Not found: factor"),
        Some(Some((Shown::Right, _))) => match sessions.take(now, &state) {
            Some(half) => success(&half.login),
            None => error(StatusCode::UNAUTHORIZED, "E0000011", "Invalid token provided"),
        },
        Some(Some((_, true))) => {
            drop(sessions.take(now, &state));
            error(StatusCode::FORBIDDEN, "E0000069", "User Locked")
        }
        Some(Some((Shown::Used, _))) => {
            error(StatusCode::FORBIDDEN, "E0000068", "Each code can only be used once. Please wait for a new code")
        }
        Some(Some((Shown::Wrong, _))) => error(StatusCode::FORBIDDEN, "E0000068", "Invalid Passcode/Answer"),
    }
}

fn fields(wire: &Wire) -> Result<[String; 2], Flaw> {
    wire.expect_type("application/json", "utf-8")?;
    let [state, code] = read_json(&wire.body)?.exactly(["stateToken", "passCode"])?;
    if code.is_empty() { flaw("passCode is empty") } else { Ok([state, code]) }
}

/// The id of a user's factor; it differs for each user, so that no user can verify with the factor of another.
fn factor_id(login: &str) -> String {
    format!("ostf{}", hex::encode(&Sha256::digest(login)[..8]))
}

fn user(login: &str) -> Value {
    json!({ "profile": { "login": login } })
}

fn success(login: &str) -> Response {
    Json(json!({ "status": "SUCCESS", "sessionToken": token(), "_embedded": { "user": user(login) } })).into_response()
}

fn error(status: StatusCode, code: &str, summary: &str) -> Response {
    (status, Json(json!({ "errorCode": code, "errorSummary": summary, "errorCauses": [] }))).into_response()
}
