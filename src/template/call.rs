//! A filter as it is written, `name(arguments)`, and the names in it: what the table of filters makes filters from.

use std::ops::Range;

use crate::context::Variable;
use crate::crypto::digest::Algorithm;
use crate::diagnostic::did_you_mean;
use crate::document::{Number, Value};

use super::Language;
use super::cursor::Spanned;
use super::mistake::Mistake;
use super::output::Output;

/// An argument, with its name when it has one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Argument {
    pub name: Option<String>,
    pub value: ArgumentValue,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum ArgumentValue {
    /// In quotes.
    Text(String),
    /// A variable, a number or a word.
    Word(String),
}

impl ArgumentValue {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Word(text) => text,
        }
    }
}

/// A filter as written.
pub(super) struct Call<'a> {
    pub name: &'a str,
    pub name_range: Range<usize>,
    pub range: Range<usize>,
    pub list: Vec<Argument>,
    pub language: &'a Language,
}

impl Call<'_> {
    /// Its only argument, without a name.
    pub(super) fn only(&self) -> Option<&ArgumentValue> {
        match self.list.as_slice() {
            [Argument { name: None, value }] => Some(value),
            _ => None,
        }
    }

    /// The digest that the filter is called by, behind `prefix`.
    pub(super) fn algorithm(&self, prefix: &str) -> Result<Algorithm, Mistake> {
        let name = self.name.strip_prefix(prefix).unwrap_or(self.name);
        // Filters have one spelling, unlike the names that scripts may use.
        Algorithm::from_name(name).ok_or_else(|| self.wrong("a digest"))
    }

    /// A variable as the argument at `index`.
    pub(super) fn variable_at(&self, index: usize, wanted: &str) -> Result<Variable, Mistake> {
        match self.list.get(index) {
            Some(Argument { name: None, value: ArgumentValue::Word(key) }) => self.variable(key),
            _ => Err(self.wrong(wanted)),
        }
    }

    /// A variable of that name.
    pub(super) fn variable(&self, name: &str) -> Result<Variable, Mistake> {
        variable(&Spanned { value: name, range: self.range.clone() })
    }

    /// The output format at `index`, hex when it is left out.
    pub(super) fn output(&self, index: usize) -> Result<Output, Mistake> {
        let wanted = || self.wrong("hex, base64 or base64url as the output");
        match self.list.get(index) {
            None => Ok(Output::Hex),
            Some(Argument { name: None, value }) if self.list.len() == index + 1 => {
                Output::parse(value.text()).ok_or_else(wanted)
            }
            Some(_) => Err(wanted()),
        }
    }

    pub(super) fn wrong(&self, wanted: &str) -> Mistake {
        Mistake::new("filter-argument", self.range.clone(), format!("`{}` takes {wanted}", self.name))
    }
}

/// A literal value.
pub(super) fn literal(argument: &ArgumentValue) -> Option<Value> {
    Some(match argument {
        ArgumentValue::Text(text) => Value::Text(text.clone()),
        ArgumentValue::Word(word) => match word.as_str() {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            number => Value::Number(Number::parse(number)?),
        },
    })
}

pub(super) fn variable(name: &Spanned<&str>) -> Result<Variable, Mistake> {
    Variable::parse(name.value).map_err(|error| {
        let known =
            error.known.iter().map(String::as_str).chain(["user.fields.", "env.", "secret.", "answer.", "steps."]);
        // A name without its space, as in `username`, is the commonest slip.
        let bare = error
            .known
            .iter()
            .map(String::as_str)
            .find(|known| known.split_once('.').is_some_and(|(_, rest)| rest == name.value));
        let meant = bare.map(str::to_owned).or_else(|| did_you_mean(name.value, known));
        suggest(Mistake::new("unknown-variable", name.range.clone(), error.to_string()), meant)
    })
}

pub(super) fn suggest(mistake: Mistake, meant: Option<String>) -> Mistake {
    match meant {
        Some(meant) => mistake.help(format!("did you mean `{meant}`?")),
        None => mistake,
    }
}
