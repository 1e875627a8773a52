//! Conditions: names, operators and operands compiled, and what a rule must not rest on (docs/contract.md section 4.2).

use super::names::Scope;
use super::text::template;
use super::{Check, source};
use crate::condition::{Condition, Leaf, Operand, Operator, Order, Test, ValueSource};
use crate::connector::Role;
use crate::connector::raw::{self, Constant, Rule, SourceKind, Text};
use crate::context::Variable;
use crate::diagnostic::{Mistakes, Span};
use crate::document::Value;
use crate::pattern::Pattern;
use crate::template::Place;

const FACTOR_WHEN: &str = "the `when` of a factor may read steps.* only: nothing that a user sends may skip it";

/// Statuses of HTTP (RFC 9110 section 15). 1xx never ends an exchange.
const STATUSES: std::ops::RangeInclusive<u32> = 200..=599;

/// Compiles a condition over a reply; `None` after a mistake.
pub(super) fn condition(
    check: &Check<'_>,
    raw: &raw::Condition,
    scope: Scope<'_>,
    mistakes: &mut Mistakes,
) -> Option<Condition> {
    let mut terms = |list: &[raw::Condition]| -> Option<Vec<Condition>> {
        // Every term is compiled before the list is given up, so that all mistakes are reported.
        let terms: Vec<Option<Condition>> = list.iter().map(|term| condition(check, term, scope, mistakes)).collect();
        terms.into_iter().collect()
    };
    Some(match &raw.rule {
        Rule::All(list) => Condition::All(terms(list)?),
        Rule::Any(list) => Condition::Any(terms(list)?),
        Rule::Not(term) => Condition::Not(Box::new(condition(check, term, scope, mistakes)?)),
        Rule::Status(codes) => status(codes, mistakes),
        Rule::Leaf(leaf) => self::leaf(check, leaf, scope, mistakes)?,
    })
}

/// Compiles a `when`: over variables only; on a factor over `steps.*` only, so that a user cannot skip it.
pub(super) fn when(
    check: &Check<'_>,
    raw: &raw::Condition,
    role: Role,
    scope: Scope<'_>,
    mistakes: &mut Mistakes,
) -> Option<Condition> {
    let compiled = condition(check, raw, scope, mistakes)?;
    for (leaf, _) in compiled.leaves() {
        let wrong = match &leaf.test {
            Test::Status(_) | Test::Compare(ValueSource::Reply(_) | ValueSource::Claim(_), _) => {
                "`when` is asked before the request: there is no reply to look at"
            }
            Test::Compare(ValueSource::Variable(variable), _)
                if role == Role::Factor && !matches!(variable, Variable::Step { .. }) =>
            {
                FACTOR_WHEN
            }
            Test::Compare(ValueSource::Constant(_) | ValueSource::FirstOf(_), _) if role == Role::Factor => FACTOR_WHEN,
            Test::Compare(_, operator)
                if role == Role::Factor && operator.variables().any(|v| !matches!(v, Variable::Step { .. })) =>
            {
                FACTOR_WHEN
            }
            Test::Compare(..) => continue,
        };
        let mistake = mistakes.error_at("when", &raw.place.span, wrong);
        mistakes.add(mistake.help("write { var: steps.login.outcome, equals: more }, for example"));
    }
    Some(compiled)
}

fn status(codes: &[raw::Spanned<u32>], mistakes: &mut Mistakes) -> Condition {
    let mut statuses = Vec::new();
    for code in codes {
        if STATUSES.contains(&code.value) {
            statuses.extend(u16::try_from(code.value));
        } else {
            let mistake = mistakes.error_at("bad-status", &code.span, "this is no status of a reply");
            mistakes.add(mistake.help("a final status is 200 to 599"));
        }
    }
    let text = match &statuses[..] {
        [one] => format!("status {one}"),
        many => format!("status in {many:?}"),
    };
    Condition::Leaf(Box::new(Leaf { test: Test::Status(statuses), text, literal: true }))
}

fn leaf(check: &Check<'_>, raw: &raw::Leaf, scope: Scope<'_>, mistakes: &mut Mistakes) -> Option<Condition> {
    if let SourceKind::FirstOf(_) = &raw.source.kind {
        let mistake = mistakes.error_at("list-in-rule", &raw.source.span, "a rule looks at one source");
        mistakes.add(mistake.help("write a leaf for each: any: [ { … }, { … } ]"));
    }
    let source = source::source(check, &raw.source, scope, mistakes);
    let found = operator(check, raw, scope, mistakes);
    let (operator, words, literal) = found?;
    let text = format!("{} {words}", source::written(&raw.source.kind));
    Some(Condition::Leaf(Box::new(Leaf { test: Test::Compare(source?, operator), text, literal })))
}

/// The operator, how a trace writes it, and whether its operand is literal.
fn operator(
    check: &Check<'_>,
    raw: &raw::Leaf,
    scope: Scope<'_>,
    mistakes: &mut Mistakes,
) -> Option<(Operator, String, bool)> {
    let mut one = |constant: &Constant, name: &str| {
        let operand = operand(check, constant, name, scope, mistakes);
        operand.map(|operand| (matches!(operand, Operand::Literal(_)), operand))
    };
    let ordered = |order: Order, (literal, operand): (bool, Operand)| (Operator::Ordered(order, operand), literal);
    let (operator, words, literal) = match &raw.operator {
        raw::Operator::Equals(c) => {
            let (literal, operand) = one(c, "equals")?;
            (Operator::Equals(operand), format!("equals {}", shown(c)), literal)
        }
        raw::Operator::In(list) => {
            let operands: Vec<Option<(bool, Operand)>> = list.iter().map(|c| one(c, "in")).collect();
            let operands: Vec<(bool, Operand)> = operands.into_iter().collect::<Option<_>>()?;
            let literal = operands.iter().all(|(literal, _)| *literal);
            let words = list.iter().map(shown).collect::<Vec<_>>().join(", ");
            (Operator::In(operands.into_iter().map(|(_, o)| o).collect()), format!("in [{words}]"), literal)
        }
        raw::Operator::Contains(c) => {
            let (literal, operand) = one(c, "contains")?;
            (Operator::Contains(operand), format!("contains {}", shown(c)), literal)
        }
        raw::Operator::StartsWith(c) => {
            let (literal, operand) = one(c, "starts_with")?;
            (Operator::StartsWith(operand), format!("starts with {}", shown(c)), literal)
        }
        raw::Operator::Matches(text) => {
            let regex = matches(check, text, mistakes)?;
            (Operator::Matches(regex), format!("matches /{}/", text.text), true)
        }
        raw::Operator::Exists(wanted) => {
            let words = if *wanted { "exists" } else { "does not exist" };
            (Operator::Exists(*wanted), words.to_owned(), true)
        }
        raw::Operator::HasValue(wanted) => {
            let words = if *wanted { "has a value" } else { "has no value" };
            (Operator::HasValue(*wanted), words.to_owned(), true)
        }
        raw::Operator::Gt(c) => with_order(ordered(Order::Greater, one(c, "gt")?), ">", c),
        raw::Operator::Ge(c) => with_order(ordered(Order::GreaterOrEqual, one(c, "ge")?), ">=", c),
        raw::Operator::Lt(c) => with_order(ordered(Order::Less, one(c, "lt")?), "<", c),
        raw::Operator::Le(c) => with_order(ordered(Order::LessOrEqual, one(c, "le")?), "<=", c),
    };
    Some((operator, words, literal))
}

fn with_order((operator, literal): (Operator, bool), sign: &str, c: &Constant) -> (Operator, String, bool) {
    (operator, format!("{sign} {}", shown(c)), literal)
}

/// How a trace writes a constant: as the file does.
fn shown(constant: &Constant) -> String {
    match constant {
        Constant::Null(_) => "null".to_owned(),
        Constant::Bool(flag) => flag.value.to_string(),
        Constant::Number(number) => number.value.as_str().to_owned(),
        Constant::Text(text) => format!("\"{}\"", text.text),
    }
}

fn matches(check: &Check<'_>, text: &Text, mistakes: &mut Mistakes) -> Option<Pattern> {
    if text.text.contains("{{") || text.text.contains("${") {
        let mistake = mistakes.error_at("hole-not-allowed", &text.span, "a regular expression takes no holes");
        mistakes.add(mistake.label("data must not choose what is matched").help("use equals, contains or starts_with"));
        return None;
    }
    check.patterns.compile(&text.text, &text.span, mistakes)
}

fn operand(
    check: &Check<'_>,
    constant: &Constant,
    operator: &str,
    scope: Scope<'_>,
    mistakes: &mut Mistakes,
) -> Option<Operand> {
    let text = match constant {
        Constant::Null(span) => return literal(Value::Null, operator, span, mistakes),
        Constant::Bool(flag) => return literal(Value::Bool(flag.value), operator, &flag.span, mistakes),
        Constant::Number(number) => return Some(Operand::Literal(Value::Number(number.value.clone()))),
        Constant::Text(text) => text,
    };
    let template = template(check, text, Place::Plain, scope, mistakes)?;
    if let Some(fixed) = template.as_literal() {
        return literal(Value::Text(fixed.into_owned()), operator, &text.span, mistakes);
    }
    if operator != "equals" {
        for hole in template.holes() {
            if let Some(variable) = hole.variables().find(|variable| variable.is_user_data()) {
                let message =
                    format!("`{variable}` is what a user sent: it may stand in `equals` only, not in `{operator}`");
                let mistake = mistakes.error_at("user-data-in-rule", &text.span_of(hole.range.clone()), message);
                mistakes
                    .add(mistake.label("a user could make this rule true").help("compare the whole value with equals"));
            }
        }
    }
    Some(Operand::Template(template))
}

/// A literal that the operator can be true of.
fn literal(value: Value, operator: &str, span: &Span, mistakes: &mut Mistakes) -> Option<Operand> {
    let (code, message, help) = match (operator, &value) {
        ("contains" | "starts_with", Value::Text(text)) if text.is_empty() => {
            ("empty-needle", format!("`{operator}` of an empty text is true of every text"), "write what is looked for")
        }
        ("contains" | "starts_with", Value::Null) => {
            ("bad-operand", format!("`{operator}` takes a text"), "write { exists: false } for a value that is missing")
        }
        ("gt" | "ge" | "lt" | "le", value) if !is_number(value) => {
            ("bad-operand", format!("`{operator}` compares numbers"), "write a number")
        }
        _ => return Some(Operand::Literal(value)),
    };
    mistakes.add(mistakes.error_at(code, span, message).help(help));
    None
}

fn is_number(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::Text(text) => crate::document::Decimal::parse(text).is_some(),
        _ => false,
    }
}

/// Whether any leaf reads the header Location, whose meaning depends on a 3xx status.
pub(super) fn location_leaf(raw: &raw::Condition) -> Option<&Span> {
    match &raw.rule {
        Rule::All(list) | Rule::Any(list) => list.iter().find_map(location_leaf),
        Rule::Not(term) => location_leaf(term),
        Rule::Leaf(leaf) => match &leaf.source.kind {
            SourceKind::Header { name, .. } if name.text.eq_ignore_ascii_case("location") => Some(&leaf.source.span),
            _ => None,
        },
        Rule::Status(_) => None,
    }
}
