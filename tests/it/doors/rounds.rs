//! More than a password: codes, confirmations and new passwords, asked through consoles of each kind.

use serde_json::{Value, json};

use super::lab::{Heard, KEY, Lab, alone, replaced, shipped};
use crate::support::redis::Redis;

fn edge(name: &str) -> String {
    let yaml = shipped(name);
    let line = yaml.lines().find(|line| line.starts_with("caller: ")).unwrap();
    let client = line.split("client: ").nth(1).unwrap().split([',', ' ']).next().unwrap();
    yaml.replace(&format!("client: {client}"), "client: edge")
}

/// A request as rlm_rest writes it: each byte of a text a character of its own, State in hex.
pub fn radius(user: &str, password: &str, state: Option<&str>) -> String {
    let bytewise = |text: &str| text.bytes().map(char::from).collect::<String>();
    let one = |value: String| json!({ "type": "string", "value": [ value ] });
    let mut body = json!({
        "User-Name": one(bytewise(user)),
        "User-Password": one(bytewise(password)),
        "Calling-Station-Id": one("00-11-22-33-44-55".to_owned()),
    });
    if let Some(state) = state {
        body["State"] = json!({ "type": "octets", "value": [ state ] });
    }
    body.to_string()
}

/// What comes back in the next request: FreeRADIUS keeps the octets, and writes them in hex.
pub fn state_of(heard: &Heard) -> String {
    assert_eq!(heard.status, 401, "{}", heard.body);
    let body = heard.json();
    let type_of_packet = &body["control:Response-Packet-Type"];
    assert_eq!(type_of_packet, &json!({ "op": ":=", "do_xlat": false, "value": [ "Access-Challenge" ] }), "{body}");
    body["reply:State"]["value"][0].as_str().unwrap().to_owned()
}

fn message_of(heard: &Heard) -> String {
    heard.json()["reply:Reply-Message"]["value"][0].as_str().unwrap().to_owned()
}

pub async fn ask_radius(lab: &Lab, user: &str, password: &str, state: Option<&str>) -> Heard {
    lab.json("/door/radius", "x-door-key", &radius(user, password, state)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_goes_out_and_comes_back_with_its_state() {
    let lab = Lab::asking("", &[("freeradius", &edge("freeradius"))]).await;
    assert_eq!(ask_radius(&lab, "zhangsan", "123456", None).await.status, 204);
    for user in ["zhangsan", "o'\"&%41=王 x", "Ã©"] {
        let asked = ask_radius(&lab, user, "code", None).await;
        let state = state_of(&asked);
        assert!(state.starts_with("0x") && state.len() == 46, "{state}");
        assert!(message_of(&asked).contains(&format!("one for {user} Code")), "{}", asked.body);
        let wrong = ask_radius(&lab, user, "000000", Some(&state)).await;
        let next = state_of(&wrong);
        assert!(next != state && message_of(&wrong).starts_with("wrong code one for"), "{}", wrong.body);
        let accepted = ask_radius(&lab, user, "246810", Some(&next)).await;
        assert_eq!((accepted.status, accepted.body.as_str()), (204, ""), "{user}");
        for used in [&state, &next] {
            let heard = ask_radius(&lab, user, "246810", Some(used)).await;
            assert!(
                heard.status == 401 && heard.json().get("control:Response-Packet-Type").is_none(),
                "{}",
                heard.body
            );
        }
    }
    let audit = lab.audit(6);
    assert!(audit[5].contains(r#""door":"freeradius""#) && audit[5].contains("challenge_expired"), "{audit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_are_counted_as_at_the_api() {
    let lab = Lab::asking("", &[("freeradius", &edge("freeradius"))]).await;
    let mut heard = ask_radius(&lab, "zhangsan", "code", None).await;
    for _ in 0..2 {
        heard = ask_radius(&lab, "zhangsan", "1", Some(&state_of(&heard))).await;
    }
    let last = ask_radius(&lab, "zhangsan", "1", Some(&state_of(&heard))).await;
    assert!(last.status == 401 && last.json().get("reply:State").is_none(), "{}", last.body);
    assert_eq!(message_of(&last), "wrong code");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_fields_are_several_questions() {
    let lab = Lab::asking("", &[("freeradius", &edge("freeradius"))]).await;
    let first = ask_radius(&lab, "zhangsan", "renew", None).await;
    assert!(message_of(&first).ends_with("choose New"), "{}", first.body);
    let second = ask_radius(&lab, "zhangsan", "geheim", Some(&state_of(&first))).await;
    assert!(message_of(&second).ends_with("choose Again"), "{}", second.body);
    assert_eq!(lab.asked(), 1, "an answer that is not the last goes nowhere");
    let used = ask_radius(&lab, "zhangsan", "geheim", Some(&state_of(&first))).await;
    assert!(used.status == 401 && used.json().get("reply:State").is_none(), "{}", used.body);
    // Not the same: both are asked for again, from the first.
    let again = ask_radius(&lab, "zhangsan", "other", Some(&state_of(&second))).await;
    assert!(message_of(&again).ends_with("choose New"), "{}", again.body);
    let second = ask_radius(&lab, "zhangsan", "geheim", Some(&state_of(&again))).await;
    assert_eq!(ask_radius(&lab, "zhangsan", "geheim", Some(&state_of(&second))).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_is_waited_for_and_then_asked_about() {
    let lab = Lab::asking("", &[("freeradius", &edge("freeradius"))]).await;
    assert_eq!(ask_radius(&lab, "zhangsan", "push", None).await.status, 204);
    assert_eq!(lab.asked(), 4, "the login and three polls");
    let waited = ask_radius(&lab, "slow", "push", None).await;
    let state = state_of(&waited);
    assert!(lab.asked() > 6, "{}", lab.asked());
    // The user presses enter: that is a poll in other words, and the challenge stays open under its id.
    let polled = ask_radius(&lab, "slow", "", Some(&state)).await;
    assert_eq!(state_of(&polled), state);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_that_does_not_come_is_a_refusal_where_nothing_can_be_asked() {
    let waits = replaced(&shipped("nginx"), "replies:\n", "challenge: { push: { wait: 500ms } }\nreplies:\n");
    let lab = Lab::asking("", &[("nginx", &waits)]).await;
    assert_eq!(lab.basic("/door/nginx", "zhangsan", "push").await.status, 204);
    assert_eq!(lab.basic("/door/nginx", "slow", "push").await.status, 403, "the door's reply for challenge");
    assert_eq!(lab.basic("/door/nginx", "zhangsan", "code").await.status, 403);
    let audit = lab.audit(3);
    assert!(audit.last().unwrap().contains(r#""verdict":"reject","reason":"mfa_required""#), "{audit:?}");
    let (_, metrics) = lab.daemon.call("GET", "/metrics", None).await;
    assert!(metrics.contains("doorward_challenges_open 0"), "nothing waits for nobody: {metrics}");
}

/// SFTPGo's rounds: the password itself is an answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_found_by_the_consoles_id() {
    let lab = Lab::asking("", &[("sftpgo-rounds", &edge("sftpgo-rounds"))]).await;
    let round = async |id: &str, user: &str, answer: Option<&str>| {
        let answers: Vec<&str> = answer.into_iter().collect();
        let body = json!({ "request_id": id, "step": 1, "username": user, "ip": "192.0.2.7", "answers": answers });
        lab.json("/door/sftpgo/rounds", "x-door-key", &body.to_string()).await.json()
    };
    let question = |label: &str, echo: bool| json!({ "auth_result": 0, "questions": [ label ], "echos": [ echo ] });
    let is = |heard: &Value, expected: Value| {
        assert_eq!(
            (&heard["auth_result"], &heard["questions"], &heard["echos"]),
            (&expected["auth_result"], &expected["questions"], &expected["echos"]),
            "{heard}"
        );
    };
    is(&round("c1", "zhangsan", None).await, question("Password: ", false));
    assert_eq!(lab.asked(), 0);
    assert_eq!(round("c1", "zhangsan", Some("123456")).await, json!({ "auth_result": 1 }));
    assert_eq!(round("c1", "zhangsan", Some("123456")).await, json!({ "auth_result": -1 }), "used");
    assert_eq!(lab.asked(), 1, "a used conversation asks nobody");
    // Password, then a code, then a wrong one and the right one.
    round("c2", "zhangsan", None).await;
    is(&round("c2", "zhangsan", Some("code")).await, question("one for zhangsan Code", true));
    is(&round("c2", "zhangsan", Some("1")).await, question("wrong code one for zhangsan Code", true));
    assert_eq!(round("c2", "zhangsan", Some("246810")).await, json!({ "auth_result": 1 }));
    assert_eq!(round("c2", "zhangsan", Some("246810")).await, json!({ "auth_result": -1 }));
    // Two at once do not meet, and the address of the first round is the login's.
    round("c3", "zhangsan", None).await;
    round("c4", "lisi", None).await;
    assert_eq!(round("c4", "lisi", Some("wrong")).await, json!({ "auth_result": -1 }));
    assert_eq!(round("c3", "zhangsan", Some("123456")).await, json!({ "auth_result": 1 }));
    let audit = lab.audit(8);
    assert!(audit.last().unwrap().contains("192.0.2.7"), "{audit:?}");
    // Without an id, or without an end of it, nobody knows which conversation it is.
    for id in ["", &"x".repeat(300)] {
        let body = json!({ "request_id": id, "username": "zhangsan" }).to_string();
        assert_eq!(lab.json("/door/sftpgo/rounds", "x-door-key", &body).await.status, 503);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_may_come_with_the_login() {
    let inline =
        |how: &str| replaced(&shipped("nginx"), "replies:\n", &format!("challenge: {{ inline: {how} }}\nreplies:\n"));
    let apart = inline("{ separator: \"::\" }").replace("/door/nginx", "/door/apart");
    let own = inline("{ from: { header: X-Code } }").replace("/door/nginx", "/door/own");
    let lab = Lab::asking("", &[("nginx", &inline("scrv1")), ("apart", &apart), ("own", &own)]).await;
    for (path, password, status) in [
        ("/door/nginx", "SCRV1:Y29kZQ==:MjQ2ODEw", 204),
        ("/door/nginx", "SCRV1:MTIzNDU2:MQ==", 204), // no code was asked for
        ("/door/nginx", "SCRV1:Y29kZQ==:MQ==", 401), // a wrong code is a wrong code
        ("/door/nginx", "SCRV1:cmVuZXc=:eA==", 403), // two fields are not one answer
        ("/door/nginx", "SCRV1:ZnJlc2g=:MjQ2ODEw", 403), // a code is nobody's new password
        ("/door/nginx", "SCRV1:cGljdHVyZQ==:MjQ2ODEw", 403), // nobody saw the picture
        ("/door/nginx", "code", 403),
        ("/door/nginx", "123456", 204),
        ("/door/nginx", "SCRV1:!", 503),
        ("/door/nginx", "SCRV1::MQ==", 401),
        ("/door/apart", "code::246810", 204),
        ("/door/apart", "a::b::1", 401),
        ("/door/apart", "code", 403),
    ] {
        assert_eq!(lab.basic(path, "zhangsan", password).await.status, status, "{path} {password}");
    }
    let own = lab.http.get(lab.url("/door/own")).header("x-door-key", KEY).header("x-code", "246810");
    assert_eq!(Heard::of(own.basic_auth("zhangsan", Some("code"))).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_that_can_only_call_a_4a_hears_one_that_asks() {
    let lab = Lab::asking("", &[("simple-4a", &edge("simple-4a"))]).await;
    let ask = async |body: Value| lab.json("/door/4a/login", "x-app-key", &body.to_string()).await.json();
    let heard = ask(json!({ "user-name": "zhangsan", "user-password": "code" })).await;
    assert_eq!((&heard["code"], &heard["result"]["label"]), (&json!(461), &json!("Code")), "{heard}");
    let id = &heard["result"]["challenge"];
    let heard = ask(json!({ "user-name": "zhangsan", "challenge": id, "code": "246810" })).await;
    assert_eq!((&heard["code"], &heard["result"]["loginName"]), (&json!(200), &json!("zhangsan")), "{heard}");
    let heard = ask(json!({ "user-name": "zhangsan", "challenge": id, "code": "246810" })).await;
    assert_eq!(heard["code"], 500);
    // A picture is asked about where the reply shows it, and nowhere else.
    let heard = ask(json!({ "user-name": "zhangsan", "user-password": "picture" })).await;
    assert_eq!(heard["result"]["image"], "data:image/png;base64,iVBORw0KGgo=", "{heard}");
    let lab = Lab::asking("", &[("freeradius", &edge("freeradius"))]).await;
    let heard = ask_radius(&lab, "zhangsan", "picture", None).await;
    assert!(heard.status == 401 && heard.json().get("reply:State").is_none(), "{}", heard.body);
    assert!(lab.audit(1)[0].contains("mfa_required"));
}

/// Opened at one daemon, answered at the other.
#[tokio::test(flavor = "multi_thread")]
async fn daemons_share_their_challenges() {
    let Some(redis) = Redis::start(&[]) else { return };
    let keys = "1".repeat(64);
    let files = tempfile::tempdir().unwrap();
    let (url, key) = (files.path().join("url"), files.path().join("key"));
    std::fs::write(&url, redis.url(None)).unwrap();
    std::fs::write(&key, keys).unwrap();
    let state = format!(
        "state: {{ kind: redis, url: {{ file: {} }}, keys: [ {{ file: {} }} ] }}\n",
        url.display(),
        key.display()
    );
    let (radius, rounds) = (edge("freeradius"), edge("sftpgo-rounds"));
    let doors = [("freeradius", radius.as_str()), ("sftpgo-rounds", rounds.as_str())];
    let one = Lab::asking(&state, &doors).await;
    // The same files: connector and doors have the same revisions.
    let other = Lab {
        daemon: one.home.start(),
        home: Lab::asking("", &[]).await.home,
        asked: one.asked.clone(),
        http: one.http.clone(),
    };
    let asked = ask_radius(&one, "zhangsan", "code", None).await;
    let state = state_of(&asked);
    assert_eq!(ask_radius(&other, "zhangsan", "246810", Some(&state)).await.status, 204);
    assert_eq!(ask_radius(&one, "zhangsan", "246810", Some(&state)).await.status, 401);
    let round = async |lab: &Lab, answers: &[&str]| {
        let body = json!({ "request_id": "c1", "username": "zhangsan", "answers": answers }).to_string();
        lab.json("/door/sftpgo/rounds", "x-door-key", &body).await.json()["auth_result"].clone()
    };
    assert_eq!(round(&one, &[]).await, 0);
    assert_eq!(round(&other, &["code"]).await, 0);
    assert_eq!(round(&one, &["1"]).await, 0);
    assert_eq!(round(&other, &["246810"]).await, 1);
    assert_eq!(round(&one, &["246810"]).await, -1);
    assert!(!format!("{:?}", redis.contents().await).contains("zhangsan"), "sealed");
}

#[test]
fn what_a_challenge_key_lacks_is_told() {
    for (door, old, new, says) in [
        (
            "freeradius",
            "  answer: { field: '\"User-Password\".value[0]', decode: latin1_utf8 }\n",
            "",
            "where the answer stands",
        ),
        ("freeradius", "wait: 3s", "wait: 4s", "a login here ends after 3500 ms"),
        (
            "freeradius",
            "challenge: \"{{challenge.id}}\"",
            "challenge: \"{{challenge.type}}\"",
            "the State of a challenge is",
        ),
        ("freeradius", "      challenge: \"{{challenge.id}}\"\n", "", "does not ask the user"),
        (
            "freeradius",
            "reply: { Reply-Message: \"{{reject",
            "reply: { State: x, Reply-Message: \"{{reject",
            "State is the challenge's",
        ),
        (
            "freeradius",
            "reject: { status: 401, radius: { ",
            "reject: { status: 401, radius: { challenge: \"{{challenge.id}}\", ",
            "is no Access-Challenge",
        ),
        ("nginx", "replies:\n", "challenge: { one_by_one: true }\nreplies:\n", "says no way to answer"),
        (
            "nginx",
            "replies:\n",
            "challenge: { id: { header: X-Id }, answer: { basic: password } }\nreplies:\n",
            "does not ask the user",
        ),
        ("nginx", "replies:\n", "challenge: { inline: { separator: \"\" } }\nreplies:\n", "a separator is a text"),
        ("sftpgo-rounds", "first_ask: \"Password: \"", "id: step", "a challenge is found by one id"),
        ("sftpgo-rounds", "  conversation: request_id\n", "", "an answer belongs to a challenge"),
        (
            "sftpgo-rounds",
            "login: { username: username,",
            "login: { username: username, password: password,",
            "whose first round has none",
        ),
        ("sftpgo-rounds", "answer: \"answers[0]\"", "answer: { header: X-Door-Key }", "stands where the user's does"),
        ("simple-4a", "challenge: { id: challenge, answer: code, one_by_one: true }\n", "", "has no `challenge.id`"),
        ("simple-4a", "challenge: \"{{challenge.id}}\", ", "challenge: x, ", "has no id that could come back"),
    ] {
        let (loaded, told) = alone(&replaced(&shipped(door), old, new));
        assert!(loaded.is_none() && told.contains(says), "{door} {new}:\n{told}");
    }
}
