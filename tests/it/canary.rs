//! Unique passwords through every outcome of the real daemon at trace level, and then a search for each of them, in clear
//! and in twelve derived forms, in everything that the daemon let out.

mod computed;
mod keys;
pub mod memory;
mod planting;
mod shipped;
mod upstream;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::StreamExt as _;
use http::StatusCode;
use md5::Md5;
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::support::daemon::{Home, json_connector, read};
use crate::support::nobody;

/// An authentication server: the last word of the password says how it behaves.
pub struct Upstream {
    pub base: String,
}

impl Upstream {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/login", post(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base }
    }
}

/// Repeats the password wherever an upstream could.
async fn answer(body: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let password = asked["clear"].as_str().unwrap();
    let echo = |code: u64, token: Option<&str>| {
        let data = json!({ "id": 7, "echo": password, "md5": asked["md5"] });
        let body = json!({ "code": code, "token": token, "msg": format!("no: {password}"), "data": data });
        let mut response = axum::Json(body).into_response();
        if let Ok(value) = http::HeaderValue::from_str(password) {
            response.headers_mut().insert("x-echo", value);
        }
        response
    };
    match password.rsplit(' ').next().unwrap() {
        "right" => echo(200, Some(password)),
        "html" => (StatusCode::OK, format!("<html><title>{password}</title></html>")).into_response(),
        "cut" => (StatusCode::OK, format!("{{\"code\": \"{password}")).into_response(),
        "odd" => echo(999, None),
        "500" => (StatusCode::INTERNAL_SERVER_ERROR, password.to_owned()).into_response(),
        "302" => (StatusCode::FOUND, [("location", format!("/x?p={}", hex::encode(password)))]).into_response(),
        "huge" => (StatusCode::OK, format!("{password}{}", "x".repeat(2 << 20))).into_response(),
        "hang" => std::future::pending().await,
        _ => echo(500, None),
    }
}

/// The twelve derived forms, and the clear one.
pub fn forms(password: &str) -> Vec<String> {
    let bytes = password.as_bytes();
    let md5 = hex::encode(Md5::digest(bytes));
    let url: String = url::form_urlencoded::byte_serialize(bytes).collect();
    let escaped = json!(password).to_string();
    vec![
        password.to_owned(),
        md5.clone(),
        md5.to_uppercase(),
        hex::encode(Md5::digest(md5.as_bytes())),
        hex::encode(Sha1::digest(bytes)),
        hex::encode(Sha256::digest(bytes)),
        STANDARD.encode(Sha256::digest(bytes)),
        STANDARD.encode(Md5::digest(bytes)),
        STANDARD.encode(bytes),
        URL_SAFE_NO_PAD.encode(bytes),
        hex::encode(bytes),
        url.clone(),
        url.replace('+', "%20"),
        escaped.trim_matches('"').to_owned(),
    ]
}

/// Long enough that no two forms of different passwords begin alike, short enough to find a form that was cut.
const WINDOW: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn no_password_leaves_the_daemon_except_to_its_upstream() {
    let upstream = Upstream::start().await;
    let home = Home::new("log: { level: trace }\naudit: { file: audit.jsonl }\nguard: { enabled: false }");
    home.connector("demo", &json_connector(&upstream.base, ""));
    home.connector("away", &json_connector(nobody().as_str().trim_end_matches('/'), ""));
    home.connector("broken", "version: 1\n");
    let throwing = json_connector(&upstream.base, "").replace(
        "env.digest = code_util.md5(user.userPassword);",
        "throw new Error('password ' + user.userPassword + code_util.md5(user.userPassword));",
    );
    home.connector("throwing", &throwing);
    let daemon = Arc::new(home.start());

    // "wrong" is what most people type; the slow ones are few.
    let kinds = ["right", "wrong", "html", "cut", "odd", "500", "302", "huge"];
    let mut logins: Vec<(String, String)> = (0..980)
        .map(|index| {
            let connector = match index % 20 {
                0 => "away",
                1 => "broken",
                2 => "throwing",
                _ => "demo",
            };
            (connector.to_owned(), kinds[index % kinds.len()].to_owned())
        })
        .collect();
    logins.extend((0..20).map(|_| ("demo".to_owned(), "hang".to_owned())));
    // Random, so that no form meets another by chance; with characters that encodings differ in.
    let passwords: Vec<String> =
        logins.iter().map(|(_, kind)| format!("{}+/=&%\"\\ä {kind}", uuid::Uuid::new_v4().simple())).collect();

    let mut verdicts: HashMap<String, usize> = HashMap::new();
    let runs = logins.iter().zip(&passwords).enumerate().map(|(index, ((connector, kind), password))| {
        let daemon = Arc::clone(&daemon);
        async move {
            // Some over the send test, whose traces are outputs too; some calls are faulty.
            let body = json!({ "username": "zhangsan", "password": password, "timeout_ms": 2000 });
            match (index % 10, kind.as_str()) {
                (3, _) => {
                    let path = format!("/v1/connectors/{connector}/test");
                    daemon.call("POST", &path, Some(body)).await
                }
                (5, "wrong") => {
                    let body = json!({ "username": "zhangsan", "password": { "x": password } });
                    daemon.call("POST", "/v1/connectors/demo/authenticate", Some(body)).await
                }
                _ => {
                    let (status, body) = daemon.login(connector, "zhangsan", password).await;
                    // What goes back to the caller in clear is what `map` names: not an output to search.
                    (status, body["verdict"].as_str().unwrap_or_default().to_owned())
                }
            }
        }
    });
    let mut outputs: Vec<(String, String)> = Vec::new();
    let mut answers = futures_util::stream::iter(runs).buffer_unordered(16);
    while let Some((status, output)) = answers.next().await {
        *verdicts.entry(status.to_string()).or_default() += 1;
        outputs.push(("an answer".to_owned(), output));
    }
    drop(answers);
    for status in ["200", "403", "422", "500", "503"] {
        assert!(verdicts.contains_key(status), "every outcome took part: {verdicts:?}");
    }
    for path in ["/metrics", "/readyz", "/v1/connectors", "/v1/connectors/demo"] {
        outputs.push((path.to_owned(), daemon.call("GET", path, None).await.1));
    }
    for line in read(&home.path("audit.jsonl")).lines().take(300) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let id = line["request_id"].as_str().unwrap();
        outputs.push(("a login explained".to_owned(), daemon.call("GET", &format!("/v1/logins/{id}"), None).await.1));
    }
    let (_, log) = Arc::into_inner(daemon).unwrap().end();
    let audit = read(&home.path("audit.jsonl"));
    assert!(audit.lines().count() > 900 && log.lines().count() > 900, "the outputs are there");
    outputs.push(("the log".to_owned(), log));
    outputs.push(("the audit trail".to_owned(), audit));
    search(&outputs, &passwords);
}

pub fn search(outputs: &[(String, String)], passwords: &[String]) {
    let mut needles: HashMap<[u8; WINDOW], (usize, usize)> = HashMap::new();
    for (index, password) in passwords.iter().enumerate() {
        for (form, text) in forms(password).iter().enumerate() {
            needles.insert(text.as_bytes()[..WINDOW].try_into().unwrap(), (index, form));
        }
    }
    for (name, text) in outputs {
        for (at, window) in text.as_bytes().windows(WINDOW).enumerate() {
            if let Some((index, form)) = needles.get(window) {
                let start = text.as_bytes()[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                let line: String = String::from_utf8_lossy(&text.as_bytes()[start..]).chars().take(2000).collect();
                panic!("password {index} in form {form} stands in {name}: {line}");
            }
        }
    }
}

#[test]
fn the_search_finds_every_form() {
    let password = format!("{}+/=&%\"\\ä right", uuid::Uuid::new_v4().simple());
    for (form, text) in forms(&password).iter().enumerate() {
        let outputs = vec![("a line".to_owned(), format!("ä before {text} after"))];
        let found = std::panic::catch_unwind(|| search(&outputs, std::slice::from_ref(&password)));
        assert!(found.is_err(), "form {form}");
    }
}
