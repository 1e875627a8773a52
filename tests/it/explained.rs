//! `GET /v1/logins/{request_id}`, `doorward explain` and `doorward top`: what an operator sees of a login afterwards.

use doorward::config::TokenHash;
use serde_json::{Value, json};

use crate::canary::Upstream;
use crate::remote::run;
use crate::support::daemon::{Daemon, Home, TOKEN, json_connector, read, wait_until};

async fn login(daemon: &Daemon, password: &str, id: &str) {
    let body = json!({ "username": "zhangsan", "password": password, "client_ip": "192.0.2.7", "request_id": id });
    let (status, _) = daemon.call("POST", "/v1/connectors/demo/authenticate", Some(body)).await;
    assert!(status == 200 || status == 403, "{status}");
}

async fn explained(daemon: &Daemon, id: &str) -> (u16, Value) {
    let (status, text) = daemon.call("GET", &format!("/v1/logins/{id}"), None).await;
    (status, serde_json::from_str(&text).unwrap())
}

async fn home() -> Home {
    let upstream = Box::leak(Box::new(Upstream::start().await));
    let home = Home::new("audit: { file: audit.jsonl }");
    home.connector("demo", &json_connector(&upstream.base, ""));
    std::fs::write(home.path("token"), TOKEN).unwrap();
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_explained_from_memory_and_after_a_restart_from_the_trail() {
    let home = home().await;
    let daemon = home.start();
    login(&daemon, "wrong", "one/1?").await;
    login(&daemon, "right", "two").await;
    login(&daemon, "right", "two").await;
    let (status, one) = explained(&daemon, "one%2F1%3F").await;
    assert_eq!((status, &one["source"], &one["request_id"]), (200, &json!("memory"), &json!("one/1?")), "{one}");
    let verdict = &one["verdicts"][0];
    assert_eq!((&verdict["verdict"], &verdict["reason"]), (&json!("reject"), &json!("invalid_credentials")), "{one}");
    assert_eq!((&verdict["steps"][0]["name"], &verdict["steps"][0]["end"]), (&json!("login"), &json!("ended")));
    assert!(verdict["explain"].as_str().unwrap().contains("reject row 1"), "{one}");
    assert!(verdict["revision"].as_str().is_some_and(|it| !it.is_empty()) && verdict["credential_sends"] == 1, "{one}");
    assert!(!one.to_string().contains("zhangsan") && !one.to_string().contains("192.0.2.7"), "it names no user: {one}");
    assert_eq!(explained(&daemon, "two").await.1["verdicts"].as_array().unwrap().len(), 2);
    let (status, problem) = explained(&daemon, "three").await;
    assert_eq!((status, &problem["code"]), (404, &json!("unknown_login")), "{problem}");
    wait_until(|| read(&home.path("audit.jsonl")).lines().count() == 3);
    drop(daemon);
    let daemon = home.start();
    let (_, mut from_file) = explained(&daemon, "one%2F1%3F").await;
    assert_eq!(from_file["source"], "audit");
    from_file["source"] = json!("memory");
    assert_eq!(from_file, one, "both say the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_sees_logins_of_its_own_connectors_only() {
    let home = home().await;
    let narrow = format!(
        "{{ name: narrow, token: \"{}\", scopes: [ read ], connectors: [ other ] }}",
        TokenHash::of("dwt_narrow")
    );
    let text = read(&home.path("doorward.yaml")).replace("clients: [", &format!("clients: [ {narrow},"));
    std::fs::write(home.path("doorward.yaml"), text).unwrap();
    std::fs::write(home.path("narrow"), "dwt_narrow").unwrap();
    let daemon = home.start();
    login(&daemon, "right", "one").await;
    wait_until(|| read(&home.path("audit.jsonl")).contains("\"one\""));
    for id in ["one", "none"] {
        let done = run(&home, &["explain", id, "--daemon", &daemon.base, "--token-file", "narrow"], "");
        assert_eq!(done.code, 64);
        assert!(done.err.contains("No login of this id is known"), "{}", done.err);
    }
    let done = run(&home, &["explain", "one", "--daemon", &daemon.base, "--token-file", "token"], "");
    assert_eq!(done.code, 0, "{}", done.err);
    let lines: Vec<&str> = done.out.lines().collect();
    assert_eq!(lines[0], "accept", "{}", done.out);
    assert!(done.out.contains(", by demo ") && done.out.contains("the credential was sent once"), "{}", done.out);
    assert!(lines.last().unwrap().starts_with("  login  success   HTTP 200"), "{}", done.out);
    let done = run(&home, &["explain", "one", "--json", "--daemon", &daemon.base, "--token-file", "token"], "");
    assert_eq!(serde_json::from_str::<Value>(&done.out).unwrap()["request_id"], "one");

    let top = ["top", "--count", "2", "--interval", "1", "--daemon", &daemon.base, "--token-file"];
    let all = run(&home, &[&top[..], &["token"]].concat(), "");
    assert_eq!(all.code, 0, "{}", all.err);
    assert_eq!(all.out.matches("demo ").count(), 2, "{}", all.out);
    assert!(all.out.lines().all(|line| line.chars().count() <= 80), "{}", all.out);
    let own = run(&home, &[&top[..], &["narrow"]].concat(), "");
    assert!(own.code == 0 && !own.out.contains("demo"), "{}", own.out);
    for (arguments, words) in [
        (&["top", "--interval", "0", "--daemon", "http://127.0.0.1:9"][..], "0 is not in 1..=3600"),
        (&["top", "--daemon", "http://127.0.0.1:9", "--token-file", "token"], "nothing listens there"),
        (&["top", "--count", "1", "--daemon", &daemon.base, "--token-file", "missing"], "cannot be read from missing"),
        (&["explain", "--daemon", &daemon.base], "<ID>"),
    ] {
        let done = run(&home, arguments, "");
        assert!(done.code == 64 && done.err.contains(words), "{arguments:?}: {}", done.err);
    }
}
