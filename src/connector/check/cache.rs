//! `cache`: only where nothing of a user goes in, and nothing about a user comes out (docs/contract.md section 2).
//!
//! What is kept for all logins must be the same for all: so the step may read no more than literals, settings, secrets,
//! time, random and captures of steps that are kept themselves, and it judges no user.

use std::time::Duration;

use super::{Check, StepCheck, WrittenScript, condition, needs, source};
use crate::condition::{Condition, Test, ValueSource};
use crate::connector::cache::{CachePlan, GoodFor, MAX_LIFE};
use crate::connector::raw::{self, step::CacheTime};
use crate::connector::{Needs, Role, Step};
use crate::context::{StepValue, Variable};
use crate::diagnostic::{Diagnostics, Span};
use crate::script::Reads;

/// A shorter time would save no request.
const MIN_LIFE: Duration = Duration::from_secs(1);

const READS: &str =
    "it may read literals, settings, secret.*, time.*, random.* and captures of other steps with `cache`";

/// Compiles `cache` of one step, but for its inputs; `None` where there is none or after a mistake.
pub(super) fn cache(part: StepCheck<'_>, role: Role, diagnostics: &mut Diagnostics) -> Option<CachePlan> {
    let StepCheck { check, raw: step, scope, .. } = part;
    let raw = step.cache.as_ref()?;
    let at = step.place.key("cache");
    let mut wrong = |message: &str, help: &str| {
        diagnostics.add(diagnostics.error_at("cache", at, message).help(help));
    };
    if role == Role::Factor {
        wrong("what proves a user is never kept for others", "leave `cache` out");
    } else if step.ask.is_some() || step.request.is_none() {
        wrong("only a step that sends a request and has no `ask` can be kept", "leave `cache` out");
    } else if step.response.as_ref().is_none_or(|response| response.capture.is_empty()) {
        wrong("this step captures nothing, so there is nothing to keep", "add response.capture");
    }
    judges_nobody(step, diagnostics);
    let good_for = match &raw.r#for {
        CacheTime::Fixed(span) => {
            if !(MIN_LIFE..=MAX_LIFE).contains(&span.value.0) {
                diagnostics
                    .add(diagnostics.error_at("out-of-range", &span.span, "this is out of range").help("1s to 24h"));
            }
            Some(GoodFor::Span(span.value.0))
        }
        CacheTime::Reply(written) => source::source(check, written, scope, diagnostics)
            .map(|source| GoodFor::Reported(source, check.language.time_zone.clone())),
    };
    let drop_when = raw.drop_when.as_ref().map(|written| {
        let compiled = condition::condition(check, written, scope, diagnostics)?;
        if !looks_at_replies_only(&compiled) {
            let message = "`drop_when` looks at the reply of a later step, and at nothing else";
            let mistake = diagnostics.error_at("cache", &written.place.span, message);
            diagnostics.add(mistake.help("compare a field, a header or the status with a literal"));
        }
        Some(compiled)
    });
    let drop_when = match drop_when {
        None => None,
        Some(compiled) => Some(compiled?),
    };
    Some(CachePlan { good_for: good_for?, drop_when, inputs: Vec::new() })
}

/// Nothing of a step without a user may end, pass or describe the login of one.
fn judges_nobody(step: &raw::Step, diagnostics: &mut Diagnostics) {
    let Some(response) = &step.response else { return };
    for key in ["reject", "more", "pending", "identity", "map"] {
        if let Some(span) = response.place.written(key) {
            let message = format!("`{key}` depends on the user, and a cached step is shared by all users");
            diagnostics.add(diagnostics.error_at("cache", span, message).help(format!("leave `{key}` or `cache` out")));
        }
    }
}

fn looks_at_replies_only(condition: &Condition) -> bool {
    condition.leaves().iter().all(|(leaf, _)| match &leaf.test {
        Test::Status(_) => true,
        Test::Compare(ValueSource::Reply(_), operator) => operator.variables().next().is_none(),
        Test::Compare(..) => false,
    })
}

/// Cross-step checks: what goes into cached steps, and whether a later reply can invalidate them.
pub(super) fn across_steps(check: &Check<'_>, steps: &[Step], diagnostics: &mut Diagnostics) {
    for (index, (step, raw)) in steps.iter().zip(check.raw.steps.iter()).enumerate() {
        let Some(cache) = &step.cache else { continue };
        let at = raw.place.key("cache");
        inputs(check, steps, index, at, diagnostics);
        if !step.response.decoding.wanted.forms.is_empty() {
            let message = "a later step submits a form of this page, and with its page a form is of one login";
            diagnostics.add(diagnostics.error_at("cache", at, message).help("leave `cache` out"));
        }
        if cache.drop_when.is_some() && steps.iter().all(|later| !later.invalidates.contains(&index)) {
            let message = "no later step uses what is kept here, so no reply can say that it is no longer good";
            diagnostics.add(diagnostics.error_at("cache", at, message).help("leave `drop_when` out"));
        }
    }
}

/// Refuses what a cached step reads of one login.
fn inputs(check: &Check<'_>, steps: &[Step], index: usize, at: &Span, diagnostics: &mut Diagnostics) {
    let step = &steps[index];
    let own: Vec<(&WrittenScript, &Reads)> = check.scripts_of(index).collect();
    let kept = |name: &str| steps[..index].iter().any(|step| step.name == name && step.cache.is_some());
    let set: Vec<&String> = own.iter().flat_map(|(_, reads)| reads.env_written.names.keys()).collect();
    let needs = needs::beyond_when(needs::Parts::of(step, index), check);
    // That a factor cannot be cached is reported already.
    let what = of_a_user(&needs, &kept, &set).filter(|_| step.role == Role::Helper);
    if let Some(what) = what.or_else(|| names_request(&own)) {
        let message = format!("`{what}` is of one login, and what this step keeps is for all of them");
        diagnostics.add(diagnostics.error_at("cache-of-user", at, message).label("kept for other logins").help(READS));
    }
    for (script, reads) in own {
        if let Some(what) = aliased(reads) {
            let message = format!("this script uses `{what}` in a way that does not tell what it reads");
            let mistake = diagnostics.error_at("cache-of-user", &script.at, message);
            diagnostics.add(mistake.label("in a step that is kept for other logins").help(READS));
        }
    }
}

/// The first value that is of one login.
fn of_a_user(needs: &Needs, kept: &impl Fn(&str) -> bool, set: &[&String]) -> Option<String> {
    let wrong = needs.variables.iter().find(|variable| match variable {
        Variable::Secret(_) | Variable::Time(_) | Variable::Random(_) => false,
        Variable::Step { step, value: StepValue::Capture(_) | StepValue::Address } => !kept(step),
        Variable::Env(name) => !set.contains(&name),
        _ => true,
    });
    wrong.map(ToString::to_string)
}

/// The id of the login, read by a script; in a template it is a variable like any other.
fn names_request(own: &[(&WrittenScript, &Reads)]) -> Option<String> {
    own.iter().any(|(_, reads)| reads.request.has("id")).then(|| "request.id".to_owned())
}

/// A parameter of which a script may read anything.
fn aliased(reads: &Reads) -> Option<&'static str> {
    let whole_step = reads.steps.values().any(|values| values.all);
    [
        ("user", reads.user.all || reads.user_fields.all),
        ("env", reads.env_read.all || reads.env_written.all),
        ("steps", reads.steps_all || whole_step),
        ("answer", reads.answer.all),
        ("request", reads.request.all),
    ]
    .into_iter()
    .find_map(|(name, used)| used.then_some(name))
}

/// The earlier steps whose kept captures a step with these `needs` uses, and whose `drop_when` looks at its reply.
pub(super) fn invalidated_by(needs: &Needs, earlier: &[Step]) -> Vec<usize> {
    let uses = |kept: &Step| {
        let names_it = |variable: &Variable| match variable {
            Variable::Step { step, value: StepValue::Capture(_) } => *step == kept.name,
            _ => false,
        };
        needs.steps || needs.whole_steps.contains(&kept.name) || needs.variables.iter().any(names_it)
    };
    let with_rule = earlier.iter().enumerate().filter(|(_, kept)| drop_when(kept).is_some());
    with_rule.filter(|(_, kept)| uses(kept)).map(|(index, _)| index).collect()
}

/// `cache.drop_when`
pub(super) fn drop_when(step: &Step) -> Option<&Condition> {
    step.cache.as_ref()?.drop_when.as_ref()
}

/// The captures of other steps that go into this one.
pub(super) fn captures_in(needs: &Needs) -> Vec<Variable> {
    needs.variables.iter().filter(|variable| matches!(variable, Variable::Step { .. })).cloned().collect()
}
