//! One binary for all tests from outside.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod accept;
mod architecture;
mod canary;
mod check_command;
mod codings;
mod config;
mod diagnostics;
mod egress;
mod faults;
mod golden;
mod guard;
mod json_suite;
mod jsonpath_suite;
mod made_up;
mod places;
mod reload;
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
mod serve;
mod server;
mod shipped;
mod support;
mod tls;
mod transport;
