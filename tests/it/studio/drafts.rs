//! Send tests: what they show, what counts, and what a draft may not do.

use doorward_demo::DemoServer;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{StudioProcess, shipped};

const SECRET: &str = "canary-5f1d-secret";

async fn with_demo(ids: &[&str]) -> (DemoServer, StudioProcess) {
    let demo = DemoServer::start().await.unwrap();
    let texts: Vec<_> = ids.iter().map(|id| (format!("{id}.yaml"), shipped(id))).collect();
    let files: Vec<_> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let base = demo.base();
    let studio = StudioProcess::with(&files, &[], &[("FOURA_BASE_URL", &base), ("CANARY_VARIABLE", SECRET)]).await;
    (demo, studio)
}

#[tokio::test]
async fn a_send_test_of_the_studio_shows_the_verdict_and_the_rows_of_the_terminal() {
    let (demo, studio) = with_demo(&["form"]).await;
    let right = studio.test("form", None, json!({})).await;
    assert_eq!((right.status, &right.json()["summary"]["verdict"]), (200, &json!("accept")), "{}", right.text);
    assert!(right.headers.get("doorward-verdict").is_none(), "it is no verdict that a console could take");
    let rows = right.json()["rows"].as_array().unwrap().clone();
    assert!(rows.iter().any(|row| row["label"]["text"] == "request"), "{rows:?}");
    let wrong = studio.test("form", None, json!({ "password": "canary-wrong-9" })).await;
    assert_eq!(wrong.json()["summary"]["detail"], "invalid_credentials");
    assert!(!wrong.text.contains("canary-wrong-9"), "{}", wrong.text);
    let checked = demo.passwords_checked();
    let rendered = studio.test("form", None, json!({ "mode": "render" })).await;
    assert_eq!((rendered.status, &rendered.json()["summary"]["verdict"]), (200, &Value::Null));
    assert_eq!(demo.passwords_checked(), checked);
    let unknown = studio.test("nothing", None, json!({})).await;
    assert_eq!(unknown.status, 404);
    let mistaken = studio.test("form", None, json!({ "attributes": { "x": "y" } })).await;
    assert_eq!((mistaken.status, &mistaken.json()["errors"][0]["pointer"]), (422, &json!("/attributes/x")));
}

#[tokio::test]
async fn a_draft_that_names_nothing_new_is_tested_by_the_studio_as_it_is() {
    let (_demo, studio) = with_demo(&["form"]).await;
    let draft =
        shipped("form").replace("equals: denied }, reason: invalid_credentials", "equals: denied }, reason: other");
    let tested = studio.test("form", Some(&draft), json!({ "password": "x" })).await;
    assert_eq!(tested.json()["summary"]["detail"], "other", "{}", tested.text);
    let broken = studio.test("form", Some("version: 1\n"), json!({})).await;
    assert_eq!((broken.status, &broken.json()["code"]), (409, &json!("does_not_load")));
}

#[tokio::test]
async fn a_challenge_is_answered_in_the_studio() {
    let (demo, studio) = with_demo(&["sms-code"]).await;
    let asked = studio.test("sms-code", None, json!({})).await.json();
    let open = asked["open_challenge"].clone();
    assert_eq!(open["type"], "sms", "{asked}");
    let answer = async |id: &Value, code: &str| {
        let body = json!({ "challenge": id, "answers": { "code": code } });
        studio.call("POST", "/v1/studio/answers", &[], Some(body)).await.json()
    };
    let wrong = answer(&open["id"], "000000").await;
    assert_eq!(wrong["open_challenge"]["error"]["reason"], "mfa_failed", "{wrong}");
    let code = demo.phone("zhangsan").code().expect("a message");
    let right = answer(&wrong["open_challenge"]["id"], &code).await;
    assert_eq!(right["summary"]["verdict"], "accept", "{right}");
    assert!(!right.to_string().contains(&code));
    let again = answer(&open["id"], &code).await;
    assert_eq!(again["summary"]["detail"], "challenge_expired");
}

/// Whoever can edit a draft must not get to see where its password and secrets would go, nor read this machine by it.
#[tokio::test]
async fn a_draft_of_the_studio_that_names_something_new_reads_and_sends_nothing() {
    let (demo, studio) = with_demo(&["form"]).await;
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = format!("http://{}", elsewhere.local_addr().unwrap());
    let checked = demo.passwords_checked();
    let form = shipped("form");
    std::fs::write(studio.path("secret.txt"), SECRET).unwrap();
    let base = "base: { env: FOURA_BASE_URL, default: \"https://4a.example.com\" }";
    assert!(form.contains(base));
    for draft in [
        form.replace(base, &format!("base: \"{there}\"")),
        form.replace("${base}/form/login", &format!("{there}/form/login")),
        form.replace(base, "base: { env: CANARY_VARIABLE }"),
        form.replace("settings:", &format!("transport: {{ proxy: \"{there}\" }}\nsettings:")),
        form.replace("settings:", "transport: { resolve: { 4a.example.com: 127.0.0.1 } }\nsettings:"),
        form.replace("settings:", "secrets: { s: { file: secret.txt } }\nsettings:"),
        form.replace("settings:", "secrets: { s: { env: CANARY_VARIABLE } }\nsettings:"),
        form.replace("- name: login", "- name: login\n    variables_file: secret.txt"),
        form.replace(base, &format!("{base}\n  x: {{ env: CANARY_VARIABLE }}")).replace("/form/login", "/${x}"),
    ] {
        assert_ne!(draft, form);
        let tested = studio.test("form", Some(&draft), json!({})).await;
        assert_eq!((tested.status, &tested.json()["code"]), (409, &json!("secret-withheld")), "{draft}");
        assert!(!tested.json()["grown"].as_array().unwrap().is_empty());
        // Looking at the request reads nothing either.
        let rendered = studio.test("form", Some(&draft), json!({ "mode": "render" })).await;
        let looked = studio.check("form", &draft).await;
        for said in [&tested.text, &rendered.text, &looked.to_string()] {
            assert!(!said.contains(SECRET), "{said}");
        }
        assert!(looked["grown"].as_array().is_some_and(|grown| !grown.is_empty()), "{looked}");
    }
    assert_eq!(demo.passwords_checked(), checked);
    let asked = tokio::time::timeout(std::time::Duration::ZERO, elsewhere.accept()).await;
    assert!(asked.is_err(), "somebody called the other server");
    // A connector that is not saved yet names everything anew.
    assert_eq!(studio.test("fresh", Some(&form), json!({})).await.status, 409);
}

/// What is saved is trusted: the studio is its operator's own.
#[tokio::test]
async fn a_saved_connector_of_the_studio_is_tested_with_its_secrets() {
    let (_demo, studio) = with_demo(&["form"]).await;
    let draft = shipped("form").replace("settings:", "secrets: { s: { env: CANARY_VARIABLE } }\nsettings:");
    let draft = draft.replace("grant: password", "grant: password, extra: \"{{secret.s}}\"");
    let etag = studio.call("GET", "/v1/studio/connectors/form", &[], None).await.json()["etag"].clone();
    assert_eq!(studio.save("form", &draft, ("if-match", etag.as_str().unwrap())).await.status, 200);
    let tested = studio.test("form", None, json!({})).await;
    assert_eq!(tested.status, 200, "{}", tested.text);
    assert!(!tested.text.contains(SECRET), "{}", tested.text);
    let about = studio.check("form", &draft).await["about"].clone();
    assert_eq!(about["secrets"][0]["set"], true, "{about}");
    assert!(!about.to_string().contains(SECRET));
}

/// The guard counts tests as it counts logins: waits begin after the sixth wrong password.
#[tokio::test]
async fn tests_of_the_studio_are_counted_by_the_guard_and_by_the_minute() {
    let (demo, studio) = with_demo(&["form"]).await;
    for _ in 0..6 {
        studio.test("form", None, json!({ "password": "x" })).await;
    }
    let checked = demo.passwords_checked();
    let seventh = studio.test("form", None, json!({ "password": "x" })).await;
    assert_eq!(seventh.json()["summary"]["credential_sends"], 0, "{}", seventh.text);
    assert_eq!(demo.passwords_checked(), checked);
    for _ in 0..3 {
        studio.test("form", None, json!({ "username": "lisi" })).await;
    }
    let eleventh = studio.test("form", None, json!({ "username": "lisi" })).await;
    assert_eq!((eleventh.status, &eleventh.json()["code"]), (429, &json!("too_many_tests")));
    assert!(eleventh.headers.contains_key("retry-after"));
    assert_eq!(studio.test("form", None, json!({ "mode": "render" })).await.status, 200, "what is not sent is free");
}
