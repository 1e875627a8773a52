//! One comparison of a condition: a source, an operator, and what it says about one reply.

use std::borrow::Cow;

use super::compare::{Operator, is_something};
use super::{Absent, Facts};
use crate::context::{Missing, Variable};
use crate::document::{Path, Shape, Value};
use crate::response::source::{Source, SourceValue, Void};
use crate::verdict::Truth;

/// Where a leaf, a capture or a mapping gets its value.
#[derive(Debug)]
pub enum ValueSource {
    /// A part of the reply.
    Reply(Source),
    /// A claim of the verified token of `response.jwt`.
    Claim(Path),
    /// A variable.
    Variable(Variable),
    /// A constant (for tests of a connector's own wiring).
    Constant(Value),
    /// The first of these that is there; none of them is such a list itself.
    FirstOf(Vec<ValueSource>),
}

/// What a leaf tests.
#[derive(Debug)]
pub enum Test {
    /// The HTTP status is one of these.
    Status(Vec<u16>),
    /// A source compared.
    Compare(ValueSource, Operator),
}

/// One comparison.
#[derive(Debug)]
pub struct Leaf {
    /// What it tests.
    pub test: Test,
    /// How a trace writes it: `field "code" equals 200`.
    pub text: String,
    /// Whether the operand is literal, so that a trace may show it and, when true, the value.
    pub literal: bool,
}

/// What evaluating a leaf found.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The leaf.
    pub leaf: &'a Leaf,
    /// What it came to.
    pub truth: Truth,
    /// The value at the source, if there was one.
    pub found: Option<Cow<'a, Value>>,
    /// Why there was none, in words of an administrator.
    pub because: Option<String>,
}

/// After "the reply".
const TOO_MUCH: &str = "is more than the patterns of this connector may read in one call";

impl Leaf {
    /// What the leaf says about `facts`.
    pub(super) fn evaluate<'a>(&'a self, facts: Facts<'a>, absent: Absent) -> Seen<'a> {
        let seen = |truth, found, because| Seen { leaf: self, truth, found, because };
        match &self.test {
            Test::Status(statuses) => match facts.reply {
                Some(reply) => {
                    let found = Value::from(u64::from(reply.status));
                    seen(statuses.contains(&reply.status).into(), Some(Cow::Owned(found)), None)
                }
                None => seen(Truth::Unknown, None, Some("there is no reply".to_owned())),
            },
            Test::Compare(source, operator) => match source.read(facts) {
                SourceValue::Value(value) => {
                    let shape = source.shape(facts);
                    let value = shape.compared(value);
                    let truth = match (source, operator) {
                        // A code that is compared here must not be found digit by digit.
                        (ValueSource::Variable(Variable::Answer(_)), Operator::Equals(operand)) => {
                            operand.is_answered_by(&value, facts.context)
                        }
                        // An element of attributes alone has no text.
                        (_, Operator::HasValue(wanted)) if shape.is_bare(&value) => (!wanted).into(),
                        _ => operator.holds(&value, facts.context),
                    };
                    seen(truth, Some(value), operator.is_spent(truth, facts.context).then(|| TOO_MUCH.to_owned()))
                }
                SourceValue::Absent => seen(absent_truth(operator, absent), None, Some(format!("has no {source}"))),
                SourceValue::Void(value, why) => {
                    let truth = void_truth(operator, (&value, why), facts, absent);
                    seen(truth, Some(value), Some(why.of(source)))
                }
                SourceValue::Unknown(why) => seen(Truth::Unknown, None, Some(source.untold(facts, &why))),
            },
        }
    }
}

/// A cookie that is worth nothing: its value may speak against a login and never for it. One that is deleted or empty does
/// not exist; whether one of another site does is not this reply's to say.
fn void_truth(operator: &Operator, (value, why): (&Value, Void), facts: Facts<'_>, absent: Absent) -> Truth {
    match (operator, why, absent) {
        (Operator::Exists(wanted) | Operator::HasValue(wanted), Void::Deleted | Void::Empty, _) => (!wanted).into(),
        (_, _, Absent::False) => operator.holds(value, facts.context),
        (_, _, Absent::Unknown) => Truth::Unknown,
    }
}

/// A decoded reply lacks the source.
fn absent_truth(operator: &Operator, absent: Absent) -> Truth {
    match (operator, absent) {
        (Operator::Exists(wanted) | Operator::HasValue(wanted), _) => (!wanted).into(),
        (_, Absent::False) => Truth::False,
        (_, Absent::Unknown) => Truth::Unknown,
    }
}

impl ValueSource {
    /// The sources of a list, or this one.
    pub fn each(&self) -> &[ValueSource] {
        match self {
            Self::FirstOf(list) => list,
            one => std::slice::from_ref(one),
        }
    }

    /// The first that says something. A part of the reply that is unknown is not passed over: what it says might differ.
    fn first<'a>(
        list: &'a [ValueSource],
        facts: Facts<'a>,
        read: fn(&'a ValueSource, Facts<'a>) -> SourceValue<'a>,
    ) -> SourceValue<'a> {
        let mut last = SourceValue::Absent;
        for source in list {
            match read(source, facts) {
                SourceValue::Value(value) if is_something(&value) => return SourceValue::Value(value),
                found @ SourceValue::Unknown(_) if !matches!(source, Self::Variable(_)) => return found,
                // A step that did not run captured nothing.
                found @ SourceValue::Unknown(_) => last = found,
                SourceValue::Value(_) | SourceValue::Void { .. } | SourceValue::Absent => {}
            }
        }
        last
    }

    /// Whether values of this source follow the reading rules of XML.
    fn shape(&self, facts: Facts<'_>) -> Shape {
        match (self, facts.reply) {
            (Self::Reply(Source::Field(_)), Some(reply)) => reply.decoded.shape,
            _ => Shape::Plain,
        }
    }

    /// Why the source is unknown. Of an unreadable body it is enough to say that the source is not there: what
    /// the body is instead is said once, for the whole reply.
    fn untold(&self, facts: Facts<'_>, why: &str) -> String {
        match (self, facts.reply) {
            (Self::Reply(Source::Field(_)), Some(reply)) if reply.decoded.document.is_err() => format!("has no {self}"),
            (Self::Reply(_), Some(_)) => format!("does not tell {self} ({why})"),
            _ => format!("{self} is not known: {why}"),
        }
    }

    /// What is there for a reader that wants a scalar: of an element of XML its text.
    pub fn scalar<'a>(&'a self, facts: Facts<'a>) -> SourceValue<'a> {
        if let Self::FirstOf(list) = self {
            return Self::first(list, facts, Self::scalar);
        }
        let shape = self.shape(facts);
        self.read(facts).map(|value| shape.compared(value))
    }

    /// What is there for one that keeps it or hands it on: an element of XML that is a typed text is its text.
    pub fn taken<'a>(&'a self, facts: Facts<'a>) -> SourceValue<'a> {
        if let Self::FirstOf(list) = self {
            return Self::first(list, facts, Self::taken);
        }
        let shape = self.shape(facts);
        self.read(facts).map(|value| shape.taken(value))
    }

    /// What is there, as it stands there.
    pub fn read<'a>(&'a self, facts: Facts<'a>) -> SourceValue<'a> {
        match self {
            Self::Reply(source) => match facts.reply {
                Some(reply) => source.read(reply, &facts.context.work),
                None => SourceValue::Unknown("there is no reply".into()),
            },
            Self::Claim(path) => match facts.claims {
                Some(claims) => SourceValue::at(path, claims, Shape::Plain, &facts.context.work),
                None => SourceValue::Unknown("there is no verified token".into()),
            },
            Self::Variable(variable) => match facts.context.get(variable) {
                Ok(value) => SourceValue::Value(value),
                Err(missing @ (Missing::Capture(_) | Missing::Input(_) | Missing::Unset(_))) => {
                    SourceValue::Unknown(missing.to_string().into())
                }
            },
            Self::Constant(value) => SourceValue::Value(Cow::Borrowed(value)),
            Self::FirstOf(list) => Self::first(list, facts, Self::read),
        }
    }
}

impl std::fmt::Display for ValueSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Reply(source) => write!(f, "{source}"),
            Self::Claim(path) => write!(f, "claim {path}"),
            Self::Variable(variable) => write!(f, "{variable}"),
            Self::Constant(_) => f.write_str("constant"),
            Self::FirstOf(list) => {
                for (index, source) in list.iter().enumerate() {
                    write!(f, "{}{source}", if index == 0 { "" } else { " or " })?;
                }
                Ok(())
            }
        }
    }
}
