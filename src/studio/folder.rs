//! The directory of connector files: the only files that the studio opens by what a browser says.
//!
//! A browser names an id, never a path. Files are opened beneath the directory's handle (`openat2`), so that no link and no
//! `..` leads out, also when the directory's name leads elsewhere meanwhile. A file that is a link is read where it stays
//! beneath the directory (as in a ConfigMap), and never written.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, ResolveFlags, Stat};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use crate::files::MAX_BYTES;

/// Longer names are nobody's.
const MAX_ID: usize = 64;
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// A directory of connector files.
pub struct Folder {
    handle: OwnedFd,
    path: PathBuf,
    read_only: bool,
    /// One save at a time: what was compared is what is replaced.
    saving: Mutex<()>,
}

/// A connector file as the directory lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FolderFile {
    pub id: String,
    pub name: String,
    /// Changes whenever the file is written.
    pub stamp: Stamp,
    pub is_link: bool,
}

/// What tells one state of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    size: i64,
    pub(super) seconds: i64,
    nanoseconds: u64,
}

/// A text and what it is saved against.
#[derive(Debug, Clone)]
pub(super) struct StoredText {
    pub text: String,
    pub etag: String,
}

/// A save.
#[derive(Debug)]
pub(super) struct SavedOver {
    pub etag: String,
    pub before: Option<String>,
}

/// Why a file is not read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    #[error("there is no such file")]
    NotFound,
    #[error("it is larger than {} KiB", MAX_BYTES / 1024)]
    TooLarge,
    #[error("it is not UTF-8")]
    NotText,
    #[error("it was changed elsewhere")]
    Changed(Option<StoredText>),
    #[error("{0}")]
    ReadOnly(&'static str),
    #[error("{0}")]
    System(io::ErrorKind),
}

impl From<Errno> for FolderError {
    fn from(error: Errno) -> Self {
        Self::from(io::Error::from(error))
    }
}

impl From<io::Error> for FolderError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly(READ_ONLY_DISK),
            io::ErrorKind::PermissionDenied => Self::ReadOnly(NOT_PERMITTED),
            other => Self::System(other),
        }
    }
}

const READ_ONLY: &str = "the studio was started with --read-only";
const READ_ONLY_DISK: &str = "the file system is mounted read-only";
const NOT_PERMITTED: &str = "this account may not write there";
const IS_LINK: &str = "the file is a link, which is never written through";

impl Folder {
    /// Opens the directory at `path`; with `read_only` nothing is ever written.
    pub fn open(path: &Path, read_only: bool) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Self { handle, path: path.to_owned(), read_only, saving: Mutex::default() })
    }

    /// As the operator named it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether an id can be a file's name here.
    pub(super) fn is_id(id: &str) -> bool {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !id.is_empty() && id.len() <= MAX_ID && id.bytes().all(fits)
    }

    /// The connector files, by name.
    pub(super) fn list(&self) -> Result<Vec<FolderFile>, FolderError> {
        let mut files = Vec::new();
        for entry in Dir::read_from(&self.handle)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            let Some((id, _)) = name.rsplit_once('.').filter(|(_, ending)| ENDINGS.contains(ending)) else { continue };
            // Editors leave hidden files beside the one being written.
            if id.is_empty() || id.starts_with('.') {
                continue;
            }
            files.extend(self.seen(id, name)?);
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    /// The file of an id.
    pub(super) fn find(&self, id: &str) -> Result<Option<FolderFile>, FolderError> {
        if !Self::is_id(id) {
            return Ok(None);
        }
        for ending in ENDINGS {
            let found = self.seen(id, &format!("{id}.{ending}"))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn seen(&self, id: &str, name: &str) -> Result<Option<FolderFile>, FolderError> {
        let stat = |flags| match rustix::fs::statat(&self.handle, name, flags) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(FolderError::from(error)),
        };
        let Some(own) = stat(AtFlags::SYMLINK_NOFOLLOW)? else { return Ok(None) };
        let is_link = FileType::from_raw_mode(own.st_mode) == FileType::Symlink;
        let Some(file) = (if is_link { stat(AtFlags::empty())? } else { Some(own) }) else { return Ok(None) };
        if FileType::from_raw_mode(file.st_mode) != FileType::RegularFile {
            return Ok(None);
        }
        Ok(Some(FolderFile { id: id.to_owned(), name: name.to_owned(), stamp: stamp(&file), is_link }))
    }

    /// The text of a file that was listed.
    pub(super) fn read(&self, file: &FolderFile) -> Result<StoredText, FolderError> {
        self.read_name(&file.name)
    }

    fn read_name(&self, name: &str) -> Result<StoredText, FolderError> {
        // A pipe without a writer would block the call.
        let opened = self.beneath(name, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY, ResolveFlags::empty())?;
        let mut bytes = Vec::new();
        opened.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > MAX_BYTES {
            return Err(FolderError::TooLarge);
        }
        let etag = etag(&bytes);
        let text = String::from_utf8(bytes).map_err(|_| FolderError::NotText)?;
        Ok(StoredText { text, etag })
    }

    fn beneath(&self, name: &str, flags: OFlags, more: ResolveFlags) -> Result<File, FolderError> {
        let (flags, resolve) = (flags | OFlags::CLOEXEC, ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | more);
        let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH;
        let mode = if flags.contains(OFlags::CREATE) { mode } else { Mode::empty() };
        let opened = match rustix::fs::openat2(&self.handle, name, flags, mode, resolve) {
            // A kernel before 5.6, or a sandbox. The name has no slash, so what is left to refuse is a link.
            Err(Errno::NOSYS) => rustix::fs::openat(&self.handle, name, flags | OFlags::NOFOLLOW, mode),
            opened => opened,
        };
        Ok(File::from(opened?))
    }

    /// Why a file cannot be saved; `None` when it can. With `None` as the file: a new one.
    pub(super) fn why_read_only(&self, file: Option<&FolderFile>) -> Option<&'static str> {
        use rustix::fs::Access;
        if self.read_only {
            return Some(READ_ONLY);
        }
        if file.is_some_and(|file| file.is_link) {
            return Some(IS_LINK);
        }
        let name = file.map_or(".", |file| file.name.as_str());
        let may = |name: &str| rustix::fs::accessat(&self.handle, name, Access::WRITE_OK, AtFlags::empty());
        match may(".").and_then(|()| may(name)) {
            Ok(()) => None,
            Err(Errno::ROFS) => Some(READ_ONLY_DISK),
            Err(_) => Some(NOT_PERMITTED),
        }
    }

    /// Puts `text` in place of a file whose bytes still have the tag `expected`, or, without one, makes a new file.
    /// Gives what was there before, too.
    pub(super) fn save(&self, id: &str, text: &str, expected: Option<&str>) -> Result<SavedOver, FolderError> {
        let _one_at_a_time = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        let file = self.find(id)?;
        if let Some(why) = self.why_read_only(file.as_ref()) {
            return Err(FolderError::ReadOnly(why));
        }
        let present = file.as_ref().map(|file| self.read(file)).transpose()?;
        if present.as_ref().map(|present| present.etag.as_str()) != expected {
            return Err(FolderError::Changed(present));
        }
        let name = file.as_ref().map_or_else(|| format!("{id}.yaml"), |file| file.name.clone());
        self.replace(&name, text, file.is_none())?;
        Ok(SavedOver { etag: etag(text.as_bytes()), before: present.map(|present| present.text) })
    }

    /// Whole or not at all: readers see the old file or the new one, also after a power cut.
    fn replace(&self, name: &str, text: &str, is_new: bool) -> Result<(), FolderError> {
        let temporary = format!(".{name}.{}.tmp", uuid::Uuid::new_v4().simple());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let mut file = self.beneath(&temporary, flags, ResolveFlags::NO_SYMLINKS)?;
        let written = (|| {
            file.write_all(text.as_bytes())?;
            if !is_new {
                self.as_before(&file, name)?;
            }
            file.sync_all()?;
            let flags = if is_new { RenameFlags::NOREPLACE } else { RenameFlags::empty() };
            rustix::fs::renameat_with(&self.handle, temporary.as_str(), &self.handle, name, flags)?;
            rustix::fs::fsync(&self.handle)?;
            Ok(())
        })();
        if written.is_err() {
            // Gone already is as good.
            let _ = rustix::fs::unlinkat(&self.handle, temporary.as_str(), AtFlags::empty());
        }
        written
    }

    /// Mode and owner of the file that is replaced.
    fn as_before(&self, file: &File, name: &str) -> Result<(), FolderError> {
        let before = rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let own = rustix::fs::fstat(file)?;
        if (own.st_uid, own.st_gid) != (before.st_uid, before.st_gid) {
            let (user, group) =
                (rustix::process::Uid::from_raw(before.st_uid), rustix::process::Gid::from_raw(before.st_gid));
            rustix::fs::fchown(file, Some(user), Some(group))?;
        }
        rustix::fs::fchmod(file, Mode::from_raw_mode(before.st_mode))?;
        Ok(())
    }
}

fn stamp(stat: &Stat) -> Stamp {
    Stamp { inode: stat.st_ino, size: stat.st_size, seconds: stat.st_mtime, nanoseconds: stat.st_mtime_nsec }
}

fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", hex::encode(Sha256::digest(bytes)))
}

#[cfg(test)]
mod tests;
