//! `regex` sources: one group of the first match in the text of a body.

use crate::context::Work;
use crate::pattern::{Pattern, PatternError, WorkExhausted};

/// Longest pattern as written, in bytes: it is typed by a person.
const MAX_PATTERN_TEXT: usize = 4096;

/// A pattern with exactly one group.
#[derive(Debug, Clone)]
pub struct CapturePattern(Pattern);

/// Why a text is no such pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CapturePatternError {
    /// The regex crate's own explanation, which shows the place.
    #[error("{0}")]
    Syntax(String),
    /// What compiles to too much.
    #[error("the pattern is too large; repeat less, or use `[0-9A-Za-z_]` instead of `\\w`")]
    TooLarge,
    /// How many groups there are instead of one.
    #[error("the pattern has {0} groups; put exactly one `(…)` around what is wanted, others as `(?:…)`")]
    Groups(usize),
}

impl CapturePattern {
    /// Compiles a pattern of the regex crate's syntax, Unicode on.
    pub fn parse(text: &str) -> Result<Self, CapturePatternError> {
        if text.len() > MAX_PATTERN_TEXT {
            return Err(CapturePatternError::TooLarge);
        }
        let pattern = Pattern::parse(text).map_err(|error| match error {
            PatternError::TooBig => CapturePatternError::TooLarge,
            PatternError::Syntax(drawn) => CapturePatternError::Syntax(drawn),
        })?;
        match pattern.groups() {
            1 => Ok(Self(pattern)),
            groups => Err(CapturePatternError::Groups(groups)),
        }
    }

    /// What it takes in memory.
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// What the group holds in the first match; `None` without a match or when the group takes no part in it.
    pub(super) fn first<'t>(&self, text: &'t str, work: &Work) -> Result<Option<&'t str>, WorkExhausted> {
        self.0.first_group(text, work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_group_and_a_size() {
        assert_eq!(CapturePattern::parse("ab").unwrap_err(), CapturePatternError::Groups(0));
        assert_eq!(CapturePattern::parse("(a)(b)").unwrap_err(), CapturePatternError::Groups(2));
        assert_eq!(CapturePattern::parse(r"(\w{500})").unwrap_err(), CapturePatternError::TooLarge);
        assert!(matches!(CapturePattern::parse("(").unwrap_err(), CapturePatternError::Syntax(_)));
        assert!(CapturePattern::parse(&"a".repeat(5000)).is_err());
        let pattern = CapturePattern::parse(r"(?:ticket|票据)=(\w+)").unwrap();
        let work = Work::default();
        assert_eq!(pattern.first("x ticket=ST1 ticket=ST2", &work), Ok(Some("ST1")));
        assert_eq!(pattern.first("票据=中文;", &work), Ok(Some("中文")));
        assert_eq!(pattern.first("none", &work), Ok(None));
        assert_eq!(CapturePattern::parse("a|(b)").unwrap().first("a", &work), Ok(None));
    }
}
