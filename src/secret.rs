//! A credential by type: it shows itself to nobody and is wiped when dropped.
//!
//! What holds a password, a token or anything computed from them carries it as `Secret`; the one way to the text
//! is [`Secret::expose`], which a reader can grep for.

use std::fmt;

use zeroize::Zeroizing;

/// A text that must not be shown. No `Display`, no `Serialize`; `Debug` prints a mask.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text. Say at the call site why it may be seen there.
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
