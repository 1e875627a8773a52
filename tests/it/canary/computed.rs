//! What a connector computes from a credential is seen nowhere, whatever it is computed with and whatever kind it is: filters
//! and scripts of every sort, numbers as well as texts, an upstream that repeats it.

use axum::Router;
use axum::body::Bytes;
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::post;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::support::daemon::{Home, read};

const PASSWORD: &str = "Canary-Passw0rd-密";
const APP_KEY: &str = "Tpqx-9f8e7d6c5b4a";

/// Values of a request, by filters and by script.
const FILTERS: [(&str, &str); 18] = [
    ("sha224", "user.userPassword | sha224"),
    ("sha384", "user.userPassword | sha384"),
    ("sm3", "user.userPassword | sm3"),
    ("hmac", "user.userPassword | hmac_sha256(secret.k)"),
    ("keyed", "user.username | hmac_sha256(secret.k)"),
    ("twice", "user.userPassword | md5 | md5"),
    ("upper", "user.userPassword | md5 | upper"),
    ("cut", "user.userPassword | md5 | first(16)"),
    ("short", "user.userPassword | md5 | first(8)"),
    ("base", "user.userPassword | base64 | base64"),
    ("inner", "user.userPassword | sha256(\\\"base64\\\")"),
    ("gbk", "user.userPassword | encode(\\\"gbk\\\") | md5"),
    ("hex", "user.userPassword | hex | upper | md5"),
    ("lower", "user.userPassword | lower"),
    ("login", "login.pkce_verifier | md5"),
    ("env", "env.h"),
    ("deep", "env.o | json"),
    ("number", "env.n"),
];

const SCRIPT: &str = "env.h = code_util.sha224(user.userPassword); env.o = { a: { b: code_util.sha384(secret.k) } }; \
env.n = parseInt(code_util.md5(user.userPassword).slice(0, 10), 16)";

fn sending(base: &str, expression: &str) -> String {
    format!(
        r#"version: 1
secrets: {{ k: {{ file: ../key }} }}
steps:
  - name: login
    variables: "{SCRIPT}"
    request:
      method: POST
      url: "{base}/echo"
      headers: {{ X-Key: "{{{{secret.k}}}}" }}
      body: {{ json: {{ u: "{{{{user.username}}}}", pw: "{{{{user.userPassword}}}}", p: "{{{{{expression}}}}}" }} }}
    response: {{ format: json, success: {{ field: code, equals: 200 }}, map: {{ error_message: msg }} }}
"#
    )
}

/// Repeats `p`: in the title of a page, and for the user `json` in a message.
fn echo(body: &Bytes) -> Response {
    let asked: Value = serde_json::from_slice(body).unwrap();
    let p = asked["p"].as_str().map_or_else(|| asked["p"].to_string(), str::to_owned);
    match asked["u"].as_str().unwrap() {
        "json" => axum::Json(json!({ "code": 500, "msg": format!("no: {p}") })).into_response(),
        "upper" => Html(format!("<html><title>no {}</title>", p.to_uppercase())).into_response(),
        "part" => {
            Html(format!("<html><title>no {}</title>", p.chars().skip(1).take(7).collect::<String>())).into_response()
        }
        "plain" => Html("<html><title>Sign in</title>").into_response(),
        _ => Html(format!("<html><title>no {p}</title>")).into_response(),
    }
}

async fn upstream(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

fn home() -> Home {
    let home = Home::new("log: { level: trace }\naudit: { file: audit.jsonl }\nguard: { enabled: false }");
    std::fs::write(home.path("key"), APP_KEY).unwrap();
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn what_filters_and_scripts_made_is_not_repeated() {
    use std::sync::{Arc, Mutex};
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&seen);
    let answer = move |body: Bytes| {
        let asked: Value = serde_json::from_slice(&body).unwrap();
        let p = asked["p"].as_str().map_or_else(|| asked["p"].to_string(), str::to_owned);
        kept.lock().unwrap().push(p);
        std::future::ready(echo(&body))
    };
    let base = upstream(Router::new().route("/echo", post(answer))).await;
    let home = home();
    for (name, expression) in FILTERS {
        home.connector(name, &sending(&base, expression));
    }
    let daemon = home.start();
    let mut outputs = Vec::new();
    for (name, _) in FILTERS {
        for user in ["title", "upper", "part", "json"] {
            let (_, body) = daemon.login(name, user, PASSWORD).await;
            outputs.push((format!("the reply of {name} to {user}"), body.to_string()));
            let body = json!({ "username": user, "password": PASSWORD });
            let test = daemon.call("POST", &format!("/v1/connectors/{name}/test"), Some(body)).await;
            outputs.push((format!("the trace of {name} for {user}"), test.1));
        }
    }
    let (_, plain) = daemon.login("sha224", "plain", PASSWORD).await;
    assert_eq!(plain["verdict"], "unavailable");
    let log = daemon.end().1;
    assert!(log.contains("titled \\\"Sign in\\\""), "a title that repeats nothing is told: {log}");
    outputs.push(("the log".to_owned(), log));
    outputs.push(("the audit trail".to_owned(), read(&home.path("audit.jsonl"))));
    let seen = seen.lock().unwrap();
    assert!(seen.len() > FILTERS.len() * 8);
    for sent in seen.iter() {
        for (name, text) in &outputs {
            let lower = text.to_lowercase();
            let part: String = sent.chars().skip(1).take(7).collect();
            for needle in [sent.to_lowercase(), part.to_lowercase()] {
                assert!(!lower.contains(&needle), "{needle} stands in {name}: {text}");
            }
        }
    }
}

/// Where `explain` shows an upstream's own words: code and message of a reply that decides nothing, where a redirect leads, an
/// unknown coding. Capitals, a part and percent signs are as good as the value.
#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_s_own_words_repeat_no_credential() {
    fn words(body: &Bytes) -> Response {
        let asked: Value = serde_json::from_slice(body).unwrap();
        let (how, place) = asked["u"].as_str().unwrap().split_once(' ').unwrap();
        let p = asked["p"].as_str().unwrap();
        let word = match how {
            "upper" => p.to_uppercase(),
            "part" => p.chars().skip(1).take(9).collect(),
            "percent" => p.bytes().take(12).fold(String::new(), |all, byte| format!("{all}%{byte:02x}")),
            other => other.to_owned(),
        };
        match place {
            "message" => axum::Json(json!({ "code": 77, "msg": format!("no {word}") })).into_response(),
            "code" => axum::Json(json!({ "code": word })).into_response(),
            "coding" => ([("content-encoding", word)], "x").into_response(),
            "host" => (http::StatusCode::FOUND, [("location", format!("http://{word}.example.com/"))]).into_response(),
            _ => (http::StatusCode::FOUND, [("location", format!("/e/{word}/x"))]).into_response(),
        }
    }
    let base = upstream(Router::new().route("/echo", post(|body: Bytes| std::future::ready(words(&body))))).await;
    let home = home();
    let connector = sending(&base, "user.userPassword").replace(
        "map: { error_message: msg }",
        "reject: [ { when: { field: code, equals: 401 }, reason: invalid_credentials } ], map: { error_code: code, error_message: msg }",
    );
    home.connector("words", &connector);
    let daemon = home.start();
    let mut traces = String::new();
    for place in ["message", "code", "coding", "host", "path"] {
        for how in ["upper", "part", "percent", "plain-words"] {
            let body = json!({ "username": format!("{how} {place}"), "password": "Canary-Passw0rd" });
            let test = daemon.call("POST", "/v1/connectors/words/test", Some(body)).await;
            assert!(test.1.contains("\"unavailable\""), "{how} {place}: {}", test.1);
            traces.push_str(&test.1);
        }
    }
    let outputs = [("log", daemon.end().1), ("audit", read(&home.path("audit.jsonl"))), ("trace", traces)];
    for (name, text) in outputs {
        let told = text.matches("plain-words").count();
        assert!(told >= 5, "what repeats nothing is told, in {name}: {text}");
        for needle in ["canary", "anary-pas", "%61%6e"] {
            assert!(!text.to_lowercase().contains(needle), "{needle} stands in the {name}: {text}");
        }
    }
}

/// A connector with `script` and `rule`; its request carries the password beside `env.a`.
fn numbered(base: &str, script: &str, rule: &str, more: &str) -> String {
    format!(
        r#"version: 1
secrets: {{ k: {{ file: ../key }} }}
steps:
  - name: login
    variables: "{script}"
    request:
      method: POST
      url: "{base}/fixed"
      headers: {{ X-Key: "{{{{secret.k}}}}" }}
      body: {{ json: {{ u: "{{{{user.username}}}}", p: "{{{{user.userPassword}}}}" }} }}
    response:
      format: json
      {more}
      reject: [ {{ when: {rule}, reason: other }} ]
      success: {{ all: [ {{ field: ok, equals: true }}, {rule} ] }}
"#
    )
}

/// Nothing tells what a leaf found that looks at something computed from a credential.
#[tokio::test(flavor = "multi_thread")]
async fn a_rule_does_not_tell_a_credential_number_by_number() {
    let fixed = |_: HeaderMap| async { axum::Json(json!({ "ok": true, "n": 1, "token": 847_291_038_475_646_u64 })) };
    let base = upstream(Router::new().route("/fixed", post(fixed))).await;
    let home = home();
    let code = "env.a = secret.k.charCodeAt(0)";
    // 84 is T, 67 is C.
    let of_password = "env.a = user.userPassword.charCodeAt(0)";
    let rule = "{ var: env.a, equals: 0 }";
    let table = [
        ("secret", numbered(&base, code, rule, "")),
        ("password", numbered(&base, of_password, rule, "")),
        ("inherited", numbered(&base, "const b = secret.k; env.c = b; env.a = env.c.charCodeAt(0)", rule, "")),
        ("greater", numbered(&base, code, "{ var: env.a, gt: 1 }", "")),
        (
            "list",
            numbered(
                &base,
                "env.a = secret.k.split('').map((c) => c.charCodeAt(0))",
                "{ var: env.a, contains: 5 }",
                "",
            ),
        ),
        (
            "preprocess",
            numbered(
                &base,
                "env.z = 1",
                "{ field: x, equals: 0 }",
                "preprocess: \"result.x = secret.k.charCodeAt(0)\"",
            ),
        ),
        ("mapped", numbered(&base, code, rule, "map: { error_code: { var: env.a }, error_message: { var: env.a } }")),
        ("captured", numbered(&base, "env.z = 1", "{ field: token, gt: 847291038475645 }", "capture: { t: token }")),
    ];
    for (name, text) in &table {
        home.connector(name, text);
    }
    let daemon = home.start();
    let mut outputs = Vec::new();
    for (name, _) in &table {
        let (status, body) = daemon.login(name, "zhangsan", PASSWORD).await;
        assert!([200, 403, 503].contains(&status), "{name}: {status} {body}");
        let body = json!({ "username": "zhangsan", "password": PASSWORD });
        let (status, trace) = daemon.call("POST", &format!("/v1/connectors/{name}/test"), Some(body)).await;
        assert!([200, 403, 503].contains(&status), "{name}: {trace}");
        outputs.push((format!("the trace of {name}"), trace));
    }
    let log = daemon.end().1;
    let told = |text: &str| text.lines().filter(|line| line.contains("explain")).map(str::to_owned).collect::<String>();
    outputs.push(("the log".to_owned(), told(&log)));
    outputs.push(("the audit trail".to_owned(), told(&read(&home.path("audit.jsonl")))));
    for (name, text) in &outputs {
        // A trace names each variable with its type and length (contract, section 6): this cell, and nothing else.
        let text = text.replace("{\"text\":\"array of 17\"}", "");
        // As a value of its own: times and lengths have such digits too.
        for needle in [
            "it is 84",
            "it is 67",
            "value is 84",
            "value is 67",
            "\"value\":84",
            "\"value\":67",
            "\"84\"",
            "array of",
            "847291038475646",
        ] {
            assert!(!text.contains(needle), "`{needle}` stands in {name}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_from_the_environment_is_seen_in_a_url_only() {
    let home = Home::new("");
    let text = r#"version: 1
settings: { a: { env: DOORWARD_CANARY }, b: { env: DOORWARD_CANARY_SHORT }, c: { env: DOORWARD_UNSET, default: seen-default } }
steps:
  - name: login
    request:
      method: POST
      url: "https://4a.example.com/${b}/x?q=${a}"
      query: { r: "${a}" }
      headers: { X-A: "v ${a}", X-B: "${b}", X-C: "${c}" }
      cookies: { s: "${b}" }
      body: { json: { u: "{{user.username}}", p: "{{user.userPassword}}", l: "<${a}>" } }
    response: { format: json, success: { field: code, equals: "${a}" } }
"#;
    home.connector("corp", text);
    let run = |more: &'static [&'static str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_doorward"));
        command.arg("test").arg(home.path("connectors/corp.yaml")).args(["--username", "u", "--password-stdin"]);
        command.arg("--render-only").args(more).stdin(std::process::Stdio::null());
        command.env("DOORWARD_CANARY", "cnry-\"9&d<4>").env("DOORWARD_CANARY_SHORT", "q7");
        command
    };
    for more in [&["--json"][..], &[]] {
        let mut child =
            run(more).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"secret-word").unwrap();
        let output = child.wait_with_output().unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(shown.contains("https://4a.example.com/q7/x"), "{shown}");
        assert!(shown.contains("seen-default"), "{shown}");
        assert!(!shown.contains("cnry") && !shown.contains("9&d") && !shown.contains("9%26d"), "{shown}");
        assert_eq!(shown.matches("q7").count(), 1, "{shown}");
    }
    let mut revealed = run(&["--reveal", "--set", "a=given"]);
    let mut child = revealed.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"secret-word").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("given"));
}

/// The name of a member may be a session, the name of a cookie too.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_a_name_is_not_printed() {
    const TOKEN: &str = "k8Jd02mQ9zL4xV7b";
    let fixed = |_: HeaderMap| async {
        (
            [("set-cookie", format!("S_{TOKEN}=1"))],
            axum::Json(json!({ "ok": true, "sessions": { TOKEN: { "age": 1 } } })),
        )
    };
    let base = upstream(Router::new().route("/fixed", post(fixed))).await;
    let home = home();
    home.connector("corp", &numbered(&base, "env.a = 1", "{ field: nothing, exists: true }", ""));
    let daemon = home.start();
    let body = json!({ "username": "zhangsan", "password": PASSWORD });
    let (_, trace) = daemon.call("POST", "/v1/connectors/corp/test", Some(body)).await;
    assert!(trace.contains("sessions") && trace.contains("set-cookie") || trace.contains("cookies"), "{trace}");
    assert!(!trace.contains(TOKEN), "{trace}");
}
