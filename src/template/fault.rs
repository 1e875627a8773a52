//! Why a value does not fit a filter or a place, and why a filter gave nothing.

use std::borrow::Cow;

use crate::context::{Missing, Variable};

/// Why a value does not fit a filter or a place. Never quotes the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The characters or bytes in it are the trouble: the value is at fault.
    Content(Cow<'static, str>),
    /// Its kind is the trouble (an object where a text is wanted): the connector is at fault.
    Kind(String),
    /// It is null, and nothing renders as empty by accident.
    Null,
}

impl Fault {
    pub(crate) fn content(why: &'static str) -> Self {
        Self::Content(Cow::Borrowed(why))
    }

    /// The predicate of a sentence about the value.
    pub(crate) fn why(&self) -> &str {
        match self {
            Self::Content(why) => why,
            Self::Kind(why) => why,
            Self::Null => "is null",
        }
    }
}

/// The error for a variable that is null where a text is wanted.
pub(crate) fn missing(variable: &Variable) -> Missing {
    let name = variable.to_string();
    match variable {
        Variable::Step { .. } => Missing::Capture(name),
        Variable::Env(_) | Variable::Secret(_) => Missing::Unset(name),
        _ => Missing::Input(name),
    }
}

pub(super) fn utf8(bytes: Vec<u8>) -> Result<String, Fault> {
    String::from_utf8(bytes).map_err(|_| Fault::content("is not UTF-8 after decoding"))
}

/// Why a filter gave nothing.
#[derive(Debug)]
pub(crate) enum FilterError {
    /// The value does not fit.
    Fault(Fault),
    /// The key of an HMAC has no value.
    Missing(Missing),
    /// A key that does not do; the line says which and why.
    Key(String),
    /// The same of a key that an earlier reply gave.
    KeyOfReply(String),
}

impl From<Fault> for FilterError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Missing> for FilterError {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}
