//! Filters: which items of a list, or members of an object, a path goes on with (RFC 9535 section 2.3.5).
//!
//! A filter has the two values of RFC 9535, by which `@.x != 1` is true where there is no `x`. A third value,
//! ambiguous, makes the whole path unknown.

use std::cmp::Ordering;

use super::{Lookup, Spot, Step, UnknownCause};
use crate::document::{Number, Object, Shape, Value};

/// Most work of the filters of a path in one document: nodes looked at, and numbers by their length. Enough for three
/// comparisons of every node of the largest document.
const MAX_STEPS: u64 = 200_000;

/// A digit of a number costs less than a node.
const DIGITS_A_STEP: usize = 16;

/// The condition of a filter on one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filter {
    Any(Vec<Filter>),
    All(Vec<Filter>),
    Not(Box<Filter>),
    Exists(Vec<Step>),
    Compare { path: Vec<Step>, comparison: Comparison, literal: Value },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The work that is left for one lookup.
#[derive(Debug)]
pub(super) struct Steps(u64);

impl Default for Steps {
    fn default() -> Self {
        Self(MAX_STEPS)
    }
}

impl Steps {
    /// The work done so far.
    pub(super) fn taken(&self) -> u64 {
        MAX_STEPS - self.0
    }

    pub(super) fn take(&mut self, steps: u64) -> Result<(), UnknownCause> {
        let left = self.0.checked_sub(steps);
        self.0 = left.unwrap_or(0);
        left.map(drop).ok_or(UnknownCause::TooMuch)
    }

    fn take_digits(&mut self, text: &str) -> Result<(), UnknownCause> {
        self.take(u64::try_from(text.len() / DIGITS_A_STEP).unwrap_or(MAX_STEPS))
    }
}

impl Comparison {
    /// The same comparison with its sides swapped.
    pub(super) fn turned(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same @ (Self::Equal | Self::NotEqual) => same,
        }
    }

    /// RFC 9535 section 2.3.5.2.2. `None`: the sides have no order, and are not equal.
    fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        }
    }
}

/// Compares `found` with `literal`; `None` when they are neither ordered nor equal. XML has only texts: one that is
/// wholly a number, `true` or `false` is compared as such.
fn order(found: &Value, literal: &Value, shape: Shape, steps: &mut Steps) -> Result<Option<Ordering>, UnknownCause> {
    Ok(match (found, literal) {
        (Value::Number(a), Value::Number(b)) => Some(numbers(a, b, steps)?),
        // The order of UTF-8 bytes is the order of code points.
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => (a == b).then_some(Ordering::Equal),
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Text(a), Value::Number(b)) if shape == Shape::Xml => {
            steps.take_digits(a)?;
            Number::parse(a).map(|a| numbers(&a, b, steps)).transpose()?
        }
        (Value::Text(a), Value::Bool(_)) if shape == Shape::Xml => {
            (literal.scalar_text() == Some(a)).then_some(Ordering::Equal)
        }
        _ => None,
    })
}

fn numbers(a: &Number, b: &Number, steps: &mut Steps) -> Result<Ordering, UnknownCause> {
    steps.take_digits(a.as_str())?;
    steps.take_digits(b.as_str())?;
    Ok(a.order(b))
}

impl Filter {
    /// Appends the selected children of `spot` to `out`. In XML an element that is not repeated is a list of one.
    pub(super) fn select<'v>(
        &self,
        spot: Spot<'v>,
        shape: Shape,
        steps: &mut Steps,
        out: &mut Vec<Spot<'v>>,
    ) -> Result<(), UnknownCause> {
        let mut keep = |item: &'v Value| -> Result<(), UnknownCause> {
            steps.take(1)?;
            if self.holds(item, shape, steps)? {
                out.push(Spot::start(item));
            }
            Ok(())
        };
        match spot.node {
            Value::Array(items) => items.iter().try_for_each(keep),
            single if shape == Shape::Xml && spot.below_name => keep(single),
            Value::Object(members) => members.values().try_for_each(keep),
            _ => Ok(()),
        }
    }

    fn holds(&self, item: &Value, shape: Shape, steps: &mut Steps) -> Result<bool, UnknownCause> {
        match self {
            Self::Any(terms) => decided(terms, true, |term| term.holds(item, shape, steps)),
            Self::All(terms) => decided(terms, false, |term| term.holds(item, shape, steps)),
            Self::Not(term) => term.holds(item, shape, steps).map(|held| !held),
            Self::Exists(path) => match walk(path, item, shape, steps)? {
                Lookup::Node(_) => Ok(true),
                Lookup::Absent => Ok(false),
                Lookup::Unknown(why) => Err(why),
            },
            Self::Compare { path, comparison, literal } => {
                let stands = match walk(path, item, shape, steps)? {
                    Lookup::Node(Value::Array(_)) if shape == Shape::Xml => return Err(UnknownCause::Repeated),
                    Lookup::Node(Value::Object(element)) if shape == Shape::Xml => match element.get("#text") {
                        Some(text) => order(text, literal, shape, steps)?,
                        None => None,
                    },
                    Lookup::Node(found) => order(found, literal, shape, steps)?,
                    Lookup::Absent => None,
                    Lookup::Unknown(why) => return Err(why),
                };
                Ok(comparison.holds(stands))
            }
        }
    }

    /// Whether it selects an item without any of the members it names, as `@.x != 1` does.
    pub(super) fn takes_anything(&self) -> bool {
        let samples = [Value::Null, Value::from("E-7351"), Value::Object(Object::new())];
        samples.iter().any(|item| self.holds(item, Shape::Plain, &mut Steps::default()) == Ok(true))
    }
}

/// `end` if any term is `end`; otherwise unknown if any term is unknown.
fn decided(
    terms: &[Filter],
    end: bool,
    mut holds: impl FnMut(&Filter) -> Result<bool, UnknownCause>,
) -> Result<bool, UnknownCause> {
    let mut result = Ok(!end);
    for term in terms {
        match holds(term) {
            Ok(held) if held == end => return Ok(end),
            Ok(_) => {}
            Err(why) => result = Err(why),
        }
    }
    result
}

fn walk<'v>(path: &[Step], item: &'v Value, shape: Shape, steps: &mut Steps) -> Result<Lookup<'v>, UnknownCause> {
    let mut spot = Spot::start(item);
    for step in path {
        steps.take(1)?;
        match step.take(spot, shape) {
            Lookup::Node(node) => spot = Spot { node, below_name: step.is_name() },
            other => return Ok(other),
        }
    }
    Ok(Lookup::Node(spot.node))
}
