//! Each type of challenge: a code once more, a push, a redirect, a new password, a comparison by the connector.

use doorward::clock::{Ambient as _, System};
use serde_json::{Value, json};

use super::connectors;
use super::lab::{Lab, expired, verdict};
use super::upstream::{CODE, Upstream};
use crate::support::daemon::wait_until;

#[tokio::test(flavor = "multi_thread")]
async fn the_code_once_more() {
    let upstream = Upstream::start().await;
    let more = "resend: { step: send_code, after: 1ms, max: 1 }";
    let lab = Lab::new(&connectors::sms_with(&upstream.base, more)).await;
    let opened = lab.open().await;
    let now = System.unix_ms();
    wait_until(|| System.unix_ms() > now + 1);
    let sent = lab.act(&opened["id"], "resend").await;
    verdict(&sent, 401, "challenge");
    let challenge = &sent.json()["challenge"];
    assert_eq!((&challenge["id"], &challenge["attempts_left"]), (&opened["id"], &json!(3)));
    assert_eq!((challenge.get("resend_after"), challenge.get("error")), (None, None));
    assert_eq!(upstream.asked("/sms"), 2);
    // Once is enough.
    let refused = lab.act(&opened["id"], "resend").await;
    verdict(&refused, 401, "challenge");
    assert_eq!(refused.json()["challenge"]["error"]["reason"], "too_many_attempts");
    assert_eq!(upstream.asked("/sms"), 2);
    verdict(&lab.code(&opened["id"], CODE).await, 200, "accept");

    let early = connectors::sms_with(&upstream.base, "resend: { step: send_code, after: 60s, max: 3 }");
    let lab = Lab::new(&early).await;
    let opened = lab.open().await;
    assert_eq!(opened["resend_after"], 60);
    let refused = lab.act(&opened["id"], "resend").await.json()["challenge"].clone();
    assert_eq!((&refused["id"], &refused["error"]["reason"]), (&opened["id"], &json!("too_many_attempts")));
    assert_eq!(upstream.asked("/sms"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_polled_until_it_is_confirmed() {
    let upstream = Upstream::start().await;
    let lab = Lab::new(&connectors::push(&upstream.base, "1ms")).await;
    let opened = lab.open().await;
    assert_eq!((&opened["type"], &opened["poll_after"], &opened["fields"]), (&json!("push"), &json!(1), &json!([])));
    let poll = async |id: &Value| {
        let now = System.unix_ms();
        wait_until(|| System.unix_ms() > now + 2);
        lab.act(id, "poll").await
    };
    for _ in 0..5 {
        let waiting = poll(&opened["id"]).await;
        verdict(&waiting, 401, "challenge");
        let challenge = &waiting.json()["challenge"];
        assert_eq!((&challenge["id"], &challenge["attempts_left"]), (&opened["id"], &json!(3)));
        assert_eq!(challenge.get("error"), None);
    }
    upstream.memory.lock().unwrap().push = Some(true);
    verdict(&poll(&opened["id"]).await, 200, "accept");
    expired(&lab.act(&opened["id"], "poll").await);

    // Refused on the telephone: a poll is no answer that could be tried again.
    upstream.memory.lock().unwrap().push = Some(false);
    let opened = lab.open().await;
    let refused = poll(&opened["id"]).await;
    verdict(&refused, 403, "reject");
    assert_eq!(refused.json()["reason"], "mfa_failed");
    expired(&lab.act(&opened["id"], "poll").await);

    // Confirmed by somebody else.
    let mallory = || {
        let mut memory = upstream.memory.lock().unwrap();
        (memory.push, memory.somebody_else) = (Some(true), true);
    };
    mallory();
    let opened = lab.open().await;
    assert_eq!(poll(&opened["id"]).await.json()["reason"], "identity_mismatch");
}

/// Whoever polls without a pause asks Doorward, and not the upstream.
#[tokio::test(flavor = "multi_thread")]
async fn a_poll_before_its_time_is_not_sent_upstream_and_keeps_the_challenge() {
    let upstream = Upstream::start().await;
    let lab = Lab::new(&connectors::push(&upstream.base, "1m")).await;
    let opened = lab.open().await;
    upstream.memory.lock().unwrap().push = Some(true);
    let asked = upstream.asked("/push");
    for round in 0..50 {
        // An answer of nothing is a poll in other words.
        let early = match round % 2 {
            0 => lab.act(&opened["id"], "poll").await,
            _ => lab.answer(&opened["id"], json!({})).await,
        };
        verdict(&early, 401, "challenge");
        let challenge = &early.json()["challenge"];
        assert_eq!((&challenge["id"], &challenge["attempts_left"]), (&opened["id"], &json!(3)));
        let left = challenge["poll_after"].as_u64().unwrap();
        assert!((1..=60).contains(&left), "{left}");
    }
    assert_eq!(upstream.asked("/push"), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn polling_for_a_code_is_not_sent_upstream() {
    let upstream = Upstream::start().await;
    let lab = Lab::new(&connectors::sms(&upstream.base)).await;
    let opened = lab.open().await;
    let polled = lab.act(&opened["id"], "poll").await;
    verdict(&polled, 401, "challenge");
    assert_eq!(polled.json()["challenge"]["id"], opened["id"]);
    assert_eq!(upstream.asked("/verify"), 0);
    verdict(&lab.code(&opened["id"], CODE).await, 200, "accept");
}

fn query(url: &Value) -> std::collections::HashMap<String, String> {
    url::Url::parse(url.as_str().unwrap()).unwrap().query_pairs().into_owned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_brings_back_code_and_state() {
    let upstream = Upstream::start().await;
    let lab = Lab::new(&connectors::redirect(&upstream.base)).await;
    let open = || async {
        let answer = lab.login("zhangsan", "").await;
        verdict(&answer, 401, "challenge");
        let challenge = answer.json()["challenge"].clone();
        assert_eq!((&challenge["type"], &challenge["fields"]), (&json!("redirect"), &json!([])));
        let query = query(&challenge["url"]);
        // What the page would do after its own login.
        upstream.memory.lock().unwrap().authorised = Some(("c1".to_owned(), query["code_challenge"].clone()));
        (challenge["id"].clone(), query)
    };
    let (id, page) = open().await;
    assert!(page["state"].len() >= 22 && page["nonce"].len() >= 22 && page["state"] != page["nonce"]);
    let accepted = lab.answer(&id, json!({ "code": "c1", "state": page["state"] })).await;
    verdict(&accepted, 200, "accept");

    // A code of another login slipped in: the state is not this login's, and nothing is sent.
    let (id, _) = open().await;
    let asked = upstream.asked("/token");
    let (_, other) = open().await;
    for state in [other["state"].as_str(), "x", ""] {
        let opened = if state == other["state"] { id.clone() } else { open().await.0 };
        let refused = lab.answer(&opened, json!({ "code": "c1", "state": state })).await;
        assert_eq!(refused.json()["challenge"]["error"]["reason"], "invalid_input", "{}", refused.body);
    }
    assert_eq!(upstream.asked("/token"), asked);

    // A code that the page handed to another verifier.
    let (id, page) = open().await;
    upstream.memory.lock().unwrap().authorised = Some(("c1".to_owned(), "another challenge".to_owned()));
    let refused = lab.answer(&id, json!({ "code": "c1", "state": page["state"] })).await;
    assert_ne!(refused.status, 200, "{}", refused.body);

    // The right code of the wrong person.
    let (id, page) = open().await;
    upstream.memory.lock().unwrap().somebody_else = true;
    let refused = lab.answer(&id, json!({ "code": "c1", "state": page["state"] })).await;
    assert_eq!(refused.json()["reason"], "identity_mismatch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_is_asked_for_until_it_will_do() {
    let upstream = Upstream::start().await;
    let lab = Lab::new(&connectors::renewal(&upstream.base)).await;
    let opened = lab.open().await;
    assert_eq!(opened["type"], "renew_password");
    assert_eq!(opened["fields"][0], json!({ "name": "new_password", "label": "New password", "echo": false }));
    let differ = lab.answer(&opened["id"], json!({ "new_password": "long enough", "again": "long enugh" })).await;
    let second = differ.json()["challenge"].clone();
    assert_eq!(second["error"]["error_message"], "the two are not the same", "{}", differ.body);
    assert_eq!(upstream.asked("/renew"), 0);
    let short = lab.answer(&second["id"], json!({ "new_password": " p ", "again": " p " })).await;
    let third = short.json()["challenge"].clone();
    assert_eq!(third["error"]["error_message"], "at least 8 characters", "{}", short.body);
    let renewed = lab.answer(&third["id"], json!({ "new_password": " pass word+& ", "again": " pass word+& " })).await;
    verdict(&renewed, 200, "accept");
    let form: Vec<(String, String)> =
        url::form_urlencoded::parse(upstream.last("/renew").as_bytes()).into_owned().collect();
    assert_eq!(form[0], ("new".to_owned(), " pass word+& ".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_the_connectors_own_is_compared_here() {
    let upstream = Upstream::start().await;
    let lab = Lab::new(&connectors::own_code(&upstream.base)).await;
    let opened = lab.open().await;
    assert_eq!(opened["image"], "data:image/png;base64,iVBORw0KGgo=");
    let text = upstream.last("/sms");
    let code: String = text.chars().rev().take(6).collect::<String>().chars().rev().collect();
    assert!(code.bytes().all(|b| b.is_ascii_digit()), "{text}");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let again = lab.code(&opened["id"], wrong).await.json()["challenge"].clone();
    assert_eq!((&again["attempts_left"], &again["error"]["reason"]), (&json!(1), &json!("mfa_failed")));
    verdict(&lab.code(&again["id"], &code).await, 200, "accept");
    let opened = lab.open().await;
    expired(&lab.code(&again["id"], &code).await);
    // The code of another login is not this one's, unless the same six digits were drawn.
    let fresh = upstream.last("/sms");
    if !fresh.ends_with(&code) {
        assert_eq!(lab.code(&opened["id"], &code).await.status, 401);
    }
}

/// A comparison that cannot be judged is unavailable, and was a guess all the same: the id is used up.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_compared_here_is_never_put_back() {
    let upstream = Upstream::start().await;
    let lab = Lab::new(&connectors::one_of_two_codes(&upstream.base)).await;
    let opened = lab.open().await;
    let wrong = lab.code(&opened["id"], "not a code").await;
    verdict(&wrong, 503, "unavailable");
    assert_eq!(wrong.json()["cause"], "unexpected_reply");
    expired(&lab.code(&opened["id"], "000000").await);
    let opened = lab.open().await;
    let text = upstream.last("/sms");
    verdict(&lab.code(&opened["id"], &text[text.len() - 6..]).await, 200, "accept");
}
