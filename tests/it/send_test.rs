//! `doorward test` from outside: the real binary against an upstream in this process.

mod answers;
mod canary;
mod picture;
mod rules;
mod terminal;
mod upstream;

use std::path::Path;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use self::upstream::Upstream;

/// The connector of most tests; `BASE` is the upstream's origin.
const LOGIN: &str = r#"version: 1
settings: { base: "BASE" }
input: { attributes: { device_id: {} } }
steps:
  - name: login
    public: [ user.device_id ]
    request:
      method: POST
      url: "${base}/login"
      headers: { X-Device: "{{user.device_id | default(\"none\")}}" }
      body: { json: { user-name: "{{user.username}}", password: "{{user.userPassword}}" } }
    response:
      format: json
      reject:
        - { when: { field: code, equals: 500 }, reason: invalid_credentials }
      success: { all: [ { field: code, equals: 200 }, { field: result.token, exists: true } ] }
      identity: { field: result.name, match: ignore_case }
      capture: { token: { field: result.token }, level: { field: result.level, public: true } }
      map: { error_code: code, error_message: msg, extension: result, attributes: { display_name: result.name } }
"#;

/// What a command came to.
#[derive(Debug)]
pub struct Done {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Done {
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs `doorward test` in `directory` with `input` on its standard input.
async fn send_test(directory: &Path, arguments: &[&str], input: &str) -> Done {
    let mut child = Command::new(env!("CARGO_BIN_EXE_doorward"))
        .arg("test")
        .args(arguments)
        .current_dir(directory)
        .env_remove("CLICOLOR_FORCE")
        .env("SEND_TEST_KEY", "sk-live-0123456789")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that ends early does not read it.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// A directory with `connectors/corp.yaml`.
fn place(connector: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    std::fs::create_dir(place.path().join("connectors")).unwrap();
    std::fs::write(place.path().join("connectors/corp.yaml"), connector).unwrap();
    place
}

const BY_ID: [&str; 4] = ["corp", "--username", "zhangsan", "--password-stdin"];

#[tokio::test]
async fn the_exit_code_is_the_verdict() {
    let upstream = Upstream::start().await;
    let place = place(&LOGIN.replace("BASE", &upstream.origin));
    for (password, code, word) in [
        ("right", 0, "accept"),
        ("wrong", 1, "reject  invalid_credentials"),
        ("other", 1, "reject  identity_mismatch"),
        ("page", 3, "unavailable  unexpected_reply"),
        ("503", 3, "unavailable  upstream_error"),
        ("", 1, "reject  invalid_input"),
    ] {
        let done = send_test(place.path(), &BY_ID, password).await;
        assert_eq!(done.code, Some(code), "{password}: {done:?}");
        assert_eq!(done.out.lines().next(), Some(word), "{password}: {done:?}");
        assert!(!done.out.contains('\u{1b}'), "a pipe gets no colours");
        let json = send_test(place.path(), &[&BY_ID[..], &["--json"]].concat(), password).await;
        assert_eq!(json.code, Some(code), "{password}: {json:?}");
        assert_eq!(json.json()["verdict"]["verdict"], word.split(' ').next().unwrap());
    }
    assert_eq!(upstream.asked(), 10, "each test sends once, and an empty password is not sent");
}

#[tokio::test]
async fn an_upstream_that_is_away_is_unavailable() {
    let upstream = Upstream::start().await;
    let place = place(&LOGIN.replace("BASE", "http://127.0.0.1:1"));
    let done = send_test(place.path(), &BY_ID, "right").await;
    assert_eq!(done.code, Some(3), "{done:?}");
    assert!(done.out.contains("unavailable  connect\n  login: connecting to 127.0.0.1:1 was refused"), "{}", done.out);
    // The same connector, told where its upstream is.
    let there = format!("base={}", upstream.origin);
    let done = send_test(place.path(), &[&BY_ID[..], &["--set", &there]].concat(), "right").await;
    assert_eq!(done.code, Some(0), "{done:?}");
}

#[tokio::test]
async fn a_file_or_an_id() {
    let upstream = Upstream::start().await;
    let place = place(&LOGIN.replace("BASE", &upstream.origin));
    let rest = ["--username", "zhangsan", "--password-stdin"];
    for first in [vec!["connectors/corp.yaml"], vec!["corp", "--connectors", "connectors"]] {
        let done = send_test(place.path(), &[&first[..], &rest].concat(), "right").await;
        assert_eq!(done.code, Some(0), "{done:?}");
    }
    for (first, words) in [
        ("crop", "did you mean corp?"),
        ("connectors/crop.yaml", "there is no file"),
        ("nothing-like-it", "there is no connector"),
    ] {
        let done = send_test(place.path(), &[&[first][..], &rest].concat(), "right").await;
        assert_eq!(done.code, Some(64), "{done:?}");
        assert!(done.err.contains(words), "{done:?}");
    }
}

#[tokio::test]
async fn a_mistake_of_the_caller_is_64_and_sends_nothing() {
    let upstream = Upstream::start().await;
    let place = place(&LOGIN.replace("BASE", &upstream.origin));
    for (more, input, words) in [
        (vec!["--attribute", "device_di=1"], "right", "did you mean device_id?"),
        (vec!["--attribute", "device_id"], "right", "NAME=VALUE"),
        (vec!["--attribute", "device_id=1", "--attribute", "device_id=2"], "right", "given twice"),
        (vec!["--secret-from", "key=nowhere"], "right", "cannot be read from nowhere"),
        (vec!["--secret-from", "key=connectors/corp.yaml"], "right", "has no secret key"),
        (vec!["--client-ip", "10.0.0.300"], "right", "invalid value"),
        (vec![], "two\nlines", "more than one line"),
    ] {
        let done = send_test(place.path(), &[&BY_ID[..], &more].concat(), input).await;
        assert_eq!(done.code, Some(64), "{more:?}: {done:?}");
        assert!(done.err.contains(words), "{more:?}: {done:?}");
        assert_eq!(done.out, "", "{more:?}");
    }
    let done = send_test(place.path(), &BY_ID[..3], "right").await;
    assert_eq!(done.code, Some(64), "{done:?}");
    assert!(done.err.contains("--password-stdin"), "{done:?}");
    assert_eq!(upstream.asked(), 0);
}

#[tokio::test]
async fn a_connector_that_does_not_load_is_misconfigured() {
    let place = place(&LOGIN.replace("BASE", "https://4a.example.com").replace("method:", "metod:"));
    let done = send_test(place.path(), &BY_ID, "right").await;
    assert_eq!(done.code, Some(4), "{done:?}");
    assert!(done.err.contains("did you mean `method`?"), "{done:?}");
    let json = send_test(place.path(), &[&BY_ID[..], &["--json"]].concat(), "right").await;
    assert_eq!(json.code, Some(4));
    assert_eq!(json.json()["verdict"]["verdict"], "misconfigured");
    assert_eq!(json.json()["diagnostics"][0]["line"], 8, "{json:?}");
}

#[tokio::test]
async fn the_password_passes_byte_for_byte() {
    let upstream = Upstream::start().await;
    let place = place(&LOGIN.replace("BASE", &upstream.origin));
    for (input, password) in [
        ("pw\n", "pw"),
        ("pw\r\n", "pw"),
        (" p w\t\n", " p w\t"),
        ("pw\r", "pw\r"),
        ("ñ登录\u{301}", "ñ登录\u{301}"),
        ("{{user.username}} ${base}\n", "{{user.username}} ${base}"),
    ] {
        send_test(place.path(), &BY_ID, input).await;
        assert_eq!(upstream.last_json()["password"], password, "{input:?}");
    }
}

#[tokio::test]
async fn a_trace_names_everything_and_shows_by_allow_list() {
    let upstream = Upstream::start().await;
    let place = place(&LOGIN.replace("BASE", &upstream.origin));
    let arguments = [&BY_ID[..], &["--attribute", "device_id=phone-7", "--json"]].concat();
    let done = send_test(place.path(), &arguments, "right").await.json();
    assert_eq!(done["explain"], "login: field \"code\" equals 200 (it is 200) (HTTP 200)");
    assert_eq!(done["verdict"]["extension"], "‹secret›");
    assert_eq!(done["verdict"]["extension_text"], "‹secret›");
    assert_eq!(done["verdict"]["attributes"], serde_json::json!({ "display_name": "‹secret›" }));
    assert_eq!(done["verdict"]["error_message"], "登录成功");
    let step = &done["trace"][0];
    assert_eq!(
        (&step["step"], &step["role"], &step["outcome"]),
        (&"login".into(), &"factor".into(), &"success".into())
    );
    let part = |place: &str, name: &str| {
        let parts = step["request"]["parts"].as_array().unwrap();
        parts.iter().find(|part| part["place"] == place && part["name"] == name).unwrap().clone()
    };
    let secret = |from: &str, length: usize| (serde_json::json!([from]), length.into(), "‹secret›".into());
    let seen = |part: serde_json::Value| (part["from"].clone(), part["length"].clone(), part["value"].clone());
    assert_eq!(seen(part("body", "user-name")), secret("user.username", 8));
    assert_eq!(seen(part("body", "password")), secret("user.userPassword", 5));
    assert_eq!(part("header", "X-Device")["value"], "phone-7", "declared public");
    assert_eq!(part("header", "Content-Type")["value"], "application/json", "a literal");
    let fields = step["document"]["fields"].as_array().unwrap();
    assert!(fields.iter().all(|field| field["value"] == "‹secret›"), "{fields:#?}");
    assert!(fields.iter().any(|field| field["path"] == "result.token" && field["length"] == 36), "{fields:#?}");
    let leaves = &step["rules"][1]["leaves"];
    assert_eq!((&leaves[0]["found"]["value"], &leaves[0]["decisive"]), (&200.into(), &true.into()));
    assert_eq!(leaves[1]["found"]["value"], "‹secret›", "{{ exists }} shows no value");
    assert_eq!(step["captures"][0]["value"], "‹secret›");
    assert_eq!(step["captures"][1]["value"], 3, "a public capture");
    assert_eq!((&step["identity"]["same"], &step["identity"]["found"]["value"]), (&true.into(), &"‹secret›".into()));
    let stages: Vec<&str> =
        step["timings"].as_array().unwrap().iter().map(|timing| timing["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["render", "send", "decode", "judge", "map"]);
}

/// The keys of a JSON value, at any depth.
fn keys(value: &serde_json::Value, found: &mut std::collections::BTreeSet<String>) {
    match value {
        serde_json::Value::Object(members) => members.iter().for_each(|(key, member)| {
            found.insert(key.clone());
            keys(member, found);
        }),
        serde_json::Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

/// docs/send-test.md says what `--json` is made of: every member of a step has its row there, and the row names what is in it.
#[tokio::test]
async fn the_documented_shape_is_what_is_printed() {
    let page = include_str!("../../docs/send-test.md");
    let table = page.split("| member of a step | content |").nth(1).unwrap();
    let rows: Vec<(Vec<&str>, &str)> = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split_once(" | ").unwrap())
        .map(|(names, content)| (names.split('`').skip(1).step_by(2).collect(), content))
        .collect();
    let upstream = Upstream::start().await;
    let place = place(&LOGIN.replace("BASE", &upstream.origin));
    for password in ["right", "wrong"] {
        let done = send_test(place.path(), &[&BY_ID[..], &["--json"]].concat(), password).await.json();
        for step in done["trace"].as_array().unwrap() {
            let members = step.as_object().unwrap();
            let documented: Vec<&str> = rows.iter().flat_map(|(names, _)| names.clone()).collect();
            for name in &documented {
                assert!(members.contains_key(*name), "{name} is documented and not printed: {step:#}");
            }
            for (name, member) in members {
                let row = rows.iter().find(|(names, _)| names.contains(&name.as_str()));
                let (_, content) = row.unwrap_or_else(|| panic!("{name} is printed and not documented"));
                let mut inside = std::collections::BTreeSet::new();
                keys(member, &mut inside);
                for key in inside.iter().filter(|key| !["type", "length", "value"].contains(&key.as_str())) {
                    assert!(content.contains(key.as_str()), "{name}: {key} is printed and not documented");
                }
            }
        }
    }
}

#[tokio::test]
async fn people_read_what_decided_first() {
    let upstream = Upstream::start().await;
    let place = place(&LOGIN.replace("BASE", &upstream.origin));
    let done = send_test(place.path(), &BY_ID, "wrong").await;
    let lines: Vec<&str> = done.out.lines().collect();
    assert_eq!(lines[0], "reject  invalid_credentials");
    assert_eq!(
        lines[1],
        "  login: reject row 1 says invalid_credentials: field \"code\" equals 500 (it is 500) (HTTP 200)"
    );
    assert!(
        lines[2].starts_with("  zhangsan by corp, ") && lines[2].ends_with(", the credential was sent once"),
        "{}",
        lines[2]
    );
    let decisive: Vec<&&str> = lines.iter().filter(|line| line.contains("  > ")).collect();
    assert_eq!(decisive, [&"  reject[0]    > true  field \"code\" equals 500  it is 500"], "{}", done.out);
    let order = ["login  factor", "  request ", "  reply ", "  document ", "  reject[0] ", "  map ", "  time "];
    let places: Vec<usize> =
        order.iter().map(|part| done.out.find(part).unwrap_or_else(|| panic!("{part}: {}", done.out))).collect();
    assert!(places.is_sorted(), "{places:?}: {}", done.out);
}

#[tokio::test]
async fn a_rehearsal_sends_nothing() {
    let upstream = Upstream::start().await;
    let place = place(&LOGIN.replace("BASE", &upstream.origin));
    let done = send_test(place.path(), &[&BY_ID[..], &["--render-only"]].concat(), "right").await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.out.starts_with("rendered\n  login: the request is ready; nothing was sent\n"), "{}", done.out);
    let json = send_test(place.path(), &[&BY_ID[..], &["--render-only", "--json", "--reveal"]].concat(), "right").await;
    let json = json.json();
    assert_eq!(json["verdict"], serde_json::Value::Null);
    assert_eq!(json["trace"][0]["request"]["method"], "POST");
    assert!(json["trace"][0]["reply"].is_null());
    // What cannot be rendered has its verdict.
    let done = send_test(place.path(), &[&BY_ID[..], &["--render-only"]].concat(), "").await;
    assert_eq!(done.code, Some(1), "{done:?}");
    assert_eq!(upstream.asked(), 0);
}

/// A connector with a secret in a header.
fn with_secret(base: &str) -> String {
    LOGIN
        .replace(
            "settings: { base: \"BASE\" }",
            &format!("settings: {{ base: \"{base}\" }}\nsecrets: {{ key: {{ env: SEND_TEST_KEY }} }}"),
        )
        .replace("headers: {", "headers: { X-Key: \"{{secret.key}}\",")
}

#[tokio::test]
async fn secrets_go_to_the_connectors_own_origins_only() {
    let upstream = Upstream::start().await;
    let place = place(&with_secret("https://4a.example.com"));
    std::fs::write(place.path().join("other-key"), "another-key\n").unwrap();
    let there = format!("base={}", upstream.origin);
    let elsewhere = [&BY_ID[..], &["--set", &there]].concat();
    let done = send_test(place.path(), &elsewhere, "right").await;
    assert_eq!(done.code, Some(4), "{done:?}");
    assert!(done.err.contains(&format!("the secret `key` is not sent to {}", upstream.origin)), "{done:?}");
    assert!(done.err.contains("--secret-from key=FILE"), "{done:?}");
    assert_eq!(upstream.asked(), 0);
    // Not even a rehearsal reads it.
    let done = send_test(place.path(), &[&elsewhere[..], &["--render-only", "--reveal"]].concat(), "right").await;
    assert_eq!(done.code, Some(4), "{done:?}");
    let done = send_test(place.path(), &[&elsewhere[..], &["--secret-from", "key=other-key"]].concat(), "right").await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(upstream.last_header("x-key"), "another-key");
    // The same origin in another spelling is no other one.
    let own = self::place(&with_secret(&upstream.origin));
    let spelled =
        format!("base={}/", upstream.origin.replace("127.0.0.1", "127.1").to_uppercase().replace("HTTP", "http"));
    let done = send_test(own.path(), &[&BY_ID[..], &["--set", spelled.trim_end_matches('/')]].concat(), "right").await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(upstream.last_header("x-key"), "sk-live-0123456789");
}

/// `text` without what differs from run to run: times and ports.
fn timeless(text: &str) -> String {
    #[expect(clippy::disallowed_methods, reason = "a fixed pattern of a test")]
    let varies = regex::Regex::new(r"\d+(\.\d+)? (ms|s)\b|127\.0\.0\.1:\d+").unwrap();
    varies.replace_all(text, "…").into_owned()
}

/// The connector that docs/first-connector.md ends with.
fn walked_through() -> &'static str {
    let walk = include_str!("../../docs/first-connector.md");
    let mut blocks = walk.split("```yaml\n").filter_map(|block| block.split("```").next());
    blocks.find(|block| block.starts_with("version: 1")).unwrap()
}

#[tokio::test]
async fn the_documents_show_what_the_command_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let server = doorward_demo::DemoServer::start().await.unwrap();
    let there = format!("base={}", server.base());
    let rest = ["--username", "zhangsan", "--password-stdin", "--set", &there];
    let walk = include_str!("../../docs/first-connector.md");
    let scratch = tempfile::tempdir().unwrap();
    std::fs::write(scratch.path().join("my-4a.yaml"), walked_through()).unwrap();
    for (directory, connector, password, document) in [
        (root, "connectors/foura-json-md5.yaml", "123456", include_str!("../../docs/send-test.md")),
        (scratch.path(), "my-4a.yaml", "123456", walk),
        (scratch.path(), "my-4a.yaml", "x", include_str!("../../README.md")),
    ] {
        let done = send_test(directory, &[&[connector][..], &rest].concat(), password).await;
        let printed = timeless(&done.out);
        assert!(
            timeless(document).contains(&printed),
            "{connector} {password}: a document shows another trace\n{}",
            done.out
        );
    }
}
