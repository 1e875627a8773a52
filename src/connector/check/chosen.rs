//! What the user who logs in may choose, followed through requests, captures, scripts, cookies and outcomes: such a value must not
//! skip a factor, and an answer must not be compared with it.
//!
//! A guess errs towards "chosen". A factor's reply is the upstream's own: its success is a proof, and its `more` owes one; what else
//! it says to an answer may be the answer. What a
//! helper brings is chosen as far as its request, its rules or its scripts are.

use std::collections::BTreeSet;

use super::WrittenScript;
use crate::condition::{Condition, Test, ValueSource};
use crate::connector::{Role, Step};
use crate::context::{StepValue, Variable};
use crate::script::{Reads, ScriptKind};

/// What may be chosen, beside everything that a login brings.
pub(super) struct UserControlled {
    /// Values that are handed on: a capture of the user's data, what a script makes of it.
    values: Flow,
    /// Those, and all that a helper asked with them brings: what must not skip a factor.
    skips: Flow,
    /// All that a helper brings that was asked with more of the user than the name: a code that comes back is not this login's own.
    replies: Flow,
}

impl UserControlled {
    /// Follows values through a connector.
    pub(super) fn of(steps: &[Step], scripts: &[WrittenScript], reads: &[Reads]) -> Self {
        let follow = |steering, by_name| Flow { steering, by_name, ..Flow::default() }.follow(steps, scripts, reads);
        Self { values: follow(false, true), skips: follow(true, true), replies: follow(true, false) }
    }

    /// Whether a value that may be chosen can make the `when` true or false.
    pub(super) fn decides(&self, when: &Condition) -> bool {
        self.values.decides(when) || self.skips.decides(when)
    }

    /// Whether user data decides what a step comes to.
    pub(super) fn outcome(&self, step: &str) -> bool {
        self.skips.outcomes.contains(step)
    }

    /// Whether only this login knows `variable`: drawn for it, or said by an upstream to it. What a cached step captured is
    /// the same for all logins.
    pub(super) fn is_own(&self, variable: &Variable, steps: &[Step]) -> bool {
        if self.values.holds(variable) || self.replies.holds(variable) {
            return false;
        }
        match variable {
            Variable::Random(_) => true,
            Variable::Env(name) => self.values.made.contains(name),
            Variable::Step { step, value: StepValue::Capture(name) } => {
                let Some(step) = steps.iter().find(|known| known.name == *step && known.cache.is_none()) else {
                    return false;
                };
                let found = step.response.captures.iter().find(|known| known.name == *name);
                found.is_some_and(|capture| {
                    capture.source.each().iter().all(|source| match source {
                        ValueSource::Variable(inner) => self.is_own(inner, steps),
                        ValueSource::Reply(_) | ValueSource::Claim(_) => true,
                        ValueSource::Constant(_) | ValueSource::FirstOf(_) => false,
                    })
                })
            }
            _ => false,
        }
    }
}

/// One way to follow values.
#[derive(Default)]
struct Flow {
    /// Whether what a helper is asked with steers what it brings.
    steering: bool,
    /// Whether the user name steers: the user writes it as they like, with a blank at its end or in capitals.
    by_name: bool,
    captures: BTreeSet<(String, String)>,
    outcomes: BTreeSet<String>,
    statuses: BTreeSet<String>,
    /// Helpers whose replies are steered.
    steered: BTreeSet<String>,
    /// The first of them that may leave a cookie, which later steps send.
    jar: Option<usize>,
    env: BTreeSet<String>,
    any_env: bool,
    /// Names of `env` that a script draws, computes with a secret, or takes from a reply.
    made: BTreeSet<String>,
}

impl Flow {
    /// Follows values until nothing new is found. Steps may run again (`resend`), so the order of the file says nothing.
    fn follow(mut self, steps: &[Step], scripts: &[WrittenScript], reads: &[Reads]) -> Self {
        loop {
            let before = self.size();
            for (script, reads) in scripts.iter().zip(reads) {
                self.script(script, reads, steps);
            }
            for (index, step) in steps.iter().enumerate() {
                match step.role {
                    Role::Helper if self.steering => self.helper(index, step, steps),
                    Role::Factor if self.steering && answers(step, scripts, reads) => self.answered(step),
                    _ => {}
                }
                self.step(step);
            }
            if self.size() == before {
                return self;
            }
        }
    }

    /// Nothing is ever taken out, and the jar only moves to the front: when this stays, all of it does.
    fn size(&self) -> (usize, Option<usize>, bool) {
        let sets = [&self.outcomes, &self.statuses, &self.steered, &self.env, &self.made];
        let names: usize = sets.into_iter().map(BTreeSet::len).sum();
        (names + self.captures.len(), self.jar, self.any_env)
    }

    fn script(&mut self, script: &WrittenScript, reads: &Reads, steps: &[Step]) {
        let about_user = reads.user.names.keys().any(|name| self.by_name || name != "username") || reads.user.all;
        let from_login = about_user
            || !reads.user_fields.is_empty()
            || !reads.answer.is_empty()
            || (!self.steering && !reads.request.is_empty());
        let from_env = reads.env_read.all || reads.env_read.names.keys().any(|name| self.env(name));
        let from_steps = reads.steps_all
            || reads.steps.iter().any(|(step, values)| {
                values.all || values.names.keys().any(|name| self.holds(&step_variable(step, name)))
            });
        let is_chosen = from_login || from_env || from_steps;
        match script.kind {
            ScriptKind::Variables => {
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
            ScriptKind::Preprocess if is_chosen => {
                if let Some(step) = steps.get(script.step) {
                    self.captures_of(step, |_| true);
                    if self.steering && step.role == Role::Helper {
                        self.outcomes.insert(step.name.clone());
                    }
                }
            }
            ScriptKind::Preprocess => {}
        }
    }

    /// What a helper is asked with, and what its rules compare with, steers what it brings.
    fn helper(&mut self, index: usize, step: &Step, steps: &[Step]) {
        let by_cookie = self.jar.is_some_and(|first| first < last_run(index, steps));
        let asked = step.cache.is_none() && step.request.is_some();
        if asked && (by_cookie || step.variables_read.iter().any(|variable| self.influences(variable))) {
            self.steered.insert(step.name.clone());
            self.statuses.insert(step.name.clone());
            self.outcomes.insert(step.name.clone());
            self.captures_of(step, |source| matches!(source, ValueSource::Reply(_) | ValueSource::Claim(_)));
            self.jar = Some(self.jar.map_or(index, |first| first.min(index)));
        }
        if step.response.rules.conditions().any(|(_, condition)| self.decides(condition)) {
            self.outcomes.insert(step.name.clone());
        }
    }

    /// What a reply says to an answer may be the answer: a choice that is sent is no code, and nothing tells the two apart. That the
    /// step succeeded stays its proof.
    fn answered(&mut self, step: &Step) {
        self.statuses.insert(step.name.clone());
        self.captures_of(step, |source| matches!(source, ValueSource::Reply(_) | ValueSource::Claim(_)));
    }

    fn step(&mut self, step: &Step) {
        for capture in &step.response.captures {
            let mut each = capture.source.each().iter();
            if each.any(|source| matches!(source, ValueSource::Variable(variable) if self.holds(variable))) {
                self.captures.insert((step.name.clone(), capture.name.clone()));
            }
        }
        if step.when.as_ref().is_some_and(|when| self.decides(when)) {
            self.outcomes.insert(step.name.clone());
            // Whether it is there at all is chosen, too.
            if self.steering && self.by_name {
                self.statuses.insert(step.name.clone());
                self.captures_of(step, |_| true);
            }
        }
    }

    fn captures_of(&mut self, step: &Step, which: impl Fn(&ValueSource) -> bool) {
        let captures = step.response.captures.iter().filter(|capture| capture.source.each().iter().any(&which));
        self.captures.extend(captures.map(|capture| (step.name.clone(), capture.name.clone())));
    }

    /// Whether a value that may be chosen can make the condition true or false.
    fn decides(&self, condition: &Condition) -> bool {
        condition.leaves().iter().any(|(leaf, _)| match &leaf.test {
            Test::Compare(source, operator) => {
                matches!(source, ValueSource::Variable(variable) if self.holds(variable))
                    || operator.variables().any(|variable| self.holds(variable))
            }
            Test::Status(_) => false,
        })
    }

    /// Whether `variable` in a request steers the reply. The id of the call is there to find it again in two logs.
    fn influences(&self, variable: &Variable) -> bool {
        match variable {
            Variable::RequestId => false,
            Variable::Username => self.by_name,
            other => self.holds(other),
        }
    }

    /// Whether `variable` may be chosen.
    fn holds(&self, variable: &Variable) -> bool {
        match variable {
            Variable::Username
            | Variable::Password
            | Variable::Field(_)
            | Variable::ClientIp
            | Variable::Attribute(_)
            | Variable::Answer(_)
            | Variable::RequestId => true,
            Variable::Env(name) => self.env(name),
            Variable::Step { step, value } => match value {
                StepValue::Capture(name) => self.captures.contains(&(step.clone(), name.clone())),
                StepValue::Outcome => self.outcomes.contains(step),
                StepValue::Status => self.statuses.contains(step),
                StepValue::Form(_) | StepValue::Address => self.steered.contains(step),
            },
            // What a signed request holds is known from the request's own variables.
            Variable::Signed(_)
            | Variable::InnerBody
            | Variable::Secret(_)
            | Variable::Login(_)
            | Variable::Time(_)
            | Variable::Random(_)
            | Variable::Verdict(_) => false,
        }
    }

    fn env(&self, name: &str) -> bool {
        self.any_env || self.env.contains(name)
    }
}

/// Whether the request of `step` carries what the user answered, or what a script makes of it.
fn answers(step: &Step, scripts: &[WrittenScript], reads: &[Reads]) -> bool {
    let made = |name: &str| {
        let written = |reads: &Reads| reads.env_written.all || reads.env_written.names.contains_key(name);
        let variables = scripts.iter().zip(reads).filter(|(script, _)| script.kind == ScriptKind::Variables);
        variables.into_iter().any(|(_, reads)| !reads.answer.is_empty() && written(reads))
    };
    step.request.is_some()
        && step.variables_read.iter().any(|variable| match variable {
            Variable::Answer(_) => true,
            Variable::Env(name) => made(name),
            _ => false,
        })
}

/// The last place in the file at which the step at `index` may run: a `resend` runs it again at the step that asks.
fn last_run(index: usize, steps: &[Step]) -> usize {
    let again = |step: &Step| step.ask.as_ref().and_then(|ask| ask.resend.as_ref()).is_some_and(|it| it.step == index);
    steps.iter().rposition(again).map_or(index, |asking| asking.max(index))
}

fn step_variable(step: &str, name: &str) -> Variable {
    let value = match name {
        "outcome" => StepValue::Outcome,
        "status" => StepValue::Status,
        capture => StepValue::Capture(capture.to_owned()),
    };
    Variable::Step { step: step.to_owned(), value }
}
