//! `doorward test --door`: the login as a console would ask for it, and the reply that the console would hear.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use doorward::door::answer::DoorReply;
use doorward::door::check::{ConnectorState, DoorContext, check};
use doorward::door::draft::RequestDraft;
use doorward::door::look::ConsoleAnswer;
use doorward::door::plan::{Door, ReplyKind};
use doorward::door::raw::look::OnTrouble;
use doorward::door::read::{AskedRound, RoundStep, Unasked};
use doorward::door::source::{AskedContent, AskedRequest, RequestSource};
use doorward::door::values::AskedNames;
use doorward::files;
use doorward::flow::{Login, Report};
use doorward::secret::Secret;
use doorward::trace::harmless;
use serde_json::json;

use crate::cmd::language::rendered;

/// A door, and the request of this login.
pub struct AtDoor {
    door: Door,
    round: AskedRound,
    names: AskedNames,
    /// The connector says that the typed name may stand for the user.
    typed_name: bool,
}

impl AtDoor {
    /// Writes the login as the door's console does, and reads it back: what the connector gets is what the door reads.
    pub fn ask(file: &Path, login: &mut Login, typed_name: bool) -> Result<Self> {
        let door = read(file)?;
        let mut draft = RequestDraft::default();
        let mut put = |what: &str, source: Option<&RequestSource>, text: &str| -> Result<()> {
            let Some(source) = source else { return Ok(()) };
            ensure!(draft.put(source, text), "no console can send this {what} in {}", source.part);
            Ok(())
        };
        put("user name", Some(&door.login.username), &login.username)?;
        put("password", door.login.password.as_ref(), login.password.expose())?;
        if let Some(address) = login.client_ip {
            put("address", door.login.client_ip.as_ref(), &address.to_string())?;
        }
        for (name, source) in &door.login.attributes {
            if let Some(value) = login.attributes.get(name).and_then(|value| value.scalar_text()) {
                put("attribute", Some(source), value)?;
            }
        }
        if let Some(carried) = &door.challenge.carried
            && door.challenge.asks_for_password()
        {
            put("conversation", Some(&carried.id), "test")?;
            put("password", Some(&carried.answer), login.password.expose())?;
        }
        ensure!(draft.is_sendable(door.at.body), "no console can send that in a body of this kind");
        let (query, headers) = (draft.query(), draft.headers());
        let body = draft.body(door.at.body).map(|(_, body)| body).unwrap_or_default();
        let content = AskedContent::read(door.at.body, body.as_bytes()).context("the door cannot read its own body")?;
        let read = door.read(&AskedRequest { query: Some(&query), headers: &headers, body: content });
        let mut round = match read {
            Ok(round) => round,
            Err(Unasked::Anonymous) => bail!("the door {} takes this for nobody: name or password is missing", door.id),
            Err(Unasked::Malformed(why)) => bail!("the door {} cannot read this: {why}", door.id),
        };
        login.username.clone_from(&round.username);
        match &mut round.step {
            RoundStep::Begins(credentials) => login.password = credentials.password.clone(),
            RoundStep::GoesOn(password) => login.password = password.clone(),
            RoundStep::AsksForPassword(_) | RoundStep::Answers { .. } => {}
        }
        login.client_ip = round.client_ip;
        let (username, request_id) = (round.username.clone(), login.request_id.clone());
        let names = AskedNames { username, request_id, token: "0".repeat(32) };
        Ok(Self { door, round, names, typed_name })
    }

    /// What stood where, the reply and what the console makes of it. Values are shown with `--reveal` only.
    pub fn told(&self, report: &Report, reveal: bool) -> String {
        let Self { door, round, .. } = self;
        let shown = |text: &str| if reveal { harmless(text) } else { format!("string of {}", text.chars().count()) };
        let method = door.at.method.as_ref().map_or("any method", http::Method::as_str);
        let mut text = format!("\ndoor {}  {method} {}\n", door.id, door.at.path);
        let mut line = |label: &str, place: &str, value: &str| {
            let _ = writeln!(text, "  {label:<14} {place:<32} {value}");
        };
        line("user name", &door.login.username.part.to_string(), &shown(&round.username));
        let (password, answer): (Option<&Secret>, Option<&Secret>) = match &round.step {
            RoundStep::Begins(credentials) => (Some(&credentials.password), credentials.answer.as_ref()),
            RoundStep::GoesOn(password) => (Some(password), None),
            RoundStep::AsksForPassword(_) | RoundStep::Answers { .. } => (None, None),
        };
        let carried = door.challenge.carried.as_ref().map(|carried| &carried.answer);
        if let Some((source, password)) = door.login.password.as_ref().or(carried).zip(password) {
            line("password", &source.part.to_string(), &shown(password.expose()));
        }
        if let Some(answer) = answer {
            line("answer", "with the password", &shown(answer.expose()));
        }
        if let Some((source, address)) = door.login.client_ip.as_ref().zip(round.client_ip) {
            line("address", &source.part.to_string(), &address.to_string());
        }
        for (name, value) in &round.attributes {
            let source = door.login.attributes.iter().find(|(known, _)| known == name);
            line(name, &source.map(|(_, source)| source.part.to_string()).unwrap_or_default(), &shown(value));
        }
        let (reply, why) = self.reply(report);
        line("reply", &format!("for {}", reply.kind), &format!("HTTP {}", reply.status.as_u16()));
        for (name, value) in &reply.parts.headers {
            line("", &format!("header {name}"), &shown(&String::from_utf8_lossy(value.as_bytes())));
        }
        if !reply.parts.body.is_empty() {
            line("", "body", &shown(&String::from_utf8_lossy(&reply.parts.body)));
        }
        if let Some(why) = why {
            line("", "because", &why);
        }
        line("console", &door.reading.name, told_of(door, &reply));
        text
    }

    /// The same as data.
    pub fn json(&self, report: &Report, reveal: bool) -> serde_json::Value {
        let (reply, because) = self.reply(report);
        let body = String::from_utf8_lossy(&reply.parts.body).into_owned();
        json!({
            "id": self.door.id,
            "reply": { "kind": reply.kind.as_str(), "status": reply.status.as_u16(), "body": reveal.then_some(body) },
            "because": because,
            "console": told_of(&self.door, &reply),
        })
    }

    fn reply(&self, report: &Report) -> (DoorReply, Option<String>) {
        self.door.rehearsed(report, &self.names, self.typed_name)
    }
}

fn told_of(door: &Door, reply: &DoorReply) -> &'static str {
    match (door.heard(reply), door.reading.on_trouble) {
        (ConsoleAnswer::Accepts, _) => "lets the user in",
        (ConsoleAnswer::Refuses, _) if reply.kind == ReplyKind::Reject => "refuses the user",
        (ConsoleAnswer::Refuses, _) => "refuses",
        (ConsoleAnswer::Asks, _) => "asks the user",
        (ConsoleAnswer::LeavesOpen, OnTrouble::LetsIn) => "may let the user in",
        (ConsoleAnswer::LeavesOpen, _) => "asks another authenticator",
        (ConsoleAnswer::Unsure, _) => "does something that its source does not say",
    }
}

fn read(file: &Path) -> Result<Door> {
    let text = files::read_text(file, files::MAX_BYTES);
    let text = text.map_err(|why| anyhow::anyhow!("{} cannot be read: {why}", file.display()))?;
    let context = DoorContext { clients: None, connector: &|_| ConnectorState::NotAsked };
    let checked = check(file, text, &context);
    checked.door.with_context(|| format!("the door does not load\n{}", rendered(&checked.diagnostics)))
}
