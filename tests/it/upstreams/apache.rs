//! Apache httpd 2.4: a form login that only `Location` tells apart, Basic, a client certificate.

use std::path::Path;

use super::{Door, HOSTILE_PASSWORD, HOSTILE_USER, Served, product, repository, running, shipped};
use crate::support::daemon::Home;

const BASE: &str = "http://127.0.0.1:18081";
/// UTF-8, with a colon.
const ALICE: &str = "S3cret:päss";

#[tokio::test]
async fn form_login_told_apart_by_location() {
    if running("apache").is_none() {
        return;
    }
    let door = Door::open(&product("apache-form"), &[("base", BASE)]).await;
    door.expect("alice", ALICE, "accept").await;
    door.expect("bob", "bob pw", "accept").await;
    door.expect(HOSTILE_USER, HOSTILE_PASSWORD, "accept").await;
    door.expect("bob", ALICE, "reject(invalid_credentials)").await;
    door.expect("nobody", "bob pw", "reject(invalid_credentials)").await;
    door.refuses_the_hostile("alice", ALICE).await;
    door.passes_as_typed("alice", ALICE).await;
}

#[tokio::test]
async fn basic_by_its_status_alone() {
    if running("apache").is_none() {
        return;
    }
    let door = Door::open(&product("http-basic"), &[("base", BASE)]).await;
    door.expect("alice", ALICE, "accept").await;
    door.expect("bob", "bob pw", "accept").await;
    door.expect("bob", ALICE, "reject(invalid_credentials)").await;
    door.expect("nobody", "bob pw", "reject(invalid_credentials)").await;
    door.refuses_the_hostile("alice", ALICE).await;
    door.passes_as_typed("alice", ALICE).await;
    // RFC 7617 leaves out control characters, so this one's password cannot be sent by Basic at all.
    let report = door.expect(HOSTILE_USER, HOSTILE_PASSWORD, "reject(invalid_input)").await;
    assert_eq!(report.credential_sends, 0);
}

#[tokio::test]
async fn a_client_certificate_and_none() {
    let Some(home) = running("apache") else { return };
    let folder = tempfile::tempdir().unwrap();
    let written = std::fs::read_to_string(repository("tests/fixtures/upstreams/apache-certificate.yaml")).unwrap();
    let with = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    lay_certificates(&home, folder.path());
    let door = Door::open(&with("certificate.yaml", &written), &[]).await;
    door.expect("alice", ALICE, "accept").await;
    door.expect("alice", "bad", "reject(invalid_credentials)").await;

    let none = written.replace(", client_cert_file: tls/client.crt, client_key_file: tls/client.key", "");
    assert_ne!(none, written);
    let door = Door::open(&with("none.yaml", &none), &[]).await;
    // TLS 1.3 tells the client only after it has sent its request: no status, and no "wrong password".
    let report = door.expect("alice", ALICE, "unavailable(tls)").await;
    assert!(report.explain.contains("certificate"), "{}", report.explain);
    assert_eq!(report.credential_sends, 1, "{}", report.explain);
}

/// Copies what the connector names below its own folder.
fn lay_certificates(apache: &Path, beside: &Path) {
    std::fs::create_dir(beside.join("tls")).unwrap();
    for name in ["ca.crt", "client.crt", "client.key"] {
        std::fs::copy(apache.join("tls").join(name), beside.join("tls").join(name)).unwrap();
    }
}

/// The password is part of the cookie that comes back.
#[tokio::test]
async fn through_the_daemon() {
    let Some(apache) = running("apache") else { return };
    let certificate = std::fs::read_to_string(repository("tests/fixtures/upstreams/apache-certificate.yaml")).unwrap();
    let [form, basic] = ["apache-form", "http-basic"].map(|id| shipped(id, BASE));
    let home = Home::new("");
    for (id, text) in [("form", &form), ("basic", &basic), ("certificate", &certificate)] {
        home.connector(id, text);
    }
    lay_certificates(&apache, &home.path("connectors"));
    let served = Served::of(home);
    for id in ["form", "basic", "certificate"] {
        assert_eq!(served.login(id, "bob", "bob pw").await.0, "accept");
        assert_eq!(served.login(id, "bob", "bad").await.0, "reject(invalid_credentials)");
        assert_eq!(served.traced(id, "bob", "bob pw").await.0, "accept");
    }
}
