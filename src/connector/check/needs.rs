//! What a step reads: its templates, rules and sources by name, its scripts by their syntax tree (docs/contract.md section 3).
//!
//! Three analyses follow values through the same `Reads` of scripts, and err to different sides on purpose:
//! - `needs` (here) asks which values a step may read, so that a challenge keeps them and a cache knows its inputs. A script
//!   that its text does not explain reads all. It follows nothing from step to step.
//! - `roles::Taint` asks which `env.*` may hold the user's credential, or a secret: those make a factor and are redacted. It
//!   follows scripts only, in the order of the file.
//! - `chosen::Chosen` asks what the user who logs in may choose: such a value skips no factor and proves none. It follows
//!   requests, replies, cookies and outcomes as well, in any order, until nothing new is found.

use std::collections::BTreeSet;

use super::Check;
use crate::condition::{Condition, Test, ValueSource};
use crate::connector::cache::{CachePlan, GoodFor};
use crate::connector::{Ask, Needs, ResponsePlan, SendsCode, Step};
use crate::context::{StepValue, Variable};
use crate::mapping::{Extension, MapPlan};
use crate::response::{DecryptPlan, JwtPlan};
use crate::script::Reads;

/// The parts of a step that read something, before and after they are put together.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) index: usize,
    pub(super) variables_read: &'a BTreeSet<Variable>,
    pub(super) response: &'a ResponsePlan,
    pub(super) ask: Option<&'a Ask>,
    pub(super) cache: Option<&'a CachePlan>,
    pub(super) sends_code_to: Option<&'a SendsCode>,
}

impl<'a> Parts<'a> {
    /// Those of a step, the one at `index`.
    pub(super) fn of(step: &'a Step, index: usize) -> Self {
        let Step { variables_read, response, .. } = step;
        let (ask, cache, sends_code_to) = (step.ask.as_ref(), step.cache.as_ref(), step.sends_code_to.as_ref());
        Self { index, variables_read, response, ask, cache, sends_code_to }
    }
}

/// What goes into the request of a step, and into what is made of the reply: everything that it reads but for its `when`.
pub(super) fn beyond_when(step: Parts<'_>, check: &Check<'_>) -> Needs {
    let mut needs = Needs { variables: step.variables_read.clone(), ..Needs::default() };
    needs.variables.extend(step.response.decrypt.iter().flat_map(DecryptPlan::variables).cloned());
    needs.variables.extend(step.response.jwt.iter().flat_map(JwtPlan::variables).cloned());
    let rules = &step.response.rules;
    let conditions = rules.reject.iter().map(|row| &row.when);
    let conditions =
        conditions.chain(&rules.unavailable).chain(&rules.more).chain(&rules.pending).chain(&rules.success);
    of_conditions(conditions, &mut needs);
    if let Some(sends) = step.sends_code_to {
        needs.variables.insert(sends.to.clone());
        of_conditions(&sends.when, &mut needs);
    }
    needs.variables.extend(step.ask.iter().flat_map(|ask| ask.variables()));
    let good_for = step.cache.iter().filter_map(|plan| match &plan.good_for {
        GoodFor::Reported(source, _) => Some(source),
        GoodFor::Span(_) => None,
    });
    good_for.for_each(|source| of_source(source, &mut needs));
    let captures = step.response.captures.iter().map(|capture| &capture.source);
    let sources = captures.chain(step.response.identity.iter().map(|identity| &identity.source));
    for source in sources.chain(of_map(&step.response.map)) {
        of_source(source, &mut needs);
    }
    for (_, reads) in check.scripts_of(step.index) {
        of_script(reads, &mut needs);
    }
    needs
}

/// What `conditions` read.
pub(super) fn of_conditions<'c>(conditions: impl IntoIterator<Item = &'c Condition>, needs: &mut Needs) {
    for condition in conditions {
        of_condition(condition, needs);
    }
}

fn of_condition(condition: &Condition, needs: &mut Needs) {
    for (leaf, _) in condition.leaves() {
        if let Test::Compare(source, operator) = &leaf.test {
            of_source(source, needs);
            needs.variables.extend(operator.variables().cloned());
        }
    }
}

fn of_source(source: &ValueSource, needs: &mut Needs) {
    for source in source.each() {
        if let ValueSource::Variable(variable) = source {
            needs.variables.insert(variable.clone());
        }
    }
}

fn of_map(map: &MapPlan) -> impl Iterator<Item = &ValueSource> {
    let extension: Vec<&ValueSource> = match &map.extension {
        Some(Extension::Whole(source)) => vec![source],
        Some(Extension::Parts(parts)) => parts.iter().map(|(_, source)| source).collect(),
        None => Vec::new(),
    };
    let attributes = map.attributes.iter().map(|(_, source)| source);
    map.error_code.iter().chain(&map.error_message).chain(extension).chain(attributes)
}

fn of_script(reads: &Reads, needs: &mut Needs) {
    let user = reads.user.names.keys().filter_map(|name| Variable::parse(&format!("user.{name}")).ok());
    needs.variables.extend(user);
    needs.variables.extend(reads.user_fields.names.keys().cloned().map(Variable::Field));
    needs.variables.extend(reads.env_read.names.keys().cloned().map(Variable::Env));
    needs.variables.extend(reads.answer.names.keys().cloned().map(Variable::Answer));
    for (step, values) in &reads.steps {
        // Outcome and status are kept of every step.
        let captures = values.names.keys().filter(|name| !matches!(name.as_str(), "outcome" | "status"));
        needs.variables.extend(
            captures.map(|name| Variable::Step { step: step.clone(), value: StepValue::Capture(name.clone()) }),
        );
        if values.all {
            needs.whole_steps.insert(step.clone());
        }
    }
    needs.user |= reads.user.all;
    needs.fields |= reads.user_fields.all;
    needs.env |= reads.env_read.all;
    needs.steps |= reads.steps_all;
    needs.answers |= reads.answer.all;
}
