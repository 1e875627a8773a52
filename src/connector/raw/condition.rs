//! Conditions: trees of `all`, `any`, `not` over leaves, a source with an operator or a status.

use schemars::{Schema, SchemaGenerator};

use crate::diagnostic::{Diagnostics, Span};
use crate::yaml::{Node, NodeValue};

use super::read::{FromNode, Keyed, Keys, MapReader, MapSpans, read_keyed, schema_of_keys};
use super::record::{definition, keys};
use super::scalar::{Constant, Spanned, Text};
use super::shape::{NonEmpty, OneOrMany};
use super::source::{MAIN, Source};
use super::union::one_required;

/// A condition and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What it says.
    pub rule: Rule,
    /// Where it and its keys stand.
    pub place: MapSpans,
}

/// What a condition says.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// Every one holds; never empty.
    All(Vec<Condition>),
    /// At least one holds; never empty.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// The reply has one of these statuses.
    Status(Vec<Spanned<u32>>),
    /// A source and what is asked of it.
    Leaf(Box<Leaf>),
}

/// A source and what is asked of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// Where the value comes from.
    pub source: Source,
    /// What is asked of it.
    pub operator: Operator,
    /// Where the operator's key stands.
    pub operator_span: Span,
}

/// What is asked of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Operator {
    /// It is this.
    Equals(Constant),
    /// It is one of these; never empty.
    In(Vec<Constant>),
    /// This is a part of it.
    Contains(Constant),
    /// It begins with this.
    StartsWith(Constant),
    /// The regular expression finds something in it.
    Matches(Text),
    /// It is there (or not): present, not null, not "".
    Exists(bool),
    /// It is there and says something (or not): not blank, "false", 0, `false` or empty.
    HasValue(bool),
    /// It is greater.
    Gt(Constant),
    /// It is greater or the same.
    Ge(Constant),
    /// It is less.
    Lt(Constant),
    /// It is less or the same.
    Le(Constant),
}

keys! {
    /// The keys of operators as they are written.
    pub struct OperatorKeys as "a condition" {
        /// The value is this: exact decimals when both are numbers, else text. The value may hold holes.
        equals: Option<Constant>,
        /// The value is one of these.
        r#in: Option<NonEmpty<Constant>>,
        /// This is a part of the value.
        contains: Option<Constant>,
        /// The value begins with this.
        starts_with: Option<Constant>,
        /// A regular expression that finds something in the value; no holes.
        matches: Option<Text>,
        /// Whether the value is there: present, not null and not "".
        exists: Option<bool>,
        /// Whether the value is there and says something: a text that is not blank, "false" or "0", a number but 0, true, a list or
        /// object with something in it.
        has_value: Option<bool>,
        /// The value is a number greater than this.
        gt: Option<Constant>,
        /// The value is a number greater than this or the same.
        ge: Option<Constant>,
        /// The value is a number less than this.
        lt: Option<Constant>,
        /// The value is a number less than this or the same.
        le: Option<Constant>,
    }
}

keys! {
    /// The keys of trees as they are written.
    pub struct TreeKeys as "a condition" {
        /// Every one of these holds.
        all: Option<NonEmpty<Condition>>,
        /// At least one of these holds.
        any: Option<NonEmpty<Condition>>,
        /// This does not hold.
        not: Option<Box<Condition>>,
        /// The HTTP status of the reply is this, or one of these.
        status: Option<OneOrMany<Spanned<u32>>>,
    }
}

const TREES: [&str; 4] = ["all", "any", "not", "status"];
const OPERATORS: [&str; 11] =
    ["equals", "in", "contains", "starts_with", "matches", "exists", "has_value", "gt", "ge", "lt", "le"];

impl Keyed for Condition {
    const WHAT: &'static str = "a condition";

    fn take_keys(map: &mut MapReader<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let place = map.place();
        if place.first_key().is_none() {
            let mistake = diagnostics.error_at("missing-key", &place.span, "a condition is empty").label("no keys");
            diagnostics.add(mistake.help("write one, such as { field: code, equals: 200 }"));
            return None;
        }
        let written: Vec<&str> = TREES.into_iter().filter(|key| place.written(key).is_some()).collect();
        match written[..] {
            [] => {
                // So that "did you mean" knows these keys too.
                map.knows(&TREES);
                leaf(map, diagnostics).map(|leaf| Self { rule: Rule::Leaf(Box::new(leaf)), place })
            }
            [_] => TreeKeys::take_keys(map, diagnostics).and_then(tree).map(|rule| Self { rule, place }),
            [first, second, ..] => {
                let message = format!("a condition takes one of `{first}` and `{second}`, not both");
                let mistake = diagnostics.error_at("too-many-keys", place.key(second), message).label("a second rule");
                diagnostics.add(mistake.help("put both into a list: all: [ { … }, { … } ]"));
                // Read for their own mistakes and so that none of the keys counts as unknown.
                TreeKeys::take_keys(map, diagnostics);
                None
            }
        }
    }

    fn describe_keys(object: &mut Keys, generator: &mut SchemaGenerator) {
        TreeKeys::describe_keys(object, generator);
        Source::describe_keys(object, generator);
        OperatorKeys::describe_keys(object, generator);
        let rules = [one_required(&[&TREES[..], &MAIN].concat()), one_required(&[&TREES[..], &OPERATORS].concat())];
        object.more.insert("allOf".into(), rules.into_iter().collect());
    }
}

fn tree(keys: TreeKeys) -> Option<Rule> {
    Some(match keys {
        TreeKeys { all: Some(list), .. } => Rule::All(list.0),
        TreeKeys { any: Some(list), .. } => Rule::Any(list.0),
        TreeKeys { not: Some(one), .. } => Rule::Not(one),
        TreeKeys { status: Some(codes), .. } => Rule::Status(codes.0),
        _ => return None,
    })
}

fn leaf(map: &mut MapReader<'_>, diagnostics: &mut Diagnostics) -> Option<Leaf> {
    let source = Source::take_keys(map, diagnostics);
    let before = diagnostics.count();
    let keys = OperatorKeys::take_keys(map, diagnostics);
    let place = map.place();
    let written: Vec<&str> = OPERATORS.into_iter().filter(|key| place.written(key).is_some()).collect();
    let [operator] = written[..] else {
        if diagnostics.count() == before && source.is_some() {
            not_one_operator(map, &place, &written, diagnostics);
        }
        return None;
    };
    let operator_span = place.key(operator).clone();
    Some(Leaf { source: source?, operator: operator_of(keys?)?, operator_span })
}

fn operator_of(keys: OperatorKeys) -> Option<Operator> {
    Some(match keys {
        OperatorKeys { equals: Some(value), .. } => Operator::Equals(value),
        OperatorKeys { r#in: Some(list), .. } => Operator::In(list.0),
        OperatorKeys { contains: Some(value), .. } => Operator::Contains(value),
        OperatorKeys { starts_with: Some(value), .. } => Operator::StartsWith(value),
        OperatorKeys { matches: Some(pattern), .. } => Operator::Matches(pattern),
        OperatorKeys { exists: Some(flag), .. } => Operator::Exists(flag),
        OperatorKeys { has_value: Some(flag), .. } => Operator::HasValue(flag),
        OperatorKeys { gt: Some(value), .. } => Operator::Gt(value),
        OperatorKeys { ge: Some(value), .. } => Operator::Ge(value),
        OperatorKeys { lt: Some(value), .. } => Operator::Lt(value),
        OperatorKeys { le: Some(value), .. } => Operator::Le(value),
        _ => return None,
    })
}

/// Notes that there is no operator, or more than one.
fn not_one_operator(map: &mut MapReader<'_>, place: &MapSpans, written: &[&str], diagnostics: &mut Diagnostics) {
    if let [first, second, ..] = written {
        let message = format!("a condition takes one of `{first}` and `{second}`, not both");
        let mistake = diagnostics.error_at("too-many-keys", place.key(second), message).label("a second operator");
        diagnostics.add(mistake.help("write two conditions: all: [ { … }, { … } ]"));
        return;
    }
    let message = "the condition names a source but asks nothing of it";
    let mistake = diagnostics.error_at("missing-operator", map.head(), message).label("no operator");
    map.lack(mistake.help(format!("add one of: {}", OPERATORS.join(" "))), &OPERATORS);
}

impl FromNode for Condition {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        if matches!(node.value, NodeValue::List(_)) {
            let mistake = diagnostics
                .error_at("wrong-kind", &node.span, "expected a condition, found a list")
                .label("a list does not say whether all or any must hold");
            diagnostics.add(mistake.help("write all: [ … ] or any: [ … ]"));
            return None;
        }
        read_keyed(node, diagnostics)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }
}

definition! {
    Condition: |generator| schema_of_keys::<Condition>(
        "A condition: all, any or not over conditions, or a status, or a source with one operator.", generator,
    )
}
