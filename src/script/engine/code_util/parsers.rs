//! The part of `code_util` that reads text formats into values.

use boa_engine::object::JsObject;
use boa_engine::object::builtins::JsArray;
use boa_engine::property::{PropertyDescriptor, PropertyKey};
use boa_engine::{Context, JsArgs, JsResult, JsString, JsValue};

use super::super::json_in::number;
use super::{define, mistake, text};
use crate::document::Value;
use crate::script::formats::{FormatError, parse_form, parse_json5, parse_pairs, parse_xml};

pub(super) fn install(object: &JsObject, context: &mut Context) -> JsResult<()> {
    define(object, "parseJson5", 1, json5, context)?;
    define(object, "parseForm", 1, form, context)?;
    define(object, "parsePairs", 4, pairs, context)?;
    define(object, "parseXml", 1, xml, context)
}

fn json5(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    parsed("parseJson5", parse_json5(&text(args, 0, "code_util.parseJson5: the first argument", context)?), context)
}

fn form(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    parsed("parseForm", parse_form(&text(args, 0, "code_util.parseForm: the first argument", context)?), context)
}

fn xml(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    parsed("parseXml", parse_xml(&text(args, 0, "code_util.parseXml: the first argument", context)?), context)
}

fn pairs(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let whole = text(args, 0, "code_util.parsePairs: the first argument", context)?;
    let between = text(args, 1, "code_util.parsePairs: the separator between pairs", context)?;
    let after_key = text(args, 2, "code_util.parsePairs: the separator after a key", context)?;
    let last = match args.get_or_undefined(3) {
        value if value.is_undefined() => None,
        _ => Some(text(args, 3, "code_util.parsePairs: the last key", context)?),
    };
    parsed("parsePairs", parse_pairs(&whole, &between, &after_key, last.as_deref()), context)
}

fn parsed(name: &str, value: Result<Value, FormatError>, context: &mut Context) -> JsResult<JsValue> {
    match value {
        Ok(value) => Ok(to_js(&value, context)),
        Err(error) => Err(mistake(format!("code_util.{name}: {error}"))),
    }
}

/// A value of the crate as a value of the engine. The readers cap its depth.
fn to_js(value: &Value, context: &mut Context) -> JsValue {
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
            object.into()
        }
    }
}
