//! The cookies of a login from outside: what later steps carry, and what the user's browser gets.

mod console;
mod delivery;

use doorward::diagnostic::{Style, render};

use crate::support::loader::loader;

/// Loads a connector and runs its golden cases; both must be good.
async fn golden(connector: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("corp.yaml");
    std::fs::write(&path, connector).unwrap();
    let loader = loader();
    let outcome = Box::pin(loader.load(&[path])).await.pop().unwrap();
    assert!(outcome.diagnostics.is_empty(), "{}", render(&outcome.diagnostics, Style::Plain));
    let golden = Box::pin(doorward::golden::run(&outcome.live.unwrap(), &loader)).await;
    assert!(golden.cases > 0 && golden.passed == golden.cases, "{}", render(&golden.diagnostics, Style::Plain));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_step_carries_what_matches_beside_the_connectors_own() {
    golden(
        r#"version: 1
steps:
  - name: page
    retry: 1
    request: { url: "https://4a.example.com/cas/login", cookies: { theme: light } }
  - name: login
    request:
      url: "https://4a.example.com/cas/login"
      cookies: { theme: light, lang: zh }
      body: { form: { user: "{{user.username}}", password: "{{user.userPassword}}" } }
    response: { success: { field: code, equals: 0 } }
  - name: elsewhere
    request: { url: "https://api.example.com/me", cookies: { theme: light } }
  - name: home
    request: { url: "https://4a.example.com/cas/home" }

tests:
  - name: cookies of every reply, a retried one's too
    user: { username: zhangsan, userPassword: p }
    replies:
      - { status: 503, headers: { Set-Cookie: "node=7; Path=/" } }
      - headers:
          Set-Cookie:
            - "  JSESSIONID=j1; Path=/cas; HttpOnly"
            - "theme=dark; Path=/"
            - "other=x; Path=/other"
            - "evil=x; Domain=example.net"
            - "all=1; Domain=example.com; Path=/"
            - '  warn=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/'
      - { json: { code: 0 }, headers: { Set-Cookie: [ "JSESSIONID=j2; Path=/cas; HttpOnly", "node=; Max-Age=0; Path=/" ] } }
      - {}
      - {}
    expect:
      verdict: accept
      requests:
        - { headers: { Cookie: theme=light } }
        - { headers: { Cookie: theme=light; node=7 } }
        - { headers: { Cookie: theme=light; lang=zh; JSESSIONID=j1; node=7; all=1 } }
        - { headers: { Cookie: theme=light; all=1 } }
        - { headers: { Cookie: JSESSIONID=j2; theme=dark; all=1 } }
"#,
    )
    .await;
}

/// The cookies of one node are not shown to another, on which the same request is tried when connecting failed.
#[tokio::test(flavor = "multi_thread")]
async fn another_node_gets_no_cookies_of_the_first() {
    golden(
        r#"version: 1
settings: { base: { nodes: [ "https://a.example.com", "https://b.example.com" ] } }
steps:
  - name: page
    request: { url: "${base}/login" }
  - name: login
    request:
      url: "${base}/login"
      cookies: { theme: light }
      body: { form: { user: "{{user.username}}", password: "{{user.userPassword}}" } }
    response: { success: { field: code, equals: 0 } }

tests:
  - name: the first node goes away
    user: { username: zhangsan, userPassword: p }
    replies:
      - { headers: { Set-Cookie: [ "sid=1; Path=/", "all=1; Domain=example.com; Path=/" ] } }
      - { fail: connect }
      - { json: { code: 0 } }
    expect:
      verdict: accept
      requests:
        - {}
        - { headers: { Cookie: theme=light; sid=1; all=1 } }
        - { headers: { Cookie: theme=light; all=1 } }
"#,
    )
    .await;
}
