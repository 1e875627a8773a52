//! A body as its members, each still as it was written, and the struct that they are read into.
//!
//! serde stops at the first mistake. So a struct is read again with the faulty member taken as given, until every mistake of
//! its own members is known: a pass for each faulty member at most.

use std::cell::Cell;
use std::fmt;

use indexmap::IndexMap;
use serde::de::value::StrDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::value::RawValue;

use super::super::problem::{Mistake, Problem};
use crate::diagnostic::did_you_mean;
use crate::document::from_json;

/// A body that is one JSON object.
pub(crate) struct Members<'a> {
    raw: IndexMap<String, &'a RawValue>,
    mistakes: Vec<Mistake>,
}

impl<'a> Members<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Result<Self, Problem> {
        let refused = |detail: String| Problem::invalid(vec![Mistake { pointer: String::new(), detail }]);
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(match from_json(bytes) {
                Ok(other) => refused(format!("expected an object, found {}", other.kind())),
                Err(error) if error.malformed => Problem::malformed(error.to_string()),
                Err(error) => refused(error.to_string()),
            });
        }
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let read = reader.deserialize_map(Distinct).and_then(|raw| reader.end().map(|()| raw));
        match read {
            Ok(raw) => Ok(Self { raw, mistakes: Vec::new() }),
            Err(error) if error.is_data() => Err(refused(error.to_string())),
            Err(error) => Err(Problem::malformed(format!("not JSON that can be relied on: {error}"))),
        }
    }

    /// One member, apart from the struct that reads the others. `null` is absent.
    pub(crate) fn take<T: Deserialize<'a>>(&mut self, name: &'static str) -> Option<T> {
        let raw = self.raw.shift_remove(name)?;
        match Option::deserialize(&mut serde_json::Deserializer::from_str(raw.get())) {
            Ok(value) => value,
            Err(error) => {
                self.mistakes.push(Mistake::at(&[name], cause_of(&error)));
                None
            }
        }
    }

    /// Reads the members into `T`, or says everything that is wrong with them.
    pub(crate) fn read<T: Deserialize<'a>>(mut self) -> Result<T, Problem> {
        let reader = Reader { raw: &self.raw, faulty: Vec::new(), fields: Cell::new(&[]), at: Cell::new("") };
        let read = reader.read::<T>()?;
        self.mistakes.extend(unknown(self.raw.keys(), read.fields));
        self.mistakes.extend(read.mistakes);
        match read.value {
            Some(value) if self.mistakes.is_empty() => Ok(value),
            _ => Err(Problem::invalid(self.mistakes)),
        }
    }
}

fn unknown<'k>(keys: impl Iterator<Item = &'k String>, known: &'static [&'static str]) -> Vec<Mistake> {
    let unknown = keys.filter(|key| !known.contains(&key.as_str()));
    unknown.map(|key| Mistake::at(&[key], unknown_key("unknown key", key, known.iter().copied()))).collect()
}

/// `what`, and which key was probably meant.
pub(crate) fn unknown_key<'k>(what: &str, key: &str, known: impl Iterator<Item = &'k str>) -> String {
    match did_you_mean(key, known) {
        Some(near) => format!("{what}; did you mean `{near}`?"),
        None => what.to_owned(),
    }
}

/// Members of which no key comes twice.
struct Distinct;

impl<'de> Visitor<'de> for Distinct {
    type Value = IndexMap<String, &'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut raw = IndexMap::new();
        while let Some((key, value)) = members.next_entry()? {
            if raw.insert(key, value).is_some() {
                return Err(de::Error::custom("duplicate key"));
            }
        }
        Ok(raw)
    }
}

struct ReadMembers<T> {
    /// `None`, or made of what stands in for faulty members, when there are mistakes.
    value: Option<T>,
    mistakes: Vec<Mistake>,
    /// Of the struct.
    fields: &'static [&'static str],
}

/// The members as the fields of a struct, in the order of the struct.
struct Reader<'m, 'a> {
    raw: &'m IndexMap<String, &'a RawValue>,
    /// Fields whose mistake is known: something stands in for their value.
    faulty: Vec<&'static str>,
    /// Of the struct.
    fields: Cell<&'static [&'static str]>,
    /// The field that is being read.
    at: Cell<&'static str>,
}

impl<'a> Reader<'_, 'a> {
    fn read<T: Deserialize<'a>>(mut self) -> Result<ReadMembers<T>, Problem> {
        let mut found: Vec<(usize, Mistake)> = Vec::new();
        let value = loop {
            let (name, detail) = match T::deserialize(&self) {
                Ok(value) => break Some(value),
                Err(ReadError::Missing(name)) => (name, "missing".to_owned()),
                Err(ReadError::Value(error)) if error.is_data() => (self.at.get(), cause_of(&error)),
                Err(ReadError::Value(error)) => {
                    return Err(Problem::malformed(format!("in `{}`: {}", self.at.get(), cause_of(&error))));
                }
                Err(ReadError::Other(detail)) => (self.at.get(), detail),
            };
            if self.faulty.contains(&name) {
                break None;
            }
            self.faulty.push(name);
            let position = self.fields.get().iter().position(|field| *field == name).unwrap_or_default();
            found.push((position, Mistake::at(&[name], detail)));
        };
        found.sort_by_key(|(position, _)| *position);
        let mistakes = found.into_iter().map(|(_, mistake)| mistake).collect();
        Ok(ReadMembers { value, mistakes, fields: self.fields.get() })
    }
}

impl<'de> Deserializer<'de> for &Reader<'_, 'de> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ReadError> {
        Err(ReadError::Other("a body is read into a struct".to_owned()))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.fields.set(fields);
        visitor.visit_map(Fields { reader: self, left: fields.iter() })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Fields<'r, 'm, 'a> {
    reader: &'r Reader<'m, 'a>,
    left: std::slice::Iter<'static, &'static str>,
}

impl<'de> MapAccess<'de> for Fields<'_, '_, 'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        let Reader { raw, faulty, at, .. } = self.reader;
        let next = self.left.find(|name| faulty.contains(*name) || raw.contains_key(**name));
        let Some(name) = next else { return Ok(None) };
        at.set(name);
        seed.deserialize(StrDeserializer::<ReadError>::new(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        let name = self.reader.at.get();
        match self.reader.raw.get(name).filter(|_| !self.reader.faulty.contains(&name)) {
            Some(raw) => seed.deserialize(&mut serde_json::Deserializer::from_str(raw.get())).map_err(ReadError::Value),
            None => seed.deserialize(StandIn),
        }
    }
}

/// Stands in for a faulty member: nothing where nothing may be there, else an empty text.
struct StandIn;

impl<'de> Deserializer<'de> for StandIn {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_str("")
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_none()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[derive(Debug)]
enum ReadError {
    Missing(&'static str),
    /// Of a member's value.
    Value(serde_json::Error),
    Other(String),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "`{name}` is missing"),
            Self::Value(error) => error.fmt(f),
            Self::Other(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self::Other(what.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

/// Without the position, which counts from the start of the member.
fn cause_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rfind(" at line ").map_or(text.clone(), |end| text[..end].to_owned())
}
