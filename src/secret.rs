//! The type of credentials: it cannot be printed or serialized, and is wiped when dropped.
//!
//! Passwords, tokens and everything computed from them are `Secret`s; the only way to the text is [`Secret::expose`],
//! so every use can be found by searching for it.

use std::fmt;

use zeroize::Zeroizing;

/// A text that must not be shown. No `Display`, no `Serialize`; `Debug` prints a mask.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹secret›")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_shows_a_mask() {
        assert_eq!(format!("{:?}", Some(Secret::new("hunter2"))), "Some(‹secret›)");
    }
}
