//! What whoever logs in may choose, followed through captures, scripts and outcomes: such a value must not skip a factor, and
//! an answer must not be compared with it.
//!
//! A guess errs towards "chosen". What an upstream says counts as its own, whatever it was asked with.

use std::collections::BTreeSet;

use super::WrittenScript;
use crate::condition::{Condition, Test, ValueSource};
use crate::connector::Step;
use crate::context::{StepValue, Variable};
use crate::script::{Kind, Reads};

/// What may be chosen, beside everything that a login brings.
#[derive(Default, PartialEq)]
pub(super) struct Chosen {
    captures: BTreeSet<(String, String)>,
    outcomes: BTreeSet<String>,
    env: BTreeSet<String>,
    any_env: bool,
    /// Names of `env` that a script draws, computes with a secret, or takes from a reply.
    made: BTreeSet<String>,
}

impl Chosen {
    /// Follows values until nothing new is found. Steps may run again (`resend`), so the order of the file says nothing.
    pub(super) fn of(steps: &[Step], scripts: &[WrittenScript], reads: &[Reads]) -> Self {
        let mut chosen = Self::default();
        loop {
            let before = chosen.size();
            for (script, reads) in scripts.iter().zip(reads) {
                chosen.script(script, reads, steps);
            }
            for step in steps {
                chosen.step(step);
            }
            if chosen.size() == before {
                return chosen;
            }
        }
    }

    fn size(&self) -> (usize, usize, usize, usize, bool) {
        (self.captures.len(), self.outcomes.len(), self.env.len(), self.made.len(), self.any_env)
    }

    fn script(&mut self, script: &WrittenScript, reads: &Reads, steps: &[Step]) {
        let from_login = !reads.user.is_empty()
            || !reads.user_fields.is_empty()
            || !reads.answer.is_empty()
            || !reads.request.is_empty();
        let from_env = reads.env_read.all || reads.env_read.names.keys().any(|name| self.env(name));
        let from_steps = reads.steps_all
            || reads.steps.iter().any(|(step, values)| {
                values.all || values.names.keys().any(|name| self.holds(&step_variable(step, name)))
            });
        let is_chosen = from_login || from_env || from_steps;
        match script.kind {
            Kind::Variables => {
                if is_chosen {
                    self.env.extend(reads.env_written.names.keys().cloned());
                    self.any_env |= reads.env_written.all;
                }
                let drawn = reads.impure || !reads.random.is_empty() || !reads.secret.is_empty();
                if drawn || !reads.steps.is_empty() {
                    self.made.extend(reads.env_written.names.keys().cloned());
                }
            }
            // The document is the script's own then, and so is every part of it.
            Kind::Preprocess if is_chosen => {
                if let Some(step) = steps.get(script.step) {
                    let names = step.response.captures.iter().map(|capture| capture.name.clone());
                    self.captures.extend(names.map(|name| (step.name.clone(), name)));
                }
            }
            Kind::Preprocess => {}
        }
    }

    fn step(&mut self, step: &Step) {
        for capture in &step.response.captures {
            if matches!(&capture.source, ValueSource::Variable(variable) if self.holds(variable)) {
                self.captures.insert((step.name.clone(), capture.name.clone()));
            }
        }
        if step.when.as_ref().is_some_and(|when| self.decides(when)) {
            self.outcomes.insert(step.name.clone());
        }
    }

    /// Whether a value that may be chosen can make the condition true or false.
    pub(super) fn decides(&self, condition: &Condition) -> bool {
        condition.leaves().iter().any(|(leaf, _)| match &leaf.test {
            Test::Compare(source, operator) => {
                matches!(source, ValueSource::Variable(variable) if self.holds(variable))
                    || operator.variables().any(|variable| self.holds(variable))
            }
            Test::Status(_) => false,
        })
    }

    /// Whether `variable` may be chosen.
    pub(super) fn holds(&self, variable: &Variable) -> bool {
        match variable {
            Variable::Username
            | Variable::Password
            | Variable::Field(_)
            | Variable::ClientIp
            | Variable::Attribute(_)
            | Variable::Answer(_)
            | Variable::RequestId => true,
            Variable::Env(name) => self.env(name),
            Variable::Step { step, value: StepValue::Capture(name) } => {
                self.captures.contains(&(step.clone(), name.clone()))
            }
            Variable::Step { step, value: StepValue::Outcome } => self.outcomes.contains(step),
            Variable::Step { .. }
            | Variable::Secret(_)
            | Variable::Login(_)
            | Variable::Time(_)
            | Variable::Random(_) => false,
        }
    }

    fn env(&self, name: &str) -> bool {
        self.any_env || self.env.contains(name)
    }

    /// Whether only this login knows `variable`: drawn for it, or said by an upstream to it. What a cached step captured is
    /// the same for all logins.
    pub(super) fn is_own(&self, variable: &Variable, steps: &[Step]) -> bool {
        if self.holds(variable) {
            return false;
        }
        match variable {
            Variable::Random(_) => true,
            Variable::Env(name) => self.made.contains(name),
            Variable::Step { step, value: StepValue::Capture(name) } => {
                let Some(step) = steps.iter().find(|known| known.name == *step && known.cache.is_none()) else {
                    return false;
                };
                let found = step.response.captures.iter().find(|known| known.name == *name);
                match found.map(|capture| &capture.source) {
                    Some(ValueSource::Variable(inner)) => self.is_own(inner, steps),
                    Some(ValueSource::Reply(_) | ValueSource::Claim(_)) => true,
                    Some(ValueSource::Constant(_)) | None => false,
                }
            }
            _ => false,
        }
    }
}

fn step_variable(step: &str, name: &str) -> Variable {
    let value = match name {
        "outcome" => StepValue::Outcome,
        "status" => StepValue::Status,
        capture => StepValue::Capture(capture.to_owned()),
    };
    Variable::Step { step: step.to_owned(), value }
}
