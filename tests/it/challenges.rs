//! Challenges over the API, against a server that counts: each type, and everything that must not get anybody in.

pub mod connectors;
pub mod lab;
mod types;
pub mod upstream;

use std::process::Stdio;

use doorward::clock::{Ambient as _, System};
use doorward::state::{Bounds, Challenges};
use http::Request;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use self::lab::{Lab, expired, verdict};
use self::upstream::{CODE, Upstream};
use crate::server::{TOKEN, post, send};
use crate::support::daemon::{self, Home, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn a_code_after_the_password() {
    let upstream = Upstream::start().await;
    let lab = Lab::new(&connectors::sms(&upstream.base)).await;
    let opened = lab.login("zhangsan", "right").await;
    verdict(&opened, 401, "challenge");
    assert_eq!(opened.header("www-authenticate"), None, "a challenge is a verdict, no fault of the caller's token");
    let challenge = &opened.json()["challenge"];
    assert_eq!(challenge["id"].as_str().unwrap().len(), 22, "128 bits in base64url");
    let mut rest = challenge.clone();
    rest.as_object_mut().unwrap().remove("id");
    assert_eq!(
        rest,
        json!({
            "type": "sms", "message": "sent to 138****0000", "expires_in": 300, "attempts_left": 3,
            "fields": [{ "name": "code", "label": "Code", "echo": true, "pattern": "[0-9a-z]{3,6}" }],
        })
    );
    assert_eq!((upstream.asked("/sms"), upstream.asked("/verify")), (1, 0));
    let accepted = lab.code(&challenge["id"], CODE).await;
    verdict(&accepted, 200, "accept");
    let body = accepted.json();
    assert_eq!(
        (&body["subject"], &body["username"], &body["request_id"]),
        (&json!("zhangsan"), &json!("zhangsan"), &json!("r-7"))
    );
    assert_eq!(body["attributes"], json!({ "name": "zhangsan" }));
    assert_eq!(upstream.asked("/login"), 1, "the password was sent once");
    expired(&lab.code(&challenge["id"], CODE).await);
    assert_eq!(upstream.asked("/verify"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_answer_moves_to_a_new_id_and_the_last_one_rejects() {
    let upstream = Upstream::start().await;
    let lab = Lab::new(&connectors::sms(&upstream.base)).await;
    let first = lab.open().await;
    let wrong = lab.code(&first["id"], "000000").await;
    verdict(&wrong, 401, "challenge");
    let second = wrong.json()["challenge"].clone();
    assert_ne!(second["id"], first["id"]);
    assert_eq!(second["attempts_left"], 2);
    assert_eq!(second["error"], json!({ "reason": "mfa_failed", "error_code": "96", "error_message": "wrong code" }));
    expired(&lab.code(&first["id"], CODE).await);
    // Not of the form that is asked for, of another name, nothing, too much: an attempt each, and nothing is sent.
    let asked = upstream.asked("/verify");
    for answers in [
        json!({ "code": "A" }),
        json!({ "cod": CODE }),
        json!({}),
        json!({ "code": CODE, "user": "mallory" }),
        json!({ "code": "" }),
    ] {
        let opened = lab.open().await;
        let malformed = lab.answer(&opened["id"], answers.clone()).await;
        verdict(&malformed, 401, "challenge");
        let again = malformed.json()["challenge"].clone();
        assert_eq!(
            (&again["attempts_left"], &again["error"]["reason"]),
            (&json!(2), &json!("invalid_input")),
            "{answers}"
        );
    }
    assert_eq!(upstream.asked("/verify"), asked);
    let third = lab.code(&second["id"], "000001").await.json()["challenge"].clone();
    assert_eq!(third["attempts_left"], 1);
    let last = lab.code(&third["id"], "000002").await;
    verdict(&last, 403, "reject");
    assert_eq!(last.json()["reason"], "mfa_failed");
    for id in [&first["id"], &second["id"], &third["id"]] {
        expired(&lab.code(id, CODE).await);
    }
    assert_eq!(upstream.asked("/verify"), asked + 2, "three attempts, no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_a_login_ends_its_challenge() {
    let upstream = Upstream::start().await;
    let lab = Lab::new(&connectors::sms(&upstream.base)).await;
    for (code, status, word, detail) in
        [("locked", 403, "reason", "account_locked"), ("odd", 503, "cause", "unexpected_reply")]
    {
        let opened = lab.open().await;
        let ended = lab.code(&opened["id"], code).await;
        assert_eq!((ended.status.as_u16(), &ended.json()[word]), (status, &json!(detail)), "{code}");
        expired(&lab.code(&opened["id"], CODE).await);
    }
    let opened = lab.open().await;
    let cancelled = lab.act(&opened["id"], "cancel").await;
    verdict(&cancelled, 403, "reject");
    assert_eq!((&cancelled.json()["reason"], &cancelled.json()["connector"]), (&json!("other"), &json!("corp")));
    expired(&lab.code(&opened["id"], CODE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_callers_with_one_id_one_is_served() {
    let upstream = Upstream::start().await;
    let lab = Lab::new(&connectors::sms(&upstream.base)).await;
    for (code, served) in [(CODE, "accept"), ("000000", "challenge")] {
        let before = upstream.asked("/verify");
        let opened = lab.open().await;
        let body = json!({ "challenge": opened["id"], "answers": { "code": code } }).to_string();
        let callers: Vec<_> = (0..100)
            .map(|_| {
                let (router, body) = (lab.router.clone(), body.clone());
                tokio::spawn(async move { send(&router, post("/v1/challenges", TOKEN, body)).await })
            })
            .collect();
        let mut words = Vec::new();
        for caller in callers {
            let answer = caller.await.unwrap();
            words.push(answer.header("doorward-verdict").unwrap().to_owned());
        }
        assert_eq!(words.iter().filter(|word| *word == served).count(), 1, "{words:?}");
        assert_eq!(words.iter().filter(|word| *word == "reject").count(), 99);
        assert_eq!(upstream.asked("/verify"), before + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_belongs_to_one_client_one_process_and_one_revision() {
    let upstream = Upstream::start().await;
    let text = connectors::sms(&upstream.base);
    let lab = Lab::new(&text).await;
    let opened = lab.open().await;
    let body = json!({ "challenge": opened["id"], "answers": { "code": CODE } }).to_string();
    expired(&send(&lab.router, post("/v1/challenges", "narrow", body.clone())).await);
    // Another process keeps its own: the same as a restart.
    let other = lab.router_with(Challenges::memory(Bounds::default()));
    expired(&send(&other, post("/v1/challenges", TOKEN, body.clone())).await);
    // Neither of them used it up.
    verdict(&lab.code(&opened["id"], CODE).await, 200, "accept");

    let opened = lab.open().await;
    lab.home.connector("corp", &format!("{text}# another revision\n"));
    lab.load().await;
    expired(&lab.code(&opened["id"], CODE).await);
    assert_eq!(upstream.asked("/verify"), 1);
    let opened = lab.open().await;
    std::fs::remove_file(lab.home.path("connectors").join("corp.yaml")).unwrap();
    lab.load().await;
    expired(&lab.code(&opened["id"], CODE).await);
}

/// An answer by the other endpoint would finish a login that the audit trail calls a test, or a test that it calls a login.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_and_a_send_test_take_their_own_challenges_only() {
    let upstream = Upstream::start().await;
    let lab = Lab::new(&connectors::sms(&upstream.base)).await;
    let (login, test) = ("/v1/challenges", "/v1/challenges/test");
    let body = json!({ "username": "zhangsan", "password": "right", "interactive": true }).to_string();
    let tested = send(&lab.router, post("/v1/connectors/corp/test", TOKEN, body)).await.json();
    let by_test = tested["open_challenge"]["id"].clone();
    assert!(by_test.is_string(), "{tested}");
    for (id, own, other) in [(lab.open().await["id"].clone(), login, test), (by_test, test, login)] {
        for more in [
            json!({ "answers": { "code": CODE } }),
            json!({ "action": "poll" }),
            json!({ "action": "resend" }),
            json!({ "action": "cancel" }),
        ] {
            let mut body = more;
            body["challenge"] = id.clone();
            let refused = send(&lab.router, post(other, TOKEN, body.to_string())).await;
            assert_eq!(refused.json()["reason"], "challenge_expired", "{other}: {}", refused.body);
        }
        assert_eq!(upstream.asked("/verify"), usize::from(own == test), "nothing was sent by {other}");
        let body = json!({ "challenge": id, "answers": { "code": CODE } }).to_string();
        let answered = send(&lab.router, post(own, TOKEN, body)).await;
        assert_eq!(answered.json()["verdict"], "accept", "{own}: {}", answered.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_none_and_calls_that_are_none() {
    let upstream = Upstream::start().await;
    let lab = Lab::new(&connectors::sms(&upstream.base)).await;
    for id in ["", "x", "AAAAAAAAAAAAAAAAAAAAAA", "../../etc/passwd", "\u{0}", &"a".repeat(10_000)] {
        let answer = lab.code(&json!(id), CODE).await;
        expired(&answer);
        assert_eq!((&answer.json()["connector"], &answer.json()["username"]), (&json!(""), &json!("")));
    }
    let opened = lab.open().await;
    for body in [json!({}), json!({ "challenge": opened["id"] }), json!({ "challenge": opened["id"], "answers": 5 })] {
        let refused = lab.call(body).await;
        assert_eq!((refused.status.as_u16(), refused.header("doorward-verdict")), (422, None), "{}", refused.body);
    }
    let body = json!({ "challenge": opened["id"], "action": "poll" }).to_string();
    for token in ["reader", "nobody"] {
        let refused = send(&lab.router, post("/v1/challenges", token, body.clone())).await;
        assert_eq!((refused.status.as_u16(), refused.header("doorward-verdict")), (401, None));
        assert!(refused.header("www-authenticate").is_some());
    }
    let page = Request::get("/v1/challenges").body(axum::body::Body::empty()).unwrap();
    assert_eq!(send(&lab.router, page).await.status, 405);
    // None of that used the challenge up.
    verdict(&lab.code(&opened["id"], CODE).await, 200, "accept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_ends_by_itself() {
    let upstream = Upstream::start().await;
    let lab = Lab::new(&connectors::sms_with(&upstream.base, "expires_in: 1ms")).await;
    let opened = lab.open().await;
    let now = System.unix_ms();
    wait_until(|| System.unix_ms() > now + 2);
    expired(&lab.code(&opened["id"], CODE).await);
    assert_eq!(upstream.asked("/verify"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_too_many_pushes_out_the_oldest() {
    let upstream = Upstream::start().await;
    let limits = Bounds { entries: 2, ..Bounds::default() };
    let lab = Lab::keeping(&connectors::sms(&upstream.base), Challenges::memory(limits)).await;
    let (first, second, third) = (lab.open().await, lab.open().await, lab.open().await);
    expired(&lab.code(&first["id"], CODE).await);
    verdict(&lab.code(&second["id"], CODE).await, 200, "accept");
    verdict(&lab.code(&third["id"], CODE).await, 200, "accept");
}

/// What the first factor's reply maps is for who gets in.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_code_earns_nothing_of_the_first_factor() {
    let upstream = Upstream::start().await;
    let lab = Lab::new(&connectors::sms(&upstream.base)).await;
    let mut id = lab.open().await["id"].clone();
    let rejected = loop {
        let answer = lab.code(&id, "000000").await;
        if answer.status == 403 {
            break answer.json();
        }
        id = answer.json()["challenge"]["id"].clone();
    };
    assert_eq!((&rejected["extension"], &rejected["extension_text"]), (&Value::Null, &Value::Null), "{rejected}");
    let opened = lab.open().await;
    let accepted = lab.code(&opened["id"], CODE).await;
    assert_eq!(accepted.json()["extension"], json!({ "sso": "S1" }));
    // The reply that refuses may say something of its own.
    let refused = lab.login("zhangsan", "wrong").await;
    assert_eq!(refused.json()["extension"], json!({ "tries": 4 }), "{}", refused.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_could_not_be_sent_keeps_the_challenge() {
    let upstream = Upstream::start().await;
    // Nobody listens at the address of the last step.
    let text = connectors::sms(&upstream.base).replace("\"${base}/verify\"", "\"http://127.0.0.1:9/verify\"");
    let lab = Lab::new(&text).await;
    let opened = lab.open().await;
    for _ in 0..4 {
        let failed = lab.code(&opened["id"], CODE).await;
        verdict(&failed, 503, "unavailable");
        assert_eq!(failed.json()["cause"], "connect");
    }
    let still = lab.act(&opened["id"], "poll").await.json()["challenge"].clone();
    assert_eq!((&still["id"], &still["attempts_left"]), (&opened["id"], &json!(3)));
}

/// The console of examples/, over the real daemon in its own process; and a daemon that starts anew knows no challenge.
#[tokio::test(flavor = "multi_thread")]
async fn the_console_of_the_examples_answers_a_challenge() {
    let upstream = Upstream::start().await;
    let home = Home::new("guard: { enabled: false }");
    home.connector("corp", &connectors::sms(&upstream.base));
    let daemon = home.start();
    let console = |base: &str, input: &'static str| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/console.py");
        let mut command = tokio::process::Command::new("python3");
        command.args([script, base, "corp", "zhangsan"]).env("DOORWARD_TOKEN", daemon::TOKEN);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        async move {
            let mut child = command.spawn().unwrap();
            child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
            let output = child.wait_with_output().await.unwrap();
            (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
        }
    };
    assert_eq!(console(&daemon.base, "right\n000000\n042042\n").await, (0, "accept: zhangsan\n".to_owned()));
    assert_eq!(console(&daemon.base, "right\n000000\n111111\n222222\n").await.0, 1);
    assert_eq!(console(&daemon.base, "right\n").await.0, 2);

    let (_, opened) = daemon.login("corp", "zhangsan", "right").await;
    daemon.kill();
    let daemon = home.start();
    let asked = json!({ "challenge": opened["challenge"]["id"], "answers": { "code": CODE } });
    let (status, text) = daemon.call("POST", "/v1/challenges", Some(asked)).await;
    assert_eq!((status, text.contains("challenge_expired")), (403, true), "{text}");
    daemon.end();
}

/// Wrong answers count at the guard like wrong passwords; a right password in between starts nothing anew.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_answers_are_guesses() {
    let upstream = Upstream::start().await;
    let home = Home::new("guard: { user_failures: 3, waits: [ 60s ] }");
    home.connector("corp", &connectors::sms(&upstream.base));
    let daemon = home.start();
    let mut refused = None;
    'logins: for _ in 0..4 {
        let (status, opened) = daemon.login("corp", "zhangsan", "right").await;
        if status != 401 {
            refused = Some(opened);
            break;
        }
        let mut id = opened["challenge"]["id"].clone();
        while let Some(open) = id.as_str() {
            let asked = json!({ "challenge": open, "answers": { "code": "000000" } });
            let (_, text) = daemon.call("POST", "/v1/challenges", Some(asked)).await;
            let answer: Value = serde_json::from_str(&text).unwrap();
            if answer["reason"] == "too_many_attempts" {
                // What was refused by the guard was not sent, so the challenge is still there.
                refused = Some(answer);
                break 'logins;
            }
            id = answer["challenge"]["id"].clone();
        }
    }
    let refused = refused.expect("nobody guesses for ever");
    assert_eq!(refused["reason"], "too_many_attempts", "{refused}");
    assert!(refused["retry_after"].as_u64().unwrap() > 1, "{refused}");
    assert!(upstream.asked("/verify") <= 4, "{}", upstream.asked("/verify"));
    daemon.end();
}
