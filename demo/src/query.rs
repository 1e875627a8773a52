//! An old SSO server: a GET with the user name in the query, the rest in headers and cookies.
//!
//! `GET /sso/check?loginName=…&sign=…`, headers `X-App-Key` and `X-Auth-Credential` (md5 of the password), cookies
//! `tenant` and `uid` (base64url of the user name); `sign` is the sha1 of the credential, as such interfaces have it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderName;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha1::{Digest as _, Sha1};

use super::json::message;
use super::people::LoginResult;
use super::wire::{Flaw, Wire, flaw};
use super::{Attempt, Server, token};

/// The key of the one application that may ask. It is a demo's, printed in the documents.
pub(super) const APP_KEY: &str = "demo-app-key";

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/sso/check", get(check))
}

async fn check(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    Json(match server.decide(&server.md5, &wire, read(&wire)) {
        Ok((LoginResult::Accepted, login)) => {
            let person = server.md5.person(&login);
            json!({ "status": "success", "ticket": format!("ST-{}", token()), "principal": person.login })
        }
        Ok((LoginResult::Wrong, _)) => json!({ "status": "fail", "message": message(LoginResult::Wrong) }),
        Ok((refusal, _)) => json!({ "status": "denied", "message": message(refusal) }),
        Err(flaw) => json!({ "status": "error", "message": flaw.0 }),
    })
    .into_response()
}

fn read(wire: &Wire) -> Result<Attempt, Flaw> {
    let [login, sign] = wire.query()?.exactly(["loginName", "sign"])?;
    let [tenant, uid] = wire.cookies()?.exactly(["tenant", "uid"])?;
    if wire.header(HeaderName::from_static("x-app-key"))? != APP_KEY {
        return flaw("unknown application");
    }
    if tenant != "doorward" || uid != URL_SAFE_NO_PAD.encode(&login) {
        return flaw("unknown tenant, or another uid");
    }
    let sent = wire.header(HeaderName::from_static("x-auth-credential"))?.to_owned();
    if sign != hex::encode(Sha1::digest(&sent)) {
        return flaw("the sign is not that of the credential");
    }
    Ok(Attempt { login, sent })
}
