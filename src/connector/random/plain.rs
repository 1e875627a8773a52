//! Rules and replies as the generator draws them, and what they are for the code that judges.

use http::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use proptest::prelude::*;

use crate::condition::{Condition, Leaf, Operand, Operator, RejectRow, StepRules, Test, ValueSource};
use crate::document::{Path, Value};
use crate::response::source::Source;
use crate::response::{Decoded, Decoding, decode};
use crate::verdict::{Otherwise, Reason};

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RuleTarget {
    A,
    B,
    Date,
    Token,
    Cookie,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    Equals(u64),
    Exists(bool),
    HasValue(bool),
}

#[derive(Debug, Clone)]
pub(super) enum Plain {
    All(Vec<Plain>),
    Any(Vec<Plain>),
    Not(Box<Plain>),
    Status(Vec<u16>),
    Leaf(RuleTarget, Asks),
}

#[derive(Debug, Clone)]
pub(super) struct PlainRules {
    pub reject: Option<Plain>,
    pub unavailable: Option<Plain>,
    pub more: Option<Plain>,
    pub success: Plain,
    /// The file says what the body is.
    pub declared: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldState {
    Missing,
    Null,
    Empty,
    Blank,
    Zero,
    One,
    False,
    FalseText,
    List,
    Object,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Body {
    Json { a: FieldState, b: FieldState },
    Page,
    Broken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cookie {
    None,
    One,
    Empty,
    Deleted,
    Foreign,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub status: u16,
    pub body: Body,
    pub date: bool,
    pub token: Option<u64>,
    pub cookie: Cookie,
}

fn status() -> impl Strategy<Value = u16> {
    prop_oneof![8 => Just(200), 2 => Just(204), 4 => Just(302), 4 => Just(401), 1 => Just(403), 2 => Just(500)]
}

/// A rule of a few levels.
pub(super) fn rule() -> impl Strategy<Value = Plain> {
    let place = prop_oneof![4 => Just(RuleTarget::A), 4 => Just(RuleTarget::B), 1 => Just(RuleTarget::Date), 2 => Just(RuleTarget::Token), 2 => Just(RuleTarget::Cookie)];
    let asks = prop_oneof![
        6 => (0u64..2).prop_map(Asks::Equals),
        2 => any::<bool>().prop_map(Asks::Exists),
        2 => any::<bool>().prop_map(Asks::HasValue),
    ];
    let leaf = prop_oneof![
        5 => (place, asks).prop_map(|(place, asks)| Plain::Leaf(place, asks)),
        2 => prop::collection::vec(status(), 1..3).prop_map(Plain::Status),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let list = || prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            3 => list().prop_map(Plain::All),
            3 => list().prop_map(Plain::Any),
            2 => inner.clone().prop_map(|term| Plain::Not(Box::new(term))),
        ]
    })
}

pub(super) fn rules() -> impl Strategy<Value = PlainRules> {
    let maybe = || prop::option::weighted(0.3, rule());
    (maybe(), maybe(), maybe(), rule(), any::<bool>()).prop_map(|(reject, unavailable, more, success, declared)| {
        PlainRules { reject, unavailable, more, success, declared }
    })
}

pub(super) fn answer() -> impl Strategy<Value = Answer> {
    use FieldState::{Blank, Empty, False, FalseText, List, Missing, Null, Object, One, Zero};
    let says = || {
        let odd = prop::sample::select(vec![Null, Empty, Blank, False, FalseText, List, Object]);
        prop_oneof![5 => Just(One), 4 => Just(Zero), 2 => Just(Missing), 3 => odd]
    };
    let body = prop_oneof![
        10 => (says(), says()).prop_map(|(a, b)| Body::Json { a, b }),
        1 => Just(Body::Page),
        1 => Just(Body::Broken),
    ];
    let cookie = prop::sample::select(vec![Cookie::None, Cookie::One, Cookie::Empty, Cookie::Deleted, Cookie::Foreign]);
    (status(), body, any::<bool>(), prop::option::of(0u64..2), cookie)
        .prop_map(|(status, body, date, token, cookie)| Answer { status, body, date, token, cookie })
}

impl Plain {
    pub(super) fn compile(&self) -> Condition {
        let all = |terms: &[Plain]| terms.iter().map(Plain::compile).collect();
        let test = match self {
            Self::All(terms) => return Condition::All(all(terms)),
            Self::Any(terms) => return Condition::Any(all(terms)),
            Self::Not(term) => return Condition::Not(Box::new(term.compile())),
            Self::Status(codes) => Test::Status(codes.clone()),
            Self::Leaf(place, asks) => Test::Compare(ValueSource::Reply(place.source()), asks.operator()),
        };
        Condition::Leaf(Box::new(Leaf { test, text: format!("{self:?}"), literal: true }))
    }
}

impl RuleTarget {
    fn source(self) -> Source {
        match self {
            Self::A | Self::B => Source::Field(Path::parse(if self == Self::A { "a" } else { "b" }).unwrap()),
            Self::Date => Source::Header { name: DATE, query: None },
            Self::Token => Source::Header { name: HeaderName::from_static("x-token"), query: None },
            Self::Cookie => Source::Cookie("sid".to_owned()),
        }
    }
}

impl Asks {
    fn operator(self) -> Operator {
        match self {
            Self::Equals(number) => Operator::Equals(Operand::Literal(Value::from(number))),
            Self::Exists(wanted) => Operator::Exists(wanted),
            Self::HasValue(wanted) => Operator::HasValue(wanted),
        }
    }
}

impl PlainRules {
    pub(super) fn compile(&self) -> StepRules {
        let row = |plain: &Plain| RejectRow { when: plain.compile(), reason: Reason::AccountLocked, message: None };
        StepRules {
            reject: self.reject.iter().map(row).collect(),
            unavailable: self.unavailable.as_ref().map(Plain::compile),
            more: self.more.as_ref().map(Plain::compile),
            pending: None,
            success: Some(self.success.compile()),
            otherwise: Otherwise::Reject(Reason::InvalidCredentials),
            declared: self.declared,
        }
    }
}

impl FieldState {
    fn json(self, name: &str) -> Option<String> {
        let value = match self {
            Self::Missing => return None,
            Self::Null => "null",
            Self::Empty => "\"\"",
            Self::Blank => "\" \"",
            Self::Zero => "0",
            Self::One => "1",
            Self::False => "false",
            Self::FalseText => "\"false\"",
            Self::List => "[]",
            Self::Object => "{\"x\":1}",
        };
        Some(format!("\"{name}\":{value}"))
    }
}

impl Answer {
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type()));
        if self.date {
            headers.insert(DATE, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
        }
        if let Some(token) = self.token {
            headers.insert("x-token", HeaderValue::from(token));
        }
        let cookie = match self.cookie {
            Cookie::None => return headers,
            Cookie::One => "sid=1",
            Cookie::Empty => "sid=",
            Cookie::Deleted => "sid=1; Max-Age=0",
            Cookie::Foreign => "sid=1; Domain=evil.example.net",
        };
        headers.insert(SET_COOKIE, HeaderValue::from_static(cookie));
        headers
    }

    pub(super) fn decode(&self) -> Decoded {
        let body = match self.body {
            Body::Json { a, b } => {
                format!("{{{}}}", [a.json("a"), b.json("b")].into_iter().flatten().collect::<Vec<_>>().join(","))
            }
            Body::Page => "<html><title>Sign in</title></html>".to_owned(),
            Body::Broken => "{\"a\":1,\"b\":".to_owned(),
        };
        decode(&Decoding::default(), Some(self.content_type()), body.as_bytes())
    }

    fn content_type(&self) -> &'static str {
        if matches!(self.body, Body::Page) { "text/html" } else { "application/json" }
    }
}
