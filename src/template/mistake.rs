//! What is wrong with a text that a person wrote, relative to that text.
//!
//! A template knows no file: the reader of the file adds its position there ([`Mistake::at`]).

use std::ops::Range;

use crate::diagnostic::{Diagnostic, Diagnostics, Span};

/// One mistake in one written text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// A stable name, as in `diagnostic::Diagnostic`.
    pub code: &'static str,
    /// Where: bytes of the text as it was given.
    pub offset: Range<usize>,
    /// What is wrong, one line, lower case, no full stop.
    pub message: String,
    /// What stands beside the caret.
    pub label: Option<String>,
    /// What to do.
    pub help: Vec<String>,
}

impl Mistake {
    /// A mistake without label and help.
    pub fn new(code: &'static str, offset: Range<usize>, message: impl Into<String>) -> Self {
        Self { code, offset, message: message.into(), label: None, help: Vec::new() }
    }

    /// Adds what stands beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds something to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// The mistake in the file that is read; [`Diagnostics::add`] notes it.
    #[must_use]
    pub fn at(self, span: &Span, diagnostics: &Diagnostics) -> Diagnostic {
        let Self { code, message, label, help, .. } = self;
        Diagnostic { label, help, ..diagnostics.error_at(code, span, message) }
    }
}
