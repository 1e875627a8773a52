//! An authentication server with second factors. It counts what it is asked and is strict about who holds which token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What the server remembers.
#[derive(Debug, Default)]
pub struct Memory {
    /// How often each path was asked.
    pub asked: HashMap<String, usize>,
    /// The last body of each path.
    pub last: HashMap<String, String>,
    /// The Cookie header of the last request of each path.
    pub cookies: HashMap<String, String>,
    /// How often codes went out.
    pub codes: usize,
    /// Whether the push was confirmed, or refused.
    pub push: Option<bool>,
    /// What the page of a redirect handed out: its code and the PKCE challenge.
    pub authorised: Option<(String, String)>,
    /// The name that user info gives; the right one when empty.
    pub somebody_else: bool,
}

#[derive(Clone, Default)]
pub struct Upstream {
    pub base: String,
    pub memory: Arc<Mutex<Memory>>,
}

/// The code that every message holds.
pub const CODE: &str = "042042";

impl Upstream {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Self { base: format!("http://{}", listener.local_addr().unwrap()), ..Self::default() };
        let router = Router::new()
            .route("/login", post(login))
            .route("/sms", post(sms))
            .route("/verify", post(verify))
            .route("/push", get(push))
            .route("/token", post(token))
            .route("/renew", post(renew))
            .with_state(upstream.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        upstream
    }

    pub fn asked(&self, path: &str) -> usize {
        self.memory.lock().unwrap().asked.get(path).copied().unwrap_or_default()
    }

    pub fn last(&self, path: &str) -> String {
        self.memory.lock().unwrap().last.get(path).cloned().unwrap_or_default()
    }

    fn note(&self, path: &str, headers: &HeaderMap, body: &[u8]) -> HashMap<String, String> {
        let mut memory = self.memory.lock().unwrap();
        *memory.asked.entry(path.to_owned()).or_default() += 1;
        memory.last.insert(path.to_owned(), String::from_utf8_lossy(body).into_owned());
        let cookie = headers.get("cookie").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        memory.cookies.insert(path.to_owned(), cookie);
        url::form_urlencoded::parse(body).into_owned().collect()
    }
}

/// Anybody with the password `right`; tokens are the user's name.
async fn login(State(upstream): State<Upstream>, headers: HeaderMap, body: Bytes) -> Response {
    let form = upstream.note("/login", &headers, &body);
    if form["password"] != "right" {
        return Json(json!({ "code": 500, "msg": "no", "data": { "tries": 4 } })).into_response();
    }
    let reply = json!({
        "code": 200, "mfa": true, "token": format!("token of {}", form["user"]), "mobile": "138****0000",
        "data": { "sso": "S1" }, "picture": "iVBORw0KGgo=", "secret_extra": "never named by a later step"
    });
    ([("set-cookie", "session=s1; Path=/; HttpOnly")], Json(reply)).into_response()
}

async fn sms(State(upstream): State<Upstream>, headers: HeaderMap, body: Bytes) -> Response {
    upstream.note("/sms", &headers, &body);
    upstream.memory.lock().unwrap().codes += 1;
    Json(json!({ "code": 0 })).into_response()
}

async fn verify(State(upstream): State<Upstream>, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let form = upstream.note("/verify", &headers, &body);
    let session = headers.get("cookie").is_some_and(|cookie| cookie == "session=s1");
    if !session || !form["t"].starts_with("token of ") {
        return Json(json!({ "code": 401 }));
    }
    match form["code"].as_str() {
        CODE => Json(json!({ "code": 0, "name": form["t"]["token of ".len()..] })),
        "locked" => Json(json!({ "code": 423 })),
        "odd" => Json(json!({ "strange": true })),
        _ => Json(json!({ "code": 96, "msg": "wrong code" })),
    }
}

async fn push(State(upstream): State<Upstream>, headers: HeaderMap) -> Json<Value> {
    upstream.note("/push", &headers, b"");
    let (push, name) = {
        let memory = upstream.memory.lock().unwrap();
        (memory.push, if memory.somebody_else { "mallory" } else { "zhangsan" })
    };
    Json(match push {
        None => json!({ "state": "waiting" }),
        Some(true) => json!({ "state": "confirmed", "name": name }),
        Some(false) => json!({ "state": "refused" }),
    })
}

/// The code of an authorisation, once, with the PKCE verifier of who began it (RFC 7636 section 4.6).
async fn token(State(upstream): State<Upstream>, headers: HeaderMap, body: Bytes) -> Response {
    let form = upstream.note("/token", &headers, &body);
    let mut memory = upstream.memory.lock().unwrap();
    let verified = memory.authorised.take_if(|(code, challenge)| {
        *code == form["code"] && *challenge == URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]))
    });
    match verified {
        Some(_) => Json(json!({ "sub": if memory.somebody_else { "mallory" } else { "zhangsan" } })).into_response(),
        None => (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response(),
    }
}

async fn renew(State(upstream): State<Upstream>, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let form = upstream.note("/renew", &headers, &body);
    if form["new"].len() < 8 {
        return Json(json!({ "code": 12, "msg": "at least 8 characters" }));
    }
    Json(json!({ "code": 0 }))
}
