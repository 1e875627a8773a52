//! Earlier texts of connectors: what a save replaced, and what it wrote.
//!
//! Not in the directory of the connectors: a daemon would take them for connectors. Nothing here writes a connector; to go back is to
//! open an earlier text as a draft, to look at the difference and to save it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::folder::Folder;
use crate::clock::{Ambient as _, System};
use crate::files::MAX_BYTES;

/// Texts of one connector; the oldest go.
const MOST: usize = 50;

/// Where earlier texts are kept; nowhere without a folder.
pub(super) struct History(pub(super) Option<PathBuf>);

/// An earlier text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Version {
    /// Milliseconds since 1970, and the beginning of the text's SHA-256: the file's name.
    pub version: String,
    /// Seconds since 1970.
    pub time: u64,
}

impl History {
    /// Keeps a text of a connector, unless it is the newest one already. That it cannot be kept hinders no save.
    pub(super) fn keep(&self, id: &str, text: &str) -> std::io::Result<()> {
        let Some(folder) = self.folder(id) else { return Ok(()) };
        let digest = hex::encode(&Sha256::digest(text.as_bytes())[..4]);
        let versions = self.list(id)?;
        if versions.first().is_some_and(|newest| newest.version.ends_with(&digest)) {
            return Ok(());
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let now = u128::from(System.unix_ms());
        let newest = versions.first().and_then(|newest| newest.version.split('-').next()?.parse().ok());
        // Two saves in one millisecond, or a clock that went back.
        let stamp = newest.map_or(now, |newest: u128| now.max(newest + 1));
        let path = folder.join(format!("{stamp:013}-{digest}.yaml"));
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        for old in versions.iter().skip(MOST - 1) {
            fs::remove_file(folder.join(format!("{}.yaml", old.version)))?;
        }
        Ok(())
    }

    /// The newest first.
    pub(super) fn list(&self, id: &str) -> std::io::Result<Vec<Version>> {
        let Some(folder) = self.folder(id) else { return Ok(Vec::new()) };
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut versions = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let version = name.to_str().and_then(|name| name.strip_suffix(".yaml"));
            versions.extend(version.and_then(version_of));
        }
        versions.sort_by(|a, b| b.version.cmp(&a.version));
        Ok(versions)
    }

    pub(super) fn read(&self, id: &str, version: &str) -> std::io::Result<String> {
        let folder = self.folder(id).filter(|_| version_of(version).is_some()).ok_or(std::io::ErrorKind::NotFound)?;
        let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let file =
            fs::OpenOptions::new().read(true).custom_flags(flags).open(folder.join(format!("{version}.yaml")))?;
        let mut text = String::new();
        file.take(MAX_BYTES as u64).read_to_string(&mut text)?;
        Ok(text)
    }

    fn folder(&self, id: &str) -> Option<PathBuf> {
        self.0.as_ref().filter(|_| Folder::is_id(id)).map(|root| root.join(id))
    }
}

/// `1764400000000-0123abcd`, and nothing that leads elsewhere.
fn version_of(name: &str) -> Option<Version> {
    let (stamp, digest) = name.split_once('-')?;
    let is_hex = digest.len() == 8 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_stamp = stamp.len() == 13 && stamp.bytes().all(|byte| byte.is_ascii_digit());
    let time: u64 = stamp.parse().ok()?;
    (is_hex && is_stamp).then(|| Version { version: name.to_owned(), time: time / 1000 })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn fifty_texts_are_kept_and_the_same_one_once() {
        let home = tempfile::tempdir().unwrap();
        let history = History(Some(home.path().join("deep/er")));
        assert_eq!(history.list("a").unwrap(), []);
        for n in 0..60 {
            history.keep("a", &format!("text {n}")).unwrap();
            history.keep("a", &format!("text {n}")).unwrap();
        }
        let versions = history.list("a").unwrap();
        assert_eq!(versions.len(), MOST);
        assert_eq!(history.read("a", &versions[0].version).unwrap(), "text 59");
        assert_eq!(history.read("a", &versions[MOST - 1].version).unwrap(), "text 10");
        for elsewhere in ["../a", "..", "1764400000000-0123abcd/../x", ""] {
            assert!(history.read("a", elsewhere).is_err(), "{elsewhere}");
            assert!(history.read(elsewhere, &versions[0].version).is_err(), "{elsewhere}");
        }
        let file = home.path().join("deep/er/a").join(format!("{}.yaml", versions[0].version));
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        History(None).keep("a", "x").unwrap();
    }
}
