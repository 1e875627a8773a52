//! What is kept apart: by user, by node, by the token that a value came of.

use doorward::verdict::Cause;
use http::header::COOKIE;

use super::{BASE, LOGIN, SEND, TOKEN, Upstream, accepted, cause, load, log_in};

#[tokio::test]
async fn a_credential_is_never_sent_twice() {
    let (live, upstream) = (load(BASE, &[TOKEN, LOGIN]).await, Upstream::new());
    assert!(accepted(&log_in(&live, &upstream).await));
    upstream.set(|behaviour| behaviour.revoked = 1);
    upstream.asked();
    let report = log_in(&live, &upstream).await;
    assert_eq!((cause(&report), report.credential_sends), (Cause::UpstreamError, 1));
    assert_eq!(upstream.asked(), ["/login t1"]);
    assert!(accepted(&log_in(&live, &upstream).await));
    assert_eq!(upstream.asked(), ["/token", "/login t2"], "the next login has a new one");
}

#[tokio::test]
async fn nothing_of_a_login_goes_in_and_no_cookie_comes_out() {
    let start = "  - name: start\n    request: { url: \"${base}/start\" }\n";
    let (live, upstream) = (load(BASE, &[start, TOKEN, LOGIN]).await, Upstream::new());
    for _ in 0..2 {
        assert!(accepted(&log_in(&live, &upstream).await));
    }
    let asked = upstream.asked.lock().unwrap();
    let cookies = |path: &str| -> Vec<Option<&str>> {
        let of_path = asked.iter().filter(|request| request.url.path() == path);
        of_path
            .map(|request| request.headers.iter().find(|(name, _)| name == COOKIE).map(|(_, v)| v.to_str().unwrap()))
            .collect()
    };
    assert_eq!(cookies("/token"), [None], "the session of this login stays out");
    assert_eq!(cookies("/login"), [Some("session=user"); 2], "what the token's reply set belongs to nobody");
}

#[tokio::test]
async fn what_comes_of_a_kept_token_is_kept_under_that_token() {
    let ticket = r#"  - name: ticket
    cache: { for: 1h }
    request: { url: "${base}/ticket", query: { token: "{{steps.token.token}}" } }
    response: { capture: { ticket: { field: ticket } } }
"#;
    let send = SEND.replace("token: \"", "ticket: \"{{steps.ticket.ticket}}\", token: \"");
    let (live, upstream) = (load(BASE, &[TOKEN, ticket, &send, LOGIN]).await, Upstream::new());
    for _ in 0..2 {
        assert!(accepted(&log_in(&live, &upstream).await));
    }
    assert_eq!(upstream.asked(), ["/token", "/ticket t1", "/send t1", "/login t1", "/send t1", "/login t1"]);
    upstream.set(|behaviour| behaviour.revoked = 1);
    assert!(accepted(&log_in(&live, &upstream).await));
    upstream.asked();
    assert!(accepted(&log_in(&live, &upstream).await));
    assert_eq!(upstream.asked(), ["/ticket t2", "/send t2", "/login t2"], "the old ticket was of the old token");
}

#[tokio::test]
async fn each_node_has_its_own() {
    let nodes = "{ nodes: [ \"https://a.example.com\", \"https://b.example.com\" ] }";
    let (live, upstream) = (load(nodes, &[TOKEN, LOGIN]).await, Upstream::new());
    assert!(accepted(&log_in(&live, &upstream).await));
    upstream.asked();
    upstream.set(|behaviour| behaviour.dead = vec!["a.example.com"]);
    // The token of a is there, and a is not; the credential goes to b with what the login has.
    assert!(accepted(&log_in(&live, &upstream).await));
    assert_eq!(upstream.asked(), ["/login t1", "/login t1"]);
    // From here on a is last, and b has no token yet.
    assert!(accepted(&log_in(&live, &upstream).await));
    assert_eq!(upstream.asked(), ["/token", "/login t2"]);
    assert!(accepted(&log_in(&live, &upstream).await));
    assert_eq!(upstream.asked(), ["/login t2"]);
}
