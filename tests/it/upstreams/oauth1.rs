//! oauthlib as an OAuth 1.0a provider (tests/upstreams/oauth1): it checks every signature, two- and three-legged.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use doorward::flow::Report;
use doorward::verdict::Verdict;
use reqwest::Url;

use super::browser::{Browser, Page};
use super::door::word;
use super::{Door, product, repository, running};

const BASE: &str = "http://127.0.0.1:18092";
const SECRET: &str = "demo+secret/ü";
const ALICE: &str = "S3cret päss";
const METHODS: [&str; 4] = ["HMAC-SHA1", "HMAC-SHA256", "PLAINTEXT", "RSA-SHA1"];

/// A shipped connector, signing by `method`.
fn by(method: &str, file: &Path, folder: &Path) -> PathBuf {
    let text = std::fs::read_to_string(file).unwrap();
    let (text, _) = text.split_once("\ntests:\n").unwrap();
    let path = folder.join("oauth1.yaml");
    let signed =
        text.replace("consumer_key: \"${consumer}\"", &format!("consumer_key: \"${{consumer}}\", method: {method}"));
    // In the longer form each key has a line. RSA-SHA1 signs without the secret of the token.
    let signed = signed.replace(&format!("\", method: {method}\n"), &format!("\"\n          method: {method}\n"));
    let kept = signed.lines().filter(|line| method != "RSA-SHA1" || !line.trim_start().starts_with("token_secret:"));
    let signed: String = kept.flat_map(|line| [line, "\n"]).collect();
    std::fs::write(&path, signed).unwrap();
    path
}

fn secret(method: &str, home: &Path) -> String {
    if method == "RSA-SHA1" { std::fs::read_to_string(home.join("client.pem")).unwrap() } else { SECRET.to_owned() }
}

#[tokio::test]
async fn two_legged() {
    let Some(home) = running("oauth1") else { return };
    let folder = tempfile::tempdir().unwrap();
    for method in METHODS {
        let file = by(method, &repository("connectors/oauth1.yaml"), folder.path());
        let right = secret(method, &home);
        let door = Door::open_with(&file, &[("base", BASE)], &[("consumer_secret", &right)]).await;
        door.expect("alice", ALICE, "accept").await;
        door.expect("周八", "bob pw+&=%", "accept").await;
        door.expect("alice", "bad", "reject(invalid_credentials)").await;
        door.expect("nobody", ALICE, "reject(invalid_credentials)").await;
        door.refuses_the_hostile("alice", ALICE).await;
        door.passes_as_typed("alice", ALICE).await;
        // Another secret: the signature is wrong, and no user is.
        if method != "RSA-SHA1" {
            let door = Door::open_with(&file, &[("base", BASE)], &[("consumer_secret", "another")]).await;
            door.expect("alice", ALICE, "unavailable(upstream_error)").await;
        }
    }
}

/// Fields of a form and of the query are signed, whatever stands in them.
#[tokio::test]
async fn the_fields_of_a_form_are_signed() {
    if running("oauth1").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(by("HMAC-SHA1", &repository("connectors/oauth1.yaml"), folder.path())).unwrap();
    let file = folder.path().join("form.yaml");
    let text = text
        .replace("/oauth1/login\"", "/oauth1/form?a=%20b&a=a&c%40=%E5%91%A8\"")
        .replace("body: { json: {", "body: { form: {");
    std::fs::write(&file, text).unwrap();
    let door = Door::open_with(&file, &[("base", BASE)], &[("consumer_secret", SECRET)]).await;
    door.expect("alice", ALICE, "accept").await;
    door.expect("周八", "bob pw+&=%", "accept").await;
    door.refuses_the_hostile("alice", ALICE).await;
}

/// Approves in the browser as `user`.
async fn approved(begun: &Report, user: &str, password: &str) -> HashMap<String, String> {
    let Verdict::Challenge(challenge) = &begun.verdict else { panic!("{}: {}", word(begun), begun.explain) };
    let url = challenge.url.as_ref().unwrap();
    let page = Url::parse_with_params(url, [("account", user), ("password", password)]).unwrap();
    match Browser::new().open(page).await {
        Page::Sent(brought) => brought,
        Page::At(at, text) => panic!("{at}: {text}"),
    }
}

#[tokio::test]
async fn three_legged() {
    let Some(home) = running("oauth1") else { return };
    let folder = tempfile::tempdir().unwrap();
    for method in METHODS {
        let file = by(method, &product("oauth1-three-legged"), folder.path());
        let door = Door::open_with(&file, &[("base", BASE)], &[("consumer_secret", &secret(method, &home))]).await;
        let answer = async |begun: &Report, token: &str, verifier: &str| {
            door.answer_all(begun, &[("oauth_token", token), ("oauth_verifier", verifier)]).await
        };
        let begun = door.login("alice", "").await;
        let brought = approved(&begun, "alice", ALICE).await;
        let accepted = answer(&begun, &brought["oauth_token"], &brought["oauth_verifier"]).await;
        assert_eq!(word(&accepted), "accept", "{method}: {}", accepted.explain);

        let begun = door.login("alice", "").await;
        let own = approved(&begun, "alice", ALICE).await;
        let refused = answer(&begun, &own["oauth_token"], &"x".repeat(30)).await;
        assert_eq!(word(&refused), "reject(mfa_failed)", "{method}: {}", refused.explain);

        let begun = door.login("alice", "").await;
        let brought = approved(&begun, "周八", "bob pw+&=%").await;
        let refused = answer(&begun, &brought["oauth_token"], &brought["oauth_verifier"]).await;
        assert_eq!(word(&refused), "reject(identity_mismatch)", "{method}: {}", refused.explain);
    }
}
