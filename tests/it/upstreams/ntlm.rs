//! pyspnego as the server side of NTLM (tests/upstreams/ntlm): its own NTLMv2, integrity code and channel binding.

use std::path::Path;
use std::time::Duration;

use doorward::upstream::{Origin, pin_text, present};
use doorward::verdict::Verdict;

use super::{Door, Served, pointed_at, repository, running};

const BASE: &str = "http://127.0.0.1:18088";
const TLS: &str = "https://127.0.0.1:18449";
const ALICE: &str = "S3cret päss";

/// The page says whose connection it was, and which.
fn written(folder: &Path, auth: &str, (base, path): (&str, &str), transport: &str) -> std::path::PathBuf {
    let text = format!(
        r#"version: 1
{transport}
steps:
  - name: login
    request: {{ method: GET, url: "{base}{path}", auth: {{ ntlm: {{ {auth} }} }} }}
    response:
      format: json
      reject: [ {{ when: {{ status: 401 }}, reason: invalid_credentials }} ]
      success: {{ field: user, has_value: true }}
      map: {{ attributes: {{ user: user, connection: connection }} }}
"#
    );
    let file = folder.join("ntlm.yaml");
    std::fs::write(&file, text).unwrap();
    file
}

const AUTH: &str = r#"username: "{{user.username}}", password: "{{user.userPassword}}", domain: CORP"#;

fn attribute(report: &doorward::flow::Report, name: &str) -> String {
    let Verdict::Accept(accept) = &report.verdict else { panic!("{}", report.explain) };
    let found = accept.mapped.attributes.iter().find(|(known, _)| known == name);
    found.and_then(|(_, value)| value.scalar_text()).unwrap_or_else(|| panic!("no {name}")).to_owned()
}

#[tokio::test]
async fn right_and_wrong_and_never_a_shared_connection() {
    if running("ntlm").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for path in ["/ntlm/", "/negotiate/", "/both/"] {
        let door = Door::open(&written(folder.path(), AUTH, (BASE, path), ""), &[]).await;
        let (alice, other) = (door.login("alice", ALICE).await, door.login("周八", "bob pw").await);
        assert_eq!(attribute(&alice, "user"), "CORP\\alice");
        assert_eq!(attribute(&other, "user"), "CORP\\周八");
        assert_ne!(attribute(&alice, "connection"), attribute(&other, "connection"), "{path}");
        assert_eq!((alice.credential_sends, other.credential_sends), (1, 1));
        door.expect("ALICE", ALICE, "accept").await;
        door.expect("周八", ALICE, "reject(invalid_credentials)").await;
        door.expect("nobody", ALICE, "reject(invalid_credentials)").await;
        door.passes_as_typed("alice", ALICE).await;
    }
    let door = Door::open(&written(folder.path(), AUTH, (BASE, "/ntlm/"), ""), &[]).await;
    door.refuses_the_hostile("alice", ALICE).await;
    for (path, expected, why) in [
        ("/open/", "unavailable(unexpected_reply)", "asked for no NTLM"),
        ("/closing/", "unavailable(connect)", "closed the connection"),
    ] {
        let door = Door::open(&written(folder.path(), AUTH, (BASE, path), ""), &[]).await;
        let report = door.expect("alice", ALICE, expected).await;
        assert!(report.explain.contains(why), "{}", report.explain);
        assert_eq!(report.credential_sends, 0);
    }
}

/// The domain before the name, and a name with the domain behind it.
#[tokio::test]
async fn names_of_a_domain() {
    if running("ntlm").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let auth = AUTH.replace(", domain: CORP", ", workstation: DOORWARD");
    let door = Door::open(&written(folder.path(), &auth, (BASE, "/ntlm/"), ""), &[]).await;
    door.expect("CORP\\alice", ALICE, "accept").await;
    door.expect("carol@corp.example.com", "carol pw", "accept").await;
    door.expect("OTHER\\alice", ALICE, "reject(invalid_credentials)").await;
    door.expect("alice", ALICE, "reject(invalid_credentials)").await;
    door.expect("CORP\\", ALICE, "reject(invalid_input)").await;
}

/// The server compares the binding with its own certificate.
#[tokio::test]
async fn bound_to_the_tls_connection() {
    if running("ntlm").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let shown = present(&Origin::parse(TLS).unwrap(), Duration::from_secs(8)).await.unwrap();
    let transport = format!("transport: {{ tls: {{ pin_sha256: [ \"{}\" ] }} }}", pin_text(&shown.pin));
    let door = Door::open(&written(folder.path(), AUTH, (TLS, "/ntlm/"), &transport), &[]).await;
    door.expect("alice", ALICE, "accept").await;
    door.expect("alice", "bad", "reject(invalid_credentials)").await;
}

#[tokio::test]
async fn the_shipped_connector_through_the_daemon() {
    if running("ntlm").is_none() {
        return;
    }
    let text = pointed_at(&std::fs::read_to_string(repository("connectors/ntlm.yaml")).unwrap(), BASE);
    let (text, _) = text.split_once("\ntests:\n").unwrap();
    let served = Served::start("", &[("ntlm", &format!("{text}\n"))]);
    assert_eq!(served.login("ntlm", "alice", ALICE).await.0, "accept");
    assert_eq!(served.login("ntlm", "alice", "bad pw").await.0, "reject(invalid_credentials)");
    assert_eq!(served.traced("ntlm", "alice", ALICE).await.0, "accept");
}
