//! A daemon with doors, a connector and an upstream that knows a few people.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use doorward::attempt::about;
use doorward::attempt::connectors::{ConnectorSummary, Health};
use doorward::config::TokenHash;
use doorward::diagnostic::{Severity, Style, render};
use doorward::door::check::{CheckedDoor, ConnectorState, DoorContext, check};
use doorward::door::plan::Door;
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::daemon::{Daemon, Home, client, wait_until};
use crate::support::loader::to_loopback;

pub const KEY: &str = "door-key";

/// Once as many were counted, who types `hang` gets an answer.
pub const RELEASED: usize = 1000;

/// The upstream's people: `zhangsan` with `123456`; ` ADMIN` is trimmed and folded to `admin` by it; `nobody` is told no name; `down`
/// is trouble; a `group` of the password's own words is what the upstream says.
async fn login(State(asked): State<Arc<AtomicUsize>>, Json(body): Json<Value>) -> Result<Json<Value>, StatusCode> {
    asked.fetch_add(1, Ordering::SeqCst);
    let (user, password) = (body["user"].as_str().unwrap(), body["password"].as_str().unwrap());
    while password == "hang" && asked.load(Ordering::SeqCst) < RELEASED {
        tokio::time::sleep_until(tokio::time::Instant::now() + std::time::Duration::from_millis(5)).await;
    }
    if user == "down" {
        return Err(StatusCode::BAD_GATEWAY);
    }
    let accept = |user: &str, group: &str| Json(json!({ "code": 200, "token": "t", "user": user, "group": group }));
    Ok(match (user, password) {
        (" ADMIN", _) => accept("admin", "ops"),
        ("nobody", _) => accept("", "ops"),
        (_, "123456" | "hang") => accept(user, "dev"),
        (_, "code" | "push" | "renew" | "picture" | "fresh") => {
            Json(json!({ "code": 461, "user": user, "next": password }))
        }
        (_, group) if group.starts_with("group ") => accept(user, &group[6..]),
        ("locked", _) => Json(json!({ "code": 423, "msg": "locked until noon" })),
        (_, message) if message.starts_with("say ") => Json(json!({ "code": 500, "msg": &message[4..] })),
        _ => Json(json!({ "code": 500, "msg": "wrong name or password" })),
    })
}

/// `246810` is right, and a new password that was repeated.
async fn factor(State(asked): State<Arc<AtomicUsize>>, Json(body): Json<Value>) -> Json<Value> {
    asked.fetch_add(1, Ordering::SeqCst);
    // ` ADMIN` again, behind a code.
    let user = if body["user"] == "FOLDED" { json!("folded") } else { body["user"].clone() };
    let same = body.get("again").map_or(body["code"] == "246810", |again| *again == body["code"]);
    Json(if same {
        json!({ "code": 200, "token": "t", "user": user })
    } else {
        json!({ "code": 500, "msg": "wrong code" })
    })
}

/// `slow` is never confirmed, everybody else at the third question.
async fn push(State(asked): State<Arc<AtomicUsize>>, Json(body): Json<Value>) -> Json<Value> {
    let count = asked.fetch_add(1, Ordering::SeqCst);
    Json(if body["user"] == "slow" || count < 3 {
        json!({ "code": 202 })
    } else {
        json!({ "code": 200, "token": "t", "user": body["user"] })
    })
}

pub fn connector(base: &str, more: &str) -> String {
    format!(
        r#"version: 1
transport: {{ timeout: 3s }}
{more}
settings: {{ base: "{base}" }}
steps:
  - name: login
    request:
      method: POST
      url: "${{base}}/login"
      body: {{ json: {{ user: "{{{{user.username}}}}", password: "{{{{user.userPassword}}}}" }} }}
    response:
      format: json
      reject:
        - {{ when: {{ field: code, equals: 423 }}, reason: account_locked }}
        - {{ when: {{ field: code, equals: 500 }}, reason: invalid_credentials }}
      success: {{ all: [ {{ field: code, equals: 200 }}, {{ field: token, has_value: true }} ] }}
      identity: {{ field: user, match: report }}
      map: {{ error_message: msg, attributes: {{ group: group }} }}
"#
    )
}

/// The same upstream with further factors: a code after the password `code`, a confirmation after `push`, a new password after `renew`, a
/// picture after `picture`.
pub fn factors(base: &str) -> String {
    let step = |name: &str, asked: &str, rest: &str| {
        format!(
            r#"  - name: {name}
    when: {{ var: steps.login.next, equals: {name} }}
    role: factor
    ask: {{ {asked}, attempts: 3, expires_in: 5m }}
    request: {{ method: POST, url: "${{base}}/{name}", body: {{ json: {{ user: "{{{{user.username}}}}"{rest} }} }} }}
    response:
      format: json
      reject: [ {{ when: {{ field: code, equals: 500 }}, reason: mfa_failed }} ]
      success: {{ all: [ {{ field: code, equals: 200 }}, {{ field: token, has_value: true }} ] }}
      identity: user
      map: {{ error_message: msg }}
"#
        )
    };
    let code = step(
        "code",
        "type: sms, message: \"one for {{user.username}}\", fields: [ { name: code, label: Code, echo: true } ]",
        r#", code: "{{answer.code}}""#,
    );
    let picture = step(
        "picture",
        "type: captcha, image: \"data:image/png;base64,iVBORw0KGgo=\", fields: [ { name: text } ]",
        r#", code: "{{answer.text}}""#,
    );
    let renew = step(
        "renew",
        "type: renew_password, message: choose, fields: [ { name: new, label: New }, { name: again, label: Again } ]",
        r#", code: "{{answer.new}}", again: "{{answer.again}}""#,
    );
    let fresh = step(
        "fresh",
        "type: renew_password, message: choose, fields: [ { name: password } ]",
        r#", code: "{{answer.password}}""#,
    );
    let push = step("push", "type: push, message: press, poll_after: 100ms", "")
        .replace("      reject:", "      pending: { field: code, equals: 202 }\n      reject:");
    let login = connector(base, "")
        .replace("identity: { field: user, match: report }", "identity: user")
        .replace("      success:", "      more: { field: code, equals: 461 }\n      success:")
        .replace("      map:", "      capture: { next: { field: next, optional: true } }\n      map:");
    format!("{login}{code}{picture}{renew}{fresh}{push}")
}

/// The same without a confirmation, and with the upstream's name handed over instead of compared.
pub fn factors_reporting(base: &str) -> String {
    let all = factors(base);
    let (rest, _) = all.split_once("  - name: push").unwrap();
    rest.replace("identity: user", "identity: { field: user, match: report }")
}

/// What `door::check` hears of this connector.
pub async fn summary(yaml: &str) -> ConnectorSummary {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("corp-4a.yaml");
    std::fs::write(&file, yaml).unwrap();
    let loaded = to_loopback().load(&[file]).await.remove(0);
    let live = loaded.live.unwrap_or_else(|| panic!("{}", render(&loaded.diagnostics, Style::Plain)));
    about(&live.connector, Health::Current)
}

/// Checks a door with what is known of its connectors.
pub fn checked(name: &str, yaml: &str, connector: &dyn Fn(&str) -> ConnectorState) -> CheckedDoor {
    check(Path::new(&format!("{name}.yaml")), yaml.to_owned(), &DoorContext { clients: None, connector })
}

/// Checks a door alone.
pub fn alone(yaml: &str) -> (Option<Door>, String) {
    let CheckedDoor { door, diagnostics, .. } = checked("door", yaml, &|_| ConnectorState::NotAsked);
    assert_eq!(door.is_none(), diagnostics.iter().any(|it| it.severity == Severity::Error));
    (door, render(&diagnostics, Style::Plain))
}

/// A shipped door without its golden cases, which end the file: a test may change it.
pub fn shipped(name: &str) -> String {
    let whole = whole(name);
    let (door, _) = whole.split_once("\ntests:\n").unwrap_or_else(|| panic!("{name} has no golden cases"));
    format!("{door}\n")
}

/// A shipped door as it is.
pub fn whole(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("doors/{name}.yaml"));
    std::fs::read_to_string(path).unwrap()
}

pub fn replaced(yaml: &str, old: &str, new: &str) -> String {
    assert!(yaml.contains(old), "no `{old}` in\n{yaml}");
    yaml.replacen(old, new, 1)
}

/// A daemon with all these doors, whose clients have the key [`KEY`].
pub struct Lab {
    pub home: Home,
    pub daemon: Daemon,
    /// How often the upstream was asked.
    pub asked: Arc<AtomicUsize>,
    pub http: reqwest::Client,
}

impl Lab {
    pub async fn start(doors: &[(&str, &str)]) -> Self {
        Self::with("", doors).await
    }

    pub async fn with(connector_keys: &str, doors: &[(&str, &str)]) -> Self {
        let (asked, base) = upstream().await;
        let home = home(&base, connector_keys, doors);
        let daemon = home.start();
        Self { home, daemon, asked, http: client() }
    }

    /// With another doorward.yaml.
    pub async fn edited(edit: impl FnOnce(String) -> String, doors: &[(&str, &str)]) -> Self {
        let (asked, base) = upstream().await;
        let home = home(&base, "", doors);
        let file = home.path("doorward.yaml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, edit(text)).unwrap();
        let daemon = home.start();
        Self { home, daemon, asked, http: client() }
    }

    /// With a connector that asks for more, and `more` in doorward.yaml.
    pub async fn asking(more: &str, doors: &[(&str, &str)]) -> Self {
        Self::asking_as(factors, more, doors).await
    }

    /// The same with a connector of one's own.
    pub async fn asking_as(connector: fn(&str) -> String, more: &str, doors: &[(&str, &str)]) -> Self {
        let (asked, base) = upstream().await;
        let home = home(&base, "", doors);
        home.connector("corp-4a", &connector(&base));
        let file = home.path("doorward.yaml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{text}{more}")).unwrap();
        let daemon = home.start();
        Self { home, daemon, asked, http: client() }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.daemon.base)
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// A gateway's request.
    pub async fn basic(&self, path: &str, user: &str, password: &str) -> Heard {
        let request = self.http.get(self.url(path)).header("x-door-key", KEY).basic_auth(user, Some(password));
        Heard::of(request).await
    }

    /// The audit trail, once it has as many lines.
    pub fn audit(&self, lines: usize) -> Vec<String> {
        let file = self.home.path("audit.jsonl");
        let read = || std::fs::read_to_string(&file).unwrap_or_default();
        wait_until(|| read().lines().count() >= lines);
        read().lines().map(str::to_owned).collect()
    }

    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Heard {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.raw_form(path, body).await
    }

    pub async fn raw_form(&self, path: &str, body: String) -> Heard {
        let request = self.http.post(self.url(path)).header("content-type", "application/x-www-form-urlencoded");
        Heard::of(request.body(body)).await
    }

    pub async fn json(&self, path: &str, header: &str, body: &str) -> Heard {
        let request = self.http.post(self.url(path)).header(header, KEY).header("content-type", "application/json");
        Heard::of(request.body(body.to_owned())).await
    }
}

pub struct Heard {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: String,
}

impl Heard {
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.text().await.unwrap() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}", self.body))
    }
}

async fn upstream() -> (Arc<AtomicUsize>, String) {
    let asked = Arc::new(AtomicUsize::new(0));
    let router = Router::new()
        .route("/login", post(login))
        .route("/code", post(factor))
        .route("/picture", post(factor))
        .route("/renew", post(factor))
        .route("/fresh", post(factor))
        .route("/push", post(push))
        .with_state(Arc::clone(&asked));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (asked, base)
}

/// doorward.yaml, the connector and the doors; each door's client is there.
pub fn home(base: &str, connector_keys: &str, doors: &[(&str, &str)]) -> Home {
    let home = Home::new("");
    let one = |name: &str, key: &str, scope: &str| {
        format!("  - {{ name: {name}, token: \"{}\", scopes: [ {scope} ] }}\n", TokenHash::of(key))
    };
    let clients = ["edge", "broker", "atrust", "mail", "radius", "files", "xmpp", "identity"];
    let clients: String = clients.iter().map(|name| one(name, &key_of(name), "door")).collect();
    let text = format!(
        "listen: \"127.0.0.1:0\"\nconnectors: connectors\ndoors: doors\negress: {{ allow: [ 127.0.0.0/8 ] }}\n\
         audit: {{ file: audit.jsonl }}\nguard: {{ enabled: false }}\nclients:\n{clients}{}",
        one("console", crate::support::daemon::TOKEN, "authenticate, read, reload")
    );
    std::fs::write(home.path("doorward.yaml"), text).unwrap();
    home.connector("corp-4a", &connector(base, connector_keys));
    std::fs::create_dir(home.path("doors")).unwrap();
    for (name, yaml) in doors {
        std::fs::write(home.path("doors").join(format!("{name}.yaml")), yaml).unwrap();
    }
    home
}

/// Two clients may not share a token; a door's tests take the key of its client.
pub fn key_of(client: &str) -> String {
    if client == "edge" { KEY.to_owned() } else { format!("{KEY}-{client}") }
}
