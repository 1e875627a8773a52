//! Conditions: names, operators and operands compiled, and what a rule must not rest on (docs/contract.md section 4.2).

use super::names::Scope;
use super::text::template;
use super::{Check, source};
use crate::condition::{Condition, Leaf, Operand, Operator, Order, Test, ValueSource};
use crate::connector::Role;
use crate::connector::raw::{self, Constant, Rule, SourceKind, Text};
use crate::context::Variable;
use crate::diagnostic::{Diagnostics, Span};
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
    diagnostics: &mut Diagnostics,
) -> Option<Condition> {
    let mut terms = |list: &[raw::Condition]| -> Option<Vec<Condition>> {
        // Every term is compiled before the list is given up, so that all mistakes are reported.
        let terms: Vec<Option<Condition>> =
            list.iter().map(|term| condition(check, term, scope, diagnostics)).collect();
        terms.into_iter().collect()
    };
    Some(match &raw.rule {
        Rule::All(list) => Condition::All(terms(list)?),
        Rule::Any(list) => Condition::Any(terms(list)?),
        Rule::Not(term) => Condition::Not(Box::new(condition(check, term, scope, diagnostics)?)),
        Rule::Status(codes) => status(codes, diagnostics),
        Rule::Leaf(leaf) => self::leaf(check, leaf, scope, diagnostics)?,
    })
}

/// Compiles a `when`: over variables only; on a factor over `steps.*` only, so that a user cannot skip it.
pub(super) fn when(
    check: &Check<'_>,
    raw: &raw::Condition,
    role: Role,
    scope: Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Condition> {
    let compiled = condition(check, raw, scope, diagnostics)?;
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
        let mistake = diagnostics.error_at("when", &raw.place.span, wrong);
        diagnostics.add(mistake.help("write { var: steps.login.outcome, equals: more }, for example"));
    }
    Some(compiled)
}

fn status(codes: &[raw::Spanned<u32>], diagnostics: &mut Diagnostics) -> Condition {
    let mut statuses = Vec::new();
    for code in codes {
        if STATUSES.contains(&code.value) {
            statuses.extend(u16::try_from(code.value));
        } else {
            let mistake = diagnostics.error_at("bad-status", &code.span, "this is no status of a reply");
            diagnostics.add(mistake.help("a final status is 200 to 599"));
        }
    }
    let text = match &statuses[..] {
        [one] => format!("status {one}"),
        many => format!("status in {many:?}"),
    };
    Condition::Leaf(Box::new(Leaf { test: Test::Status(statuses), text, literal: true }))
}

fn leaf(check: &Check<'_>, raw: &raw::Leaf, scope: Scope<'_>, diagnostics: &mut Diagnostics) -> Option<Condition> {
    if let SourceKind::FirstOf(_) = &raw.source.kind {
        let mistake = diagnostics.error_at("list-in-rule", &raw.source.span, "a rule looks at one source");
        diagnostics.add(mistake.help("write a leaf for each: any: [ { … }, { … } ]"));
    }
    let source = source::source(check, &raw.source, scope, diagnostics);
    let found = operator(check, raw, scope, diagnostics);
    let Compared { operator, text, literal } = found?;
    let text = format!("{} {text}", source::written(&raw.source.kind));
    Some(Condition::Leaf(Box::new(Leaf { test: Test::Compare(source?, operator), text, literal })))
}

/// A compiled operator.
struct Compared {
    operator: Operator,
    /// As a trace writes it.
    text: String,
    /// Whether its operand is literal.
    literal: bool,
}

impl Compared {
    fn with(operand: Operand, operator: impl FnOnce(Operand) -> Operator, sign: &str, constant: &Constant) -> Self {
        let literal = matches!(operand, Operand::Literal(_));
        Self { operator: operator(operand), text: format!("{sign} {}", shown(constant)), literal }
    }

    fn without_operand(operator: Operator, text: impl Into<String>) -> Self {
        Self { operator, text: text.into(), literal: true }
    }
}

fn operator(check: &Check<'_>, raw: &raw::Leaf, scope: Scope<'_>, diagnostics: &mut Diagnostics) -> Option<Compared> {
    let mut one = |constant: &Constant, name: &str| operand(check, constant, name, scope, diagnostics);
    let ordered = |order: Order| move |operand: Operand| Operator::Ordered(order, operand);
    Some(match &raw.operator {
        raw::Operator::Equals(c) => Compared::with(one(c, "equals")?, Operator::Equals, "equals", c),
        raw::Operator::In(list) => {
            let operands: Vec<Option<Operand>> = list.iter().map(|c| one(c, "in")).collect();
            let operands: Vec<Operand> = operands.into_iter().collect::<Option<_>>()?;
            let literal = operands.iter().all(|operand| matches!(operand, Operand::Literal(_)));
            let words = list.iter().map(shown).collect::<Vec<_>>().join(", ");
            Compared { operator: Operator::In(operands), text: format!("in [{words}]"), literal }
        }
        raw::Operator::Contains(c) => Compared::with(one(c, "contains")?, Operator::Contains, "contains", c),
        raw::Operator::StartsWith(c) => Compared::with(one(c, "starts_with")?, Operator::StartsWith, "starts with", c),
        raw::Operator::Matches(text) => {
            let regex = matches(check, text, diagnostics)?;
            Compared::without_operand(Operator::Matches(regex), format!("matches /{}/", text.text))
        }
        raw::Operator::Exists(wanted) => {
            let text = if *wanted { "exists" } else { "does not exist" };
            Compared::without_operand(Operator::Exists(*wanted), text)
        }
        raw::Operator::HasValue(wanted) => {
            let text = if *wanted { "has a value" } else { "has no value" };
            Compared::without_operand(Operator::HasValue(*wanted), text)
        }
        raw::Operator::Gt(c) => Compared::with(one(c, "gt")?, ordered(Order::Greater), ">", c),
        raw::Operator::Ge(c) => Compared::with(one(c, "ge")?, ordered(Order::GreaterOrEqual), ">=", c),
        raw::Operator::Lt(c) => Compared::with(one(c, "lt")?, ordered(Order::Less), "<", c),
        raw::Operator::Le(c) => Compared::with(one(c, "le")?, ordered(Order::LessOrEqual), "<=", c),
    })
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

fn matches(check: &Check<'_>, text: &Text, diagnostics: &mut Diagnostics) -> Option<Pattern> {
    if text.text.contains("{{") || text.text.contains("${") {
        let mistake = diagnostics.error_at("hole-not-allowed", &text.span, "a regular expression takes no holes");
        diagnostics
            .add(mistake.label("data must not choose what is matched").help("use equals, contains or starts_with"));
        return None;
    }
    check.patterns.compile(&text.text, &text.span, diagnostics)
}

fn operand(
    check: &Check<'_>,
    constant: &Constant,
    operator: &str,
    scope: Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Operand> {
    let text = match constant {
        Constant::Null(span) => return literal(Value::Null, operator, span, diagnostics),
        Constant::Bool(flag) => return literal(Value::Bool(flag.value), operator, &flag.span, diagnostics),
        Constant::Number(number) => return Some(Operand::Literal(Value::Number(number.value.clone()))),
        Constant::Text(text) => text,
    };
    let template = template(check, text, Place::Plain, scope, diagnostics)?;
    if let Some(fixed) = template.as_literal() {
        return literal(Value::Text(fixed.into_owned()), operator, &text.span, diagnostics);
    }
    if operator != "equals" {
        for hole in template.holes() {
            if let Some(variable) = hole.variables().find(|variable| variable.is_user_data()) {
                let message =
                    format!("`{variable}` is what a user sent: it may stand in `equals` only, not in `{operator}`");
                let mistake = diagnostics.error_at("user-data-in-rule", &text.span_of(hole.range.clone()), message);
                diagnostics
                    .add(mistake.label("a user could make this rule true").help("compare the whole value with equals"));
            }
        }
    }
    Some(Operand::Template(template))
}

/// A literal that the operator can be true of.
fn literal(value: Value, operator: &str, span: &Span, diagnostics: &mut Diagnostics) -> Option<Operand> {
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
    diagnostics.add(diagnostics.error_at(code, span, message).help(help));
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
