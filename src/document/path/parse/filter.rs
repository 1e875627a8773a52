//! The text of a filter: comparisons of `@` paths with literals, existence tests, `&&`, `||`, `!`, parentheses (RFC
//! 9535 section 2.3.5.1). Functions, `$` inside a filter, paths beside paths and what can name several nodes are
//! refused.

use super::{Cursor, Notation, fail_at};
use crate::document::path::filter::{Comparison, Filter};
use crate::document::path::{PathError, Segment, Step};
use crate::document::{Number, Value};

/// Parentheses in parentheses. Reading and holding recurse.
const MAX_NESTING: usize = 16;

/// One side of a comparison.
enum Side {
    Path(Vec<Step>),
    Literal(Value),
}

impl Cursor<'_> {
    /// From `?` up to the bracket that ends it.
    pub(super) fn filter(&mut self) -> Result<Filter, PathError> {
        self.next();
        self.notation = Notation::Filter;
        self.blanks();
        let filter = self.any(0)?;
        self.notation = Notation::Query;
        Ok(filter)
    }

    fn any(&mut self, depth: usize) -> Result<Filter, PathError> {
        let mut terms = vec![self.all(depth)?];
        while self.eat_both('|')? {
            terms.push(self.all(depth)?);
        }
        Ok(alone(terms, Filter::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Filter, PathError> {
        let mut terms = vec![self.term(depth)?];
        while self.eat_both('&')? {
            terms.push(self.term(depth)?);
        }
        Ok(alone(terms, Filter::All))
    }

    /// `&&` or `||` with the blanks around it.
    fn eat_both(&mut self, sign: char) -> Result<bool, PathError> {
        self.blanks();
        if !self.eat(sign) {
            return Ok(false);
        }
        if !self.eat(sign) {
            return self.fail(&format!("expected `{sign}{sign}`"));
        }
        self.blanks();
        Ok(true)
    }

    fn term(&mut self, depth: usize) -> Result<Filter, PathError> {
        let negated = self.eat('!');
        self.blanks();
        let term = if self.peek() == Some('(') { self.parentheses(depth)? } else { self.test(negated)? };
        Ok(if negated { Filter::Not(Box::new(term)) } else { term })
    }

    fn parentheses(&mut self, depth: usize) -> Result<Filter, PathError> {
        if depth == MAX_NESTING {
            return self.fail(&format!("more than {MAX_NESTING} parentheses in each other"));
        }
        self.next();
        self.blanks();
        let inner = self.any(depth + 1)?;
        self.blanks();
        if self.eat(')') { Ok(inner) } else { self.fail("expected `&&`, `||` or `)`") }
    }

    /// `@.x`, or `@.x == 1`, or `1 == @.x`.
    fn test(&mut self, negated: bool) -> Result<Filter, PathError> {
        let start = self.at;
        let left = self.side()?;
        self.blanks();
        let Some(comparison) = self.comparison()? else {
            return match left {
                Side::Path(path) => Ok(Filter::Exists(path)),
                Side::Literal(_) => fail_at(start, "a literal alone is no test: compare it with a path of `@`"),
            };
        };
        if negated {
            return fail_at(start, "`!` before a comparison needs parentheses: !(@.x == 1)");
        }
        self.blanks();
        let (path, comparison, literal) = match (left, self.side()?) {
            (Side::Path(path), Side::Literal(literal)) => (path, comparison, literal),
            (Side::Literal(literal), Side::Path(path)) => (path, comparison.turned(), literal),
            _ => {
                return fail_at(
                    start,
                    "a filter compares a path of `@` with a literal: text, number, true, false, null",
                );
            }
        };
        Ok(Filter::Compare { path, comparison, literal })
    }

    fn side(&mut self) -> Result<Side, PathError> {
        match self.peek() {
            Some('@') => self.relative().map(Side::Path),
            Some('"' | '\'') => Ok(Side::Literal(Value::Text(self.quoted()?))),
            Some('-' | '0'..='9') => self.number().map(|number| Side::Literal(Value::Number(number))),
            Some('$') => self.fail("`$` is not read in a filter: compare a path of `@`, the item, with a literal"),
            _ => self.word().map(Side::Literal),
        }
    }

    /// `@` and what follows: names and indexes only.
    fn relative(&mut self) -> Result<Vec<Step>, PathError> {
        self.next();
        let mut steps = Vec::new();
        loop {
            self.blanks();
            match self.peek() {
                Some('[') => match self.bracket()? {
                    Segment::Step(step) => steps.push(step),
                    Segment::Filter(_) => return self.many(),
                },
                Some('.') => {
                    self.next();
                    steps.push(self.shorthand()?);
                }
                _ => return Ok(steps),
            }
        }
    }

    fn comparison(&mut self) -> Result<Option<Comparison>, PathError> {
        let comparison = match self.peek() {
            Some('=') => Comparison::Equal,
            Some('!') => Comparison::NotEqual,
            Some('<') => Comparison::Less,
            Some('>') => Comparison::Greater,
            _ => return Ok(None),
        };
        self.next();
        let equal = self.eat('=');
        Ok(Some(match comparison {
            Comparison::Less if equal => Comparison::LessOrEqual,
            Comparison::Greater if equal => Comparison::GreaterOrEqual,
            Comparison::Equal if !equal => {
                return self.fail("equality is written `==`; there are no regular expressions");
            }
            Comparison::NotEqual if !equal => return self.fail("expected `!=`"),
            as_read => as_read,
        }))
    }

    /// RFC 9535 `number`, which is JSON's.
    fn number(&mut self) -> Result<Number, PathError> {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E')) {
            self.next();
        }
        match Number::parse(&self.text[start..self.at]) {
            Some(number) => Ok(number),
            None => fail_at(start, "not a number as JSON writes it, with an exponent of at most 9999"),
        }
    }

    /// `true`, `false`, `null`.
    fn word(&mut self) -> Result<Value, PathError> {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            self.next();
        }
        match &self.text[start..self.at] {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "null" => Ok(Value::Null),
            word if !word.is_empty() && self.peek() == Some('(') => {
                fail_at(start, "functions are not read in a filter: compare a path of `@` with a literal")
            }
            _ => fail_at(
                start,
                "expected `@` (@.name is a member of the item), a text in quotes, a number, true, false or null",
            ),
        }
    }
}

/// One term is itself.
fn alone(mut terms: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match terms.pop() {
        Some(only) if terms.is_empty() => only,
        last => {
            terms.extend(last);
            join(terms)
        }
    }
}
