//! What members of bodies may hold. No error quotes a value; each says what was expected.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::document::{Object, Value};
use crate::secret::Secret;

/// Longer ids only fill log lines.
const MAX_REQUEST_ID: usize = 128;

/// A string, byte for byte.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) struct Text(pub String);

/// A password, or none: whether the connector takes one is known later.
#[derive(Debug, Default, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) enum Password {
    #[default]
    Absent,
    Null,
    Text(Secret),
}

/// An IP address as text.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) struct Address(pub IpAddr);

/// An id of the caller's.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) struct RequestId(pub String);

/// A whole number of milliseconds.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) struct Milliseconds(pub Duration);

/// `true` or `false`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) struct Flag(pub bool);

/// Declared attributes: what each of them may hold is checked against the connector.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) struct Attributes(pub Object);

impl TryFrom<Value> for Text {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::Text(text) => Ok(Self(text)),
            other => Err(format!("expected a string, found {}", other.kind())),
        }
    }
}

impl TryFrom<Value> for Password {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::Text(text) => Ok(Self::Text(Secret::new(text))),
            Value::Null => Ok(Self::Null),
            other => Err(format!("expected a string, found {}", other.kind())),
        }
    }
}

impl Password {
    /// The password of a connector that takes one, or takes none.
    pub(crate) fn of(self, none_taken: bool) -> Result<Secret, &'static str> {
        match (self, none_taken) {
            (Self::Text(password), false) => Ok(password),
            (Self::Absent, false) => Err("missing"),
            (Self::Null, false) => Err("expected a string, found null"),
            // A console may send the same body to every connector, with a password that no user typed.
            (Self::Text(password), true) if !password.expose().is_empty() => {
                Err("expected none: this connector takes no password")
            }
            (_, true) => Ok(Secret::default()),
        }
    }
}

impl TryFrom<Value> for Address {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        let address = value.scalar_text().and_then(|text| text.parse().ok());
        address.map(Self).ok_or("expected an IP address as a string")
    }
}

impl TryFrom<Value> for RequestId {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match value {
            Value::Text(text)
                if (1..=MAX_REQUEST_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) =>
            {
                Ok(Self(text))
            }
            _ => Err("expected 1 to 128 visible ASCII characters"),
        }
    }
}

impl TryFrom<Value> for Milliseconds {
    type Error = &'static str;

    /// `5000`, and `5000.0` and `5e3` too: JSON Schema calls them integers. More than a day is a day: it can only shorten what
    /// the connector allows, and must not overflow a clock.
    fn try_from(value: Value) -> Result<Self, Self::Error> {
        const EXPECTED: &str = "expected a whole number of milliseconds above 0";
        let Value::Number(number) = value else { return Err(EXPECTED) };
        let milliseconds: f64 = number.as_str().parse().map_err(|_| EXPECTED)?;
        if milliseconds < 1.0 || milliseconds.fract() != 0.0 {
            return Err(EXPECTED);
        }
        Ok(Self(Duration::from_secs_f64(milliseconds.min(86_400_000.0) / 1000.0)))
    }
}

impl TryFrom<Value> for Flag {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match value {
            Value::Bool(flag) => Ok(Self(flag)),
            _ => Err("expected true or false"),
        }
    }
}

impl TryFrom<Value> for Attributes {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::Object(object) => Ok(Self(object)),
            other => Err(format!("expected an object, found {}", other.kind())),
        }
    }
}

impl JsonSchema for Address {
    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }] })
    }
}

impl JsonSchema for Attributes {
    fn schema_name() -> Cow<'static, str> {
        "Attributes".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } })
    }
}
