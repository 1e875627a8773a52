//! Regular expressions of one file, and what all of them together may take.

use std::cell::Cell;

use crate::connector::raw::Text;
use crate::diagnostic::{Diagnostics, Span};
use crate::pattern::Pattern;
use crate::response::source::CapturePattern;

/// What the patterns of one connector may take when compiled. A pattern that a person writes takes some 100 KiB with what a
/// thread needs to read with it, so this is far more of them than a file of rules has; without a bound a file of 240 KiB took 740 MiB.
pub(super) const CONNECTOR_BYTES: usize = 16 << 20;

/// The patterns of one connector.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    bytes: Cell<usize>,
}

impl Patterns {
    /// What all of them take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.get()
    }

    /// Compiles one; `None` after a mistake.
    pub(super) fn compile(&self, text: &str, span: &Span, diagnostics: &mut Diagnostics) -> Option<Pattern> {
        if self.are_over() {
            return None;
        }
        match Pattern::parse(text) {
            Ok(pattern) => self.add(pattern.bytes(), span, diagnostics).then_some(pattern),
            Err(error) => {
                let mistake = diagnostics.error_at("bad-regex", span, error.to_string());
                diagnostics.add(mistake.help("the syntax is that of RE2: no look-around, no back-references"));
                None
            }
        }
    }

    /// Compiles one of a source; `None` after a mistake.
    pub(super) fn capturing(&self, text: &Text, diagnostics: &mut Diagnostics) -> Option<CapturePattern> {
        if self.are_over() {
            return None;
        }
        match CapturePattern::parse(&text.text) {
            Ok(pattern) => self.add(pattern.bytes(), &text.span, diagnostics).then_some(pattern),
            Err(error) => {
                diagnostics.add(diagnostics.error_at("bad-regex", &text.span, error.to_string()));
                None
            }
        }
    }

    /// Nothing more is compiled then: the file does not load, and what it would take is not to be found out.
    fn are_over(&self) -> bool {
        self.bytes.get() > CONNECTOR_BYTES
    }

    /// Counts one in. The mistake is noted once, at the pattern that is too much.
    fn add(&self, bytes: usize, span: &Span, diagnostics: &mut Diagnostics) -> bool {
        self.bytes.set(self.bytes.get() + bytes);
        if !self.are_over() {
            return true;
        }
        let most = CONNECTOR_BYTES >> 20;
        let message = format!("the regular expressions of this connector take more than {most} MiB when compiled");
        let mistake =
            diagnostics.error_at("patterns-too-big", span, message).label("no more of them are read from here on");
        let help =
            "use equals, in, contains or starts_with where they do, and [0-9A-Za-z_] instead of \\w; repeat less";
        diagnostics.add(mistake.help(help));
        false
    }
}
