//! What a door may lean on of its connectors.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Check, ConnectorState, attribute_names};
use crate::attempt::connectors::{ConnectorKind, ConnectorSummary};
use crate::context::Variable;
use crate::diagnostic::Span;
use crate::door::look::Reading;
use crate::door::plan::{ChallengePlan, ConnectorChoice, LoginSources, Replies, ReplyKind};
use crate::door::raw::RawChoice;
use crate::door::raw::look::NameInUse;

/// What of a door is held against its connectors.
pub(super) struct WithConnector<'a> {
    pub reading: &'a Reading,
    pub replies: &'a Replies,
    pub login: &'a LoginSources,
    pub challenge: &'a ChallengePlan,
    pub deadline: Duration,
}

impl Check<'_> {
    pub(super) fn with_connector(&mut self, asked: &WithConnector<'_>, choice: Option<&ConnectorChoice>) {
        let Some(choice) = choice else { return };
        let ids: BTreeSet<String> = match choice {
            ConnectorChoice::One(id) => [id.clone()].into(),
            ConnectorChoice::By { ids, .. } => ids.values().cloned().collect(),
        };
        if ids.is_empty() {
            let span = self.raw.place.key("connector").clone();
            let help = "write { by: login.attributes.realm, corp: corp-4a }";
            self.wrong("door-connector", &span, "no connector is named", help);
        }
        self.shared_names(asked.reading, asked.replies, &ids);
        for id in &ids {
            let span = self.span_of(id);
            match (self.context.connector)(id) {
                ConnectorState::NotAsked => {}
                ConnectorState::Missing => {
                    let help = "write the name of a file of the directory `connectors`, without its ending";
                    self.wrong("door-connector", &span, format!("there is no connector `{id}`"), help);
                }
                ConnectorState::Broken => {
                    let message = format!("the connector `{id}` is invalid, so every login here is misconfigured");
                    let mistake = self.diagnostics.error_at("door-connector", &span, message).as_warning();
                    self.diagnostics.add(mistake.help("mend the connector first: doorward check says where"));
                }
                ConnectorState::Runs(about) => self.running(asked, &about, &span),
            }
        }
        self.mapped(asked.replies, &ids);
    }

    fn running(&mut self, asked: &WithConnector<'_>, about: &ConnectorSummary, span: &Span) {
        let WithConnector { reading, login, challenge, deadline, .. } = *asked;
        let id = &about.id;
        if about.kind != ConnectorKind::Authentication {
            let help = "a door asks for logins: name a connector that authenticates";
            return self.wrong("door-connector", span, format!("the connector `{id}` is a utility"), help);
        }
        let given: BTreeSet<&str> = attribute_names(login).collect();
        for (name, _) in about.attributes.iter().filter(|(name, it)| it.required && !given.contains(name.as_str())) {
            let message = format!("the connector `{id}` requires the attribute `{name}`");
            let help = format!("say where it stands in the request: login.attributes.{name}: {{ header: … }}");
            let span = self.raw.place.key("login").clone();
            self.wrong("door-attribute", &span, message, &help);
        }
        for (name, _) in self.raw.login.attributes.iter() {
            let chooses = matches!(&self.raw.connector, RawChoice::By(by)
                if by.get("by").is_some_and(|by| by.text == format!("login.attributes.{}", name.value)));
            if !chooses && !about.attributes.contains_key(&name.value) {
                let message = format!("the connector `{id}` declares no attribute `{}`", name.value);
                self.wrong(
                    "door-attribute",
                    &name.span,
                    message,
                    "declare it there under input.attributes, or take it away",
                );
            }
        }
        if about.no_password == (login.password.is_some() || challenge.asks_for_password()) {
            let (message, help) = if about.no_password {
                (format!("the connector `{id}` takes no password"), "take login.password away")
            } else {
                (format!("the connector `{id}` takes a password"), "add login.password")
            };
            self.wrong("door-attribute", span, message, help);
        }
        if about.facts.requests > 1 {
            self.above_quickest(deadline, about.facts.requests);
        }
        self.asked_by(about, challenge, span);
        if reading.who == NameInUse::Typed && !about.facts.names_user && !about.facts.typed_name {
            let message = format!(
                "{} keeps the name that the user typed, and `{id}` never hears whose password it was",
                reading.name
            );
            let help = "compare the upstream's name in the connector: identity: { field: user, match: exact }; or, where the upstream \
                        says no name, acknowledge: { typed_name: why } there";
            self.wrong("door-identity", span, message, help);
        }
        let patience = self.raw.patience.as_ref().map_or(reading.timeout, |span| span.value.0);
        if about.facts.timeout > patience {
            let message = format!("the connector `{id}` may take longer than this console waits");
            let mistake = self.diagnostics.error_at("door-deadline", span, message).as_warning();
            self.diagnostics
                .add(mistake.help("a login is cut then and unavailable; shorten transport.timeout, or set patience"));
        }
    }

    /// One console name for two people, when two connectors know the same name.
    fn shared_names(&mut self, reading: &Reading, replies: &Replies, ids: &BTreeSet<String>) {
        let told = replies.of(ReplyKind::Accept).iter().all(|row| {
            row.plan
                .uses()
                .iter()
                .flat_map(|used| used.hole.variables())
                .any(|variable| matches!(variable, Variable::Verdict(name) if name == "accept.connector"))
        });
        if ids.len() < 2 || self.acknowledged("shared_names") || (told && reading.who == NameInUse::Returned) {
            return;
        }
        let span = self.raw.place.key("connector").clone();
        let message = "a name of one connector and the same name of another are one account at this console";
        let help = "hand over {{accept.connector}} with the name, or say that the names are the same people: acknowledge: { shared_names: why }";
        self.wrong("door-shared-names", &span, message, help);
    }

    /// An attribute that no connector maps is a typing mistake.
    fn mapped(&mut self, replies: &Replies, ids: &BTreeSet<String>) {
        let mut mapped = BTreeSet::new();
        for id in ids {
            match (self.context.connector)(id) {
                ConnectorState::Runs(about) => mapped.extend(about.facts.mapped.iter().cloned()),
                _ => return,
            }
        }
        let mut wanted: Vec<(String, Span)> = Vec::new();
        for used in replies.of(ReplyKind::Accept).iter().flat_map(|row| row.plan.uses()) {
            for (variable, span) in used.variables() {
                if let Variable::Verdict(name) = variable {
                    wanted.push((name.clone(), span.clone()));
                }
            }
        }
        for (_, rows) in self.raw.tables.iter() {
            if let Some(crate::reading::Constant::Text(of)) = rows.get("of") {
                wanted.push((of.text.clone(), of.span.clone()));
            }
        }
        for (name, span) in wanted {
            let Some(attribute) = name.strip_prefix("accept.attributes.") else { continue };
            if !mapped.contains(attribute) {
                let message = format!("no connector of this door maps the attribute `{attribute}`");
                let help = format!("map it there: response.map.attributes: {{ {attribute}: … }}");
                self.wrong("door-attribute", &span, message, &help);
            }
        }
    }

    fn span_of(&self, id: &str) -> Span {
        match &self.raw.connector {
            RawChoice::One(text) => text.span.clone(),
            RawChoice::By(by) => {
                let found = by.iter().find(|(_, text)| text.text == id);
                found.map_or_else(|| self.raw.place.key("connector").clone(), |(_, text)| text.span.clone())
            }
        }
    }
}
