//! Every shipped connector through every outcome that its golden cases know, and through every trouble of an upstream: no
//! output shows the password, a packed field, a secret, or what an upstream said.
//!
//! Two kinds of canaries. *Echoes*: the upstream repeats the user's password and the connector's secrets, in clear and
//! in other forms, wherever a reply can hold them; they must be seen nowhere. *Tokens*: the upstream says something of its
//! own there; it may be seen only where the connector says so (error code and message, a public capture).
//!
//! The outputs are the send test for people and as JSON, the API's send test, problems of utilities, and the daemon's log,
//! audit trail and metrics.

mod words;

use std::collections::{BTreeMap, BTreeSet};

use doorward::api::reply;
use doorward::catalog::{Loader, files};
use doorward::connector::ConnectorKind;
use doorward::connector::Live;
use doorward::connector::check::SecretsFrom;
use doorward::connector::raw::golden::GoldenCase;
use doorward::document::Value;
use doorward::flow::Login;
use doorward::golden::{Played, login, replay, replies};
use doorward::secret::Secret;
use doorward::shipped::{self, SECRETS};
use doorward::trace::{Trace, View, human};
use serde_json::json;

use self::words::{shown_on_purpose, throwing, troubles};
use super::memory::Memory;
use super::planting::{Replies, planted, spots, words};
use super::upstream::Upstream;
use super::{forms, search};
use crate::support::daemon::{Daemon, Home, read};
use crate::support::loader::to_loopback;
use crate::support::nobody;

/// Characters that encodings differ in; where a place cannot carry them (a charset, a separator) the plain one is taken.
const SPICE: &str = "+/=&%\"\\ä";

fn canary() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// The shipped connectors as they lie in `home`, with secrets that are canaries, pointed at `base`.
async fn loaded(home: &Home, secrets: &BTreeMap<&'static str, String>, base: &str) -> Vec<Live> {
    let connectors = shipped::lay_out(home.directory.path()).unwrap();
    let default = regex::RegexBuilder::new(r#"default: "https://[^"]*""#).build().unwrap();
    for file in files(&connectors).unwrap() {
        let mut text = default.replace_all(&read(&file), format!("default: \"{base}\"")).into_owned();
        for (name, value) in secrets {
            std::fs::write(home.path(name), value).unwrap();
            text = text.replace(&format!("{{ env: {name} }}"), &format!("{{ file: ../{name} }}"));
        }
        std::fs::write(&file, text).unwrap();
    }
    let loader = Loader { secrets_from: SecretsFrom::Environment, ..to_loopback() };
    let outcomes = loader.load(&files(&connectors).unwrap()).await;
    outcomes.into_iter().map(|outcome| outcome.live.unwrap_or_else(|| panic!("{} does not load", outcome.id))).collect()
}

/// A case with a password of its own.
struct Try<'a> {
    live: &'a Live,
    case: &'a GoldenCase,
    login: Login,
    /// What must not be seen of what the user typed.
    typed: Option<String>,
    replies: Replies,
    named: BTreeSet<String>,
    /// What the case comes to.
    outcome: String,
}

fn again(login: &Login) -> Login {
    Login {
        username: login.username.clone(),
        password: login.password.clone(),
        client_ip: login.client_ip,
        attributes: login.attributes.clone(),
        request_id: login.request_id.clone(),
        deadline: None,
        trace: true,
    }
}

/// The password of the case behind `canary`; inside the quotes when it is packed.
fn marked(password: &str, canary: &str) -> String {
    if password.is_empty() {
        return String::new();
    }
    if !password.starts_with('{') {
        return format!("{canary}{password}");
    }
    let inner = serde_json::Value::from(canary).to_string();
    password.replace(":\"", &format!(":\"{}", inner.trim_matches('"')))
}

/// What must not be seen: the password that begins with the canary, or the packed field that does. Nothing when the password
/// has no place for a canary (it is empty, or cannot be read).
fn typed(password: &str, canary: &str) -> Option<String> {
    if password.starts_with(canary) {
        return Some(password.to_owned());
    }
    let escaped = serde_json::Value::from(canary).to_string().trim_matches('"').to_owned();
    let rest = password.get(password.find(&escaped)? + escaped.len()..)?;
    Some(format!("{canary}{}", rest.split('"').next().unwrap_or_default()))
}

fn word(played: &Played) -> String {
    match played {
        Played::Login { parts, .. } => parts
            .iter()
            .map(|part| format!("{}({})", part.verdict.name(), part.verdict.detail()))
            .collect::<Vec<_>>()
            .join(", "),
        Played::Utility(report) => format!("{}({})", report.end.name(), report.end.detail()),
    }
}

impl<'a> Try<'a> {
    async fn new(live: &'a Live, case: &'a GoldenCase) -> Self {
        let (original, replies) = (login(case), replies(case).unwrap());
        let named = words(&live.file.text);
        let mut attempt = Self { live, case, login: original, typed: None, replies, named, outcome: String::new() };
        attempt.outcome = attempt.comes_to(&attempt.replies, &attempt.login).await;
        let password = attempt.login.password.expose().to_owned();
        for spice in [SPICE, ""] {
            let canary = format!("{}{spice}", canary());
            let changed = Login { password: Secret::new(marked(&password, &canary)), ..again(&attempt.login) };
            if attempt.comes_to(&attempt.replies, &changed).await == attempt.outcome {
                attempt.typed = typed(changed.password.expose(), &canary);
                attempt.login = changed;
                break;
            }
        }
        attempt
    }

    async fn plays(&self, replies: &Replies, login: &Login) -> Played {
        replay(self.live, self.case, again(login), &Memory::of(replies)).await.unwrap()
    }

    async fn comes_to(&self, replies: &Replies, login: &Login) -> String {
        word(&self.plays(replies, login).await)
    }

    /// The replies with `more` in every value that can hold it, and whether there is one.
    async fn with(&self, more: &str) -> Option<Replies> {
        let all = spots(&self.replies, &self.named);
        let mut chosen = all.clone();
        if self.comes_to(&planted(&self.replies, &self.named, &all, more), &self.login).await != self.outcome {
            chosen.clear();
            for spot in all {
                chosen.push(spot);
                if self.comes_to(&planted(&self.replies, &self.named, &chosen, more), &self.login).await != self.outcome
                {
                    chosen.pop();
                }
            }
        }
        (!chosen.is_empty()).then(|| planted(&self.replies, &self.named, &chosen, more))
    }

    /// The outputs of a send test over `replies`.
    async fn outputs(&self, replies: &Replies, outputs: &mut Vec<(String, String)>) -> Played {
        let played = self.plays(replies, &self.login).await;
        let known: Vec<Secret> = std::iter::once(self.login.password.clone()).chain(self.answers()).collect();
        let view = View { reveal: false, rehearsed: false, credentials: &known };
        let name = format!("the send test of {}, \"{}\"", self.live.connector.id, self.case.name.text);
        let mut add = |trace: Trace, body: serde_json::Value| {
            outputs.push((name.clone(), human(&trace.rows())));
            outputs.push((name.clone(), trace.to_json(body).to_string()));
        };
        match &played {
            Played::Login { parts, .. } => {
                for part in parts {
                    add(Trace::of(part, view), serde_json::to_value(reply::body(part)).unwrap());
                }
            }
            Played::Utility(report) => add(Trace::of_utility(report, view), reply::utility_body(report)),
        }
        played
    }

    fn answers(&self) -> impl Iterator<Item = Secret> {
        let texts = self.case.answers.iter().flat_map(|answer| answer.iter().map(|(_, text)| text.text.as_str()));
        texts.map(Secret::new)
    }
}

/// The daemon beside its upstream.
struct Place {
    daemon: Daemon,
    upstream: Upstream,
}

impl Place {
    /// The upstream repeats `secret`, in clear and as it might have stored it; all at once if the replies hold that.
    async fn repeats(&self, id: &str, attempt: &Try<'_>, secret: &str, never: &mut Vec<(String, String)>) {
        let spelt = forms(secret);
        let (clear, md5, base64) = (&spelt[0], &spelt[1], &spelt[8]);
        let mut held = Vec::from_iter(attempt.with(&format!(" {clear} {md5} {base64}")).await);
        if held.is_empty() {
            for form in [clear, md5, base64] {
                held.extend(attempt.with(form).await);
            }
        }
        for replies in held {
            attempt.outputs(&replies, never).await;
            self.asks(id, attempt, &replies, never).await;
        }
    }

    /// One login, one send test (or two calls of a utility), with the answers of the case. What the API's send test and problems
    /// say is an output; what a verdict hands to the caller is not.
    async fn asks(&self, id: &str, attempt: &Try<'_>, replies: &Replies, outputs: &mut Vec<(String, String)>) {
        let login = &attempt.login;
        let attributes: serde_json::Value = serde_json::to_value(Value::Object(login.attributes.clone())).unwrap();
        if attempt.live.connector.kind == ConnectorKind::Utility {
            self.upstream.answers(replies);
            let body = json!({ "username": login.username, "inputs": attributes });
            let (status, said) = self.daemon.call("POST", &format!("/v1/utilities/{id}"), Some(body)).await;
            if status >= 500 {
                outputs.push((format!("/v1/utilities/{id}"), said));
            }
            return;
        }
        let body = json!({ "username": login.username, "password": login.password.expose(), "attributes": attributes });
        for call in ["test", "authenticate"] {
            self.upstream.answers(replies);
            let path = format!("/v1/connectors/{id}/{call}");
            let (_, mut said) = self.daemon.call("POST", &path, Some(body.clone())).await;
            if call == "test" {
                outputs.push((path, said));
                continue;
            }
            for answer in &attempt.case.answers {
                let open: serde_json::Value = serde_json::from_str(&said).unwrap();
                let Some(challenge) = open["challenge"]["id"].as_str() else { break };
                let answers: BTreeMap<&str, &str> =
                    answer.iter().map(|(name, text)| (name.value.as_str(), text.text.as_str())).collect();
                let body = if answers.is_empty() {
                    json!({ "challenge": challenge, "action": "poll" })
                } else {
                    json!({ "challenge": challenge, "answers": answers })
                };
                said = self.daemon.call("POST", "/v1/challenges", Some(body)).await.1;
            }
        }
    }
}

/// Of each connector one whose script throws, one whose upstream is away, and one whose file is invalid.
fn variants(home: &Home, connectors: &[Live], base: &str) {
    for live in connectors {
        let (id, text) = (&live.connector.id, &live.file.text);
        home.connector(&format!("{id}-throws"), &throwing(text));
        home.connector(&format!("{id}-away"), &text.replace(base, nobody().as_str().trim_end_matches('/')));
        home.connector(&format!("{id}-broken"), &text.replacen("version: 1", "version: 2", 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_any_shipped_connector_shows_in_any_outcome() {
    let upstream = Upstream::start().await;
    let home = Home::new("log: { level: trace }\naudit: { file: audit.jsonl }\nguard: { enabled: false }");
    let secrets: BTreeMap<&'static str, String> = SECRETS.iter().map(|(name, _)| (*name, canary())).collect();
    let connectors = loaded(&home, &secrets, &upstream.base).await;
    variants(&home, &connectors, &upstream.base);
    let place = Place { daemon: home.start(), upstream };
    let (mut echoes, mut tokens): (Vec<String>, Vec<String>) = (secrets.values().cloned().collect(), Vec::new());
    let (mut never, mut said) = (Vec::new(), Vec::new());
    let mut outcomes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut with_tokens: BTreeSet<&str> = BTreeSet::new();
    for live in &connectors {
        let id = live.connector.id.as_str();
        for case in &live.raw.tests {
            let attempt = Try::new(live, case).await;
            outcomes.entry(id.to_owned()).or_default().insert(attempt.outcome.clone());
            // Of other connectors' secrets this one knows nothing.
            let own = secrets.iter().filter(|(name, _)| live.file.text.contains(&format!("../{name}")));
            echoes.extend(attempt.typed.iter().cloned());
            for secret in attempt.typed.iter().chain(own.map(|(_, value)| value)) {
                place.repeats(id, &attempt, secret, &mut never).await;
            }
            let token = canary();
            if let Some(replies) = attempt.with(&token).await {
                let played = attempt.outputs(&replies, &mut said).await;
                if !shown_on_purpose(&played).contains(&token) {
                    with_tokens.insert(id);
                    tokens.push(token);
                    place.asks(id, &attempt, &replies, &mut said).await;
                }
            }
        }
        let case = &live.raw.tests[0];
        let attempt = Try::new(live, case).await;
        echoes.extend(attempt.typed.iter().cloned());
        if let Some(secret) = &attempt.typed {
            for replies in troubles(secret) {
                attempt.outputs(&replies, &mut never).await;
                place.asks(id, &attempt, &replies, &mut never).await;
            }
        }
        for other in ["throws", "away", "broken"] {
            place.asks(&format!("{id}-{other}"), &attempt, &attempt.replies, &mut never).await;
        }
    }
    for (id, outcomes) in &outcomes {
        assert!(outcomes.len() >= 2, "{id} has more than one outcome: {outcomes:?}");
    }
    assert!(with_tokens.len() * 2 > connectors.len(), "most replies hold a token: {with_tokens:?}");
    never.push(("/metrics".to_owned(), place.daemon.call("GET", "/metrics", None).await.1));
    let (_, log) = place.daemon.end();
    let audit = read(&home.path("audit.jsonl"));
    for verdict in ["accept", "reject", "unavailable", "misconfigured"] {
        assert!(audit.contains(&format!("\"verdict\":\"{verdict}\"")), "{verdict} took part");
    }
    never.extend([("the log".to_owned(), log), ("the audit trail".to_owned(), audit)]);
    search(&never, &echoes);
    said.append(&mut never);
    search(&said, &tokens);
}
