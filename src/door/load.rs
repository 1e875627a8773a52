//! The doors of a directory, checked together: no two of them may be asked at one place.

use std::collections::BTreeMap;
use std::path::Path;

use super::check::{CheckedDoor, DoorContext, check};
use crate::catalog::files;
use crate::diagnostic::{Diagnostic, Severity};
use crate::files as read;

/// Reads and checks all doors of `directory` (or the one file that it is), in the order of their names. Blocks.
pub fn load(directory: &Path, context: &DoorContext<'_>) -> std::io::Result<Vec<CheckedDoor>> {
    let mut doors: Vec<CheckedDoor> = Vec::new();
    for path in files(directory)? {
        doors.push(match read::read_text(&path, read::MAX_BYTES) {
            Ok(text) => check(&path, text, context),
            Err(why) => unreadable(&path, &why.to_string()),
        });
    }
    apart(&mut doors);
    Ok(doors)
}

/// The second of two doors that one request could mean does not load.
fn apart(doors: &mut [CheckedDoor]) {
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    for at in 0..doors.len() {
        let (before, rest) = doors.split_at_mut(at);
        let Some(this) = rest.first_mut() else { return };
        if ids.insert(this.id.clone(), at).is_some() {
            let message = format!("two files have the id `{}`", this.id);
            this.diagnostics.push(without_place("duplicate-id", message, "rename or remove one"));
            this.door = None;
        }
        let Some(door) = &this.door else { continue };
        let places = |door: &super::plan::Door| {
            std::iter::once(door.at.clone()).chain(door.also.iter().map(|also| also.at.clone())).collect::<Vec<_>>()
        };
        let own = places(door);
        let clash = before.iter().filter_map(|other| other.door.as_ref()).find_map(|other| {
            let theirs = places(other);
            let both = own.iter().find(|mine| theirs.iter().any(|their| their.overlaps(mine)))?;
            Some((both.path.clone(), other.id.clone()))
        });
        if let Some((path, other)) = clash {
            let message = format!("{}: the door `{other}` is asked at {path}, too", this.id);
            let help = "give each door a path of its own, and none below that of a door with `below`";
            this.diagnostics.push(without_place("door-path", message, help));
            this.door = None;
        }
    }
}

fn unreadable(path: &Path, why: &str) -> CheckedDoor {
    let id = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let message = format!("{} cannot be read: {why}", path.display());
    let diagnostics = vec![without_place("file-unreadable", message, "see that the daemon may read it")];
    CheckedDoor { id, door: None, leaves_open: false, diagnostics }
}

fn without_place(code: &'static str, message: String, help: &str) -> Diagnostic {
    Diagnostic { severity: Severity::Error, code, message, at: None, label: None, help: vec![help.to_owned()] }
}
