//! What the holes of a reply may read: the verdict, name by name, and nothing of a password or a secret.

use crate::context::{Context, User};
use crate::document::{Object, Value, to_json};
use crate::flow::report::Report;
use crate::verdict::{Accept, Challenge, Mapped, Misconfigured, Reason, Reject, Unavailable, Verdict};

use super::plan::{ChallengePlan, ReplyKind, Table};

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

/// An accept, as far as a reply may say of it. A view: nobody is granted anything by making one.
pub struct Accepted<'a> {
    /// The account that the upstream authenticated.
    pub subject: &'a str,
    /// Whether the upstream said it.
    pub named: bool,
    /// What the connector maps.
    pub mapped: &'a Mapped,
    /// For the user's browser, each as the value of a Set-Cookie field.
    pub cookies: Vec<&'a str>,
    /// The connector's id.
    pub connector: &'a str,
}

/// A verdict, as far as a reply may say of it.
pub enum Said<'a> {
    /// The user is who they say they are.
    Accept(Accepted<'a>),
    /// The user is refused.
    Reject(&'a Reject),
    /// More is wanted.
    Challenge(&'a Challenge),
    /// Undetermined.
    Unavailable(Unavailable),
    /// Set up wrong.
    Misconfigured(&'a Misconfigured),
}

impl<'a> Said<'a> {
    /// What `report` says.
    pub fn of(report: &'a Report) -> Self {
        match &report.verdict {
            Verdict::Accept(accept) => Self::Accept(Accepted::of(accept, &report.connector)),
            Verdict::Reject(reject) => Self::Reject(reject),
            Verdict::Challenge(challenge) => Self::Challenge(challenge),
            Verdict::Unavailable(unavailable) => Self::Unavailable(*unavailable),
            Verdict::Misconfigured(misconfigured) => Self::Misconfigured(misconfigured),
        }
    }

    /// Its kind. At a door that cannot ask, a factor that is wanted is its reply for `challenge`.
    pub fn kind(&self, plan: &ChallengePlan) -> ReplyKind {
        match self {
            Self::Reject(reject) if reject.reason == Reason::MfaRequired && plan.carried.is_none() => {
                ReplyKind::Challenge
            }
            Self::Accept(_) => ReplyKind::Accept,
            Self::Reject(_) => ReplyKind::Reject,
            Self::Challenge(_) => ReplyKind::Challenge,
            Self::Unavailable(_) => ReplyKind::Unavailable,
            Self::Misconfigured(_) => ReplyKind::Misconfigured,
        }
    }
}

impl<'a> Accepted<'a> {
    /// What `accept` says, of the connector `connector`.
    pub fn of(accept: &'a Accept, connector: &'a str) -> Self {
        let cookies = accept.delivery.cookies.iter().map(|cookie| cookie.set_cookie.expose()).collect();
        Self { subject: &accept.subject, named: accept.named, mapped: &accept.mapped, cookies, connector }
    }
}

/// The context of a reply to a verdict.
pub fn of_verdict(said: &Said<'_>, names: &AskedNames, tables: &[Table]) -> Context {
    let mut values = Object::new();
    match said {
        Said::Accept(accepted) => of_accept(accepted, names, tables, &mut values),
        Said::Reject(reject) => {
            of_reject(reject, &mut values);
            // Where a door cannot ask: what the user should have been told.
            set(&mut values, "challenge.message", text_or_null(reject.mapped.error_message.as_deref()));
        }
        Said::Challenge(challenge) => {
            of_challenge(challenge, &mut values);
            fallback_reject("mfa_required", &mut values);
        }
        Said::Unavailable(unavailable) => of_unavailable(*unavailable, &mut values),
        Said::Misconfigured(misconfigured) => {
            set(&mut values, "misconfigured.what", misconfigured.what.as_str());
            fallback_unavailable("misconfigured", &mut values);
        }
    }
    context(values, names)
}

/// The context of a question that is no verdict: for the password of a conversation.
pub fn of_question(challenge: &Challenge, names: &AskedNames) -> Context {
    let mut values = Object::new();
    of_challenge(challenge, &mut values);
    fallback_reject("mfa_required", &mut values);
    context(values, names)
}

/// The context of a reply without a verdict.
pub fn without_verdict(kind: ReplyKind, names: &AskedNames) -> Context {
    let mut values = Object::new();
    fallback_reject("invalid_credentials", &mut values);
    fallback_unavailable(kind.as_str(), &mut values);
    set(&mut values, "challenge.message", Value::Null);
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

fn of_accept(accepted: &Accepted<'_>, names: &AskedNames, tables: &[Table], values: &mut Object) {
    let Mapped { extension, attributes, .. } = accepted.mapped;
    set(values, "accept.subject", accepted.subject);
    set(values, "accept.username", names.username.as_str());
    set(values, "accept.connector", accepted.connector);
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
    let cookies = accepted.cookies.iter().map(|cookie| Value::from(*cookie));
    values.insert("accept.cookies".to_owned(), Value::Array(cookies.collect()));
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
    set(values, "challenge.image", text_or_null(challenge.image.as_deref()));
    set(values, "challenge.url", text_or_null(challenge.url.as_deref()));
    let error = challenge.error.as_ref().and_then(|error| error.error_message.as_deref());
    set(values, "challenge.error_message", text_or_null(error));
    // One line for consoles that show one: what went wrong, what is wanted, and of which field.
    let label = field.and_then(|field| field.label.as_deref());
    let said = [error, challenge.message.as_deref(), label];
    let said: Vec<&str> = said.into_iter().flatten().filter(|text| !text.is_empty()).collect();
    let prompt = if said.is_empty() { challenge.kind.clone() } else { said.join(" ") };
    set(values, "challenge.prompt", prompt);
    set(values, "challenge.label", text_or_null(label));
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
