//! Describes what a script threw: a message and a position.

use boa_engine::builtins::error::Error;
use boa_engine::builtins::proxy::Proxy;
use boa_engine::object::JsObject;
use boa_engine::property::PropertyKey;
use boa_engine::{Context, JsError, JsValue, js_string};

use super::compile::PATH;
use super::{Reply, code_util};

/// Longest message that is passed on, in characters. Developers see it in a send test.
const MAX_MESSAGE: usize = 512;

/// Longest chain of base classes that is followed to name an error's class.
const MAX_CLASSES: usize = 8;

/// Turns an error into a reply. Runs no code of the script, since a thrown object may be a proxy with traps.
pub(super) fn describe(error: &JsError, context: &mut Context) -> Reply {
    if let Some(message) = error.as_opaque().and_then(|value| code_util::rejected(value, context)) {
        return Reply::Rejected(message);
    }
    let (message, at) = match (error.as_native(), error.as_opaque()) {
        (Some(native), _) => {
            let at = trace_after(error, &native.to_string());
            (format!("{}: {}", native.kind(), native.message()), at)
        }
        (None, Some(value)) => thrown(error, value, context),
        // The engine's own limits: recursion and stack size.
        (None, None) => (error.to_string().lines().next().unwrap_or_default().to_owned(), None),
    };
    Reply::Threw { message: message.chars().take(MAX_MESSAGE).collect(), at }
}

fn thrown(error: &JsError, value: &JsValue, context: &mut Context) -> (String, Option<(u32, u32)>) {
    let Some(object) = value.as_object() else {
        let shown = value.display().to_string();
        let at = trace_after(error, &shown);
        let text = value.as_string().map_or(shown, |text| text.to_std_string_lossy());
        return (text, at);
    };
    if object.is::<Proxy>() {
        return ("a Proxy was thrown".to_owned(), None);
    }
    let message = own_text(value, &js_string!("message").into());
    if !object.is::<Error>() {
        return (message.unwrap_or_else(|| "an object was thrown".to_owned()), None);
    }
    let message = match (class_name(value, context), message) {
        (Some(name), Some(message)) => format!("{name}: {message}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "Error".to_owned(),
    };
    (message, stack_of(value, context))
}

fn own_text(value: &JsValue, key: &PropertyKey) -> Option<String> {
    let object = value.as_object()?;
    let property = object.borrow().properties().get(key)?;
    property.value()?.as_string().map(|text| text.to_std_string_lossy())
}

/// The class of an error: an own or inherited `name` that is plain data, or the built-in class that it belongs to.
fn class_name(value: &JsValue, context: &Context) -> Option<String> {
    let built_in = context.intrinsics().constructors();
    let classes = [
        (built_in.type_error(), "TypeError"),
        (built_in.range_error(), "RangeError"),
        (built_in.reference_error(), "ReferenceError"),
        (built_in.syntax_error(), "SyntaxError"),
        (built_in.eval_error(), "EvalError"),
        (built_in.uri_error(), "URIError"),
        (built_in.error(), "Error"),
    ];
    let mut object = value.as_object()?;
    for _ in 0..MAX_CLASSES {
        if let Some((_, name)) = classes.iter().find(|(class, _)| JsObject::equals(&class.prototype(), &object)) {
            return Some((*name).to_owned());
        }
        if object.is::<Proxy>() {
            return None;
        }
        if let Some(name) = own_text(&object.clone().into(), &js_string!("name").into()) {
            return Some(name);
        }
        object = object.prototype()?;
    }
    None
}

/// The position of an error object, from its own backtrace, read with the engine's getter on `Error.prototype`.
fn stack_of(value: &JsValue, context: &mut Context) -> Option<(u32, u32)> {
    let prototype = context.intrinsics().constructors().error().prototype();
    let stack = prototype.borrow().properties().get(&js_string!("stack").into())?;
    let getter = stack.get()?.as_object()?;
    let text = getter.call(value, &[], context).ok()?;
    innermost(&text.as_string()?.to_std_string_lossy())
}

/// The position in the backtrace: the engine prints an error as its message, then one line for each frame.
fn trace_after(error: &JsError, shown: &str) -> Option<(u32, u32)> {
    innermost(error.to_string().strip_prefix(shown)?)
}

/// The first frame of the script in a printed backtrace. The wrapper adds one line above the script.
fn innermost(trace: &str) -> Option<(u32, u32)> {
    trace.lines().find_map(|line| {
        let (_, position) = line.strip_suffix(')')?.rsplit_once(&format!("({PATH}:"))?;
        let (line, column) = position.split_once(':')?;
        Some((line.parse::<u32>().ok()?.checked_sub(1)?.max(1), column.parse().ok()?))
    })
}
