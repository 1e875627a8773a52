//! What somebody tries with challenges through doors: another's State, another name, a used id, a guessed conversation, a long wait, and
//! words of the upstream that want to be more than words.

use serde_json::json;

use super::lab::{Heard, KEY, Lab, factors_reporting, key_of, replaced, shipped};
use super::rounds::{ask_radius, radius, state_of};

fn doors() -> [(&'static str, String); 3] {
    let edge = |name: &str, client: &str| shipped(name).replace(&format!("client: {client}"), "client: edge");
    let second = replaced(&edge("freeradius", "radius"), "/door/radius", "/door/second");
    [
        ("freeradius", edge("freeradius", "radius")),
        ("second", second),
        ("sftpgo-rounds", edge("sftpgo-rounds", "files")),
    ]
}

async fn lab() -> Lab {
    let doors = doors();
    let doors: Vec<(&str, &str)> = doors.iter().map(|(name, yaml)| (*name, yaml.as_str())).collect();
    Lab::asking("", &doors).await
}

fn is_refused(heard: &Heard) -> bool {
    heard.status == 401 && heard.json().get("reply:State").is_none()
}

/// Somebody's own State and code, and another User-Name: the other must not be logged in, and the State is used up.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_for_the_name_that_it_was_opened_for() {
    let lab = lab().await;
    for other in ["admin", "Zhangsan", "zhangsan ", " zhangsan", "zhangsan\u{0}"] {
        let state = state_of(&ask_radius(&lab, "zhangsan", "code", None).await);
        let before = lab.asked();
        assert!(is_refused(&ask_radius(&lab, other, "246810", Some(&state)).await), "{other:?}");
        assert!(is_refused(&ask_radius(&lab, "zhangsan", "246810", Some(&state)).await), "{other:?} used it up");
        assert_eq!(lab.asked(), before, "nobody was asked");
    }
    let audit = lab.audit(2);
    assert!(audit[1].contains("challenge_expired"), "{audit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_for_its_door_its_revision_and_its_client() {
    let lab = lab().await;
    let state = state_of(&ask_radius(&lab, "zhangsan", "code", None).await);
    let elsewhere = lab.json("/door/second", "x-door-key", &radius("zhangsan", "246810", Some(&state))).await;
    assert!(is_refused(&elsewhere), "another door's");
    // Nor is it one of the API, nor one of the API's here.
    let id = String::from_utf8(hex::decode(&state[2..]).unwrap()).unwrap();
    let body = json!({ "challenge": id, "answers": { "code": "246810" } });
    let (_, answer) = lab.daemon.call("POST", "/v1/challenges", Some(body)).await;
    assert!(answer.contains("challenge_expired"), "{answer}");
    let login = json!({ "username": "zhangsan", "password": "code" });
    let (_, opened) = lab.daemon.call("POST", "/v1/connectors/corp-4a/authenticate", Some(login)).await;
    let opened: serde_json::Value = serde_json::from_str(&opened).unwrap();
    let of_api = format!("0x{}", hex::encode(opened["challenge"]["id"].as_str().unwrap()));
    assert!(is_refused(&ask_radius(&lab, "zhangsan", "246810", Some(&of_api)).await));
    // The file changes: an old answer to a changed file could mean anything.
    let file = lab.home.path("doors").join("freeradius.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}# changed\n")).unwrap();
    lab.daemon.call("POST", "/v1/reload", None).await;
    assert!(is_refused(&ask_radius(&lab, "zhangsan", "246810", Some(&state)).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_state_is_nobodys() {
    let lab = lab().await;
    for state in ["0x", "0x00", "0xff", "0x414141", "nothex", "0x4g", ""] {
        let heard = ask_radius(&lab, "zhangsan", "246810", Some(state)).await;
        assert!(matches!(heard.status, 401 | 503), "{state}: {} {}", heard.status, heard.body);
    }
    let long = format!("0x{}", "41".repeat(20_000));
    assert!(is_refused(&ask_radius(&lab, "zhangsan", "246810", Some(&long)).await));
    // An empty State is none, so this was a login, and its password was wrong.
    assert!(lab.asked() <= 2, "{}", lab.asked());
}

/// Of any number of requests with one State one goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_sent_many_times_at_once_is_used_once() {
    let lab = lab().await;
    let state = state_of(&ask_radius(&lab, "zhangsan", "code", None).await);
    let all = (0..8).map(|_| ask_radius(&lab, "zhangsan", "246810", Some(&state)));
    let heard = futures_util::future::join_all(all).await;
    assert_eq!(heard.iter().filter(|heard| heard.status == 204).count(), 1);
    assert_eq!(lab.asked(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_another_client_guesses_is_not_its() {
    let rounds = shipped("sftpgo-rounds");
    let other = replaced(&rounds, "/door/sftpgo/rounds", "/door/other").replace("client: files", "client: broker");
    let lab = Lab::asking("", &[("sftpgo-rounds", &rounds), ("other", &other)]).await;
    let round = async |path: &str, client: &str, user: &str, answers: &[&str]| {
        let body = json!({ "request_id": "c1", "username": user, "answers": answers }).to_string();
        let request = lab.http.post(lab.url(path)).header("x-door-key", key_of(client)).body(body);
        Heard::of(request).await.json()["auth_result"].clone()
    };
    let own = "/door/sftpgo/rounds";
    assert_eq!(round(own, "files", "zhangsan", &[]).await, 0);
    // The password's question, and the code's, are of the client that began.
    assert_eq!(round("/door/other", "broker", "zhangsan", &["123456"]).await, -1);
    assert_eq!(round(own, "files", "zhangsan", &["code"]).await, 0);
    assert_eq!(round("/door/other", "broker", "zhangsan", &["246810"]).await, -1);
    assert_eq!(round(own, "files", "zhangsan", &["246810"]).await, 1);
    // Another name in the same conversation ends it, before the password and after it.
    assert_eq!(round(own, "files", "zhangsan", &[]).await, 0);
    assert_eq!(round(own, "files", "admin", &["123456"]).await, -1);
    assert_eq!(round(own, "files", "zhangsan", &["123456"]).await, -1);
    assert_eq!(round(own, "files", "zhangsan", &[]).await, 0);
    assert_eq!(round(own, "files", "zhangsan", &["code"]).await, 0);
    assert_eq!(round(own, "files", "admin", &["246810"]).await, -1);
    assert_eq!(round(own, "files", "zhangsan", &["246810"]).await, -1);
}

/// A 4A that folds names, asked with a code: the accept is for the name of this request, or there is none.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_the_upstream_folds_after_a_code_is_nobody_elses() {
    let doors = doors();
    let lab = Lab::asking_as(factors_reporting, "", &[(doors[0].0, &doors[0].1)]).await;
    let state = state_of(&ask_radius(&lab, "FOLDED", "code", None).await);
    assert!(is_refused(&ask_radius(&lab, "FOLDED", "246810", Some(&state)).await));
    let audit = lab.audit(2);
    assert!(audit[1].contains("identity_mismatch"), "{audit:?}");
}

/// Neither what the user typed nor what the upstream says becomes an attribute, a list or policy of FreeRADIUS.
#[tokio::test(flavor = "multi_thread")]
async fn words_of_the_upstream_stay_words() {
    let lab = lab().await;
    for words in [
        "x\"]},\"control:Auth-Type\":{\"value\":[\"Accept",
        "%{exec:/bin/true}",
        "&control:Response-Packet-Type := Access-Accept",
        "control:Auth-Type",
    ] {
        let heard = ask_radius(&lab, "zhangsan", &format!("say {words}"), None).await;
        let body = heard.json();
        assert_eq!(heard.status, 401);
        assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
        assert_eq!(body["reply:Reply-Message"], json!({ "op": ":=", "do_xlat": false, "value": [ words ] }), "{body}");
    }
    let long = "王".repeat(150);
    let heard = ask_radius(&lab, "zhangsan", &format!("say {long}"), None).await;
    assert_eq!(heard.json()["reply:Reply-Message"]["value"][0], "王".repeat(84));
}

/// The console would be gone before the wait ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_before_the_console_does() {
    let door =
        replaced(&shipped("nginx"), "replies:\n", "patience: 1s\nchallenge: { push: { wait: 500ms } }\nreplies:\n");
    let too_long = replaced(&door, "wait: 500ms", "wait: 501ms");
    assert!(super::lab::alone(&too_long).1.contains("a login here ends after 500 ms"));
    let lab = Lab::asking("", &[("nginx", &door)]).await;
    let began = std::time::Instant::now();
    assert_eq!(lab.basic("/door/nginx", "slow", "push").await.status, 403);
    assert!(began.elapsed() >= std::time::Duration::from_millis(300));
}

/// One user who opens thousands of questions costs others nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_drops_the_questions_of_whoever_filled_it() {
    let lab = lab().await;
    let state = state_of(&ask_radius(&lab, "zhangsan", "code", None).await);
    for index in 0..300 {
        let body = json!({ "request_id": format!("c{index}"), "username": "flood", "answers": [] }).to_string();
        let request = lab.http.post(lab.url("/door/sftpgo/rounds")).header("x-door-key", KEY).body(body);
        assert_eq!(Heard::of(request).await.json()["auth_result"], 0);
    }
    assert_eq!(ask_radius(&lab, "zhangsan", "246810", Some(&state)).await.status, 204);
}
