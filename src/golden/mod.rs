//! Golden cases of a connector: the real flow over replies from the file, with no network and no real secrets.
//!
//! A case says what the user types, what the upstream answers, and what must come out: the verdict, what goes back,
//! and the requests that were made. Every difference is a diagnostic at its place in the file.

mod ambient;
mod compare;
mod exchange;
mod utility;

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::connector::catalog::{Live, Loader};
use crate::connector::check::{Draft, Surroundings};
use crate::connector::raw::golden::{GoldenCase, GoldenUser};
use crate::connector::raw::{Dict, Text};
use crate::connector::{Connector, Kind};
use crate::diagnostic::Diagnostic;
use crate::document::{Object, Value};
use crate::flow::progress::Progress;
use crate::flow::{
    self, Action, Login, NoScripts, Pocket, Report, Resumption, Saved, Scripts, Tools, Unbounded, UtilityCall,
    authenticate, resume,
};
use crate::secret::Secret;
use crate::verdict::Verdict;

use self::ambient::Fixed;
use self::compare::Difference;
use self::exchange::Canned;

/// The key of an entry of `answers` that asks for the code once more.
const RESEND: &str = "resend";

/// How the golden cases of a connector went.
#[derive(Debug, Default)]
pub struct Golden {
    /// How many there are.
    pub cases: usize,
    /// How many came out as expected.
    pub passed: usize,
    /// Everything that did not.
    pub diagnostics: Vec<Diagnostic>,
}

/// Runs every golden case of `live`.
pub async fn run(live: &Live, loader: &Loader) -> Golden {
    let mut golden = Golden { cases: live.raw.tests.len(), ..Golden::default() };
    for case in &live.raw.tests {
        let found = run_case(live, loader, case).await;
        if found.is_empty() {
            golden.passed += 1;
        }
        golden.diagnostics.extend(found);
    }
    golden
}

async fn run_case(live: &Live, loader: &Loader, case: &GoldenCase) -> Vec<Diagnostic> {
    let ambient = match Fixed::at(case.clock.as_ref()) {
        Ok(ambient) => ambient,
        Err(difference) => return vec![difference.diagnostic(case, &live.file)],
    };
    let exchange = match Canned::replies(&case.replies) {
        Ok(exchange) => exchange,
        Err(difference) => return vec![difference.diagnostic(case, &live.file)],
    };
    let other = match rebuilt(live, loader, case) {
        Ok(other) => other,
        Err(diagnostics) => return diagnostics,
    };
    let connector = other.as_ref().unwrap_or(&live.connector);
    let progress = Progress::default();
    let scripts: &dyn Scripts = match &live.scripts {
        Some(pool) => &**pool,
        None => &NoScripts,
    };
    let pocket = Pocket::default();
    let tools = Tools {
        exchange: &exchange,
        scripts,
        ambient: &ambient,
        progress: &progress,
        sends: &Unbounded,
        pauses: &pocket,
    };
    let login = login(case.user.as_ref());
    if connector.kind == Kind::Utility {
        let report = flow::utility(connector, tools, call(login)).await;
        let differences = utility::compare(case, &report, &exchange);
        return differences.into_iter().map(|difference| difference.diagnostic(case, &live.file)).collect();
    }
    let mut report = authenticate(connector, tools, login).await;
    let mut answers = case.answers.iter();
    while let Some((id, saved)) = waiting(&report, &pocket) {
        let Some(answer) = answers.next() else { break };
        let action = action(answer, &saved);
        report = resume(connector, tools, Resumption { id, saved, action, deadline: None, trace: true }).await;
    }
    let unasked = answers.len();
    let mut differences = compare::compare(case, &report, &exchange);
    if unasked > 0 {
        let what = format!("{} answers are given, {unasked} were not asked for", case.answers.len());
        let difference = Difference::new(case.place.key("answers"), what);
        differences.push(difference.help(format!("explain: {}", report.explain)));
    }
    differences.into_iter().map(|difference| difference.diagnostic(case, &live.file)).collect()
}

/// The challenge that is open, and what stands under it.
fn waiting(report: &Report, pocket: &Pocket) -> Option<(String, Saved)> {
    let Verdict::Challenge(challenge) = &report.verdict else { return None };
    let state = pocket.take(&challenge.id)?;
    Some((challenge.id.clone(), Saved::read(&state)?))
}

/// What an entry of `answers` stands for: nothing in it is a poll, `resend` alone asks for the code once more. A redirect
/// that names no `state` brings back the right one, which no file can know.
fn action(answer: &Dict<Text>, saved: &Saved) -> Action {
    let mut answers: IndexMap<String, Secret> =
        answer.iter().map(|(name, text)| (name.value.clone(), Secret::new(text.text.as_str()))).collect();
    if answers.is_empty() {
        return Action::Poll;
    }
    if answers.len() == 1 && answers.contains_key(RESEND) {
        return Action::Resend;
    }
    if answers.contains_key("code") && !answers.contains_key("state") && saved.wants_state() {
        answers.insert("state".to_owned(), saved.login_state().clone());
    }
    Action::Answer(answers)
}

/// The connector with the settings and secrets of the case; `None` when it has none of its own.
fn rebuilt(live: &Live, loader: &Loader, case: &GoldenCase) -> Result<Option<Connector>, Vec<Diagnostic>> {
    if case.settings.is_empty() && case.secrets.is_empty() {
        return Ok(None);
    }
    let mut settings = loader.settings.clone();
    settings.extend(case.settings.iter().map(|(name, value)| (name.value.clone(), value.text.clone())));
    let secrets: BTreeMap<String, String> =
        case.secrets.iter().map(|(name, value)| (name.value.clone(), value.text.clone())).collect();
    let around = Surroundings { settings: &settings, secrets: &secrets, ..loader.around() };
    let mut next = live.first_script;
    let draft = Draft::read(&live.file.path, live.file.text.clone(), around, &mut next);
    let checked = draft.finish(around, live.reads.iter().cloned().map(Ok).collect());
    match checked.loaded {
        Some(again) => Ok(Some(again.connector)),
        None => Err(checked.diagnostics),
    }
}

fn login(user: Option<&GoldenUser>) -> Login {
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

impl Difference {
    fn diagnostic(self, case: &GoldenCase, file: &Arc<crate::diagnostic::SourceFile>) -> Diagnostic {
        let message = format!("the test \"{}\": {}", case.name.text, self.what);
        let diagnostic = Diagnostic::error("golden", file, self.at, message);
        let diagnostic = match self.label {
            Some(label) => diagnostic.label(label),
            None => diagnostic,
        };
        self.help.into_iter().fold(diagnostic, Diagnostic::help)
    }
}
