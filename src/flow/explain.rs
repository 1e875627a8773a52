//! The line that explains to an administrator why a step ended as it did.
//!
//! Shown by allow-list: names, types, statuses and literals of the connector; a value only when it is a number or
//! boolean, or when it is what the literal says anyway, and nothing at all of what may hold a credential. The caller
//! masks the line once more.

use crate::connector::{Role, Step};
use crate::cookies::DeliveryPlan;
use crate::document::{Value, is_margin};
use crate::response::Decoded;
use crate::response::source::ReplyView;
use crate::script::{Budget, CallOutcome};
use crate::verdict::{Cause, Delivery, Denial, Truth, Withheld, WithheldCookie};

use std::fmt::Write as _;

use super::conceal::Secrecy;
use super::decisive::{self, Decisive};
use super::report::Tells;
use super::rule_trace::tells;
use super::state::Proof;
use crate::condition::{Condition, Leaf, Operand, Operator, Rule, Seen, Test, is_decisive_status};

/// How a script ended without a value. What it threw is not shown: it may hold what the user typed.
pub(super) fn script(outcome: &CallOutcome) -> String {
    match outcome {
        CallOutcome::Threw { line: Some(line), .. } => format!("threw at line {line}"),
        CallOutcome::Threw { .. } => "threw".to_owned(),
        CallOutcome::BadResult { what } => format!("left no usable result: {what}"),
        CallOutcome::Killed { by } => format!(
            "was ended: {}",
            match by {
                Budget::Cpu => "it used more CPU time than a call may",
                Budget::Wall => "it took longer than a call may",
                Budget::Memory => "it used more memory than a worker may",
                Budget::Crash => "its worker process crashed",
            }
        ),
        CallOutcome::Value(_) | CallOutcome::Rejected { .. } => "ended".to_owned(),
        CallOutcome::Overloaded => "found no free worker".to_owned(),
        CallOutcome::TimedOut => "did not end before the deadline".to_owned(),
    }
}

/// Cookies that the user's browser should have got, for the end of an accept's line. Only those that the file names:
/// what an upstream calls its cookies may be anything.
pub(super) fn withheld(delivery: &Delivery, plan: Option<&DeliveryPlan>) -> String {
    let named = |name: &str| plan.is_some_and(|plan| plan.cookies.iter().any(|cookie| cookie.from == name));
    let mut line = String::new();
    for WithheldCookie { name, why } in delivery.withheld.iter().filter(|cookie| cookie.why != Withheld::Replaced) {
        if !named(name) {
            continue;
        }
        line.push_str("; the cookie ");
        line.push_str(name);
        line.push_str(" is not delivered: ");
        line.push_str(&why.to_string());
    }
    line
}

/// What the body is, with its article: `JSON`, `an HTML page titled "Sign in"`, `JSON that cannot be read (…)`.
pub(super) fn read_as(decoded: &Decoded) -> String {
    let page = |decoded: &Decoded| match &decoded.html_title {
        // A longer one was cut when it was read, perhaps within a credential that the page echoes.
        Some(title) if title.chars().count() > MAX_TITLE => "an HTML page with a long title".to_owned(),
        Some(title) if !title.trim().is_empty() => format!("an HTML page titled \"{}\"", title.trim()),
        _ => "an HTML page".to_owned(),
    };
    match (&decoded.document, &decoded.text) {
        (_, _) if decoded.is_page() => page(decoded),
        (Err(_), Some(text)) if text.trim().is_empty() => "empty".to_owned(),
        (Ok(_), Some(text)) if text.is_empty() => "empty".to_owned(),
        (Ok(_), _) => decoded.kind.phrase().to_owned(),
        (Err(why), _) => format!("no readable {} ({why})", decoded.kind.noun()),
    }
}

/// A status that is no answer to a login.
pub(super) fn unjudged_status(status: u16, why: &str, decoded: &Decoded) -> String {
    format!("HTTP {status} is no answer to a login, and {why}; the body is {}", read_as(decoded))
}

/// The upstream's error code and message of an undecided reply, for the end of the line.
pub(super) fn upstream_error(code: Option<&str>, message: Option<&str>) -> String {
    let mut line = String::new();
    for (what, text) in [("error_code", code), ("error_message", message)] {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            let _ = write!(line, "; {what}: \"{text}\"");
        }
    }
    line
}

/// The line of a judged reply.
pub(super) fn judged(
    secrecy: Secrecy<'_>,
    result: Result<&Proof, &Denial>,
    seen: &[(Rule, Seen<'_>)],
    view: Option<&ReplyView<'_>>,
) -> String {
    let decided = seen.last().map(|(rule, _)| *rule);
    let deciding = DecidingRule::of(secrecy, result, seen, view);
    if let (Err(Denial::Unavailable(_)), Some(view)) = (result, undecisive(view))
        && decided != Some(Rule::Unavailable)
    {
        return unjudged_status(view.status, "no rule that names it holds", view.decoded);
    }
    let line = match result {
        Ok(Proof::More(_)) => format!("right so far, a further factor is owed: {}", deciding.because()),
        Ok(_) => deciding.because(),
        Err(denial) => deciding.denied(denial, decided),
    };
    match view {
        Some(view) => format!("{line} (HTTP {})", view.status),
        None => line,
    }
}

/// What the rules of a reply came to.
struct DecidingRule<'a> {
    secrecy: Secrecy<'a>,
    view: Option<&'a ReplyView<'a>>,
    /// What the deciding rule's leaves say, the status aside.
    as_written: Truth,
    leaf: Option<Decisive<'a, 'a>>,
}

impl<'a> DecidingRule<'a> {
    fn of(
        secrecy: Secrecy<'a>,
        result: Result<&Proof, &Denial>,
        seen: &'a [(Rule, Seen<'a>)],
        view: Option<&'a ReplyView<'a>>,
    ) -> Self {
        let decisive = decisive::of(&secrecy.step.response.rules, seen);
        let (as_written, leaf) = decisive.unwrap_or((Truth::Unknown, None));
        // A helper may succeed by its status, after rules that did not hold.
        let leaf = leaf.filter(|_| result.is_err() || as_written == Truth::True);
        Self { secrecy, view, as_written, leaf }
    }

    fn because(&self) -> String {
        match &self.leaf {
            None => "no rule says more".to_owned(),
            Some(Decisive { seen, negated: false }) => found(seen, self.view, self.secrecy),
            Some(Decisive { seen, negated: true }) => format!("under `not`: {}", found(seen, self.view, self.secrecy)),
        }
    }

    /// Beyond 2xx a rule that grants is less than its leaves say.
    fn bound(&self, truth: Truth) -> Option<String> {
        match (self.as_written, truth) {
            (Truth::True, Truth::False | Truth::Unknown) => {
                Some("the status is not 2xx, and no way of the rule that holds names it".to_owned())
            }
            (Truth::Unknown, Truth::False) => Some("the status is not 2xx".to_owned()),
            _ => None,
        }
    }

    fn denied(&self, denial: &Denial, decided: Option<Rule>) -> String {
        let Self { view, as_written, .. } = *self;
        let step = self.secrecy.step;
        match denial {
            Denial::Reject { reason, row: Some(row) } => {
                format!("reject row {} says {reason}: {}", row + 1, self.because())
            }
            Denial::Reject { .. } if not_ok_without_leaf(step, view) => "the status is not 2xx".to_owned(),
            Denial::Reject { .. } => {
                format!("success is not met: {}", self.bound(Truth::False).unwrap_or_else(|| self.because()))
            }
            Denial::Unavailable(Cause::UpstreamError) if decided == Some(Rule::Unavailable) => {
                format!("the `unavailable` rule is true: {}", self.because())
            }
            Denial::Unavailable(Cause::UpstreamError) => {
                let why = match (decided, self.bound(Truth::False)) {
                    // Without a `success` of its own a helper goes by the status.
                    (Some(Rule::Success), None) => self.because(),
                    _ => "the status is not 2xx".to_owned(),
                };
                format!("this {} did not succeed: {why}", if step.role == Role::Factor { "factor" } else { "helper" })
            }
            Denial::Unavailable(_) => match as_written {
                Truth::Unknown if self.leaf.is_some() => self.because(),
                Truth::False => undecided(step, view, Some(self.because())),
                Truth::True | Truth::Unknown => undecided(step, view, self.bound(Truth::Unknown)),
            },
            Denial::Pending => "not confirmed yet".to_owned(),
        }
    }
}

/// The reply, when its status is no answer to a login.
fn undecisive<'v>(view: Option<&'v ReplyView<'v>>) -> Option<&'v ReplyView<'v>> {
    view.filter(|view| !is_decisive_status(view.status))
}

/// No leaf was unknown, and no rule is true. `not_met` is the leaf that was false.
fn undecided(step: &Step, view: Option<&ReplyView<'_>>, not_met: Option<String>) -> String {
    match view {
        Some(view) if view.decoded.document.is_err() => format!("the reply is {}", read_as(view.decoded)),
        Some(_) if not_ok_without_leaf(step, view) => "no rule is true: the status is not 2xx".to_owned(),
        _ => match not_met {
            Some(not_met) => format!("no rule is true: `success` does not hold and no `reject` row fits: {not_met}"),
            None => "no rule is true: `success` does not hold and no `reject` row fits".to_owned(),
        },
    }
}

/// Whether the reply is beyond 2xx and no way of `success` names its status.
fn not_ok_without_leaf(step: &Step, view: Option<&ReplyView<'_>>) -> bool {
    let Some(view) = view.filter(|view| !(200..300).contains(&view.status)) else { return false };
    let named = step.response.rules.success.as_ref().map(Condition::named_statuses).unwrap_or_default();
    !named.contains(&view.status)
}

/// What a leaf found, and what it wanted.
fn found(seen: &Seen<'_>, view: Option<&ReplyView<'_>>, secrecy: Secrecy<'_>) -> String {
    let wanted = &seen.leaf.text;
    match (&seen.because, seen.found.as_deref()) {
        (Some(because), _) => match view {
            Some(view) => format!("the reply {because}; it is {}", read_as(view.decoded)),
            None => because.clone(),
        },
        (None, Some(_)) if seen.truth == Truth::True && secrecy.keeps(seen.leaf) => wanted.clone(),
        (None, Some(_)) if secrecy.keeps(seen.leaf) => format!("{wanted} does not hold"),
        (None, Some(value)) if seen.truth == Truth::True => match (value, tells(seen.leaf)) {
            (_, Tells::Nothing) => wanted.clone(),
            (Value::Number(_) | Value::Bool(_), _) => format!("{wanted} (it is {})", shown(value)),
            _ => wanted.clone(),
        },
        // A number that the file compares with no literal of its own may be a token.
        (None, Some(Value::Number(_))) if tells(seen.leaf) == Tells::Nothing => {
            format!("{wanted} does not hold, the value is another number")
        }
        (None, Some(value)) if differs_in_blanks(seen.leaf, value) => {
            format!("{wanted} does not hold, the value differs from it in blanks or line ends only")
        }
        (None, Some(Value::Text(text))) if is_digits(text) && compares_with_number(seen.leaf) => {
            // `0` and `"0000"` differ, and look alike in a reply.
            let count = text.chars().count();
            format!(
                "{wanted} does not hold, the value is a string of {count} digits, not a number, and not written like one: compare with it in \
                 quotes, all of its digits"
            )
        }
        (None, Some(value)) => format!("{wanted} does not hold, the value is {}", shown(value)),
        (None, None) => wanted.clone(),
    }
}

/// Whether a text equals the literal of the file except for blanks, which are invisible in a log.
fn differs_in_blanks(leaf: &Leaf, value: &Value) -> bool {
    let same = |operand: &Operand| match (operand, value) {
        (Operand::Literal(Value::Text(wanted)), Value::Text(found)) if wanted != found => {
            let dense = |text: &'_ str| text.chars().filter(|c| !is_margin(*c)).collect::<String>();
            found.len() <= wanted.len() + MAX_BLANKS && dense(wanted) == dense(found)
        }
        _ => false,
    };
    match &leaf.test {
        Test::Compare(_, Operator::Equals(operand) | Operator::StartsWith(operand)) => same(operand),
        Test::Compare(_, Operator::In(operands)) => operands.iter().any(same),
        _ => false,
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a leaf is `equals` with a number of the file, or `in` with one.
fn compares_with_number(leaf: &Leaf) -> bool {
    let number = |operand: &Operand| matches!(operand, Operand::Literal(Value::Number(_)));
    match &leaf.test {
        Test::Compare(_, Operator::Equals(operand)) => number(operand),
        Test::Compare(_, Operator::In(operands)) => operands.iter().any(number),
        _ => false,
    }
}

/// More blanks around a word than a template leaves are not looked for.
const MAX_BLANKS: usize = 1024;

/// Titles of login and error pages are shorter.
const MAX_TITLE: usize = 80;

/// A code or a time stamp is shorter; a reply may hold a number of a million digits.
const MAX_NUMBER: usize = 24;

/// A value in an explanation: numbers and booleans as they are, of all else the kind and the size.
fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) if number.as_str().len() > MAX_NUMBER => {
            format!("a number of {} characters", number.as_str().len())
        }
        Value::Number(number) => number.as_str().to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null => "null".to_owned(),
        Value::Text(text) if text.is_empty() => "an empty string".to_owned(),
        Value::Text(text) => format!("another string of {} characters", text.chars().count()),
        Value::Array(items) => format!("an array of {}", items.len()),
        Value::Object(object) => format!("an object of {}", object.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Number;

    /// A reply of a megabyte of digits must not become a log line of a megabyte.
    #[test]
    fn a_number_without_end_is_told_by_its_length() {
        let number = |text: &str| shown(&Value::Number(Number::parse(text).unwrap()));
        assert_eq!(number("500"), "500");
        assert_eq!(number(&"1".repeat(100_000)), "a number of 100000 characters");
    }
}
