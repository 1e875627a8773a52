//! Sessions over the API, with the real daemon: opened by a login or by the answer to its challenge, verified, refreshed, ended,
//! kicked; and who may do which.

mod signed;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use doorward::config::TokenHash;
use serde_json::{Value, json};

use crate::support::daemon::{Daemon, Home, TOKEN, client, read};

const GATEWAY: &str = "dwt_gateway";
const OTHERS: &str = "dwt_others";
const NONE: &str = "dwt_none";

/// Knows everybody whose password is `right`; of `asked` it wants a code too. It names users in capitals.
pub async fn upstream() -> String {
    let answer = |body: Bytes| {
        let asked: Value = serde_json::from_slice(&body).unwrap();
        let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
        let (user, right) = (text("user").to_uppercase(), text("password") == "right" || text("code") == "123456");
        let code = match (right, user.as_str(), text("code").is_empty()) {
            (true, "ASKED", true) => 201,
            (true, _, _) => 200,
            (false, _, _) => 500,
        };
        std::future::ready(axum::Json(json!({ "code": code, "user": user, "token": "t" })))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/login", post(answer))).await });
    base
}

pub fn connector(base: &str) -> String {
    format!(
        r#"version: 1
settings: {{ base: "{base}" }}
steps:
  - name: login
    request: {{ method: POST, url: "${{base}}/login", body: {{ json: {{ user: "{{{{user.username}}}}", password: "{{{{user.userPassword}}}}" }} }} }}
    response:
      reject: [ {{ when: {{ field: code, equals: 500 }}, reason: invalid_credentials }} ]
      more: {{ all: [ {{ field: code, equals: 201 }}, {{ field: token, exists: true }} ] }}
      success: {{ all: [ {{ field: code, equals: 200 }}, {{ field: token, exists: true }} ] }}
      identity: {{ field: user, match: ignore_case }}
  - name: verify
    when: {{ var: steps.login.outcome, equals: more }}
    ask: {{ type: totp, message: code, fields: [ {{ name: code, label: code, echo: true }} ] }}
    request: {{ method: POST, url: "${{base}}/login", body: {{ json: {{ user: "{{{{user.username}}}}", code: "{{{{answer.code}}}}" }} }} }}
    response:
      reject: [ {{ when: {{ field: code, equals: 500 }}, reason: mfa_failed }} ]
      success: {{ all: [ {{ field: code, equals: 200 }}, {{ field: token, exists: true }} ] }}
      identity: {{ field: user, match: ignore_case }}
"#
    )
}

struct Lab {
    home: Home,
    daemon: Daemon,
}

impl Lab {
    async fn start(sign_in: &str) -> Self {
        let (home, base) = (Home::new(""), upstream().await);
        let own = |name: &str, token: &str, more: &str| {
            format!("  - {{ name: {name}, token: \"{}\", {more} }}\n", TokenHash::of(token))
        };
        let clients = [
            own("console", TOKEN, "scopes: [ authenticate, test, read, reload, sessions ]"),
            own("gateway", GATEWAY, "scopes: [ sessions, read ]"),
            own("others", OTHERS, "scopes: [ authenticate, sessions ], connectors: [ unnamed ]"),
            own("none", NONE, "scopes: [ authenticate ]"),
        ]
        .concat();
        let text = format!(
            "listen: \"127.0.0.1:0\"\nconnectors: connectors\negress: {{ allow: [ 127.0.0.0/8 ] }}\nguard: {{ enabled: false }}\n\
             log: {{ level: trace }}\naudit: {{ file: audit.jsonl }}\nclients:\n{clients}{sign_in}"
        );
        std::fs::write(home.path("doorward.yaml"), text).unwrap();
        std::fs::write(home.path("key"), "ab".repeat(32)).unwrap();
        home.connector("corp", &connector(&base));
        home.connector("unlisted", &connector(&base));
        home.connector(
            "unnamed",
            &connector(&base).replace("      identity: { field: user, match: ignore_case }\n", ""),
        );
        let daemon = home.start();
        Self { home, daemon }
    }

    async fn usual() -> Self {
        Self::start("sign_in: { keys: [ { file: key } ], connectors: [ { id: corp }, { id: unnamed } ] }\n").await
    }

    async fn call(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("{}{path}", self.daemon.base);
        let mut request = client().request(method.parse().unwrap(), url).bearer_auth(token);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let reply = request.send().await.unwrap();
        if reply.status() == 200 {
            assert_eq!(reply.headers()["cache-control"], "no-store");
        }
        (reply.status().as_u16(), serde_json::from_str(&reply.text().await.unwrap()).unwrap_or_default())
    }

    async fn login(&self, connector: &str, user: &str, password: &str) -> (u16, Value) {
        let body = json!({ "username": user, "password": password, "session": true });
        self.call(TOKEN, "POST", &format!("/v1/connectors/{connector}/authenticate"), Some(body)).await
    }

    /// The session of a right login.
    async fn open(&self, user: &str) -> Value {
        let (status, body) = self.login("corp", user, "right").await;
        assert_eq!((status, &body["verdict"]), (200, &json!("accept")), "{body}");
        body["session"].clone()
    }

    async fn verify(&self, token: &str, access: &Value) -> Value {
        let (status, body) = self.call(token, "POST", "/v1/sessions/verify", Some(json!({ "token": access }))).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    async fn is_good(&self, session: &Value) -> bool {
        self.verify(TOKEN, &session["access_token"]).await["active"] == true
    }

    async fn refresh(&self, token: &str, session: &Value) -> (u16, Value) {
        let body = json!({ "refresh_token": session["refresh_token"] });
        self.call(token, "POST", "/v1/sessions/refresh", Some(body)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_opens_a_session_that_others_verify() {
    let lab = Lab::usual().await;
    let session = lab.open("zhangsan").await;
    assert_eq!((&session["token_type"], &session["expires_in"]), (&json!("Bearer"), &json!(300)), "{session}");
    assert_eq!(session["session_expires_in"], 36_000);
    for token in [TOKEN, GATEWAY] {
        let state = lab.verify(token, &session["access_token"]).await;
        assert_eq!(state["active"], true);
        // The upstream's name, and the connector's, because there are two.
        assert_eq!((&state["sub"], &state["connector"]), (&json!("corp:ZHANGSAN"), &json!("corp")));
        assert_eq!((&state["client_id"], &state["sid"]), (&json!("console"), &session["id"]));
    }
    // Of another connector's user a client learns nothing.
    assert_eq!(lab.verify(OTHERS, &session["access_token"]).await, json!({ "active": false }));
    for nothing in ["", "x", session["id"].as_str().unwrap(), session["refresh_token"].as_str().unwrap()] {
        assert_eq!(lab.verify(TOKEN, &json!(nothing)).await, json!({ "active": false }), "{nothing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wish_for_a_session_lasts_through_a_challenge() {
    let lab = Lab::usual().await;
    let (status, body) = lab.login("corp", "asked", "right").await;
    assert_eq!((status, body.get("session")), (401, None), "{body}");
    let answer =
        |body: &Value, code: &str| json!({ "challenge": body["challenge"]["id"], "answers": { "code": code } });
    let wrong = answer(&body, "000000");
    let (status, body) = lab.call(TOKEN, "POST", "/v1/challenges", Some(wrong)).await;
    assert_eq!((status, body.get("session")), (401, None), "{body}");
    let (status, body) = lab.call(TOKEN, "POST", "/v1/challenges", Some(answer(&body, "123456"))).await;
    assert_eq!(status, 200, "{body}");
    assert!(lab.is_good(&body["session"]).await);
    // Without the wish there is none, as ever.
    let plain = json!({ "username": "asked", "password": "right" });
    let (_, body) = lab.call(TOKEN, "POST", "/v1/connectors/corp/authenticate", Some(plain)).await;
    let (status, body) = lab.call(TOKEN, "POST", "/v1/challenges", Some(answer(&body, "123456"))).await;
    assert_eq!((status, body.get("session")), (200, None), "{body}");
}

/// Invariant 12 of the design: the time of the first attempt counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_kick_reaches_sessions_refreshes_and_logins_that_are_not_done() {
    let lab = Lab::usual().await;
    let (session, other) = (lab.open("zhangsan").await, lab.open("lisi").await);
    let (_, begun) = lab.login("corp", "asked", "right").await;
    for user in [" ZhangSan", "asked"] {
        let body = json!({ "connector": "corp", "user": user });
        let (status, kicked) = lab.call(GATEWAY, "POST", "/v1/sessions/kick", Some(body)).await;
        assert_eq!((status, kicked["not_before"].is_string()), (200, true), "{kicked}");
    }
    assert!(!lab.is_good(&session).await && lab.is_good(&other).await);
    let (status, body) = lab.refresh(TOKEN, &session).await;
    assert_eq!((status, &body["code"]), (400, &json!("invalid_grant")));
    let answer = json!({ "challenge": begun["challenge"]["id"], "answers": { "code": "123456" } });
    let (status, body) = lab.call(TOKEN, "POST", "/v1/challenges", Some(answer)).await;
    assert_eq!((status, &body["reason"], body.get("session")), (403, &json!("denied_by_policy"), None), "{body}");
    assert!(lab.is_good(&lab.open("zhangsan").await).await, "who logs in anew is in");
    let (status, _) = lab.call(GATEWAY, "POST", "/v1/sessions/kick", Some(json!({ "all": true }))).await;
    assert_eq!((status, lab.is_good(&other).await), (200, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_gives_the_next_pair_to_its_own_client_alone() {
    let lab = Lab::usual().await;
    let session = lab.open("zhangsan").await;
    assert_eq!(lab.refresh(GATEWAY, &session).await.0, 400);
    let (status, next) = lab.refresh(TOKEN, &session).await;
    assert_eq!((status, &next["id"]), (200, &session["id"]), "{next}");
    assert_ne!(next["refresh_token"], session["refresh_token"]);
    // A reply that was lost on its way.
    assert_eq!(lab.refresh(TOKEN, &session).await.1["refresh_token"], next["refresh_token"]);
    assert!(lab.is_good(&next).await && lab.is_good(&session).await);
    let third = lab.refresh(TOKEN, &next).await.1;
    let (status, body) = lab.refresh(TOKEN, &session).await;
    assert_eq!((status, &body["code"]), (400, &json!("invalid_grant")), "two generations old: somebody has a copy");
    assert!(!lab.is_good(&third).await);
    lab.daemon.wait_for("a refresh token came a second time: somebody has a copy; the session ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_ended_by_its_public_name() {
    let lab = Lab::usual().await;
    let session = lab.open("zhangsan").await;
    let path = format!("/v1/sessions/{}", session["id"].as_str().unwrap());
    assert_eq!(lab.call(OTHERS, "DELETE", &path, None).await.1["code"], "unknown_session");
    assert_eq!(lab.call(NONE, "DELETE", &path, None).await.1["code"], "insufficient_scope");
    assert!(lab.is_good(&session).await);
    assert_eq!(lab.call(GATEWAY, "DELETE", &path, None).await.0, 204);
    assert!(!lab.is_good(&session).await);
    assert_eq!(lab.call(GATEWAY, "DELETE", &path, None).await.0, 404);
    assert_eq!(lab.call(GATEWAY, "DELETE", "/v1/sessions/nonsense", None).await.0, 404);
    let (_, metrics) = lab.daemon.call("GET", "/metrics", None).await;
    for line in [
        "doorward_sessions_opened_total 1",
        "doorward_sessions_ended_total{cause=\"ended\"} 1",
        "doorward_sessions_open 0",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

/// Nothing is sent for a login whose accept could open none.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_open_a_session_is_told_before_anything_is_sent() {
    let lab = Lab::usual().await;
    let body = json!({ "username": "zhangsan", "password": "right", "session": true });
    let path = |connector: &str| format!("/v1/connectors/{connector}/authenticate");
    let (status, refused) = lab.call(NONE, "POST", &path("corp"), Some(body.clone())).await;
    assert_eq!((status, &refused["code"]), (401, &json!("insufficient_scope")), "{refused}");
    let (status, refused) = lab.call(TOKEN, "POST", &path("unlisted"), Some(body.clone())).await;
    assert_eq!((status, &refused["errors"][0]["pointer"]), (422, &json!("/session")), "{refused}");
    let (status, refused) = lab.call(TOKEN, "POST", "/v1/connectors/corp/test", Some(body)).await;
    assert_eq!((status, &refused["errors"][0]["pointer"]), (422, &json!("/session")), "{refused}");
    let odd = json!({ "username": "zhangsan", "password": "right", "session": "yes" });
    assert_eq!(lab.call(TOKEN, "POST", &path("corp"), Some(odd)).await.0, 422);
    for (body, pointer) in [
        (json!({ "all": true }), "/all"),
        (json!({ "connector": "corp", "user": "zhangsan" }), "/connector"),
        (json!({ "connector": "unnamed" }), "/user"),
        (json!({ "user": "zhangsan" }), "/connector"),
        (json!({ "connector": "unnamed", "user": "x", "all": true }), "/all"),
    ] {
        let (status, refused) = lab.call(OTHERS, "POST", "/v1/sessions/kick", Some(body.clone())).await;
        assert_eq!((status, &refused["errors"][0]["pointer"]), (422, &json!(pointer)), "{body}: {refused}");
    }
    assert!(!read(&lab.home.path("audit.jsonl")).contains("zhangsan"), "no login was run");
}

/// Section 12 of the design, rule 2.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_without_the_upstreams_name_for_the_user_opens_none() {
    let lab = Lab::usual().await;
    let (status, body) = lab.login("unnamed", "zhangsan", "right").await;
    assert_eq!((status, &body["verdict"], body.get("session")), (500, &json!("misconfigured"), None), "{body}");
    assert!(body["what"].as_str().unwrap().contains("identity"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_section_there_are_no_sessions() {
    let lab = Lab::start("").await;
    let (status, refused) = lab.login("corp", "zhangsan", "right").await;
    assert_eq!((status, &refused["errors"][0]["pointer"]), (422, &json!("/session")), "{refused}");
    for path in ["/v1/sessions/verify", "/v1/sessions/refresh", "/v1/sessions/kick"] {
        assert_eq!(lab.call(TOKEN, "POST", path, Some(json!({}))).await.1["code"], "no_sessions", "{path}");
    }
}

/// Invariant 23: tokens of a session stand nowhere but in the reply to the client that they are for.
#[tokio::test(flavor = "multi_thread")]
async fn no_token_of_a_session_stands_in_any_output() {
    let lab = Lab::usual().await;
    let first = lab.open("zhangsan").await;
    let second = lab.refresh(TOKEN, &first).await.1;
    lab.is_good(&second).await;
    lab.refresh(GATEWAY, &second).await;
    let mut outputs = Vec::new();
    for path in ["/metrics", "/v1/status", "/readyz"] {
        outputs.push(lab.daemon.call("GET", path, None).await.1);
    }
    let Lab { home, daemon } = lab;
    outputs.push(daemon.end().1);
    outputs.push(read(&home.path("audit.jsonl")));
    assert!(outputs.iter().any(|text| text.contains(first["id"].as_str().unwrap())), "the public name may");
    for secret in [&first, &second].into_iter().flat_map(|it| [&it["access_token"], &it["refresh_token"]]) {
        let secret = secret.as_str().unwrap();
        for text in &outputs {
            assert!(!text.contains(&secret[4..40]), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_without_a_secret_and_kicked_from_the_command_line() {
    let lab = Lab::usual().await;
    let (first, second) = (lab.open("zhangsan").await, lab.open("lisi").await);
    let (status, all) = lab.call(TOKEN, "GET", "/v1/sessions", None).await;
    let ids: Vec<&Value> = all["sessions"].as_array().unwrap().iter().map(|session| &session["id"]).collect();
    assert_eq!((status, ids.len(), &all["more"]), (200, 2, &json!(false)), "{all}");
    assert!(ids.contains(&&first["id"]) && ids.contains(&&second["id"]));
    for secret in ["access_token", "refresh_token"] {
        assert!(!all.to_string().contains(first[secret].as_str().unwrap()));
    }
    let one = lab.call(TOKEN, "GET", "/v1/sessions?connector=corp&user=ZhangSan", None).await.1;
    assert_eq!(
        (one["sessions"].as_array().unwrap().len(), &one["sessions"][0]["user"]),
        (1, &json!("ZHANGSAN")),
        "{one}"
    );
    assert_eq!(lab.call(OTHERS, "GET", "/v1/sessions", None).await.1["sessions"], json!([]));
    for wrong in ["user=a", "connector=corp&connector=corp", "users=a"] {
        assert_eq!(lab.call(TOKEN, "GET", &format!("/v1/sessions?{wrong}"), None).await.0, 422, "{wrong}");
    }
    let daemon = lab.daemon.base.clone();
    let session = move |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_doorward"));
        command.arg("session").args(arguments).args(["--daemon", &daemon]).env("DOORWARD_TOKEN", TOKEN);
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (listed, kicked, after, nobody) = tokio::task::spawn_blocking(move || {
        let listed = session(&["list"]);
        let kicked = session(&["kick", "--connector", "corp", "--user", "zhangsan"]);
        (listed, kicked, session(&["list", "--connector", "corp"]), session(&["kick"]))
    })
    .await
    .unwrap();
    assert!(listed.0 == 0 && listed.1.contains("ZHANGSAN by corp for console"), "{listed:?}");
    assert!(kicked.0 == 0 && kicked.1.contains("is over"), "{kicked:?}");
    assert!(after.1.contains("LISI") && !after.1.contains("ZHANGSAN"), "{after:?}");
    assert_eq!(nobody.0, 64, "neither a user nor --all");
    assert!(!lab.is_good(&first).await && lab.is_good(&second).await);
}
