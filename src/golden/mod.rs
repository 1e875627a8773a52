//! Golden cases of a connector: the real flow over replies from the file, with no network and no real secrets.
//!
//! A case says what the user types, what the upstream replies, and what is expected: the verdict, what is mapped, and
//! the requests. Every difference is a diagnostic at its place in the file.

mod ambient;
mod compare;
mod delivered;
mod difference;
mod exchange;
mod play;
mod utility;

use std::collections::BTreeMap;

use crate::catalog::Loader;
use crate::connector::Connector;
use crate::connector::Live;
use crate::connector::check::LoadContext;
use crate::connector::raw::golden::GoldenCase;
use crate::diagnostic::Diagnostic;
use crate::flow::{Login, Report};

use self::ambient::Fixed;
use self::difference::Difference;
use self::exchange::Canned;
use self::play::Stage;

pub use self::play::{Played, login, replay, replies};

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
    let stage = Stage { connector, scripts: live.scripts.as_deref(), ambient: &ambient, exchange: &exchange };
    let differences = match play::play(stage, case, Login { trace: false, ..login(case) }).await {
        Played::Utility(report) => utility::compare(case, &report, &exchange),
        Played::Login { parts, unasked } => compare_login(case, parts.last(), unasked, &exchange),
    };
    first(differences).map(|difference| difference.diagnostic(case, &live.file)).into_iter().collect()
}

/// One diagnostic a case, for the first difference: the others mostly follow from it and are listed in its help.
fn first(differences: Vec<Difference>) -> Option<Difference> {
    let mut all = differences.into_iter();
    let first = all.next()?;
    Some(all.fold(first, |first, next| first.help(format!("also: {}", next.what))))
}

/// The last part of a login decides; answers that were not asked for are a difference.
fn compare_login(case: &GoldenCase, last: Option<&Report>, unasked: usize, exchange: &Canned) -> Vec<Difference> {
    let Some(report) = last else { return Vec::new() };
    let mut differences = compare::compare(case, report, exchange);
    if unasked > 0 {
        let what = format!("{} answers are given, {unasked} were not asked for", case.answers.len());
        let difference = Difference::new(case.place.key("answers"), what);
        differences.push(difference.help(format!("explain: {}", report.explain)));
    }
    differences
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
    let load = LoadContext { settings: &settings, secrets: &secrets, ..loader.load_context() };
    live.again(load).map(|compiled| Some(compiled.connector))
}
