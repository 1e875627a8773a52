//! Send tests of which somebody said whether the login was right: what rules are proposed from.
//!
//! Of each reply only the codes are kept, and of other fields whether they had a value. In memory, until the studio ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use super::last_reply::TestedLogin;
use crate::document::Value;

/// A person compares a handful.
const MOST: usize = 32;

#[derive(Default)]
pub(super) struct Runs(Mutex<Vec<MarkedRun>>);

/// A test and what it was.
pub(super) struct MarkedRun {
    connector: String,
    /// Name and password were right.
    pub right: bool,
    pub step: String,
    pub status: u16,
    pub fields: BTreeMap<String, SeenField>,
}

/// What a field said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SeenField {
    /// As YAML.
    Code(String),
    HasValue,
    Empty,
}

/// How many tests were marked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub(super) struct Marked {
    right: usize,
    wrong: usize,
}

/// Rules for the step that decided.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Proposal {
    pub step: String,
    /// A condition on one line.
    pub success: String,
    /// Rows of `reject` on one line each.
    pub reject: Vec<String>,
}

/// Why nothing is proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoProposal {
    #[error(
        "send two right logins (two users, or twice the same) and one with a wrong password, and say after each which it was"
    )]
    TooFew,
    #[error("the marked tests ended at different steps; mark tests of one kind")]
    Steps,
    #[error(
        "no field that is called code, status, success, result or the like tells right logins from wrong ones; click the field that does"
    )]
    NoField,
}

impl Runs {
    /// Says of the last test what it was.
    pub(super) fn mark(&self, tested: &TestedLogin, right: bool) -> Option<Marked> {
        let reply = tested.replies.last()?;
        let seen = |(path, value): (String, &Value)| {
            let seen = match reply.code_of(&path, value) {
                Some(code) => SeenField::Code(code),
                None if value.scalar_text().is_some_and(|text| !text.is_empty()) => SeenField::HasValue,
                None => SeenField::Empty,
            };
            (path, seen)
        };
        let run = MarkedRun {
            connector: tested.connector.clone(),
            right,
            step: reply.step.clone(),
            status: reply.status,
            fields: reply.fields().into_iter().map(seen).collect(),
        };
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if runs.len() >= MOST {
            runs.remove(0);
        }
        runs.push(run);
        let count = |right| runs.iter().filter(|run| run.connector == tested.connector && run.right == right).count();
        Some(Marked { right: count(true), wrong: count(false) })
    }

    /// Rules that hold for every right test of a connector and for no wrong one.
    pub(super) fn propose(&self, connector: &str) -> Result<Proposal, NoProposal> {
        let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own: Vec<&MarkedRun> = runs.iter().filter(|run| run.connector == connector).collect();
        propose(&own)
    }
}

fn propose(runs: &[&MarkedRun]) -> Result<Proposal, NoProposal> {
    let (right, wrong): (Vec<&MarkedRun>, Vec<&MarkedRun>) = runs.iter().copied().partition(|run| run.right);
    let [first, _, ..] = right.as_slice() else { return Err(NoProposal::TooFew) };
    if wrong.is_empty() {
        return Err(NoProposal::TooFew);
    }
    if runs.iter().any(|run| run.step != first.step) {
        return Err(NoProposal::Steps);
    }
    let tells = |(path, seen): (&String, &SeenField)| match seen {
        SeenField::Code(code) => {
            let same = right.iter().all(|run| run.fields.get(path) == Some(seen));
            let differs = wrong.iter().all(|run| run.fields.get(path) != Some(seen));
            // A field that wrong replies have, too, says more than one that only is not there.
            let said = wrong.iter().filter(|run| matches!(run.fields.get(path), Some(SeenField::Code(_)))).count();
            (same && differs).then(|| (said, path.clone(), code.clone()))
        }
        _ => None,
    };
    let found = first.fields.iter().filter_map(tells);
    let (_, path, code) =
        found.max_by_key(|(said, path, _)| (*said, std::cmp::Reverse(path.len()))).ok_or(NoProposal::NoField)?;
    let equals = format!("{{ field: {path}, equals: {code} }}");
    let success = match only_right(&right, &wrong) {
        Some(beside) => format!("{{ all: [ {equals}, {{ field: {beside}, has_value: true }} ] }}"),
        None => equals,
    };
    let codes: BTreeSet<&String> = wrong
        .iter()
        .filter_map(|run| match run.fields.get(&path) {
            Some(SeenField::Code(code)) => Some(code),
            _ => None,
        })
        .collect();
    let mut reject: Vec<String> =
        codes.iter().map(|code| row(&format!("{{ field: {path}, equals: {code} }}"))).collect();
    if reject.is_empty() {
        let statuses: BTreeSet<u16> =
            wrong.iter().map(|run| run.status).filter(|status| right.iter().all(|run| run.status != *status)).collect();
        reject = statuses.iter().map(|status| row(&format!("{{ status: {status} }}"))).collect();
    }
    Ok(Proposal { step: first.step.clone(), success, reject })
}

fn row(condition: &str) -> String {
    format!("{{ when: {condition}, reason: invalid_credentials }}")
}

/// A field that has a value in every right reply and in no wrong one. It never stands alone.
fn only_right(right: &[&MarkedRun], wrong: &[&MarkedRun]) -> Option<String> {
    let has = |run: &MarkedRun, path: &String| run.fields.get(path) == Some(&SeenField::HasValue);
    let mut paths: Vec<&String> = right.first()?.fields.keys().collect();
    // A token says more than a name.
    paths.sort_by_key(|path| (!path.to_lowercase().contains("token"), path.len()));
    let fits = |path: &&&String| right.iter().all(|run| has(run, path)) && !wrong.iter().any(|run| has(run, path));
    paths.iter().find(fits).map(|path| (*path).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(right: bool, status: u16, fields: &[(&str, SeenField)]) -> MarkedRun {
        let fields = fields.iter().map(|(path, seen)| ((*path).to_owned(), seen.clone())).collect();
        MarkedRun { connector: "a".to_owned(), right, step: "login".to_owned(), status, fields }
    }

    fn code(text: &str) -> SeenField {
        SeenField::Code(text.to_owned())
    }

    #[test]
    fn rules_come_from_two_right_logins_and_a_wrong_one() {
        let right = || {
            run(true, 200, &[("code", code("200")), ("data.token", SeenField::HasValue), ("msg", SeenField::HasValue)])
        };
        let wrong = run(false, 200, &[("code", code("500")), ("msg", SeenField::HasValue)]);
        let (one, two) = (right(), right());
        assert_eq!(propose(&[&one, &wrong]), Err(NoProposal::TooFew));
        assert_eq!(propose(&[&one, &two]), Err(NoProposal::TooFew));
        let proposal = propose(&[&one, &two, &wrong]).unwrap();
        assert_eq!(
            proposal.success,
            "{ all: [ { field: code, equals: 200 }, { field: data.token, has_value: true } ] }"
        );
        assert_eq!(proposal.reject, ["{ when: { field: code, equals: 500 }, reason: invalid_credentials }"]);
    }

    #[test]
    fn what_is_the_same_everywhere_or_changes_by_itself_tells_nothing() {
        let right = |token: &str| {
            run(true, 200, &[("code", code("0")), ("status", code(token)), ("data.token", SeenField::HasValue)])
        };
        let (one, two, wrong) = (right("1"), right("2"), run(false, 200, &[("code", code("0"))]));
        assert_eq!(propose(&[&one, &two, &wrong]), Err(NoProposal::NoField), "a token alone never grants");
        let elsewhere = MarkedRun { step: "verify".to_owned(), ..run(false, 200, &[]) };
        assert_eq!(propose(&[&one, &two, &elsewhere]), Err(NoProposal::Steps));
        // The right code is known by its absence elsewhere; the status says what is wrong.
        let (one, two) = (right("1"), right("1"));
        let refused = run(false, 401, &[]);
        assert_eq!(
            propose(&[&one, &two, &refused]).unwrap().reject,
            ["{ when: { status: 401 }, reason: invalid_credentials }"]
        );
    }
}
