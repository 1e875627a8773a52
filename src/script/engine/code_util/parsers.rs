//! The part of `code_util` that reads text formats into values, with the readers of replies and packed passwords.

use boa_engine::object::JsObject;
use boa_engine::object::builtins::JsArray;
use boa_engine::property::{PropertyDescriptor, PropertyKey};
use boa_engine::{Context, JsArgs, JsResult, JsString, JsValue};
use indexmap::IndexMap;

use super::super::element;
use super::super::json_in::number;
use super::{define, mistake, text};
use crate::document::{Gaps, Json5, MembersError, PairsSpec, Value, from_form, from_json5, from_pairs, from_xml};

pub(super) fn install(object: &JsObject, context: &mut Context) -> JsResult<()> {
    define(object, "parseJson5", 1, json5, context)?;
    define(object, "parseForm", 1, form, context)?;
    define(object, "parsePairs", 4, pairs, context)?;
    define(object, "parseXml", 1, xml, context)
}

fn json5(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let whole = text(args, 0, "code_util.parseJson5: the first argument", context)?;
    parsed("parseJson5", from_json5(&whole).and_then(Json5::into_value), context)
}

fn form(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let whole = text(args, 0, "code_util.parseForm: the first argument", context)?;
    parsed("parseForm", from_form(whole.as_bytes(), encoding_rs::UTF_8, Gaps::Allow).map(texts), context)
}

fn xml(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let whole = text(args, 0, "code_util.parseXml: the first argument", context)?;
    parsed("parseXml", from_xml(&whole), context)
}

fn pairs(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let whole = text(args, 0, "code_util.parsePairs: the first argument", context)?;
    let between = text(args, 1, "code_util.parsePairs: the separator between pairs", context)?;
    let after_key = text(args, 2, "code_util.parsePairs: the separator after a key", context)?;
    let last = match args.get_or_undefined(3) {
        value if value.is_undefined() => None,
        _ => Some(text(args, 3, "code_util.parsePairs: the last key", context)?),
    };
    parsed("parsePairs", read_pairs(&whole, &PairsSpec { between, after_key, last }).map(texts), context)
}

/// Pairs as scripts get them: no text is no pair, and one separator at the end means nothing, unless the last key takes
/// it.
fn read_pairs(text: &str, spec: &PairsSpec) -> Result<IndexMap<String, String>, MembersError> {
    let text = match spec.last {
        None => text.strip_suffix(spec.between.as_str()).unwrap_or(text),
        Some(_) => text,
    };
    if text.is_empty() && !spec.between.is_empty() { Ok(IndexMap::new()) } else { from_pairs(text, spec) }
}

fn texts(members: IndexMap<String, String>) -> Value {
    members.into_iter().map(|(name, value)| (name, Value::Text(value))).collect()
}

fn parsed<E: std::fmt::Display>(name: &str, value: Result<Value, E>, context: &mut Context) -> JsResult<JsValue> {
    match value {
        Ok(value) => Ok(to_js(&value, context)),
        Err(error) => Err(mistake(format!("code_util.{name}: {error}"))),
    }
}

/// A value of the crate as a value of the engine. The readers cap its depth.
pub(super) fn to_js(value: &Value, context: &mut Context) -> JsValue {
    match value {
        Value::Null => JsValue::null(),
        Value::Bool(flag) => JsValue::from(*flag),
        Value::Number(digits) => number(digits.as_str()).unwrap_or_default(),
        Value::Text(text) => JsString::from(text.as_str()).into(),
        Value::Array(items) => {
            let items: Vec<JsValue> = items.iter().map(|item| to_js(item, context)).collect();
            JsArray::from_iter(items, context).into()
        }
        Value::Object(fields) => {
            let object = JsObject::with_object_proto(context.intrinsics());
            for (name, field) in fields {
                let property = PropertyDescriptor::builder()
                    .value(to_js(field, context))
                    .writable(true)
                    .enumerable(true)
                    .configurable(true);
                object.insert_property(PropertyKey::from(JsString::from(name.as_str())), property);
            }
            if fields.contains_key("#text") && fields.keys().all(|name| element::is_member(name)) {
                element::adopt(&object, context);
            }
            object.into()
        }
    }
}
