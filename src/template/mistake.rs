//! What is wrong with a text that a person wrote, relative to that text.
//!
//! Templates and requests know no files: `connector::check` adds the file and the position of the text in it.

use std::ops::Range;

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
}

/// The name among `known` that `name` was probably meant to be.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Below this likeness a suggestion confuses more than it helps; `md6` for `md5` is 0.67.
    const ALIKE: f64 = 0.6;
    // Case is what people confuse first: `MD5` is `md5`.
    let name = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::normalized_damerau_levenshtein(&name, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
