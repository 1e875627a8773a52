//! One step: its scripts, its name, and all of its parts put together.

use std::collections::BTreeSet;

use super::names::Scope;
use super::place::in_text;
use super::roles::{self, Taint};
use super::{Check, Surroundings, WrittenScript, ask, beside, cache, condition, request, response, utility};
use crate::connector::raw::auth::Auth;
use crate::connector::raw::{self, Text};
use crate::connector::{Needs, Role, Step};
use crate::context::{StepValue, Variable};
use crate::diagnostic::{Mistakes, Position, Span};
use crate::script::{self, Kind, Reads, ScriptId};
use crate::signing::AuthPlan;
use crate::template::{Charset, Place, Template};

/// A script file larger than this is none; CryptoJS as one file has 200 KiB.
const SCRIPT_BYTES: usize = 1 << 20;

/// More tries than this make a login slow, not right.
const MOST_RETRIES: u32 = 5;

/// The scripts of all steps, in order.
pub(super) fn scripts(
    raw: &raw::Connector,
    connector: &str,
    around: Surroundings<'_>,
    mistakes: &mut Mistakes,
) -> Vec<WrittenScript> {
    let mut scripts = Vec::new();
    for (index, step) in raw.steps.iter().enumerate() {
        let response = step.response.as_ref();
        let written = [
            (Kind::Variables, step.variables.as_ref(), step.variables_file.as_ref(), "variables"),
            (
                Kind::Preprocess,
                response.and_then(|r| r.preprocess.as_ref()),
                response.and_then(|r| r.preprocess_file.as_ref()),
                "preprocess",
            ),
        ];
        for (kind, inline, file, key) in written {
            if let (Some(_), Some(file)) = (inline, file) {
                let message = format!("a step takes one of `{key}` and `{key}_file`, not both");
                mistakes.add(mistakes.error_at("too-many-keys", &file.span, message).label("a second script"));
                continue;
            }
            let found = match (inline, file) {
                (Some(text), _) => Some(inline_source(text, mistakes)),
                (_, Some(path)) => file_source(path, around, mistakes),
                _ => None,
            };
            if let Some((text, file, first_line, indent, at)) = found {
                let id = ScriptId(u32::try_from(scripts.len()).unwrap_or(u32::MAX));
                let source =
                    script::Source { id, connector: connector.to_owned(), kind, text, file, first_line, indent };
                scripts.push(WrittenScript { step: index, kind, at, inline: inline.is_some(), source });
            }
        }
    }
    scripts
}

/// Text, file, first line, indentation and place of a script.
type Found = (String, String, u32, u32, Span);

fn inline_source(text: &Text, mistakes: &Mistakes) -> Found {
    let file = mistakes.file();
    let start = text.span_of(0..text.text.len().min(1)).start;
    let position = file.position(start);
    // Columns count characters from 1; what stands before the text on its first line is the indentation of all.
    let indent = position.column.saturating_sub(1);
    let name = file.path.display().to_string();
    (text.text.clone(), name, count(position.line), count(indent), text.span.clone())
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn file_source(path: &Text, around: Surroundings<'_>, mistakes: &mut Mistakes) -> Option<Found> {
    let full = beside(mistakes.file(), &path.text);
    let text = match (around.read_file)(&full) {
        Ok(bytes) if bytes.len() > SCRIPT_BYTES => Err("it is larger than 1 MiB".to_owned()),
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()),
        Err(error) => Err(error.kind().to_string()),
    };
    match text {
        Ok(text) => Some((text, full.display().to_string(), 1, 0, path.span.clone())),
        Err(why) => {
            let message = format!("the script {} cannot be read: {why}", path.text);
            let mistake = mistakes.error_at("file-unreadable", &path.span, message);
            mistakes.add(mistake.help("paths are relative to the connector's file"));
            None
        }
    }
}

/// What the scripts read; one that does not compile is noted and then counts as one that reads nothing.
pub(super) fn understood(
    scripts: &[WrittenScript],
    reads: Vec<Result<Reads, script::Mistake>>,
    mistakes: &mut Mistakes,
) -> Vec<Reads> {
    let reads = reads.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
    scripts
        .iter()
        .zip(reads)
        .map(|(written, reads)| match reads {
            Some(Ok(reads)) => reads,
            Some(Err(mistake)) => {
                not_compiled(written, &mistake, mistakes);
                Reads::default()
            }
            None => Reads::default(),
        })
        .collect()
}

fn not_compiled(written: &WrittenScript, mistake: &script::Mistake, mistakes: &mut Mistakes) {
    let diagnostic = if written.inline {
        let at = Position { line: mistake.line as usize, column: mistake.column as usize };
        let span = mistakes.file().span_of(at).unwrap_or_else(|| written.at.clone());
        mistakes.error_at("script", &span, format!("the script does not compile: {}", mistake.message))
    } else {
        let message = format!(
            "the script does not compile: {} ({} line {} column {})",
            mistake.message, written.source.file, mistake.line, mistake.column
        );
        mistakes.error_at("script", &written.at, message)
    };
    mistakes.add(diagnostic.help("docs/scripts.md lists what scripts may use"));
}

/// Checks one step; `None` after a mistake that leaves nothing to judge.
pub(super) fn step(
    check: &Check<'_>,
    raw: &raw::Step,
    scope: Scope<'_>,
    taint: &Taint,
    mistakes: &mut Mistakes,
) -> Option<Step> {
    let script = |kind| check.scripts.iter().find(|s| s.step == scope.step && s.kind == kind).map(|s| s.source.id);
    let format = raw.response.as_ref().and_then(|response| response.format.as_ref()).map(|format| &format.value);
    let request =
        raw.request.as_ref().map(|request| request::request(check, (request, format), scope, taint, mistakes));
    let auth = raw.request.as_ref().and_then(|request| request.auth.as_ref());
    let auth = auth.and_then(|auth| self::auth(check, auth, scope, mistakes));
    if raw.request.is_none() && raw.ask.is_none() {
        let message = format!("the step `{}` does nothing: it has no request", raw.name.text);
        mistakes.add(mistakes.error_at("no-request", &raw.name.span, message).help("write `request`"));
    }
    let mut variables: BTreeSet<_> =
        request.iter().flatten().flat_map(crate::request::RequestPlan::variables).collect();
    variables.extend(auth.iter().flat_map(AuthPlan::variables));
    let role = if utility::is(check.raw) { Role::Helper } else { roles::role(raw, &variables, taint, mistakes) };
    let when = raw.when.as_ref().and_then(|when| condition::when(check, when, role, scope.before(), mistakes));
    let ask = ask::ask(check, raw, scope, taint, mistakes);
    let carries_credential = variables.iter().any(|variable| taint.may_hold_credential(variable));
    let response = response::response(check, raw, role, scope, script(Kind::Preprocess), mistakes);
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
    let sends_code_to = raw.sends_code_to.as_ref().and_then(|name| recipient(name, scope, mistakes));
    // A request with mistakes leaves no step: whatever else is wrong has been noted by now.
    let request = match request {
        Some(None) => return None,
        Some(Some(plan)) => Some(plan),
        None => None,
    };
    Some(Step {
        name: raw.name.text.clone(),
        role,
        when,
        ask,
        variables: script(Kind::Variables),
        request,
        auth,
        variables_read: variables,
        carries_credential,
        response: response?,
        retry,
        cache,
        hears_of: Vec::new(),
        public: raw.public.iter().map(|name| name.text.clone()).collect(),
        sends_code_to,
        needs: Needs::default(),
        compared_by: Vec::new(),
    })
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

/// `request.auth`: Basic and Bearer.
fn auth(check: &Check<'_>, raw: &Auth, scope: Scope<'_>, mistakes: &mut Mistakes) -> Option<AuthPlan> {
    let mut template = |text: &Text, place: Place| self::template(check, text, place, scope, mistakes);
    match raw {
        Auth::Basic(basic) => {
            let (username, password) =
                (template(&basic.username, Place::BasicUser), template(&basic.password, Place::BasicPassword));
            let charset = match &basic.charset {
                None => Some(Charset::UTF_8),
                Some(label) => {
                    let charset = Charset::parse(&label.text);
                    if charset.is_none() {
                        let message = format!("`{}` is no charset", label.text);
                        mistakes.add(mistakes.error_at("charset", &label.span, message));
                    }
                    charset
                }
            };
            Some(AuthPlan::Basic { username: username?, password: password?, charset: charset? })
        }
        Auth::Bearer(bearer) => Some(AuthPlan::Bearer { token: template(&bearer.token, Place::Header)? }),
        _ => None,
    }
}

/// A template outside a request, its names checked.
pub(super) fn template(
    check: &Check<'_>,
    text: &Text,
    place: Place,
    scope: Scope<'_>,
    mistakes: &mut Mistakes,
) -> Option<Template> {
    match Template::parse(&text.text, &check.language) {
        Ok(template) => {
            for mistake in template.check(place) {
                in_text(text, mistake, mistakes);
            }
            for hole in template.holes() {
                for variable in hole.variables() {
                    let span = text.span_of(hole.range.clone());
                    scope.check(variable, &span, mistakes);
                    if scope.is_optional(variable) && !hole.has_default() && place != Place::Plain {
                        let message = format!("`{variable}` is optional, so it may be missing here");
                        let mistake = mistakes.error_at("optional-without-default", &span, message);
                        mistakes.add(mistake.help("say what stands for it with the filter default"));
                    }
                }
            }
            Some(template)
        }
        Err(found) => {
            for mistake in found {
                in_text(text, mistake, mistakes);
            }
            None
        }
    }
}
