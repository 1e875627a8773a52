//! `code_util`: what scripts may call, in Rust, over the same functions as template filters.
//!
//! Text goes in as UTF-8; a `Uint8Array` goes in as its bytes, which is what `encode` and `output: "bytes"` yield.
//! Messages name the function and the argument, never its value.

mod bytes;
mod ciphers;
mod parsers;
mod signatures;

use boa_engine::object::{FunctionObjectBuilder, JsObject, ObjectInitializer};
use boa_engine::property::Attribute;
use boa_engine::{Context, JsArgs, JsError, JsNativeError, JsResult, JsString, JsValue, NativeFunction, js_string};

use super::element;

/// Bytes of one argument at most. Replies to scripts are capped at 256 KiB, so this is not met in practice; it keeps
/// a script from feeding megabytes to a function that the CPU budget cannot interrupt half-way.
const MAX_INPUT: usize = 1024 * 1024;

/// Characters of a message for the user at most: what an error message of a verdict may be.
const MAX_MESSAGE: usize = 512;

/// Rejections that one call may make; it throws one.
const MAX_REJECTS: usize = 16;

/// What `code_util.reject()` returned during this call, with the message of each. An object is recognised by being
/// one of these, so no script can forge one and none can change the message afterwards.
#[derive(Default)]
struct Rejects(Vec<(JsObject, String)>);

type Native = fn(&JsValue, &[JsValue], &mut Context) -> JsResult<JsValue>;

/// Defines the global `code_util`. The prelude freezes it with everything else.
pub(super) fn install(context: &mut Context) -> JsResult<()> {
    let object = JsObject::with_object_proto(context.intrinsics());
    bytes::install(&object, context)?;
    ciphers::install(&object, context)?;
    parsers::install(&object, context)?;
    signatures::install(&object, context)?;
    define(&object, "uuid", 0, uuid, context)?;
    define(&object, "randomHex", 1, random_hex, context)?;
    define(&object, "now", 0, now, context)?;
    define(&object, "reject", 1, reject, context)?;
    context.register_global_property(js_string!("code_util"), object, Attribute::READONLY)
}

fn define(object: &JsObject, name: &str, length: usize, body: Native, context: &mut Context) -> JsResult<()> {
    add(object, name, length, NativeFunction::from_fn_ptr(body), context)
}

/// Adds a function, possibly a closure, to an object.
fn add(object: &JsObject, name: &str, length: usize, body: NativeFunction, context: &mut Context) -> JsResult<()> {
    let function = FunctionObjectBuilder::new(context.realm(), body).name(JsString::from(name)).length(length).build();
    object.create_data_property_or_throw(JsString::from(name), function, context)?;
    Ok(())
}

/// An object with functions, such as `code_util.hex`.
fn group<const N: usize>(functions: [(&str, Native); N], context: &mut Context) -> JsObject {
    let mut object = ObjectInitializer::new(context);
    for (name, body) in functions {
        object.function(NativeFunction::from_fn_ptr(body), JsString::from(name), 2);
    }
    object.build()
}

/// A `TypeError` with a message of ours.
fn mistake(message: impl Into<String>) -> JsError {
    JsNativeError::typ().with_message(message.into()).into()
}

/// The text of an argument: a string, or a number or boolean as a string would show it.
fn text(args: &[JsValue], index: usize, what: &str, context: &mut Context) -> JsResult<String> {
    let value = args.get_or_undefined(index);
    let element = value.as_object().and_then(|object| element::text_of(&object, context));
    let text = if let Some(text) = value.as_string().or(element) {
        text.to_std_string()
            .map_err(|_| mistake(format!("{what} has half of a surrogate pair, which is no character")))?
    } else if value.is_boolean() || value.is_number() {
        value.to_string(context)?.to_std_string_lossy()
    } else {
        return Err(mistake(format!("{what} is {}; a string is needed", kind(value))));
    };
    if text.len() > MAX_INPUT {
        return Err(mistake(format!("{what} is larger than 1 MiB")));
    }
    Ok(text)
}

/// What a value is, for a message.
fn kind(value: &JsValue) -> &'static str {
    if value.is_undefined() {
        "undefined"
    } else if value.is_null() {
        "null"
    } else if value.is_object() {
        "an object"
    } else {
        "of another type"
    }
}

fn uuid(_: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| mistake("code_util.uuid: no random numbers"))?;
    let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
    Ok(JsString::from(id.to_string()).into())
}

fn random_hex(_: &JsValue, args: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let count = args.get_or_undefined(0).as_number().filter(|it| (1.0..=1024.0).contains(it) && it.fract() == 0.0);
    let count = count.ok_or_else(|| mistake("code_util.randomHex: the number of bytes must be 1 to 1024"))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number from 1 to 1024")]
    let mut bytes = vec![0; count as usize];
    getrandom::fill(&mut bytes).map_err(|_| mistake("code_util.randomHex: no random numbers"))?;
    Ok(JsString::from(crate::crypto::encoding::hex_encode(&bytes)).into())
}

#[expect(clippy::unnecessary_wraps, reason = "the engine wants functions of this type")]
fn now(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 stay below 2^53 for 285,000 years")]
    let now = context.clock().system_time_millis() as f64;
    Ok(JsValue::from(now))
}

fn reject(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let text = text(args, 0, "code_util.reject: the message", context)?;
    let message: String = text.chars().map(|it| if it.is_control() { ' ' } else { it }).take(MAX_MESSAGE).collect();
    let kept = context.get_data::<Rejects>().map_or(0, |rejects| rejects.0.len());
    if kept >= MAX_REJECTS {
        return Err(mistake("code_util.reject: called too often"));
    }
    let object = JsNativeError::error().with_message(message.clone()).into_opaque(context);
    let mut rejects = context.remove_data::<Rejects>().unwrap_or_default();
    rejects.0.push((object.clone(), message));
    context.insert_data(*rejects);
    Ok(object.into())
}

/// The message of a thrown `code_util.reject()`, if that is what it is.
pub(super) fn rejected(value: &JsValue, context: &Context) -> Option<String> {
    let thrown = value.as_object()?;
    let rejects = context.get_data::<Rejects>()?;
    rejects.0.iter().find(|(object, _)| JsObject::equals(object, &thrown)).map(|(_, message)| message.clone())
}

/// Forgets the rejections of the last call.
pub(super) fn reset(context: &mut Context) {
    context.remove_data::<Rejects>();
}
