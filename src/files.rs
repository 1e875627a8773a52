//! The one way to read a file that people name: secrets, scripts, certificates, connectors, the configuration.
//!
//! Such a file may be a pipe, a device, or lie on a mount that is away. So only regular files are read, up to a size, by a
//! thread of their own that is waited for no longer than a deadline. A thread that stands at a file cannot be ended; until
//! its file answers, nobody stands at that file a second time, and there are never more than `MOST_STANDING` of them.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::fs::OFlags;

/// Bytes of a file at most. CryptoJS has 200 KiB, a bundle of all public CAs 250 KiB.
pub const MOST: usize = 1 << 20;

/// How long a file may take. A share across a continent answers in half a second.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Threads that stand at files that do not answer. Beyond it nothing is read until one of them answers.
const MOST_STANDING: usize = 32;

/// Files that did not answer in time, once for each thread that stands there.
static STANDING: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Why a file was not read. Names neither the file nor what is in it.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The system refused.
    #[error("{0}")]
    System(io::ErrorKind),
    /// It is something else.
    #[error("it is a {0}, and only regular files are read")]
    Kind(&'static str),
    /// It is too large.
    #[error("it is larger than {} KiB", .0 / 1024)]
    TooLarge(usize),
    /// It did not answer in time, now or the last time.
    #[error("it does not answer; is its mount away?")]
    Stalled,
    /// Too many files did not.
    #[error("it is not tried: {MOST_STANDING} other files do not answer")]
    Crowded,
    /// It is no text.
    #[error("it is not UTF-8")]
    NotText,
}

impl From<io::ErrorKind> for Unread {
    fn from(kind: io::ErrorKind) -> Self {
        Self::System(kind)
    }
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::System(error.kind())
    }
}

/// The bytes of a regular file. Blocks for [`PATIENCE`] at most: call it where that is no harm, never on the runtime.
pub fn read(path: &Path, most: usize) -> Result<Vec<u8>, Unread> {
    let own = path.to_owned();
    within(path, PATIENCE, move || read_here(&own, most))?
}

/// Whether there is a regular file that can be opened.
pub fn is_there(path: &Path) -> Result<(), Unread> {
    let own = path.to_owned();
    within(path, PATIENCE, move || open(&own).map(drop))?
}

/// The text of a regular file.
pub fn read_text(path: &Path, most: usize) -> Result<String, Unread> {
    String::from_utf8(read(path, most)?).map_err(|_| Unread::NotText)
}

fn read_here(path: &Path, most: usize) -> Result<Vec<u8>, Unread> {
    let file = open(path)?;
    // Files of /proc say 0, and one may grow while it is read.
    if file.metadata()?.len() > most as u64 {
        return Err(Unread::TooLarge(most));
    }
    up_to(file, most)
}

fn open(path: &Path) -> Result<File, Unread> {
    // A pipe without a writer and some devices block in open(2) already, a terminal would become ours.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let flags = i32::try_from(flags).map_err(|_| io::ErrorKind::Unsupported)?;
    // The standard library adds O_CLOEXEC.
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    // What was opened is looked at, not what the name means by then.
    match other_kind(file.metadata()?.file_type()) {
        Some(kind) => Err(Unread::Kind(kind)),
        None => Ok(file),
    }
}

fn up_to(file: File, most: usize) -> Result<Vec<u8>, Unread> {
    let mut bytes = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most { Err(Unread::TooLarge(most)) } else { Ok(bytes) }
}

fn other_kind(kind: std::fs::FileType) -> Option<&'static str> {
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("directory")
    } else if kind.is_fifo() {
        Some("named pipe")
    } else if kind.is_socket() {
        Some("socket")
    } else {
        Some("device")
    }
}

/// `work`, which waits for the file system at `path`, on a thread of its own; waited for no longer than `patience`.
pub fn within<T: Send + 'static>(
    path: &Path,
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unread> {
    {
        let standing = standing();
        if standing.iter().any(|at| at == path) {
            return Err(Unread::Stalled);
        }
        if standing.len() >= MOST_STANDING {
            return Err(Unread::Crowded);
        }
    }
    let (answer, answered) = sync_channel(1);
    let state = Arc::new(Mutex::new(Waiting::Yes));
    let (own, of_thread) = (path.to_owned(), Arc::clone(&state));
    thread::Builder::new().name("file".to_owned()).spawn(move || {
        let done = work();
        // Nobody waits for an answer that came too late.
        let _ = answer.send(done);
        let mut waiting = of_thread.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*waiting, Waiting::GivenUp) {
            let mut standing = standing();
            if let Some(place) = standing.iter().position(|at| *at == own) {
                standing.swap_remove(place);
            }
        }
        *waiting = Waiting::Done;
    })?;
    match answered.recv_timeout(patience) {
        Ok(done) => Ok(done),
        // The work panicked.
        Err(RecvTimeoutError::Disconnected) => Err(Unread::System(io::ErrorKind::Other)),
        Err(RecvTimeoutError::Timeout) => {
            let mut waiting = state.lock().unwrap_or_else(PoisonError::into_inner);
            if matches!(*waiting, Waiting::Yes) {
                *waiting = Waiting::GivenUp;
                standing().push(path.to_owned());
            }
            Err(Unread::Stalled)
        }
    }
}

/// Whether somebody waits for a thread.
enum Waiting {
    Yes,
    GivenUp,
    Done,
}

fn standing() -> MutexGuard<'static, Vec<PathBuf>> {
    // Nothing panics under the lock.
    STANDING.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
