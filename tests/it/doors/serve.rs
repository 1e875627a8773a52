//! The daemon with doors: what it starts with, what it reads again, and that every reply on a door's path is the door's.

use std::process::Output;

use serde_json::json;

use super::lab::{Heard, KEY, Lab, home, replaced, shipped};
use crate::support::daemon::wait_until;

#[tokio::test(flavor = "multi_thread")]
async fn a_door_is_swapped_when_its_file_changes_and_kept_when_it_is_broken() {
    let nginx = shipped("nginx");
    let lab = Lab::start(&[("nginx", &nginx)]).await;
    assert_eq!(lab.basic("/door/nginx", "zhangsan", "123456").await.status, 204);
    let file = lab.home.path("doors").join("nginx.yaml");
    std::fs::write(&file, replaced(&nginx, "status: 204", "status: 205")).unwrap();
    lab.daemon.call("POST", "/v1/reload", None).await;
    assert_eq!(lab.basic("/door/nginx", "zhangsan", "123456").await.status, 205);
    std::fs::write(&file, replaced(&nginx, "status: 503", "status: 200")).unwrap();
    lab.daemon.call("POST", "/v1/reload", None).await;
    wait_until(|| lab.daemon.log().contains("door-reading"));
    assert_eq!(lab.basic("/door/nginx", "zhangsan", "123456").await.status, 205);
    std::fs::remove_file(&file).unwrap();
    lab.daemon.call("POST", "/v1/reload", None).await;
    assert_eq!(lab.basic("/door/nginx", "zhangsan", "123456").await.status, 404);
    // And by the watch.
    std::fs::write(&file, &nginx).unwrap();
    while lab.basic("/door/nginx", "zhangsan", "123456").await.status != 204 {
        lab.daemon.wait_for("doors loaded");
    }
}

#[test]
fn a_daemon_does_not_start_without_the_door_of_a_console_that_fails_open() {
    for (name, old, new, starts) in [
        ("envoy", "status: 429", "status: 503", false),
        ("emqx", "unavailable: { status: 200, json: { result: deny } }", "unavailable: { status: 503 }", false),
        ("nginx", "unavailable: { status: 503 }", "unavailable: { status: 200 }", true),
    ] {
        let home = home("http://127.0.0.1:1", "", &[(name, &replaced(&shipped(name), old, new))]);
        if starts {
            drop(home.start());
            continue;
        }
        let Output { status, stderr, .. } = home.command(&[]).output().unwrap();
        let told = String::from_utf8(stderr).unwrap();
        assert!(status.code() == Some(4) && told.contains(&format!("do not refuse on trouble: {name}")), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reply_on_a_doors_path_is_the_doors() {
    let yaml = shipped("emqx").replace("client: broker", "client: edge");
    let lab = Lab::start(&[("emqx", &yaml)]).await;
    let url = lab.url("/door/emqx");
    let large = "x".repeat(70_000);
    for (what, request) in [
        ("another method", lab.http.get(&url).header("x-door-key", KEY)),
        ("no key", lab.http.post(&url)),
        ("a body over the limit", lab.http.post(&url).header("x-door-key", KEY).body(large)),
        ("another coding", lab.http.post(&url).header("x-door-key", KEY).header("content-encoding", "gzip").body("x")),
    ] {
        let heard = Heard::of(request).await;
        assert_eq!((heard.status, heard.json()), (200, json!({ "result": "deny" })), "{what}");
    }
    for head in
        ["POST /door/emqx HTTP/1.1\r\n", "POST /door/emqx HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n"]
    {
        let heard = raw(&lab.daemon.base, &format!("{head}X-Door-Key: {KEY}\r\nConnection: close\r\n\r\n"));
        assert!(heard.starts_with("HTTP/1.1 200") && heard.ends_with(r#"{"result":"deny"}"#), "{heard}");
    }
    assert_eq!(lab.asked(), 0);
}

pub fn raw(base: &str, request: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(base.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).unwrap();
    heard
}

#[test]
fn check_reads_doors_with_the_configuration() {
    let home = home("http://127.0.0.1:1", "", &[("nginx", &shipped("nginx"))]);
    let check = |home: &crate::support::daemon::Home| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_doorward"));
        let Output { status, stdout, .. } = command.arg("check").arg(home.path("doorward.yaml")).output().unwrap();
        (status.code().unwrap(), String::from_utf8(stdout).unwrap())
    };
    let (code, told) = check(&home);
    assert!(code == 0 && told.contains("configuration, 1 connector, 1 door, "), "{told}");
    for (old, new, says) in [
        ("connector: corp-4a", "connector: corp-5a", "there is no connector `corp-5a`"),
        ("client: edge", "client: egde", "there is no client `egde`"),
        ("client: edge", "client: console", "has not the scope `door`"),
        (
            "accept.subject | urlencode",
            "accept.attributes.grup | default('')",
            "no connector of this door maps the attribute `grup`",
        ),
        (
            "password: { basic: password }\n",
            "password: { basic: password }\n  attributes: { realm: { header: X-Realm } }\n",
            "declares no attribute `realm`",
        ),
    ] {
        std::fs::write(home.path("doors").join("nginx.yaml"), replaced(&shipped("nginx"), old, new)).unwrap();
        let (code, told) = check(&home);
        assert!(code == 4 && told.contains(says) && told.contains("1 door does not load"), "{new}: {told}");
    }
    std::fs::write(home.path("doors").join("nginx.yaml"), shipped("nginx")).unwrap();
    std::fs::write(home.path("doors").join("other.yaml"), shipped("nginx")).unwrap();
    let (code, told) = check(&home);
    assert!(code == 4 && told.contains("the door `nginx` is asked at /door/nginx, too"), "{told}");
}

/// DOORS.md section 9, rules 4 and 5: on what a proof rests, and what no reply of ours can hold.
#[test]
fn check_says_how_readings_are_known_and_which_consoles_fail_open() {
    let doors = ["nginx", "emqx", "envoy"].map(|name| (name, shipped(name)));
    let own = replaced(
        &shipped("nginx"),
        "console: nginx-auth-request",
        "console: { who: returned, accepts: { status: 2xx }, refuses: { not: { status: 2xx } } }",
    )
    .replace("/door/nginx", "/door/own");
    let mut all: Vec<(&str, &str)> = doors.iter().map(|(name, text)| (*name, text.as_str())).collect();
    all.push(("own", &own));
    let home = home("http://127.0.0.1:1", "", &all);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_doorward"));
    let Output { stdout, .. } = command.arg("check").arg(home.path("doorward.yaml")).output().unwrap();
    let told = String::from_utf8(stdout).unwrap();
    for line in [
        "nginx: what its console makes of a reply was seen with nginx 1.22.1\n",
        "emqx: what its console makes of a reply is known by its source only (emqx/emqx apps/emqx_auth_http/src/emqx_authn_http.erl, \
         handle_response); without any reply this console asks its next authenticator\n",
        "envoy: what its console makes of a reply was seen with Envoy 1.40.0; without any reply this console may let everybody in\n",
        "own: what its console makes of a reply is what the file says\n",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
}
