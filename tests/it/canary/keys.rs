//! No key of a signature, of an encrypted request or of an encrypted reply is seen, and nothing computed from one: signatures,
//! ciphertexts, keys that filters made, keys that cannot be used. The upstream repeats all of them.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::post;
use doorward::crypto::cipher::{Algorithm, Cipher, Mode, Padding};
use doorward::crypto::digest::{self, digest};
use doorward::crypto::encoding::{base64_encode, hex_encode};
use http::HeaderMap;
use serde_json::{Value, json};

use crate::support::daemon::{Home, read};

/// 24 bytes: a key of AES, and none of DES or SM4.
const KEY: &str = "Tpqx-9f8e7d6c5b4a-Zuvw-1";

fn md5_of_key() -> String {
    hex_encode(&digest(digest::Algorithm::Md5, KEY.as_bytes()))
}

/// Name, what else is in the request, and what else in the response.
const CONNECTORS: [(&str, &str, &str); 9] = [
    (
        "hmac",
        r#"auth: { hmac: { algorithm: sha256, key: "{{secret.k}}", canonical: "{{request.body}}", into: { header: X-Sign } } }, body: { json: { u: "{{user.username}}", p: "{{user.userPassword}}" } }"#,
        "",
    ),
    (
        "value",
        r#"auth: { hmac: { algorithm: hash_md5, canonical: "{{request.body}}{{secret.k}}", value: "App {{request.signature}}", into: { header: X-Sign } } }, body: { json: { u: "{{user.username}}", p: "{{user.userPassword}}" } }"#,
        "",
    ),
    (
        "sorted",
        r#"auth: { sorted_sign: { algorithm: md5, key: "{{secret.k}}", into: { json: sign } } }, body: { json: { u: "{{user.username}}", p: "{{user.userPassword}}" } }"#,
        "",
    ),
    (
        "inner",
        r#"body: { inner: { json: { p: "{{user.userPassword}}" } }, json: { u: "{{user.username}}", sign: "{{body.inner | aes(mode=ecb, key=secret.k)}}" } }"#,
        "",
    ),
    (
        "inner-signed",
        r#"auth: { hmac: { algorithm: hash_sha1, canonical: "{{body.inner}}{{secret.k}}", into: { json: sign } } }, body: { inner: { json: { p: "{{user.userPassword}}" } }, json: { u: "{{user.username}}", d: "{{body.inner | aes(mode=ecb, key=secret.k)}}" } }"#,
        "",
    ),
    (
        "decrypt",
        r#"body: { json: { u: "{{user.username}}", p: "{{user.userPassword}}" } }"#,
        r#"decrypt: { aes: { mode: ecb }, key: "{{secret.k | md5}}" }, "#,
    ),
    (
        "decrypt-none",
        r#"body: { json: { u: "{{user.username}}", p: "{{user.userPassword}}" } }"#,
        r#"decrypt: { sm4: { mode: ecb }, key: "{{secret.k}}" }, "#,
    ),
    (
        "encrypt-none",
        r#"body: { inner: { json: { p: "{{user.userPassword}}" } }, json: { u: "{{user.username}}", d: "{{body.inner | des(mode=ecb, key=secret.k)}}" } }"#,
        "",
    ),
    (
        "rsa-none",
        r#"auth: { hmac: { algorithm: rsa_sha256, key: "{{secret.k}}", canonical: x, into: { header: X-Sign } } }, body: { json: { u: "{{user.username}}", p: "{{user.userPassword}}" } }"#,
        "",
    ),
];

fn connector(base: &str, request: &str, response: &str) -> String {
    format!(
        r#"version: 1
secrets: {{ k: {{ file: ../key }} }}
steps:
  - name: login
    request: {{ method: POST, url: "{base}/echo", {request} }}
    response: {{ format: json, {response}success: {{ field: code, equals: 200 }}, map: {{ error_message: msg }} }}
"#
    )
}

/// Repeats what was computed: as a page's title for the user `title`, else in a message, which is encrypted for `sealed`.
fn echo(headers: &HeaderMap, body: &Bytes, seen: &Mutex<Vec<String>>) -> Response {
    let asked: Value = serde_json::from_slice(body).unwrap();
    let mut computed = vec![KEY.to_owned(), md5_of_key(), hex_encode(KEY.as_bytes()), base64_encode(KEY.as_bytes())];
    computed.extend(headers.get("x-sign").map(|sign| sign.to_str().unwrap().trim_start_matches("App ").to_owned()));
    computed.extend(["sign", "d"].iter().filter_map(|name| Some(asked[*name].as_str()?.to_owned())));
    seen.lock().unwrap().extend(computed.iter().cloned());
    let computed = computed.join(" ");
    let message = json!({ "code": 500, "msg": format!("no: {computed}") });
    match asked["u"].as_str().unwrap() {
        "title" => Html(format!("<html><title>no {computed}</title>")).into_response(),
        "sealed" => {
            let ecb = Algorithm { cipher: Cipher::Aes, mode: Mode::Ecb, padding: Padding::Pkcs7 };
            base64_encode(&ecb.encrypt(md5_of_key().as_bytes(), b"", message.to_string().as_bytes()).unwrap())
                .into_response()
        }
        _ => axum::Json(message).into_response(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_and_nothing_made_with_one_is_seen() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&seen);
    let answer = move |headers: HeaderMap, body: Bytes| std::future::ready(echo(&headers, &body, &kept));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/echo", post(answer))).await });
    let home = Home::new("log: { level: trace }\naudit: { file: audit.jsonl }\nguard: { enabled: false }");
    std::fs::write(home.path("key"), KEY).unwrap();
    for (name, request, response) in CONNECTORS {
        home.connector(name, &connector(&base, request, response));
    }
    let daemon = home.start();
    let mut outputs = Vec::new();
    for (name, _, _) in CONNECTORS {
        for user in ["title", "message", "sealed"] {
            let (_, body) = daemon.login(name, user, "Canary-Passw0rd").await;
            let wanted = match (name, user) {
                ("decrypt-none" | "encrypt-none" | "rsa-none", _) => "misconfigured",
                ("decrypt", "sealed") => "reject",
                ("decrypt", _) | (_, "title" | "sealed") => "unavailable",
                _ => "reject",
            };
            assert_eq!(body["verdict"], wanted, "{name} {user}: {body}");
            outputs.push((format!("the reply of {name} to {user}"), body.to_string()));
            let body = json!({ "username": user, "password": "Canary-Passw0rd" });
            let test = daemon.call("POST", &format!("/v1/connectors/{name}/test"), Some(body)).await;
            outputs.push((format!("the trace of {name} for {user}"), test.1));
        }
    }
    outputs.push(("the log".to_owned(), daemon.end().1));
    outputs.push(("the audit trail".to_owned(), read(&home.path("audit.jsonl"))));
    let seen = seen.lock().unwrap();
    assert!(seen.len() > CONNECTORS.len() * 8);
    for computed in seen.iter() {
        for (name, text) in &outputs {
            let part: String = computed.chars().skip(1).take(9).collect();
            for needle in [computed.to_lowercase(), part.to_lowercase()] {
                assert!(!text.to_lowercase().contains(&needle), "{needle} stands in {name}: {text}");
            }
        }
    }
}
