//! `response.decrypt` in a login: which replies are judged, and what each comes to. The ciphertexts are of `openssl enc`.

use doorward::diagnostic::{Style, render};

use crate::support::loader::loader;

const CONNECTOR: &str = r#"version: 1
settings: { base: "https://4a.example.com" }
secrets: { k: { env: K } }
steps:
  - name: login
    request: { url: "${base}/login", body: { form: { u: "{{user.username}}", p: "{{user.userPassword}}" } } }
    response:
      format: json
      decrypt: { aes: { mode: cbc }, key: "{{secret.k}}", iv: "fedcba9876543210" }
      reject:
        - { when: { field: code, equals: 500 }, reason: invalid_credentials }
        - { when: { all: [ { status: 401 }, { field: code, equals: 401 } ] }, reason: account_locked }
      success: { all: [ { field: code, equals: 200 }, { field: token, has_value: true } ] }
      map: { error_code: code }
tests:
"#;

/// `{"code":200,"token":"t1"}`
const RIGHT: &str = "omX3+HNCoqvBsoUNg+1fPgbQlvNXZrGrSBV5iVhXOJk=";

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_encrypted_with_the_key_is_judged() {
    let cases = [
        ("0123456789abcdef", format!("text: '{RIGHT}'"), "verdict: accept"),
        (
            "0123456789abcdef",
            format!("headers: {{ Content-Type: application/json }}, text: '\"{RIGHT}\"'"),
            "verdict: accept",
        ),
        ("fedcba9876543210", format!("text: '{RIGHT}'"), "verdict: unavailable, cause: unexpected_reply"),
        ("too short", format!("text: '{RIGHT}'"), "verdict: misconfigured"),
        ("0123456789abcdef", format!("text: '{}'", &RIGHT[..40]), "verdict: unavailable, cause: unexpected_reply"),
        // In clear: it may be anybody's.
        (
            "0123456789abcdef",
            "json: { code: 200, token: t1 }".to_owned(),
            "verdict: unavailable, cause: unexpected_reply",
        ),
        ("0123456789abcdef", "json: { code: 500 }".to_owned(), "verdict: unavailable, cause: unexpected_reply"),
        ("0123456789abcdef", "text: ''".to_owned(), "verdict: unavailable, cause: unexpected_reply"),
        // A filter in front of the server encrypts nothing, and its status says so.
        ("0123456789abcdef", "status: 401, json: { code: 401 }".to_owned(), "verdict: reject, reason: account_locked"),
        ("0123456789abcdef", "status: 502, html: <p>x</p>".to_owned(), "verdict: unavailable, cause: upstream_error"),
    ];
    let case = |(index, (key, reply, expect)): (usize, &(&str, String, &str))| {
        format!(
            "  - {{ name: '{index}', secrets: {{ k: '{key}' }}, user: {{ username: a, userPassword: b }}, replies: [ {{ {reply} }} ], \
             expect: {{ {expect} }} }}\n"
        )
    };
    let text: String = std::iter::once(CONNECTOR.to_owned()).chain(cases.iter().enumerate().map(case)).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("encrypted.yaml");
    std::fs::write(&path, text).unwrap();
    let loader = loader();
    let outcome = loader.load(&[path]).await.pop().unwrap();
    assert!(outcome.diagnostics.is_empty(), "{}", render(&outcome.diagnostics, Style::Plain));
    let golden = doorward::golden::run(&outcome.live.unwrap(), &loader).await;
    assert_eq!(
        (golden.passed, golden.cases),
        (cases.len(), cases.len()),
        "{}",
        render(&golden.diagnostics, Style::Plain)
    );
}
