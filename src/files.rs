//! Reads every file that an operator names: secrets, scripts, certificates, connectors, the configuration.
//!
//! Such a file may be a pipe, a device, or on a mount that does not answer. So only regular files up to a size are
//! read, each on a thread of its own, with a timeout. A thread that blocks on a file cannot be ended: until it returns,
//! the same file is not tried again, and at most `MAX_BLOCKED` threads block at a time.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::fs::OFlags;

/// Largest file that is read. CryptoJS has 200 KiB, a bundle of all public CAs 250 KiB.
pub const MAX_BYTES: usize = 1 << 20;

/// How long a read may take. A share across a continent answers in half a second.
pub const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// Threads that may block on files that do not answer. At the limit nothing is read until one of them returns.
const MAX_BLOCKED: usize = 32;

/// The files on which a thread still blocks after its timeout.
static BLOCKED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Why a file was not read. Names neither the file nor its content.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused.
    #[error("{0}")]
    System(io::ErrorKind),
    /// It is not a regular file.
    #[error("it is a {0}, and only regular files are read")]
    Kind(&'static str),
    #[error("it is larger than {} KiB", .0 / 1024)]
    TooLarge(usize),
    /// It did not answer in time, or a thread of an earlier try still blocks on it.
    #[error("reading it timed out; is its file system mounted?")]
    Stalled,
    /// Too many threads block on other files.
    #[error("it is not read: reads of {MAX_BLOCKED} other files have not returned")]
    Crowded,
    /// A draft names it, and the saved connector does not.
    #[error("it is not read before the connector that names it is saved")]
    Withheld,
    /// It is not a text.
    #[error("it is not UTF-8")]
    NotText,
}

impl From<io::ErrorKind> for ReadError {
    fn from(kind: io::ErrorKind) -> Self {
        Self::System(kind)
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::System(error.kind())
    }
}

/// The bytes of a regular file. Blocks for up to [`READ_TIMEOUT`]: never call it on the async runtime.
pub fn read(path: &Path, most: usize) -> Result<Vec<u8>, ReadError> {
    let own = path.to_owned();
    within(path, READ_TIMEOUT, move || read_here(&own, most))?
}

/// Whether there is a regular file that can be opened.
pub fn is_there(path: &Path) -> Result<(), ReadError> {
    let own = path.to_owned();
    within(path, READ_TIMEOUT, move || open(&own).map(drop))?
}

/// The text of a regular file.
pub fn read_text(path: &Path, most: usize) -> Result<String, ReadError> {
    String::from_utf8(read(path, most)?).map_err(|_| ReadError::NotText)
}

fn read_here(path: &Path, most: usize) -> Result<Vec<u8>, ReadError> {
    let file = open(path)?;
    // The size is no limit: files of /proc say 0, and a file may grow while it is read.
    if file.metadata()?.len() > most as u64 {
        return Err(ReadError::TooLarge(most));
    }
    up_to(file, most)
}

fn open(path: &Path) -> Result<File, ReadError> {
    // Without these, open(2) blocks on a pipe without a writer and on some devices, and may take over a terminal.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let flags = i32::try_from(flags).map_err(|_| io::ErrorKind::Unsupported)?;
    // The standard library adds O_CLOEXEC.
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    // The type of the opened file counts: the name may lead elsewhere by now.
    match other_kind(file.metadata()?.file_type()) {
        Some(kind) => Err(ReadError::Kind(kind)),
        None => Ok(file),
    }
}

fn up_to(file: File, most: usize) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most { Err(ReadError::TooLarge(most)) } else { Ok(bytes) }
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

/// Runs `work`, which may block on the file system at `path`, on a thread of its own and waits for it up to `timeout`.
pub fn within<T: Send + 'static>(
    path: &Path,
    timeout: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ReadError> {
    {
        let blocked = blocked();
        if blocked.iter().any(|at| at == path) {
            return Err(ReadError::Stalled);
        }
        if blocked.len() >= MAX_BLOCKED {
            return Err(ReadError::Crowded);
        }
    }
    let (answer, answered) = sync_channel(1);
    let caller = Arc::new(Mutex::new(Caller::Waits));
    let (own, of_thread) = (path.to_owned(), Arc::clone(&caller));
    thread::Builder::new().name("file".to_owned()).spawn(move || {
        let done = work();
        // After the timeout there is no receiver.
        let _ = answer.send(done);
        let mut caller = of_thread.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*caller, Caller::GaveUp) {
            let mut blocked = blocked();
            if let Some(index) = blocked.iter().position(|at| *at == own) {
                blocked.swap_remove(index);
            }
        }
        *caller = Caller::Served;
    })?;
    match answered.recv_timeout(timeout) {
        Ok(done) => Ok(done),
        // The work panicked.
        Err(RecvTimeoutError::Disconnected) => Err(ReadError::System(io::ErrorKind::Other)),
        Err(RecvTimeoutError::Timeout) => {
            let mut caller = caller.lock().unwrap_or_else(PoisonError::into_inner);
            if matches!(*caller, Caller::Waits) {
                *caller = Caller::GaveUp;
                blocked().push(path.to_owned());
            }
            Err(ReadError::Stalled)
        }
    }
}

/// What the caller of a thread does.
enum Caller {
    Waits,
    GaveUp,
    Served,
}

fn blocked() -> MutexGuard<'static, Vec<PathBuf>> {
    // Nothing panics under the lock.
    BLOCKED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
