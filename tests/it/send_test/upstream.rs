//! An upstream that says what the password asks it to say, keeps what it was sent, and echoes all of it.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::json;

/// What was sent.
struct Asked {
    headers: HeaderMap,
    body: Bytes,
}

/// Ends with its runtime.
pub struct Upstream {
    pub origin: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Upstream {
    pub async fn start() -> Self {
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&asked));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { origin, asked }
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub fn last_json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.asked.lock().unwrap().last().unwrap().body).unwrap()
    }

    pub fn last_header(&self, name: &str) -> String {
        self.asked.lock().unwrap().last().unwrap().headers[name].to_str().unwrap().to_owned()
    }
}

async fn answer(State(asked): State<Arc<Mutex<Vec<Asked>>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let said = sent["password"].as_str().unwrap_or_default().to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let keys: Vec<String> = ["authorization", "x-pass", "cookie"]
        .iter()
        .filter_map(|name| parts.headers.get(*name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let php: String = said.chars().map(php).collect();
    let echo = format!("wrong password: {query} {} {} {php}", keys.join(" "), String::from_utf8_lossy(&body));
    asked.lock().unwrap().push(Asked { headers: parts.headers.clone(), body });
    let name = if said == "other" { "lisi" } else { "ZhangSan" };
    let result = json!({ "token": "3f2c1a7e-0b7e-4f6a-9d56-1d0f3b6a9c11", "name": name, "level": 3, "said": echo });
    match (parts.uri.path(), said.as_str()) {
        (_, "page") => axum::response::Html("<html><title>Sign in</title></html>").into_response(),
        (_, "503") => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        ("/echo/right", _) => (
            [("set-cookie", format!("JSESSIONID={}; Path=/; HttpOnly", hex::encode(&echo)))],
            Json(json!({ "code": 200, "msg": echo, "result": result })),
        )
            .into_response(),
        ("/echo/wrong", _) => Json(json!({ "code": 500, "msg": echo, "result": result })).into_response(),
        (_, "right" | "other") => Json(json!({ "code": 200, "msg": "登录成功", "result": result })).into_response(),
        _ => Json(json!({ "code": 500, "msg": "用户名或密码错误", "result": null })).into_response(),
    }
}

/// As PHP's `json_encode` writes it.
fn php(c: char) -> String {
    match c {
        '"' | '/' => format!("\\{c}"),
        c if c.is_ascii() => c.to_string(),
        c => format!("\\u{:04x}", u32::from(c)),
    }
}
