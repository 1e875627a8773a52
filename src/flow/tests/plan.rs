//! A connector as the generator draws it: steps, and what the upstream replies to each.

use proptest::prelude::*;

/// What a reply says about one field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum CannedReply {
    Nothing,
    Null,
    Empty,
    Object,
    No,
    Yes,
}

impl CannedReply {
    pub(super) fn json(self, name: &str) -> Option<String> {
        let value = match self {
            Self::Nothing => return None,
            Self::Null => "null",
            Self::Empty => "\"\"",
            Self::Object => "{}",
            Self::No => "0",
            Self::Yes => "1",
        };
        Some(format!("\"{name}\":{value}"))
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Body {
    Json { reject: CannedReply, more: CannedReply, success: CannedReply },
    Html,
    Nothing,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct PlannedReply {
    pub status: u16,
    pub body: Body,
    pub fails: bool,
}

#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is one choice that the generator draws")]
pub(super) struct PlannedStep {
    pub factor: bool,
    /// Earlier step (index modulo what is there) whose outcome must be this word.
    pub when: Option<(usize, &'static str)>,
    pub rejects: bool,
    pub mores: bool,
    /// `not: { field: reject, equals: 1 }` beside the success, as a careless author writes.
    pub negated: bool,
    /// Another way through the success names 302: `any: [ { all: [ { status: 302 }, … ] }, … ]`.
    pub named: bool,
    /// `format: json`.
    pub declared: bool,
    /// A pause before it, with one attempt and always the same answer: what the reply says decides as it does without.
    pub asks: bool,
    pub reply: PlannedReply,
}

fn says() -> impl Strategy<Value = CannedReply> {
    use CannedReply::{Empty, No, Nothing, Null, Object, Yes};
    prop_oneof![
        4 => Just(Yes), 3 => Just(No), 2 => Just(Nothing), 1 => Just(Null), 1 => Just(Empty), 1 => Just(Object)
    ]
}

pub(super) fn planned_step() -> impl Strategy<Value = PlannedStep> {
    let body = prop_oneof![
        8 => (says(), says(), says()).prop_map(|(reject, more, success)| Body::Json { reject, more, success }),
        1 => Just(Body::Html),
        1 => Just(Body::Nothing),
    ];
    let status = prop_oneof![8 => Just(200), 1 => Just(401), 1 => Just(500), 1 => Just(302)];
    let reply = (status, body, prop::bool::weighted(0.05)).prop_map(|(status, body, fails)| PlannedReply {
        status,
        body,
        fails,
    });
    let word = prop_oneof![Just("success"), Just("more"), Just("skipped")];
    let when = prop::option::weighted(0.4, (0usize..4, word));
    let asks = prop::bool::weighted(0.3);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (any::<bool>(), when, any::<bool>(), prop::bool::weighted(0.4), flags, asks, reply).prop_map(
        |(factor, when, rejects, mores, (negated, named, declared), asks, reply)| PlannedStep {
            factor,
            when,
            rejects,
            mores,
            negated,
            named,
            declared,
            asks,
            reply,
        },
    )
}

/// One step that a right password satisfies.
pub(super) fn yes(factor: bool) -> PlannedStep {
    let body = Body::Json { reject: CannedReply::Nothing, more: CannedReply::Nothing, success: CannedReply::Yes };
    let reply = PlannedReply { status: 200, body, fails: false };
    PlannedStep {
        factor,
        when: None,
        rejects: false,
        mores: false,
        negated: false,
        named: false,
        declared: false,
        asks: false,
        reply,
    }
}

pub(super) fn with_body(body: Body) -> PlannedStep {
    let step = yes(true);
    PlannedStep { reply: PlannedReply { body, ..step.reply }, ..step }
}
