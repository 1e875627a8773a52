//! Redaction of values that are derived from credentials: what scripts and filters computed and a request carried, and
//! the tokens that earlier steps captured. An upstream may repeat any of them in a message or in a page's title.
//!
//! They are redacted by value, which is exact where guessing at encodings is not.

use super::state::Run;
use crate::condition::{Leaf, Test, ValueSource};
use crate::connector::{Connector, NameSet, Script, Step};
use crate::context::{FieldKind, StepFacts, StepValue, Variable};
use crate::mask::{DERIVED, MASK, NUMBER, telling};
use crate::request::RequestPlan;
use crate::response::Decoded;
use crate::response::source::Source;
use crate::secret::Secret;

/// Redacts what the scripts of this login computed from credentials, unless it is declared public.
pub(super) fn env(run: &mut Run<'_>, public: &[String]) {
    let found: Vec<Secret> = secret_env(run, public).into_iter().map(Secret::new).collect();
    if !found.is_empty() {
        run.mask.add(&found);
    }
}

fn secret_env<'r>(run: &'r Run<'_>, public: &[String]) -> Vec<&'r str> {
    let secret = |name: &str| {
        run.connector.secret_env.covers(name) && !public.contains(&Variable::Env(name.to_owned()).to_string())
    };
    let mut texts = Vec::new();
    for (_, value) in run.context.env.iter().filter(|(name, _)| secret(name)) {
        telling(value, &mut texts);
    }
    texts
}

/// Redacts what the filters of a request computed from credentials. `signed` are the header values that `auth` added.
pub(super) fn carried(step: &Step, plan: &RequestPlan, signed: &[Secret], run: &mut Run<'_>) {
    let secrecy = Secrecy::of(run.connector, step);
    let mut found = plan.carried(&run.context, &|variable| secrecy.is_credential(variable));
    found.retain(|value| value.expose().chars().count() >= NUMBER);
    found.extend_from_slice(signed);
    if !found.is_empty() {
        run.mask.add(&found);
    }
}

/// Removes a page title that repeats a part of a secret.
pub(super) fn title(step: &Step, run: &Run<'_>, decoded: &mut Decoded) {
    if decoded.html_title.as_ref().is_some_and(|title| repeats(step, run, title)) {
        decoded.html_title = None;
    }
}

/// Whether an upstream's text, which the explain line would show, repeats a part of a secret that a request may have
/// carried. The upstream may encode what it repeats in any way.
pub(super) fn repeats(step: &Step, run: &Run<'_>, words: &str) -> bool {
    let mut carried = secret_env(run, &step.public);
    // Cookie values are exposed only to be searched for.
    carried.extend(run.jar.values().map(Secret::expose));
    for (step, facts) in facts(run) {
        captured(step, facts, &mut carried);
        carried.extend(hidden_fields(facts));
    }
    run.mask.repeats(words, carried)
}

/// Logs and audit trails bound the number of lines, so each line is bounded here.
const EXPLAIN_CHARACTERS: usize = 1024;

/// The line of explanation: masked first, then cut, so that the cut leaves no part of a credential.
pub(super) fn line(run: &Run<'_>, explain: &str) -> String {
    let mut shown = run.mask.hide(explain);
    let mut hide = |text: &str| {
        if shown.contains(text) {
            shown = shown.replace(text, MASK);
        }
    };
    for (step, facts) in facts(run) {
        let mut texts = Vec::new();
        captured(step, facts, &mut texts);
        texts.into_iter().for_each(&mut hide);
        hidden_fields(facts).for_each(&mut hide);
    }
    for setting in run.connector.settings_from_env.iter().filter(|setting| !setting.in_url) {
        hide(setting.value.expose());
    }
    if let Some((end, _)) = shown.char_indices().nth(EXPLAIN_CHARACTERS) {
        shown.truncate(end);
    }
    shown
}

/// The steps that ran.
fn facts<'r>(run: &'r Run<'_>) -> impl Iterator<Item = (&'r Step, &'r StepFacts)> {
    run.connector.steps.iter().filter_map(|step| Some((step, run.context.steps.get(&step.name)?)))
}

/// The captures of a step that are not declared public.
fn captured<'r>(step: &Step, facts: &'r StepFacts, texts: &mut Vec<&'r str>) {
    for capture in step.response.captures.iter().filter(|capture| !capture.public) {
        if let Some(Some(value)) = facts.captures.get(&capture.name) {
            telling(value, texts);
        }
    }
}

/// Hidden form fields often hold a token; visible ones do not.
fn hidden_fields(facts: &StepFacts) -> impl Iterator<Item = &str> {
    let fields = facts.page.forms.values().flatten().flat_map(|form| &form.fields);
    let values = fields.filter(|field| field.kind == FieldKind::Hidden).filter_map(|field| field.value.as_deref());
    values.filter(|text| text.chars().count() >= DERIVED)
}

/// Which values of a step are secret, whatever their type: a number reveals as much as a text.
#[derive(Clone, Copy)]
pub(super) struct Secrecy<'a> {
    pub steps: &'a [Step],
    pub secret_env: &'a NameSet,
    pub step: &'a Step,
}

impl<'a> Secrecy<'a> {
    /// That of a step of `connector`.
    pub(super) fn of(connector: &'a Connector, step: &'a Step) -> Self {
        Self { steps: &connector.steps, secret_env: &connector.secret_env, step }
    }
}

impl Secrecy<'_> {
    /// Whether the value of `leaf` is secret.
    pub(super) fn keeps(self, leaf: &Leaf) -> bool {
        match &leaf.test {
            Test::Compare(source, _) => self.keeps_source(source),
            Test::Status(_) => false,
        }
    }

    /// Whether the value at `source` is secret.
    pub(super) fn keeps_source(self, source: &ValueSource) -> bool {
        match source {
            ValueSource::Variable(variable) => !self.is_public(variable),
            ValueSource::Reply(Source::Field(path)) => {
                let preprocess = self.step.response.preprocess.as_deref();
                let within = |of: &Source| match of {
                    Source::Field(of) => path.may_be_within(of),
                    _ => false,
                };
                preprocess.is_some_and(|script| self.computes_with_credentials(script)) || self.captures(&within)
            }
            ValueSource::Reply(source) => self.captures(&|of| of.to_string() == source.to_string()),
            ValueSource::Claim(path) => {
                let kept = self.step.response.captures.iter().filter(|capture| !capture.public);
                let within = |of: &ValueSource| matches!(of, ValueSource::Claim(of) if path.may_be_within(of));
                kept.flat_map(|capture| capture.source.each()).any(within)
            }
            ValueSource::Constant(_) => false,
            ValueSource::FirstOf(list) => list.iter().any(|source| self.keeps_source(source)),
        }
    }

    /// Whether a non-public capture of this step takes a source for which `same` is true.
    fn captures(self, same: &dyn Fn(&Source) -> bool) -> bool {
        let kept = self.step.response.captures.iter().filter(|capture| !capture.public);
        let mut sources = kept.flat_map(|capture| capture.source.each());
        sources.any(|source| matches!(source, ValueSource::Reply(source) if same(source)))
    }

    /// Outcomes, statuses, ids and times; of the rest what `public` of the step names.
    fn is_public(self, variable: &Variable) -> bool {
        match variable {
            Variable::Step { value: StepValue::Outcome | StepValue::Status, .. }
            | Variable::RequestId
            | Variable::Time(_) => true,
            Variable::Step { .. } => !self.is_credential(variable),
            other => !self.is_credential(other) && self.step.public.contains(&other.to_string()),
        }
    }

    /// Whether `variable` is a credential, may be computed from one, or is what an upstream gave for later requests.
    pub(super) fn is_credential(self, variable: &Variable) -> bool {
        match variable {
            Variable::Secret(_)
            | Variable::Login(_)
            | Variable::InnerBody
            | Variable::Step { value: StepValue::Form(_), .. } => true,
            Variable::Env(name) => self.secret_env.covers(name) && !self.step.public.contains(&variable.to_string()),
            Variable::Step { step, value: StepValue::Capture(name) } => {
                let step = self.steps.iter().find(|known| known.name == *step);
                let capture = step.and_then(|step| step.response.captures.iter().find(|known| known.name == *name));
                !capture.is_some_and(|capture| capture.public) && !self.step.public.contains(&variable.to_string())
            }
            other => other.is_credential(),
        }
    }

    /// Whether the document of a script may hold what it computed from a credential.
    fn computes_with_credentials(self, script: &Script) -> bool {
        let reads = &script.reads;
        let env = reads.env_read.all || reads.env_read.names.keys().any(|name| self.secret_env.covers(name));
        // A setting may come from the environment, where secrets of the host stand.
        let secrets = !reads.secret.is_empty() || !reads.settings.is_empty();
        reads.names_credential() || reads.user.all || !reads.answer.is_empty() || secrets || env
    }
}
