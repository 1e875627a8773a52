//! `response.jwt` with keys of a JWK Set, in a daemon: how often the set is asked for, and what comes of a server that does not have
//! it, has too much of it or takes its time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use doorward::clock::{Ambient as _, System};
use doorward::crypto::encoding::base64url_encode;
use doorward::crypto::jws::{Algorithm, SigningKey, VerifyingKey};
use doorward::crypto::jwt;
use doorward::document::{Object, from_json};
use doorward::response::{JwtPlan, KeySource, read_jwks};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::daemon::{Daemon, Home, read};
use crate::upstreams::door::Door;

const PRIVATE: &str = include_str!("../../src/crypto/jws/ed25519-of-tests.pem");
const PUBLIC: &str = include_str!("../../src/crypto/jws/ed25519-public-of-tests.pem");

/// A token of an hour for this user, by the key with this identifier.
fn token(user: &str, kid: &str) -> String {
    let key = SigningKey::read(Algorithm::EdDsa, PRIVATE).unwrap();
    let header: Object = [("kid".to_owned(), kid.into())].into_iter().collect();
    let now = System.unix_ms() / 1000;
    let claims = from_json(json!({ "sub": user, "exp": now + 3600 }).to_string().as_bytes()).unwrap();
    jwt::sign(Algorithm::EdDsa, "EdDSA", &key, &header, &claims).unwrap()
}

fn key_set() -> Value {
    let Ok(VerifyingKey::Ed25519(x)) = VerifyingKey::read(Algorithm::EdDsa, PUBLIC) else { panic!("no key") };
    json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": base64url_encode(&x) }] })
}

/// The user name says which key the token names.
async fn login(body: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let user = asked["u"].as_str().unwrap();
    let kid = if user.starts_with("stranger") { "made-up" } else { "k1" };
    axum::Json(json!({ "code": 200, "token": token(user, kid) })).into_response()
}

/// An upstream whose key set is what `keys` gives; how often it was asked for.
async fn upstream(keys: impl Fn() -> Response + Clone + Send + Sync + 'static) -> (String, Arc<AtomicUsize>) {
    upstream_that(move || std::future::ready(keys())).await
}

/// The same with an answer that may never come.
async fn upstream_that<F, A>(keys: F) -> (String, Arc<AtomicUsize>)
where
    F: Fn() -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response> + Send + 'static,
{
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let keys = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        keys()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/login", post(login)).route("/keys", get(keys));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (base, asked)
}

fn started(base: &str) -> (Home, Daemon) {
    started_with(base, &format!("{base}/keys"), "")
}

/// A daemon with a connector that verifies by the set at `keys`, and `more` in its file; and one that does not.
fn started_with(base: &str, keys: &str, more: &str) -> (Home, Daemon) {
    let home = Home::new("log: { level: trace }\naudit: { file: audit.jsonl }\nguard: { enabled: false }");
    home.connector("tokens", &tokens(base, keys, more));
    let plain = "{ all: [ { field: code, equals: 200 }, { field: token, exists: true } ] }";
    home.connector("plain", &connector(base, "", plain, more));
    let daemon = home.start();
    (home, daemon)
}

fn tokens(base: &str, keys: &str, more: &str) -> String {
    let jwt = format!(
        "      jwt: {{ field: token, jwks_url: \"{keys}\", algorithms: [ EdDSA, RS256 ] }}\n      identity: {{ claim: sub }}"
    );
    connector(base, &jwt, "{ all: [ { field: code, equals: 200 }, { claim: sub, has_value: true } ] }", more)
}

fn connector(base: &str, jwt: &str, success: &str, more: &str) -> String {
    format!(
        r#"version: 1
{more}
steps:
  - name: login
    request: {{ method: POST, url: "{base}/login", body: {{ json: {{ u: "{{{{user.username}}}}", p: "{{{{user.userPassword}}}}" }} }} }}
    response:
      format: json
{jwt}
      success: {success}
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_are_asked_for_once_for_all_logins() {
    let (base, asked) = upstream(|| axum::Json(key_set()).into_response()).await;
    let (home, daemon) = started(&base);
    for index in 0..5 {
        let user = format!("user{index}");
        let (_, body) = daemon.login("tokens", &user, "x").await;
        assert_eq!((&body["verdict"], &body["subject"]), (&json!("accept"), &json!(user)), "{body}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    // A made-up key makes no request each.
    for index in 0..5 {
        let (_, body) = daemon.login("tokens", &format!("stranger{index}"), "x").await;
        assert_eq!((&body["verdict"], &body["cause"]), (&json!("unavailable"), &json!("unexpected_reply")), "{body}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1, "the set was asked for a moment ago");
    let (_, log) = daemon.end();
    let audit = read(&home.path("audit.jsonl"));
    assert!(audit.contains("the token in field \\\"token\\\" names a key that is not there"), "{audit}");
    for text in [log, audit] {
        assert!(!text.contains("made-up") && !text.contains("eyJ"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_set_that_cannot_be_had_lets_nobody_in() {
    type Keys = fn() -> Response;
    let large = || axum::Json(json!({ "keys": [], "x": "x".repeat(300 << 10) })).into_response();
    let useless = || axum::Json(json!({ "keys": [{ "kty": "oct", "k": "AQ" }, null, 7] })).into_response();
    let endless = || {
        let chunk = || Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 4096]));
        Body::from_stream(futures_util::stream::repeat_with(chunk)).into_response()
    };
    let table: [(Keys, &str, &str); 7] = [
        (|| StatusCode::SERVICE_UNAVAILABLE.into_response(), "upstream_error", "the server answers HTTP 503"),
        (|| axum::response::Html("<title>Sign in</title>").into_response(), "unexpected_reply", "it is an HTML page"),
        (large, "unexpected_reply", "it is larger than 256 KiB"),
        (|| axum::Json(json!({ "keys": [] })).into_response(), "unexpected_reply", "no key that signs"),
        (useless, "unexpected_reply", "no key that signs"),
        (|| "null".into_response(), "unexpected_reply", "it has no list `keys`"),
        (endless, "response_too_large", "the keys of tokens (jwks_url) cannot be had"),
    ];
    for (keys, cause, why) in table {
        let (base, asked) = upstream(keys).await;
        let (home, daemon) = started(&base);
        let (_, body) = daemon.login("tokens", "user", "x").await;
        assert_eq!((&body["verdict"], &body["cause"]), (&json!("unavailable"), &json!(cause)), "{why}: {body}");
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        daemon.end();
        let audit = read(&home.path("audit.jsonl"));
        assert!(audit.contains(why), "{why}: {audit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_server_that_is_down_is_told_by_name() {
    let (base, _) = upstream(|| StatusCode::NOT_FOUND.into_response()).await;
    let nobody = crate::support::nobody();
    let (home, daemon) = started_with(&base, &format!("{nobody}keys"), "");
    let (_, body) = daemon.login("tokens", "user", "x").await;
    assert_eq!((&body["verdict"], &body["cause"]), (&json!("unavailable"), &json!("connect")), "{body}");
    daemon.end();
    let audit = read(&home.path("audit.jsonl"));
    assert!(audit.contains("the keys of tokens (jwks_url) cannot be had"), "{audit}");
    assert!(!audit.contains("eyJ"), "{audit}");
}

/// A server may replace its key and keep the name.
#[tokio::test]
async fn a_signature_that_no_kept_key_made_asks_for_the_set_again() {
    let (base, asked) = upstream(|| axum::Json(key_set()).into_response()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.yaml");
    std::fs::write(&file, tokens(&base, &format!("{base}/keys"), "")).unwrap();
    let door = Door::open(&file, &[]).await;
    let Some(JwtPlan { keys: KeySource::Jwks(jwks), .. }) = &door.live().connector.steps[0].response.jwt else {
        panic!("no set")
    };
    // The example of RFC 8037.
    let other =
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let kept_for = |seconds: u64| {
        let old = read_jwks(other.as_bytes()).unwrap().into();
        jwks.caches.of(None).keep(Ok(old), Instant::now() - Duration::from_secs(seconds));
    };
    kept_for(1);
    let report = door.expect("user", "x", "unavailable(unexpected_reply)").await;
    assert!(report.explain.contains("has a signature that is not right"), "{}", report.explain);
    assert_eq!(asked.load(Ordering::Relaxed), 0, "the set was asked for a moment ago");
    kept_for(31);
    door.expect("user", "x", "accept").await;
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    door.expect("user", "x", "accept").await;
    assert_eq!(asked.load(Ordering::Relaxed), 1, "what came is kept");
}

/// Logins wait for one request, each until its own deadline, and take nothing from other connectors meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_server_that_says_nothing_holds_nobody_beyond_the_deadline() {
    let (base, asked) = upstream_that(std::future::pending::<Response>).await;
    let (home, daemon) = started_with(&base, &format!("{base}/keys"), "transport: { timeout: 3s }");
    let users: Vec<String> = (0..40).map(|index| format!("user{index}")).collect();
    let slow = futures_util::future::join_all(users.iter().map(|user| daemon.login("tokens", user, "x")));
    let others = futures_util::future::join_all(users.iter().map(|user| daemon.login("plain", user, "x")));
    let (slow, others) = tokio::join!(slow, others);
    for (_, body) in &slow {
        assert_eq!((&body["verdict"], &body["cause"]), (&json!("unavailable"), &json!("timeout")), "{body}");
    }
    assert!(others.iter().all(|(_, body)| body["verdict"] == "accept"), "{others:?}");
    // Three seconds without a word are told to whoever comes next, without a request.
    let so_far = asked.load(Ordering::Relaxed);
    let (_, body) = daemon.login("tokens", "late", "x").await;
    assert_eq!((&body["verdict"], &body["cause"]), (&json!("unavailable"), &json!("timeout")), "{body}");
    assert_eq!(asked.load(Ordering::Relaxed), so_far);
    daemon.end();
    let audit = read(&home.path("audit.jsonl"));
    assert!(audit.contains("the keys of tokens (jwks_url) cannot be had"), "{audit}");
}
