//! The one realm of a worker: no compilation of strings, no jobs, a clock that stands still during a call, everything
//! frozen.
//!
//! A new context for each call would cost 400 µs. A shared one costs 8 µs, but is safe only if no call can leave
//! anything behind: the hooks here and `prelude.js` ensure that.

use std::cell::Cell;
use std::rc::Rc;

use boa_engine::context::HostHooks;
use boa_engine::context::time::{Clock, JsInstant};
use boa_engine::job::IdleJobExecutor;
use boa_engine::realm::Realm;
use boa_engine::{Context, JsArgs, JsNativeError, JsResult, JsString, JsValue, NativeFunction, Source, js_string};

use super::json_in::Numbers;
use super::{code_util, element, json_in};

/// Nesting of calls between scripts and built-in functions. boa's own default, which its tests run with; the engine
/// thread's stack is sized for it.
const MAX_RECURSION: usize = 512;

/// Frames of a backtrace. The script's innermost frame is needed, and a few frames of built-ins may be above it.
const BACKTRACE: usize = 16;

/// Ends `eval`, `Function` and every constructor chain that leads to it, before anything is parsed.
struct Hooks;

impl HostHooks for Hooks {
    fn ensure_can_compile_strings(
        &self,
        _: Realm,
        _: &[JsString],
        _: &JsString,
        _: bool,
        _: &mut Context,
    ) -> JsResult<()> {
        Err(JsNativeError::eval().with_message("text cannot be run as code").into())
    }

    // A worker has no time zone files and no environment: its local time is UTC wherever it runs.
    fn local_timezone_offset_seconds(&self, _: i64) -> i32 {
        0
    }

    // A typed array of this size fills half of a worker's memory limit.
    fn max_buffer_size(&self, _: &mut Context) -> u64 {
        16 * 1024 * 1024
    }
}

/// The time of the call: `time.unix_ms`, so that `Date`, `code_util.now()` and the request agree.
#[derive(Default)]
pub(super) struct CallClock(Cell<i64>);

impl CallClock {
    /// Sets the time, in milliseconds since 1970.
    pub(super) fn set(&self, unix_ms: i64) {
        self.0.set(unix_ms);
    }
}

impl Clock for CallClock {
    fn now(&self) -> JsInstant {
        let ms = u64::try_from(self.0.get()).unwrap_or(0);
        let nanos = u32::try_from(ms % 1000).unwrap_or(0) * 1_000_000;
        JsInstant::new(ms / 1000, nanos)
    }

    fn system_time_millis(&self) -> i64 {
        self.0.get()
    }
}

/// `JSON.parse` without its reviver, which the prelude adds. The engine's own interns every string that it parses, so a
/// worker would keep every key and password that it ever parsed.
fn parse_json(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let text = args.get_or_undefined(0).to_string(context)?;
    let value = text.to_std_string().ok().and_then(|text| json_in::read(&text, Numbers::Rounded, context).ok());
    value.ok_or_else(|| JsNativeError::syntax().with_message("JSON.parse: the text is not JSON").into())
}

/// A context whose realm is prepared and frozen.
pub(super) fn build(clock: Rc<CallClock>) -> JsResult<Context> {
    let mut context =
        Context::builder().host_hooks(Rc::new(Hooks)).clock(clock).job_executor(Rc::new(IdleJobExecutor)).build()?;
    context.runtime_limits_mut().set_recursion_limit(MAX_RECURSION);
    context.runtime_limits_mut().set_backtrace_limit(BACKTRACE);
    code_util::install(&mut context)?;
    context.register_global_builtin_callable(js_string!("parseJson"), 1, NativeFunction::from_fn_ptr(parse_json))?;
    let prototype = context.eval(Source::from_bytes(include_str!("prelude.js")))?;
    element::keep(&prototype, &mut context);
    Ok(context)
}
