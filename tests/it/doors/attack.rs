//! What somebody tries who holds a console, a browser behind one, or the upstream.

use super::lab::{Heard, KEY, Lab, checked, connector, key_of, replaced, shipped, summary};
use super::serve::raw;
use doorward::diagnostic::{Style, render};
use doorward::door::check::ConnectorState;

/// A 4A that trims and folds names says yes to ` ADMIN`, who is another account at a console that keeps what was typed.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_the_upstream_folds_is_nobody_elses_account() {
    let emqx = shipped("emqx").replace("client: broker", "client: edge");
    let lab = Lab::start(&[("emqx", &emqx), ("nginx", &shipped("nginx"))]).await;
    let body = r#"{"username":" ADMIN","password":"x"}"#;
    assert_eq!(lab.json("/door/emqx", "x-door-key", body).await.json()["result"], "deny");
    let nobody = r#"{"username":"nobody","password":"x"}"#;
    assert_eq!(lab.json("/door/emqx", "x-door-key", nobody).await.json()["result"], "deny");
    // A console that uses the returned name gets the account whose password it was.
    let heard = lab.basic("/door/nginx", " ADMIN", "x").await;
    assert_eq!((heard.status, heard.header("x-user")), (204, Some("admin")));
    let audit = lab.audit(3);
    assert!(audit[0].contains(r#""verdict":"reject","reason":"identity_mismatch""#), "{audit:?}");
    assert!(audit[1].contains(r#""verdict":"misconfigured""#), "{audit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_that_keeps_the_typed_name_wants_an_upstream_that_says_one() {
    let silent = |more: &str| {
        connector("http://127.0.0.1:1", more).replace("      identity: { field: user, match: report }\n", "")
    };
    for (yaml, loads) in [(silent(""), false), (silent("acknowledge: { typed_name: the 4A says no name }"), true)] {
        let summary = summary(&yaml).await;
        let connectors = |_: &str| ConnectorState::Runs(Box::new(summary.clone()));
        let door = checked("emqx", &shipped("emqx"), &connectors);
        let told = render(&door.diagnostics, Style::Plain);
        assert_eq!(door.door.is_some(), loads, "{told}");
        assert_eq!(told.contains("door-identity"), !loads, "{told}");
        assert!(checked("nginx", &shipped("nginx"), &connectors).door.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_users_credential_is_no_callers() {
    let lab = Lab::start(&[("nginx", &shipped("nginx"))]).await;
    let url = lab.url("/door/nginx");
    let with = |key: &str| lab.http.get(&url).header("x-door-key", key).basic_auth("zhangsan", Some("123456"));
    for key in ["123456", "zhangsan", "", crate::support::daemon::TOKEN, &key_of("broker")] {
        assert_eq!(Heard::of(with(key)).await.status, 401, "{key}");
    }
    assert_eq!(Heard::of(with(KEY).header("x-door-key", KEY)).await.status, 401, "two keys are none");
    let bearer = lab.http.get(&url).bearer_auth(KEY);
    assert_eq!(Heard::of(bearer).await.status, 401);
    assert_eq!(lab.asked(), 0, "nobody was asked for a stranger");
    // And the door's key opens nothing of the API.
    let api = lab.http.get(lab.url("/v1/connectors")).bearer_auth(KEY);
    let heard = Heard::of(api).await;
    assert!(heard.status == 401 && heard.body.contains("insufficient_scope"), "{}", heard.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_are_compared_as_they_stand() {
    let lab = Lab::start(&[("nginx", &shipped("nginx")), ("envoy", &shipped("envoy"))]).await;
    for path in
        ["/door/nginx/", "/door//nginx", "/door/%6eginx", "/DOOR/nginx", "/door/nginx/x", "/door/envoyx", "/door"]
    {
        assert_eq!(lab.basic(path, "zhangsan", "123456").await.status, 404, "{path}");
    }
    for path in ["/door/envoy/a/../../../v1/status", "/door/envoy/%2e%2e/x", "/door/envoy/%00", "/door/envoy//"] {
        let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\nX-Door-Key: {KEY}\r\nConnection: close\r\n\r\n");
        assert!(raw(&lab.daemon.base, &head).starts_with("HTTP/1.1 401"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_be_read_in_two_ways_is_not_read() {
    let rabbitmq = shipped("rabbitmq");
    let lab = Lab::start(&[("rabbitmq", &rabbitmq), ("nginx", &shipped("nginx"))]).await;
    let path = format!("/door/rabbitmq/user?key={}", key_of("broker"));
    for body in [
        "username=zhangsan&password=123456&username=admin",
        "username=zhangsan&password=123456&%75sername=admin",
        "username=zhangsan&password=123456%",
        "username=zhangsan%ff&password=123456",
    ] {
        assert_eq!(lab.raw_form(&path, body.to_owned()).await.status, 503, "{body}");
    }
    let twice = lab.raw_form(&format!("{path}&key=x"), "username=zhangsan&password=123456".to_owned()).await;
    assert_ne!(twice.status, 200);
    let two = lab.http.get(lab.url("/door/nginx")).header("x-door-key", KEY);
    let two = two.basic_auth("zhangsan", Some("123456")).basic_auth("admin", Some("123456"));
    assert_eq!(Heard::of(two).await.status, 503);
    assert_eq!(lab.asked(), 0);
    let data = lab.form(&path, &[("username", "a&password=x"), ("password", "123456")]).await;
    assert_eq!((data.status, data.body.as_str()), (200, "allow"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_header_is_read_by_nobody() {
    let attributes = "input: { attributes: { device: { required: false } } }";
    let yaml =
        replaced(&shipped("nginx"), "  client_ip", "  attributes: { device: { header: X-Device } }\n  client_ip");
    let lab = Lab::with(attributes, &[("nginx", &yaml)]).await;
    let request = lab.http.get(lab.url("/door/nginx")).header("x-door-key", KEY).basic_auth("zhangsan", Some("123456"));
    let forged = request
        .header("x-user", "root")
        .header("x_user", "root")
        .header("x_door_key", "x")
        .header("x_real_ip", "10.0.0.1");
    let heard = Heard::of(forged.header("x-real-ip", "192.0.2.9").header("x-forwarded-for", "10.0.0.1")).await;
    assert_eq!((heard.status, heard.header("x-user")), (204, Some("zhangsan")));
    let audit = lab.audit(1).concat();
    assert!(audit.contains(r#""client_ip":"192.0.2.9""#) && !audit.contains("10.0.0.1"), "{audit}");
}

/// RabbitMQ's vhost path, set as its user path by mistake, would let everybody in.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_on_the_path_of_a_side_question_is_refused() {
    let lab = Lab::start(&[("rabbitmq", &shipped("rabbitmq"))]).await;
    let path = format!("/door/rabbitmq/vhost?key={}", key_of("broker"));
    let heard = lab.form(&path, &[("vhost", "/"), ("username", "zhangsan"), ("password", "123456")]).await;
    assert_eq!((heard.status, heard.body.as_str()), (200, "deny"));
    let stranger = lab.form("/door/rabbitmq/vhost?key=x", &[("vhost", "/"), ("username", "zhangsan")]).await;
    assert_ne!((stranger.status, stranger.body.as_str()), (200, "allow"));
}

/// A value that its place cannot carry is never altered and never left out.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_a_header_cannot_carry_is_misconfigured() {
    let yaml = replaced(&shipped("nginx"), "accept.subject | urlencode", "accept.subject");
    let lab = Lab::start(&[("nginx", &yaml)]).await;
    assert_eq!(lab.basic("/door/nginx", "zhangsan", "123456").await.status, 204);
    assert_eq!(lab.basic("/door/nginx", "王", "123456").await.status, 503);
    // No connector takes a name with control characters.
    let heard = lab.basic("/door/nginx", "a\r\nX-Admin: 1", "123456").await;
    assert_eq!((heard.status, heard.header("x-admin")), (401, None));
    let audit = lab.audit(3);
    assert!(audit[1].contains(r#""verdict":"misconfigured""#), "{audit:?}");
}

/// The characters that stand for holes while a door is proved are like others when it runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_private_use_characters_decides_nothing() {
    let yaml = shipped("simple-4a").replace("client: atrust", "client: edge");
    let lab = Lab::start(&[("simple-4a", &yaml)]).await;
    for password in ["say \u{e000}", "say \u{e001}"] {
        let body = serde_json::json!({ "user-name": "zhangsan", "user-password": password }).to_string();
        assert_eq!(lab.json("/door/4a/login", "x-app-key", &body).await.json()["code"], 500);
    }
}
