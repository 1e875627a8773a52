//! The API's description against the live daemon: schemathesis makes up calls that it allows and calls that it forbids,
//! and holds every answer against it. All of its checks are on, with one allowance (`ALLOWED`).
//!
//! One thing the description cannot say, because connector files decide it: which connectors there are and what each one
//! takes. The daemon says that at `/v1/connectors`; this test writes it into the description before it is tried, as a
//! console would that makes forms of it.
//!
//! schemathesis comes from PyPI, pinned with all that it needs, into a virtual environment under target/. Where it cannot
//! be had the test says so in one line and is done; in CI (`CI=true`) that is a failure.

use std::path::{Path, PathBuf};
use std::process::Command;

use axum::Router;
use axum::routing::post;
use serde_json::{Value, json};

use crate::support::daemon::{Daemon, Home, TOKEN};

/// A run makes up the same calls every time; `SCHEMATHESIS_SEED=7` makes up others.
const SEED: &str = "20260102";

/// Calls an operation and phase; a run takes some twenty seconds.
const EXAMPLES: &str = "40";

/// 503 is the verdict unavailable, and the honest answer to `timeout_ms: 1`; any other 5xx is a failure.
const ALLOWED: &str = "[checks.not_a_server_error]\nexpected-statuses = [\"2xx\", \"3xx\", \"4xx\", \"503\"]\n";

/// schemathesis, installed if need be; why not, if it cannot be.
fn schemathesis() -> Result<PathBuf, String> {
    let pins = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/schemathesis.txt");
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemathesis");
    let program = place.join("bin/schemathesis");
    let (done, wanted) = (place.join("installed.txt"), std::fs::read_to_string(&pins).unwrap());
    if std::fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
        return Ok(program);
    }
    let run = |program: &Path, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
        if output.status.success() { Ok(()) } else { Err(format!("{}: {said}", arguments.join(" "))) }
    };
    run(Path::new("python3"), &["-m", "venv", "--clear", place.to_str().unwrap()])?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    run(&place.join("bin/python"), &[&pip[..], &[pins.to_str().unwrap()]].concat())?;
    std::fs::write(done, wanted).unwrap();
    Ok(program)
}

/// An authentication server: a code and some data, whatever is asked; 200 for the right secret.
async fn upstream() -> String {
    let answer = async |body: axum::Json<Value>| {
        let code = if body["secret"] == "123456" { 200 } else { 500 };
        axum::Json(json!({ "code": code, "msg": "as asked", "data": { "id": 7 } }))
    };
    let router = Router::new().route("/ask", post(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

const LOGIN: &str = r#"version: 1
input: { attributes: { floor: { max: 400 }, device: { required: true } } }
steps:
  - name: login
    request: { method: POST, url: "BASE/ask", body: { json: { secret: "{{user.userPassword}}" , name: "{{user.username}}" } } }
    response:
      reject: [ { when: { field: code, equals: 500 }, reason: invalid_credentials } ]
      success: { field: code, equals: 200 }
      map: { error_code: code, error_message: msg, extension: data, attributes: { id: data.id } }
"#;

/// Asks for a code whatever the password is, so that challenges come up.
const CODE: &str = r#"version: 1
steps:
  - name: login
    request: { method: POST, url: "BASE/ask", body: { json: { secret: "{{user.userPassword}}" , name: "{{user.username}}" } } }
    response: { more: { field: code, in: [ 200, 500 ] }, success: { field: code, equals: 1 } }
  - name: verify
    ask:
      type: sms
      message: code
      fields: [ { name: code, label: code, pattern: "[0-9]{6}" } ]
      attempts: 5
    request: { method: POST, url: "BASE/ask", body: { json: { secret: "{{answer.code}}" } } }
    response: { success: { field: code, equals: 200 } }
"#;

const UTILITY: &str = r#"version: 1
kind: utility
input: { attributes: { size: {}, mobile: { required: true, max: 500 } } }
steps:
  - name: fetch
    request: { method: POST, url: "BASE/ask", body: { json: { name: "{{user.username}}", to: "{{user.mobile}}" } } }
    response: { success: { field: code, exists: true }, map: { extension: data } }
"#;

/// The description with what the connectors of this daemon take.
async fn description(daemon: &Daemon) -> Value {
    let page = async |path: &str| -> Value {
        let (status, text) = daemon.call("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    };
    let (mut document, list) = (page("/openapi.json").await, page("/v1/connectors").await);
    let connectors = list["connectors"].as_array().unwrap();
    assert_eq!(connectors.len(), 3, "{list:#}");
    let schemas = document["components"]["schemas"].clone();
    let paths = document["paths"].as_object_mut().unwrap();
    let general: Vec<String> = paths
        .iter()
        .filter(|(path, item)| path.contains("{id}") && item.get("post").is_some())
        .map(|(path, _)| path.clone())
        .collect();
    let mut own = serde_json::Map::new();
    for path in general {
        let item = paths.remove(&path).unwrap();
        let utility = path.contains("utilities");
        for connector in connectors.iter().filter(|connector| (connector["kind"] == "utility") == utility) {
            let id = connector["id"].as_str().unwrap();
            let mut item = item.clone();
            item.as_object_mut().unwrap().remove("parameters");
            let operation = &mut item["post"];
            operation["operationId"] = format!("{}-{id}", operation["operationId"].as_str().unwrap()).into();
            let content = &mut operation["requestBody"]["content"]["application/json"];
            content["schema"] = narrowed(&schemas, &content["schema"], connector, utility);
            own.insert(path.replace("{id}", id), item);
        }
    }
    paths.extend(own);
    // Made-up tokens and ids open nothing there: tests/it/sessions.rs has these pages.
    paths.retain(|path, _| !path.starts_with("/v1/sessions") && path != "/.well-known/jwks.json");
    let ids: Vec<&Value> = connectors.iter().map(|connector| &connector["id"]).collect();
    document["paths"]["/v1/connectors/{id}"]["parameters"][0]["schema"] = json!({ "enum": ids });
    document
}

/// The schema of a body for one connector: its attributes and no others, its user name if it reads one.
fn narrowed(schemas: &Value, general: &Value, connector: &Value, utility: bool) -> Value {
    let name = general["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
    let mut schema = schemas[name].clone();
    let member = if utility { "inputs" } else { "attributes" };
    let (mut properties, mut required) = (serde_json::Map::new(), Vec::new());
    for (name, rule) in connector["inputs"]["attributes"].as_object().unwrap() {
        // The bound counts the text of a number, too, which a schema cannot say; none is that long.
        let scalar = json!({ "type": ["string", "number", "boolean"], "maxLength": rule["max"] });
        properties.insert(name.clone(), scalar);
        if rule["required"] == true {
            required.push(name.clone());
        }
    }
    let mut also = Vec::new();
    if !required.is_empty() {
        also.push(member);
    }
    if utility && connector["inputs"]["username"] == true {
        also.push("username");
        schema["properties"]["username"] = json!({ "type": "string", "minLength": 1 });
    }
    if !utility && connector["inputs"]["password"] == true {
        also.push("password");
    }
    schema["properties"][member] =
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
    let mut wanted: Vec<Value> = schema["required"].as_array().cloned().unwrap_or_default();
    wanted.extend(also.into_iter().map(Value::from));
    schema["required"] = wanted.into();
    schema
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_is_as_its_description_says() {
    let program = match schemathesis() {
        Ok(program) => program,
        Err(why) if std::env::var_os("CI").is_some_and(|ci| ci == "true") => {
            panic!("schemathesis cannot be had: {why}")
        }
        Err(why) => {
            eprintln!("left out: schemathesis cannot be had ({why})");
            return;
        }
    };
    let base = upstream().await;
    // Made-up users come from anywhere and fail all the time.
    let home = Home::new("guard: { enabled: false }");
    for (id, text) in [("login", LOGIN), ("code", CODE), ("utility", UTILITY)] {
        home.connector(id, &text.replace("BASE", &base));
    }
    let daemon = home.start();
    let file = home.path("openapi.json");
    std::fs::write(&file, description(&daemon).await.to_string()).unwrap();
    std::fs::write(home.path("schemathesis.toml"), ALLOWED).unwrap();
    let mut command = tokio::process::Command::new(program);
    command.arg("--config-file").arg(home.path("schemathesis.toml"));
    command.arg("run").arg(&file).args(["--url", &daemon.base, "--header", &format!("Authorization: Bearer {TOKEN}")]);
    let seed = std::env::var_os("SCHEMATHESIS_SEED").unwrap_or_else(|| SEED.into());
    command.arg("--seed").arg(seed);
    command.args(["--max-examples", EXAMPLES, "--generation-database", "none", "--no-color"]);
    // It leaves its reports and examples where it stands.
    command.args(["--continue-on-failure", "--checks", "all"]).current_dir(home.directory.path());
    let done = command.output().await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}");
    assert!(said.contains("No issues found"), "{said}");
}
