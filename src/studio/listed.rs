//! What the studio knows of the files of its directory.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use super::folder::Stamp;
use super::positions::EditorDiagnostic;

/// What is known of the files, by name.
#[derive(Default)]
pub(super) struct Listing(pub HashMap<String, KnownFile>);

pub(super) struct KnownFile {
    pub stamp: Stamp,
    /// It names files whose change its own stamp does not show.
    pub names_files: bool,
    pub summary: Arc<ListedFile>,
}

/// A connector in the list.
#[derive(Debug, Serialize)]
pub(super) struct ListedFile {
    pub id: String,
    pub file: String,
    pub loads: bool,
    pub title: Option<String>,
    pub kind: Option<&'static str>,
    pub steps: Vec<String>,
    pub origins: Vec<String>,
    /// Golden cases.
    pub tests: usize,
    pub errors: usize,
    pub warnings: usize,
    /// The first error, or else the first warning.
    pub first: Option<EditorDiagnostic>,
    /// Seconds since 1970.
    pub modified: i64,
}

impl Listing {
    /// The files whose state shows by their stamp.
    pub(super) fn unchanged(&self) -> HashMap<String, Stamp> {
        let sure = self.0.iter().filter(|(_, known)| !known.names_files);
        sure.map(|(name, known)| (name.clone(), known.stamp)).collect()
    }
}
