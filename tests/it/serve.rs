//! `doorward serve` as an operator meets it: the real binary, its configuration, its signals.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use serde_json::json;

use crate::canary::Upstream;
use crate::support::daemon::{Home, TOKEN, json_connector, read};

fn refused(home: &Home, arguments: &[&str]) -> (i32, String) {
    let Output { status, stderr, .. } = home.command(arguments).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_bad_configuration_is_told_and_nothing_starts() {
    let home = Home::new("limits: { idel: 5s }");
    let (code, told) = refused(&home, &[]);
    assert_eq!(code, 4, "{told}");
    assert!(told.contains("doorward.yaml:5:11") && told.contains("did you mean `idle`"), "{told}");
    std::fs::remove_file(home.path("doorward.yaml")).unwrap();
    let (code, told) = refused(&home, &[]);
    assert!(code == 4 && told.contains("--config"), "{told}");
}

#[test]
fn what_only_starting_shows_is_told_too() {
    for (more, words) in [
        ("tls: { cert_file: c.pem, key_file: c.pem }", "certificate"),
        ("audit: { file: /proc/nowhere/audit }", "/proc/nowhere"),
    ] {
        let home = Home::new(more);
        std::fs::write(home.path("c.pem"), "not PEM").unwrap();
        let (code, told) = refused(&home, &[]);
        assert!(code == 4 && told.contains(words), "{more}: {code} {told}");
    }
    let home = Home::new("");
    std::fs::remove_dir(home.path("connectors")).unwrap();
    let (code, told) = refused(&home, &[]);
    assert!(code == 4 && told.contains("connectors"), "{told}");
}

#[test]
fn a_taken_address_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let home = Home::new("");
    let text = read(&home.path("doorward.yaml")).replace("127.0.0.1:0", &taken.local_addr().unwrap().to_string());
    std::fs::write(home.path("doorward.yaml"), text).unwrap();
    let (code, told) = refused(&home, &[]);
    assert!(code == 4 && told.contains("in use"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_in_the_life() {
    let upstream = Upstream::start().await;
    let home = Home::new("audit: { file: audit.jsonl }");
    home.connector("demo", &json_connector(&upstream.base, ""));
    home.connector("broken", "version: 1\n");
    let (code, told) = refused(&home, &["--strict"]);
    assert!(code == 4 && told.contains("invalid connectors: broken"), "{told}");

    let daemon = home.start();
    let (status, body) = daemon.login("demo", "zhangsan", "right").await;
    assert_eq!((status, &body["verdict"], &body["extension"]["id"]), (200, &json!("accept"), &json!(7)), "{body}");
    let (status, body) = daemon.login("demo", "zhangsan", "wrong").await;
    assert_eq!((status, &body["reason"]), (403, &json!("invalid_credentials")), "{body}");
    let (status, body) = daemon.login("broken", "zhangsan", "right").await;
    assert_eq!((status, &body["verdict"]), (500, &json!("misconfigured")), "{body}");
    let (status, ready) = daemon.call("GET", "/readyz", None).await;
    assert_eq!(status, 200);
    assert!(ready.starts_with(r#"{"status":"ready","state":"ok","sandbox":""#), "{ready}");
    assert!(ready.ends_with(r#","connectors":{"current":1,"stale":0,"invalid":1}}"#), "{ready}");

    // A change for the worse keeps the last good revision; the watch notices by itself.
    let good = read(&home.path("connectors/demo.yaml"));
    home.connector("demo", "version: 1\nstep: []\n");
    assert_eq!(daemon.wait_for("connectors loaded")["refused"], "broken demo");
    assert_eq!(daemon.login("demo", "zhangsan", "right").await.0, 200);
    let (_, page) = daemon.call("GET", "/v1/connectors/demo", None).await;
    assert!(page.contains(r#""health":"stale""#), "{page}");

    // A change for the better, by SIGHUP.
    home.connector("demo", &good.replace("500", "501"));
    daemon.signal("-HUP");
    assert_eq!(daemon.wait_for("connectors loaded")["changed"], "demo");
    let (status, body) = daemon.login("demo", "lisi", "wrong").await;
    assert_eq!((status, &body["cause"]), (503, &json!("unexpected_reply")), "no row of the new file holds: {body}");

    // By the API.
    std::fs::remove_file(home.path("connectors/broken.yaml")).unwrap();
    let (status, reloaded) = daemon.call("POST", "/v1/reload", None).await;
    assert_eq!(
        (status, reloaded.as_str()),
        (
            200,
            r#"{"changed":[],"removed":["broken"],"refused":[],"configuration":{"refused":false,"changed":[],"restart":[]}}"#
        )
    );

    let (status, log) = daemon.end();
    assert!(status.success(), "{status} {log}");
    let audit = read(&home.path("audit.jsonl"));
    let verdicts: Vec<_> = audit
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| {
            (line["verdict"].clone(), line["credential_sends"].clone(), line["steps"].as_array().unwrap().len())
        })
        .collect();
    assert_eq!(verdicts.len(), 5, "{audit}");
    assert_eq!(verdicts[0], (json!("accept"), json!(1), 1), "{audit}");
    assert_eq!(verdicts[2], (json!("misconfigured"), json!(0), 0), "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_and_started_again() {
    let upstream = Upstream::start().await;
    let home = Home::new("audit: { file: audit.jsonl }");
    home.connector("demo", &json_connector(&upstream.base, ""));
    let socket = home.path("d.sock");
    let text = read(&home.path("doorward.yaml"))
        .replace("\"127.0.0.1:0\"", &format!("[ \"127.0.0.1:0\", \"unix:{}\" ]", socket.display()));
    std::fs::write(home.path("doorward.yaml"), text).unwrap();
    for round in 1..=2 {
        let daemon = home.start();
        assert_eq!(daemon.login("demo", "zhangsan", "right").await.0, 200);
        // The line is with the kernel soon after the reply, and survives the process.
        crate::support::daemon::wait_until(|| read(&home.path("audit.jsonl")).lines().count() == round);
        daemon.kill();
        assert!(socket.exists(), "left behind");
    }
}

/// The clients of examples/, where their languages are installed.
#[tokio::test(flavor = "multi_thread")]
async fn the_example_consoles_work() {
    use std::process::{Command, Stdio};
    let upstream = Upstream::start().await;
    let home = Home::new("");
    home.connector("demo", &json_connector(&upstream.base, ""));
    let daemon = home.start();
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let consoles = [("python3", vec!["console.py"]), ("java", vec!["-XX:TieredStopAtLevel=1", "Console.java"])];
    for (program, arguments) in consoles {
        if Command::new(program).arg("--version").output().is_err() {
            eprintln!("{program} is not installed: its example is not run here");
            continue;
        }
        for (connector, password, code, words) in [
            ("demo", "right", 0, "accept"),
            ("demo", "pa\"ss\\w\u{1}ö", 1, "reject"),
            ("nothing", "right", 64, "wrong"),
        ] {
            let mut child = Command::new(program)
                .args(&arguments)
                .args([&daemon.base, connector, "zhangsan"])
                .current_dir(&examples)
                .env("DOORWARD_TOKEN", TOKEN)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            std::io::Write::write_all(&mut child.stdin.take().unwrap(), format!("{password}\n").as_bytes()).unwrap();
            let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
            let told = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
            assert_eq!(status.code(), Some(code), "{program} {connector}: {told}");
            assert!(told.contains(words), "{program} {connector}: {told}");
        }
    }
}

/// A process may have this many files open where the test runs; else the test says that it did less.
fn raise_own_limit() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    maximum.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX))
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_idle_connections_cost_others_nothing() {
    let upstream = Upstream::start().await;
    let home = Home::new("limits: { first_byte: 5m }");
    home.connector("demo", &json_connector(&upstream.base, ""));
    let daemon = home.start();
    let count = 10_000.min(raise_own_limit().saturating_sub(200));
    let address = daemon.base.trim_start_matches("http://").to_owned();
    let mut idle = Vec::new();
    for _ in 0..count {
        idle.push(tokio::net::TcpStream::connect(&address).await.unwrap());
    }
    assert_eq!(daemon.login("demo", "zhangsan", "right").await.0, 200);
    let (_, metrics) = daemon.call("GET", "/metrics", None).await;
    let open: usize =
        metrics.lines().find_map(|line| line.strip_prefix("doorward_connections ")).unwrap().parse().unwrap();
    assert!(open >= count, "{open}");
    drop(idle);
    assert!(daemon.end().0.success());
}

/// A person who starts it reads text; whatever reads standard error through a pipe gets JSON, as the other tests do.
#[test]
fn on_a_terminal_the_log_is_text() {
    let home = Home::new("");
    let daemon = env!("CARGO_BIN_EXE_doorward");
    let inner = format!("echo $$; exec {daemon} serve --config {}", home.path("doorward.yaml").display());
    let mut terminal = Command::new("script");
    // It makes a terminal and runs the command on it.
    let mut terminal =
        terminal.args(["-qec", &inner, "/dev/null"]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(terminal.stdout.take().unwrap()).lines().map_while(Result::ok);
    let id = lines.next().unwrap();
    let line = lines.find(|line| line.contains("listening")).unwrap();
    assert!(line.contains(" INFO ") && line.contains("address=") && !line.contains('{'), "{line}");
    assert!(Command::new("kill").args(["-TERM", id.trim()]).status().unwrap().success());
    assert!(terminal.wait().unwrap().success());
}
