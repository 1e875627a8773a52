//! One binary for all tests from outside.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod accept;
mod architecture;
mod check;
mod check_command;
mod codings;
mod config;
mod demo;
mod diagnostics;
mod docs_connectors;
mod egress;
mod faults;
mod from_curl;
mod golden;
mod json_suite;
mod jsonpath_suite;
mod made_up;
mod places;
mod replies;
mod schema;
mod script_calls;
mod script_code_util;
mod script_escape;
mod script_failures;
mod script_poison;
mod script_recipes;
mod script_results;
mod script_sandbox;
mod script_styles;
mod send_test;
mod server;
mod shipped;
mod support;
mod tls;
mod transport;
