//! Regular expressions of connectors: compiled once at load, with limits on their memory and on the work of a call.
//!
//! Matching is linear in the text for every pattern, but the factor has no small bound: a pattern of a few hundred
//! bytes can compile to hundreds of kilobytes, and the slowest engine visits all of it for each byte of the text. So a
//! pattern knows its size in memory (`connector::check` adds them up), and matching is charged to the call
//! (`context::Work`).

use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::util::captures::Captures;

use crate::context::Work;

/// A compiled program of 256 KiB matches any sane rule; without a bound `\w{1000}{1000}` eats the daemon's memory.
const PROGRAM_LIMIT: usize = 256 * 1024;

/// Largest lazily built automaton, for each thread that matches at the time. The crate's default of 2 MiB a pattern
/// would be most of the daemon's memory; the automaton of a rule over a page has some 20 KiB.
const AUTOMATON_LIMIT: usize = 64 * 1024;

/// Longest pattern in bytes: parsing takes a hundred times its length in memory.
const TEXT_LIMIT: usize = 32 * 1024;

/// One unit of [`Work`] is one byte of text, for each of these bytes of the compiled program.
const PROGRAM_UNIT: usize = 4 * 1024;

/// Why a pattern was refused.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// It is not a regular expression of the `regex` crate (no look-around, no back-references).
    #[error("not a regular expression: {}", .0.lines().last().unwrap_or_default().trim())]
    Syntax(String),
    /// Its compiled form is over the limit.
    #[error("the pattern is too big when compiled (over {} KiB)", PROGRAM_LIMIT / 1024)]
    TooBig,
}

#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    text: Box<str>,
    bytes: usize,
    /// The cost of one byte of text: the program's size in units of [`PROGRAM_UNIT`], rounded up.
    cost: usize,
}

/// The call has used up its work for patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the patterns of this connector have read as much as one call may")]
pub struct WorkExhausted;

impl Pattern {
    /// Compiles a pattern of the regex crate's syntax, Unicode on.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.len() > TEXT_LIMIT {
            return Err(PatternError::TooBig);
        }
        let config = Config::new()
            .nfa_size_limit(Some(PROGRAM_LIMIT))
            .onepass_size_limit(Some(AUTOMATON_LIMIT))
            .hybrid_cache_capacity(AUTOMATON_LIMIT);
        let regex = Regex::builder().configure(config).build(text).map_err(|error| refused(&error))?;
        let program = regex.memory_usage();
        // Each thread that matches has a cache of its own, at least as large as a new one; the automaton in it grows.
        let bytes = program + regex.create_cache().memory_usage() + AUTOMATON_LIMIT;
        Ok(Self { regex, text: text.into(), bytes, cost: 1 + program / PROGRAM_UNIT })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its size in memory, with the cache of one thread.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The number of groups, not counting the whole match.
    pub fn groups(&self) -> usize {
        self.regex.captures_len() - 1
    }

    /// Whether it occurs in `text`.
    pub fn is_match(&self, text: &str, work: &Work) -> Result<bool, WorkExhausted> {
        self.charge(text, work)?;
        Ok(self.regex.is_match(text))
    }

    /// What its first group holds in the first match; `None` without a match or when the group takes no part in it.
    pub fn first_group<'t>(&self, text: &'t str, work: &Work) -> Result<Option<&'t str>, WorkExhausted> {
        self.charge(text, work)?;
        let mut captures: Captures = self.regex.create_captures();
        self.regex.captures(text, &mut captures);
        Ok(captures.get_group(1).map(|group| &text[group.range()]))
    }

    fn charge(&self, text: &str, work: &Work) -> Result<(), WorkExhausted> {
        let units = (text.len() as u64).saturating_mul(self.cost as u64);
        if work.spend(units) { Ok(()) } else { Err(WorkExhausted) }
    }
}

fn refused(error: &BuildError) -> PatternError {
    match error.syntax_error() {
        // The crate's message shows the pattern; its last line is the cause.
        Some(syntax) => PatternError::Syntax(syntax.to_string()),
        None => PatternError::TooBig,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_bounded() {
        assert!(matches!(Pattern::parse(r"\w{500}{500}"), Err(PatternError::TooBig)));
        assert!(matches!(Pattern::parse(&"a".repeat(TEXT_LIMIT + 1)), Err(PatternError::TooBig)));
        assert!(matches!(Pattern::parse("(?=x)"), Err(PatternError::Syntax(_))));
        assert_eq!(Pattern::parse("a(b|c)").unwrap().groups(), 1);
    }

    /// The size is what the whole of a file is bounded by, so it must not be the length of the text.
    #[test]
    fn a_pattern_knows_what_it_takes() {
        let bytes = |text: &str| Pattern::parse(text).unwrap().bytes() - AUTOMATON_LIMIT;
        assert!(bytes("^[0-9]{6}$") < 16 * 1024, "{}", bytes("^[0-9]{6}$"));
        assert!(bytes(".{200}7") > 100 * 1024, "{}", bytes(".{200}7"));
    }

    #[test]
    fn what_is_read_is_charged_by_the_size_of_the_program() {
        let (small, large) = (Pattern::parse("a[bc]d").unwrap(), Pattern::parse(".{200}7").unwrap());
        let text = "x".repeat(1 << 10);
        let charged = |pattern: &Pattern| {
            let work = Work::default();
            assert_eq!(pattern.is_match(&text, &work), Ok(false));
            work.spent() >> 10
        };
        assert!((1..4).contains(&charged(&small)), "{}", charged(&small));
        assert!((20..100).contains(&charged(&large)), "{}", charged(&large));
        let work = Work::default();
        assert!(!work.spend(u64::MAX));
        assert_eq!(small.is_match("abd", &work), Err(WorkExhausted));
        assert_eq!(small.first_group("abd", &work), Err(WorkExhausted));
    }
}
