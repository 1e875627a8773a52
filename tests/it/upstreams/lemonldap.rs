//! LemonLDAP::NG 2.16: a portal with a one-time token, a second factor by mailed code, CAS, the session's own word.

use std::path::PathBuf;

use doorward::verdict::Verdict;
use serde_json::{Value, json};

use super::door::word;
use super::{Door, Served, cas_for_somebody_else, product, repository, running, shipped};

const BASE: &str = "http://127.0.0.1:18082";
/// An own argument, which the ticket must not displace.
const SERVICE: &str = "http://127.0.0.1:9/app?x=1";

/// The mails that the portal sent; `None` (and a line) when one of the two servers does not run.
fn mails() -> Option<PathBuf> {
    running("lemonldap")?;
    running("smtp-sink").map(|home| home.join("mails.jsonl"))
}

/// The code of the last mail. The portal sends it before it answers, and the sink writes it before it takes the mail.
fn code(mails: &PathBuf) -> String {
    let mails = std::fs::read_to_string(mails).unwrap();
    let mail: Value = serde_json::from_str(mails.lines().last().unwrap()).unwrap();
    assert_eq!(mail["to"], json!(["rtyler@badwolf.org"]));
    let (_, rest) = mail["body"].as_str().unwrap().split_once("<b>").unwrap();
    rest.split_once("</b>").unwrap().0.to_owned()
}

/// A code of as many digits that is another one.
fn other(code: &str) -> String {
    let first = if code.starts_with('0') { '1' } else { '0' };
    format!("{first}{}", &code[1..])
}

#[tokio::test]
async fn the_portal() {
    if running("lemonldap").is_none() {
        return;
    }
    let door = Door::open(&product("lemonldap-portal"), &[("base", BASE)]).await;
    door.expect("dwho", "dwho", "accept").await;
    door.expect("msmith", "msmith", "accept").await;
    let report = door.expect("dwho", "bad", "reject(invalid_credentials)").await;
    let Verdict::Reject(reject) = &report.verdict else { unreachable!() };
    assert_eq!(reject.mapped.error_code.as_deref(), Some("5"), "{}", report.explain);
    door.expect("nobody", "dwho", "reject(invalid_credentials)").await;
    door.refuses_the_hostile("dwho", "dwho").await;
    door.passes_as_typed("dwho", "dwho").await;
}

#[tokio::test]
async fn a_mailed_code_for_those_who_have_a_second_factor() {
    let Some(mails) = mails() else { return };
    let door = Door::open(&product("lemonldap-portal"), &[("base", BASE)]).await;
    door.expect("rtyler", "bad", "reject(invalid_credentials)").await;

    let asked = door.expect("rtyler", "rtyler", "challenge").await;
    assert_eq!(asked.credential_sends, 1, "{}", asked.explain);
    let accepted = door.answer(&asked, "code", &code(&mails)).await;
    assert_eq!(word(&accepted), "accept", "{}", accepted.explain);

    let asked = door.expect("rtyler", "rtyler", "challenge").await;
    let refused = door.answer(&asked, "code", &other(&code(&mails))).await;
    assert_eq!(word(&refused), "reject(mfa_failed)", "{}", refused.explain);

    // Of the last login's own: a code that was mailed for another one is wrong.
    let first = door.expect("rtyler", "rtyler", "challenge").await;
    let of_first = code(&mails);
    drop(first);
    let second = door.expect("rtyler", "rtyler", "challenge").await;
    assert_ne!(of_first, code(&mails));
    let refused = door.answer(&second, "code", &of_first).await;
    assert_eq!(word(&refused), "reject(mfa_failed)", "{}", refused.explain);

    for hostile in ["1 or 1=1", "12345\n", "١٢٣٤٥٦", "000000&token=x"] {
        let asked = door.expect("rtyler", "rtyler", "challenge").await;
        let refused = door.answer(&asked, "code", hostile).await;
        assert_eq!(word(&refused), "reject(invalid_input)", "{hostile:?}: {}", refused.explain);
        assert!(refused.explain.contains("nothing was sent"), "{}", refused.explain);
    }
}

/// Why the connector says `attempts: 1`: even the right code comes to nothing after a wrong one.
#[tokio::test]
async fn a_wrong_code_uses_the_token_up() {
    let Some(mails) = mails() else { return };
    let folder = tempfile::tempdir().unwrap();
    let patient = folder.path().join("patient.yaml");
    std::fs::write(&patient, shipped("lemonldap-portal", BASE).replace("attempts: 1 ", "attempts: 2 ")).unwrap();
    let door = Door::open(&patient, &[]).await;
    let asked = door.expect("rtyler", "rtyler", "challenge").await;
    let code = code(&mails);
    let asked = door.answer(&asked, "code", &other(&code)).await;
    assert_eq!(word(&asked), "challenge", "{}", asked.explain);
    let refused = door.answer(&asked, "code", &code).await;
    assert_eq!(word(&refused), "reject(challenge_expired)", "{}", refused.explain);
}

#[tokio::test]
async fn cas() {
    if running("lemonldap").is_none() {
        return;
    }
    let door = Door::open(&product("lemonldap-cas"), &[("base", BASE), ("service", SERVICE)]).await;
    let report = door.expect("dwho", "dwho", "accept").await;
    let Verdict::Accept(accept) = &report.verdict else { unreachable!() };
    assert!(accept.mapped.attributes.contains(&("display_name".to_owned(), "Doctor Who".into())), "{accept:?}");
    assert_eq!(accept.subject, "dwho");
    door.expect("dwho", "bad", "reject(invalid_credentials)").await;
    door.expect("rtyler", "rtyler", "reject(mfa_required)").await;
    door.refuses_the_hostile("dwho", "dwho").await;
    door.passes_as_typed("dwho", "dwho").await;
    Box::pin(cas_for_somebody_else(
        "lemonldap-cas",
        &[("base", BASE), ("service", SERVICE)],
        ("dwho", "dwho", "msmith"),
    ))
    .await;
}

#[tokio::test]
async fn a_session_of_somebody_else_is_refused() {
    if running("lemonldap").is_none() {
        return;
    }
    let door = Door::open(&repository("tests/fixtures/upstreams/lemonldap-session.yaml"), &[]).await;
    for (username, account, password, expected) in [
        ("dwho", "dwho", "dwho", "accept"),
        ("dwho", "dwho", "bad", "reject(invalid_credentials)"),
        // The password is right, for the account that was sent.
        ("dwho", "msmith", "msmith", "reject(identity_mismatch)"),
        ("DWHO", "dwho", "dwho", "reject(identity_mismatch)"),
    ] {
        let report = door.login_with(username, password, &[("account", account)]).await;
        assert_eq!(word(&report), expected, "{username} as {account}: {}", report.explain);
    }
}

/// The session goes to the user's browser, under the domain that the file says.
#[tokio::test]
async fn through_the_daemon() {
    let Some(mails) = mails() else { return };
    let delivery = "cookie_delivery: { domains: [ .corp.example.com ], cookies: [ lemonldap ] }\n";
    let portal = format!("{}\n{delivery}", shipped("lemonldap-portal", BASE));
    let cas = shipped("lemonldap-cas", BASE).replace("https://app.example.com/cas", SERVICE);
    let served =
        Served::start("public_url: \"https://console.corp.example.com\"", &[("portal", &portal), ("cas", &cas)]);
    assert_eq!(served.login("portal", "dwho", "bad").await.0, "reject(invalid_credentials)");
    let (verdict, body) = served.login("portal", "dwho", "dwho").await;
    assert_eq!(verdict, "accept", "{body}");
    let cookie = &body["cookies"][0];
    assert_eq!(
        (cookie["name"].as_str(), cookie["domain"].as_str()),
        (Some("lemonldap"), Some("corp.example.com")),
        "{body}"
    );
    assert_eq!(served.login("cas", "dwho", "dwho").await.0, "accept");
    assert_eq!(served.login("cas", "dwho", "bad").await.0, "reject(invalid_credentials)");
    assert_eq!(served.traced("cas", "rtyler", "rtyler").await.0, "reject(mfa_required)");

    let (verdict, body) = served.login("portal", "rtyler", "rtyler").await;
    assert_eq!((&*verdict, &body["cookies"]), ("challenge", &Value::Null), "{body}");
    let id = body["challenge"]["id"].as_str().unwrap();
    let answer = json!({ "challenge": id, "answers": { "code": code(&mails) } });
    let (verdict, body) = served.challenge(answer.clone()).await;
    assert_eq!((&*verdict, body["cookies"][0]["name"].as_str()), ("accept", Some("lemonldap")), "{body}");
    let (verdict, body) = served.challenge(answer).await;
    assert_eq!(verdict, "reject(challenge_expired)", "used: {body}");
}
