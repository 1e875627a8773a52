//! One step: its name, and all of its parts put together.

use std::collections::BTreeSet;

use super::names::Scope;
use super::roles::{self, Taint};
use super::{StepCheck, ask, cache, condition, ending, needs, request, response, text, utility};
use crate::connector::raw::{self, Text};
use crate::connector::{CachePlan, Role, Script, SendsCode, Step};
use crate::context::{StepValue, Variable};
use crate::diagnostic::{Diagnostics, Span};
use crate::request::RequestPlan;
use crate::script::ScriptKind;
use crate::signing::{Compile, Scheme};
use crate::template::{Place, Setting};

/// More tries than this make a login slow, not right.
const MAX_RETRIES: u32 = 5;

/// Checks one step; `None` after a mistake that leaves nothing to judge. The step is complete: what it knows of others it
/// knows of earlier ones.
pub(super) fn step(part: StepCheck<'_>, diagnostics: &mut Diagnostics) -> Option<Step> {
    let StepCheck { check, raw, scope, taint, .. } = part;
    let request = raw.request.as_ref().map(|request| request::request(part, request, diagnostics));
    let plan = request.as_ref().and_then(Option::as_ref);
    let auth = raw.request.as_ref().and_then(|request| self::auth(part, request, plan, diagnostics));
    does_something(raw, diagnostics);
    let mut variables_read: BTreeSet<_> = request.iter().flatten().flat_map(RequestPlan::variables).collect();
    // What `body.inner` is made of is in the request.
    variables_read.extend(auth.iter().flat_map(|auth| auth.variables()).filter(|it| *it != Variable::InnerBody));
    let role = role(part, &variables_read, diagnostics);
    let when = raw.when.as_ref().and_then(|when| condition::when(check, when, role, scope.before(), diagnostics));
    let ask = ask::ask(part, &variables_read, diagnostics);
    let carries_credential = variables_read.iter().any(|variable| taint.may_hold_credential(variable));
    let response = response::response(part, role, &variables_read, diagnostics);
    let retry = retry(raw, role == Role::Factor || carries_credential, diagnostics);
    let cache = cache::cache(part, role, diagnostics);
    public_names(part, diagnostics);
    let sends_code_to = sends_code_to(part, diagnostics);
    // A request with mistakes leaves no step: whatever else is wrong has been noted by now.
    let request = request.map_or(Some(None), |plan| plan.map(Some))?;
    let response = response?;
    let read = needs::Parts {
        index: scope.step,
        variables_read: &variables_read,
        response: &response,
        ask: ask.as_ref(),
        cache: cache.as_ref(),
        sends_code_to: sends_code_to.as_ref(),
    };
    let mut needs = needs::beyond_when(read, check);
    let cache = cache.map(|cache| CachePlan { inputs: cache::captures_in(&needs), ..cache });
    needs::of_conditions(&when, &mut needs);
    let invalidates = if request.is_some() { cache::invalidated_by(&needs, part.earlier) } else { Vec::new() };
    // What is asked of a page is found while it is decoded, also what `sends_code_to` and `drop_when` of earlier steps ask.
    let dropping = invalidates.iter().filter_map(|kept| cache::drop_when(&part.earlier[*kept]));
    let sending = sends_code_to.iter().filter_map(|sends| sends.when.as_ref());
    let response = response::asking_page(response, sending.chain(dropping));
    let step = Step {
        name: raw.name.text.clone(),
        role,
        when,
        ask,
        variables: part.script(ScriptKind::Variables),
        request,
        auth,
        compares_for: roles::compares_for(response.identity.as_ref(), role, &variables_read, part),
        variables_read,
        carries_credential,
        response,
        retry,
        cache,
        invalidates,
        public: raw.public.iter().map(|name| name.text.clone()).collect(),
        sends_code_to,
        needs,
        proven_elsewhere: roles::is_proven_elsewhere(role, raw),
    };
    ending::known_without_reply(raw, &step, diagnostics);
    Some(step)
}

/// A utility proves nobody.
fn role(part: StepCheck<'_>, variables_read: &BTreeSet<Variable>, diagnostics: &mut Diagnostics) -> Role {
    let StepCheck { check, raw, taint, .. } = part;
    if utility::is(check.raw) { Role::Helper } else { roles::role(raw, variables_read, taint, diagnostics) }
}

fn does_something(raw: &raw::Step, diagnostics: &mut Diagnostics) {
    if raw.request.is_none() && raw.ask.is_none() && !ending::collects(raw) {
        let message = format!("the step `{}` does nothing: it has no request", raw.name.text);
        diagnostics
            .add(diagnostics.error_at("no-request", &raw.name.span, message).help("write `request`, or what it maps"));
    }
}

impl StepCheck<'_> {
    /// The script of this kind, if the step has one.
    pub(super) fn script(self, kind: ScriptKind) -> Option<Box<Script>> {
        let (written, reads) = self.check.scripts_of(self.scope.step).find(|(script, _)| script.kind == kind)?;
        // The settings that it reads: texts of the connector, the same in every call.
        let settings = self.check.language.settings.iter().filter_map(|(name, setting)| match setting {
            Setting::Text(text) if reads.settings.all || reads.settings.has(name) => Some((name.clone(), text.clone())),
            _ => None,
        });
        Some(Box::new(Script { id: written.source.id, reads: reads.clone(), settings: settings.collect() }))
    }
}

/// `public`
fn public_names(part: StepCheck<'_>, diagnostics: &mut Diagnostics) {
    for name in &part.raw.public {
        match Variable::parse(&name.text) {
            Ok(variable) => {
                part.scope.check(&variable, &name.span, diagnostics);
                public(&variable, &name.span, part.taint, diagnostics);
            }
            Err(error) => diagnostics.add(diagnostics.error_at("unknown-variable", &name.span, error.to_string())),
        }
    }
}

/// What holds a credential, or is computed from one, is never shown.
fn public(variable: &Variable, span: &Span, taint: &Taint, diagnostics: &mut Diagnostics) {
    let (what, fix) = match variable {
        Variable::Env(name) if taint.secret_env().covers(name) => {
            ("is, or may be, computed from a credential", "set what may be seen in a script that reads no credential")
        }
        Variable::Secret(_) | Variable::Login(_) => ("is a secret", "leave it out"),
        other if other.is_credential() => ("is the user's credential", "leave it out"),
        _ => return,
    };
    let mistake = diagnostics.error_at("public-credential", span, format!("`{variable}` {what}"));
    diagnostics.add(mistake.label("a trace would show it").help(fix));
}

/// `sends_code_to`, with the rule on the reply; a step that a `resend` names sends to the account, unless it says to whom.
fn sends_code_to(part: StepCheck<'_>, diagnostics: &mut Diagnostics) -> Option<SendsCode> {
    let StepCheck { check, raw, scope, .. } = part;
    let Some(written) = &raw.sends_code_to else {
        return ask::is_sender(check.raw, &raw.name.text).then_some(SendsCode { to: Variable::Username, when: None });
    };
    let to = recipient(&written.to, scope, diagnostics);
    let when = match &written.when {
        None => None,
        Some(when) => Some(condition::condition(check, when, scope, diagnostics)?),
    };
    Some(SendsCode { to: to?, when })
}

const RECIPIENTS: &str = "name user.username, an attribute such as user.mobile, or an earlier capture";

/// `sends_code_to`: a variable that is known before the step runs and names a person.
fn recipient(name: &Text, scope: Scope<'_>, diagnostics: &mut Diagnostics) -> Option<Variable> {
    let variable = match Variable::parse(&name.text) {
        Ok(variable) => variable,
        Err(error) => {
            let mistake = diagnostics.error_at("unknown-variable", &name.span, error.to_string());
            diagnostics.add(mistake.help(RECIPIENTS));
            return None;
        }
    };
    scope.check(&variable, &name.span, diagnostics);
    match variable {
        Variable::Username | Variable::Attribute(_) | Variable::Step { value: StepValue::Capture(_), .. } => {
            Some(variable)
        }
        _ => {
            let message = format!("`{variable}` does not say who gets the code");
            let mistake = diagnostics.error_at("code-recipient", &name.span, message);
            diagnostics.add(mistake.help(RECIPIENTS));
            None
        }
    }
}

fn retry(raw: &raw::Step, credential: bool, diagnostics: &mut Diagnostics) -> u32 {
    let Some(retry) = &raw.retry else { return 0 };
    if credential && retry.value > 0 {
        let mistake = diagnostics.error_at(
            "retry-of-factor",
            &retry.span,
            "a request with the user's credential is never sent twice",
        );
        diagnostics.add(mistake.label("a wrong password sent again locks accounts").help("leave `retry` out"));
    } else if retry.value > MAX_RETRIES {
        let message = format!("`retry` is at most {MAX_RETRIES}");
        diagnostics.add(diagnostics.error_at("out-of-range", &retry.span, message));
    }
    retry.value
}

/// `request.auth`, which signs `plan`.
fn auth(
    part: StepCheck<'_>,
    raw: &raw::Request,
    plan: Option<&RequestPlan>,
    diagnostics: &mut Diagnostics,
) -> Option<Box<dyn Scheme>> {
    let StepCheck { check, scope, taint, .. } = part;
    let scope = scope.signing(plan.is_none_or(RequestPlan::has_inner));
    let template = |written: &Text, place: Place, diagnostics: &mut Diagnostics| {
        text::template(check, written, place, scope, diagnostics)
    };
    let (language, at) = (&check.language, raw.place.key("auth"));
    let credential = &|variable: &Variable| taint.may_hold_credential(variable);
    raw.auth.as_ref()?.compile(&mut Compile {
        templates: &template,
        credential,
        language,
        request: plan,
        at,
        diagnostics,
    })
}
