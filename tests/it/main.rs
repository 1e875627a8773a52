//! Tests from outside: one binary, a module a topic.

mod script_calls;
mod script_poison;
mod support;
