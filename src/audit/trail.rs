//! The file behind the audit trail: a thread that appends, rotates, and says when it cannot.
//!
//! A login takes its place in the bounded queue before anything is sent, so that a line is never lost to a full queue
//! after the fact. While the file cannot be written (a full disk), the policy of the configuration holds: `continue`
//! counts lost lines, `refuse` stops logins.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::mpsc::{self, OwnedPermit, Receiver, Sender};

use crate::config::{self, UserName, WhenFull};
use crate::metrics::Metrics;

/// Lines that wait: some seconds of a busy daemon, at about 400 bytes each.
const QUEUE: usize = 8192;

/// Bytes of one write: a batch costs one system call.
const BATCH: usize = 64 * 1024;

/// How long a file that could not be written is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// No place in the trail, and the policy is to refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audit trail cannot be written")]
pub struct Full;

/// An open trail.
#[derive(Debug)]
pub struct Trail {
    sender: Sender<Vec<u8>>,
    state: Arc<State>,
    names: UserName,
    when_full: WhenFull,
    thread: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    /// The last write worked.
    healthy: AtomicBool,
    /// The file is to be opened anew (an outside tool moved it).
    reopen: AtomicBool,
    /// The daemon is ending: no more second tries.
    closing: AtomicBool,
    metrics: Arc<Metrics>,
}

/// A place for one line.
#[derive(Debug)]
pub struct Place {
    permit: Option<OwnedPermit<Vec<u8>>>,
    metrics: Arc<Metrics>,
}

impl Trail {
    /// Opens the file for appending (created with mode 0600) and starts the thread.
    pub fn open(audit: &config::Audit, metrics: Arc<Metrics>) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let state = Arc::new(State {
            healthy: AtomicBool::new(true),
            reopen: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            metrics,
        });
        let writer = Writer::open(audit, Arc::clone(&state))?;
        let thread = thread::Builder::new().name("audit".to_owned()).spawn(move || writer.run(receiver))?;
        Ok(Self { sender, state, names: audit.user_name.clone(), when_full: audit.when_full, thread })
    }

    /// A place for the line of a login that is about to run.
    pub fn place(&self) -> Result<Place, Full> {
        let permit = self.sender.clone().try_reserve_owned().ok();
        if self.when_full == WhenFull::Refuse && (permit.is_none() || !self.healthy()) {
            return Err(Full);
        }
        Ok(Place { permit, metrics: Arc::clone(&self.state.metrics) })
    }

    /// How users are named in lines.
    pub fn names(&self) -> &UserName {
        &self.names
    }

    /// Whether logins would be refused now.
    pub fn refuses(&self) -> bool {
        self.when_full == WhenFull::Refuse && !self.healthy()
    }

    /// Whether the last write worked.
    pub fn healthy(&self) -> bool {
        self.state.healthy.load(Ordering::Relaxed)
    }

    /// Opens the file by its name before the next line: an outside tool moved it away.
    pub fn reopen(&self) {
        self.state.reopen.store(true, Ordering::Relaxed);
    }

    /// Writes what waits and ends the thread. Blocks for as long as the disk does; call it where that is bounded.
    pub fn close(self) {
        self.state.closing.store(true, Ordering::Relaxed);
        drop(self.sender);
        self.thread.thread().unpark();
        // A panic of the writer was logged by the panic hook.
        let _ = self.thread.join();
    }
}

impl Place {
    /// Puts the line into the queue.
    pub fn write(self, line: Vec<u8>) {
        match self.permit {
            Some(permit) => drop(permit.send(line)),
            None => self.metrics.audit_lost(),
        }
    }
}

/// The thread's side.
struct Writer {
    path: PathBuf,
    max_size: u64,
    keep: u32,
    file: File,
    /// Bytes of whole lines in the file.
    size: u64,
    state: Arc<State>,
}

impl Writer {
    fn open(audit: &config::Audit, state: Arc<State>) -> io::Result<Self> {
        let (file, size) = append_to(&audit.file)?;
        Ok(Self { path: audit.file.clone(), max_size: audit.max_size, keep: audit.keep, file, size, state })
    }

    fn run(mut self, mut lines: Receiver<Vec<u8>>) {
        while let Some(first) = lines.blocking_recv() {
            let mut batch = first;
            let mut count = 1;
            while batch.len() < BATCH {
                let Ok(line) = lines.try_recv() else { break };
                batch.extend_from_slice(&line);
                count += 1;
            }
            self.write_until_done(&batch, count);
        }
        // Best effort: the process ends, and the lines are in the kernel's hands already.
        let _ = self.file.sync_data();
    }

    /// Tries once a second until it works, or until the daemon ends.
    fn write_until_done(&mut self, batch: &[u8], count: usize) {
        loop {
            let result = self.write(batch);
            let healthy = result.is_ok();
            if self.state.healthy.swap(healthy, Ordering::Relaxed) != healthy {
                match &result {
                    Ok(()) => tracing::warn!("the audit trail is written again"),
                    Err(error) => tracing::error!(%error, "the audit trail cannot be written"),
                }
            }
            if healthy {
                return;
            }
            if self.state.closing.load(Ordering::Relaxed) {
                (0..count).for_each(|_| self.state.metrics.audit_lost());
                return;
            }
            thread::park_timeout(PAUSE);
        }
    }

    fn write(&mut self, batch: &[u8]) -> io::Result<()> {
        if self.state.reopen.swap(false, Ordering::Relaxed) {
            (self.file, self.size) = append_to(&self.path)?;
        }
        let length = batch.len() as u64;
        if self.size > 0 && self.size + length > self.max_size {
            self.rotate()?;
        }
        match self.file.write_all(batch) {
            Ok(()) => {
                self.size += length;
                Ok(())
            }
            Err(error) => {
                // What was written of the batch goes, so that the next try leaves whole lines only.
                let _ = self.file.set_len(self.size);
                Err(error)
            }
        }
    }

    /// `file.1` becomes `file.2` and so on; the oldest goes.
    fn rotate(&mut self) -> io::Result<()> {
        let numbered = |number: u32| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        for number in (1..self.keep).rev() {
            rename_if_there(&numbered(number), &numbered(number + 1))?;
        }
        if self.keep > 0 {
            rename_if_there(&self.path, &numbered(1))?;
        } else {
            std::fs::remove_file(&self.path)?;
        }
        (self.file, self.size) = append_to(&self.path)?;
        Ok(())
    }
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn append_to(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}
