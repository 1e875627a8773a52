//! Kleene's three-valued logic, for conditions over a reply that may lack a value.
//!
//! `not` of unknown is unknown: "code is not 500" says nothing about an HTML login page (docs/security.md, failure 3).

use std::ops::Not;

/// The value of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// The reply does not say.
    Unknown,
}

impl Truth {
    /// False if any is false, else unknown if any is unknown, else true; an empty list is true.
    pub fn all(terms: impl IntoIterator<Item = Truth>) -> Truth {
        let mut result = Truth::True;
        for term in terms {
            match term {
                Truth::False => return Truth::False,
                Truth::Unknown => result = Truth::Unknown,
                Truth::True => {}
            }
        }
        result
    }

    /// True if any is true, else unknown if any is unknown, else false; an empty list is false.
    pub fn any(terms: impl IntoIterator<Item = Truth>) -> Truth {
        !Self::all(terms.into_iter().map(Not::not))
    }

    /// The word of a trace.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Unknown => "unknown",
        }
    }
}

impl Not for Truth {
    type Output = Truth;

    fn not(self) -> Truth {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{self, False, True, Unknown};

    #[test]
    fn the_tables_are_kleenes() {
        for (a, b, and, or) in [
            (True, True, True, True),
            (True, False, False, True),
            (True, Unknown, Unknown, True),
            (False, False, False, False),
            (False, Unknown, False, Unknown),
            (Unknown, Unknown, Unknown, Unknown),
        ] {
            for pair in [[a, b], [b, a]] {
                assert_eq!(Truth::all(pair), and);
                assert_eq!(Truth::any(pair), or);
            }
        }
        assert_eq!((!True, !False, !Unknown), (False, True, Unknown));
        assert_eq!((Truth::all([]), Truth::any([])), (True, False));
    }
}
