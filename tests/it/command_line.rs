//! The commands beside the daemon that packages and probes use: `health`, `completions`, `man`.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use crate::support::certs::Authority;
use crate::support::daemon::{Home, read};

fn doorward(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_doorward")).args(arguments).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn health(configuration: &Path, more: &[&str]) -> (i32, String, String) {
    doorward(&[&["health", "--config", configuration.to_str().unwrap()][..], more].concat())
}

/// Writes a configuration that names the port which the daemon really got.
fn at_its_port(home: &Home, base: &str) {
    let port = base.rsplit(':').next().unwrap();
    let text = read(&home.path("doorward.yaml")).replace("127.0.0.1:0", &format!("127.0.0.1:{port}"));
    std::fs::write(home.path("doorward.yaml"), text).unwrap();
}

#[test]
fn health_asks_by_port_in_clear_and_by_tls() {
    let authority = Authority::new("ca");
    let identity = authority.good(&["doorward.corp.example.com"]);
    for more in ["", "tls: { cert_file: c.pem, key_file: k.pem }"] {
        let home = Home::new(more);
        std::fs::write(home.path("c.pem"), &identity.cert_pem).unwrap();
        std::fs::write(home.path("k.pem"), &identity.key_pem).unwrap();
        let daemon = home.start();
        at_its_port(&home, &daemon.base);
        assert_eq!(health(&home.path("doorward.yaml"), &[]), (0, "200 ok\n".to_owned(), String::new()), "{more}");
        let (code, said, _) = health(&home.path("doorward.yaml"), &["--ready"]);
        assert!(code == 0 && said.contains(r#""status":"ready""#), "{said}");
        drop(daemon);
        let (code, said, told) = health(&home.path("doorward.yaml"), &[]);
        assert!(code == 1 && said.is_empty() && told.contains("the daemon does not answer"), "{code} {told}");
    }
}

/// A socket is asked first, and is in clear although there is TLS: the log says so.
#[test]
fn health_asks_by_the_socket_and_the_log_tells_it_from_tls() {
    let identity = Authority::new("ca").good(&["localhost"]);
    let home = Home::new("tls: { cert_file: c.pem, key_file: k.pem }");
    std::fs::write(home.path("c.pem"), &identity.cert_pem).unwrap();
    std::fs::write(home.path("k.pem"), &identity.key_pem).unwrap();
    let socket = format!("unix:{}", home.path("d.sock").display());
    let text =
        read(&home.path("doorward.yaml")).replace("\"127.0.0.1:0\"", &format!("[ \"127.0.0.1:0\", \"{socket}\" ]"));
    std::fs::write(home.path("doorward.yaml"), text).unwrap();
    let daemon = home.start();
    let second = daemon.wait_for("listening");
    assert_eq!((&second["address"], &second["tls"]), (&json!(socket), &json!(false)));
    assert!(
        daemon.log().lines().any(|line| line.contains("127.0.0.1:") && line.contains(r#""tls":true"#)),
        "{}",
        daemon.log()
    );
    assert_eq!(health(&home.path("doorward.yaml"), &[]).0, 0);
}

#[test]
fn health_says_what_it_cannot_ask() {
    let home = Home::new("");
    let (code, _, told) = health(&home.path("doorward.yaml"), &[]);
    assert!(code == 1 && told.contains("no socket and no fixed port"), "{told}");
    let (code, _, told) = health(&home.path("nowhere.yaml"), &[]);
    assert!(code == 4 && told.contains("nowhere.yaml"), "{told}");
}

/// `systemctl start` returns when logins can come, and `systemctl stop` is no surprise.
#[test]
fn systemd_hears_when_the_daemon_listens_and_when_it_ends() {
    let home = Home::new("");
    let heard = std::os::unix::net::UnixDatagram::bind(home.path("notify.sock")).unwrap();
    let daemon = home.start_after(&format!("export NOTIFY_SOCKET={}", home.path("notify.sock").display()));
    let hear = || {
        let mut bytes = [0; 64];
        let length = heard.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    };
    assert_eq!(hear(), "READY=1\n");
    let (status, log) = daemon.end();
    assert!(status.success(), "{log}");
    assert_eq!(hear(), "STOPPING=1\n");
    // One that nobody reads is no reason to be down.
    drop(heard);
    let daemon = home.start_after(&format!("export NOTIFY_SOCKET={}", home.path("notify.sock").display()));
    daemon.wait_for("sd_notify failed");
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let (_, help, _) = doorward(&["--help"]);
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert!(commands.len() > 8 && commands.contains(&"serve"), "{commands:?}");
    for shell in ["bash", "zsh", "fish"] {
        let (code, text, _) = doorward(&["completions", shell]);
        assert_eq!(code, 0);
        for command in &commands {
            assert!(text.contains(command), "{shell}: {command}");
        }
    }
    let place = tempfile::tempdir().unwrap();
    let pages = place.path().join("man");
    assert_eq!(doorward(&["man", pages.to_str().unwrap()]).0, 0);
    for command in commands.iter().filter(|command| **command != "help") {
        let page = std::fs::read_to_string(pages.join(format!("doorward-{command}.1"))).unwrap();
        assert!(page.starts_with(".ie") && page.contains(command), "{page}");
    }
    assert!(pages.join("doorward.1").is_file());
    let (code, _, told) = doorward(&["completions", "csh"]);
    assert!(code == 64 && told.contains("possible values"), "{told}");
    std::fs::write(place.path().join("file"), "").unwrap();
    let (code, _, told) = doorward(&["man", place.path().join("file/x").to_str().unwrap()]);
    assert!(code == 64 && told.contains("cannot be made"), "{told}");
}
