//! All mistakes of one file, so that a person mends them in one go.
//!
//! Bounded: a hostile or generated file cannot make a million of them.

use std::sync::Arc;

use super::{Diagnostic, Severity, SourceFile, Span};

/// No reader wants more at once, and a 1 MiB file could hold hundreds of thousands.
const MAX_DIAGNOSTICS: usize = 100;

/// The mistakes found so far in one file.
#[derive(Debug)]
pub struct Diagnostics {
    file: Arc<SourceFile>,
    found: Vec<Diagnostic>,
    left_out: usize,
    hidden: Vec<Span>,
    owner_of: KeyOwner,
}

/// Says what a key is a key of, if that is known: `a response`.
type KeyOwner = fn(&str) -> Option<String>;

impl Diagnostics {
    /// None yet.
    pub fn new(file: Arc<SourceFile>) -> Self {
        Self { file, found: Vec::new(), left_out: 0, hidden: Vec::new(), owner_of: |_| None }
    }

    /// The same, with a function that says what a key of this kind of file is a key of.
    #[must_use]
    pub fn with_key_owners(self, owner_of: fn(&str) -> Option<String>) -> Self {
        Self { owner_of, ..self }
    }

    /// What `key`, which stands in a wrong map, is a key of.
    pub fn owner_of(&self, key: &str) -> Option<String> {
        (self.owner_of)(key)
    }

    /// The file that is read.
    pub fn file(&self) -> &Arc<SourceFile> {
        &self.file
    }

    /// An error at `span` of this file; finish it with [`Diagnostic::label`] and [`Diagnostic::help`], then
    /// [`Diagnostics::add`] it.
    pub fn error_at(&self, code: &'static str, span: &Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, &self.file, span.clone(), message)
    }

    /// Notes one mistake; beyond a hundred they are only counted.
    pub fn add(&mut self, diagnostic: Diagnostic) {
        if self.is_full() {
            self.left_out += 1;
        } else {
            self.found.push(diagnostic);
        }
    }

    /// The bytes of `span` may be a secret: no line that is quoted shows them.
    pub fn hide(&mut self, span: &Span) {
        self.hidden.push(span.clone());
    }

    /// Whether more would only be counted, so that finding good words for them is wasted.
    pub fn is_full(&self) -> bool {
        self.found.len() >= MAX_DIAGNOSTICS
    }

    /// Whether one of this code stands within `span`: what follows from it need not be said.
    pub fn has_within(&self, code: &str, span: &Span) -> bool {
        let inside = |at: &Span| span.start <= at.start && at.end <= span.end;
        self.found.iter().any(|d| d.code == code && d.at.as_ref().is_some_and(|(_, at)| inside(at)))
    }

    /// Those noted so far, in the order in which they were found; at most a hundred.
    pub fn found(&self) -> &[Diagnostic] {
        &self.found
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.found.len() + self.left_out
    }

    /// Whether one of them keeps the file from loading.
    pub fn has_errors(&self) -> bool {
        self.left_out > 0 || self.found.iter().any(|d| d.severity == Severity::Error)
    }

    /// All of them, in the order of the file; a last one says how many were left out.
    pub fn into_list(mut self) -> Vec<Diagnostic> {
        if !self.hidden.is_empty() {
            let shown = Arc::new(self.masked());
            self.found.iter_mut().filter_map(|d| d.at.as_mut()).for_each(|(file, _)| *file = Arc::clone(&shown));
        }
        self.found.sort_by_key(|d| d.at.as_ref().map(|(_, span)| span.start));
        if self.left_out > 0 {
            self.found.push(Diagnostic {
                severity: Severity::Error,
                code: "too-many-mistakes",
                message: format!("{} more mistakes are not shown", self.left_out),
                at: None,
                label: None,
                help: vec!["mend the first ones and check again".into()],
            });
        }
        self.found
    }

    /// The file with a star for every byte that is hidden, so that places stay what they are.
    fn masked(&self) -> SourceFile {
        let mut bytes = self.file.text.clone().into_bytes();
        for span in &self.hidden {
            let end = span.end.min(bytes.len());
            for byte in bytes[span.start.min(end)..end].iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
                *byte = b'*';
            }
        }
        SourceFile { path: self.file.path.clone(), text: String::from_utf8_lossy(&bytes).into_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_come_in_the_order_of_the_file_and_are_bounded() {
        let file = Arc::new(SourceFile { path: "a.yaml".into(), text: "x".repeat(500) });
        let mut diagnostics = Diagnostics::new(file);
        for n in (0..150).rev() {
            diagnostics.add(diagnostics.error_at("test", &(n..n + 1), "wrong"));
        }
        assert_eq!(diagnostics.count(), 150);
        let all = diagnostics.into_list();
        assert_eq!(all.len(), MAX_DIAGNOSTICS + 1);
        assert!(all[..MAX_DIAGNOSTICS].is_sorted_by_key(|d| d.at.as_ref().map(|(_, span)| span.start)));
        assert_eq!(all[MAX_DIAGNOSTICS].message, "50 more mistakes are not shown");
    }
}
