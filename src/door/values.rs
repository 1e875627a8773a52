//! What the holes of a reply may read: the verdict, name by name, and nothing of a password or a secret.

use crate::context::{Context, User};
use crate::document::{Object, Value, to_json};
use crate::flow::report::Report;
use crate::verdict::{Accept, Challenge, Mapped, Reject, Unavailable, Verdict};

use super::plan::{ReplyKind, Table};

/// What a reply may say of its request beside the verdict.
#[derive(Debug, Clone, Default)]
pub struct AskedNames {
    /// The user name as it was sent; empty without a login.
    pub username: String,
    /// The id of the login, or one drawn for this reply.
    pub request_id: String,
    /// `accept.token`
    pub token: String,
}

/// The kind of a verdict.
pub fn kind_of(verdict: &Verdict) -> ReplyKind {
    match verdict {
        Verdict::Accept(_) => ReplyKind::Accept,
        Verdict::Reject(_) => ReplyKind::Reject,
        Verdict::Challenge(_) => ReplyKind::Challenge,
        Verdict::Unavailable(_) => ReplyKind::Unavailable,
        Verdict::Misconfigured(_) => ReplyKind::Misconfigured,
    }
}

/// The context of a reply to `report`.
pub fn of_report(report: &Report, names: &AskedNames, tables: &[Table]) -> Context {
    let mut values = Object::new();
    match &report.verdict {
        Verdict::Accept(accept) => of_accept(accept, report, names, tables, &mut values),
        Verdict::Reject(reject) => of_reject(reject, &mut values),
        Verdict::Challenge(challenge) => {
            of_challenge(challenge, &mut values);
            // Where a door has no reply of its own for it: another factor is wanted, and cannot be asked for here.
            fallback_reject("mfa_required", &mut values);
        }
        Verdict::Unavailable(unavailable) => of_unavailable(*unavailable, &mut values),
        Verdict::Misconfigured(misconfigured) => {
            set(&mut values, "misconfigured.what", misconfigured.what.as_str());
            fallback_unavailable("misconfigured", &mut values);
        }
    }
    context(values, names)
}

/// The context of a reply without a verdict.
pub fn without_verdict(kind: ReplyKind, names: &AskedNames) -> Context {
    let mut values = Object::new();
    fallback_reject("invalid_credentials", &mut values);
    fallback_unavailable(kind.as_str(), &mut values);
    set(&mut values, "misconfigured.what", "the reply of this door cannot be written");
    context(values, names)
}

fn context(verdict: Object, names: &AskedNames) -> Context {
    let user = User { username: names.username.clone(), ..User::default() };
    Context { user, request_id: names.request_id.clone(), verdict, ..Context::default() }
}

fn set(values: &mut Object, name: &str, value: impl Into<Value>) {
    values.insert(name.to_owned(), value.into());
}

fn text_or_null(text: Option<&str>) -> Value {
    text.map_or(Value::Null, Value::from)
}

fn fallback_reject(reason: &str, values: &mut Object) {
    set(values, "reject.reason", reason);
    for name in ["reject.message", "reject.error_code", "reject.retry_after"] {
        set(values, name, Value::Null);
    }
}

fn fallback_unavailable(cause: &str, values: &mut Object) {
    set(values, "unavailable.cause", cause);
    set(values, "unavailable.retry_after", Value::Null);
}

fn of_accept(accept: &Accept, report: &Report, names: &AskedNames, tables: &[Table], values: &mut Object) {
    let Mapped { extension, attributes, .. } = &accept.mapped;
    set(values, "accept.subject", accept.subject.as_str());
    set(values, "accept.username", names.username.as_str());
    set(values, "accept.connector", report.connector.as_str());
    set(values, "accept.token", names.token.as_str());
    let text = extension.as_ref().map(|value| match value {
        Value::Text(text) => text.clone(),
        other => to_json(other),
    });
    set(values, "accept.extension_text", text_or_null(text.as_deref()));
    values.insert("accept.extension".to_owned(), extension.clone().unwrap_or_default());
    for (name, value) in attributes {
        values.insert(format!("accept.attributes.{name}"), value.clone());
    }
    for table in tables {
        let result = table.look_up(values.get(&table.of).unwrap_or(&Value::Null)).clone();
        values.insert(table.name.clone(), result);
    }
}

fn of_reject(reject: &Reject, values: &mut Object) {
    set(values, "reject.reason", reject.reason.as_str());
    set(values, "reject.message", text_or_null(reject.mapped.error_message.as_deref()));
    set(values, "reject.error_code", text_or_null(reject.mapped.error_code.as_deref()));
    set(values, "reject.retry_after", seconds(reject.retry_after));
}

fn of_challenge(challenge: &Challenge, values: &mut Object) {
    let field = challenge.fields.first();
    set(values, "challenge.id", challenge.id.as_str());
    set(values, "challenge.type", challenge.kind.as_str());
    set(values, "challenge.message", text_or_null(challenge.message.as_deref()));
    set(values, "challenge.label", text_or_null(field.and_then(|field| field.label.as_deref())));
    set(values, "challenge.echo", field.is_some_and(|field| field.echo));
    set(values, "challenge.expires_in", seconds(Some(challenge.expires_in)));
    set(values, "challenge.attempts_left", u64::from(challenge.attempts_left));
}

fn of_unavailable(unavailable: Unavailable, values: &mut Object) {
    set(values, "unavailable.cause", unavailable.cause.as_str());
    set(values, "unavailable.retry_after", seconds(unavailable.retry_after));
}

/// Whole seconds, rounded up: one that asks earlier waits again.
fn seconds(span: Option<std::time::Duration>) -> Value {
    span.map_or(Value::Null, |span| Value::from(span.as_secs() + u64::from(span.subsec_nanos() > 0)))
}
