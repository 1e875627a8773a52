//! The command line as a client of a running daemon: `doorward test --daemon`, `status`, `reload`, and every bad input.

use std::process::{Command, Output, Stdio};

use doorward::config::TokenHash;

use crate::challenges::connectors;
use crate::challenges::upstream::{CODE, Upstream};
use crate::support::certs::Authority;
use crate::support::daemon::{Home, TOKEN, json_connector, read};

pub struct Done {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Runs a command in the daemon's home, where `token` holds the token.
pub fn run(home: &Home, arguments: &[&str], input: &str) -> Done {
    use std::io::Write as _;
    let mut child = Command::new(env!("CARGO_BIN_EXE_doorward"))
        .args(arguments)
        .current_dir(home.directory.path())
        .env_remove("CLICOLOR_FORCE")
        .env_remove("DOORWARD_TOKEN")
        // Nothing of it may lead a token elsewhere.
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .env("ALL_PROXY", "http://127.0.0.1:9")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that ends early does not read it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

fn home(more: &str) -> Home {
    let home = Home::new(more);
    std::fs::write(home.path("token"), format!("{TOKEN}\n")).unwrap();
    home
}

/// Without what differs from run to run.
fn timeless(text: &str) -> String {
    let time = regex_of(r#"[0-9]+(\.[0-9]+)? (ms|s)\b|"ms": [0-9.]+|"request_id": "[^"]*"|"revision": "[^"]*""#);
    let text = time.replace_all(text, "T");
    // The widths of columns do not depend on times; their own row does.
    text.into_owned()
}

#[expect(clippy::disallowed_methods, reason = "a pattern of this test")]
fn regex_of(pattern: &str) -> regex::Regex {
    regex::Regex::new(pattern).unwrap()
}

const LOGIN: [&str; 5] = ["test", "corp", "--username", "zhangsan", "--password-stdin"];

#[tokio::test(flavor = "multi_thread")]
async fn the_daemons_test_shows_what_the_files_shows() {
    let upstream = Upstream::start().await;
    let home = home("");
    home.connector("corp", &connectors::sms(&upstream.base));
    let daemon = home.start();
    let remote = ["--daemon", &daemon.base, "--token-file", "token"];
    let (right, wrong) = (format!("code={CODE}"), "code=000000");
    for (more, password, code) in [
        (vec!["--answer", wrong, "--answer", &right], "right", 0),
        (vec![], "right", 2),
        (vec![], "wrong", 1),
        (vec!["--render-only"], "right", 0),
        (vec!["--json", "--answer", &right], "right", 0),
        (vec!["--json"], "right", 2),
    ] {
        let arguments = [&LOGIN[..], &more].concat();
        let local = run(&home, &arguments, password);
        let far = run(&home, &[&arguments[..], &remote].concat(), password);
        assert_eq!((local.code, far.code), (code, code), "{more:?}: {} {}", far.out, far.err);
        assert_eq!(timeless(&far.out), timeless(&local.out), "{more:?}");
        assert!(!far.out.contains(CODE), "{}", far.out);
    }
    let unused = run(&home, &[&LOGIN[..], &remote, &["--answer", &right]].concat(), "wrong");
    assert_eq!(unused.code, 1);
    assert!(unused.err.contains("the answer code was not asked for"), "{}", unused.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_told_and_is_no_verdict() {
    let upstream = Upstream::start().await;
    let home = home("");
    home.connector("corp", &connectors::sms(&upstream.base));
    let reads_only = "dwt_reads_only";
    let client = format!("{{ name: reader, token: \"{}\", scopes: [ read ] }}", TokenHash::of(reads_only));
    let text = read(&home.path("doorward.yaml")).replace("clients: [", &format!("clients: [ {client},"));
    std::fs::write(home.path("doorward.yaml"), text).unwrap();
    let daemon = home.start();
    let base = daemon.base.as_str();
    for (name, text) in [("other", "dwt_other"), ("reader", reads_only), ("empty", "\n"), ("two", "a b")] {
        std::fs::write(home.path(name), text).unwrap();
    }
    // What answers there is the upstream of the connector.
    let not_a_doorward = upstream.base.as_str();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let nobody = format!("http://{nobody}");
    for (connector, base, token, words) in [
        ("corp", nobody.as_str(), "token", "nothing listens there"),
        ("corp", "unix:/nowhere/doorward.sock", "token", "there is no such socket"),
        ("corp", not_a_doorward, "token", "no Doorward"),
        ("corp", base, "other", "knows no such token"),
        ("corp", base, "reader", "the scope `test`"),
        ("corp", base, "missing", "the token cannot be read from missing"),
        ("corp", base, "empty", "empty holds no token"),
        ("corp", base, "two", "two holds no token"),
        ("crop", base, "token", "did you mean corp?"),
        ("connectors/corp.yaml", base, "token", "named by its id"),
        ("corp", "http://10.1.2.3", "token", "in clear"),
        ("corp", "https://127.0.0.1/v1", "token", "has no path"),
        ("corp", "127.0.0.1:80", "token", "unix:/path"),
    ] {
        let arguments = ["test", connector, "--username", "zhangsan", "--password-stdin"];
        let done = run(&home, &[&arguments[..], &["--daemon", base, "--token-file", token]].concat(), "right");
        assert_eq!((done.code, done.out.as_str()), (64, ""), "{base} {token}: {}", done.err);
        assert!(done.err.contains(words), "{base} {token}: {}", done.err);
        assert!(!done.err.contains("dwt_"), "{}", done.err);
    }
    for more in [&["--reveal"][..], &["--set", "base=http://127.0.0.1:1"], &["--secret-from", "a=token"]] {
        let done = run(&home, &[&LOGIN[..], &["--daemon", base], more].concat(), "right");
        assert!(done.code == 64 && done.err.contains("cannot be used with"), "{more:?}: {}", done.err);
    }
    let done = run(&home, &["status", "--daemon", base], "");
    assert!(done.code == 64 && done.err.contains("--token-file, or set DOORWARD_TOKEN"), "{}", done.err);
    assert_eq!(upstream.asked("/login"), 0, "nothing of it was a login");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_reload_of_a_running_daemon() {
    let upstream = Upstream::start().await;
    let home = home("");
    home.connector("corp", &json_connector(&upstream.base, ""));
    let socket = home.path("d.sock");
    let text = read(&home.path("doorward.yaml"))
        .replace("\"127.0.0.1:0\"", &format!("[ \"127.0.0.1:0\", \"unix:{}\" ]", socket.display()));
    std::fs::write(home.path("doorward.yaml"), text).unwrap();
    let daemon = home.start();
    let unix = format!("unix:{}", socket.display());
    for base in [daemon.base.as_str(), &unix] {
        let done = run(&home, &["status", "--daemon", base, "--token-file", "token"], "");
        assert_eq!(done.code, 0, "{}", done.err);
        assert!(done.out.starts_with("ready\n  doorward 0."), "{}", done.out);
        assert!(done.out.contains("  corp  current  authentication  "), "{}", done.out);
    }
    let reload = ["reload", "--daemon", &unix, "--token-file", "token"];
    let done = run(&home, &reload, "");
    assert_eq!((done.code, done.out.as_str()), (0, "nothing changed\n"), "{}", done.err);
    home.connector("corp", "version: 1\nstep: []\n");
    let done = run(&home, &reload, "");
    assert_eq!((done.code, done.out.as_str()), (4, "invalid  corp\n"), "{}", done.err);
    assert!(done.err.contains("corp.yaml:2:1") && done.err.contains("did you mean `steps`"), "{}", done.err);
    let done = run(&home, &["status", "--daemon", &unix, "--token-file", "token"], "");
    assert!(done.code == 0 && done.out.contains("  corp  stale "), "{}", done.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_trusted_certificate_gets_the_token() {
    let authority = Authority::new("ours");
    let identity = authority.good(&["localhost"]);
    let home = home("tls: { cert_file: c.pem, key_file: k.pem }");
    for (name, pem) in [("c.pem", &identity.cert_pem), ("k.pem", &identity.key_pem), ("ca.pem", &authority.pem)] {
        std::fs::write(home.path(name), pem).unwrap();
    }
    std::fs::write(home.path("other.pem"), Authority::new("other").pem).unwrap();
    let daemon = home.start();
    let port = daemon.base.rsplit_once(':').unwrap().1;
    let status = |host: &str, ca: &[&str]| {
        let base = format!("{host}:{port}");
        run(&home, &[&["status", "--daemon", &base, "--token-file", "token"], ca].concat(), "")
    };
    assert_eq!(status("https://localhost", &["--ca-file", "ca.pem"]).code, 0);
    for (host, ca, words) in [
        ("https://localhost", &[][..], "name the CA's file with --ca-file"),
        ("https://localhost", &["--ca-file", "other.pem"], "issued by no CA that is trusted here"),
        ("https://127.0.0.1", &["--ca-file", "ca.pem"], "for another host name"),
        ("https://localhost", &["--ca-file", "token"], "holds no PEM certificate"),
        ("https://localhost", &["--ca-file", "missing"], "the CAs cannot be read from missing"),
        ("http://localhost", &[], "localhost"),
    ] {
        let done = status(host, ca);
        assert!(done.code == 64 && done.err.contains(words), "{host} {ca:?}: {} {}", done.code, done.err);
    }
}

/// What a daemon, or what pretends to be one, writes cannot steer the terminal of the one who asks.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_cannot_steer_the_terminal() {
    use axum::routing::{get, post};
    use serde_json::json;
    let evil = "x\u{1b}[2J\u{9b}H\u{202e}y";
    let status = json!({
        "version": evil, "read_at": evil,
        "readiness": {
            "status": evil, "state": evil, "sandbox": evil, "configuration": { "status": evil, "restart": [evil] }
        },
        "connectors": [{ "id": evil, "kind": evil, "health": evil, "revision": evil }],
    });
    let reloaded = json!({
        "changed": [evil], "removed": [evil], "refused": [evil], "diagnostics": [{ "text": evil }],
        "configuration": { "refused": true, "changed": [evil], "restart": [evil], "diagnostics": [evil] },
    });
    let problem = json!({ "code": "insufficient_scope", "title": evil, "detail": evil });
    let refused = async move || {
        (axum::http::StatusCode::FORBIDDEN, [("content-type", "application/problem+json")], problem.to_string())
    };
    let router = axum::Router::new()
        .route("/v1/status", get(async move || axum::Json(status)))
        .route("/v1/reload", post(async move || axum::Json(reloaded)))
        .fallback(refused);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let home = home("");
    let daemon = ["--daemon", base.as_str(), "--token-file", "token"];
    for arguments in [&["status"][..], &["reload"], &LOGIN] {
        let done = run(&home, &[arguments, &daemon].concat(), "right");
        let shown = format!("{}{}", done.out, done.err);
        assert!(shown.contains("\\u{1b}"), "{arguments:?}: {shown}");
        assert!(!shown.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{arguments:?}: {shown:?}");
    }
}
