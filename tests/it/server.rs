//! The console API from outside: every status, header and body.

mod bodies;
mod pages;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use doorward::api::router;
use doorward::attempt::App;
use doorward::config::{Client, Config, Scope, TokenHash};
use doorward::metrics::Metrics;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::made_up::{MadeUp, Shelf};

pub const TOKEN: &str = "dwt_test";

pub fn client(name: &str, token: &str, scopes: &[Scope], connectors: Option<&[&str]>) -> Client {
    Client {
        name: name.to_owned(),
        tokens: vec![TokenHash::of(token)],
        certificate: None,
        scopes: scopes.to_vec(),
        connectors: connectors.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect()),
        max_in_flight: None,
    }
}

pub fn config() -> Config {
    Config {
        clients: vec![
            client("console", TOKEN, &Scope::ALL, None),
            client("narrow", "narrow", &[Scope::Authenticate, Scope::Read, Scope::Reload], Some(&["other"])),
            client("reader", "reader", &[Scope::Read], None),
        ],
        ..Config::default()
    }
}

pub fn app(shelf: Vec<Arc<MadeUp>>) -> App {
    App::new(&config(), Arc::new(Shelf(shelf)), Arc::new(Metrics::new()), None)
}

fn demo() -> Router {
    router(Arc::new(app(vec![Arc::new(MadeUp::new("demo")), Arc::new(MadeUp::new("other"))])))
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Answer { status: parts.status, headers: parts.headers, body }
}

pub fn post(path: &str, token: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}

const LOGIN: &str = "/v1/connectors/demo/authenticate";

async fn login(password: &str) -> Answer {
    let body = format!(r#"{{"username":"zhangsan","password":"{password}","request_id":"r-1"}}"#);
    send(&demo(), post(LOGIN, TOKEN, body)).await
}

#[tokio::test]
async fn every_verdict_has_its_status_header_and_body() {
    let head = |verdict: &str| {
        format!(
            r#"{{"verdict":"{verdict}","connector":"demo","revision":"rev1","request_id":"r-1","username":"zhangsan","#
        )
    };
    for (password, status, verdict, retry_after, rest) in [
        (
            "accept",
            200,
            "accept",
            None,
            r#""subject":"zhangsan","error_code":"200","error_message":"ok","extension":{"id":12345678901234567890,"z":1,"a":[]},"extension_text":"{\"id\":12345678901234567890,\"z\":1,\"a\":[]}","attributes":{"display_name":"张三"},"cookies":[]}"#,
        ),
        (
            "text",
            200,
            "accept",
            None,
            r#""subject":"z","error_code":null,"error_message":null,"extension":"plain","extension_text":"plain","attributes":{},"cookies":[]}"#,
        ),
        (
            "wrong",
            403,
            "reject",
            None,
            r#""reason":"invalid_credentials","error_code":null,"error_message":null,"extension":null,"extension_text":null}"#,
        ),
        (
            "locked",
            403,
            "reject",
            Some("2"),
            r#""reason":"account_locked","error_code":"423","error_message":null,"extension":null,"extension_text":null,"retry_after":2}"#,
        ),
        (
            "challenge",
            401,
            "challenge",
            None,
            r#""challenge":{"id":"c1","type":"sms","message":"code?","fields":[{"name":"code","label":null,"echo":true,"pattern":"[0-9]{6}"}],"expires_in":300,"attempts_left":3,"resend_after":60}}"#,
        ),
        (
            "wrong code",
            401,
            "challenge",
            None,
            r#""challenge":{"id":"c1","type":"sms","message":"code?","fields":[{"name":"code","label":null,"echo":true,"pattern":"[0-9]{6}"}],"expires_in":300,"attempts_left":2,"resend_after":60,"error":{"reason":"mfa_failed","error_code":"96","error_message":null}}}"#,
        ),
        ("unavailable", 503, "unavailable", None, r#""cause":"timeout"}"#),
        ("overloaded", 503, "unavailable", Some("1"), r#""cause":"overloaded","retry_after":1}"#),
        ("misconfigured", 500, "misconfigured", None, r#""what":"env.x is set by no script"}"#),
    ] {
        let answer = login(password).await;
        assert_eq!(answer.status, status, "{password}");
        assert_eq!(answer.header("doorward-verdict"), Some(verdict), "{password}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{password}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{password}");
        assert_eq!(answer.header("retry-after"), retry_after, "{password}");
        assert_eq!(answer.header("www-authenticate"), None, "{password}");
        assert_eq!(answer.body, format!("{}{rest}", head(verdict)), "{password}");
    }
}

#[tokio::test]
async fn only_accept_is_2xx() {
    for password in
        ["wrong", "locked", "challenge", "unavailable", "overloaded", "misconfigured", "panic", "panic early"]
    {
        assert!(!login(password).await.status.is_success(), "{password}");
    }
}

#[tokio::test]
async fn a_panic_is_a_misconfigured_verdict_without_its_text() {
    let app = Arc::new(app(vec![Arc::new(MadeUp::new("demo"))]));
    let router = router(Arc::clone(&app));
    for (count, password) in ["panic", "panic early"].into_iter().enumerate() {
        let body = format!(r#"{{"username":"zhangsan","password":"{password}"}}"#);
        let answer = send(&router, post(LOGIN, TOKEN, body)).await;
        assert_eq!((answer.status.as_u16(), answer.header("doorward-verdict")), (500, Some("misconfigured")));
        assert!(!answer.body.contains("made up"), "{}", answer.body);
        let text = app.metrics.text();
        assert!(text.contains(&format!("doorward_panics_total {}\n", count + 1)), "{text}");
    }
}

fn problem(answer: &Answer, status: u16, code: &str, what: &str) {
    assert_eq!(answer.status, status, "{what:.80}: {}", answer.body);
    assert_eq!(answer.header("doorward-verdict"), None, "{what:.80}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what:.80}");
    assert_eq!(answer.json()["status"], status, "{what:.80}");
    assert_eq!(answer.json()["code"], code, "{what:.80}");
}

#[tokio::test]
async fn an_unknown_token_is_401_whatever_else_is_wrong() {
    for authorization in [
        vec![],
        vec!["Bearer wrong"],
        vec!["Bearer"],
        vec!["Bearer "],
        vec!["Basic ZGVtbzpkZW1v"],
        vec!["Bearer dwt_test", "Bearer dwt_test"],
        vec!["Bearer dwt_tesT"],
        vec!["Bearer  dwt_test"],
    ] {
        for path in [LOGIN, "/v1/connectors/nothing/authenticate"] {
            let mut request = Request::post(path).header("content-type", "application/json");
            for value in &authorization {
                request = request.header("authorization", *value);
            }
            let answer = send(&demo(), request.body("{".into()).unwrap()).await;
            problem(&answer, 401, "invalid_token", &authorization.join(" "));
            assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
        }
    }
}

#[tokio::test]
async fn a_connector_of_others_looks_like_one_that_is_not_there() {
    let body = r#"{"username":"a","password":"accept"}"#;
    let theirs = send(&demo(), post(LOGIN, "narrow", body)).await;
    let nothing = send(&demo(), post("/v1/connectors/nothing/authenticate", "narrow", body)).await;
    problem(&theirs, 404, "unknown_connector", "theirs");
    assert_eq!(theirs.body, nothing.body);
    assert_eq!(theirs.headers, nothing.headers);
    let mine = send(&demo(), post("/v1/connectors/other/authenticate", "narrow", body)).await;
    assert_eq!(mine.status, 200);
}

#[tokio::test]
async fn a_missing_scope_is_no_reject() {
    let answer = send(&demo(), post(LOGIN, "reader", r#"{"username":"a","password":"accept"}"#)).await;
    problem(&answer, 401, "insufficient_scope", "reader");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"insufficient_scope\", scope=\"authenticate\""));
}

#[tokio::test]
async fn other_paths_and_methods() {
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let health = send(&demo(), get("/healthz")).await;
    assert_eq!((health.status.as_u16(), health.body.as_str()), (200, "ok\n"));
    problem(&send(&demo(), get("/nothing")).await, 404, "unknown_path", "/nothing");
    let answer = send(&demo(), get(LOGIN)).await;
    problem(&answer, 405, "wrong_method", LOGIN);
    assert_eq!(answer.header("allow"), Some("POST"));
}

#[tokio::test]
async fn a_request_id_is_drawn_when_none_is_sent() {
    let answer = send(&demo(), post(LOGIN, TOKEN, r#"{"username":"a","password":"accept"}"#)).await;
    assert_eq!(answer.json()["request_id"].as_str().unwrap().len(), 36);
}
