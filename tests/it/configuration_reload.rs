//! Reloads of doorward.yaml: what is taken over, what is not, and what becomes of a token that was taken away.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use doorward::config::TokenHash;
use serde_json::{Value, json};

use crate::canary::Upstream;
use crate::support::daemon::{Daemon, Home, TOKEN, json_connector, read, wait_until};

const OTHER: &str = "dwt_other";

/// A connection that is kept.
struct Kept(BufReader<TcpStream>);

impl Kept {
    fn open(daemon: &Daemon) -> Self {
        Self(BufReader::new(TcpStream::connect(daemon.base.trim_start_matches("http://")).unwrap()))
    }

    /// The status of one call on it.
    fn status(&mut self, token: &str) -> u16 {
        let head = format!("GET /v1/connectors HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
        self.0.get_mut().write_all(head.as_bytes()).unwrap();
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            if line == "\r\n" {
                break;
            }
            lines.push(line.to_ascii_lowercase());
        }
        let length = lines.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.trim().parse().unwrap()];
        self.0.read_exact(&mut body).unwrap();
        lines[0].split(' ').nth(1).unwrap().parse().unwrap()
    }
}

fn client(name: &str, token: &str, scopes: &str) -> String {
    format!("{{ name: {name}, token: \"{}\", scopes: [ {scopes} ] }}", TokenHash::of(token))
}

/// doorward.yaml with a second client.
fn with_other(home: &Home, more: &str) {
    home.configure(more);
    let text = read(&home.path("doorward.yaml"));
    let text = text.replace("clients: [", &format!("clients: [ {},", client("other", OTHER, "read")));
    std::fs::write(home.path("doorward.yaml"), text).unwrap();
}

async fn reload(daemon: &Daemon) -> Value {
    let (status, body) = daemon.call("POST", "/v1/reload", None).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str::<Value>(&body).unwrap()["configuration"].clone()
}

async fn readiness(daemon: &Daemon) -> Value {
    let (_, body) = daemon.call("GET", "/readyz", None).await;
    serde_json::from_str::<Value>(&body).unwrap()["configuration"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_token_stops_at_once_on_kept_connections_too() {
    let home = Home::new("");
    with_other(&home, "");
    let daemon = home.start();
    let (mut others, mut owns) = (Kept::open(&daemon), Kept::open(&daemon));
    assert_eq!((others.status(OTHER), owns.status(TOKEN)), (200, 200));
    home.configure("");
    let reloaded = reload(&daemon).await;
    assert_eq!(reloaded, json!({ "refused": false, "changed": ["clients"], "restart": [] }));
    assert_eq!((others.status(OTHER), owns.status(TOKEN)), (401, 200));
    assert_eq!(Kept::open(&daemon).status(OTHER), 401);
}

/// Without a call or a signal: the file alone is changed.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_noticed() {
    let home = Home::new("");
    with_other(&home, "");
    let daemon = home.start();
    let mut others = Kept::open(&daemon);
    assert_eq!(others.status(OTHER), 200);
    home.configure("");
    assert_eq!(daemon.wait_for("configuration loaded")["changed"], "clients");
    assert_eq!(others.status(OTHER), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_keeps_what_runs_and_says_so() {
    let home = Home::new("");
    let daemon = home.start();
    assert_eq!(readiness(&daemon).await, json!({ "status": "current", "restart": [] }));
    let good = read(&home.path("doorward.yaml"));
    for (bad, words) in [
        (good.replace("listen:", "lisen:"), "did you mean `listen`"),
        (good.replace(&TokenHash::of(TOKEN).to_string(), "dwt_real"), "no hash of a token"),
        (format!("{good}audit: {{ file: /proc/nowhere/audit }}\n"), "audit trail cannot be written"),
    ] {
        std::fs::write(home.path("doorward.yaml"), bad).unwrap();
        let reloaded = reload(&daemon).await;
        assert_eq!((&reloaded["refused"], &reloaded["changed"]), (&json!(true), &json!([])), "{reloaded}");
        assert!(reloaded["diagnostics"].to_string().contains(words), "{words}: {reloaded}");
        daemon.wait_for("configuration error");
        daemon.wait_for("configuration reload failed; the previous configuration stays in use");
        assert_eq!(readiness(&daemon).await["status"], "refused");
    }
    std::fs::remove_file(home.path("doorward.yaml")).unwrap();
    assert_eq!(reload(&daemon).await["refused"], true);
    std::fs::write(home.path("doorward.yaml"), good).unwrap();
    assert_eq!(reload(&daemon).await, json!({ "refused": false, "changed": [], "restart": [] }));
    assert_eq!(readiness(&daemon).await["status"], "current");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_restart_is_named() {
    let home = Home::new("");
    let daemon = home.start();
    home.configure("limits: { connections: 99, idle: 5s }\nguard: { entries: 4096 }\nlog: { format: text }");
    let text = read(&home.path("doorward.yaml")).replace("127.0.0.1:0", "127.0.0.2:0");
    std::fs::write(home.path("doorward.yaml"), text).unwrap();
    let keys = json!(["listen", "limits.connections", "guard.entries", "log.format"]);
    assert_eq!(reload(&daemon).await, json!({ "refused": false, "changed": ["limits"], "restart": keys }));
    let line = daemon.wait_for("these keys of the configuration need a restart");
    assert_eq!(line["restart"], "listen limits.connections guard.entries log.format");
    assert_eq!(readiness(&daemon).await, json!({ "status": "current", "restart": keys }));
    // Written back, nothing waits any more.
    home.configure("");
    assert_eq!(reload(&daemon).await["restart"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_live_key_takes_effect() {
    let upstream = Upstream::start().await;
    let home = Home::new("audit: { file: first.jsonl }");
    home.connector("demo", &json_connector(&upstream.base, ""));
    let daemon = home.start();
    assert_eq!(daemon.login("demo", "a", "right").await.0, 200);

    home.configure("audit: { file: logs/second.jsonl }\nlog: { level: debug }");
    assert_eq!(reload(&daemon).await["changed"], json!(["log.level", "audit"]));
    assert_eq!(daemon.login("demo", "b", "right").await.0, 200);
    wait_until(|| read(&home.path("logs/second.jsonl")).contains("\"b\""));
    assert_eq!(read(&home.path("first.jsonl")).lines().count(), 1);

    // One failure and the next try waits, although the failure was counted under other rules.
    assert_eq!(daemon.login("demo", "c", "wrong").await.0, 403);
    home.configure("guard: { user_failures: 1, waits: [ 1m ] }");
    assert_eq!(reload(&daemon).await["changed"], json!(["guard", "log.level", "audit"]));
    assert_eq!(daemon.login("demo", "c", "wrong").await.0, 403);
    assert_eq!(daemon.login("demo", "c", "right").await.1["reason"], "too_many_attempts");
    assert_eq!(read(&home.path("logs/second.jsonl")).lines().count(), 2, "the trail is off");

    // The last good revision of a file that became invalid holds to the new bound, too.
    home.connector("stale", &json_connector(&upstream.base, ""));
    assert_eq!(reload(&daemon).await["changed"], json!([]));
    home.connector("stale", "version: 1\n");
    assert_eq!(reload(&daemon).await["changed"], json!([]));
    assert_eq!(daemon.login("stale", "d", "right").await.0, 200);
    let text = read(&home.path("doorward.yaml")).replace("allow: [ 127.0.0.0/8 ]", "allow: [ 10.0.0.0/8 ]");
    std::fs::write(home.path("doorward.yaml"), text).unwrap();
    assert_eq!(reload(&daemon).await["changed"], json!(["egress"]));
    for connector in ["demo", "stale"] {
        let (status, body) = daemon.login(connector, "d", "right").await;
        assert_eq!((status, &body["verdict"]), (500, &json!("misconfigured")), "{connector}: {body}");
    }

    let text = read(&home.path("doorward.yaml")).replace("authenticate, test,", "");
    std::fs::write(home.path("doorward.yaml"), text).unwrap();
    assert_eq!(reload(&daemon).await["changed"], json!(["clients"]));
    let (_, problem) = daemon.call("POST", "/v1/connectors/demo/authenticate", Some(json!({}))).await;
    assert!(problem.contains("insufficient_scope"), "{problem}");
    daemon.signal("-HUP");
    daemon.wait_for("connectors loaded");
}

/// Who may use some connectors only learns nothing of other clients from the configuration's mistakes.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_some_connectors_sees_no_line_of_the_configuration() {
    let home = Home::new("");
    let own = client("console", TOKEN, "reload, read").replace("scopes", "connectors: [ demo ], scopes");
    let text = format!("listen: \"127.0.0.1:0\"\nconnectors: connectors\nclients: [ {own} ]\n");
    std::fs::write(home.path("doorward.yaml"), &text).unwrap();
    let daemon = home.start();
    std::fs::write(home.path("doorward.yaml"), text.replace("listen", "lisen")).unwrap();
    assert_eq!(reload(&daemon).await, json!({ "refused": true, "changed": [], "restart": [] }));
}
