//! What a step reads: its templates, rules and sources by name, its scripts by their syntax tree (docs/contract.md section 3).

use super::WrittenScript;
use crate::condition::{Condition, Test, ValueSource};
use crate::connector::cache::GoodFor;
use crate::connector::{Needs, Step};
use crate::context::{StepValue, Variable};
use crate::mapping::{Extension, MapPlan};
use crate::script::Reads;

/// Everything that `step`, the one at `index`, reads.
pub(super) fn needs(step: &Step, index: usize, scripts: &[WrittenScript], reads: &[Reads]) -> Needs {
    let mut needs = beyond_when(step, index, scripts, reads);
    step.when.iter().for_each(|when| of_condition(when, &mut needs));
    needs
}

/// The same without its `when`: what goes into the request, and into what is made of the reply.
pub(super) fn beyond_when(step: &Step, index: usize, scripts: &[WrittenScript], reads: &[Reads]) -> Needs {
    let mut needs = Needs { variables: step.variables_read.clone(), ..Needs::default() };
    let rules = &step.response.rules;
    let conditions = rules.reject.iter().map(|row| &row.when);
    let conditions =
        conditions.chain(&rules.unavailable).chain(&rules.more).chain(&rules.pending).chain(&rules.success);
    conditions.for_each(|condition| of_condition(condition, &mut needs));
    if let Some(sends) = &step.sends_code_to {
        needs.variables.insert(sends.to.clone());
        sends.when.iter().for_each(|when| of_condition(when, &mut needs));
    }
    needs.variables.extend(step.ask.iter().flat_map(super::super::Ask::variables));
    let good_for = step.cache.iter().filter_map(|plan| match &plan.good_for {
        GoodFor::Told(source, _) => Some(source),
        GoodFor::Span(_) => None,
    });
    good_for.for_each(|source| of_source(source, &mut needs));
    let captures = step.response.captures.iter().map(|capture| &capture.source);
    let sources = captures.chain(step.response.identity.iter().map(|identity| &identity.source));
    for source in sources.chain(of_map(&step.response.map)) {
        of_source(source, &mut needs);
    }
    for (_, reads) in scripts.iter().zip(reads).filter(|(script, _)| script.step == index) {
        of_script(reads, &mut needs);
    }
    needs
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
