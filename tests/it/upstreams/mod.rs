//! Connectors against real servers (../shared/upstreams and tests/upstreams), which `make test-upstreams` starts: right, wrong and hostile
//! names and passwords, through the flow with the real client and once through the daemon.
//!
//! `DOORWARD_UPSTREAMS` names the servers that run. Without it a test says so in one line and goes on, so that the crate
//! can be tested anywhere. All of them talk to the same few accounts, so they run one after the other
//! (.config/nextest.toml).

mod apache;
mod browser;
mod django;
pub mod door;
mod gm;
mod grants;
mod lemonldap;
mod moto;
mod ntlm;
mod oauth1;
mod oauth2;
mod oidc;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use self::door::Door;
use crate::support::daemon::{Daemon, Home};

/// An account that tests/upstreams.sh makes on servers that let it.
const HOSTILE_USER: &str = "o'brien \"周八\" &=+%<x>";
const HOSTILE_PASSWORD: &str = "p'w\"d\r\n:&=+%#;<>{{x}}${base} ü周八 ";

/// What people type to break a login, and what careless connectors break on; no account has such a name or password.
const HOSTILE: &[&str] = &[
    "' or '1'='1' -- ",
    "a\"b'c\\",
    "alice\r\nSet-Cookie: sessionid=x",
    "alice\nbob",
    "alice\0",
    "\0alice",
    "a:b",
    "alice&password=x&username=bob&token=y",
    "alice%26%0d%0a%00+",
    "</input><script>alert(1)</script>",
    "{{user.userPassword | md5}}${base}",
    "../../admin?x=1#y",
    "周八 \u{3000}\u{202e}e\u{301}\u{1f600}",
    "*)(uid=*))(|(uid=*",
];

/// The folder in which the server of this name keeps its files; `None` (and a line) when it does not run.
fn running(name: &str) -> Option<PathBuf> {
    let Some(running) = std::env::var_os("DOORWARD_UPSTREAMS").and_then(|names| names.into_string().ok()) else {
        println!("not asked for: `make test-upstreams` tests against real servers");
        return None;
    };
    if running.split(' ').any(|one| one == name) {
        // Where the scripts put it, too, when nothing is said.
        let root = std::env::var_os("UPSTREAMS_RUN").map(PathBuf::from);
        return Some(root.unwrap_or_else(|| std::env::temp_dir().join("doorward-upstreams")).join(name));
    }
    println!("{name} does not run here");
    None
}

/// A file of the repository.
fn repository(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// A connector that is shipped for a product.
fn product(id: &str) -> PathBuf {
    repository(&format!("connectors/products/{id}.yaml"))
}

/// The text of the same, pointed at `base`.
fn shipped(id: &str, base: &str) -> String {
    pointed_at(&std::fs::read_to_string(product(id)).unwrap(), base)
}

/// The text of a connector, pointed at `base`.
fn pointed_at(text: &str, base: &str) -> String {
    let settings = text.lines().find(|line| line.starts_with("  base: ")).unwrap();
    text.replacen(settings, &format!("  base: \"{base}\""), 1)
}

/// The daemon with connectors of ours.
struct Served {
    daemon: Daemon,
    _home: Home,
}

impl Served {
    /// Each connector by its id and the text of its file; `more` is for doorward.yaml.
    fn start(more: &str, connectors: &[(&str, &str)]) -> Self {
        let home = Home::new(more);
        for (id, text) in connectors {
            home.connector(id, text);
        }
        Self::of(home)
    }

    /// What is laid out in `home`.
    fn of(home: Home) -> Self {
        Self { daemon: home.start(), _home: home }
    }

    /// Logs in through the API and returns the verdict's word (as [`door::word`]) and its body.
    async fn login(&self, id: &str, username: &str, password: &str) -> (String, Value) {
        let (status, body) = self.daemon.login(id, username, password).await;
        said(status, body)
    }

    /// Goes on with a challenge.
    async fn challenge(&self, body: Value) -> (String, Value) {
        let (status, text) = self.daemon.call("POST", "/v1/challenges", Some(body)).await;
        said(status, serde_json::from_str(&text).unwrap())
    }

    /// A send test, whose trace must not show the password.
    async fn traced(&self, id: &str, username: &str, password: &str) -> (String, Value) {
        let call = json!({ "username": username, "password": password });
        let (status, text) = self.daemon.call("POST", &format!("/v1/connectors/{id}/test"), Some(call)).await;
        for shown in [&text, &self.daemon.log()] {
            for secret in [password.to_owned(), password.replace(' ', "+"), password.replace(' ', "%20")] {
                assert!(!shown.contains(&secret), "the password is shown: {shown}");
            }
        }
        let body: Value = serde_json::from_str(&text).unwrap();
        said(status, body)
    }
}

/// A CAS connector that takes the account from an attribute, as if the console let its users choose: the ticket is good, and
/// `user`'s, which the validation says.
async fn cas_for_somebody_else(id: &str, settings: &[(&str, &str)], (user, password, other): (&str, &str, &str)) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.yaml");
    let text = std::fs::read_to_string(product(id)).unwrap();
    let (text, _) = text.split_once("\ntests:\n").unwrap();
    let text = text.replace("{{user.username}}", "{{user.account}}");
    std::fs::write(&file, format!("{text}\ninput: {{ attributes: {{ account: {{ required: true }} }} }}\n")).unwrap();
    let door = Door::open(&file, settings).await;
    for (username, expected) in [(user, "accept"), (other, "reject(identity_mismatch)")] {
        let report = door.login_with(username, password, &[("account", user)]).await;
        assert_eq!(door::word(&report), expected, "{username}: {}", report.explain);
    }
}

/// The word of a reply, which must have the status of its verdict.
fn said(status: u16, body: Value) -> (String, Value) {
    let verdict = body["verdict"]["verdict"].as_str().or(body["verdict"].as_str()).unwrap_or_else(|| panic!("{body}"));
    let (expected, word) = match verdict {
        "reject" => (403, format!("reject({})", body["reason"].as_str().unwrap_or_default())),
        "unavailable" => (503, format!("unavailable({})", body["cause"].as_str().unwrap_or_default())),
        "challenge" => (401, verdict.to_owned()),
        "accept" => (200, verdict.to_owned()),
        other => (500, other.to_owned()),
    };
    assert_eq!(status, expected, "{body}");
    (word, body)
}
