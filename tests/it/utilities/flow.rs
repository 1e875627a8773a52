//! Utilities of real files in the real daemon: a captcha with its session, a code that is sent, a version check.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use crate::support::daemon::{Daemon, Home};

/// A GIF of one pixel would do; these bytes are no text in any charset.
const IMAGE: &[u8] = b"GIF89a\x01\x00\xff\xfe\x00\x80";

/// What the server keeps: the captcha's text by session, and the numbers that got a code.
#[derive(Default)]
struct Portal {
    captchas: Mutex<HashMap<String, String>>,
    sent: Mutex<Vec<String>>,
}

async fn portal() -> (String, Arc<Portal>) {
    let portal = Arc::new(Portal::default());
    let router = Router::new()
        .route("/captcha", get(captcha))
        .route("/login", post(login))
        .route("/sms", post(sms))
        .route(
            "/version",
            get(async || axum::Json(json!({ "server": "4a", "version": "5.2", "build": 9_007_199_254_740_993_u64 }))),
        )
        .with_state(Arc::clone(&portal));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (base, portal)
}

async fn captcha(State(portal): State<Arc<Portal>>) -> Response {
    let session = uuid::Uuid::new_v4().simple().to_string();
    let text = session[..4].to_owned();
    portal.captchas.lock().unwrap().insert(session.clone(), text);
    let cookie = format!("SESSION={session}; Path=/; HttpOnly");
    ([(header::CONTENT_TYPE, "image/gif".to_owned()), (header::SET_COOKIE, cookie)], IMAGE).into_response()
}

/// The captcha's text is good once, and only in the session that it was drawn in.
async fn login(State(portal): State<Arc<Portal>>, headers: HeaderMap, body: axum::Json<Value>) -> axum::Json<Value> {
    let cookie = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let session = cookie.strip_prefix("SESSION=").unwrap_or_default();
    let expected = portal.captchas.lock().unwrap().remove(session);
    let code = if expected.as_deref() != body["captcha"].as_str() {
        410
    } else if body["password"] == "123456" {
        200
    } else {
        500
    };
    axum::Json(json!({ "code": code }))
}

async fn sms(State(portal): State<Arc<Portal>>, body: axum::Json<Value>) -> Response {
    match body["mobile"].as_str().unwrap() {
        "000" => axum::Json(json!({ "code": 1001, "msg": "没有这个号码" })).into_response(),
        "503" => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        // It sends the message, and a gateway says that it did not.
        "502" => {
            portal.sent.lock().unwrap().push("502".to_owned());
            StatusCode::BAD_GATEWAY.into_response()
        }
        "html" => "<html><title>Sign in</title></html>".into_response(),
        mobile => {
            portal.sent.lock().unwrap().push(mobile.to_owned());
            axum::Json(json!({ "code": 0, "serial": "s-1" })).into_response()
        }
    }
}

const CAPTCHA: &str = r#"version: 1
kind: utility
settings: { base: "BASE" }
steps:
  - name: image
    request: { url: "${base}/captcha" }
    response:
      format: bytes
      success: { field: content_type, starts_with: "image/" }
      map: { extension: { object: { image: base64, type: content_type, session: { cookie: SESSION } } } }
tests:
  - name: an image and its session
    replies: [ { base64: R0lG, headers: { Content-Type: image/gif, Set-Cookie: "SESSION=abc; Path=/" } } ]
    expect: { extension: { image: R0lG, type: image/gif, session: abc }, requests: [ { method: GET } ] }
  - name: a page instead
    replies: [ { html: "<html></html>" } ]
    expect: { cause: upstream_error }
"#;

const LOGIN: &str = r#"version: 1
settings: { base: "BASE" }
input: { attributes: { session: { required: true }, captcha: { required: true, max: 8 } } }
steps:
  - name: login
    request:
      method: POST
      url: "${base}/login"
      cookies: { SESSION: "{{user.session}}" }
      body: { json: { name: "{{user.username}}", password: "{{user.userPassword}}", captcha: "{{user.captcha}}" } }
    response:
      reject:
        - { when: { field: code, equals: 410 }, reason: invalid_input, message: 验证码错误 }
        - { when: { field: code, equals: 500 }, reason: invalid_credentials }
      success: { field: code, equals: 200 }
"#;

const SMS: &str = r#"version: 1
kind: utility
settings: { base: "BASE" }
input: { attributes: { mobile: { required: true, max: 20 } } }
steps:
  - name: send
    sends_code_to: user.mobile
    variables: |
      if (user.mobile === 'bad') throw code_util.reject('号码格式错误');
      env.mobile = user.mobile;
    request: { method: POST, url: "${base}/sms", body: { json: { mobile: "{{env.mobile}}", user: "{{user.username}}" } } }
    response:
      format: json
      reject: [ { when: { field: code, equals: 1001 }, reason: other } ]
      success: { field: code, equals: 0 }
      map: { error_code: code, error_message: msg, extension: { object: { serial: serial } } }
tests:
  - name: sent
    user: { username: zhangsan, attributes: { mobile: "138" } }
    replies: [ { json: { code: 0, serial: s1 } } ]
    expect: { extension: { serial: s1 }, requests: [ { body: { mobile: "138", user: zhangsan } } ] }
  - name: an unknown number
    user: { username: zhangsan, attributes: { mobile: "000" } }
    replies: [ { json: { code: 1001, msg: no } } ]
    expect: { reason: other, error_code: "1001", error_message: "no" }
  - name: no user name
    user: { attributes: { mobile: "138" } }
    expect: { reason: invalid_input, requests: [] }
  - name: a name that a server in C would cut
    user: { username: "zhangsan\0x", attributes: { mobile: "138" } }
    expect: { reason: invalid_input, requests: [] }
"#;

const VERSION: &str = r#"version: 1
kind: utility
settings: { base: "BASE" }
steps:
  - name: version
    request: { url: "${base}/version" }
    response: { format: json, map: { extension: "$" } }
"#;

struct Place {
    base: String,
    portal: Arc<Portal>,
    daemon: Daemon,
    home: Home,
}

async fn place(more: &str) -> Place {
    let (base, portal) = portal().await;
    let home = Home::new(more);
    for (id, text) in [("captcha", CAPTCHA), ("login", LOGIN), ("sms", SMS), ("version", VERSION)] {
        home.connector(id, &text.replace("BASE", &base));
    }
    Place { base, portal, daemon: home.start(), home }
}

impl Place {
    async fn call(&self, id: &str, body: Value) -> (u16, Value) {
        let (status, text) = self.daemon.call("POST", &format!("/v1/utilities/{id}"), Some(body)).await;
        (status, serde_json::from_str(&text).unwrap())
    }

    async fn sms(&self, mobile: &str) -> (u16, Value) {
        self.call("sms", json!({ "username": "zhangsan", "client_ip": "192.0.2.1", "inputs": { "mobile": mobile } }))
            .await
    }
}

/// The image goes to the user, its session comes back with the login as an attribute.
#[tokio::test(flavor = "multi_thread")]
async fn a_captcha_and_its_session_lead_to_a_login() {
    let place = place("").await;
    let login = async |session: &Value, captcha: &str, password: &str| {
        let attributes = json!({ "session": session, "captcha": captcha });
        let body = json!({ "username": "zhangsan", "password": password, "attributes": attributes });
        let (status, text) = place.daemon.call("POST", "/v1/connectors/login/authenticate", Some(body)).await;
        let body: Value = serde_json::from_str(&text).unwrap();
        (status, body["reason"].as_str().unwrap_or_default().to_owned())
    };
    let mut sessions = Vec::new();
    for _ in 0..4 {
        let (status, body) = place.call("captcha", json!({})).await;
        assert_eq!((status, &body["extension"]["type"]), (200, &"image/gif".into()), "{body}");
        assert_eq!(body["extension"]["image"], STANDARD.encode(IMAGE), "byte for byte");
        sessions.push(body["extension"]["session"].clone());
    }
    let text = |index: usize| place.portal.captchas.lock().unwrap()[sessions[index].as_str().unwrap()].clone();
    let (first, second, third) = (text(0), text(1), text(2));
    assert_eq!(login(&sessions[0], &first, "123456").await, (200, String::new()));
    assert_eq!(login(&sessions[0], &first, "123456").await, (403, "invalid_input".into()), "it was used");
    assert_eq!(login(&sessions[1], &second, "wrong").await, (403, "invalid_credentials".into()));
    assert_eq!(login(&sessions[3], &third, "123456").await, (403, "invalid_input".into()), "another's session");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_upstream_says_to_a_utility_is_never_a_verdict() {
    let place = place("").await;
    assert_eq!(place.sms("138").await, (200, json!({ "extension": { "serial": "s-1" } })));
    let (status, body) = place.sms("000").await;
    assert_eq!((status, &body["code"], &body["reason"]), (422, &"refused".into(), &"other".into()));
    assert_eq!((&body["error_code"], &body["error_message"]), (&"1001".into(), &"没有这个号码".into()));
    let (status, body) = place.sms("bad").await;
    assert_eq!(
        (status, &body["reason"], &body["error_message"]),
        (422, &"invalid_input".into(), &"号码格式错误".into())
    );
    let (status, body) = place.sms("503").await;
    assert_eq!((status, &body["cause"]), (503, &"upstream_error".into()));
    let (status, body) = place.sms("html").await;
    assert_eq!((status, &body["cause"]), (503, &"unexpected_reply".into()));
    let (status, body) = place.call("version", json!({})).await;
    assert_eq!((status, body["extension"]["version"].as_str()), (200, Some("5.2")));
    assert_eq!(body["extension"]["build"].to_string(), "9007199254740993", "digits survive");
    assert_eq!(*place.portal.sent.lock().unwrap(), ["138"]);
    place.home.connector("sms", "version: 1\n");
    place.home.connector("never", "version: 1\nkind: utility\n");
    place.daemon.call("POST", "/v1/reload", None).await;
    assert_eq!(place.call("never", json!({})).await.0, 404, "whether an invalid file is a utility is not known");
    assert_eq!(place.sms("138").await.0, 200, "the last good revision runs on");
    let (_, log) = place.daemon.end();
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let calls: Vec<&Value> = lines.iter().filter(|line| line["message"] == "utility call").collect();
    assert_eq!(calls.len(), 7, "{log}");
    assert_eq!((&calls[1]["outcome"], &calls[1]["detail"]), (&"refused".into(), &"other".into()));
    assert!(calls[1]["explain"].as_str().unwrap().contains("reject row 1"), "{}", calls[1]);
}

/// Beyond the quota nothing is sent, and another number of the same address has its own count until the address's is up.
#[tokio::test(flavor = "multi_thread")]
async fn codes_beyond_the_quota_are_not_sent() {
    let place = place("guard: { sends: { user: 2, client_ip: 3, per: 10m } }").await;
    assert_eq!((place.sms("138").await.0, place.sms("138").await.0), (200, 200));
    let (status, body) = place.sms(" 138 ").await;
    assert_eq!((status, &body["code"]), (429, &"too_many_codes".into()), "{body}");
    assert_eq!(place.sms("139").await.0, 200);
    assert_eq!(place.sms("137").await.0, 429, "the address has had its codes");
    assert_eq!(*place.portal.sent.lock().unwrap(), ["138", "138", "139"]);
    assert_eq!(place.call("captcha", json!({ "client_ip": "192.0.2.1" })).await.0, 200, "only codes are counted");
    place.daemon.call("POST", "/v1/reload", None).await;
    assert_eq!(place.sms("138").await.0, 429, "a reload resets nothing");
    let metrics = place.daemon.call("GET", "/metrics", None).await.1;
    assert!(metrics.contains("doorward_guard_refusals_total{by=\"sends\"} 3"), "{metrics}");
}

/// Each try may send one, so each counts; what never left counts nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_is_tried_again_counts_each_try() {
    let place = place("guard: { sends: { user: 3, client_ip: 9, per: 10m } }").await;
    let retried = SMS.replace("BASE", &place.base).replace("    sends_code_to", "    retry: 3\n    sends_code_to");
    place.home.connector("sms", &retried);
    place.daemon.call("POST", "/v1/reload", None).await;
    let (status, body) = place.sms("502").await;
    assert_eq!((status, &body["cause"]), (503, &"upstream_error".into()), "{body}");
    assert_eq!(*place.portal.sent.lock().unwrap(), ["502"; 3], "the fourth try was beyond the quota");
    assert_eq!(place.sms("502").await.0, 429);
    for _ in 0..9 {
        assert_eq!(place.sms("bad").await.1["reason"], "invalid_input", "a script refused it, and nothing was sent");
    }
    for spelling in ["13800138000", "+86 138-0013-8000", "0086 13800138000"] {
        assert_eq!(place.sms(spelling).await.0, 200, "{spelling}");
    }
    assert_eq!(place.sms("138 0013 8000").await.0, 429, "one number, however it is spelled");
}

/// A login that has a code sent is refused before it is, and the guard does not take that for a wrong password.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_whose_code_is_beyond_the_quota_is_refused_with_a_time() {
    let place = place("guard: { user_failures: 1, sends: { user: 1, client_ip: 9, per: 10m } }").await;
    let text = LOGIN.replace("BASE", &place.base).replace(
        "steps:\n",
        "steps:\n  - name: code\n    sends_code_to: user.username\n    request: { method: POST, url: \"${base}/sms\", \
         body: { json: { mobile: \"{{user.username}}\" } } }\n    response: { success: { field: code, equals: 0 } }\n",
    );
    place.home.connector("coded", &text);
    place.daemon.call("POST", "/v1/reload", None).await;
    let login = async || {
        let attributes = json!({ "session": "none", "captcha": "none" });
        let body = json!({ "username": "lisi", "password": "x", "attributes": attributes });
        let (status, text) = place.daemon.call("POST", "/v1/connectors/coded/authenticate", Some(body)).await;
        (status, serde_json::from_str::<Value>(&text).unwrap())
    };
    let (status, body) = login().await;
    assert_eq!((status, &body["reason"], &body["retry_after"]), (403, &"invalid_input".into(), &Value::Null), "{body}");
    place.home.connector("coded", &text.replace("invalid_input", "mfa_failed"));
    place.daemon.call("POST", "/v1/reload", None).await;
    for _ in 0..2 {
        let (status, body) = login().await;
        assert_eq!((status, &body["reason"]), (403, &"too_many_attempts".into()), "{body}");
        let wait = body["retry_after"].as_u64().unwrap();
        assert!(wait > 500, "the quota's time and not the guard's: {body}");
    }
    assert_eq!(*place.portal.sent.lock().unwrap(), ["lisi"]);
}

/// The golden cases of utilities pass, and one that expects too much fails with its place.
#[tokio::test(flavor = "multi_thread")]
async fn golden_cases_of_utilities_run_in_check() {
    let home = Home::new("");
    for (id, text) in [("captcha", CAPTCHA), ("sms", SMS)] {
        home.connector(id, &text.replace("BASE", "https://4a.example.com"));
    }
    let check = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_doorward"));
        let done = command.arg("check").arg(home.path("connectors")).output().unwrap();
        (done.status.code(), String::from_utf8(done.stdout).unwrap())
    };
    assert_eq!(check(), (Some(0), "2 connectors, 6 tests: all good\n".to_owned()));
    let wrong = CAPTCHA.replace("BASE", "https://4a.example.com").replace("cause: upstream_error", "extension: null");
    home.connector("captcha", &wrong);
    let (code, out) = check();
    assert_eq!(code, Some(4));
    assert!(out.contains("success is expected, the call is unavailable upstream_error"), "{out}");
}

/// Exit codes: 0 an extension, 1 refused, 3 unavailable, 4 misconfigured, 64 a mistake on the command line.
#[tokio::test(flavor = "multi_thread")]
async fn the_send_test_of_a_utility_shows_its_stages_without_the_session() {
    let (base, portal) = portal().await;
    let home = Home::new("");
    for (id, text) in [("captcha", CAPTCHA), ("sms", SMS)] {
        home.connector(id, &text.replace("BASE", &base));
    }
    let run = |arguments: &[&str]| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_doorward"));
        command.arg("test").args(arguments).current_dir(home.directory.path()).env("NO_COLOR", "1");
        async move {
            let done = command.output().await.unwrap();
            let text = |bytes| String::from_utf8(bytes).unwrap();
            (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
        }
    };
    let (code, out, err) = run(&["captcha"]).await;
    let sessions: Vec<String> = portal.captchas.lock().unwrap().keys().cloned().collect();
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.starts_with("ok\n  image: "), "{out}");
    assert!(out.contains("by captcha, ") && !out.contains("credential"), "{out}");
    for stage in ["request", "GET ", "reply", "HTTP 200", "document", "success", "extension"] {
        assert!(out.contains(stage), "{stage}: {out}");
    }
    assert!(!out.contains(&sessions[0]) && !out.contains(&STANDARD.encode(IMAGE)), "{out}");
    let (code, out, _) = run(&["captcha", "--json"]).await;
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &shown["utility"]["outcome"]), (0, &"ok".into()), "{shown:#}");
    assert!(shown.get("verdict").is_none() && shown["utility"]["extension"] == "‹secret›", "{shown:#}");

    for (arguments, expected, words) in [
        (&["sms", "--username", "u", "--attribute", "mobile=138"][..], 0, "ok"),
        (&["sms", "--username", "u", "--attribute", "mobile=000"], 1, "refused  other"),
        (&["sms", "--attribute", "mobile=138"], 1, "refused  invalid_input"),
        (&["sms", "--username", "u", "--attribute", "mobile=503"], 3, "unavailable  upstream_error"),
        (&["sms", "--username", "u", "--attribute", "mobile=1", "--render-only"], 0, "rendered"),
        (&["sms", "--username", "u", "--attribute", "mobil=1"], 64, "did you mean mobile?"),
        (&["sms", "--username", "u", "--attribute", "mobile=1", "--password-stdin"], 64, "it takes no password"),
    ] {
        let (code, out, err) = run(arguments).await;
        assert_eq!(code, expected, "{arguments:?}: {out}{err}");
        assert!(format!("{out}{err}").contains(words), "{arguments:?}: {out}{err}");
    }
    let text = SMS
        .replace("BASE", &base)
        .replace("      env.mobile = user.mobile;\n", "      if (user.mobile === 'x') env.mobile = user.mobile;\n");
    home.connector("sms", &text);
    let (code, out, _) = run(&["sms", "--username", "u", "--attribute", "mobile=138"]).await;
    assert_eq!(code, 4, "{out}");
    home.connector("login", &LOGIN.replace("BASE", &base));
    let (code, _, err) = run(&["login"]).await;
    assert_eq!(code, 64);
    assert!(err.contains("--username says who logs in"), "{err}");
}
