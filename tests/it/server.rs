//! The console API from outside: every status, header and body.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use doorward::api::router;
use doorward::attempt::App;
use doorward::config::{Client, Config, Scope, TokenHash};
use doorward::metrics::{Closed, Gone, Metrics, Shed};
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

/// status, code, and a word of the body
#[tokio::test]
async fn faults_of_the_body_are_problems_and_never_verdicts() {
    let long = format!(r#"{{"username":"a","password":"{}"}}"#, "x".repeat(65 * 1024));
    let exact = format!(r#"{{"username":"a","password":"{}"}}"#, "x".repeat(64 * 1024 - 30));
    for (body, status, code, word) in [
        ("", 400, "malformed_body", "line 1"),
        ("{", 400, "malformed_body", ""),
        ("username=a&password=b", 400, "malformed_body", ""),
        (r#"{"username":"a","password":"b"} x"#, 400, "malformed_body", ""),
        ("\u{feff}{}", 400, "malformed_body", ""),
        (r#"{"username":"a","password":"\ud800"}"#, 400, "malformed_body", ""),
        ("[]", 422, "invalid_body", "expected an object, found array"),
        ("{}", 422, "invalid_body", "/username"),
        (r#"{"username":"a"}"#, 422, "invalid_body", "/password"),
        (r#"{"username":"a","password":null}"#, 422, "invalid_body", "found null"),
        (r#"{"username":"a","password":123456}"#, 422, "invalid_body", "found number"),
        (r#"{"username":"a","password":"b","pasword":"c"}"#, 422, "invalid_body", "did you mean `password`"),
        (r#"{"username":"a","password":"b","x/y":1}"#, 422, "invalid_body", "/x~1y"),
        (r#"{"username":"a","password":"b","password":"b"}"#, 422, "invalid_body", "duplicate key"),
        (r#"{"username":"a","password":"b","attributes":{"floor":1,"floor":2}}"#, 422, "invalid_body", "duplicate key"),
        (r#"{"username":"a","password":"b","attributes":{"flor":1}}"#, 422, "invalid_body", "did you mean `floor`"),
        (r#"{"username":"a","password":"b","attributes":{"device_id":"12345"}}"#, 422, "invalid_body", "at most 4"),
        (r#"{"username":"a","password":"b","attributes":{"floor":{}}}"#, 422, "invalid_body", "found object"),
        (r#"{"username":"a","password":"b","attributes":[]}"#, 422, "invalid_body", "/attributes"),
        (r#"{"username":"a","password":"b","client_ip":"10.0.0.300"}"#, 422, "invalid_body", "/client_ip"),
        (r#"{"username":"a","password":"b","client_ip":1}"#, 422, "invalid_body", "/client_ip"),
        (r#"{"username":"a","password":"b","timeout_ms":0}"#, 422, "invalid_body", "/timeout_ms"),
        (r#"{"username":"a","password":"b","timeout_ms":"5"}"#, 422, "invalid_body", "/timeout_ms"),
        (r#"{"username":"a","password":"b","timeout_ms":1.5}"#, 422, "invalid_body", "/timeout_ms"),
        (r#"{"username":"a","password":"b","request_id":"a b"}"#, 422, "invalid_body", "/request_id"),
        (r#"{"username":"a","password":"b","request_id":"a\nb"}"#, 422, "invalid_body", "/request_id"),
        (long.as_str(), 413, "body_too_large", "65536"),
    ] {
        let answer = send(&demo(), post(LOGIN, TOKEN, body.to_owned())).await;
        problem(&answer, status, code, body);
        assert!(answer.body.contains(word), "{body:.80}: {}", answer.body);
    }
    assert_eq!(exact.len(), 64 * 1024);
    assert_eq!(send(&demo(), post(LOGIN, TOKEN, exact)).await.status, 403);
}

fn problem(answer: &Answer, status: u16, code: &str, what: &str) {
    assert_eq!(answer.status, status, "{what:.80}: {}", answer.body);
    assert_eq!(answer.header("doorward-verdict"), None, "{what:.80}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what:.80}");
    assert_eq!(answer.json()["status"], status, "{what:.80}");
    assert_eq!(answer.json()["code"], code, "{what:.80}");
}

#[tokio::test]
async fn a_timeout_is_any_spelling_of_a_whole_number() {
    for timeout in ["1", "5000", "5e3", "5000.0", "18446744073709551615", "null"] {
        let body = format!(r#"{{"username":"a","password":"accept","timeout_ms":{timeout}}}"#);
        assert_eq!(send(&demo(), post(LOGIN, TOKEN, body)).await.status, 200, "{timeout}");
    }
}

#[tokio::test]
async fn every_mistake_of_a_body_is_told_at_once() {
    let answer = send(&demo(), post(LOGIN, TOKEN, r#"{"usrname":"a","password":1,"timeout_ms":-1}"#)).await;
    let pointers: Vec<_> = answer.json()["errors"].as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
    assert_eq!(pointers, ["/usrname", "/username", "/password", "/timeout_ms"]);
}

#[tokio::test]
async fn a_required_attribute_must_be_sent() {
    let mut connector = MadeUp::new("demo");
    connector.about.attributes["floor"].required = true;
    let router = router(Arc::new(app(vec![Arc::new(connector)])));
    let answer = send(&router, post(LOGIN, TOKEN, r#"{"username":"a","password":"accept"}"#)).await;
    problem(&answer, 422, "invalid_body", "floor");
    assert!(answer.body.contains("/attributes/floor"));
    let body = r#"{"username":"a","password":"accept","attributes":{"floor":7}}"#;
    assert_eq!(send(&router, post(LOGIN, TOKEN, body)).await.status, 200);
}

#[tokio::test]
async fn the_body_must_say_that_it_is_json() {
    let body = r#"{"username":"a","password":"accept"}"#;
    for (types, status) in [
        (vec!["application/json"], 200),
        (vec!["Application/JSON; charset=utf-8"], 200),
        (vec!["text/plain"], 415),
        (vec!["application/x-www-form-urlencoded"], 415),
        (vec!["application/json", "text/plain"], 415),
        (vec![], 415),
    ] {
        let mut request = Request::post(LOGIN).header("authorization", format!("Bearer {TOKEN}"));
        for value in &types {
            request = request.header("content-type", *value);
        }
        assert_eq!(send(&demo(), request.body(body.into()).unwrap()).await.status, status, "{types:?}");
    }
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

fn get(path: &str, token: &str) -> Request<Body> {
    Request::get(path).header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_client_sees_its_own_connectors() {
    let all = send(&demo(), get("/v1/connectors", "reader")).await;
    let ids = |answer: &Answer| -> Vec<String> {
        let json = answer.json();
        json["connectors"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&all), ["demo", "other"]);
    assert_eq!(ids(&send(&demo(), get("/v1/connectors", "narrow")).await), ["other"]);
    problem(&send(&demo(), get("/v1/connectors/demo", "narrow")).await, 404, "unknown_connector", "demo");
    let one = send(&demo(), get("/v1/connectors/demo", "reader")).await;
    assert_eq!(
        one.body,
        concat!(
            r#"{"id":"demo","title":"Made up","kind":"authentication","revision":"rev1","health":"current","inputs":{"username":true,"password":true,"#,
            r#""attributes":{"device_id":{"required":false,"max":4},"floor":{"required":false,"max":null}},"#,
            r#""password_fields":null,"username_fields":null}}"#
        )
    );
}

#[tokio::test]
async fn every_page_but_health_wants_a_token_and_its_scope() {
    for (request, scope) in [
        (post("/v1/utilities/demo", "x", "{}"), "authenticate"),
        (post("/v1/connectors/demo/test", "x", "{}"), "test"),
        (get("/v1/connectors", "x"), "read"),
        (get("/v1/connectors/demo", "x"), "read"),
        (get("/metrics", "x"), "read"),
        (get("/openapi.json", "x"), "read"),
        (post("/v1/reload", "x", ""), "reload"),
    ] {
        let (parts, _) = request.into_parts();
        for (token, code) in [("x", "invalid_token"), ("bare", "insufficient_scope")] {
            let mut config = config();
            let other = if scope == "authenticate" { Scope::Read } else { Scope::Authenticate };
            config.clients.push(client("bare", "bare", &[other], None));
            let app = App::new(&config, Arc::new(Shelf(vec![Arc::new(MadeUp::new("demo"))])), Arc::default(), None);
            let mut request = Request::from_parts(parts.clone(), Body::from("{}"));
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
            let answer = send(&router(Arc::new(app)), request).await;
            problem(&answer, 401, code, parts.uri.path());
            if token == "bare" {
                assert!(answer.header("www-authenticate").unwrap().contains(&format!("scope=\"{scope}\"")));
            }
        }
    }
}

#[tokio::test]
async fn a_reload_answers_with_the_ids_of_the_client() {
    let answer = send(&demo(), post("/v1/reload", TOKEN, "")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (200, r#"{"changed":["demo"],"removed":[],"refused":[]}"#)
    );
    let answer = send(&demo(), post("/v1/reload", "narrow", "")).await;
    assert_eq!(answer.body, r#"{"changed":[],"removed":[],"refused":[]}"#);
}

#[tokio::test]
async fn a_send_test_shows_its_stages_and_masks_what_the_upstream_said() {
    let body = r#"{"username":"zhangsan","password":"accept#hunter2"}"#;
    let answer = send(&demo(), post("/v1/connectors/demo/test", TOKEN, body)).await;
    assert_eq!((answer.status.as_u16(), answer.header("doorward-verdict")), (200, Some("accept")));
    let json = answer.json();
    assert_eq!((&json["verdict"], &json["connector"]), (&"accept".into(), &"demo".into()));
    assert!(json["trace"].is_array() && json["explain"].is_string(), "{json}");
    assert!(!answer.body.contains("12345678901234567890") && !answer.body.contains("张三"), "{json}");
    assert!(!answer.body.contains("hunter2"));
    let rendered = r#"{"username":"zhangsan","password":"accept","mode":"render"}"#;
    let answer = send(&demo(), post("/v1/connectors/demo/test", TOKEN, rendered)).await;
    problem(&answer, 409, "rendered", "render");
    assert!(answer.json()["trace"].is_array());
    let wrong = r#"{"username":"zhangsan","password":1,"mode":"dry"}"#;
    let answer = send(&demo(), post("/v1/connectors/demo/test", TOKEN, wrong)).await;
    problem(&answer, 422, "invalid_body", "mode");
    assert_eq!(answer.json()["errors"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn readiness_and_metrics() {
    let app = Arc::new(app(vec![Arc::new(MadeUp::new("demo"))]));
    let router = router(Arc::clone(&app));
    let open = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let ready = send(&router, open("/readyz")).await;
    assert_eq!(
        ready.body,
        r#"{"status":"ready","state":"ok","sandbox":"unused","connectors":{"current":1,"stale":0,"invalid":0}}"#
    );
    app.drain();
    let ready = send(&router, open("/readyz")).await;
    assert_eq!((ready.status.as_u16(), &ready.json()["status"]), (503, &"draining".into()));
    send(&router, post(LOGIN, TOKEN, "{")).await;
    let metrics = send(&router, get("/metrics", TOKEN)).await;
    assert!(metrics.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    for line in ["doorward_problems_total{code=\"malformed_body\"} 1", "doorward_connectors{health=\"current\"} 1"] {
        assert!(metrics.body.contains(line), "{line}\n{}", metrics.body);
    }
}

#[tokio::test]
async fn the_committed_api_description_is_current_and_served() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let document = doorward::api::openapi_document();
    expect_test::expect_file![path].assert_eq(&format!("{document:#}\n"));
    assert_eq!(send(&demo(), get("/openapi.json", TOKEN)).await.json(), document);
}

/// The metrics that documents and dashboard name exist, and all that exist are documented.
#[tokio::test]
async fn documents_name_the_metrics_that_are_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let app = Arc::new(app(vec![Arc::new(MadeUp::new("demo")), Arc::new(MadeUp::utility("captcha"))]));
    // A family without a sample is not in the text.
    app.metrics.closed(Closed::Idle);
    app.metrics.shed(Shed::Logins);
    app.metrics.gone(Gone::Ended);
    app.metrics.refused("user");
    app.metrics.reloaded("ok");
    app.metrics.sandbox("seccomp", true);
    let router = router(app);
    for body in ["{", r#"{"username":"zhangsan","password":"accept"}"#] {
        send(&router, post(LOGIN, TOKEN, body)).await;
    }
    send(&router, post("/v1/utilities/captcha", TOKEN, r#"{"username":"ok"}"#)).await;
    let text = send(&router, get("/metrics", TOKEN)).await.body;
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert!(names.len() > 15, "{text}");
    for document in ["docs/operation.md", "docs/logging.md", "examples/grafana-dashboard.json"] {
        let text = read(document);
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        for word in words.filter(|word| word.starts_with("doorward_")) {
            let base = ["_total", "_bucket", "_info"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
            assert!(names.contains(&base), "{document} names {word}");
        }
    }
    for name in names {
        assert!(read("docs/operation.md").contains(name), "docs/operation.md does not name {name}");
    }
}
