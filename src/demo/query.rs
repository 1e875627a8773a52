//! An old SSO server: a GET with the user name in the query, the rest in headers and cookies.
//!
//! `GET /sso/check?loginName=…&lang=zh`, headers `X-App-Key` and `X-Auth-Credential` (md5 of the password), cookies
//! `tenant` and `device`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderName;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::json::message;
use super::people::Knock;
use super::wire::{Flaw, Wire, flaw};
use super::{Attempt, Server, token};

/// The key of the one application that may ask. It is a demo's, printed in the documents.
const APP_KEY: &str = "demo-app-key";

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/sso/check", get(check))
}

async fn check(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    Json(match server.decide(&server.md5, &wire, read(&wire)) {
        Ok((Knock::Welcome, login)) => {
            let person = server.md5.person(&login);
            json!({ "status": "success", "ticket": format!("ST-{}", token()), "principal": person.login })
        }
        Ok((Knock::Wrong, _)) => json!({ "status": "fail", "message": message(Knock::Wrong) }),
        Ok((knock, _)) => json!({ "status": "denied", "message": message(knock) }),
        Err(flaw) => json!({ "status": "error", "message": flaw.0 }),
    })
    .into_response()
}

fn read(wire: &Wire) -> Result<Attempt, Flaw> {
    let [login, _lang] = wire.query()?.exactly(["loginName", "lang"])?;
    let [tenant, device] = wire.cookies()?.exactly(["tenant", "device"])?;
    if wire.header(HeaderName::from_static("x-app-key"))? != APP_KEY {
        return flaw("unknown application");
    }
    if tenant != "doorward" || device.is_empty() {
        return flaw("unknown tenant or device");
    }
    let sent = wire.header(HeaderName::from_static("x-auth-credential"))?.to_owned();
    Ok(Attempt { login, sent })
}
