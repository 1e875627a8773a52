//! Filters: which items of a list, or members of an object, a path goes on with (RFC 9535 section 2.3.5).
//!
//! A filter selects, and judges nothing: it has RFC 9535's two values, by which `@.x != 1` holds where there is no `x`. A third
//! one says that it cannot be told, and makes the whole path unknown.

use std::cmp::Ordering;

use super::{Lookup, Spot, Step, Untold};
use crate::document::{Number, Object, Shape, Value};

/// How much the filters of a path look at in one document: nodes, and numbers by their length. A document of the
/// most nodes is read through with three comparisons each.
const MAX_STEPS: u64 = 200_000;

/// A digit of a number costs less than a node.
const DIGITS_A_STEP: usize = 16;

/// What is asked of an item.
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

/// What is left of the steps of one look-up.
#[derive(Debug)]
pub(super) struct Steps(u64);

impl Default for Steps {
    fn default() -> Self {
        Self(MAX_STEPS)
    }
}

impl Steps {
    /// How many were taken.
    pub(super) fn taken(&self) -> u64 {
        MAX_STEPS - self.0
    }

    pub(super) fn take(&mut self, steps: u64) -> Result<(), Untold> {
        let left = self.0.checked_sub(steps);
        self.0 = left.unwrap_or(0);
        left.map(drop).ok_or(Untold::TooMuch)
    }

    fn take_digits(&mut self, text: &str) -> Result<(), Untold> {
        self.take(u64::try_from(text.len() / DIGITS_A_STEP).unwrap_or(MAX_STEPS))
    }
}

impl Comparison {
    /// The same with its sides changed.
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

/// How `found` stands to `literal`; `None` when the two have no order and are not equal. XML has texts only: there one that is
/// wholly a number, `true` or `false` is compared as such.
fn order(found: &Value, literal: &Value, shape: Shape, steps: &mut Steps) -> Result<Option<Ordering>, Untold> {
    Ok(match (found, literal) {
        (Value::Number(a), Value::Number(b)) => Some(numbers(a, b, steps)?),
        // UTF-8 keeps the order of code points.
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

fn numbers(a: &Number, b: &Number, steps: &mut Steps) -> Result<Ordering, Untold> {
    steps.take_digits(a.as_str())?;
    steps.take_digits(b.as_str())?;
    Ok(a.order(b))
}

impl Filter {
    /// Puts what it selects of the children at `spot` into `out`. In XML an element that is not repeated is a list of one.
    pub(super) fn select<'v>(
        &self,
        spot: Spot<'v>,
        shape: Shape,
        steps: &mut Steps,
        out: &mut Vec<Spot<'v>>,
    ) -> Result<(), Untold> {
        let mut keep = |item: &'v Value| -> Result<(), Untold> {
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

    fn holds(&self, item: &Value, shape: Shape, steps: &mut Steps) -> Result<bool, Untold> {
        match self {
            Self::Any(terms) => decided(terms, true, |term| term.holds(item, shape, steps)),
            Self::All(terms) => decided(terms, false, |term| term.holds(item, shape, steps)),
            Self::Not(term) => term.holds(item, shape, steps).map(|held| !held),
            Self::Exists(path) => match walk(path, item, shape, steps)? {
                Lookup::Node(_) => Ok(true),
                Lookup::Absent => Ok(false),
                Lookup::Untold(why) => Err(why),
            },
            Self::Compare { path, comparison, literal } => {
                let stands = match walk(path, item, shape, steps)? {
                    Lookup::Node(Value::Array(_)) if shape == Shape::Xml => return Err(Untold::Repeated),
                    Lookup::Node(Value::Object(element)) if shape == Shape::Xml => match element.get("#text") {
                        Some(text) => order(text, literal, shape, steps)?,
                        None => None,
                    },
                    Lookup::Node(found) => order(found, literal, shape, steps)?,
                    Lookup::Absent => None,
                    Lookup::Untold(why) => return Err(why),
                };
                Ok(comparison.holds(stands))
            }
        }
    }

    /// Whether an item that says nothing of use goes through: it asks what the item is not.
    pub(super) fn takes_anything(&self) -> bool {
        let samples = [Value::Null, Value::from("E-7351"), Value::Object(Object::new())];
        samples.iter().any(|item| self.holds(item, Shape::Plain, &mut Steps::default()) == Ok(true))
    }
}

/// `end` as soon as one term is it; else unknown if one of them is.
fn decided(
    terms: &[Filter],
    end: bool,
    mut holds: impl FnMut(&Filter) -> Result<bool, Untold>,
) -> Result<bool, Untold> {
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

fn walk<'v>(path: &[Step], item: &'v Value, shape: Shape, steps: &mut Steps) -> Result<Lookup<'v>, Untold> {
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
