//! Regular expressions of connectors, compiled once at load with bounds.

use regex::{Regex, RegexBuilder};

/// A compiled program of 256 KiB matches any sane rule; without a bound `\w{1000}{1000}` eats the daemon's memory.
const PROGRAM_LIMIT: usize = 256 * 1024;

/// Why a pattern was refused.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// It is not a regular expression of the `regex` crate (no look-around, no back-references).
    #[error("not a regular expression: {0}")]
    Syntax(String),
    /// Its compiled form is over the limit.
    #[error("the pattern is too big when compiled (over {} KiB)", PROGRAM_LIMIT / 1024)]
    TooBig,
}

/// Compiles a pattern; matching is linear in the text whatever the pattern is.
pub fn pattern(text: &str) -> Result<Regex, PatternError> {
    RegexBuilder::new(text).size_limit(PROGRAM_LIMIT).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => PatternError::TooBig,
        // The crate's message ends with its cause; the lines before it draw the pattern again.
        other => PatternError::Syntax(other.to_string().lines().last().unwrap_or_default().trim().to_owned()),
    })
}
