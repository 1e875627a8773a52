//! Playing a case: the login (or the utility call) that it describes, over given replies, with the answers that it
//! gives.
//!
//! Tests play a case again with another password and with replies of their own ([`replay`]): whatever must hold of
//! every outcome of a connector can be tried on the outcomes that its author wrote down.

use indexmap::IndexMap;

use super::ambient::Fixed;
use super::exchange::Canned;
use crate::clock::Ambient;
use crate::connector::Live;
use crate::connector::raw::golden::GoldenCase;
use crate::connector::raw::{Dict, Text};
use crate::connector::{Connector, ConnectorKind};
use crate::document::{Object, Value};
use crate::flow::progress::Progress;
use crate::flow::{
    Action, Exchange, InMemoryStore, Login, NoScripts, Ports, Report, Resumption, SavedLogin, Scripts, Unbounded,
    UtilityCall, UtilityReport, authenticate, resume, utility,
};
use crate::script::Pool;
use crate::secret::Secret;
use crate::upstream::{Reply, SendFault};
use crate::verdict::Verdict;

/// The key in `answers` that requests the code once more.
const RESEND: &str = "resend";

/// The result of a case.
#[derive(Debug)]
pub enum Played {
    /// A login, a report for each part of it: up to a challenge, up to the next, up to its end.
    Login {
        /// At least one.
        parts: Vec<Report>,
        /// Answers of the case that were not asked for.
        unasked: usize,
    },
    /// The call of a utility.
    Utility(UtilityReport),
}

#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    pub connector: &'a Connector,
    pub scripts: Option<&'a Pool>,
    pub ambient: &'a dyn Ambient,
    pub exchange: &'a dyn Exchange,
}

pub(super) async fn play(stage: Stage<'_>, case: &GoldenCase, login: Login) -> Played {
    let (progress, store) = (Progress::default(), InMemoryStore::default());
    let scripts: &dyn Scripts = match stage.scripts {
        Some(pool) => pool,
        None => &NoScripts,
    };
    let ports = Ports {
        exchange: stage.exchange,
        scripts,
        ambient: stage.ambient,
        progress: &progress,
        sends: &Unbounded,
        challenges: &store,
        step_cache: None,
        replies: None,
    };
    let connector = stage.connector;
    if connector.kind == ConnectorKind::Utility {
        return Played::Utility(utility(connector, ports, call(login)).await);
    }
    let trace = login.trace;
    let mut report = authenticate(connector, ports, login).await;
    let (mut parts, mut answers) = (Vec::new(), case.answers.iter());
    while let Some((id, saved)) = waiting(&report, &store) {
        let Some(answer) = answers.next() else { break };
        let action = action(answer, &saved);
        parts.push(report);
        report = resume(connector, ports, Resumption { id, saved, action, deadline: None, trace }).await;
    }
    parts.push(report);
    Played::Login { parts, unasked: answers.len() }
}

/// Plays a case of `live` with another login and other replies; `None` for a case that is none (its clock is no time).
pub async fn replay(live: &Live, case: &GoldenCase, login: Login, exchange: &dyn Exchange) -> Option<Played> {
    let ambient = Fixed::at(case.clock.as_ref()).ok()?;
    let stage = Stage { connector: &live.connector, scripts: live.scripts.as_deref(), ambient: &ambient, exchange };
    // Large, and awaited by tests many times over.
    Some(Box::pin(play(stage, case, login)).await)
}

/// The replies of a case, in order; `None` when one of them cannot be a reply.
pub fn replies(case: &GoldenCase) -> Option<Vec<Result<Reply, SendFault>>> {
    Canned::replies(&case.replies).ok().map(Canned::into_replies)
}

/// The login of a case, with every stage recorded.
pub fn login(case: &GoldenCase) -> Login {
    let user = case.user.as_ref();
    let text = |text: Option<&Text>| text.map(|text| text.text.clone()).unwrap_or_default();
    let attributes: Object = user
        .into_iter()
        .flat_map(|user| user.attributes.iter())
        .map(|(name, value)| (name.value.clone(), Value::from(value.text.as_str())))
        .collect();
    Login {
        username: text(user.and_then(|user| user.username.as_ref())),
        password: Secret::new(text(user.and_then(|user| user.user_password.as_ref()))),
        client_ip: user.and_then(|user| user.client_ip.as_ref()).and_then(|ip| ip.text.parse().ok()),
        attributes,
        request_id: "golden-request".to_owned(),
        deadline: None,
        trace: true,
    }
}

/// The same input as a utility takes it.
fn call(login: Login) -> UtilityCall {
    UtilityCall {
        username: (!login.username.is_empty()).then_some(login.username),
        client_ip: login.client_ip,
        inputs: login.attributes,
        request_id: login.request_id,
        deadline: login.deadline,
        trace: login.trace,
    }
}

/// The open challenge and its state.
fn waiting(report: &Report, store: &InMemoryStore) -> Option<(String, SavedLogin)> {
    let Verdict::Challenge(challenge) = &report.verdict else { return None };
    let state = store.take(&challenge.id)?;
    Some((challenge.id.clone(), SavedLogin::read(&state)?))
}

/// What an entry of `answers` stands for: nothing in it is a poll, `resend` alone asks for the code once more. A
/// redirect that names no `state` brings back the right one, which no file can know.
fn action(answer: &Dict<Text>, saved: &SavedLogin) -> Action {
    let mut answers: IndexMap<String, Secret> =
        answer.iter().map(|(name, text)| (name.value.clone(), Secret::new(text.text.as_str()))).collect();
    if answers.is_empty() {
        return Action::Poll;
    }
    if answers.len() == 1 && answers.contains_key(RESEND) {
        return Action::Resend;
    }
    if !answers.contains_key("state") && saved.wants_state() {
        answers.insert("state".to_owned(), saved.login_state().clone());
    }
    Action::Answer(answers)
}
