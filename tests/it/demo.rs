//! `doorward demo --once` from outside: no file, flag or network.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use doorward::shipped::{CONNECTORS, Stage};
use doorward_demo::DemoServer;
use serde_json::{Value, json};

#[test]
fn once_shows_every_connector_and_ends_well() {
    let elsewhere = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_doorward"))
        .args(["demo", "--once"])
        .current_dir(elsewhere.path())
        .env("TMPDIR", elsewhere.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}\n{errors}");
    assert_eq!(errors, "");
    for shipped in CONNECTORS.iter().filter(|shipped| shipped.stage != Stage::Before) {
        let lines = text.lines().filter(|line| line.starts_with(&format!("{} ", shipped.id)));
        let line = lines.collect::<Vec<_>>().join(" ");
        for part in ["accept", "reject(invalid_credentials)", &format!("reject({})", shipped.refused)] {
            assert!(line.contains(part), "{line}");
        }
    }
    for line in [
        "sms-code                 challenge -> challenge(mfa_failed)     a message's code",
        "push-confirm             challenge -> reject(mfa_failed)        a button",
        "47 connectors, 149 logins, all as expected.",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "wider than 80 columns: {wide:#?}");
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0, "the demo cleans up");
}

#[tokio::test]
async fn the_walk_of_the_first_connector_works() {
    let document = include_str!("../../docs/first-connector.md");
    let yaml = document.split("```yaml\n").find(|block| block.starts_with("version: 1")).unwrap();
    let yaml = yaml.split("```").next().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("my-4a.yaml");
    std::fs::write(&file, yaml).unwrap();
    let server = DemoServer::start().await.unwrap();
    let run = |program: &'static str, arguments: Vec<String>, input: &'static str| {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not ask for a password may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    };
    let doorward = async |arguments: Vec<String>, input: &'static str| {
        let ended = tokio::task::spawn_blocking(move || run(env!("CARGO_BIN_EXE_doorward"), arguments, input));
        let output = ended.await.unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let path = file.display().to_string();
    let (code, said) = doorward(vec!["check".to_owned(), path.clone()], "").await;
    assert_eq!(code, Some(0), "{said}");
    assert!(document.contains(said.trim()), "the document shows another output\n{said}");
    for (username, password, wanted, verdict) in [
        ("zhangsan", "123456", 0, "accept"),
        ("zhangsan", "x", 1, "reject  invalid_credentials"),
        ("wangwu", "x", 1, "reject  account_locked"),
    ] {
        let arguments =
            ["test", &path, "--username", username, "--password-stdin", "--set", &format!("base={}", server.base())];
        let (code, said) = doorward(arguments.map(str::to_owned).to_vec(), password).await;
        assert_eq!(code, Some(wanted), "{said}");
        assert!(said.starts_with(verdict), "{said}");
    }
}

#[test]
fn the_readme_shows_the_table_of_this_binary() {
    let readme = include_str!("../../README.md");
    let output = Command::new(env!("CARGO_BIN_EXE_doorward")).args(["demo", "--once"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, table) = text.split_once("\n\n").unwrap(); // the ports above it differ
    assert!(readme.contains(table.trim_end()), "README.md shows another table\n{text}");
}

/// The URL, and the body, of the printed curl line that names `part`.
fn printed(text: &str, part: &str) -> (String, Option<String>) {
    let command = text.split("  curl ").skip(1).find(|command| command.contains(part)).unwrap();
    let command = command.split("\n\n").next().unwrap();
    let url = command.split([' ', '\'']).find(|word| word.starts_with("http://")).unwrap();
    let body = command.split_once("-d '").map(|(_, rest)| rest.split_once('\'').unwrap().0.to_owned());
    (url.to_owned(), body)
}

#[tokio::test]
async fn the_printed_commands_go_through_a_challenge() {
    let elsewhere = tempfile::tempdir().unwrap();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_doorward"))
        .arg("demo")
        .env("TMPDIR", elsewhere.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let read = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        for line in lines.by_ref().map_while(Result::ok) {
            text.push_str(&line);
            text.push('\n');
            if line == "Ctrl-C ends the demo." {
                return (text, lines);
            }
        }
        panic!("the demo ended: {text}");
    });
    let (text, _lines) = read.await.unwrap();
    let token = text.split_once("Authorization: Bearer ").unwrap().1.split('\'').next().unwrap();
    let client = crate::support::daemon::client();
    let post = async |url: &str, body: &str| -> Value {
        let request = client.post(url).bearer_auth(token).header("content-type", "application/json");
        let response = request.body(body.to_owned()).send().await.unwrap();
        serde_json::from_str(&response.text().await.unwrap()).unwrap()
    };
    let (url, body) = printed(&text, "/sms-code/authenticate");
    let asked = post(&url, &body.unwrap()).await;
    assert_eq!(asked["verdict"], "challenge", "{asked}");
    let (url, _) = printed(&text, "/demo/phone?login=zhangsan");
    let phone: Value = serde_json::from_str(&client.get(url).send().await.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(phone["messages"].as_array().unwrap().last().unwrap()["for"], "sms-code, sms-login");
    assert_eq!(phone["authenticator"]["for"], "totp");
    let message = phone["messages"].as_array().unwrap().last().unwrap()["text"].as_str().unwrap();
    let code = message.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 6).unwrap();
    let (url, body) = printed(&text, "/v1/challenges");
    let body = body.unwrap();
    let with = |code: &str, asked: &Value| {
        body.replace("ID", asked["challenge"]["id"].as_str().unwrap()).replace("CODE", code)
    };
    let wrong = if code == "000000" { "111111" } else { "000000" };
    let again = post(&url, &with(wrong, &asked)).await;
    assert_eq!((&again["verdict"], &again["challenge"]["attempts_left"]), (&json!("challenge"), &json!(2)), "{again}");
    assert_eq!(post(&url, &with(code, &asked)).await["reason"], "challenge_expired", "an id is good once");
    let accepted = post(&url, &with(code, &again)).await;
    assert_eq!((&accepted["verdict"], &accepted["subject"]), (&json!("accept"), &json!("zhangsan")), "{accepted}");
    assert!(Command::new("kill").arg(demo.id().to_string()).status().unwrap().success());
    assert!(demo.wait().unwrap().success());
}
