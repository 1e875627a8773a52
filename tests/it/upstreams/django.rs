//! Django 5.2: the CSRF form of the admin, and django-cas-server 3.1.

use doorward::verdict::Verdict;

use super::{Door, HOSTILE_PASSWORD, HOSTILE_USER, Served, cas_for_somebody_else, product, running, shipped};

const BASE: &str = "http://127.0.0.1:18085";
/// An own argument; the ticket comes before it.
const SERVICE: &str = "http://127.0.0.1:9/app?x=1";
/// UTF-8, with a colon.
const ALICE: &str = "S3cret:päss";
/// Everything that a form escapes.
const BOB: &str = "bob pw+&=%";

#[tokio::test]
async fn the_admin() {
    if running("django").is_none() {
        return;
    }
    let door = Door::open(&product("django-admin"), &[("base", BASE)]).await;
    door.expect("alice", ALICE, "accept").await;
    door.expect(HOSTILE_USER, HOSTILE_PASSWORD, "accept").await;
    let report = door.expect("alice", "bad", "reject(invalid_credentials)").await;
    let Verdict::Reject(reject) = &report.verdict else { unreachable!() };
    let said = reject.mapped.error_message.as_deref().unwrap_or_default();
    assert!(said.starts_with("Please enter the correct"), "{said}");
    // No staff, and inactive: Django says no more than that.
    door.expect("bob", BOB, "reject(invalid_credentials)").await;
    door.expect("dave", "davepw", "reject(invalid_credentials)").await;
    door.expect("nobody", ALICE, "reject(invalid_credentials)").await;
    door.refuses_the_hostile("alice", ALICE).await;
    door.passes_as_typed("alice", ALICE).await;
}

#[tokio::test]
async fn cas() {
    if running("django").is_none() {
        return;
    }
    let settings = [("base", BASE), ("service", SERVICE)];
    let door = Door::open(&product("django-cas"), &settings).await;
    let report = door.expect("bob", BOB, "accept").await;
    let Verdict::Accept(accept) = &report.verdict else { unreachable!() };
    assert_eq!(accept.subject, "bob");
    door.expect("alice", ALICE, "accept").await;
    // It strips the space at this password's end, and at the end of any other.
    door.expect(HOSTILE_USER, HOSTILE_PASSWORD, "reject(invalid_credentials)").await;
    door.expect("alice", &format!(" {ALICE} "), "accept").await;
    door.expect("dave", "davepw", "accept").await;
    door.expect("bob", ALICE, "reject(invalid_credentials)").await;
    door.refuses_the_hostile("alice", ALICE).await;
    Box::pin(cas_for_somebody_else("django-cas", &settings, ("alice", ALICE, "bob"))).await;

    // A service that no pattern allows: nobody's password is wrong, and none is sent.
    let door = Door::open(&product("django-cas"), &[("base", BASE), ("service", "https://evil.example/")]).await;
    let report = door.expect("alice", ALICE, "unavailable(upstream_error)").await;
    assert_eq!(report.credential_sends, 0, "{}", report.explain);
}

#[tokio::test]
async fn through_the_daemon() {
    if running("django").is_none() {
        return;
    }
    let (admin, cas) = (shipped("django-admin", BASE), shipped("django-cas", BASE));
    let cas = cas.replace("https://app.example.com/cas", SERVICE);
    let served = Served::start("", &[("admin", &admin), ("cas", &cas)]);
    for id in ["admin", "cas"] {
        assert_eq!(served.login(id, "alice", "bad").await.0, "reject(invalid_credentials)");
        let (verdict, body) = served.login(id, "alice", ALICE).await;
        assert_eq!((&*verdict, body["subject"].as_str()), ("accept", Some("alice")), "{body}");
        assert_eq!(served.traced(id, "alice", ALICE).await.0, "accept");
    }
}
