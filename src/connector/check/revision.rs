//! The revision of a connector: a hash of everything that decides what it does.

use std::sync::Arc;

use super::WrittenScript;
use crate::crypto::digest::{Algorithm, digest};
use crate::diagnostic::SourceFile;
use crate::template::{Language, Setting};

/// 64 bits name a revision; they protect nothing.
const HEX_DIGITS: usize = 16;

/// The hash of connector, scripts and settings. Secrets are not in it: a hash of a short one could be guessed.
pub(super) fn of(file: &Arc<SourceFile>, scripts: &[WrittenScript], language: &Language) -> String {
    let mut all = Vec::new();
    // Each part is preceded by its length, so that no two sets of parts give the same bytes.
    let mut part = |text: &str| {
        all.extend_from_slice(&text.len().to_le_bytes());
        all.extend_from_slice(text.as_bytes());
    };
    part(&file.text);
    for script in scripts {
        part(&script.source.text);
    }
    for (name, setting) in &language.settings {
        part(name);
        match setting {
            Setting::Text(text) => part(text),
            Setting::Nodes(nodes) => nodes.iter().for_each(|node| part(node.as_str())),
        }
    }
    let mut hex = hex::encode(digest(Algorithm::Sha256, &all));
    hex.truncate(HEX_DIGITS);
    hex
}
