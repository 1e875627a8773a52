//! One round of a login through a door: its beginning, or an answer to a question; and what follows at once, because the answer came
//! with the login or a confirmation elsewhere is waited for.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::answer::DoorReply;
use super::no_login::{NoLogin, names};
use super::plan::{ConnectorChoice, Door, ReplyKind};
use super::read::{AskedRound, Credentials, RoundStep};
use super::rules::RoundRules;
use super::source::AskedRequest;
use super::values::AskedNames;
use crate::attempt::connectors::Connector;
use crate::attempt::{App, Caller, ChallengeAction, ChallengeCall, FirstRound, Login, Mode};
use crate::document::{Object, Value};
use crate::flow::report::Report;
use crate::secret::Secret;
use crate::verdict::{Challenge, Verdict};

/// Between two polls, whatever the connector says: a clock that jumps must not make a storm of it.
const LEAST_PAUSE: Duration = Duration::from_millis(50);

/// A request whose caller is known, and what came of its reading.
pub(super) struct Round<'r> {
    app: &'r Arc<App>,
    caller: Arc<Caller>,
    asked: AskedRequest<'r>,
    rules: RoundRules,
    started: Instant,
}

/// What a login begins with, beside the user's name.
struct Beginning {
    credentials: Credentials,
    client_ip: Option<std::net::IpAddr>,
    attributes: Vec<(String, String)>,
}

/// Reads `asked`, and goes on to the reply.
pub(super) async fn reply(
    app: &Arc<App>,
    door: &Arc<Door>,
    caller: Arc<Caller>,
    asked: AskedRequest<'_>,
) -> Result<DoorReply, NoLogin> {
    let read = door.read(&asked)?;
    let token = hex::encode(uuid::Uuid::new_v4().as_bytes());
    let (names, started) = (AskedNames { username: read.username.clone(), token, ..names() }, Instant::now());
    let waits_until = door.challenge.push.map(|wait| started + wait.min(door.deadline));
    let conversation = read.conversation.clone();
    let door = Arc::clone(door);
    let rules = RoundRules { door, names, conversation, waits_until, has_answer: false, written: Arc::default() };
    Round { app, caller, asked, rules, started }.reply(read).await
}

impl Round<'_> {
    fn door(&self) -> &Arc<Door> {
        &self.rules.door
    }

    async fn reply(self, read: AskedRound) -> Result<DoorReply, NoLogin> {
        let AskedRound { client_ip, attributes, step, .. } = read;
        let beginning = |credentials| Beginning { credentials, client_ip, attributes };
        let report = match step {
            RoundStep::AsksForPassword(label) => {
                return self.asks_for_password(&label, beginning(Credentials::default())).await;
            }
            RoundStep::Begins(credentials) => self.begins(beginning(credentials)).await?,
            RoundStep::Answers { id, answer } => self.answer(&id, ChallengeAction::Next(answer)).await?,
            RoundStep::GoesOn(answer) => self.goes_on(answer, beginning(Credentials::default())).await?,
        };
        let report = self.polled(report).await?;
        Ok(self.rules.reply(&report))
    }

    /// A later round of a conversation: its password, or an answer to its challenge.
    async fn goes_on(&self, answer: Secret, now: Beginning) -> Result<Report, NoLogin> {
        let first = self.app.first_round(&self.caller, &self.rules).await.map_err(|error| {
            tracing::warn!(%error, door = self.door().id, "a conversation cannot be looked up");
            NoLogin::Kind(ReplyKind::Unavailable)
        })?;
        let Some(first) = first else {
            let id = self.rules.conversation.clone().unwrap_or_default();
            return self.answer(&id, ChallengeAction::Next(answer)).await;
        };
        if first.username != self.rules.names.username {
            return Ok(self.app.expired(&self.caller, Arc::new(self.rules.clone())).await);
        }
        let credentials = self.door().credentials(answer, &self.asked)?;
        let client_ip = now.client_ip.or(first.client_ip);
        let attributes = if now.attributes.is_empty() { first.attributes } else { now.attributes };
        self.begins(Beginning { credentials, client_ip, attributes }).await
    }

    /// The first round of a conversation: no verdict, and no upstream is asked.
    async fn asks_for_password(&self, label: &str, beginning: Beginning) -> Result<DoorReply, NoLogin> {
        let Beginning { client_ip, attributes, .. } = beginning;
        let connector = self.connector(&mut attributes_of(&attributes))?;
        let first = FirstRound { username: self.rules.names.username.clone(), client_ip, attributes };
        let kept = self.app.begin_conversation(&self.caller, &self.rules, &connector.about().id, &first).await;
        kept.map_err(|why| {
            tracing::warn!(door = self.door().id, %why, "a conversation cannot be kept");
            NoLogin::Kind(ReplyKind::Unavailable)
        })?;
        Ok(self.door().password_question(label, &self.rules.names))
    }

    /// A login from its first step, and its second where the answer came with it.
    async fn begins(&self, beginning: Beginning) -> Result<Report, NoLogin> {
        let Credentials { password, answer } = beginning.credentials;
        let mut attributes = attributes_of(&beginning.attributes);
        let connector = self.connector(&mut attributes)?;
        let rules = RoundRules { has_answer: answer.is_some(), ..self.rules.clone() };
        let login = Login {
            username: self.rules.names.username.clone(),
            password,
            client_ip: beginning.client_ip,
            attributes,
            request_id: Some(self.rules.names.request_id.clone()),
            timeout: Some(self.door().deadline),
            mode: Mode::Login,
            rules: Some(Arc::new(rules.clone())),
            parent: self.app.parent(self.asked.headers),
            session: false,
        };
        let report = self.app.login(&self.caller, connector, login).await?.report;
        match (&report.verdict, answer) {
            (Verdict::Challenge(challenge), Some(answer)) if rules.answers_at_once(challenge) => {
                self.answer(&self.waits_under(challenge), ChallengeAction::Next(answer)).await
            }
            _ => Ok(report),
        }
    }

    /// Asks the upstream whether the user confirmed, until they did or the time is over.
    async fn polled(&self, mut report: Report) -> Result<Report, NoLogin> {
        while let Verdict::Challenge(challenge) = &report.verdict {
            let carried = self.door().carries(challenge);
            // Of a challenge that only polls can answer, the rules said that there is time.
            let in_time = |_: &Duration| !carried || self.rules.polls(challenge, Instant::now());
            let Some(after) = challenge.poll_after.filter(in_time) else { break };
            let id = self.waits_under(challenge);
            tokio::time::sleep_until(Instant::now() + after.max(LEAST_PAUSE)).await;
            report = self.answer(&id, ChallengeAction::Poll).await?;
        }
        Ok(report)
    }

    /// The id under which a challenge of this round waits.
    fn waits_under(&self, challenge: &Challenge) -> String {
        self.rules.conversation.clone().unwrap_or_else(|| challenge.id.clone())
    }

    async fn answer(&self, id: &str, action: ChallengeAction) -> Result<Report, NoLogin> {
        let timeout = Some(self.door().deadline.saturating_sub(self.started.elapsed()));
        let rules = Some(Arc::new(self.rules.clone()) as _);
        let parent = self.app.parent(self.asked.headers);
        let call = ChallengeCall { id: id.to_owned(), action, mode: Mode::Login, rules, timeout, parent };
        Ok(self.app.answer(&self.caller, call).await?.report)
    }

    /// The connector that is asked, whose inputs `attributes` fit.
    fn connector(&self, attributes: &mut Object) -> Result<Arc<dyn Connector>, NoLogin> {
        let id = connector_id(&self.door().connector, attributes).ok_or(NoLogin::Kind(ReplyKind::Anonymous))?;
        let connector = self.app.connectors.find(&id).filter(|_| self.caller.may_use(&id));
        let connector = connector.ok_or(NoLogin::Kind(ReplyKind::Misconfigured))?;
        let fits = |(name, value): (&String, &Value)| {
            let rule = connector.about().attributes.get(name);
            let length = value.scalar_text().map_or(0, |text| text.chars().count());
            rule.is_some_and(|rule| rule.max.is_none_or(|max| length <= max))
        };
        let lacks = connector.about().attributes.iter().any(|(name, it)| it.required && !attributes.contains_key(name));
        if lacks || !attributes.iter().all(fits) {
            return Err(NoLogin::Kind(ReplyKind::Malformed));
        }
        Ok(connector)
    }
}

fn attributes_of(pairs: &[(String, String)]) -> Object {
    pairs.iter().map(|(name, value)| (name.clone(), Value::Text(value.clone()))).collect()
}

/// The connector, and none for a value that the door does not list. The attribute that chooses is the door's own.
fn connector_id(choice: &ConnectorChoice, attributes: &mut Object) -> Option<String> {
    match choice {
        ConnectorChoice::One(id) => Some(id.clone()),
        ConnectorChoice::By { attribute, ids } => {
            let value = attributes.shift_remove(attribute)?;
            value.scalar_text().and_then(|value| ids.get(value)).cloned()
        }
    }
}
