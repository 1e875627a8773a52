//! One step: its name, and all of its parts put together.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::names::Scope;
use super::roles::{self, Taint};
use super::{Check, ask, cache, condition, ending, request, response, text, utility};
use crate::connector::raw::{self, Text};
use crate::connector::{Needs, Role, Script, SendsCode, Step};
use crate::context::{StepValue, Variable};
use crate::diagnostic::{Mistakes, Span};
use crate::request::RequestPlan;
use crate::script::{Reads, ScriptKind};
use crate::signing::{Compile, Scheme};
use crate::template::{Place, Setting};

/// More tries than this make a login slow, not right.
const MOST_RETRIES: u32 = 5;

/// The settings that a script reads. They are texts of the connector, the same in every call.
fn settings_of(check: &Check<'_>, reads: &Reads) -> Arc<[(String, String)]> {
    let texts = check.language.settings.iter().filter_map(|(name, setting)| match setting {
        Setting::Text(text) if reads.settings.all || reads.settings.has(name) => Some((name.clone(), text.clone())),
        _ => None,
    });
    texts.collect()
}

/// Checks one step; `None` after a mistake that leaves nothing to judge.
pub(super) fn step(
    check: &Check<'_>,
    raw: &raw::Step,
    scope: Scope<'_>,
    taint: &Taint,
    mistakes: &mut Mistakes,
) -> Option<Step> {
    let script = |kind| {
        let mut scripts = check.scripts.iter().zip(check.reads);
        let (written, reads) = scripts.find(|(script, _)| script.step == scope.step && script.kind == kind)?;
        let settings = settings_of(check, reads);
        Some(Box::new(Script { id: written.source.id, reads: reads.clone(), settings }))
    };
    let format = raw.response.as_ref().and_then(|response| response.format.as_ref()).map(|format| &format.value);
    let request =
        raw.request.as_ref().map(|request| request::request(check, (request, format), scope, taint, mistakes));
    let plan = request.as_ref().and_then(Option::as_ref);
    let auth = raw.request.as_ref().and_then(|request| self::auth(check, request, plan, scope, mistakes));
    if raw.request.is_none() && raw.ask.is_none() && !ending::collects(raw) {
        let message = format!("the step `{}` does nothing: it has no request", raw.name.text);
        mistakes.add(mistakes.error_at("no-request", &raw.name.span, message).help("write `request`, or what it maps"));
    }
    let mut variables: BTreeSet<_> = request.iter().flatten().flat_map(RequestPlan::variables).collect();
    variables.extend(auth.iter().flat_map(|auth| auth.variables()));
    let role = if utility::is(check.raw) { Role::Helper } else { roles::role(raw, &variables, taint, mistakes) };
    let when = raw.when.as_ref().and_then(|when| condition::when(check, when, role, scope.before(), mistakes));
    let ask = ask::ask(check, raw, scope, taint, mistakes);
    let carries_credential = variables.iter().any(|variable| taint.may_hold_credential(variable));
    let response = response::response(check, raw, role, scope, script(ScriptKind::Preprocess), mistakes);
    let retry = retry(raw, role == Role::Factor || carries_credential, mistakes);
    let cache = cache::cache(check, raw, role, scope, mistakes);
    for name in &raw.public {
        match Variable::parse(&name.text) {
            Ok(variable) => {
                scope.check(&variable, &name.span, mistakes);
                public(&variable, &name.span, taint, mistakes);
            }
            Err(error) => mistakes.add(mistakes.error_at("unknown-variable", &name.span, error.to_string())),
        }
    }
    let sends_code_to = raw.sends_code_to.as_ref().and_then(|sends| sends_code(check, sends, scope, mistakes));
    let mut response = response;
    if let (Some(response), Some(sends)) = (&mut response, &sends_code_to) {
        response::ask_page(sends.when.iter(), response);
    }
    // A request with mistakes leaves no step: whatever else is wrong has been noted by now.
    let request = match request {
        Some(None) => return None,
        Some(Some(plan)) => Some(plan),
        None => None,
    };
    let step = Step {
        name: raw.name.text.clone(),
        role,
        when,
        ask,
        variables: script(ScriptKind::Variables),
        request,
        auth,
        variables_read: variables,
        carries_credential,
        response: response?,
        retry,
        cache,
        invalidates: Vec::new(),
        public: raw.public.iter().map(|name| name.text.clone()).collect(),
        sends_code_to,
        needs: Needs::default(),
        compared_by: Vec::new(),
    };
    ending::known_without_reply(raw, &step, mistakes);
    Some(step)
}

/// What holds a credential, or is computed from one, is not shown to anybody.
fn public(variable: &Variable, span: &Span, taint: &Taint, mistakes: &mut Mistakes) {
    let (what, fix) = match variable {
        Variable::Env(name) if taint.secret_env().covers(name) => {
            ("is, or may be, computed from a credential", "set what may be seen in a script that reads no credential")
        }
        Variable::Secret(_) | Variable::Login(_) => ("is a secret", "leave it out"),
        other if other.is_credential() => ("is the user's credential", "leave it out"),
        _ => return,
    };
    let mistake = mistakes.error_at("public-credential", span, format!("`{variable}` {what}"));
    mistakes.add(mistake.label("a trace would show it").help(fix));
}

/// `sends_code_to`, with the rule on the reply.
fn sends_code(
    check: &Check<'_>,
    raw: &raw::step::SendsCode,
    scope: Scope<'_>,
    mistakes: &mut Mistakes,
) -> Option<SendsCode> {
    let to = recipient(&raw.to, scope, mistakes);
    let when = match &raw.when {
        None => None,
        Some(when) => Some(condition::condition(check, when, scope, mistakes)?),
    };
    Some(SendsCode { to: to?, when })
}

const RECIPIENTS: &str = "name user.username, an attribute such as user.mobile, or an earlier capture";

/// `sends_code_to`: a variable that is known before the step runs and names somebody.
fn recipient(name: &Text, scope: Scope<'_>, mistakes: &mut Mistakes) -> Option<Variable> {
    let variable = match Variable::parse(&name.text) {
        Ok(variable) => variable,
        Err(error) => {
            let mistake = mistakes.error_at("unknown-variable", &name.span, error.to_string());
            mistakes.add(mistake.help(RECIPIENTS));
            return None;
        }
    };
    scope.check(&variable, &name.span, mistakes);
    match variable {
        Variable::Username | Variable::Attribute(_) | Variable::Step { value: StepValue::Capture(_), .. } => {
            Some(variable)
        }
        _ => {
            let message = format!("`{variable}` does not say who gets the code");
            let mistake = mistakes.error_at("code-recipient", &name.span, message);
            mistakes.add(mistake.help(RECIPIENTS));
            None
        }
    }
}

fn retry(raw: &raw::Step, credential: bool, mistakes: &mut Mistakes) -> u32 {
    let Some(retry) = &raw.retry else { return 0 };
    if credential && retry.value > 0 {
        let mistake = mistakes.error_at(
            "retry-of-factor",
            &retry.span,
            "a request with the user's credential is never sent twice",
        );
        mistakes.add(mistake.label("a wrong password sent again locks accounts").help("leave `retry` out"));
    } else if retry.value > MOST_RETRIES {
        let message = format!("`retry` is at most {MOST_RETRIES}");
        mistakes.add(mistakes.error_at("out-of-range", &retry.span, message));
    }
    retry.value
}

/// `request.auth`, which signs `plan`.
fn auth(
    check: &Check<'_>,
    raw: &raw::Request,
    plan: Option<&RequestPlan>,
    scope: Scope<'_>,
    mistakes: &mut Mistakes,
) -> Option<Box<dyn Scheme>> {
    let template =
        |written: &Text, place: Place, mistakes: &mut Mistakes| text::template(check, written, place, scope, mistakes);
    let (language, at) = (&check.language, raw.place.key("auth"));
    raw.auth.as_ref()?.compile(&mut Compile { templates: &template, language, request: plan, at, mistakes })
}
