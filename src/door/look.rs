//! What a console makes of a reply: conditions over a reply that is wholly known, or known but for holes.
//!
//! A hole is any text. A comparison that some text would make true and another one false is unknown, so only what holds for
//! every text is definite.

use http::{HeaderMap, HeaderName};

use super::raw::look::{BodyLook, NameInUse, OnTrouble, StatusClass};
use crate::document::{Path, Value, from_json};
use crate::request::ReplyParts;
use crate::template::{SOME_TEXT, UNKNOWN_TEXT, UNKNOWN_VALUE};
use crate::verdict::Truth;
use std::time::Duration;

/// A reading: what a console looks at, and what it takes it for.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Its name, or `this console`.
    pub name: String,
    /// Whose name the console uses.
    pub who: NameInUse,
    /// How long the console waits.
    pub timeout: Duration,
    /// How it reads the body.
    pub body: BodyLook,
    /// It lets the user in.
    pub accepts: Look,
    /// It refuses the user.
    pub refuses: Look,
    /// It asks for more.
    pub asks: Option<Look>,
    /// It takes the authentication server for broken.
    pub trouble: Option<Look>,
    /// What it does then.
    pub on_trouble: OnTrouble,
    /// Parts that give rights.
    pub literal_or_table: Vec<String>,
    /// Where this is seen.
    pub source: Option<String>,
    /// What was asked for real.
    pub shown: Option<String>,
}

/// A condition over a reply.
#[derive(Debug, Clone)]
pub enum Look {
    /// Every term holds.
    All(Vec<Look>),
    /// One term holds at least.
    Any(Vec<Look>),
    /// The term does not hold.
    Not(Box<Look>),
    /// The status is of one of these classes.
    Status(Vec<StatusClass>),
    /// Whether the body is empty.
    Empty(bool),
    /// A header compared.
    Header(HeaderName, LookTest),
    /// A field of the body compared.
    Field(Path, LookTest),
}

/// A comparison.
#[derive(Debug, Clone)]
pub struct LookTest {
    /// What is asked.
    pub asks: LookOperator,
    /// Without the case of ASCII letters.
    pub ignore_case: bool,
}

/// What is asked of a value.
#[derive(Debug, Clone)]
pub enum LookOperator {
    /// It is one of these.
    In(Vec<Value>),
    /// It begins with this.
    StartsWith(String),
    /// This is a part of it.
    Contains(String),
    /// Whether it is there.
    Exists(bool),
}

/// A reply as a console sees it.
pub struct SeenReply {
    status: u16,
    headers: HeaderMap,
    /// `None`: the console cannot read the body.
    document: Option<Value>,
    is_empty: bool,
    /// Holes are marked in it.
    marked: bool,
}

impl SeenReply {
    /// The reply as `reading` reads it. `marked`: holes stand in it as [`UNKNOWN_TEXT`] and [`UNKNOWN_VALUE`]; in a reply that is sent
    /// these are characters like others.
    pub fn new(status: u16, parts: &ReplyParts, reading: &Reading, marked: bool) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in &parts.headers {
            headers.append(name.clone(), value.clone());
        }
        let is_empty = parts.body.is_empty();
        let document = match reading.body {
            _ if is_empty => Some(Value::Object(crate::document::Object::new())),
            BodyLook::Json => from_json(&parts.body).ok(),
            BodyLook::Text => {
                let text = str::from_utf8(&parts.body).ok();
                text.map(|text| Value::from_iter([("text".to_owned(), Value::from(text))]))
            }
        };
        Self { status, headers, document, is_empty, marked }
    }
}

/// What the four conditions of a reading say of one reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// Whether it lets the user in.
    pub accepts: Truth,
    /// Whether it refuses.
    pub refuses: Truth,
    /// Whether it asks for more.
    pub asks: Truth,
    /// Whether it takes the server for broken.
    pub trouble: Truth,
}

/// What a console does with a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsoleAnswer {
    /// It lets the user in.
    Accepts,
    /// It refuses, also because of trouble.
    Refuses,
    /// It asks for more.
    Asks,
    /// It takes the server for broken and does something else than refuse.
    LeavesOpen,
    /// Its source does not say, or it depends on what a hole holds.
    Unsure,
}

impl Reading {
    /// What the conditions say.
    pub fn judge(&self, reply: &SeenReply) -> Judged {
        let optional = |look: &Option<Look>| look.as_ref().map_or(Truth::False, |look| look.holds(reply));
        Judged {
            accepts: self.accepts.holds(reply),
            refuses: self.refuses.holds(reply),
            asks: optional(&self.asks),
            trouble: optional(&self.trouble),
        }
    }

    /// What the console does; only definite answers count.
    pub fn answer(&self, judged: Judged) -> ConsoleAnswer {
        let Judged { accepts, refuses, asks, trouble } = judged;
        let trouble_refuses = self.on_trouble == OnTrouble::Refuses;
        match (accepts, asks) {
            (Truth::True, Truth::False) if refuses == Truth::False && trouble == Truth::False => ConsoleAnswer::Accepts,
            (Truth::False, Truth::True) if refuses == Truth::False && trouble == Truth::False => ConsoleAnswer::Asks,
            // Whether it is a refusal or trouble does not matter where both refuse.
            (Truth::False, Truth::False) => match (refuses, trouble) {
                (Truth::True, Truth::False) => ConsoleAnswer::Refuses,
                (Truth::True, _) | (_, Truth::True) if trouble_refuses => ConsoleAnswer::Refuses,
                (_, Truth::True) => ConsoleAnswer::LeavesOpen,
                _ => ConsoleAnswer::Unsure,
            },
            _ => ConsoleAnswer::Unsure,
        }
    }
}

impl Look {
    /// What it says of `reply`. A part that a readable reply lacks is not there: the console reads the same bytes.
    pub fn holds(&self, reply: &SeenReply) -> Truth {
        match self {
            Self::All(terms) => Truth::all(terms.iter().map(|term| term.holds(reply))),
            Self::Any(terms) => Truth::any(terms.iter().map(|term| term.holds(reply))),
            Self::Not(term) => !term.holds(reply),
            Self::Status(classes) => classes.iter().any(|it| (it.from..=it.to).contains(&reply.status)).into(),
            Self::Empty(wanted) => (reply.is_empty == *wanted).into(),
            Self::Header(name, test) => {
                let mut values = reply.headers.get_all(name).iter();
                match (values.next(), values.next()) {
                    (None, _) => test.absent(),
                    (Some(value), None) => match str::from_utf8(value.as_bytes()) {
                        Ok(text) => test.holds(&Value::from(text), reply.marked),
                        Err(_) => Truth::Unknown,
                    },
                    _ => Truth::Unknown,
                }
            }
            Self::Field(path, test) => {
                let Some(document) = &reply.document else { return Truth::Unknown };
                if reply.marked && path.meets(document, is_unknown_value) {
                    return Truth::Unknown;
                }
                path.get(document).map_or_else(|| test.absent(), |value| test.holds(value, reply.marked))
            }
        }
    }
}

fn is_unknown_value(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.contains(UNKNOWN_VALUE))
}

impl LookTest {
    fn absent(&self) -> Truth {
        matches!(self.asks, LookOperator::Exists(false)).into()
    }

    fn holds(&self, value: &Value, marked: bool) -> Truth {
        let fold = |text: &str| if self.ignore_case { text.to_ascii_lowercase() } else { text.to_owned() };
        if let (true, Value::Text(text)) = (marked, value)
            && text.contains([UNKNOWN_TEXT, SOME_TEXT])
        {
            return self.holds_of(&MarkedText::of(&fold(text)), fold);
        }
        match &self.asks {
            LookOperator::Exists(wanted) => {
                let there = *value != Value::Null && value.scalar_text() != Some("");
                (there == *wanted).into()
            }
            LookOperator::In(operands) => operands.iter().any(|operand| same(value, operand, fold)).into(),
            LookOperator::StartsWith(start) => {
                value.scalar_text().is_some_and(|text| fold(text).starts_with(&fold(start))).into()
            }
            LookOperator::Contains(part) => {
                value.scalar_text().is_some_and(|text| fold(text).contains(&fold(part))).into()
            }
        }
    }

    fn holds_of(&self, text: &MarkedText<'_>, fold: impl Fn(&str) -> String + Copy) -> Truth {
        match &self.asks {
            LookOperator::Exists(wanted) if text.is_something() => (*wanted).into(),
            LookOperator::Exists(_) => Truth::Unknown,
            LookOperator::In(operands) => Truth::any(operands.iter().map(|operand| match operand.scalar_text() {
                Some(operand) if text.may_be(&fold(operand)) => Truth::Unknown,
                _ => Truth::False,
            })),
            LookOperator::StartsWith(start) => text.starts_with(&fold(start)),
            LookOperator::Contains(part) => text.contains(&fold(part)),
        }
    }
}

/// Numbers by their value, all else by its text.
fn same(value: &Value, operand: &Value, fold: impl Fn(&str) -> String) -> bool {
    match (value, operand) {
        (Value::Number(a), Value::Number(b)) => a.is_equal_to(b),
        (Value::Null, Value::Null) => true,
        _ => match (value.scalar_text(), operand.scalar_text()) {
            (Some(a), Some(b)) => fold(a) == fold(b),
            _ => false,
        },
    }
}

/// A text with holes: what stands before the first, between them and behind the last.
struct MarkedText<'t> {
    literals: Vec<&'t str>,
    /// One of the holes is never empty.
    some: bool,
}

impl<'t> MarkedText<'t> {
    fn of(text: &'t str) -> Self {
        Self { literals: text.split([UNKNOWN_TEXT, SOME_TEXT]).collect(), some: text.contains(SOME_TEXT) }
    }

    fn is_something(&self) -> bool {
        self.some || self.literals.iter().any(|literal| !literal.is_empty())
    }

    fn may_be(&self, whole: &str) -> bool {
        let (first, last) = (self.literals[0], self.literals[self.literals.len() - 1]);
        let length: usize = self.literals.iter().map(|literal| literal.len()).sum();
        whole.len() >= length && whole.starts_with(first) && whole.ends_with(last)
    }

    fn starts_with(&self, start: &str) -> Truth {
        match self.literals[0] {
            first if first.starts_with(start) => Truth::True,
            first if start.starts_with(first) => Truth::Unknown,
            _ => Truth::False,
        }
    }

    fn contains(&self, part: &str) -> Truth {
        if self.literals.iter().any(|literal| literal.contains(part)) { Truth::True } else { Truth::Unknown }
    }
}
