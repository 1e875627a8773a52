//! A server that reads and writes nothing in clear, inside TLS: `POST /sealed/login`.
//!
//! `{ "appId", "iv", "data" }`, `data` being AES-CBC of `{ "username", "password", "timestamp" }`; the reply is
//! `{ "code", "msg", "iv", "data" }`, with an iv of its own and in `data` the user, encrypted the same way.

use std::sync::Arc;

use aes::{Aes128, Aes192, Aes256};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use serde_json::json;

use crate::json::{code, malformed, message};
use crate::people::LoginResult;
use crate::wire::{Flaw, Wire, flaw, json as read_json};
use crate::{Attempt, Server, token};

/// The application and its key. A demo's, printed in the documents.
pub(crate) const APP: (&str, &str) = ("doorward-app", "demo-aes-key-128");

/// Milliseconds that a request stays good.
const FRESH: u64 = 300_000;

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/sealed/login", post(login))
}

/// Runs a macro with the AES of the key's length.
macro_rules! with_aes {
    ($run:ident) => {
        match APP.1.len() {
            16 => $run!(Aes128),
            24 => $run!(Aes192),
            _ => $run!(Aes256),
        }
    };
}

fn open(iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    macro_rules! run {
        ($aes:ty) => {
            cbc::Decryptor::<$aes>::new_from_slices(APP.1.as_bytes(), iv).ok()?.decrypt_padded_vec::<Pkcs7>(data).ok()
        };
    }
    with_aes!(run)
}

fn seal(iv: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
    macro_rules! run {
        ($aes:ty) => {
            Some(cbc::Encryptor::<$aes>::new_from_slices(APP.1.as_bytes(), iv).ok()?.encrypt_padded_vec::<Pkcs7>(plain))
        };
    }
    with_aes!(run)
}

fn attempt(server: &Server, wire: &Wire) -> Result<Attempt, Flaw> {
    wire.expect_type("application/json", "utf-8")?;
    let [app, iv, data] = read_json(&wire.body)?.exactly(["appId", "iv", "data"])?;
    if app != APP.0 {
        return flaw("unknown application");
    }
    let (Ok(iv), Ok(data)) = (hex::decode(&iv), STANDARD.decode(&data)) else {
        return flaw("iv or data is unreadable");
    };
    let Some(plain) = open(&iv, &data) else { return flaw("data cannot be decrypted") };
    let [login, sent, time] = read_json(&plain)?.exactly(["username", "password", "timestamp"])?;
    if time.parse::<u64>().ok().is_none_or(|time| time.abs_diff(server.now()) > FRESH) {
        return flaw("the time is too far off");
    }
    Ok(Attempt { login, sent })
}

async fn login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    Json(match server.decide(&server.salted, &wire, attempt(&server, &wire)) {
        Ok((LoginResult::Accepted, login)) => {
            let person = server.salted.person(&login);
            let user = json!({ "token": token(), "loginName": person.login, "name": person.name });
            let mut iv = [0; 16];
            // Without randomness there would be no salts, and so no server.
            let drawn = getrandom::fill(&mut iv).ok();
            let sealed = drawn.and_then(|()| seal(&iv, user.to_string().as_bytes())).unwrap_or_default();
            json!({ "code": 200, "msg": "登录成功", "iv": hex::encode(iv), "data": STANDARD.encode(sealed) })
        }
        Ok((refusal, _)) => json!({ "code": code(refusal), "msg": message(refusal), "iv": null, "data": null }),
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}
