//! JSON text to `Value` and back.
//!
//! serde_json reads the syntax; the visitor here refuses what a login must not rely on: duplicate keys, exponents
//! beyond 9999, more depth than `MAX_DEPTH`, more nodes than `MAX_NODES`.

use std::cell::Cell;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{MAX_DEPTH, MAX_NODES, Number, Object, Value};

/// The key under which serde_json passes the digits of a number (its feature `arbitrary_precision`). A reply that
/// contains this key itself is refused, unless its value is the text of a number: it then is that number, which the
/// upstream could have sent without the key.
const NUMBER_TOKEN: &str = "$serde_json::private::Number";

/// Why a text is not a document. Carries position and cause, never the text.
#[derive(Debug, thiserror::Error)]
#[error("not JSON that can be relied on, at line {line} column {column}: {cause}")]
pub struct JsonError {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What is wrong, without quoting the text.
    pub cause: String,
    /// True if the text is not JSON at all; false if it is JSON that is refused here.
    pub malformed: bool,
    /// True if the document would exceed the memory limit.
    pub too_large: bool,
}

/// Reads one JSON text (RFC 8259) that fills `bytes`; UTF-8 without a BOM.
pub fn from_json(bytes: &[u8]) -> Result<Value, JsonError> {
    from_json_within(bytes, usize::MAX)
}

/// As [`from_json`], with a limit of `most` bytes on the document's memory. Reading stops as soon as the limit is
/// exceeded.
pub fn from_json_within(bytes: &[u8], most: usize) -> Result<Value, JsonError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let left = Left::of(most);
    let value = Node { depth: 0, left: &left }.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| JsonError {
        line: error.line(),
        column: error.column(),
        cause: cause_of(&error),
        malformed: error.classify() != serde_json::error::Category::Data,
        too_large: left.over.get(),
    })
}

/// serde_json's own syntax messages name a kind of mistake; ours (`custom`) are fixed texts. Neither quotes the input.
fn cause_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// Writes a value as compact JSON; numbers with their digits as they came.
pub fn to_json(value: &Value) -> String {
    // Serializing a `Value` into memory cannot fail: keys are strings and there is no I/O.
    serde_json::to_string(value).unwrap_or_default()
}

/// What is left of the limits.
struct Left {
    nodes: Cell<usize>,
    /// Bytes of memory. Only a lower bound is counted while reading; `Value::bytes` has the exact size.
    bytes: Cell<usize>,
    over: Cell<bool>,
}

impl Left {
    fn of(bytes: usize) -> Self {
        Self { nodes: Cell::new(MAX_NODES), bytes: Cell::new(bytes), over: Cell::new(false) }
    }

    /// Counts one node and its text.
    fn node<E: serde::de::Error>(&self) -> Result<(), E> {
        self.nodes.set(self.nodes.get().checked_sub(1).ok_or_else(|| E::custom("too many values"))?);
        self.bytes(size_of::<Value>())
    }

    fn bytes<E: serde::de::Error>(&self, bytes: usize) -> Result<(), E> {
        if let Some(left) = self.bytes.get().checked_sub(bytes) {
            self.bytes.set(left);
            return Ok(());
        }
        self.over.set(true);
        Err(E::custom("more memory than a document may take"))
    }
}

/// Reads one value; carries its depth and what is left of the limits.
#[derive(Clone, Copy)]
struct Node<'n> {
    depth: usize,
    left: &'n Left,
}

impl Node<'_> {
    fn child<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom("nested too deep"));
        }
        Ok(Self { depth: self.depth + 1, left: self.left })
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.left.node()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    // serde_json passes integers of up to 64 bits as such; JSON allows one spelling of those, so no digit is lost.
    // Every other number comes as its digits under `NUMBER_TOKEN`, never as a float.
    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(Number::from(number)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(Number::from(number)))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        self.left.bytes(text.len())?;
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let child = self.child()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(child)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let child = self.child()?;
        let mut object = Object::new();
        while let Some(key) = members.next_key::<String>()? {
            if key == NUMBER_TOKEN && object.is_empty() {
                let digits: String = members.next_value()?;
                return match (Number::parse(&digits), members.next_key::<String>()?) {
                    (Some(number), None) => Ok(Value::Number(number)),
                    _ => Err(A::Error::custom("number out of range")),
                };
            }
            self.left.bytes(size_of::<String>() + key.len())?;
            let value = members.next_value_seed(child)?;
            if object.insert(key, value).is_some() {
                return Err(A::Error::custom("duplicate key"));
            }
        }
        Ok(Value::Object(object))
    }
}

/// With the limits of a reply, each value for itself.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let left = Left::of(usize::MAX);
        Node { depth: 0, left: &left }.deserialize(deserializer)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => {
                let exact: serde_json::Number = number.as_str().parse().map_err(serde::ser::Error::custom)?;
                exact.serialize(serializer)
            }
            Self::Text(text) => serializer.serialize_str(text),
            Self::Array(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            Self::Object(object) => {
                let mut map = serializer.serialize_map(Some(object.len()))?;
                for (key, value) in object {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    // serde_json spells an exponent with its sign (`1E5` becomes `1e+5`); the digits are what must survive.
    fn digits_and_order_survive() {
        for text in [
            r#"{"z":1234567890123456789,"a":1.10,"b":[1e+5,-0,0.1e-7],"c":{"d":null,"e":true}}"#,
            r#""plain""#,
            "12345678901234567890123",
            "[]",
        ] {
            assert_eq!(to_json(&from_json(text.as_bytes()).unwrap()), text);
        }
    }

    #[test]
    fn doubtful_texts_are_refused() {
        let deep = "[".repeat(MAX_DEPTH + 1) + &"]".repeat(MAX_DEPTH + 1);
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            "1e10000",
            "[1e99999]",
            deep.as_str(),
            "",
            "{} {}",
            "\u{feff}{}",
            r#"{"$serde_json::private::Number":"x"}"#,
            r#"{"$serde_json::private::Number":{"a":1}}"#,
        ] {
            assert!(from_json(text.as_bytes()).is_err(), "{text:.60}");
        }
        let wide = format!("[{}0]", "0,".repeat(MAX_NODES));
        assert!(from_json(wide.as_bytes()).is_err());
        let most = "[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH);
        assert!(from_json(most.as_bytes()).is_ok());
    }

    #[test]
    fn a_document_that_takes_too_much_memory_is_given_up() {
        let text = format!("[{}0]", r#"{"a":{}},"#.repeat(10_000));
        let error = from_json_within(text.as_bytes(), 1 << 20).unwrap_err();
        assert!(error.too_large && !error.malformed, "{error}");
        assert!(error.column < text.len(), "before it is all there");
        let whole = from_json_within(text.as_bytes(), 8 << 20).unwrap();
        assert!(whole.bytes() > 1 << 20);
        assert!(!from_json(b"{").unwrap_err().too_large);
    }

    #[test]
    fn an_error_names_the_place_and_not_the_content() {
        let error = from_json(br#"{"password": hunter2}"#).unwrap_err();
        assert_eq!((error.line, error.column), (1, 14));
        assert!(!error.to_string().contains("hunter2"));
    }
}
