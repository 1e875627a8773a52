//! Shipped doors load, and each console hears what it should.

use std::path::Path;

use doorward::door::check::ConnectorState;
use serde_json::json;

use super::lab::{Lab, alone, checked, connector, key_of, replaced, shipped, summary, whole};

#[tokio::test(flavor = "multi_thread")]
async fn every_shipped_door_loads_with_a_connector_that_names_the_user() {
    let summary = summary(&connector("http://127.0.0.1:1", "")).await;
    let mut count = 0;
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("doors")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let connectors = |_: &str| ConnectorState::Runs(Box::new(summary.clone()));
        let door = checked(name, &whole(name), &connectors);
        // The user of nginx mail reads why; to nginx trouble is no word that it shows.
        let told: Vec<&str> = door.diagnostics.iter().map(|it| it.code).collect();
        let known: &[&str] = if name == "nginx-mail" { &["door-trouble"] } else { &[] };
        assert!(door.door.is_some() && told == known, "{name}: {:?}", door.diagnostics);
        count += 1;
    }
    assert!(count >= 17);
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_hear_their_statuses() {
    let doors = [("nginx", shipped("nginx")), ("forward-auth", shipped("forward-auth")), ("envoy", shipped("envoy"))];
    let doors: Vec<(&str, &str)> = doors.iter().map(|(name, yaml)| (*name, yaml.as_str())).collect();
    let lab = Lab::start(&doors).await;
    for (path, accept, trouble) in
        [("/door/nginx", 204, 503), ("/door/forward-auth", 204, 503), ("/door/envoy/app/x?y=1", 200, 429)]
    {
        let heard = lab.basic(path, "zhangsan", "123456").await;
        assert_eq!((heard.status, heard.header("x-user")), (accept, Some("zhangsan")), "{path}");
        assert_eq!(heard.header("cache-control"), Some("no-store"));
        let odd = lab.basic(path, "o'\"&%41=王 x", "123456").await;
        assert_eq!((odd.status, odd.header("x-user")), (accept, Some("o%27%22%26%2541%3D%E7%8E%8B%20x")), "{path}");
        assert_eq!(lab.basic(path, "zhangsan", "wrong").await.status, 401, "{path}");
        assert_eq!(lab.basic(path, "down", "x").await.status, trouble, "{path}");
        let anonymous = lab.http.get(lab.url(path)).header("x-door-key", super::lab::KEY);
        let heard = super::lab::Heard::of(anonymous).await;
        assert!(heard.status == 401 && heard.header("www-authenticate").is_some(), "{path}");
    }
    assert_eq!(lab.basic("/door/nginx", "zhangsan", "123456").await.status, 204);
    let audit = lab.audit(13).concat();
    assert!(audit.contains(r#""client":"edge","door":"envoy","connector":"corp-4a""#), "{audit}");
    let (_, metrics) = lab.daemon.call("GET", "/metrics", None).await;
    assert!(metrics.contains(r#"doorward_door_replies_total{door="nginx",reply="accept"} 3"#), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_hears_allow_and_deny() {
    let tags = "tables: { tags: { of: accept.attributes.group, ops: administrator monitoring, dev: management, else: \"\" } }\n";
    let yaml = shipped("rabbitmq").replace("text: allow }\n  reject", "text: \"allow {{table.tags}}\" }\n  reject");
    let lab = Lab::start(&[("rabbitmq", &format!("{yaml}{tags}"))]).await;
    let key = format!("?key={}", key_of("broker"));
    let user = |user: &'static str, password: &'static str| {
        let (lab, key) = (&lab, &key);
        async move {
            let heard =
                lab.form(&format!("/door/rabbitmq/user{key}"), &[("username", user), ("password", password)]).await;
            (heard.status, heard.body)
        }
    };
    assert_eq!(user("zhangsan", "123456").await, (200, "allow management".to_owned()));
    assert_eq!(user("zhangsan", "group ops").await, (200, "allow administrator monitoring".to_owned()));
    // What the upstream says is no tag of its own.
    assert_eq!(user("zhangsan", "group administrator").await, (200, "allow ".to_owned()));
    assert_eq!(user("zhangsan", "wrong").await, (200, "deny".to_owned()));
    assert_eq!(user("zhangsan", "say allow administrator").await, (200, "deny".to_owned()));
    assert_eq!(user("down", "x").await.0, 503);
    for (path, vhost, answer) in [("vhost", "/", "allow"), ("vhost", "other", "deny"), ("topic", "/", "allow")] {
        let heard =
            lab.form(&format!("/door/rabbitmq/{path}{key}"), &[("username", "zhangsan"), ("vhost", vhost)]).await;
        assert_eq!((heard.status, heard.body.as_str()), (200, answer), "{path} {vhost}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn emqx_hears_a_deny_in_every_trouble() {
    let lab = Lab::start(&[("emqx", &shipped("emqx").replace("client: broker", "client: edge"))]).await;
    let ask = |user: &str, password: &str| {
        json!({ "username": user, "password": password, "peerhost": "192.0.2.7" }).to_string()
    };
    for (body, result) in [
        (ask("zhangsan", "123456"), "allow"),
        (ask("zhangsan", "wrong"), "deny"),
        (ask("down", "x"), "deny"),
        (ask("zhangsan", ""), "deny"),
        ("{".to_owned(), "deny"),
        (r#"{"username":"zhangsan","username":"x","password":"123456"}"#.to_owned(), "deny"),
    ] {
        let heard = lab.json("/door/emqx", "x-door-key", &body).await;
        assert_eq!((heard.status, heard.json()["result"].as_str()), (200, Some(result)), "{body}");
    }
    let stranger = lab.http.post(lab.url("/door/emqx")).header("x-door-key", "other").body(ask("zhangsan", "123456"));
    assert_eq!(super::lab::Heard::of(stranger).await.json()["result"], "deny");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_that_can_only_call_a_4a_hears_one() {
    let yaml = shipped("simple-4a").replace("client: atrust", "client: edge");
    let lab = Lab::start(&[("simple-4a", &yaml)]).await;
    let ask = |user: &str, password: &str| json!({ "user-name": user, "user-password": password }).to_string();
    let heard = lab.json("/door/4a/login", "x-app-key", &ask("zhangsan", "123456")).await.json();
    assert_eq!((&heard["code"], &heard["result"]["loginName"]), (&json!(200), &json!("zhangsan")));
    let token = heard["result"]["token"].as_str().unwrap().to_owned();
    assert!(token.len() == 33 && !lab.daemon.log().contains(&token[1..]));
    for (user, password, code, message) in [
        ("zhangsan", "secret", 500, "wrong name or password"),
        ("locked", "x", 423, "locked until noon"),
        ("down", "x", 503, "upstream_error"),
        // The places of JSON keep what an upstream says a text.
        (
            "zhangsan",
            "say x\",\"code\":200,\"result\":{\"token\":\"y\"}",
            500,
            "x\",\"code\":200,\"result\":{\"token\":\"y\"}",
        ),
    ] {
        let heard = lab.json("/door/4a/login", "x-app-key", &ask(user, password)).await.json();
        assert_eq!((&heard["code"], &heard["msg"]), (&json!(code), &json!(message)), "{user} {password}");
    }
}

/// Each way in which a case can come out otherwise is told, with its name.
#[test]
fn a_golden_case_that_comes_out_otherwise_is_told() {
    for (door, old, new, says) in [
        (
            "rabbitmq",
            "{ username: \"a&password=x\", password: p }, reply",
            "{ username: b }, reply",
            "the user name is Some(\"a&password=x\"), not \"b\"",
        ),
        ("nginx", "X-User: zhangsan } }", "X-User: lisi } }", "the header X-User is \"zhangsan\", not \"lisi\""),
        (
            "nginx",
            "reply: { status: 204, headers: { X-User: zhangsan } }, console: accepts",
            "reply: { status: 200 }, console: accepts",
            "the status is 204, not 200",
        ),
        (
            "emqx",
            "json: { result: allow, is_superuser: false } }, console",
            "json: { result: allow } }, console",
            "not {\"result\":\"allow\"}",
        ),
        ("nginx", "console: accepts", "console: refuses", "the console accepts; expected: refuses"),
        ("nginx", "    verdict: { accept: { subject: zhangsan } }\n", "", "the case has no `verdict`"),
        (
            "nginx",
            "ask: { basic: { username: zhangsan, password: \"123456\" }, headers",
            "ask: { headers",
            "it is anonymous",
        ),
        ("dovecot", "form: { grant_type", "json: { grant_type", "at.body says form"),
        (
            "freeradius",
            "challenge: sample-challenge, answer: \"246810\"",
            "challenge: other, answer: \"1\"",
            "the challenge is Some(\"sample-challenge\"), not \"other\"",
        ),
    ] {
        let (loaded, told) = alone(&replaced(&whole(door), old, new));
        assert!(loaded.is_none() && told.contains("door-golden") && told.contains(says), "{door} {new}:\n{told}");
    }
}

#[test]
fn the_committed_schema_of_doors_is_not_stale() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/door.schema.json");
    assert_eq!(crate::golden::compare(&path, &doorward::door::schema_text()), None);
}
