//! What is no mistake of a connector and still not what its author wants.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use doorward::catalog::files;
use doorward::diagnostic::{Diagnostic, Severity, SourceFile};

/// What `doorward new` writes where a person has to.
const HOLE: &str = "FILL_IN";

/// How deep directories are looked into.
const DEEPEST: usize = 8;

/// A draft of `doorward new` loads and accepts no user until its holes are filled.
pub(super) fn unfinished(file: &Arc<SourceFile>) -> Option<Diagnostic> {
    let (mut start, mut first, mut count) = (0, None, 0);
    for line in file.text.split_inclusive('\n') {
        if !line.trim_start().starts_with('#') {
            first = first.or_else(|| line.find(HOLE).map(|at| start + at));
            count += line.matches(HOLE).count();
        }
        start += line.len();
    }
    let first = first?;
    let places = if count == 1 { "one place says".to_owned() } else { format!("{count} places say") };
    let message = format!("{places} {HOLE}: the connector accepts no user until they are filled");
    let warning = Diagnostic::error("fill-in", file, first..first + HOLE.len(), message).as_warning();
    Some(warning.help("write what the server really answers; doorward test shows it"))
}

/// Directories below `path` with files that look like connectors: neither this command nor the daemon reads them.
pub(super) fn skipped(path: &Path) -> Option<Diagnostic> {
    let mut below = Vec::new();
    look(path, 0, &mut below);
    below.sort();
    let first = below.first()?;
    let others = if below.len() > 1 { format!(", and {} more,", below.len() - 1) } else { String::new() };
    Some(Diagnostic {
        severity: Severity::Warning,
        code: "skipped-directory",
        message: format!("{}{others} holds files that look like connectors and is not read", first.display()),
        at: None,
        label: None,
        help: vec!["connectors lie in the directory itself: move them there, or name that directory, too".to_owned()],
    })
}

fn look(directory: &Path, depth: usize, below: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if hidden || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let path = entry.path();
        if files(&path).is_ok_and(|files| files.iter().any(|file| is_connector(file))) {
            below.push(path.clone());
        }
        if depth < DEEPEST {
            look(&path, depth + 1, below);
        }
    }
}

/// JSON and YAML are many things; a connector says its version and its steps.
fn is_connector(file: &Path) -> bool {
    doorward::files::read_text(file, doorward::files::MAX_BYTES)
        .is_ok_and(|text| text.contains("version") && text.contains("steps"))
}
