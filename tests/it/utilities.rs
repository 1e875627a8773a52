//! Utilities: calls before a login that can never be taken for a verdict.

mod api;
mod flow;
