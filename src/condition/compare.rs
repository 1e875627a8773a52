//! The operators: what a found value and an operand say about each other.
//!
//! Every function is total and returns a `Truth`: what cannot be compared is unknown, never false, so that a
//! negation of it cannot grant.

use std::borrow::Cow;

use subtle::ConstantTimeEq as _;

use crate::context::{Context, Variable};
use crate::document::{Decimal, Value};
use crate::pattern::Pattern;
use crate::template::Template;
use crate::verdict::Truth;

/// The right side of a comparison.
#[derive(Debug)]
pub enum Operand {
    /// Written in the file.
    Literal(Value),
    /// A text with holes, rendered once for each evaluation.
    Template(Template),
}

impl Operand {
    /// The value to compare with; `None` when a hole has no value or renders as nothing, which makes the leaf unknown.
    fn value<'a>(&'a self, context: &'a Context) -> Option<Cow<'a, Value>> {
        match self {
            Self::Literal(value) => Some(Cow::Borrowed(value)),
            Self::Template(template) => {
                let value = template.value(context).ok()?;
                (*value != Value::Text(String::new())).then_some(value)
            }
        }
    }
}

impl Operand {
    /// Whether `answer` is this text, in constant time for one length (an answer is always a text, so no number is
    /// compared as a decimal: the code 012345 is not 12345).
    pub(super) fn is_answered_by(&self, answer: &Value, context: &Context) -> Truth {
        let Some(wanted) = self.value(context) else { return Truth::Unknown };
        match (answer.scalar_text(), wanted.scalar_text()) {
            (Some(answer), Some(wanted)) => bool::from(answer.as_bytes().ct_eq(wanted.as_bytes())).into(),
            _ => Truth::Unknown,
        }
    }
}

/// The order comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `gt`
    Greater,
    /// `ge`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `le`
    LessOrEqual,
}

impl Order {
    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
        }
    }
}

/// What is asked of a found value.
#[derive(Debug)]
pub enum Operator {
    /// Exact decimals if both are numbers, else the same text.
    Equals(Operand),
    /// `equals` with one of them.
    In(Vec<Operand>),
    /// The text holds the needle, or the list holds an equal scalar.
    Contains(Operand),
    /// The text begins with the needle.
    StartsWith(Operand),
    /// The text matches (a search, not anchored); linear time.
    Matches(Pattern),
    /// Present, not null and not "" (or the opposite).
    Exists(bool),
    /// Present, and a value that says something: see `has_value` below (or the opposite).
    HasValue(bool),
    /// Exact decimals, in order.
    Ordered(Order, Operand),
}

impl Operator {
    /// Every variable in its operands.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        let operands: &[Operand] = match self {
            Self::Equals(one) | Self::Contains(one) | Self::StartsWith(one) | Self::Ordered(_, one) => {
                std::slice::from_ref(one)
            }
            Self::In(many) => many,
            Self::Matches(_) | Self::Exists(_) | Self::HasValue(_) => &[],
        };
        operands.iter().flat_map(|operand| match operand {
            Operand::Literal(_) => Vec::new(),
            Operand::Template(template) => template.variables().collect(),
        })
    }

    /// Whether it came to `truth` because the call has read as much with patterns as it may.
    pub(super) fn is_spent(&self, truth: Truth, context: &Context) -> bool {
        truth == Truth::Unknown && matches!(self, Self::Matches(_)) && context.work.is_spent()
    }

    /// What this operator says about a value that was found. `Exists` is decided by the caller, which alone knows
    /// whether an absent source is absent or unreadable; here it sees a present one.
    pub fn holds(&self, found: &Value, context: &Context) -> Truth {
        match self {
            Self::Exists(wanted) => Truth::from(is_something(found) == *wanted),
            Self::HasValue(wanted) => Truth::from(has_value(found) == *wanted),
            Self::Equals(operand) => with(operand, context, |value| equals(found, value)),
            Self::In(operands) => {
                Truth::any(operands.iter().map(|operand| with(operand, context, |value| equals(found, value))))
            }
            Self::Contains(operand) => with(operand, context, |value| contains(found, value)),
            Self::StartsWith(operand) => with(operand, context, |value| {
                texts(found, value).map_or(Truth::Unknown, |(text, needle)| text.starts_with(needle).into())
            }),
            Self::Matches(pattern) => {
                let text = scalar(found).and_then(Value::scalar_text);
                let matched = text.and_then(|text| pattern.is_match(text, &context.work).ok());
                matched.map_or(Truth::Unknown, Truth::from)
            }
            Self::Ordered(order, operand) => with(operand, context, |value| ordered(*order, found, value)),
        }
    }
}

fn with(operand: &Operand, context: &Context, compare: impl Fn(&Value) -> Truth) -> Truth {
    operand.value(context).map_or(Truth::Unknown, |value| compare(&value))
}

/// Not null, not "" (an XML element that has only attributes is something).
pub(super) fn is_something(value: &Value) -> bool {
    !matches!(value, Value::Null) && !matches!(value, Value::Text(text) if text.is_empty())
}

/// A text that is not blank, "false" or "0", a number but 0, `true`, a list or object with something in it.
pub(super) fn has_value(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => !number.decimal().is_zero(),
        Value::Text(text) => {
            // Not every zero: "0e51" is half a token.
            let text = text.trim();
            !(text.is_empty() || text == "0" || text.eq_ignore_ascii_case("false"))
        }
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

/// The value as a scalar; `None` for an array or an object (of XML the caller has taken the text already).
fn scalar(value: &Value) -> Option<&Value> {
    match value {
        Value::Object(_) | Value::Array(_) => None,
        scalar => Some(scalar),
    }
}

fn equals(found: &Value, operand: &Value) -> Truth {
    match (scalar(found), operand) {
        (None, _) | (_, Value::Array(_) | Value::Object(_)) => Truth::Unknown,
        (Some(Value::Number(a)), Value::Number(b)) => a.is_equal_to(b).into(),
        (Some(Value::Null), operand) => (*operand == Value::Null).into(),
        (Some(_), Value::Null) => Truth::False,
        (Some(found), operand) => (found.scalar_text() == operand.scalar_text()).into(),
    }
}

fn contains(found: &Value, operand: &Value) -> Truth {
    match found {
        Value::Array(items) => Truth::any(items.iter().map(|item| equals(item, operand))),
        _ => texts(found, operand).map_or(Truth::Unknown, |(text, needle)| text.contains(needle).into()),
    }
}

/// Both as texts; `None` for null, lists, objects and an empty needle, which every text would hold.
fn texts<'v>(found: &'v Value, operand: &'v Value) -> Option<(&'v str, &'v str)> {
    let needle = operand.scalar_text().filter(|needle| !needle.is_empty())?;
    Some((scalar(found)?.scalar_text()?, needle))
}

fn ordered(order: Order, found: &Value, operand: &Value) -> Truth {
    match (scalar(found).and_then(decimal), decimal(operand)) {
        (Some(a), Some(b)) => order.holds(a.cmp(&b)).into(),
        _ => Truth::Unknown,
    }
}

/// A number, or a string that is wholly a JSON number.
fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => Some(number.decimal()),
        Value::Text(text) => Decimal::parse(text),
        _ => None,
    }
}
