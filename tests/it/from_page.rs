//! `url: { from }` and `form_from` against a portal whose login page has a one-time token.

mod portal;

use doorward::catalog::Loader;
use doorward::clock::System;
use doorward::connector::Live;
use doorward::diagnostic::{Style, render};
use doorward::flow::progress::Progress;
use doorward::flow::{Login, Ports, Report, authenticate};
use doorward::script::Limits;
use doorward::trace::{Trace, View, human};
use serde_json::{Value, json};

use self::portal::Portal;
use crate::challenges::lab::{Lab, verdict};
use crate::support::loader::to_loopback;
use crate::support::nobody;

const PASSWORD: &str = "p w&\"1\"密";

/// The connector of the portal's login form; `set` and `more` vary.
fn login_form(origin: &str, css: &str, set: &str) -> String {
    format!(
        r##"version: 1
steps:
  - name: page
    request: {{ url: "{origin}/portal/" }}
    response:
      format: html
      capture: {{ action: {{ css: "#login", attr: action, optional: true }} }}
  - name: login
    request:
      url: {{ from: steps.page.action }}
      body: {{ form_from: {{ step: page, css: "{css}", set: {{ {set} }} }} }}
    response:
      format: html
      reject: [ {{ when: {{ css: .error, exists: true }}, reason: invalid_credentials }} ]
      unavailable: {{ css: .csrf, exists: true }}
      success: {{ css: "#welcome", equals: "{{{{user.username}}}}" }}
acknowledge: {{ plain_http: "a test on loopback" }}
"##
    )
}

const SET: &str = r#"username: "{{user.username}}", password: "{{user.userPassword}}", go: 登录"#;

async fn load(connector: &str) -> Live {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("portal.yaml");
    std::fs::write(&path, connector).unwrap();
    let loader = Loader { limits: Limits { workers: 1, ..Limits::default() }, ..to_loopback() };
    let outcome = loader.load(&[path]).await.pop().unwrap();
    outcome.live.unwrap_or_else(|| panic!("{}", render(&outcome.diagnostics, Style::Plain)))
}

async fn login(live: &Live, password: &str) -> Report {
    let progress = Progress::default();
    let login = Login {
        username: "zhangsan".to_owned(),
        password: password.into(),
        client_ip: None,
        attributes: doorward::document::Object::new(),
        request_id: "r-1".to_owned(),
        deadline: None,
        trace: true,
    };
    Box::pin(authenticate(&live.connector, Ports::of(live, &System, &progress), login)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_with_a_one_time_token() {
    let portal = Portal::start().await;
    let live = load(&login_form(&portal.origin, "#login", SET)).await;
    let right = login(&live, PASSWORD).await;
    assert_eq!(right.verdict.name(), "accept", "{}", right.explain);
    let wrong = login(&live, "wrong").await;
    assert_eq!(wrong.verdict.name(), "reject", "{}", wrong.explain);
    assert_eq!(portal.asked().len(), 2);
    assert!(portal.asked()[0].starts_with("/cas/login;flow=1?service=portal lt=LT-"), "{:?}", portal.asked());

    // A token that the server does not know is trouble, not a wrong password.
    portal.memory.lock().unwrap().forgetful = true;
    let stale = login(&live, PASSWORD).await;
    assert_eq!(stale.verdict.name(), "unavailable", "{}", stale.explain);
    assert_eq!(stale.explain, "login: the `unavailable` rule is true: css \".csrf\" exists (HTTP 403)");
    assert_eq!(stale.credential_sends, 1);

    // A page that repeats the token in its title is told without its title.
    let written = login_form(&portal.origin, "#login", SET)
        .replace("{ css: .csrf, exists: true }", "{ not: { field: code, equals: 0 } }");
    let echoed = login(&load(&written).await, PASSWORD).await;
    let line = "it is an HTML page (HTTP 403)";
    assert!(echoed.explain.ends_with(line), "{}", echoed.explain);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_an_action_goes_to_its_own_page() {
    let portal = Portal::start().await;
    portal.memory.lock().unwrap().action = Some(String::new());
    let live = load(&login_form(&portal.origin, "#login", SET)).await;
    login(&live, PASSWORD).await;
    // The portal does not take it there; what counts is where it went.
    assert_eq!(portal.asked(), Vec::<String>::new());
    portal.memory.lock().unwrap().action = Some("?again".to_owned());
    login(&live, PASSWORD).await;
    assert!(portal.asked()[0].starts_with("/cas/?again lt="), "{:?}", portal.asked());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_sent_with_get() {
    let portal = Portal::start().await;
    let connector = format!(
        r##"version: 1
steps:
  - name: page
    request: {{ url: "{}/portal/" }}
    response: {{ capture: {{ action: {{ css: "#enter", attr: action }} }} }}
  - name: enter
    request:
      method: GET
      url: {{ from: steps.page.action }}
      query: {{ lang: zh }}
      body: {{ form_from: {{ step: page, css: "#enter", set: {{ pin: "{{{{user.userPassword}}}}" }} }} }}
    response:
      reject: [ {{ when: {{ css: .error, exists: true }}, reason: invalid_credentials }} ]
      success: {{ css: "#welcome", equals: "{{{{user.username}}}}" }}
      identity: {{ css: "#welcome", match: exact }}
acknowledge: {{ plain_http: "a test on loopback", credential_in_url: "the server takes its PIN there" }}
"##,
        portal.origin
    );
    let live = load(&connector).await;
    let right = login(&live, PASSWORD).await;
    assert_eq!(right.verdict.name(), "accept", "{}", right.explain);
    let asked = &portal.asked()[0];
    assert!(asked.starts_with("/cas/enter?ticket=LT-") && !asked.contains("old=1"), "{asked}");
    assert!(asked.ends_with("&pin=p%20w%26%221%22%E5%AF%86&lang=zh"), "{asked}");
}

/// Where the page leads, and what is said about it. Nothing of a password goes there.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_leads_elsewhere() {
    let (portal, evil) = (Portal::start().await, Portal::start().await);
    let live = load(&login_form(&portal.origin, "#login", SET)).await;
    // A capture that is shown whole would be masked; what is told of it is where it leads.
    let evil_path = format!("{}/cas/login", evil.origin.strip_prefix("http:").unwrap());
    let secure = portal.origin.replace("http:", "https:");
    let closed = nobody();
    for (action, why) in [
        (
            format!("{}/cas/login;flow=1", evil.origin),
            format!("leads to {}, which the file does not write", evil.origin),
        ),
        (evil_path.clone(), format!("leads to {}, which the file does not write", evil.origin)),
        (evil_path.replace('/', "\\"), format!("leads to {}, which the file does not write", evil.origin)),
        (format!("{secure}/cas/login"), format!("leads to {secure}, which the file does not write")),
        (portal.origin.replace("//", "//user:pw@"), "has a user name in front of its host".to_owned()),
        (
            closed.to_string(),
            format!("leads to {}, which the file does not write", closed.origin().ascii_serialization()),
        ),
        ("javascript:document.login.submit()".to_owned(), "is no http or https URL".to_owned()),
        ("data:text/html,x".to_owned(), "is no http or https URL".to_owned()),
    ] {
        portal.memory.lock().unwrap().action = Some(action.clone());
        let report = login(&live, PASSWORD).await;
        assert_eq!(report.verdict.name(), "unavailable", "{action}: {}", report.explain);
        assert_eq!(report.explain, format!("login: nothing was sent: steps.page.action {why}"), "{action}");
        assert_eq!(report.credential_sends, 0);
    }
    // The page's base leads there as well as a link.
    {
        let mut memory = portal.memory.lock().unwrap();
        (memory.action, memory.base) = (None, Some(format!("{}/cas/", evil.origin)));
    }
    let report = login(&live, PASSWORD).await;
    assert_eq!((report.verdict.name(), report.credential_sends), ("unavailable", 0), "{}", report.explain);
    assert_eq!((portal.asked(), evil.asked()), (Vec::new(), Vec::new()));
}

/// Another origin is followed to when the file writes it, in a URL or as a setting.
#[tokio::test(flavor = "multi_thread")]
async fn an_origin_of_the_file_is_followed_to() {
    let (portal, sso) = (Portal::start().await, Portal::start().await);
    let written = login_form(&portal.origin, "#login", SET);
    let live =
        load(&format!("{written}settings: {{ sso: \"{}\", page: \"http://127.0.0.1:1/page\" }}\n", sso.origin)).await;
    portal.memory.lock().unwrap().action = Some(format!("{}/cas/login;flow=1", sso.origin));
    let report = login(&live, PASSWORD).await;
    // Its session cookie is the portal's, so the other server does not know the token.
    assert_eq!((report.verdict.name(), sso.asked().len()), ("unavailable", 1), "{}", report.explain);
    // A setting that is more than an origin is no place to go to.
    portal.memory.lock().unwrap().action = Some("http://127.0.0.1:1/page".to_owned());
    let report = login(&live, PASSWORD).await;
    assert_eq!(report.credential_sends, 0, "{}", report.explain);
    assert!(
        report.explain.ends_with("leads to http://127.0.0.1:1, which the file does not write"),
        "{}",
        report.explain
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_not_the_one_the_file_was_written_for() {
    let portal = Portal::start().await;
    let (user, pass) = (r#"user: "{{user.username}}""#, r#"password: "{{user.userPassword}}""#);
    for (css, set, why) in [
        (
            "#login",
            format!("{user}, {pass}"),
            "the form #login of step page has no field \"user\"; it has \"username\", \"password\", \"remember\", \
             \"realm\", \"note\", \"off\", and 2 hidden ones or buttons",
        ),
        ("#signin", pass.to_owned(), "the page of step page has no form #signin"),
        ("form", pass.to_owned(), "the page of step page has more than one form form"),
        ("table", pass.to_owned(), "the page of step page has no form table: the element is a <table>"),
    ] {
        // Without the user name in the request, the connector must compare names.
        let connector = login_form(&portal.origin, css, &set).replace(
            "    response:\n      format: html\n      reject:",
            "    response:\n      format: html\n      identity: { css: \"#welcome\", match: exact }\n      reject:",
        );
        let report = login(&load(&connector).await, PASSWORD).await;
        assert_eq!(report.explain, format!("login: {why}"));
        assert_eq!((report.verdict.name(), report.credential_sends), ("unavailable", 0));
    }
    assert_eq!(portal.asked(), Vec::<String>::new());
}

/// With nodes a link is followed to the node of this login, the one that the page came from, and to no other.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_stays_on_the_logins_node() {
    let (portal, other) = (Portal::start().await, Portal::start().await);
    let dead = nobody().origin().ascii_serialization();
    let nodes =
        format!("settings: {{ base: {{ nodes: [ \"{dead}\", \"{}\", \"{}\" ] }} }}\n", portal.origin, other.origin);
    let live = load(&format!("{}{nodes}", login_form("${base}", "#login", SET))).await;
    let report = login(&live, PASSWORD).await;
    assert_eq!(report.verdict.name(), "accept", "{}", report.explain);
    portal.memory.lock().unwrap().action = Some(format!("{}/cas/login;flow=1", other.origin));
    let report = login(&live, PASSWORD).await;
    let line = format!(
        "login: nothing was sent: steps.page.action leads to {}, which is another node than this login's",
        other.origin
    );
    assert_eq!((report.explain, report.credential_sends), (line, 0));
    assert_eq!((portal.asked().len(), other.asked().len()), (1, 0));
}

/// What a send test shows: the names of the form, values of the file, and of the page no value.
#[tokio::test(flavor = "multi_thread")]
async fn a_trace_shows_names_and_where_values_come_from() {
    let portal = Portal::start().await;
    let live = load(&login_form(&portal.origin, "#login", SET)).await;
    let report = login(&live, PASSWORD).await;
    let token = portal.asked()[0].split("lt=").nth(1).unwrap()[..20].to_owned();
    let trace = Trace::of(&report, View::default());
    let shown = trace.to_json(Value::Null);
    let request = &shown["trace"][1]["request"];
    assert_eq!(request["url"], json!(format!("{}/‹secret›", portal.origin)));
    let parts = request["parts"].as_array().unwrap();
    let part = |name: &str| parts.iter().find(|part| part["name"] == name).unwrap();
    assert_eq!(part("url")["from"], json!(["steps.page.action"]));
    for name in ["lt", "realm", "note"] {
        assert_eq!(
            (&part(name)["from"], &part(name)["value"]),
            (&json!(["steps.page form #login"]), &json!("‹secret›"))
        );
    }
    assert_eq!((&part("go")["from"], &part("go")["value"]), (&json!([]), &json!("登录")));
    assert_eq!(part("password")["value"], "‹secret›");
    let text = format!("{shown}{}", human(&trace.rows()));
    assert!(!text.contains(&token) && !text.contains("p w&"), "{text}");
}

/// The page is read before the question and its form sent after the answer: what the challenge keeps is the form alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_waits_over_a_challenge() {
    let portal = Portal::start().await;
    let asks = "  - name: login\n    ask: { type: sms, fields: [ { name: code, label: Code } ] }\n";
    let set = format!("{SET}, remember: \"{{{{answer.code}}}}\"");
    let lab = Lab::new(&login_form(&portal.origin, "#login", &set).replace("  - name: login\n", asks)).await;
    let opened = lab.login("zhangsan", PASSWORD).await;
    verdict(&opened, 401, "challenge");
    assert_eq!(portal.asked().len(), 0);
    let accepted = lab.code(&opened.json()["challenge"]["id"], "1234").await;
    verdict(&accepted, 200, "accept");
    assert!(portal.asked()[0].contains("&remember=1234&"), "{:?}", portal.asked());
}
