//! Tests from outside: one binary, a module a topic.

mod json_suite;
mod jsonpath_suite;
mod replies;
mod support;
