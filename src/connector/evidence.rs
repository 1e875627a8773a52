//! Positive evidence (docs/contract.md section 4.6): what a `success` or `more` of a factor must look at before it may grant.
//!
//! A rule that only says what the reply is not is met by a login page, a proxy's error page or an empty body. So each way
//! through the rule must hold one leaf that only a right password makes true. What any page has as well (a status, a cookie, the
//! date) is weak: the author may say that there is nothing better, and why.

use std::collections::BTreeMap;

use http::HeaderName;
use http::header::{LOCATION, SET_COOKIE};

use super::usual;
use crate::condition::{Condition, Leaf, Operand, Operator, Test, ValueSource};
use crate::context::Work;
use crate::context::{StepValue, Variable};
use crate::response::Source;

/// Why evidence is less than a value that only a right password brings. The least weak comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weakness {
    /// Something is there, whatever it says: "false", 0 and a blank are there as well.
    Exists,
    /// A cookie, which any page may set.
    Cookie,
    /// A header that any reply may have.
    UsualHeader,
    /// The status.
    Status,
    /// Nothing that is there.
    Nothing,
}

/// What a rule rests on: each weakness of one of its ways, with the leaf that is the best of that way. Empty means that every way
/// has a value that only a right password brings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence(BTreeMap<Weakness, String>);

impl Evidence {
    /// What `rule` rests on. `asks` says whether the step has no request and is proven by the answer itself.
    pub fn of(rule: &Condition, asks: bool) -> Self {
        match rule {
            // Everything holds, so the best of it counts.
            Condition::All(terms) => {
                let terms = terms.iter().map(|term| Self::of(term, asks));
                terms.min_by_key(Self::worst).unwrap_or_else(|| Self::nothing(String::new()))
            }
            Condition::Any(terms) => {
                let mut all = BTreeMap::new();
                for Self(ways) in terms.iter().map(|term| Self::of(term, asks)) {
                    for (weakness, leaf) in ways {
                        all.entry(weakness).or_insert(leaf);
                    }
                }
                Self(all)
            }
            Condition::Not(_) => Self::nothing("not".to_owned()),
            Condition::Leaf(leaf) => {
                Self(of_leaf(leaf, asks).map(|weakness| (weakness, leaf.text.clone())).into_iter().collect())
            }
        }
    }

    fn nothing(leaf: String) -> Self {
        Self(BTreeMap::from([(Weakness::Nothing, leaf)]))
    }

    fn worst(&self) -> Option<Weakness> {
        self.0.keys().next_back().copied()
    }

    /// Whether one way rests on no more than this.
    pub fn has(&self, weakness: Weakness) -> bool {
        self.0.contains_key(&weakness)
    }

    /// Each weakness with the leaf that it is about.
    pub fn weaknesses(&self) -> impl Iterator<Item = (Weakness, &str)> {
        self.0.iter().map(|(weakness, leaf)| (*weakness, leaf.as_str()))
    }
}

fn of_leaf(leaf: &Leaf, asks: bool) -> Option<Weakness> {
    match &leaf.test {
        Test::Status(_) => Some(Weakness::Status),
        Test::Compare(_, Operator::Exists(false) | Operator::HasValue(false)) => Some(Weakness::Nothing),
        Test::Compare(ValueSource::Reply(source), operator) => of_reply(source, operator),
        Test::Compare(ValueSource::Claim(_), operator) => asks_nothing(operator).then_some(Weakness::Exists),
        // With a capture or a value of a script; a literal is no user's code. `check::ask` looks at where they come from.
        Test::Compare(ValueSource::Variable(Variable::Answer(_)), Operator::Equals(Operand::Template(template)))
            if asks && template.variables().all(is_made_here) && template.variables().next().is_some() =>
        {
            None
        }
        // A rule looks at one source: `check` refuses a list.
        Test::Compare(ValueSource::Variable(_) | ValueSource::Constant(_) | ValueSource::FirstOf(_), _) => {
            Some(Weakness::Nothing)
        }
    }
}

fn of_reply(source: &Source, operator: &Operator) -> Option<Weakness> {
    match source {
        Source::Cookie(_) => Some(Weakness::Cookie),
        Source::Header { name, .. } if *name == SET_COOKIE => Some(Weakness::Cookie),
        Source::Header { name, query: None } if is_usual(name, operator) => Some(Weakness::UsualHeader),
        Source::Header { name, .. } if usual::is_usual(name) => Some(Weakness::UsualHeader),
        // `$[?@.code != 500]`: that an item is there which is not an error.
        Source::Field(path) if path.takes_anything() && (asks_nothing(operator) || is_has_value(operator)) => {
            Some(Weakness::Nothing)
        }
        _ => asks_nothing(operator).then_some(Weakness::Exists),
    }
}

fn is_has_value(operator: &Operator) -> bool {
    matches!(operator, Operator::HasValue(_))
}

/// Where a reply sends the browser tells a login page from the portal; that it sends it somewhere does not.
fn is_usual(name: &HeaderName, operator: &Operator) -> bool {
    usual::is_usual(name) || (*name == LOCATION && (asks_nothing(operator) || is_has_value(operator)))
}

/// Whether any value makes it true.
fn asks_nothing(operator: &Operator) -> bool {
    match operator {
        Operator::Exists(_) => true,
        // `.`, `.+`, `^` and the like: they match whatever stands there.
        Operator::Matches(regex) => ["false", "0", " ", "E-7351", "登录失败"]
            .iter()
            .all(|text| regex.is_match(text, &Work::default()) == Ok(true)),
        _ => false,
    }
}

fn is_made_here(variable: &Variable) -> bool {
    matches!(variable, Variable::Env(_) | Variable::Step { value: StepValue::Capture(_), .. })
}
