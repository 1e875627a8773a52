//! Files that do not answer, behind everything that names one: nobody but whoever named it notices.

use std::process::Command;

use serde_json::{Value, json};

use crate::canary::Upstream;
use crate::support::certs::Identity;
use crate::support::daemon::{Home, json_connector, wait_until};

/// A pipe that nobody writes to: open(2) of it waits for ever, as a file on a mount that is away does.
fn pipe(home: &Home, name: &str) {
    assert!(Command::new("mkfifo").arg(home.path(name)).status().unwrap().success());
}

/// A connector that names files, each of which is a pipe; and a connector that is one.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_does_not_answer_is_its_connector_s_own_trouble() {
    let upstream = Upstream::start().await;
    let home = Home::new("");
    home.connector("good", &json_connector(&upstream.base, ""));
    let daemon = home.start();
    pipe(&home, "connectors/never");
    pipe(&home, "connectors/is-a-pipe.yaml");
    let tls = |keys: &str| json_connector(&upstream.base, "").replace("timeout: 3s", &format!("tls: {{ {keys} }}"));
    let good = json_connector(&upstream.base, "");
    for (id, text) in [
        ("a-secret", json_connector(&upstream.base, "secrets: { k: { file: never } }")),
        (
            "b-variables",
            good.replace("variables: |\n      env.digest = code_util.md5(user.userPassword);", "variables_file: never"),
        ),
        ("c-preprocess", good.replace("format: json", "format: json\n      preprocess_file: never")),
        ("d-ca", tls("ca_file: never")),
        ("e-certificate", tls("client_cert_file: never, client_key_file: never")),
        ("f-zero", json_connector(&upstream.base, "secrets: { k: { file: /dev/zero } }")),
    ] {
        home.connector(id, &text);
    }
    let (status, reloaded) = daemon.call("POST", "/v1/reload", None).await;
    let reloaded: Value = serde_json::from_str(&reloaded).unwrap();
    let all = json!(["a-secret", "b-variables", "c-preprocess", "d-ca", "e-certificate", "f-zero", "is-a-pipe"]);
    assert_eq!((status, &reloaded["refused"]), (200, &all), "{}", daemon.log());
    for what in ["named pipe, and only regular files", "device, and only regular files"] {
        wait_until(|| daemon.log().contains(what));
    }
    assert_eq!(daemon.login("good", "zhangsan", "right").await.0, 200);
    assert_eq!(daemon.login("a-secret", "zhangsan", "right").await.0, 500);
    let (status, log) = daemon.end();
    assert!(status.success(), "{log}");
}

/// The daemon's own files: at the start it says which, and while it runs it keeps what it has.
#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_s_own_files_answer_or_are_told() {
    let identity = Identity::self_signed("localhost");
    let home = Home::new("");
    pipe(&home, "never");
    let ways = [
        "tls: { cert_file: never, key_file: never }",
        "state: { kind: redis, url: { file: never }, keys: [ { env: HOME } ] }",
        "state: { kind: redis, url: { env: REDIS_URL }, keys: [ { file: never } ] }",
        "audit: { file: a.jsonl, user_name: hmac, hmac_key: { file: never } }",
    ];
    for more in ways {
        home.configure(more);
        let output = home.command(&[]).env("REDIS_URL", "redis://127.0.0.1").output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(4) && told.contains("named pipe"), "{more}: {told}");
    }
    std::fs::remove_file(home.path("doorward.yaml")).unwrap();
    pipe(&home, "doorward.yaml");
    let told = home.command(&[]).output().unwrap().stderr;
    assert!(String::from_utf8_lossy(&told).contains("named pipe"), "{}", String::from_utf8_lossy(&told));
    std::fs::remove_file(home.path("doorward.yaml")).unwrap();

    std::fs::write(home.path("cert.pem"), &identity.cert_pem).unwrap();
    std::fs::write(home.path("key.pem"), &identity.key_pem).unwrap();
    home.configure("tls: { cert_file: cert.pem, key_file: key.pem }");
    let daemon = home.start();
    std::fs::remove_file(home.path("key.pem")).unwrap();
    pipe(&home, "key.pem");
    daemon.signal("-HUP");
    let line = daemon.wait_for("TLS certificate reload failed; the previous certificates stay in use");
    assert!(line["error"].as_str().unwrap().contains("named pipe"), "{line}");
    let (status, log) = daemon.end();
    assert!(status.success(), "{log}");
}

/// SIGTERM in the middle of a reload ends the daemon before the reload has ended.
#[tokio::test(flavor = "multi_thread")]
async fn signals_are_heard_while_a_reload_runs() {
    let home = Home::new("");
    // Long, not deep: one expression of this length is at the limit of the worker's stack.
    let long = format!("env.digest = String(1{});", "+1".repeat(500)).repeat(120);
    for number in 0..10 {
        let text =
            json_connector("http://127.0.0.1:9", "").replace("env.digest = code_util.md5(user.userPassword);", &long);
        home.connector(&format!("c{number}"), &text);
    }
    let daemon = home.start();
    let reads = || daemon.log().matches("connectors loaded").count();
    wait_until(|| reads() == 1);
    daemon.signal("-HUP");
    daemon.signal("-TERM");
    daemon.wait_for("shutting down: logins in flight may finish");
    assert_eq!(reads(), 1, "the reload took too little time for this test");
    let (status, log) = daemon.wait();
    assert!(status.success(), "{log}");
}

/// A message says once what is wrong, whatever layers it passes.
#[test]
fn a_certificate_of_another_key_is_told_once() {
    let (one, other) = (Identity::self_signed("localhost"), Identity::self_signed("localhost"));
    let home = Home::new("");
    std::fs::write(home.path("cert.pem"), &one.cert_pem).unwrap();
    std::fs::write(home.path("key.pem"), &other.key_pem).unwrap();
    home.configure("tls: { cert_file: cert.pem, key_file: key.pem }");
    let output = home.command(&[]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && !told.contains("KeyMismatch"), "{told}");
    assert_eq!(told.matches("the certificate belongs to another key").count(), 1, "{told}");
}
