//! Wraps a checked body into a function of the frozen realm.
//!
//! The body becomes a strict function inside a function with the parameters, so that `return` anywhere still leaves
//! `env` and `result` readable, reassigned or not. Everything before the body stands on one line of its own: line N of
//! the wrapped text is line N - 1 of the script.

use std::fmt::Write as _;
use std::path::Path;

use boa_engine::ast::scope::Scope;
use boa_engine::object::JsObject;
use boa_engine::parser::Parser;
use boa_engine::{Context, JsError, JsString, Source};

use super::finder::ScriptFacts;
use super::syntax::{SyntaxError, check, mistake};
use crate::script::ScriptKind;
use crate::script::reads::ScriptPosition;

/// The name of the text in backtraces. No file of that name is ever opened.
pub(super) const PATH: &str = "script";

/// The parameters of a kind of script, in the order of the call.
pub(super) const fn parameters(kind: ScriptKind) -> &'static [&'static str] {
    const PREPROCESS: [&str; 11] =
        ["user", "env", "steps", "secret", "settings", "answer", "time", "random", "request", "response", "result"];
    match kind {
        ScriptKind::Variables => PREPROCESS.split_at(9).0,
        ScriptKind::Preprocess => &PREPROCESS,
    }
}

/// The position of an error that concerns the whole script.
const START: ScriptPosition = ScriptPosition { line: 1, column: 1 };

/// Compiles a script to a function that takes the parameters and returns `[returned, env or result]`. Runs nothing of
/// it.
pub(super) fn compile(
    kind: ScriptKind,
    text: &str,
    context: &mut Context,
) -> Result<(ScriptFacts, JsObject), SyntaxError> {
    let found = check(text, context.interner_mut())?;
    let wrapped = wrap(kind, text, &found, context);
    let source = Source::from_bytes(&wrapped).with_path(Path::new(PATH));
    let function = context.eval(source).map_err(|error| of_the_whole(&wrapped, &error, context))?;
    let function = function
        .as_object()
        .ok_or_else(|| SyntaxError { message: "the script is not one function body".to_owned(), place: START })?;
    Ok((found, function))
}

/// An error that shows only in the wrapped text, such as a `super` or a `#name` outside of a class. The engine's error
/// has no position, so the text is parsed once more.
fn of_the_whole(wrapped: &str, error: &JsError, context: &mut Context) -> SyntaxError {
    let parsed = Parser::new(Source::from_bytes(wrapped)).parse_script(&Scope::new_global(), context.interner_mut());
    let Err(parsed) = parsed else { return SyntaxError { message: error.to_string(), place: START } };
    let SyntaxError { message, place } = mistake(&parsed, wrapped);
    let place = if place.line > 1 { ScriptPosition { line: place.line - 1, ..place } } else { START };
    SyntaxError { message, place }
}

/// The wrapped text. A library pasted as it comes from npm assigns itself to `this` or `globalThis`
/// (`root.CryptoJS = factory()`) and is then used by its bare name. So both are one fresh object that inherits all
/// globals, and each name that the script assigns as a member and uses undeclared becomes a variable behind an accessor
/// of this object.
///
/// The wrapper's own `this` calls the body, see [`super::body`].
fn wrap(kind: ScriptKind, text: &str, found: &ScriptFacts, context: &mut Context) -> String {
    let parameters = parameters(kind).join(",");
    let outcome = match kind {
        ScriptKind::Variables => "env",
        ScriptKind::Preprocess => "result",
    };
    if !found.uses_this {
        return format!("(function({parameters}){{\"use strict\";return[this(function(){{\n{text}\n}}),{outcome}]}})");
    }
    let mut variables = String::new();
    let mut root = String::from("__proto__:globalThis,");
    // Every function has `arguments`, and it cannot be declared.
    for name in found.exports.iter().filter(|name| *name != "arguments" && !is_global(name, context)) {
        let _ = write!(variables, "var {name};");
        let _ = write!(root, "get {name}(){{return {name}}},set {name}(v){{{name}=v}},");
    }
    // The arrow's parameter hides the real global object from the script without using any other name.
    format!(
        "(function({parameters}){{\"use strict\";{variables}return[this(globalThis=>this(function(){{\n{text}\n}},\
         globalThis),0,{{{root}}}),{outcome}]}})"
    )
}

fn is_global(name: &str, context: &mut Context) -> bool {
    context.global_object().has_own_property(JsString::from(name), context).unwrap_or(true)
}
