//! What a body may hold, and every fault of one.

use std::sync::Arc;

use doorward::api::router;
use http::Request;

use super::{LOGIN, TOKEN, app, demo, post, problem, send};
use crate::made_up::MadeUp;

/// status, code, and a word of the body
#[tokio::test]
async fn faults_of_the_body_are_problems_and_never_verdicts() {
    let long = format!(r#"{{"username":"a","password":"{}"}}"#, "x".repeat(65 * 1024));
    let exact = format!(r#"{{"username":"a","password":"{}"}}"#, "x".repeat(64 * 1024 - 30));
    for (body, status, code, word) in [
        ("", 400, "malformed_body", "line 1"),
        ("{", 400, "malformed_body", ""),
        ("username=a&password=b", 400, "malformed_body", ""),
        (r#"{"username":"a","password":"b"} x"#, 400, "malformed_body", ""),
        ("\u{feff}{}", 400, "malformed_body", ""),
        (r#"{"username":"a","password":"\ud800"}"#, 400, "malformed_body", ""),
        ("[]", 422, "invalid_body", "expected an object, found array"),
        ("{}", 422, "invalid_body", "/username"),
        (r#"{"username":"a"}"#, 422, "invalid_body", "/password"),
        (r#"{"username":"a","password":null}"#, 422, "invalid_body", "found null"),
        (r#"{"username":"a","password":123456}"#, 422, "invalid_body", "found number"),
        (r#"{"username":"a","password":"b","pasword":"c"}"#, 422, "invalid_body", "did you mean `password`"),
        (r#"{"username":"a","password":"b","x/y":1}"#, 422, "invalid_body", "/x~1y"),
        (r#"{"username":"a","password":"b","password":"b"}"#, 422, "invalid_body", "duplicate key"),
        (r#"{"username":"a","password":"b","attributes":{"floor":1,"floor":2}}"#, 422, "invalid_body", "duplicate key"),
        (r#"{"username":"a","password":"b","attributes":{"flor":1}}"#, 422, "invalid_body", "did you mean `floor`"),
        (r#"{"username":"a","password":"b","attributes":{"device_id":"12345"}}"#, 422, "invalid_body", "at most 4"),
        (r#"{"username":"a","password":"b","attributes":{"floor":{}}}"#, 422, "invalid_body", "found object"),
        (r#"{"username":"a","password":"b","attributes":[]}"#, 422, "invalid_body", "/attributes"),
        (r#"{"username":"a","password":"b","client_ip":"10.0.0.300"}"#, 422, "invalid_body", "/client_ip"),
        (r#"{"username":"a","password":"b","client_ip":1}"#, 422, "invalid_body", "/client_ip"),
        (r#"{"username":"a","password":"b","timeout_ms":0}"#, 422, "invalid_body", "/timeout_ms"),
        (r#"{"username":"a","password":"b","timeout_ms":"5"}"#, 422, "invalid_body", "/timeout_ms"),
        (r#"{"username":"a","password":"b","timeout_ms":1.5}"#, 422, "invalid_body", "/timeout_ms"),
        (r#"{"username":"a","password":"b","request_id":"a b"}"#, 422, "invalid_body", "/request_id"),
        (r#"{"username":"a","password":"b","request_id":"a\nb"}"#, 422, "invalid_body", "/request_id"),
        (long.as_str(), 413, "body_too_large", "65536"),
    ] {
        let answer = send(&demo(), post(LOGIN, TOKEN, body.to_owned())).await;
        problem(&answer, status, code, body);
        assert!(answer.body.contains(word), "{body:.80}: {}", answer.body);
    }
    assert_eq!(exact.len(), 64 * 1024);
    assert_eq!(send(&demo(), post(LOGIN, TOKEN, exact)).await.status, 403);
}

#[tokio::test]
async fn a_timeout_is_any_spelling_of_a_whole_number() {
    for timeout in ["1", "5000", "5e3", "5000.0", "18446744073709551615", "null"] {
        let body = format!(r#"{{"username":"a","password":"accept","timeout_ms":{timeout}}}"#);
        assert_eq!(send(&demo(), post(LOGIN, TOKEN, body)).await.status, 200, "{timeout}");
    }
}

#[tokio::test]
async fn every_mistake_of_a_body_is_told_at_once() {
    let answer = send(&demo(), post(LOGIN, TOKEN, r#"{"usrname":"a","password":1,"timeout_ms":-1}"#)).await;
    let pointers: Vec<_> = answer.json()["errors"].as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
    assert_eq!(pointers, ["/usrname", "/username", "/password", "/timeout_ms"]);
}

#[tokio::test]
async fn a_required_attribute_must_be_sent() {
    let mut connector = MadeUp::new("demo");
    connector.about.attributes["floor"].required = true;
    let router = router(Arc::new(app(vec![Arc::new(connector)])));
    let answer = send(&router, post(LOGIN, TOKEN, r#"{"username":"a","password":"accept"}"#)).await;
    problem(&answer, 422, "invalid_body", "floor");
    assert!(answer.body.contains("/attributes/floor"));
    let body = r#"{"username":"a","password":"accept","attributes":{"floor":7}}"#;
    assert_eq!(send(&router, post(LOGIN, TOKEN, body)).await.status, 200);
}

#[tokio::test]
async fn the_body_must_say_that_it_is_json() {
    let body = r#"{"username":"a","password":"accept"}"#;
    for (types, status) in [
        (vec!["application/json"], 200),
        (vec!["Application/JSON; charset=utf-8"], 200),
        (vec!["text/plain"], 415),
        (vec!["application/x-www-form-urlencoded"], 415),
        (vec!["application/json", "text/plain"], 415),
        (vec![], 415),
    ] {
        let mut request = Request::post(LOGIN).header("authorization", format!("Bearer {TOKEN}"));
        for value in &types {
            request = request.header("content-type", *value);
        }
        assert_eq!(send(&demo(), request.body(body.into()).unwrap()).await.status, status, "{types:?}");
    }
}
