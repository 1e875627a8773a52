//! What the studio knows of the files of its directory.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use super::folder::{FolderFile, Stamp};
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
    /// It was not loaded yet; what follows is not known.
    pub pending: bool,
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
    /// What is known of a file as it is now.
    pub(super) fn shown(&self, file: &FolderFile) -> Arc<ListedFile> {
        let known = self.0.get(&file.name).filter(|known| known.stamp == file.stamp);
        known.map_or_else(|| Arc::new(ListedFile::pending(file)), |known| Arc::clone(&known.summary))
    }

    /// The files whose state shows by their stamp.
    pub(super) fn unchanged(&self) -> HashMap<String, Stamp> {
        let sure = self.0.iter().filter(|(_, known)| !known.names_files);
        sure.map(|(name, known)| (name.clone(), known.stamp)).collect()
    }
}

impl ListedFile {
    fn pending(file: &FolderFile) -> Self {
        Self {
            id: file.id.clone(),
            file: file.name.clone(),
            pending: true,
            loads: false,
            title: None,
            kind: None,
            steps: Vec::new(),
            origins: Vec::new(),
            tests: 0,
            errors: 0,
            warnings: 0,
            first: None,
            modified: file.stamp.seconds,
        }
    }
}
