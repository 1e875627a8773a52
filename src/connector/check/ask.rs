//! `ask`: what a pause may ask, where it may send the user, and why an answer proves anything.

use std::collections::BTreeSet;
use std::time::Duration;

use super::chosen::UserControlled;
use super::names::{Scope, returns};
use super::text::template;
use super::{Check, StepCheck, jwt};
use crate::condition::{Operand, Operator, Test, ValueSource};
use crate::connector::ask::{AskField, AskType, Image, Resend, SLOWEST_POLL, STATE};
use crate::connector::raw::ask as raw_ask;
use crate::connector::raw::{self, Spanned, Text};
use crate::connector::{Ask, Role, Step};
use crate::context::{LoginValue, StepValue, Variable};
use crate::diagnostic::Diagnostics;
use crate::pattern::Pattern;
use crate::reading::TimeSpan;
use crate::request::{self, CompileOptions, RequestPlan};
use crate::template::{Hole, Place};

/// docs/contract.md section 9, invariant 6: a challenge lives at most ten minutes.
const MAX_LIFE: Duration = Duration::from_mins(10);
const DEFAULT_LIFE: Duration = Duration::from_mins(5);

/// More guesses at a six-digit code than this make guessing worth a try.
const MAX_ATTEMPTS: u32 = 10;
const DEFAULT_ATTEMPTS: u32 = 3;

/// Messages cost money and annoy people.
const MAX_RESENDS: u32 = 10;
const DEFAULT_RESENDS: u32 = 3;
const DEFAULT_WAIT: Duration = Duration::from_mins(1);

/// A person takes a telephone out of a pocket in about this time.
const DEFAULT_POLL: Duration = Duration::from_secs(3);

/// More fields are a questionnaire.
const MAX_FIELDS: usize = 16;

/// Compiles the `ask` of a step, whose request reads the variables `sent`; `None` after a mistake or without one.
pub(super) fn ask(part: StepCheck<'_>, sent: &BTreeSet<Variable>, diagnostics: &mut Diagnostics) -> Option<Ask> {
    let StepCheck { check, raw: step, .. } = part;
    let pending = step.response.as_ref().and_then(|response| response.pending.as_ref());
    let Some(raw) = &step.ask else {
        if let Some(pending) = pending {
            let message = "`pending` needs an `ask`: without a challenge there is nothing to poll";
            let mistake = diagnostics.error_at("pending-without-ask", &pending.place.span, message);
            diagnostics.add(mistake.help("write ask: { type: push, message: … } in this step"));
        }
        return None;
    };
    let before = diagnostics.count();
    let part = StepCheck { scope: part.scope.before(), ..part };
    let scope = part.scope;
    let message = raw.message.as_ref().and_then(|text| template(check, text, Place::Plain, scope, diagnostics));
    let fields = fields(check, raw, pending.is_some(), diagnostics);
    let url = raw.url.as_ref().and_then(|text| link(part, text, diagnostics));
    redirect(raw, url.as_ref(), diagnostics);
    let image = raw.image.as_ref().and_then(|text| image(part, text, diagnostics));
    let expires_in = span(raw.expires_in.as_ref(), "expires_in", DEFAULT_LIFE, MAX_LIFE, diagnostics);
    let resend = raw.resend.as_ref().and_then(|resend| self::resend(check, resend, scope, diagnostics));
    let poll_after = poll_after(raw, pending.is_some(), diagnostics);
    let attempts = number(raw.attempts.as_ref(), "attempts", DEFAULT_ATTEMPTS, MAX_ATTEMPTS, diagnostics);
    let returns = returns(raw);
    let ask =
        Ask { kind: raw.r#type.value, message, fields, url, returns, image, expires_in, attempts, resend, poll_after };
    redirect_is_bound(raw, &ask, sent, diagnostics);
    jwt::sent_nonce(part, ask.url.as_ref(), diagnostics);
    (diagnostics.count() == before).then_some(ask)
}

fn fields(check: &Check<'_>, raw: &raw_ask::Ask, pending: bool, diagnostics: &mut Diagnostics) -> Vec<AskField> {
    let kind = raw.r#type.value;
    // A poll brings no answer, and an answer that could be sent again and again would be a guess without an end.
    if pending && (!raw.fields.is_empty() || kind == AskType::Redirect) {
        let message = "an `ask` either waits for a confirmation (`pending`) or takes answers, not both";
        let mistake = diagnostics.error_at("pending-with-answers", &raw.place.span, message);
        diagnostics.add(mistake.help("ask for the answer in one step and wait for the confirmation in the next"));
    }
    if raw.fields.is_empty() && !pending && !matches!(kind, AskType::Push | AskType::Redirect) {
        let mistake = diagnostics.error_at("ask-without-fields", &raw.place.span, "this `ask` asks for nothing");
        diagnostics.add(mistake.help("name what the user fills in: fields: [ { name: code } ]"));
    }
    if raw.fields.len() > MAX_FIELDS {
        let message = format!("an `ask` has at most {MAX_FIELDS} fields");
        diagnostics
            .add(diagnostics.error_at("out-of-range", raw.place.key("fields"), message).help("ask for less at once"));
    }
    let brought_back = returns(raw);
    let mut names: Vec<&str> = brought_back.iter().map(String::as_str).collect();
    let mut fields = Vec::new();
    for field in &raw.fields {
        let name = field.name.text.as_str();
        if names.contains(&name) {
            let message = format!("there are two answers named `{name}`");
            diagnostics
                .add(diagnostics.error_at("duplicate-field", &field.name.span, message).help("name one otherwise"));
        }
        names.push(name);
        if Variable::parse(&format!("answer.{name}")).is_err() {
            let message = format!("`{name}` cannot be the name of an answer");
            let mistake = diagnostics.error_at("bad-name", &field.name.span, message);
            diagnostics.add(mistake.help("use letters, digits, `_` and `-`"));
        }
        fields.push(AskField {
            name: name.to_owned(),
            label: field.label.as_ref().map(|label| label.text.clone()),
            echo: field.echo.as_ref().is_some_and(|echo| echo.value),
            pattern: field.pattern.as_ref().and_then(|text| whole(check, text, diagnostics)),
        });
    }
    fields
}

/// A pattern that the whole answer must match.
fn whole(check: &Check<'_>, text: &Text, diagnostics: &mut Diagnostics) -> Option<(String, Pattern)> {
    // `$` is the end of the text here: RE2's multi-line mode is off unless the pattern turns it on for itself.
    let pattern = check.patterns.compile(&format!("^(?:{})$", text.text), &text.span, diagnostics)?;
    Some((text.text.clone(), pattern))
}

/// A URL that the user's browser follows: like that of a request, its origin is written in the file.
fn link(part: StepCheck<'_>, text: &Text, diagnostics: &mut Diagnostics) -> Option<RequestPlan> {
    let StepCheck { check, scope, taint, .. } = part;
    let written = request::raw::Request::get(text.clone());
    let plan = RequestPlan::compile(&written, CompileOptions::new(&check.language), diagnostics)?;
    if plan.has_nodes() {
        let mistake = diagnostics.error_at("nodes-not-in-url", &text.span, "a browser is not sent to one of the nodes");
        diagnostics.add(mistake.help("write the address that users reach, or a setting with one"));
        return None;
    }
    for hole in plan.holes() {
        for variable in hole.variables() {
            scope.check(variable, &text.span, diagnostics);
            let verifier = Variable::Login(LoginValue::PkceVerifier);
            if taint.may_hold_credential(variable) || matches!(variable, Variable::Secret(_)) || *variable == verifier {
                let message = format!("`{variable}` would stand in a URL of the user's browser");
                let mistake = diagnostics.error_at("secret-in-link", &text.span, message);
                diagnostics.add(mistake.help("send it in a request of a step; a browser keeps its history"));
            }
        }
    }
    Some(plan)
}

/// A redirect names its page, and what comes back from there.
fn redirect(raw: &raw_ask::Ask, url: Option<&RequestPlan>, diagnostics: &mut Diagnostics) {
    if raw.r#type.value != AskType::Redirect {
        if let Some(name) = raw.answers.first() {
            let mistake = diagnostics.error_at("answers-without-redirect", &name.span, "only a redirect has `answers`");
            diagnostics.add(mistake.help("name what the user fills in under `fields`"));
        }
        return;
    }
    let Some(written) = &raw.url else {
        let mistake = diagnostics.error_at("redirect-without-url", &raw.place.span, "a redirect needs its `url`");
        diagnostics
            .add(mistake.help("write the page's address with client_id, redirect_uri and state={{login.state}}"));
        return;
    };
    names_of_answers(raw, diagnostics);
    let state = Variable::Login(LoginValue::State);
    let compared = returns(raw).iter().any(|name| name == STATE);
    // A redirect without `state` would take anybody's code (RFC 6749 section 10.12).
    if compared && url.is_some_and(|url| !url.url_variables().contains(&state)) {
        let message = "this redirect carries no `login.state`, so a code of somebody else could be slipped in";
        let mistake = diagnostics.error_at("redirect-without-state", &written.span, message);
        diagnostics.add(mistake.help("add state={{login.state}}; the daemon compares what comes back"));
    }
}

fn names_of_answers(raw: &raw_ask::Ask, diagnostics: &mut Diagnostics) {
    if raw.answers.len() > MAX_FIELDS {
        let message = format!("a redirect has at most {MAX_FIELDS} answers");
        diagnostics.add(diagnostics.error_at("out-of-range", raw.place.key("answers"), message));
    }
    for (index, name) in raw.answers.iter().enumerate() {
        let text = name.text.as_str();
        if Variable::parse(&format!("answer.{text}")).is_err() {
            let message = format!("`{text}` cannot be the name of an answer");
            let mistake = diagnostics.error_at("bad-name", &name.span, message);
            diagnostics.add(mistake.help("use letters, digits, `_` and `-`"));
        } else if raw.answers[..index].iter().any(|known| known.text == text) {
            let message = format!("there are two answers named `{text}`");
            diagnostics.add(diagnostics.error_at("duplicate-field", &name.span, message).help("name one otherwise"));
        }
    }
}

/// What comes back without `state` must be good for this login alone: the page is told something of it (`login.state` in its
/// return address, a token that an earlier step got), and the step that uses the answer sends the same.
fn redirect_is_bound(raw: &raw_ask::Ask, ask: &Ask, sent: &BTreeSet<Variable>, diagnostics: &mut Diagnostics) {
    if ask.kind != AskType::Redirect || ask.wants_state() {
        return;
    }
    let told = ask.url.iter().flat_map(RequestPlan::url_variables);
    let binds = |variable: &Variable| {
        matches!(variable, Variable::Login(_) | Variable::Step { value: StepValue::Capture(_), .. })
    };
    if told.into_iter().any(|variable| binds(&variable) && sent.contains(&variable)) {
        return;
    }
    let message = "what comes back is not bound to this login, so an answer of somebody else could be slipped in";
    let mistake = diagnostics.error_at("redirect-unbound", raw.place.key("answers"), message);
    diagnostics.add(mistake.help(
        "let the `url` carry {{login.state}} (a CAS service URL) or a token of an earlier step, and send the same in the request \
         of this step; or let `state` come back",
    ));
}

fn image(part: StepCheck<'_>, text: &Text, diagnostics: &mut Diagnostics) -> Option<Image> {
    if text.text.starts_with("data:") || text.text.starts_with("{{") {
        return template(part.check, text, Place::Plain, part.scope, diagnostics).map(Image::Data);
    }
    link(part, text, diagnostics).map(Box::new).map(Image::Link)
}

fn resend(check: &Check<'_>, raw: &raw_ask::Resend, scope: Scope<'_>, diagnostics: &mut Diagnostics) -> Option<Resend> {
    let after = span(raw.after.as_ref(), "after", DEFAULT_WAIT, MAX_LIFE, diagnostics);
    let max = number(raw.max.as_ref(), "max", DEFAULT_RESENDS, MAX_RESENDS, diagnostics);
    let found = check.raw.steps.iter().position(|step| step.name.text == raw.step.text);
    let wrong = match found {
        None => format!("there is no step `{}`", raw.step.text),
        Some(index) if index >= scope.step => format!("the step `{}` does not run before this one", raw.step.text),
        Some(index) if check.raw.steps[index].request.is_none() => {
            format!("the step `{}` sends nothing", raw.step.text)
        }
        Some(index) if check.raw.steps[index].cache.is_some() => {
            format!("the step `{}` is answered from the cache", raw.step.text)
        }
        Some(step) => return Some(Resend { step, after, max }),
    };
    let mistake = diagnostics.error_at("resend-step", &raw.step.span, wrong);
    diagnostics.add(mistake.help("name the earlier step that sends the code"));
    None
}

fn poll_after(raw: &raw_ask::Ask, pending: bool, diagnostics: &mut Diagnostics) -> Option<Duration> {
    if let (Some(written), false) = (&raw.poll_after, pending) {
        let message = "`poll_after` without `pending`: no reply of this step says \"not yet\"";
        let mistake = diagnostics.error_at("poll-without-pending", &written.span, message);
        diagnostics
            .add(mistake.help("say when the confirmation is still awaited: response.pending: { field: …, equals: … }"));
        return None;
    }
    if raw.r#type.value == AskType::Push && !pending {
        let message = "a push needs `pending`: until the user confirms, each poll would be refused";
        let mistake = diagnostics.error_at("push-without-pending", &raw.r#type.span, message);
        diagnostics
            .add(mistake.help("say when the confirmation is still awaited: response.pending: { field: …, equals: … }"));
    }
    pending.then(|| span(raw.poll_after.as_ref(), "poll_after", DEFAULT_POLL, SLOWEST_POLL, diagnostics))
}

fn span(
    written: Option<&Spanned<TimeSpan>>,
    name: &str,
    usual: Duration,
    most: Duration,
    diagnostics: &mut Diagnostics,
) -> Duration {
    let Some(written) = written else { return usual };
    let TimeSpan(given) = written.value;
    if given.is_zero() || given > most {
        let message = format!("`{name}` is more than nothing and at most {}s", most.as_secs());
        diagnostics
            .add(diagnostics.error_at("out-of-range", &written.span, message).help(format!("usual is {usual:?}")));
    }
    given
}

fn number(written: Option<&Spanned<u32>>, name: &str, usual: u32, most: u32, diagnostics: &mut Diagnostics) -> u32 {
    let Some(written) = written else { return usual };
    if !(1..=most).contains(&written.value) {
        let message = format!("`{name}` is 1 to {most}");
        diagnostics.add(diagnostics.error_at("out-of-range", &written.span, message).help(format!("usual is {usual}")));
    }
    written.value
}

/// Cross-step checks: which steps send a code once more, and whether an answer that is compared here is compared with
/// something that its giver cannot choose.
pub(super) fn across_steps(
    raw: &raw::Connector,
    steps: &[Step],
    chosen: &UserControlled,
    diagnostics: &mut Diagnostics,
) {
    senders(raw, steps, diagnostics);
    for (raw, step) in raw.steps.iter().zip(steps).filter(|(_, step)| step.role == Role::Factor) {
        if step.request.is_none() {
            own_comparison(raw, step, steps, chosen, diagnostics);
        }
    }
}

/// Whether the step `name` sends a code because a `resend` names it. Another picture is no message: it costs nothing and disturbs no user.
pub(super) fn is_sender(raw: &raw::Connector, name: &str) -> bool {
    raw.steps.iter().filter_map(|step| step.ask.as_ref()).any(|ask| {
        let is_picture = ask.r#type.value == AskType::Captcha || ask.image.is_some();
        !is_picture && ask.resend.as_ref().is_some_and(|resend| resend.step.text == name)
    })
}

/// A step that some `resend` names carries no password and asks nothing.
fn senders(raw: &raw::Connector, steps: &[Step], diagnostics: &mut Diagnostics) {
    for (raw, step) in raw.steps.iter().zip(steps) {
        let written = raw.ask.as_ref().and_then(|ask| ask.resend.as_ref());
        let Some((written, resend)) = written.zip(step.ask.as_ref().and_then(|ask| ask.resend.as_ref())) else {
            continue;
        };
        let sender = &steps[resend.step];
        let wrong = if sender.role == Role::Factor {
            "proves the user"
        } else if sender.ask.is_some() {
            "asks itself"
        } else {
            continue;
        };
        let message = format!("the step `{}` {wrong}; it is not run again", sender.name);
        let mistake = diagnostics.error_at("resend-step", &written.step.span, message);
        diagnostics.add(mistake.help("send the code in a step of its own that carries no password and asks nothing"));
    }
}

/// An answer that is compared here, not at the upstream, must be compared with what only this login's own code can be.
fn own_comparison(
    raw: &raw::Step,
    step: &Step,
    steps: &[Step],
    chosen: &UserControlled,
    diagnostics: &mut Diagnostics,
) {
    let span = raw.response.as_ref().and_then(|r| r.success.as_ref()).map_or(&raw.name.span, |s| &s.place.span);
    for (leaf, _) in step.response.rules.success.iter().flat_map(|rule| rule.leaves()) {
        // Literals, `exists` and the like prove nothing; whether anything is left that does is `evidence`'s to say.
        let Test::Compare(ValueSource::Variable(Variable::Answer(name)), Operator::Equals(Operand::Template(template))) =
            &leaf.test
        else {
            continue;
        };
        let mut wrong: Vec<String> = template
            .variables()
            .filter(|variable| !chosen.is_own(variable, steps))
            .map(|variable| match variable {
                Variable::Secret(_) => {
                    format!("`{variable}`, which is the same in every login: anybody may know it")
                }
                _ => format!("`{variable}`, which is not this login's own: it may be chosen or known"),
            })
            .collect();
        if template.holes().any(Hole::has_default) {
            wrong.push("a default, which is the same code for every user".to_owned());
        }
        for what in wrong {
            let message = format!("`answer.{name}` is compared with {what}");
            let mistake = diagnostics.error_at("answer-compared-with-input", span, message);
            diagnostics.add(mistake.label("somebody else could give the right answer").help(
                "compare it with the code that an earlier step sent: capture: { code: { var: random.digits6 } }",
            ));
        }
    }
}
