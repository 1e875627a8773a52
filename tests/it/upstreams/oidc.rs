//! oidc-provider: the code flow with PKCE in a browser that the test plays, and signed access tokens by its JWK Set.

use std::collections::HashMap;

use doorward::flow::Report;
use doorward::verdict::Verdict;

use super::browser::{Browser, Page};
use super::door::word;
use super::{Door, product, running};

const BASE: &str = "http://127.0.0.1:18087";
const SETTINGS: [(&str, &str); 7] = [
    ("base", BASE),
    ("issuer", BASE),
    ("authorize", "auth"),
    ("token", "token"),
    ("keys", "jwks"),
    ("client", "web"),
    ("callback", "http://127.0.0.1:9/cb"),
];

/// Logs in as `user` at the pages that a challenge opens, and gives what the callback gets. The provider takes any password.
async fn logged_in(begun: &Report, user: &str) -> HashMap<String, String> {
    let Verdict::Challenge(challenge) = &begun.verdict else { panic!("{}: {}", word(begun), begun.explain) };
    let mut browser = Browser::new();
    let mut page = browser.open(challenge.url.as_ref().unwrap().parse().unwrap()).await;
    for _ in 0..4 {
        match page {
            Page::Sent(brought) => return brought,
            // The prompts of devInteractions: login, then consent.
            Page::At(at, text) if text.contains("name=\"login\"") => {
                page = browser.submit(at, &[("prompt", "login"), ("login", user), ("password", "x")]).await;
            }
            Page::At(at, text) => {
                assert!(text.contains("value=\"consent\""), "{at}: {text}");
                page = browser.submit(at, &[("prompt", "consent")]).await;
            }
        }
    }
    panic!("the pages have no end");
}

async fn answered(door: &Door, begun: &Report, code: &str, state: &str) -> Report {
    door.answer_all(begun, &[("code", code), ("state", state)]).await
}

#[tokio::test]
async fn the_code_flow_with_pkce() {
    if running("oidc-provider").is_none() {
        return;
    }
    let door = Door::open_with(&product("oidc-code"), &SETTINGS, &[("client", "websecret")]).await;
    let begun = door.login("alice", "").await;
    let brought = logged_in(&begun, "alice").await;
    let accepted = answered(&door, &begun, &brought["code"], &brought["state"]).await;
    assert_eq!(word(&accepted), "accept", "{}", accepted.explain);

    // A code of another login, which was made for another verifier; and its state with it.
    let other = logged_in(&door.login("alice", "").await, "alice").await;
    let begun = door.login("alice", "").await;
    let own = logged_in(&begun, "alice").await;
    let refused = answered(&door, &begun, &other["code"], &own["state"]).await;
    assert_eq!(word(&refused), "reject(mfa_failed)", "{}", refused.explain);
    let begun = door.login("alice", "").await;
    let refused = answered(&door, &begun, &other["code"], &other["state"]).await;
    assert_eq!(word(&refused), "reject(invalid_input)", "{}", refused.explain);
    assert!(refused.explain.contains("nothing was sent"), "{}", refused.explain);

    // Somebody else logged in, and a code that nobody gave.
    let begun = door.login("alice", "").await;
    let brought = logged_in(&begun, "周八").await;
    let refused = answered(&door, &begun, &brought["code"], &brought["state"]).await;
    assert_eq!(word(&refused), "reject(identity_mismatch)", "{}", refused.explain);
    let begun = door.login("alice", "").await;
    let own = logged_in(&begun, "alice").await;
    let refused = answered(&door, &begun, "made-up", &own["state"]).await;
    assert_eq!(word(&refused), "reject(mfa_failed)", "{}", refused.explain);
}

#[tokio::test]
async fn a_client_that_is_refused_blames_no_user() {
    if running("oidc-provider").is_none() {
        return;
    }
    let door = Door::open_with(&product("oidc-code"), &SETTINGS, &[("client", "another")]).await;
    let begun = door.login("alice", "").await;
    let brought = logged_in(&begun, "alice").await;
    let refused = answered(&door, &begun, &brought["code"], &brought["state"]).await;
    assert_eq!(word(&refused), "unavailable(upstream_error)", "{}", refused.explain);
}

/// Clients log in here, because the provider signs the access tokens of theirs.
const SIGNED: &str = r#"version: 1
steps:
  - name: login
    request:
      method: POST
      url: "BASE/token"
      auth: { basic: { username: "{{user.username}}", password: "{{user.userPassword | urlencode}}" } }
      body: { form: { grant_type: client_credentials, scope: read, resource: "urn:api" } }
    response:
      format: json
      jwt: { field: access_token, jwks_url: "BASE/jwks", algorithms: ALGORITHM, issuer: "ISSUER", audience: "AUDIENCE" }
      reject: [ { when: { status: 401 }, reason: invalid_credentials } ]
      success: { claim: sub, has_value: true }
      identity: { claim: sub }
"#;

#[tokio::test]
async fn signed_tokens_by_the_key_set() {
    if running("oidc-provider").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let open = async |algorithm: &str, issuer: &str, audience: &str| {
        let text = SIGNED.replace("BASE", BASE).replace("ALGORITHM", algorithm);
        let file = folder.path().join("signed.yaml");
        std::fs::write(&file, text.replace("ISSUER", issuer).replace("AUDIENCE", audience)).unwrap();
        Door::open(&file, &[]).await
    };
    let secret = "hub secret+/=";
    let door = open("RS256", BASE, "urn:api").await;
    door.expect("hub", secret, "accept").await;
    door.expect("hub", "another", "reject(invalid_credentials)").await;
    for (algorithm, issuer, audience, why) in [
        ("RS256", "http://127.0.0.1:18088", "urn:api", "has another issuer"),
        ("RS256", BASE, "urn:another", "is for another audience"),
        ("ES256", BASE, "urn:api", "signed by an algorithm"),
    ] {
        let door = open(algorithm, issuer, audience).await;
        let report = door.expect("hub", secret, "unavailable(unexpected_reply)").await;
        assert!(report.explain.contains(why), "{}", report.explain);
    }
}
