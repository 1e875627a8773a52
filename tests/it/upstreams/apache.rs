//! Apache httpd 2.4: a form login that only `Location` tells apart, Basic, Digest, a client certificate.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use doorward::flow::Exchange;
use doorward::upstream::{Outgoing, Reply, SendFault};
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::{Door, HOSTILE_PASSWORD, HOSTILE_USER, Served, door, pointed_at, product, repository, running, shipped};
use crate::support::daemon::Home;
use crate::support::get;

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

fn digest() -> std::path::PathBuf {
    repository("connectors/http-digest.yaml")
}

#[tokio::test]
async fn digest_by_its_status_alone() {
    if running("apache").is_none() {
        return;
    }
    let door = Door::open(&digest(), &[("base", BASE)]).await;
    door.expect("alice", ALICE, "accept").await;
    door.expect("bob", "bob pw", "accept").await;
    door.expect("bob", ALICE, "reject(invalid_credentials)").await;
    door.expect("nobody", "bob pw", "reject(invalid_credentials)").await;
    door.refuses_the_hostile("alice", ALICE).await;
    door.passes_as_typed("alice", ALICE).await;
    // mod_auth_digest proves itself (RFC 7616 section 3.5), and what changes the proof is noticed.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mutual.yaml");
    let text = std::fs::read_to_string(digest()).unwrap();
    let (text, _) = text.split_once("\ntests:\n").unwrap();
    std::fs::write(&file, text.replace("userPassword}}\" }", "userPassword}}\", require_rspauth: true }")).unwrap();
    assert!(std::fs::read_to_string(&file).unwrap().contains("require_rspauth: true }"));
    let mutual = Door::open(&file, &[("base", BASE)]).await;
    mutual.expect("bob", "bob pw", "accept").await;
    mutual.expect("bob", "bad", "reject(invalid_credentials)").await;
    // A page that asks for nothing, and one that asks for Basic.
    let folder = tempfile::tempdir().unwrap();
    for (path, why) in [("/public/", "HTTP 200"), ("/basic/", "it asks for Basic")] {
        let file = folder.path().join("elsewhere.yaml");
        let text = std::fs::read_to_string(digest()).unwrap();
        let (text, _) = text.split_once("\ntests:\n").unwrap();
        std::fs::write(&file, text.replace("${base}/digest/", &format!("${{base}}{path}"))).unwrap();
        let door = Door::open(&file, &[("base", BASE)]).await;
        let report = door.expect("bob", "bob pw", "unavailable(unexpected_reply)").await;
        assert!(report.explain.contains(why), "{}", report.explain);
        assert_eq!(report.credential_sends, 0);
    }
}

/// `/digest-always/` calls a nonce too old after two seconds.
#[tokio::test]
async fn a_nonce_that_grew_old_is_answered_anew() {
    if running("apache").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("digest.yaml");
    let text = std::fs::read_to_string(digest()).unwrap();
    let (text, _) = text.split_once("\ntests:\n").unwrap();
    std::fs::write(&file, text.replace("${base}/digest/", "${base}/digest-always/")).unwrap();
    let door = Door::open(&file, &[("base", BASE)]).await;
    for (password, expected, requests) in [("bob pw", "accept", 3), ("bad", "reject(invalid_credentials)", 2)] {
        let seen = AtomicUsize::new(0);
        let report = door.login_through(("bob", password), |client| AgedChallenge { client, seen: &seen }).await;
        assert_eq!(door::word(&report), expected, "{}", report.explain);
        // Apache says `stale` to a right answer only.
        assert_eq!(seen.into_inner(), requests, "{password}");
        assert_eq!(report.credential_sends, u32::try_from(requests).unwrap() - 1);
    }
}

/// Keeps the first challenge until the server's clock says that its nonce is too old.
struct AgedChallenge<'a> {
    client: &'a dyn Exchange,
    seen: &'a AtomicUsize,
}

impl Exchange for AgedChallenge<'_> {
    fn send<'a>(&'a self, request: &'a Outgoing, deadline: Instant) -> BoxFuture<'a, Result<Reply, SendFault>> {
        Box::pin(async move {
            let reply = self.client.send(request, deadline).await;
            if self.seen.fetch_add(1, Ordering::Relaxed) == 0 {
                let drawn = server_seconds(self.client, deadline).await;
                let mut ticks = tokio::time::interval(Duration::from_millis(200));
                while server_seconds(self.client, deadline).await < drawn + 3 {
                    ticks.tick().await;
                }
            }
            reply
        })
    }
}

/// The server's clock, by its header Date.
async fn server_seconds(client: &dyn Exchange, deadline: Instant) -> i64 {
    let reply = client.send(&get(&format!("{BASE}/public/").parse().unwrap()), deadline).await.unwrap();
    let date = reply.headers[http::header::DATE].to_str().unwrap();
    jiff::fmt::rfc2822::parse(date).unwrap().timestamp().as_second()
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
    let digest = pointed_at(&std::fs::read_to_string(digest()).unwrap(), BASE);
    let home = Home::new("");
    for (id, text) in [("form", &form), ("basic", &basic), ("digest", &digest), ("certificate", &certificate)] {
        home.connector(id, text);
    }
    lay_certificates(&apache, &home.path("connectors"));
    let served = Served::of(home);
    for id in ["form", "basic", "digest", "certificate"] {
        assert_eq!(served.login(id, "bob", "bob pw").await.0, "accept");
        assert_eq!(served.login(id, "bob", "bad").await.0, "reject(invalid_credentials)");
        assert_eq!(served.traced(id, "bob", "bob pw").await.0, "accept");
    }
}
