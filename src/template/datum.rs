//! The value of a hole on its way through the filters: a document value, a text, or bytes.

use std::borrow::Cow;

use crate::context::{Context, Missing, Variable};
use crate::document::Value;
use crate::secret::Secret;

use super::fault::Fault;

/// A value between two filters.
#[derive(Debug, Clone)]
pub(crate) enum Datum<'a> {
    /// What the context holds that is not a text: numbers with their digits, objects.
    Value(Cow<'a, Value>),
    /// A text.
    Text(Cow<'a, str>),
    /// Bytes in no known charset, which only `unhex` and `encode` make.
    Bytes(Vec<u8>),
}

impl<'a> Datum<'a> {
    /// The value of `variable`. Texts are borrowed where the context holds them as texts: rendering is on the hot path.
    pub(crate) fn of(variable: &Variable, context: &'a Context) -> Result<Self, Missing> {
        let text = match variable {
            Variable::Username => Some(context.user.username.as_str()),
            // These go into the login's own request, encoded by their place, and nowhere else.
            Variable::Password => Some(context.user.password.expose()),
            Variable::Field(name) => context.user.fields.get(name).map(Secret::expose),
            Variable::Secret(name) => context.secrets.get(name).map(Secret::expose),
            Variable::Answer(name) => context.answers.get(name).map(Secret::expose),
            Variable::RequestId => Some(context.request_id.as_str()),
            Variable::Signed(part) => context.signed.get(part).map(Secret::expose),
            Variable::InnerBody => context.inner_body.as_ref().map(Secret::expose),
            _ => None,
        };
        match text {
            Some(text) => Ok(Self::Text(Cow::Borrowed(text))),
            None => context.get(variable).map(Self::from_value),
        }
    }

    pub(crate) fn from_value(value: Cow<'a, Value>) -> Self {
        match value {
            Cow::Borrowed(Value::Text(text)) => Self::Text(Cow::Borrowed(text)),
            Cow::Owned(Value::Text(text)) => Self::Text(Cow::Owned(text)),
            other => Self::Value(other),
        }
    }

    /// Bytes of a text; values that are not texts are of the size that the context bounds.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Value(_) => 0,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Value(value) if **value == Value::Null)
    }

    /// The text of a scalar: numbers by their digits, booleans by their word.
    pub(crate) fn text(&self) -> Result<&str, Fault> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Value(value) => match &**value {
                Value::Null => Err(Fault::Null),
                value => value.scalar_text().ok_or_else(|| {
                    Fault::Kind(format!("is an {} where a text is wanted; `| json` makes it one", value.kind()))
                }),
            },
            Self::Bytes(_) => {
                Err(Fault::Kind("is bytes where a text is wanted; `| base64` or `| hex` makes it one".into()))
            }
        }
    }

    /// The bytes of bytes, the UTF-8 of a scalar.
    pub(crate) fn bytes(&self) -> Result<&[u8], Fault> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            other => other.text().map(str::as_bytes),
        }
    }

    /// As a document value; bytes have none.
    pub(crate) fn into_value(self) -> Result<Cow<'a, Value>, Fault> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Text(text) => Ok(Cow::Owned(Value::Text(text.into_owned()))),
            Self::Bytes(_) => {
                Err(Fault::Kind("is bytes where a text is wanted; `| base64` or `| hex` makes it one".into()))
            }
        }
    }
}
