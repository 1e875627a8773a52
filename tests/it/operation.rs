//! What an operator relies on, with the real binary: the log as it is documented, certificates that are exchanged, callers and
//! upstreams that stall.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::canary::Upstream;
use crate::support::certs::Identity;
use crate::support::daemon::{Home, json_connector, read, wait_until};

/// The messages of docs/logging.md with their levels and fields.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/logging.md")).unwrap();
    let quoted = |text: &str| -> Vec<String> { text.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let table = page.split("| message | level | fields |").nth(1).unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let mut found = BTreeMap::new();
    for row in rows {
        let columns: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let fields: BTreeSet<String> = quoted(columns[2]).into_iter().filter(|field| !field.contains(':')).collect();
        for message in quoted(columns[0]) {
            found.insert(message, (columns[1].to_owned(), fields.clone()));
        }
    }
    found
}

/// Whoever parses the log can rely on docs/logging.md: each message has the fields that stand there and no others.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_as_it_is_documented() {
    let documented = documented();
    assert!(documented.len() >= 8, "{documented:?}");
    let upstream = Upstream::start().await;
    let home = Home::new("");
    home.connector("demo", &json_connector(&upstream.base, ""));
    home.connector("broken", "version: 1\n");
    home.connector(
        "utility",
        &format!(
            "version: 1\nkind: utility\nsteps:\n  - name: ask\n    request: {{ method: POST, url: \"{}/login\", body: {{ json: {{ clear: \
             x }} }} }}\n",
            upstream.base
        ),
    );
    home.connector("clear", &json_connector("http://4a.example.com", ""));
    let daemon = home.start();
    for password in ["right", "wrong", "html"] {
        daemon.login("demo", "zhangsan", password).await;
    }
    daemon.call("POST", "/v1/utilities/utility", Some(json!({}))).await;
    daemon.call("POST", "/v1/reload", None).await;
    let (_, log) = daemon.end();
    let mut seen = BTreeSet::new();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let Value::Object(mut members) = line.clone() else { panic!("{line}") };
        for always in ["timestamp", "level", "target", "message"] {
            assert!(members.remove(always).is_some_and(|value| value.is_string()), "{always}: {line}");
        }
        let message = line["message"].as_str().unwrap().to_owned();
        if !line["target"].as_str().unwrap().starts_with("doorward") {
            continue;
        }
        let Some((level, fields)) = documented.get(&message) else { panic!("docs/logging.md does not know {line}") };
        assert!(level.contains(&line["level"].as_str().unwrap().to_lowercase()), "{line}");
        let own: BTreeSet<String> = members.keys().cloned().collect();
        // Two messages of one row have their own of its fields.
        assert!(own.is_subset(fields), "{message}: {own:?} are logged, {fields:?} are documented");
        if !["ended", "shutting down: logins in flight may finish"].contains(&message.as_str()) {
            assert_eq!(&own, fields, "{message}");
        }
        seen.insert(message);
    }
    for message in ["login", "utility call", "listening", "connectors loaded", "connector error", "reload requested"] {
        assert!(seen.contains(message), "{message} took part: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_for_people_is_text_and_as_much_as_was_asked_for() {
    let upstream = Upstream::start().await;
    for (level, words, not) in [("info", "verdict=\"reject\"", "{\""), ("warn", "connector warning", "verdict")] {
        let home = Home::new(&format!("log: {{ format: text, level: {level} }}\naudit: {{ file: audit.jsonl }}"));
        home.connector("demo", &json_connector(&upstream.base, ""));
        home.connector("clear", &json_connector("http://4a.example.com", ""));
        let socket = home.path("d.sock");
        let text =
            read(&home.path("doorward.yaml")).replace("\"127.0.0.1:0\"", &format!("\"unix:{}\"", socket.display()));
        std::fs::write(home.path("doorward.yaml"), text).unwrap();
        let mut child = home.command(&[]).spawn().unwrap();
        let body = r#"{"username":"zhangsan","password":"hunter2 wrong"}"#;
        // The file is there a moment before anybody listens on it.
        let mut stream = None;
        wait_until(|| {
            stream = std::os::unix::net::UnixStream::connect(&socket).ok();
            stream.is_some()
        });
        let mut stream = stream.unwrap();
        write!(
            stream,
            "POST /v1/connectors/demo/authenticate HTTP/1.1\r\nHost: d\r\nAuthorization: Bearer {}\r\nContent-Type: \
             application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            crate::support::daemon::TOKEN,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
        let mut log = String::new();
        child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert!(child.wait().unwrap().success(), "{log}");
        assert!(log.contains(words) && !log.contains(not) && !log.contains("hunter2"), "{level}: {log}");
    }
}

/// Certificates are read again on SIGHUP; new ones that cannot be used leave the old ones in place.
#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_exchanged_while_the_daemon_runs() {
    let (first, second) = (Identity::self_signed("localhost"), Identity::self_signed("localhost"));
    let home = Home::new("tls: { cert_file: d.pem, key_file: d.key }");
    let install = |identity: &Identity| {
        std::fs::write(home.path("d.pem"), &identity.cert_pem).unwrap();
        std::fs::write(home.path("d.key"), &identity.key_pem).unwrap();
    };
    install(&first);
    let daemon = home.start();
    let url = daemon.base.replace("http://", "https://");
    let shows = |identity: &Identity| {
        use base64::Engine as _;
        let pin = base64::engine::general_purpose::STANDARD.encode(identity.pin);
        let done = Command::new(env!("CARGO_BIN_EXE_doorward")).args(["pin", &url]).output().unwrap();
        String::from_utf8_lossy(&done.stdout).contains(&pin)
    };
    assert!(shows(&first) && !shows(&second));
    install(&second);
    assert!(shows(&first), "nobody has said a word yet");
    daemon.signal("-HUP");
    wait_until(|| shows(&second));
    std::fs::write(home.path("d.pem"), "-----BEGIN CERTIFICATE-----\nhalf").unwrap();
    daemon.signal("-HUP");
    daemon.wait_for("TLS certificate reload failed; the previous certificates stay in use");
    assert!(shows(&second));
    assert!(daemon.end().0.success());
}

/// Hundreds of callers that begin a head and never end it, and a short time for heads: logins go on, and the slow are closed.
#[tokio::test(flavor = "multi_thread")]
async fn slowloris_costs_others_nothing() {
    let upstream = Upstream::start().await;
    let home = Home::new("limits: { header: 300ms, first_byte: 300ms }");
    home.connector("demo", &json_connector(&upstream.base, ""));
    let daemon = home.start();
    let address = daemon.base.trim_start_matches("http://").to_owned();
    let mut slow: Vec<TcpStream> = Vec::new();
    for _ in 0..500 {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(b"POST /v1/connectors/demo/authenticate HTTP/1.1\r\nHost: d\r\nX-A: ").unwrap();
        slow.push(stream);
    }
    assert_eq!(daemon.login("demo", "zhangsan", "right").await.0, 200);
    // A byte now and then does not lengthen the time.
    for stream in &mut slow {
        let _ = stream.write_all(b"a");
    }
    for mut stream in slow {
        let mut rest = Vec::new();
        // Closed by the other side, in order or not.
        let _ = stream.read_to_end(&mut rest);
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
    }
    assert_eq!(daemon.login("demo", "zhangsan", "right").await.0, 200);
    let (_, metrics) = daemon.call("GET", "/metrics", None).await;
    assert!(metrics.contains("doorward_connections_closed_total{cause=\"header\"} 500"), "{metrics}");
}

/// An upstream that takes requests and never answers fills its own connector's places and queue; what is beyond is refused at
/// once, with a time, and other connectors notice nothing.
#[tokio::test(flavor = "multi_thread")]
async fn one_hanging_upstream_leaves_others_untouched() {
    let upstream = Upstream::start().await;
    let home = Home::new("guard: { enabled: false }");
    let hanging = json_connector(&upstream.base, "")
        .replace("timeout: 3s", "timeout: 60s, max_in_flight: 3")
        .replace("    variables: |\n      env.digest = code_util.md5(user.userPassword);\n", "")
        .replace("{{env.digest}}", "x");
    home.connector("hanging", &hanging);
    home.connector("demo", &json_connector(&upstream.base, ""));
    let daemon = Arc::new(home.start());
    let stuck: Vec<_> = (0..20)
        .map(|index| {
            let daemon = Arc::clone(&daemon);
            tokio::spawn(async move { daemon.login("hanging", &format!("user{index}"), "hang").await })
        })
        .collect();
    let mut told = 0;
    let mut stuck: Vec<_> = stuck.into_iter().collect();
    // Three wait for the upstream; all others come back, while the upstream is as silent as before.
    while told < 17 {
        let (done, _, rest) = futures_util::future::select_all(stuck).await;
        let (status, body) = done.unwrap();
        assert_eq!((status, &body["cause"], &body["retry_after"]), (503, &"overloaded".into(), &1.into()), "{body}");
        told += 1;
        stuck = rest;
        if told % 4 == 0 {
            assert_eq!(daemon.login("demo", "zhangsan", "right").await.0, 200);
        }
    }
    assert_eq!(stuck.len(), 3);
    assert!(stuck.iter().all(|login| !login.is_finished()));
    for login in stuck {
        login.abort();
    }
}
