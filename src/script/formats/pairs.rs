//! `a=1&b=2` and its cousins: names and values with separators between them.

use indexmap::map::Entry;

use super::FormatError;
use crate::crypto::encoding::url_decode;
use crate::document::{Object, Value};

/// More names than any SDK packs; bounds the work.
const MAX_PAIRS: usize = 1000;

/// Reads `application/x-www-form-urlencoded` text (WHATWG URL, section 5.1) into name and text.
/// A name that occurs twice is an error, as is text that is not UTF-8 after decoding.
pub fn parse_form(text: &str) -> Result<Value, FormatError> {
    let mut object = Object::new();
    for part in text.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        insert(&mut object, form_text(name)?, form_text(value)?)?;
    }
    Ok(Value::Object(object))
}

/// Reads `name<after_key>value<between>name<after_key>value`. Nothing is trimmed or decoded. `last` names the key
/// whose value takes the rest of the text, separators included, which is where a password belongs.
pub fn parse_pairs(text: &str, between: &str, after_key: &str, last: Option<&str>) -> Result<Value, FormatError> {
    if between.is_empty() || after_key.is_empty() {
        return Err(FormatError("the separators must not be empty"));
    }
    let mut object = Object::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, tail) = rest.split_once(after_key).ok_or(FormatError("a pair has no separator after its name"))?;
        if last == Some(name) {
            insert(&mut object, name.to_owned(), tail.to_owned())?;
            break;
        }
        let (value, next) = tail.split_once(between).unwrap_or((tail, ""));
        insert(&mut object, name.to_owned(), value.to_owned())?;
        rest = next;
    }
    Ok(Value::Object(object))
}

fn form_text(text: &str) -> Result<String, FormatError> {
    let bytes = url_decode(&text.replace('+', " ")).map_err(|_| FormatError("a % without two hexadecimal digits"))?;
    String::from_utf8(bytes).map_err(|_| FormatError("the text is not UTF-8"))
}

fn insert(object: &mut Object, name: String, value: String) -> Result<(), FormatError> {
    if object.len() >= MAX_PAIRS {
        return Err(FormatError("more than 1000 names"));
    }
    match object.entry(name) {
        Entry::Occupied(_) => Err(FormatError("a name occurs twice")),
        Entry::Vacant(place) => {
            place.insert(Value::Text(value));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{parse_form, parse_pairs};
    use crate::document::to_json;

    fn shown(value: Result<crate::document::Value, super::FormatError>) -> String {
        value.map_or_else(|error| error.to_string(), |value| to_json(&value))
    }

    #[test]
    fn forms_are_decoded_and_repeats_refused() {
        assert_eq!(shown(parse_form("a=1+2&b=%E4%B8%AD&c")), r#"{"a":"1 2","b":"中","c":""}"#);
        assert_eq!(shown(parse_form("")), "{}");
        assert_eq!(shown(parse_form("a=1&a=2")), "a name occurs twice");
        assert_eq!(shown(parse_form("a=%F")), "a % without two hexadecimal digits");
        assert_eq!(shown(parse_form("a=%FF")), "the text is not UTF-8");
    }

    #[test]
    fn the_last_key_takes_separators_too() {
        assert_eq!(shown(parse_pairs("u:a,p:x,y:z", ",", ":", Some("p"))), r#"{"u":"a","p":"x,y:z"}"#);
        assert_eq!(shown(parse_pairs("u=a;d=1=2", ";", "=", None)), r#"{"u":"a","d":"1=2"}"#);
        assert_eq!(shown(parse_pairs("u", ";", "=", None)), "a pair has no separator after its name");
        assert_eq!(shown(parse_pairs("u=a", "", "=", None)), "the separators must not be empty");
    }
}
