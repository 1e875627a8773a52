//! A difference between a case and its result.

use std::sync::Arc;

use crate::connector::raw::golden::GoldenCase;
use crate::diagnostic::{Diagnostic, SourceFile, Span};

#[derive(Debug)]
pub(super) struct Difference {
    pub(super) at: Span,
    pub(super) what: String,
    pub(super) label: Option<String>,
    pub(super) help: Vec<String>,
}

impl Difference {
    pub(super) fn new(at: &Span, what: impl Into<String>) -> Self {
        Self { at: at.clone(), what: what.into(), label: None, help: Vec::new() }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// As a diagnostic at its place in the file.
    pub(super) fn diagnostic(self, case: &GoldenCase, file: &Arc<SourceFile>) -> Diagnostic {
        let message = format!("the test \"{}\": {}", case.name.text, self.what);
        let diagnostic = Diagnostic::error("golden", file, self.at, message);
        let diagnostic = match self.label {
            Some(label) => diagnostic.label(label),
            None => diagnostic,
        };
        self.help.into_iter().fold(diagnostic, Diagnostic::help)
    }
}
