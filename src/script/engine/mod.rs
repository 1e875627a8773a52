//! The JavaScript engine (boa), which no other module names: texts of scripts and JSON go in, JSON comes out.
//!
//! It runs in worker processes only. It cannot be interrupted and may exhaust memory or the stack, so the process must
//! be expendable.

mod body;
mod braces;
mod code_util;
mod compile;
mod element;
mod failure;
mod finder;
mod forbidden;
mod garbage;
mod json_in;
mod json_out;
mod reads;
mod realm;
mod record;
mod rejections;
mod scopes;
mod syntax;

use std::rc::Rc;
use std::time::Instant;

use boa_engine::object::{IntegrityLevel, JsObject};
use boa_engine::{Context, JsValue, js_string};

use self::garbage::Garbage;
use self::json_in::Numbers;
use self::json_out::Caps;
use self::realm::CallClock;
pub(crate) use self::syntax::SyntaxError;
use super::ScriptKind;
use super::reads::Reads;

/// Deepest nesting of a result.
const MAX_DEPTH: usize = 32;

/// The result of a call. Messages of `Threw` may contain data of the user.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// JSON text: `env`, or what a preprocess script yields.
    Value(String),
    /// `throw code_util.reject(message)`.
    Rejected(String),
    /// Anything else that was thrown, with the place in the script's own text.
    Threw { message: String, at: Option<(u32, u32)> },
    /// The result is not JSON; a sentence without data of the user.
    BadResult(String),
}

/// Largest results, in bytes of JSON.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResultCaps {
    pub env: usize,
    pub result: usize,
}

/// Checks scripts without running them, when connectors load.
///
/// It compiles each script as the workers of a pool do, because a pool with a script that does not compile does not
/// start.
#[derive(Default)]
pub(crate) struct Checker {
    /// A realm in which nothing runs. Made for the first script, as most workers check none.
    context: Option<Context>,
    seen: usize,
}

impl Checker {
    pub(crate) fn check(&mut self, text: &str) -> Result<Reads, SyntaxError> {
        self.seen += text.len();
        // The interner keeps every name it saw; a new one now and then keeps a long inspection small.
        if self.seen > 1024 * 1024 {
            *self = Self { seen: text.len(), ..Self::default() };
        }
        let context = self.context.get_or_insert_default();
        // Of the two kinds the one with more parameters.
        compile::compile(ScriptKind::Preprocess, text, context).map(|(found, _)| found.reads)
    }
}

struct Compiled {
    kind: ScriptKind,
    text: String,
    function: JsObject,
}

/// One frozen realm with the scripts of one generation.
pub(crate) struct Engine {
    context: Context,
    /// Calls bodies of scripts.
    caller: JsValue,
    clock: Rc<CallClock>,
    scripts: Vec<Compiled>,
    caps: ResultCaps,
    garbage: Garbage,
}

impl Engine {
    /// Builds and freezes the realm (tens of milliseconds). An error is a fault of this crate.
    pub(crate) fn new(caps: ResultCaps) -> Result<Self, String> {
        let clock = Rc::new(CallClock::default());
        let mut context = realm::build(Rc::clone(&clock)).map_err(|error| error.to_string())?;
        let caller = body::caller(&mut context).map_err(|error| error.to_string())?.into();
        Ok(Self { context, caller, clock, scripts: Vec::new(), caps, garbage: Garbage::default() })
    }

    /// Compiles one more script; its number is how many came before it.
    pub(crate) fn add(&mut self, kind: ScriptKind, text: String) -> Result<(), SyntaxError> {
        let (_, function) = compile::compile(kind, &text, &mut self.context)?;
        self.scripts.push(Compiled { kind, text, function });
        Ok(())
    }

    /// Runs one script. `input` is the JSON text of an object with the parameters.
    pub(crate) fn call(&mut self, script: usize, input: &str) -> Reply {
        let begun = Instant::now();
        let reply = self.run(script, input);
        code_util::reset(&mut self.context);
        self.context.clear_kept_objects();
        self.garbage.count(input.len(), begun);
        reply
    }

    fn run(&mut self, script: usize, input: &str) -> Reply {
        let Some(script) = self.scripts.get(script) else {
            return Reply::BadResult("there is no such script".to_owned());
        };
        let context = &mut self.context;
        let Ok(input) = json_in::read(input, Numbers::Kept, context) else {
            return Reply::BadResult("the parameters are not JSON".to_owned());
        };
        let arguments = arguments(script.kind, &input, context);
        self.clock.set(unix_ms(&input, context));
        let left = script.function.call(&self.caller, &arguments, context);
        let left = match body::thrown(context).map_or(left, Err) {
            Ok(left) => left,
            Err(error) => return failure::describe(&error, context),
        };
        let (value, root, bytes) = match script.kind {
            ScriptKind::Variables => (element(&left, 1, context), "env", self.caps.env),
            ScriptKind::Preprocess => match element(&left, 0, context) {
                returned if returned.is_undefined() => (element(&left, 1, context), "result", self.caps.result),
                returned => (returned, "the returned value", self.caps.result),
            },
        };
        match json_out::write(&value, root, &script.text, Caps { depth: MAX_DEPTH, bytes }, context) {
            Ok(json) => Reply::Value(json),
            Err(what) => Reply::BadResult(what),
        }
    }
}

/// The parameters in order. One that the input lacks is an empty object, so that `answer.code` is undefined. What the
/// connector fixes cannot be written to: a script that tries fails at that line.
fn arguments(kind: ScriptKind, input: &JsValue, context: &mut Context) -> Vec<JsValue> {
    let names = compile::parameters(kind).iter();
    names
        .map(|name| {
            let object = match field(input, name, context) {
                value if value.is_undefined() => JsObject::with_object_proto(context.intrinsics()).into(),
                value => value,
            };
            if let Some(settings) = object.as_object().filter(|_| *name == "settings") {
                // An ordinary object of texts: freezing it runs nothing and cannot fail.
                let _ = settings.set_integrity_level(IntegrityLevel::Frozen, context);
            }
            object
        })
        .collect()
}

fn unix_ms(input: &JsValue, context: &mut Context) -> i64 {
    let time = field(input, "time", context);
    let ms = field(&time, "unix_ms", context);
    let ms = match ms.as_string() {
        Some(text) => text.to_std_string_lossy().parse().ok(),
        None => ms.as_number(),
    };
    #[expect(clippy::cast_possible_truncation, reason = "a float casts to the nearest integer")]
    ms.map_or(0, |ms| ms as i64)
}

fn field(of: &JsValue, name: &str, context: &mut Context) -> JsValue {
    let value = of.as_object().map(|object| object.get(boa_engine::JsString::from(name), context));
    value.and_then(Result::ok).unwrap_or_default()
}

/// An element of the array that the wrapper returned: ours, so nothing of the script runs.
fn element(left: &JsValue, index: u32, context: &mut Context) -> JsValue {
    let value = left.as_object().map(|array| array.get(index, context));
    value.and_then(Result::ok).unwrap_or(JsValue::from(js_string!("")))
}

#[cfg(test)]
mod tests;
