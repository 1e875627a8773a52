//! Tests from outside: one binary, a module a topic.

mod script_calls;
mod script_code_util;
mod script_escape;
mod script_failures;
mod script_poison;
mod script_recipes;
mod script_results;
mod script_sandbox;
mod script_styles;
mod support;
