//! What stands around a login through a door: from where it is asked, at which listener, in which kind of body, and how it is tried.

use std::io::Write as _;
use std::process::{Command, Stdio};

use doorward::diagnostic::{Style, render};
use doorward::door::check::ConnectorState;
use serde_json::{Value, json};

use super::lab::{Heard, KEY, Lab, alone, checked, connector, factors, replaced, shipped, summary};
use crate::support::daemon::wait_until;

#[tokio::test(flavor = "multi_thread")]
async fn a_console_without_a_credential_is_known_by_its_network() {
    let basic = shipped("basic-typed");
    let far = replaced(&basic, "[ 127.0.0.0/8, \"::1\" ]", "10.0.0.0/8").replace("/door/basic", "/door/far");
    let narrowed =
        replaced(&shipped("nginx"), "{ header: X-Door-Key } }", "{ header: X-Door-Key }, from: [ 10.0.0.0/8 ] }");
    let far = replaced(&far, "from: 10.0.0.0/8", "from: [ 10.0.0.0/8 ]");
    let lab = Lab::start(&[("basic-typed", &basic), ("far", &far), ("nginx", &narrowed)]).await;
    let ask = |path: &str| Heard::of(lab.http.get(lab.url(path)).basic_auth("zhangsan", Some("123456")));
    assert_eq!(ask("/door/basic").await.status, 204);
    assert_eq!(ask("/door/far").await.status, 401);
    // Nobody's word on where they are counts, but that of one's own proxies.
    let forged = lab.http.get(lab.url("/door/far")).header("x-forwarded-for", "10.0.0.1");
    assert_eq!(Heard::of(forged.basic_auth("zhangsan", Some("123456"))).await.status, 401);
    assert_eq!(lab.basic("/door/nginx", "zhangsan", "123456").await.status, 401, "a token narrows, too");
    assert_eq!(lab.asked(), 1);
    for (from, says) in [
        ("[ 0.0.0.0/0 ]", "everybody could ask here"),
        ("[ \"::/0\" ]", "everybody could ask here"),
        ("[ 10.0.0.0/40 ]", "is no network"),
        ("[ example.com ]", "is no network"),
    ] {
        let (loaded, told) = alone(&replaced(&basic, "[ 127.0.0.0/8, \"::1\" ]", from));
        assert!(loaded.is_none() && told.contains(says), "{from}: {told}");
    }
    // A network alone is to be acknowledged: the door does not load else.
    let unsaid = basic.replace("network_only:", "token_in_url:");
    let lab = Lab::start(&[("basic-typed", &unsaid)]).await;
    wait_until(|| lab.daemon.log().contains("the door does not say where it stands"));
}

#[tokio::test(flavor = "multi_thread")]
async fn doors_may_have_listeners_of_their_own() {
    let door =
        replaced(&shipped("nginx"), "{ header: X-Door-Key } }", "{ header: X-Door-Key }, from: [ 10.0.0.0/8 ] }");
    let own = "doors: { directory: doors, listen: \"127.0.0.1:0\", proxies: [ 127.0.0.1 ] }";
    let lab = Lab::edited(|text| text.replace("doors: doors", own), &[("nginx", &door)]).await;
    let address = lab.daemon.wait_for("listening for doors")["address"].as_str().unwrap().to_owned();
    let ask = |base: &str, path: &str, seen: Option<&str>| {
        let request = lab.http.get(format!("{base}{path}")).header("x-door-key", KEY);
        let request = request.basic_auth("zhangsan", Some("123456"));
        Heard::of(match seen {
            Some(seen) => request.header("x-forwarded-for", seen),
            None => request,
        })
    };
    let doors = format!("http://{address}");
    assert_eq!(ask(&doors, "/door/nginx", Some("10.9.8.7")).await.status, 204);
    for not_from_there in [None, Some("192.0.2.1"), Some("10.9.8.7, 192.0.2.1"), Some("unknown"), Some("127.0.0.1")] {
        assert_eq!(ask(&doors, "/door/nginx", not_from_there).await.status, 401, "{not_from_there:?}");
    }
    for path in ["/v1/connectors", "/healthz", "/readyz", "/metrics", "/"] {
        let heard = ask(&doors, path, None).await;
        assert_eq!((heard.status, heard.body.as_str()), (404, ""), "{path}: nothing else is there");
    }
    assert_eq!(ask(&lab.daemon.base, "/door/nginx", Some("10.9.8.7")).await.status, 404, "and no door here");
    let (_, ready) = lab.daemon.call("GET", "/readyz", None).await;
    assert!(ready.contains(r#""doors":{"running":1,"refused":0}"#), "{ready}");
    std::fs::write(lab.home.path("doors").join("other.yaml"), "version: 1\n").unwrap();
    let (_, reload) = lab.daemon.call("POST", "/v1/reload", None).await;
    assert!(reload.contains(r#""doors":{"running":["nginx"],"refused":["other"]}"#), "{reload}");
    let (_, ready) = lab.daemon.call("GET", "/readyz", None).await;
    assert!(ready.contains(r#""doors":{"running":1,"refused":1}"#), "{ready}");
}

fn written(at: &str, login: &str) -> String {
    format!(
        "version: 1\nconsole: {{ who: returned, accepts: {{ status: 200 }}, refuses: {{ not: {{ status: 200 }} }} }}\n\
         connector: corp-4a\nat: {at}\ncaller: {{ client: edge, token: {{ header: X-Door-Key }} }}\nlogin: {login}\n\
         replies:\n  accept: {{ status: 200, json: {{ subject: \"{{{{accept.subject}}}}\", cookies: \"{{{{accept.cookies}}}}\" }} }}\n  \
         reject: {{ status: 401 }}\n  unavailable: {{ status: 503 }}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_xml_and_text_are_read_exactly() {
    let xml = written(
        "{ method: POST, path: /door/xml, body: xml }",
        "{ username: LOGIN.user, password: 'LOGIN.\"@pass\"' }",
    );
    let text =
        written("{ method: POST, path: /door/text, body: text }", "{ username: \"lines[0]\", password: \"lines[1]\" }");
    let lab = Lab::start(&[("xml", &xml), ("text", &text)]).await;
    let ask = async |path: &str, body: &str| {
        let heard = lab.json(path, "x-door-key", body).await;
        if heard.status == 200 { heard.json() } else { json!(heard.status) }
    };
    let of = |subject: &str| json!({ "subject": subject, "cookies": [] });
    for (body, answer) in [
        ("<LOGIN pass='123456'><user>zhangsan</user></LOGIN>", of("zhangsan")),
        ("<s:LOGIN xmlns:s='x' pass='123456'><user> o'\"&amp;%41=王 x </user></s:LOGIN>", of(" o'\"&%41=王 x ")),
        ("<LOGIN pass='123456'><user><![CDATA[a<b>]]></user></LOGIN>", of("a<b>")),
        ("<LOGIN pass='x'><user>zhangsan</user></LOGIN>", json!(401)),
        ("<LOGIN pass='123456'><user>zhangsan</user><user>admin</user></LOGIN>", json!(503)),
        ("<LOGIN pass='123456'><a:user xmlns:a='x'>zhangsan</a:user><user>admin</user></LOGIN>", json!(503)),
        ("<!DOCTYPE a><LOGIN pass='123456'><user>zhangsan</user></LOGIN>", json!(503)),
        ("<LOGIN pass='123456'/>", json!(401)),
        ("zhangsan", json!(503)),
    ] {
        assert_eq!(ask("/door/xml", body).await, answer, "{body}");
    }
    for (body, answer) in [
        ("zhangsan\n123456", of("zhangsan")),
        ("zhangsan\r\n123456\r\nmore", of("zhangsan")),
        (" zhangsan\n123456\n", of(" zhangsan")),
        ("zhangsan", json!(401)),
        ("", json!(401)),
    ] {
        assert_eq!(ask("/door/text", body).await, answer, "{body:?}");
    }
    let bad = lab.http.post(lab.url("/door/text")).header("x-door-key", KEY).body(&b"zhang\xffsan\n123456"[..]);
    assert_eq!(Heard::of(bad).await.status, 503);
    let (loaded, told) = alone(&replaced(&text, "lines[0]", "user"));
    assert!(loaded.is_none() && told.contains("a text has no field `user`"), "{told}");
}

fn tried(lab: &Lab, door: &str, user: &str, password: &str, more: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.arg("test").arg(lab.home.path("connectors").join("corp-4a.yaml")).args(["--username", user]);
    command.args(["--password-stdin", "--door"]).arg(lab.home.path("doors").join(format!("{door}.yaml"))).args(more);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_tried_as_a_console_asks_for_it() {
    let lab = Lab::start(&[("nginx", &shipped("nginx")), ("emqx", &shipped("emqx"))]).await;
    let told = tried(&lab, "nginx", "o'\"&%41=王 x", "123456", &[]);
    for says in
        ["door nginx  any method /door/nginx", "basic username", "HTTP 204", "header x-user", "lets the user in"]
    {
        assert!(told.contains(says), "{says}: {told}");
    }
    assert!(!told.contains("%E7%8E%8B") && !told.contains("123456"), "{told}");
    let told = tried(&lab, "nginx", "王", "123456", &["--reveal"]);
    assert!(told.contains("%E7%8E%8B"), "{told}");
    assert!(tried(&lab, "nginx", "zhangsan", "wrong", &[]).contains("refuses the user"));
    let told = tried(&lab, "emqx", " ADMIN", "x", &[]);
    assert!(told.contains("another name than the one that was typed") && told.contains("refuses the user"), "{told}");
    let told = tried(&lab, "emqx", "zhangsan", "123456", &["--json"]);
    let object: Value = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{told}"));
    assert_eq!(object["door"]["reply"]["kind"], "accept", "{told}");
    assert!(tried(&lab, "nginx", "a:b", "x", &[]).contains("no console can send this user name in basic username"));
}

/// A login of two requests needs the time of two.
#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_is_above_the_quickest_answer_of_the_connector() {
    let two = connector("http://127.0.0.1:1", "").replace(
        "steps:\n",
        "steps:\n  - name: page\n    request: { url: \"${base}/page\" }\n    response: { format: json, success: { field: ok, equals: 1 } }\n",
    );
    for (yaml, deadline, loads) in [
        (connector("http://127.0.0.1:1", ""), "200ms", true),
        (connector("http://127.0.0.1:1", ""), "199ms", false),
        (two.clone(), "299ms", false),
        (two, "300ms", true),
        // What is behind a question is not of the first answer.
        (factors("http://127.0.0.1:1"), "200ms", true),
    ] {
        let summary = summary(&yaml).await;
        let door = replaced(&shipped("nginx"), "version: 1\n", &format!("version: 1\ndeadline: {deadline}\n"));
        let door = checked("nginx", &door, &|_| ConnectorState::Runs(Box::new(summary.clone())));
        let told = render(&door.diagnostics, Style::Plain);
        assert_eq!(door.door.is_some(), loads, "{deadline}: {told}");
        assert!(loads || told.contains("request(s) to an upstream take longer"), "{told}");
    }
}
