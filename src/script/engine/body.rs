//! Calls the body of a script and catches what it throws.
//!
//! When an exception passes through a function that Rust called, boa 0.22 leaves that function's values on its stack,
//! and those of the functions between (`Context::handle_throw`; `handle_error` for its own limits). After a few hundred
//! rejected inputs the stack of that worker was full. So no exception passes through the wrapper around a script: it
//! calls the body by a function of ours, which keeps the exception for [`thrown`] and returns.

use boa_engine::object::{FunctionObjectBuilder, IntegrityLevel, JsObject};
use boa_engine::{Context, JsArgs, JsError, JsNativeError, JsResult, JsValue, NativeFunction};

/// What the body threw.
struct Thrown(JsError);

/// `caller(f, this, …arguments)`. The wrapper gets it as its `this`, so that it needs no name that a script could use.
pub(super) fn caller(context: &mut Context) -> JsResult<JsObject> {
    let function: JsObject =
        FunctionObjectBuilder::new(context.realm(), NativeFunction::from_fn_ptr(call)).build().into();
    function.set_integrity_level(IntegrityLevel::Frozen, context)?;
    Ok(function)
}

fn call(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let function = args.get_or_undefined(0).as_object();
    let function = function.ok_or_else(|| JsNativeError::typ().with_message("the wrapper calls functions only"))?;
    let returned = function.call(args.get_or_undefined(1), args.get(2..).unwrap_or_default(), context);
    Ok(returned.unwrap_or_else(|error| {
        context.insert_data(Thrown(error));
        JsValue::undefined()
    }))
}

/// Takes what the body of the last call threw.
pub(super) fn thrown(context: &mut Context) -> Option<JsError> {
    context.remove_data::<Thrown>().map(|thrown| thrown.0)
}
