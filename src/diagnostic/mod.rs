//! One mistake in a file that a person wrote: what is wrong, where, why, and what to do.
//!
//! Data only; every loader collects all mistakes in [`Diagnostics`] before it gives up. Rendering (caret, JSON) is in
//! `render` and `json`. A diagnostic never quotes a secret's value.

mod collect;
mod json;
mod position;
mod render;
mod shown;
mod suggest;

pub use collect::Diagnostics;
pub use json::{render_json, to_json};
pub use position::Position;
pub use render::{Style, render, render_in};
pub use shown::shown;
pub use suggest::{did_you_mean, suggested};

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Bytes of a source file, from the first up to and not including the last.
pub type Span = Range<usize>;

/// A file as it was read, for quoting lines.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// As the user named it.
    pub path: PathBuf,
    /// All of it.
    pub text: String,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The connector does not load.
    Error,
    /// It loads; a reader should look.
    Warning,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// A stable name, `unknown-key`, for tools and documentation.
    pub code: &'static str,
    /// What is wrong, one line, lower case, no full stop.
    pub message: String,
    /// Where; `None` when the file itself could not be read.
    pub at: Option<(Arc<SourceFile>, Span)>,
    /// What stands beside the caret: the cause at this very place.
    pub label: Option<String>,
    /// What to do.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error of the kind `code` at `span` of `file`.
    pub fn error(code: &'static str, file: &Arc<SourceFile>, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            at: Some((Arc::clone(file), span)),
            label: None,
            help: Vec::new(),
        }
    }

    /// The key of this code's `title` or `remedy` in the files of [`crate::lang`].
    fn key(&self, what: &str) -> String {
        format!("diagnostic.{}.{what}", self.code)
    }

    /// The same as a warning.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Says the cause beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds one thing to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}
