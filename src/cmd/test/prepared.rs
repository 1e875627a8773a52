//! Answers that the command line gives in advance: `--answer NAME=VALUE` and `--answers-stdin`.
//!
//! Each serves once, the first that fits the name: a login that asks for `code` twice takes two.

use anyhow::{Context as _, Result, ensure};
use doorward::connector::Connector;
use doorward::flow::Action;
use doorward::secret::Secret;
use doorward::verdict::Challenge;
use indexmap::IndexMap;

use super::given::{Answer, meant};
use crate::cmd::language::lang;

/// The name of an answer that asks for the code once more; golden cases have it as well.
const RESEND: &str = "resend";

/// Answers in the order in which they were given.
#[derive(Default)]
pub struct Prepared(Vec<(String, Secret)>);

impl Prepared {
    /// Those of the command line, and then the lines of standard input.
    pub fn collect(given: &[Answer], lines: &str, connector: &Connector) -> Result<Self> {
        let prepared = Self::unchecked(given, lines)?;
        let asks = || connector.steps.iter().filter_map(|step| step.ask.as_ref());
        let names: Vec<&str> = asks().flat_map(doorward::connector::Ask::answers).chain([RESEND]).collect();
        for (name, _) in &prepared.0 {
            let known = names.contains(&name.as_str());
            ensure!(known, "the connector {} asks for no {name}{}", connector.id, meant(name, names.iter().copied()));
        }
        Ok(prepared)
    }

    /// The same when it is not known what the connector asks for.
    pub fn unchecked(given: &[Answer], lines: &str) -> Result<Self> {
        let mut answers: Vec<(String, Secret)> =
            given.iter().map(|answer| (answer.name().to_owned(), Secret::new(answer.value()))).collect();
        for (number, line) in lines.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
            let (name, value) = line
                .split_once('=')
                .with_context(|| format!("answer {} on standard input is not written NAME=VALUE", number + 1))?;
            answers.push((name.to_owned(), Secret::new(value)));
        }
        Ok(Self(answers))
    }

    /// What to do about `challenge`; `None` when an answer that it wants is not there. `state` is a redirect's.
    pub fn answer(&mut self, challenge: &Challenge, state: Option<&Secret>) -> Option<Action> {
        if challenge.resend_after.is_some() && self.0.first().is_some_and(|(name, _)| name == RESEND) {
            self.0.remove(0);
            return Some(Action::Resend);
        }
        let mut wanted: Vec<&str> = challenge.fields.iter().map(|field| field.name.as_str()).collect();
        // `state` is drawn when the login begins, so it can rarely be given beforehand.
        wanted.extend(challenge.returns.iter().map(String::as_str).filter(|name| *name != "state"));
        if wanted.is_empty() || wanted.iter().any(|name| self.place(name).is_none()) {
            return None;
        }
        let wants_state = challenge.returns.iter().any(|name| name == "state");
        if wants_state && state.is_none() && self.place("state").is_none() {
            return None;
        }
        let mut answers: IndexMap<String, Secret> = IndexMap::new();
        for name in wanted {
            answers.extend(self.place(name).map(|at| self.0.remove(at)));
        }
        if wants_state {
            let given = self.place("state").map(|at| self.0.remove(at).1);
            answers.extend(given.or_else(|| state.cloned()).map(|state| ("state".to_owned(), state)));
        }
        Some(Action::Answer(answers))
    }

    fn place(&self, wanted: &str) -> Option<usize> {
        self.0.iter().position(|(name, _)| name == wanted)
    }

    /// Names on standard error the answers that were not asked for.
    pub fn report_unused(&self) {
        for (name, _) in &self.0 {
            anstream::eprintln!("{}", lang().fill("test.not_asked", &[("name", name)]));
        }
    }

    /// All of them, which must not be shown.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.0.iter().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Without a `state` there is nothing to answer with: an empty one is not sent, and the code stays for later.
    #[test]
    fn a_redirect_is_answered_with_its_state_or_not_at_all() {
        let challenge = Challenge {
            id: String::new(),
            kind: "redirect".to_owned(),
            message: None,
            fields: Vec::new(),
            url: None,
            returns: vec!["code".to_owned(), "state".to_owned()],
            image: None,
            expires_in: Duration::from_mins(1),
            attempts_left: 1,
            resend_after: None,
            poll_after: None,
            error: None,
        };
        let answered = |lines: &str, state: Option<&Secret>| {
            let mut prepared = Prepared::unchecked(&[], lines).unwrap();
            let action = prepared.answer(&challenge, state);
            let sent = action.map(|action| match action {
                Action::Answer(answers) => answers["state"].expose().to_owned(),
                other => panic!("{other:?}"),
            });
            (sent, prepared.0.len())
        };
        assert_eq!(answered("code=c", None), (None, 1));
        assert_eq!(answered("code=c", Some(&Secret::new("s"))), (Some("s".to_owned()), 0));
        assert_eq!(answered("code=c\nstate=given", Some(&Secret::new("s"))), (Some("given".to_owned()), 0));
    }
}
