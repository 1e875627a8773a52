//! Who may call: links, sessions, hosts, origins; and the headers of every reply.

use serde_json::json;

use super::{Answer, StudioProcess};

const CALLS: [(&str, &str); 18] = [
    ("GET", "/v1/studio/connectors"),
    ("GET", "/v1/studio/connectors/a"),
    ("PUT", "/v1/studio/connectors/a"),
    ("GET", "/v1/studio/connectors/a/history"),
    ("GET", "/v1/studio/connectors/a/history/1764400000000-0123abcd"),
    ("POST", "/v1/studio/check"),
    ("POST", "/v1/studio/complete"),
    ("POST", "/v1/studio/cards"),
    ("POST", "/v1/studio/edit"),
    ("POST", "/v1/studio/graph"),
    ("POST", "/v1/studio/mark"),
    ("POST", "/v1/studio/propose"),
    ("POST", "/v1/studio/record"),
    ("POST", "/v1/studio/import"),
    ("POST", "/v1/studio/tests"),
    ("POST", "/v1/studio/answers"),
    ("DELETE", "/v1/studio/session"),
    ("POST", "/v1/studio/session"),
];

fn code(answer: &Answer) -> String {
    answer.json()["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_studio_link_opens_one_session_once() {
    let mut studio = StudioProcess::unopened(&[], &[], &[]);
    assert!(studio.base.starts_with("http://127.0.0.1:"));
    let wrong = studio.open("AAAAAAAAAAAAAAAAAAAAAA").await;
    assert_eq!((wrong.status, code(&wrong).as_str()), (403, "wrong_link"));
    let opened = studio.open(&studio.link_secret()).await;
    assert_eq!(opened.status, 200);
    assert!(opened.headers.get("set-cookie").is_none(), "no cookie");
    assert_eq!(studio.open(&studio.link_secret()).await.status, 403);
    studio.token = opened.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(studio.call("GET", "/v1/studio/connectors", &[], None).await.status, 200);
    assert_eq!(studio.call("DELETE", "/v1/studio/session", &[], None).await.status, 204);
    assert_eq!(studio.call("GET", "/v1/studio/connectors", &[], None).await.status, 401);
}

#[tokio::test]
async fn without_a_studio_session_nothing_is_read_written_or_tested() {
    let mut studio = StudioProcess::on(&[("a.yaml", "version: 1\n")]).await;
    for token in ["", "wrong"] {
        token.clone_into(&mut studio.token);
        for (method, path) in &CALLS[..17] {
            let answer = studio.call(method, path, &[], Some(json!({}))).await;
            assert_eq!((answer.status, code(&answer).as_str()), (401, "no_session"), "{method} {path}");
        }
    }
    assert_eq!(std::fs::read_to_string(studio.path("a.yaml")).unwrap(), "version: 1\n");
}

/// A page elsewhere in the browser, also one whose name was rebound to this address.
#[tokio::test]
async fn a_foreign_page_is_refused_by_the_studio_before_anything_else() {
    let studio = StudioProcess::on(&[("a.yaml", "version: 1\n")]).await;
    for (method, path) in CALLS {
        for headers in [
            &[("host", "evil.example"), ("sec-fetch-site", "same-origin")][..],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("origin", "http://127.0.0.1:1"), ("sec-fetch-site", "same-origin")],
        ] {
            let answer = studio.raw(method, path, headers, Some(json!({}))).await;
            assert!(answer.status == 403 && code(&answer).starts_with("foreign_"), "{method} {path} {headers:?}");
        }
    }
    assert_eq!(studio.raw("GET", "/", &[("host", "evil.example")], None).await.status, 403);
    assert_eq!(
        studio.raw("POST", "/v1/studio/check", &[], Some(json!({}))).await.status,
        403,
        "it must say where from"
    );
}

/// An HTML form can send text/plain unasked; JSON it cannot.
#[tokio::test]
async fn a_form_is_no_call_of_the_studio() {
    let studio = StudioProcess::on(&[]).await;
    let answer = studio.call("POST", "/v1/studio/check", &[("content-type", "text/plain")], None).await;
    assert_eq!((answer.status, code(&answer).as_str()), (415, "not_json"));
}

#[tokio::test]
async fn every_reply_of_the_studio_has_its_headers() {
    let studio = StudioProcess::on(&[]).await;
    for (method, path, host) in [
        ("GET", "/", None),
        ("GET", "/assets/main.js", None),
        ("GET", "/lang/zh-CN.json", None),
        ("GET", "/nothing", None),
        ("GET", "/assets/../../etc/passwd", None),
        ("PATCH", "/v1/studio/check", None),
        ("GET", "/v1/studio/connectors", None),
        ("GET", "/", Some("evil.example")),
    ] {
        let headers: Vec<_> = host.map(|host| ("host", host)).into_iter().collect();
        let answer = studio.call(method, path, &headers, None).await;
        let header =
            |name: &str| answer.headers.get(name).unwrap_or_else(|| panic!("{path}: {name}")).to_str().unwrap();
        let csp = header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self';",
            "style-src 'self';",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ] {
            assert!(csp.contains(part), "{path}: {part} is not in {csp}");
        }
        assert!(!csp.contains("unsafe"), "{csp}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(header("cache-control"), "no-store");
        assert!(answer.headers.get("set-cookie").is_none());
    }
}

#[tokio::test]
async fn the_studio_refuses_a_port_that_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let home = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_doorward"));
    let ended = command.args(["studio", "--port", &port]).arg(home.path()).output().unwrap();
    assert_eq!(ended.status.code(), Some(64));
    assert!(String::from_utf8(ended.stderr).unwrap().contains("in use"));
}
