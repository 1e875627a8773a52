//! Writes the result of a script as JSON text, by our own walk over own data properties.
//!
//! `JSON.stringify` would call `toJSON` and getters, which are the script's code, and would silently drop functions and
//! undefined. Here everything that is not JSON is an error that says where it is. Its path names a property only if the
//! script's text contains that word: any other key is data and may be a password.

use std::fmt::Write as _;

use boa_engine::builtins::date::Date;
use boa_engine::builtins::error::Error;
use boa_engine::builtins::object::OrdinaryObject;
use boa_engine::builtins::proxy::Proxy;
use boa_engine::object::JsObject;
use boa_engine::property::PropertyKey;
use boa_engine::{Context, JsString, JsValue, js_string};

use super::element;

/// The limits of a result.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caps {
    /// Nesting of objects and arrays. Documents of real servers stay below 10.
    pub depth: usize,
    /// Bytes of JSON text.
    pub bytes: usize,
}

/// Writes `value` as JSON. `root` is what messages call it (`env`, `result`), `script` the text of the script.
/// The error is a sentence without data of the user.
pub(super) fn write(
    value: &JsValue,
    root: &str,
    script: &str,
    caps: Caps,
    context: &mut Context,
) -> Result<String, String> {
    let mut walk = Walk { out: String::new(), path: Vec::new(), above: Vec::new(), root, script, caps, context };
    walk.value(value)?;
    walk.fits()?;
    Ok(walk.out)
}

/// One step of a path.
enum Part {
    Key(JsString),
    Index(u32),
}

struct Walk<'a> {
    out: String,
    path: Vec<Part>,
    above: Vec<JsObject>,
    root: &'a str,
    script: &'a str,
    caps: Caps,
    context: &'a mut Context,
}

impl Walk<'_> {
    /// Checks the text so far against its limit.
    fn fits(&self) -> Result<(), String> {
        if self.out.len() > self.caps.bytes { Err(self.too_large()) } else { Ok(()) }
    }

    fn too_large(&self) -> String {
        format!("{} is larger than {} KiB", self.root, self.caps.bytes / 1024)
    }

    fn value(&mut self, value: &JsValue) -> Result<(), String> {
        self.fits()?;
        if let Some(object) = value.as_object() {
            // The values of `env` go into requests and rules, which need texts. A document keeps its elements.
            return match element::text_of(&object, self.context).filter(|_| self.root == "env") {
                Some(text) => self.string(&text),
                None => self.compound(&object),
            };
        }
        if let Some(text) = value.as_string() {
            return self.string(&text);
        }
        if let Some(flag) = value.as_boolean() {
            self.out.push_str(if flag { "true" } else { "false" });
            return Ok(());
        }
        if let Some(number) = value.as_number() {
            return self.number(number);
        }
        if value.is_null() {
            self.out.push_str("null");
            return Ok(());
        }
        Err(self.is(if value.is_undefined() {
            "undefined; use null or leave it out"
        } else if value.is_bigint() {
            "a BigInt; use String()"
        } else {
            "a Symbol"
        }))
    }

    fn number(&mut self, number: f64) -> Result<(), String> {
        if !number.is_finite() {
            return Err(self.is(if number.is_nan() { "NaN" } else { "Infinity" }));
        }
        // The engine prints numbers as ECMAScript does, which is JSON for finite ones ("-0" prints as 0).
        let text = JsValue::from(number).to_string(self.context).map_err(|_| self.is("a number"))?;
        self.out.push_str(&text.to_std_string_lossy());
        Ok(())
    }

    fn string(&mut self, text: &JsString) -> Result<(), String> {
        // A string's own length counts UTF-16 units, which is a lower bound of the bytes.
        if text.len() > self.caps.bytes {
            return Err(self.too_large());
        }
        let text =
            text.to_std_string().map_err(|_| self.is("text with half of a surrogate pair, which is no character"))?;
        let quoted = serde_json::to_string(&text).map_err(|_| self.is("no text"))?;
        self.out.push_str(&quoted);
        self.fits()
    }

    fn compound(&mut self, object: &JsObject) -> Result<(), String> {
        if self.above.iter().any(|it| JsObject::equals(it, object)) {
            return Err(self.is("an object that contains itself"));
        }
        if self.above.len() >= self.caps.depth {
            return Err(self.is(&format!("nested deeper than {} levels", self.caps.depth)));
        }
        if let Some(what) = self.not_plain(object) {
            return Err(self.is(what));
        }
        self.above.push(object.clone());
        if object.is_array() {
            self.array(object)?;
        } else {
            self.object(object)?;
        }
        self.above.pop();
        Ok(())
    }

    /// Names the kind of an object that is neither an array nor a plain object.
    fn not_plain(&self, object: &JsObject) -> Option<&'static str> {
        // First of all, because any access to a proxy runs the script's code.
        if object.is::<Proxy>() {
            return Some("a Proxy");
        }
        if object.is_callable() {
            return Some("a function");
        }
        if object.is_array() {
            return None;
        }
        if object.is::<Date>() {
            return Some("a Date; use .toISOString()");
        }
        if object.is::<Error>() {
            return Some("an Error; use .message");
        }
        if object.is::<OrdinaryObject>() {
            let plain = self.context.intrinsics().constructors().object().prototype();
            return match object.prototype() {
                None => None,
                Some(prototype) if JsObject::equals(&prototype, &plain) => None,
                Some(prototype) if element::is_prototype(&prototype, self.context) => None,
                Some(_) => Some("an object of a class; use its toString() or copy its fields into a plain object"),
            };
        }
        let constructors = self.context.intrinsics().constructors();
        let kinds = [
            (constructors.map(), "a Map; use Object.fromEntries()"),
            (constructors.set(), "a Set; use Array.from()"),
            (constructors.regexp(), "a RegExp; use String()"),
            (constructors.string(), "a String object; use String(…) without new"),
            (constructors.number(), "a Number object; use Number(…) without new"),
            (constructors.boolean(), "a Boolean object; use Boolean(…) without new"),
            (constructors.typed_uint8_array(), "a Uint8Array; use code_util.hex.encode() or base64.encode()"),
        ];
        let prototype = object.prototype();
        let known = kinds.iter().find(|(kind, _)| {
            prototype.as_ref().is_some_and(|prototype| JsObject::equals(prototype, &kind.prototype()))
        });
        Some(known.map_or("not a plain object", |(_, what)| *what))
    }

    fn array(&mut self, array: &JsObject) -> Result<(), String> {
        let length = data(array, &js_string!("length").into()).and_then(|it| it.as_number()).unwrap_or(0.0);
        self.out.push('[');
        let mut index: u32 = 0;
        while f64::from(index) < length {
            if index > 0 {
                self.out.push(',');
            }
            self.path.push(Part::Index(index));
            let value = self.property(array, &PropertyKey::from(index))?;
            self.value(&value)?;
            self.path.pop();
            index += 1;
        }
        self.out.push(']');
        Ok(())
    }

    fn object(&mut self, object: &JsObject) -> Result<(), String> {
        let keys = object.own_property_keys(self.context).map_err(|_| self.is("not readable"))?;
        self.out.push('{');
        let mut first = true;
        for key in keys {
            // JSON has no symbols, and no loop shows non-enumerable properties either.
            let name = match &key {
                PropertyKey::String(name) => name.clone(),
                PropertyKey::Index(index) => JsString::from(index.get().to_string()),
                PropertyKey::Symbol(_) => continue,
            };
            if !enumerable(object, &key) {
                continue;
            }
            if !first {
                self.out.push(',');
            }
            first = false;
            self.path.push(Part::Key(name.clone()));
            self.string(&name)?;
            self.out.push(':');
            let value = self.property(object, &key)?;
            self.value(&value)?;
            self.path.pop();
        }
        self.out.push('}');
        Ok(())
    }

    fn property(&self, object: &JsObject, key: &PropertyKey) -> Result<JsValue, String> {
        match object.borrow().properties().get(key) {
            None => Err(self.is("missing: a hole in an array")),
            Some(property) if property.is_accessor_descriptor() => Err(self.is("a getter; use a value")),
            Some(property) => Ok(property.value().cloned().unwrap_or_default()),
        }
    }

    /// "env.ts is a Date"; keys that are data are left out of the path.
    fn is(&self, what: &str) -> String {
        let mut text = self.root.to_owned();
        for part in &self.path {
            match part {
                Part::Index(index) => {
                    let _ = write!(text, "[{index}]");
                }
                Part::Key(key) => match key.to_std_string().ok().filter(|key| written(self.script, key)) {
                    Some(key) => {
                        text.push('.');
                        text.push_str(&key);
                    }
                    None => text.push_str("[…]"),
                },
            }
        }
        format!("{text} is {what}")
    }
}

/// Whether a key is a word of the script's text, so that naming it reveals nothing.
fn written(script: &str, key: &str) -> bool {
    let part_of_word = |it: char| it.is_alphanumeric() || it == '_' || it == '$';
    !key.is_empty() && key.chars().all(part_of_word) && script.split(|it| !part_of_word(it)).any(|word| word == key)
}

fn data(object: &JsObject, key: &PropertyKey) -> Option<JsValue> {
    object.borrow().properties().get(key).and_then(|it| it.value().cloned())
}

fn enumerable(object: &JsObject, key: &PropertyKey) -> bool {
    object.borrow().properties().get(key).is_some_and(|it| it.enumerable().unwrap_or(false))
}
