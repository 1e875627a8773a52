//! Field paths: which node of a document a rule, a capture or a mapping means.
//!
//! A path yields one node, none, or is unknown. A path that can name several nodes by its form (`*`, slices, lists,
//! `..`) is refused when it is parsed, because a login must not rest on "one of them" (docs/security.md, failure 27). A
//! filter may match several, which is unknown. There are two notations: `data.list[0]."odd key"`, and RFC 9535,
//! `$['data'].list[0]`, which also filters: `$.attributes[?@.name=='mail'].value`.

mod filter;
mod parse;

pub use parse::PathError;

use std::fmt;

use self::filter::{Filter, Steps};
use super::{Shape, Value};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// Goes to one child.
    Step(Step),
    /// Goes to the children that the filter selects.
    Filter(Filter),
}

/// One step down a document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    Name(String),
    /// An item of an array; negative counts from the end.
    Index(i64),
}

/// A path that yields at most one node. Two paths are equal if they mean the same, whatever their notation.
#[derive(Debug, Clone)]
pub struct Path {
    written: String,
    segments: Vec<Segment>,
}

/// The result of looking a path up in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<'v> {
    Node(&'v Value),
    /// The document has no such node.
    Absent,
    /// More than one node may be meant, or it is too much work to tell.
    Unknown(UnknownCause),
}

/// Why a lookup is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnknownCause {
    /// XML only: an element on the way is repeated and the path does not say which is meant.
    #[error("an element on the way is repeated")]
    Repeated,
    /// A filter leaves more than one.
    #[error("more than one node fits the filter")]
    Several,
    /// Its filters would have to look at more than they may.
    #[error("there is more in it than a filter looks at")]
    TooMuch,
}

/// A node on the way, and whether the last step to it was a name: in XML such an element is also a list of one.
#[derive(Debug, Clone, Copy)]
struct Spot<'v> {
    node: &'v Value,
    below_name: bool,
}

impl<'v> Spot<'v> {
    fn start(node: &'v Value) -> Self {
        Self { node, below_name: false }
    }
}

impl Step {
    fn is_name(&self) -> bool {
        matches!(self, Self::Name(_))
    }

    fn take<'v>(&self, spot: Spot<'v>, shape: Shape) -> Lookup<'v> {
        let child = match (self, spot.node) {
            (Self::Name(name), Value::Object(object)) => object.get(name),
            (Self::Name(_), Value::Array(_)) if shape == Shape::Xml => return Lookup::Unknown(UnknownCause::Repeated),
            (Self::Index(index), Value::Array(items)) => item(items, *index),
            (Self::Index(0 | -1), single) if shape == Shape::Xml && spot.below_name => Some(single),
            _ => None,
        };
        child.map_or(Lookup::Absent, Lookup::Node)
    }
}

impl Path {
    /// Reads a path: a bare one (`code`, `list[0].x`, `a."odd key"`) or, when it starts with `$`, an RFC 9535 query
    /// that yields one node, or filters for one.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        Ok(Self { written: text.to_owned(), segments: parse::segments(text)? })
    }

    /// The node in a document whose shape is JSON's own; `None` when there is none, or more than one.
    pub fn get<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        match self.look_up(document, Shape::Plain) {
            Lookup::Node(node) => Some(node),
            Lookup::Absent | Lookup::Unknown(_) => None,
        }
    }

    /// The same, to be changed; `None` of a path with filters, too.
    pub fn get_mut<'v>(&self, document: &'v mut Value) -> Option<&'v mut Value> {
        let mut node = document;
        for segment in &self.segments {
            node = match (segment, node) {
                (Segment::Step(Step::Name(name)), Value::Object(object)) => object.get_mut(name)?,
                (Segment::Step(Step::Index(index)), Value::Array(items)) => {
                    let at = usize::try_from(*index).ok();
                    let at = at.or_else(|| items.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?))?;
                    items.get_mut(at)?
                }
                _ => return None,
            };
        }
        Some(node)
    }

    /// The node in a document of `shape`. In XML `x[0]` of an element that is not repeated is the element itself, and
    /// `x.y` of a repeated `x` is unknown rather than absent: a rule must not read "no" out of "two".
    pub fn look_up<'v>(&self, document: &'v Value, shape: Shape) -> Lookup<'v> {
        self.look_up_counted(document, shape).0
    }

    /// As [`Path::look_up`], with the work of its filters, about the number of nodes they looked at. Without filters it
    /// is 0.
    pub fn look_up_counted<'v>(&self, document: &'v Value, shape: Shape) -> (Lookup<'v>, u64) {
        let mut spot = Spot::start(document);
        for (at, segment) in self.segments.iter().enumerate() {
            let Segment::Step(step) = segment else {
                let mut steps = Steps::default();
                let found = selected(&self.segments[at..], spot, shape, &mut steps);
                return (found.unwrap_or_else(Lookup::Unknown), steps.taken());
            };
            match step.take(spot, shape) {
                Lookup::Node(node) => spot = Spot { node, below_name: step.is_name() },
                other => return (other, 0),
            }
        }
        (Lookup::Node(spot.node), 0)
    }

    /// Puts `leaf` into `document` where this path leads, making objects and arrays on the way. False: it has a filter, counts from
    /// the end, or something else stands there already.
    pub fn plant(&self, document: &mut Value, leaf: Value) -> bool {
        let mut spot = document;
        for segment in &self.segments {
            let next = match segment {
                Segment::Step(Step::Name(name)) => {
                    if *spot == Value::Null {
                        *spot = Value::Object(super::Object::new());
                    }
                    let Value::Object(members) = spot else { return false };
                    members.entry(name.clone()).or_default()
                }
                // Beyond this nobody counts in a path.
                Segment::Step(Step::Index(index @ 0..64)) => {
                    if *spot == Value::Null {
                        *spot = Value::Array(Vec::new());
                    }
                    let (Value::Array(items), Ok(at)) = (spot, usize::try_from(*index)) else { return false };
                    if items.len() <= at {
                        items.resize(at + 1, Value::Null);
                    }
                    let Some(item) = items.get_mut(at) else { return false };
                    item
                }
                Segment::Step(Step::Index(_)) | Segment::Filter(_) => return false,
            };
            spot = next;
        }
        if *spot != Value::Null {
            return false;
        }
        *spot = leaf;
        true
    }

    /// Whether its way down a document of JSON's own shape leads to or through a node for which `is_unknown` holds, so that nobody
    /// can tell what it names. Of a path with filters that is never told.
    pub fn meets(&self, document: &Value, is_unknown: impl Fn(&Value) -> bool) -> bool {
        let mut spot = Spot::start(document);
        for segment in &self.segments {
            let Segment::Step(step) = segment else { return true };
            if is_unknown(spot.node) {
                return true;
            }
            match step.take(spot, Shape::Plain) {
                Lookup::Node(node) => spot = Spot { node, below_name: step.is_name() },
                Lookup::Absent | Lookup::Unknown(_) => return false,
            }
        }
        is_unknown(spot.node)
    }

    /// Whether it has filters.
    pub fn filters(&self) -> bool {
        self.segments.iter().any(|segment| matches!(segment, Segment::Filter(_)))
    }

    /// Whether it consists of filters that select any item, so that the existence of a node is no evidence.
    pub fn takes_anything(&self) -> bool {
        let anything = |segment: &Segment| matches!(segment, Segment::Filter(filter) if filter.takes_anything());
        !self.segments.is_empty() && self.segments.iter().all(anything)
    }

    /// Whether it may name the node that `other` names, or a node inside it. A filter may select any item, `[-1]` may
    /// be any index, and in XML `x[0]` may be `x`.
    pub fn may_be_within(&self, other: &Self) -> bool {
        use self::Step::{Index, Name};
        use Segment::{Filter, Step};
        let (mut mine, mut theirs) = (self.segments.iter().peekable(), other.segments.iter().peekable());
        loop {
            match (mine.peek(), theirs.peek()) {
                (Some(a), Some(b)) if a == b => {
                    mine.next();
                    theirs.next();
                }
                (_, None) | (Some(Filter(_)), _) | (Some(_), Some(Filter(_))) => return true,
                (Some(Step(Index(a))), Some(Step(Index(b)))) if (*a < 0) != (*b < 0) => {
                    mine.next();
                    theirs.next();
                }
                (Some(Step(Index(0 | -1))), Some(Step(Name(_)))) => drop(mine.next()),
                (Some(Step(Name(_))) | None, Some(Step(Index(0 | -1)))) => drop(theirs.next()),
                _ => return false,
            }
        }
    }
}

/// Looks up `segments`, the first of which is a filter.
fn selected<'v>(
    segments: &[Segment],
    start: Spot<'v>,
    shape: Shape,
    steps: &mut Steps,
) -> Result<Lookup<'v>, UnknownCause> {
    let mut spots = vec![start];
    for segment in segments {
        let mut next = Vec::new();
        for spot in spots {
            match segment {
                Segment::Filter(filter) => filter.select(spot, shape, steps, &mut next)?,
                Segment::Step(step) => {
                    steps.take(1)?;
                    match step.take(spot, shape) {
                        Lookup::Node(node) => next.push(Spot { node, below_name: step.is_name() }),
                        Lookup::Absent => {}
                        Lookup::Unknown(why) => return Err(why),
                    }
                }
            }
        }
        spots = next;
    }
    Ok(match spots[..] {
        [] => Lookup::Absent,
        [spot] => Lookup::Node(spot.node),
        _ => Lookup::Unknown(UnknownCause::Several),
    })
}

/// RFC 9535 section 2.3.3.2: `-1` is the last.
fn item(items: &[Value], index: i64) -> Option<&Value> {
    let at = match usize::try_from(index) {
        Ok(at) => at,
        Err(_) => items.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
    };
    items.get(at)
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.segments == other.segments
    }
}

impl Eq for Path {}

impl std::hash::Hash for Path {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // Equal paths have filters at the same positions, so the filters need not be hashed.
        for segment in &self.segments {
            match segment {
                Segment::Step(step) => step.hash(state),
                Segment::Filter(_) => '?'.hash(state),
            }
        }
    }
}

impl fmt::Display for Path {
    /// As it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests;
