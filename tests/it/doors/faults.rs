//! On a door's path every reply is the door's, by whatever layer it is made: here the console asks another authenticator for anything but
//! its own JSON.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use doorward::api;
use doorward::attempt::App;
use doorward::door::live::LiveDoors;
use doorward::door::network::Proxies;
use doorward::door::serve::served;
use doorward::http::Fault;
use http_body_util::BodyExt as _;

use super::lab::{Heard, KEY, Lab, RELEASED, shipped};
use super::serve::raw;
use crate::made_up::{MadeUp, Shelf};
use crate::server::config;
use crate::support::daemon::wait_until;

const DENY: &str = r#"{"result":"deny"}"#;

fn emqx() -> String {
    shipped("emqx").replace("client: broker", "client: edge")
}

fn login(password: &str) -> String {
    format!(r#"{{"username":"zhangsan","password":"{password}"}}"#)
}

async fn lab(edit: impl FnOnce(String) -> String) -> Lab {
    Lab::edited(edit, &[("emqx", &emqx())]).await
}

/// A login that hangs in the upstream.
fn hanging(lab: &Lab) -> tokio::task::JoinHandle<Heard> {
    let request = lab.http.post(lab.url("/door/emqx")).header("x-door-key", KEY).body(login("hang"));
    let asked = Arc::clone(&lab.asked);
    let before = asked.load(Ordering::SeqCst);
    let hanging = tokio::spawn(Heard::of(request));
    wait_until(|| asked.load(Ordering::SeqCst) > before);
    hanging
}

fn release(lab: &Lab) {
    lab.asked.fetch_add(RELEASED, Ordering::SeqCst);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_calls_than_the_client_may_have_open() {
    let lab = lab(|text| text.replacen("scopes: [ door ]", "scopes: [ door ], max_in_flight: 1", 1)).await;
    let first = hanging(&lab);
    let heard = lab.json("/door/emqx", "x-door-key", &login("123456")).await;
    assert_eq!((heard.status, heard.body.as_str()), (200, DENY));
    release(&lab);
    assert_eq!(first.await.unwrap().json()["result"], "allow");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_logins_than_the_daemon_runs() {
    let lab = lab(|text| format!("{text}limits: {{ in_flight: 1 }}\n")).await;
    let first = hanging(&lab);
    let heard = lab.json("/door/emqx", "x-door-key", &login("123456")).await;
    assert_eq!((heard.status, heard.body.as_str()), (200, DENY));
    assert!(lab.audit(1)[0].contains("overloaded"));
    release(&lab);
    assert_eq!(first.await.unwrap().json()["result"], "allow");
}

/// What was asked before the end gets its verdict; then nobody answers, which is no reply at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_ends_answers_what_it_was_asked() {
    let lab = lab(|text| text).await;
    let first = hanging(&lab);
    lab.daemon.signal("-TERM");
    lab.daemon.wait_for("shutting down: logins in flight may finish");
    release(&lab);
    assert_eq!(first.await.unwrap().json()["result"], "allow");
    let (base, asked) = (lab.daemon.base.clone(), lab.asked());
    assert!(lab.daemon.wait().0.success());
    assert!(TcpStream::connect(base.strip_prefix("http://").unwrap()).is_err());
    assert_eq!(lab.asked.load(Ordering::SeqCst), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_and_a_head_that_is_too_large() {
    let lab = lab(|text| format!("{text}limits: {{ body: 1s }}\n")).await;
    let head = format!("POST /door/emqx HTTP/1.1\r\nHost: a\r\nX-Door-Key: {KEY}\r\n");
    let mut stream = TcpStream::connect(lab.daemon.base.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(format!("{head}Content-Length: 100\r\nConnection: close\r\n\r\n{{").as_bytes()).unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).unwrap();
    assert!(heard.starts_with("HTTP/1.1 200") && heard.ends_with(DENY), "{heard}");
    let large = format!("{head}X-More: {}\r\nContent-Length: 0\r\n\r\n", "x".repeat(20_000));
    let heard = raw(&lab.daemon.base, &large);
    assert!(heard.starts_with("HTTP/1.1 200") && heard.ends_with(DENY), "{heard}");
    // On any other path it is the API's.
    let heard = raw(&lab.daemon.base, &large.replace("/door/emqx", "/v1/status"));
    assert!(heard.starts_with("HTTP/1.1 431") && heard.contains("head_too_large"), "{heard}");
    // A path that no door has is nobody's.
    assert_eq!(lab.json("/door/emqx/x", "x-door-key", &login("123456")).await.status, 404);
    assert_eq!(lab.asked(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("emqx.yaml"), emqx().replace("corp-4a", "demo")).unwrap();
    let mut demo = MadeUp::new("demo");
    demo.about.facts.names_user = true;
    let shelf = Arc::new(Shelf(vec![Arc::new(demo)]));
    let mut config = config();
    config.clients[0].name = "edge".to_owned();
    config.clients[0].scopes = vec![doorward::config::Scope::Door];
    let app = Arc::new(App::new(&config, shelf, Arc::default(), None));
    let doors = Arc::new(LiveDoors::new(directory.path().to_owned(), &app));
    let loaded = doors.load().await.unwrap();
    assert_eq!(loaded.running, ["emqx"], "{:?}", loaded.diagnostics);
    let served = served(api::served(&app), &app, doors, Proxies::default());
    for fault in [Fault::Panic, Fault::Host, Fault::Framing, Fault::Head] {
        let response = (served.on_fault)(&"/door/emqx".parse().unwrap(), fault);
        assert_eq!(response.status(), 200, "{fault:?}");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), DENY.as_bytes(), "{fault:?}");
        let of_api = (served.on_fault)(&"/v1/status".parse().unwrap(), fault);
        assert!(of_api.status().as_u16() >= 400, "{fault:?}");
    }
}
