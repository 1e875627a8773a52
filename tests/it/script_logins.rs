//! Scripts in logins: a real daemon, its workers and an upstream, from the call of the console to the verdict.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::{Value, json};

use crate::support::daemon::{Daemon, Home};

/// Answers a right password with a long id, user `large` with 250 KiB around it, and user `garbled` with half a text.
/// Counts what it was asked.
struct Upstream {
    base: String,
    requests: Arc<AtomicUsize>,
}

impl Upstream {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let router = axum::Router::new().route("/login", post(answer)).with_state(Arc::clone(&requests));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, requests }
    }
}

async fn answer(State(requests): State<Arc<AtomicUsize>>, body: Bytes) -> Response {
    requests.fetch_add(1, Ordering::Relaxed);
    let asked: Value = serde_json::from_slice(&body).unwrap();
    if asked["user"] == "garbled" {
        return ([("content-type", "application/json")], r#"{"code":200,"token":"t","code":200"#).into_response();
    }
    if asked["password"] != "right" {
        return axum::Json(json!({ "code": 500, "msg": "wrong" })).into_response();
    }
    let mut filler = String::new();
    if asked["user"] == "large" {
        while filler.len() < 250 * 1024 {
            write!(filler, r#",{{"id":1234567890123456789,"name":"张三","ok":true}}"#).unwrap();
        }
    }
    let text = format!(
        r#"{{"code":200,"token":"t","data":{{"id":1234567890123456789,"neg":-9223372036854775808}},"list":[0{filler}]}}"#
    );
    ([("content-type", "application/json")], text).into_response()
}

/// A connector with a variables script and a preprocess script, each a single line.
fn connector(base: &str, variables: &str, preprocess: &str) -> String {
    let line = |key: &str, text: &str| {
        if text.is_empty() { String::new() } else { format!("{key}: {}", Value::from(text)) }
    };
    format!(
        "version: 1\nsteps:\n  - name: login\n    {}\n    request:\n      method: POST\n      url: \"{base}/login\"\n      \
         body: {{ json: {{ user: \"{{{{user.username}}}}\", password: \"{{{{user.userPassword}}}}\" }} }}\n    response:\n      \
         format: json\n      {}\n      \
         reject: [ {{ when: {{ field: code, equals: 500 }}, reason: invalid_credentials }} ]\n      \
         success: {{ all: [ {{ field: code, equals: 200 }}, {{ field: token, exists: true }} ] }}\n      \
         map: {{ extension: data }}\n",
        line("variables", variables),
        line("preprocess", preprocess),
    )
}

/// A daemon that gives a debug build the time for its budgets and never counts failures.
fn home() -> Home {
    Home::new("guard: { enabled: false }")
}

/// Verdict, and what it says beyond that.
async fn login(daemon: &Daemon, id: &str, username: &str) -> (u16, Value) {
    daemon.login(id, username, "right").await
}

async fn works(daemon: &Daemon, after: &str) {
    let (status, body) = login(daemon, "good", "zhangsan").await;
    assert_eq!(status, 200, "after {after}: {body}");
}

/// Each runs when the user is `poison`, so that checking the connector meets none of them.
const POISONS: [&str; 9] = [
    "for (;;) {}",
    "/^(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!')",
    "'x'.repeat(2 ** 30)",
    "var s = 'x'; for (;;) s += s",
    "new Array(1e8).fill(0)",
    "eval('('.repeat(20000) + '1' + ')'.repeat(20000))",
    "(function f() { return f() + 1 })()",
    "[3, 1, 2].sort(function () { for (;;) {} })",
    "String(BigInt('9'.repeat(1e7)) * 3n)",
];

#[tokio::test(flavor = "multi_thread")]
async fn poison_ends_in_its_verdict_and_the_daemon_serves_on() {
    let upstream = Upstream::start().await;
    let home = home();
    home.connector("good", &connector(&upstream.base, "env.x = user.username", ""));
    for (n, poison) in POISONS.iter().enumerate() {
        let text = format!("if (user.username === 'poison') {{ {poison} }}");
        home.connector(&format!("before-{n}"), &connector(&upstream.base, &text, ""));
        home.connector(&format!("after-{n}"), &connector(&upstream.base, "", &text));
    }
    let daemon = home.start();
    for (n, poison) in POISONS.iter().enumerate() {
        let sent = upstream.requests.load(Ordering::Relaxed);
        let (status, body) = login(&daemon, &format!("before-{n}"), "poison").await;
        assert_eq!((status, &body["verdict"]), (500, &json!("misconfigured")), "{poison}: {body}");
        assert_eq!(upstream.requests.load(Ordering::Relaxed), sent, "{poison}: nothing was sent");
        let (status, body) = login(&daemon, &format!("after-{n}"), "poison").await;
        // What the engine itself refuses is thrown: the reply is not what the script expects. The rest is killed.
        let thrown = poison.starts_with("eval") || poison.starts_with("(function");
        let cause = if thrown { "unexpected_reply" } else { "script" };
        assert_eq!((status, &body["cause"]), (503, &json!(cause)), "{poison}: {body}");
        works(&daemon, poison).await;
    }
    // The same daemon, and the poisoned connectors serve everybody else.
    for n in 0..POISONS.len() {
        assert_eq!(login(&daemon, &format!("before-{n}"), "zhangsan").await.0, 200);
        assert_eq!(login(&daemon, &format!("after-{n}"), "zhangsan").await.0, 200);
    }
    let (status, _) = daemon.end();
    assert!(status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_users_with_poison_leave_another_connector_s_logins_untouched() {
    let upstream = Upstream::start().await;
    let home = home();
    home.connector("good", &connector(&upstream.base, "env.x = code_util.md5(user.username)", ""));
    home.connector("bad", &connector(&upstream.base, "env.ok = /^(a+)+$/.test(user.username)", ""));
    let daemon = Arc::new(home.start());
    let mut poisoned = Vec::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    for n in 0..20 {
        ticks.tick().await;
        for letters in [40, 41] {
            let (daemon, name) = (Arc::clone(&daemon), format!("{}!", "a".repeat(letters)));
            poisoned.push(tokio::spawn(async move { daemon.login("bad", &name, "right").await.1 }));
        }
        let (status, body) = login(&daemon, "good", "zhangsan").await;
        assert_eq!(status, 200, "login {n}: {body}");
    }
    for body in poisoned {
        let body = body.await.unwrap();
        // Killed, or no room on the lane where it runs apart.
        let expected =
            body["verdict"] == "misconfigured" || ["overloaded", "timeout"].iter().any(|it| body["cause"] == *it);
        assert!(expected, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_script_does_is_the_verdict() {
    let (rejected, thrown) = ("throw code_util.reject('工号应为 8 位数字')", "null.x");
    // variables, preprocess; status, and a member of the body with its value; whether anything was sent.
    let table = [
        (rejected, "", 403, ("reason", json!("invalid_input")), false),
        (rejected, "", 403, ("error_message", json!("工号应为 8 位数字")), false),
        (thrown, "", 500, ("verdict", json!("misconfigured")), false),
        ("env.ts = new Date()", "", 500, ("verdict", json!("misconfigured")), false),
        ("env.x = 'x'.repeat(70000)", "", 500, ("verdict", json!("misconfigured")), false),
        ("", rejected, 403, ("reason", json!("invalid_input")), true),
        ("", rejected, 403, ("error_message", json!("工号应为 8 位数字")), true),
        ("", thrown, 503, ("cause", json!("unexpected_reply")), true),
        ("", "result.ts = new Date()", 503, ("cause", json!("unexpected_reply")), true),
        ("", "result = undefined", 503, ("cause", json!("unexpected_reply")), true),
        // No token, and no row says that a wrong password looks so.
        ("", "return { code: 200 }", 503, ("cause", json!("unexpected_reply")), true),
        ("", "return { code: 500 }", 403, ("reason", json!("invalid_credentials")), true),
    ];
    let upstream = Upstream::start().await;
    let home = home();
    for (n, (variables, preprocess, ..)) in table.iter().enumerate() {
        // Only for a user of its own, so that the connector loads.
        let only = |text: &str| {
            if text.is_empty() { String::new() } else { format!("if (user.username === 'u') {{ {text} }}") }
        };
        home.connector(&format!("c{n}"), &connector(&upstream.base, &only(variables), &only(preprocess)));
    }
    let daemon = home.start();
    for (n, (variables, preprocess, status, (name, value), sent)) in table.iter().enumerate() {
        let before = upstream.requests.load(Ordering::Relaxed);
        let (answered, body) = login(&daemon, &format!("c{n}"), "u").await;
        assert_eq!((answered, &body[*name]), (*status, value), "{variables}{preprocess}: {body}");
        let requests = upstream.requests.load(Ordering::Relaxed) - before;
        assert_eq!(requests, usize::from(*sent), "{variables}{preprocess}");
        assert_eq!(login(&daemon, &format!("c{n}"), "zhangsan").await.0, 200, "{variables}{preprocess}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_ids_reach_the_extension_unchanged_through_a_preprocess_script() {
    let upstream = Upstream::start().await;
    let home = home();
    home.connector("plain", &connector(&upstream.base, "", ""));
    home.connector("untouched", &connector(&upstream.base, "", "result.seen = true"));
    home.connector("rebuilt", &connector(&upstream.base, "", "return { ...result, data: { ...result.data } }"));
    let daemon = home.start();
    for id in ["untouched", "rebuilt"] {
        for user in ["zhangsan", "large"] {
            let (status, body) = login(&daemon, id, user).await;
            assert_eq!(status, 200, "{body}");
            // A JavaScript number would end in ...800; text keeps every digit.
            assert_eq!(
                body["extension"],
                json!({ "id": "1234567890123456789", "neg": "-9223372036854775808" }),
                "{id}"
            );
        }
    }
    let (_, body) = login(&daemon, "plain", "zhangsan").await;
    assert_eq!(body["extension_text"], r#"{"id":1234567890123456789,"neg":-9223372036854775808}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_cannot_be_decoded_never_reaches_a_script() {
    // A script that would say yes to whatever this user's reply is.
    let text = "if (user.username === 'garbled') return { code: 200, token: 't' };";
    let upstream = Upstream::start().await;
    let home = home();
    home.connector("eager", &connector(&upstream.base, "", text));
    let daemon = home.start();
    let (status, body) = login(&daemon, "eager", "garbled").await;
    assert_eq!((status, &body["cause"]), (503, &json!("unexpected_reply")), "{body}");
    assert_eq!(login(&daemon, "eager", "zhangsan").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_every_object_has_are_no_key_to_anything() {
    // What an author may write without a thought: a table of the blocked, one of the allowed.
    let upstream = Upstream::start().await;
    let home = home();
    let blocked =
        "const blocked = new Map([['eve', true]]); if (blocked.has(user.username)) throw code_util.reject('no')";
    let allowed = "const ids = { zhangsan: '7' }; env.id = ids[user.username]";
    home.connector("blocked", &connector(&upstream.base, blocked, ""));
    home.connector("allowed", &connector(&upstream.base, allowed, ""));
    let daemon = home.start();
    assert_eq!(login(&daemon, "blocked", "eve").await.1["reason"], "invalid_input");
    assert_eq!(login(&daemon, "allowed", "zhangsan").await.0, 200);
    let sent = upstream.requests.load(Ordering::Relaxed);
    for name in ["constructor", "toString", "hasOwnProperty", "__proto__", "nobody"] {
        // A function or nothing is not JSON: the login ends before anything is sent.
        let (_, body) = login(&daemon, "allowed", name).await;
        assert_eq!(body["verdict"], "misconfigured", "{name}: {body}");
    }
    assert_eq!(upstream.requests.load(Ordering::Relaxed), sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn env_lives_for_one_login() {
    let upstream = Upstream::start().await;
    let home = home();
    let variables =
        "if (env.mark !== undefined) throw code_util.reject('another login left this'); env.mark = user.username";
    let preprocess = "if (env.mark !== user.username) throw code_util.reject('not of this login'); delete env.mark";
    home.connector("marks", &connector(&upstream.base, variables, preprocess));
    let daemon = home.start();
    for round in 0..3 {
        let logins = (0..8).map(|n| {
            let (daemon, user) = (&daemon, format!("user-{n}"));
            async move { daemon.login("marks", &user, "right").await }
        });
        for (status, body) in futures_util::future::join_all(logins).await {
            assert_eq!(status, 200, "round {round}: {body}");
        }
    }
}
