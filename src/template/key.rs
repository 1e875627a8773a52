//! How filters name their keys: `key=secret.k, key_as=hex`.

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::context::{Context, Variable};
use crate::crypto::encoding::BytesAs;

use super::call::{Argument, ArgumentValue, Call};
use super::datum::Datum;
use super::fault::{Fault, FilterError, missing};
use super::mistake::Mistake;

/// A key or an iv.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub(super) from: From,
    /// How its text stands for bytes.
    pub(super) written: BytesAs,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum From {
    Variable(Variable),
    Literal(String),
}

/// The arguments of a cipher while they are read.
pub(super) struct Arguments<'c> {
    pub(super) call: &'c Call<'c>,
}

impl Arguments<'_> {
    pub(super) fn find(&self, name: &str) -> Option<&ArgumentValue> {
        self.call.list.iter().find(|argument| argument.name.as_deref() == Some(name)).map(|argument| &argument.value)
    }

    /// One of some words.
    pub(super) fn word<T>(
        &self,
        name: &str,
        read: impl Fn(&str) -> Option<T>,
        wanted: &str,
    ) -> Result<Option<T>, Mistake> {
        let Some(value) = self.find(name) else { return Ok(None) };
        read(value.text()).map(Some).ok_or_else(|| self.call.wrong(&format!("{wanted} as `{name}`")))
    }

    pub(super) fn key(&self, name: &str) -> Result<Option<Key>, Mistake> {
        let Some(value) = self.find(name) else { return Ok(None) };
        let written = self.word(&format!("{name}_as"), BytesAs::parse, "utf-8, hex or base64")?;
        let from = match value {
            ArgumentValue::Text(text) => From::Literal(text.clone()),
            ArgumentValue::Word(word) => From::Variable(self.call.variable(word)?),
        };
        Ok(Some(Key { from, written: written.unwrap_or(BytesAs::Utf8) }))
    }

    /// No argument without a name, none that it does not know, none twice.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Mistake> {
        for (index, Argument { name, .. }) in self.call.list.iter().enumerate() {
            let twice = self.call.list[..index].iter().any(|earlier| earlier.name == *name);
            if twice || !name.as_deref().is_some_and(|name| known.contains(&name)) {
                return Err(self.call.wrong(&format!("each of {} once", known.join("=, ") + "=")));
            }
        }
        Ok(())
    }
}

impl Key {
    /// Wiped when dropped.
    pub(super) fn bytes(&self, context: &Context) -> Result<Zeroizing<Vec<u8>>, FilterError> {
        let datum = match &self.from {
            From::Variable(variable) => Datum::of(variable, context)?,
            From::Literal(text) => Datum::Text(Cow::Borrowed(text)),
        };
        let text = datum.text().map_err(|fault| match (fault, &self.from) {
            (Fault::Null, From::Variable(variable)) => FilterError::Missing(missing(variable)),
            (fault, _) => self.refuse(format!("{} {}", self.name(), fault.why())),
        })?;
        let bytes = self.written.decode(text);
        bytes.map(Zeroizing::new).map_err(|error| self.refuse(format!("{} is {error}", self.name())))
    }

    /// The variable that it is, unless the file writes it out.
    pub(super) fn variable(&self) -> Option<&Variable> {
        match &self.from {
            From::Variable(variable) => Some(variable),
            From::Literal(_) => None,
        }
    }

    /// The error of a key that does not do: the upstream is to blame for one that it gave.
    pub(super) fn refuse(&self, what: String) -> FilterError {
        match &self.from {
            From::Variable(Variable::Step { .. }) => FilterError::KeyOfReply(what),
            _ => FilterError::Key(what),
        }
    }

    /// For messages.
    pub(super) fn name(&self) -> String {
        match &self.from {
            From::Variable(variable) => variable.to_string(),
            From::Literal(_) => "the key of the file".to_owned(),
        }
    }
}
