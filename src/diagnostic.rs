//! One mistake in a file that a person wrote: what is wrong, where, why, and what to do.
//!
//! Data only; every loader collects all mistakes before it gives up. Rendering (caret, JSON) is below it in
//! `diagnostic::render`. A diagnostic never quotes a secret's value.

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
