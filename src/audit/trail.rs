//! The file behind the audit trail: a thread that appends, rotates, and says when it cannot.
//!
//! A login takes its place in the bounded queue before anything is sent, so that a line is never lost to a full queue
//! after the fact. While the file cannot be written (a full disk, one that does not answer), the policy of the configuration
//! holds: `continue` counts lost lines; `refuse` stops logins, and an accept waits until its line is on the disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::mpsc::{self, OwnedPermit, Receiver, Sender};
use tokio::sync::oneshot;

use crate::config::{self, UserName, WhenFull};
use crate::metrics::Metrics;

/// Lines that wait: some seconds of a busy daemon, at about 400 bytes each.
const QUEUE: usize = 8192;

/// Bytes of one write: a batch costs one system call.
const BATCH: usize = 64 * 1024;

/// How long a file that could not be written is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// A write that takes longer than this is as bad as one that fails. A disk that spins up takes longer, and is a disk at rest.
const STUCK: Duration = Duration::from_secs(1);

/// How long an accept waits for its line under `refuse`: for the write before it and for its own.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// The queue is full or the file cannot be written, and the policy is to refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audit trail is full or cannot be written")]
pub struct Full;

/// A line on its way.
#[derive(Debug)]
struct QueuedLine {
    line: Vec<u8>,
    /// Resolves when it is on the disk; dropped when it never will be.
    written: Option<oneshot::Sender<()>>,
}

/// An open trail.
#[derive(Debug)]
pub struct Trail {
    sender: Sender<QueuedLine>,
    state: Arc<State>,
    thread: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    /// What the configuration says; a reload may change it.
    config: ArcSwap<config::Audit>,
    /// The last write worked.
    healthy: AtomicBool,
    /// When the write that goes on now began, in milliseconds after `opened` and one; 0 when none does.
    writing: AtomicU64,
    opened: Instant,
    /// The log says that a write is stuck.
    stuck_logged: AtomicBool,
    /// The file is to be opened anew (an outside tool moved it).
    reopen: AtomicBool,
    /// The daemon is ending: no more second tries.
    closing: AtomicBool,
    metrics: Arc<Metrics>,
}

/// A place for one line.
#[derive(Debug)]
pub struct Reservation {
    permit: Option<OwnedPermit<QueuedLine>>,
    /// An accept waits for its line.
    refuse: bool,
    metrics: Arc<Metrics>,
}

impl Trail {
    /// Opens the file for appending (created with mode 0600) and starts the thread.
    pub fn open(audit: &config::Audit, metrics: Arc<Metrics>) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let state = Arc::new(State {
            config: ArcSwap::from_pointee(audit.clone()),
            healthy: AtomicBool::new(true),
            writing: AtomicU64::new(0),
            opened: Instant::now(),
            stuck_logged: AtomicBool::new(false),
            reopen: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            metrics,
        });
        let writer = Writer::open(audit, Arc::clone(&state))?;
        let thread = thread::Builder::new().name("audit".to_owned()).spawn(move || writer.run(receiver))?;
        Ok(Self { sender, state, thread })
    }

    /// Goes on as `audit` says; lines that wait go to its file. An error: that file cannot be opened, and nothing changed.
    pub fn change(&self, audit: &config::Audit) -> io::Result<()> {
        if self.state.config.load().file != audit.file {
            append_to(with_directory(&audit.file)?)?;
        }
        self.state.config.store(Arc::new(audit.clone()));
        self.reopen();
        Ok(())
    }

    /// A place for the line of a login that is about to run.
    pub fn reserve(&self) -> Result<Reservation, Full> {
        let permit = self.sender.clone().try_reserve_owned().ok();
        // The thread that writes cannot say it.
        if self.state.stuck() && !self.state.stuck_logged.swap(true, Ordering::Relaxed) {
            tracing::error!(
                "the audit trail takes no line: a write to its file does not return; look at the disk or the mount"
            );
        }
        let refuse = self.refuse();
        if refuse && (permit.is_none() || !self.healthy()) {
            return Err(Full);
        }
        Ok(Reservation { permit, refuse, metrics: Arc::clone(&self.state.metrics) })
    }

    /// How users are named in lines.
    pub fn names(&self) -> UserName {
        self.state.config.load().user_name.clone()
    }

    /// Where and how it is kept now.
    pub fn config(&self) -> Arc<config::Audit> {
        self.state.config.load_full()
    }

    fn refuse(&self) -> bool {
        self.state.config.load().when_full == WhenFull::Refuse
    }

    /// Whether logins would be refused now.
    pub fn refuses(&self) -> bool {
        self.refuse() && !self.healthy()
    }

    /// Whether the last write worked, and none is stuck.
    pub fn healthy(&self) -> bool {
        self.state.healthy.load(Ordering::Relaxed) && !self.state.stuck()
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

impl State {
    fn stuck(&self) -> bool {
        let began = self.writing.load(Ordering::Relaxed);
        began != 0 && self.now().saturating_sub(began) > u64::try_from(STUCK.as_millis()).unwrap_or(u64::MAX)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }
}

impl Reservation {
    /// Puts the line into the queue.
    pub fn write(self, line: Vec<u8>) {
        self.send(QueuedLine { line, written: None });
    }

    /// Queues the line; under `refuse`, waits until it is on the disk. False: the accept must not be sent. A line that comes
    /// too late may still be written; it says nothing false of the user's password.
    pub async fn write_durably(self, line: Vec<u8>) -> bool {
        if !self.refuse {
            self.write(line);
            return true;
        }
        let (written, waits) = oneshot::channel();
        self.send(QueuedLine { line, written: Some(written) });
        matches!(tokio::time::timeout(WRITE_TIMEOUT, waits).await, Ok(Ok(())))
    }

    fn send(self, entry: QueuedLine) {
        match self.permit {
            Some(permit) => drop(permit.send(entry)),
            None => self.metrics.audit_lost(),
        }
    }
}

/// The thread's side.
struct Writer {
    /// Of the open file, which the configuration may name no more.
    path: PathBuf,
    file: File,
    /// The file may end in a part of a line.
    torn: bool,
    state: Arc<State>,
}

impl Writer {
    fn open(audit: &config::Audit, state: Arc<State>) -> io::Result<Self> {
        let file = append_to(with_directory(&audit.file)?)?;
        let torn = is_torn(&audit.file, &file);
        Ok(Self { path: audit.file.clone(), file, torn, state })
    }

    fn run(mut self, mut lines: Receiver<QueuedLine>) {
        while let Some(first) = lines.blocking_recv() {
            let mut batch = first.line;
            let (mut count, mut waiting) = (1, Vec::from_iter(first.written));
            while batch.len() < BATCH {
                let Ok(QueuedLine { line, written }) = lines.try_recv() else { break };
                batch.extend_from_slice(&line);
                waiting.extend(written);
                count += 1;
            }
            if self.write_until_done(&batch, count) {
                // A caller that no longer waits was refused.
                for written in waiting {
                    let _ = written.send(());
                }
            }
        }
        // Best effort: the process ends, and the lines are in the kernel's hands already.
        let _ = self.file.sync_data();
    }

    /// Tries once a second until it works, or until the daemon ends; whether it did.
    fn write_until_done(&mut self, batch: &[u8], count: usize) -> bool {
        loop {
            self.state.writing.store(self.state.now(), Ordering::Relaxed);
            let result = self.write(batch);
            self.state.writing.store(0, Ordering::Relaxed);
            let was_stuck = self.state.stuck_logged.swap(false, Ordering::Relaxed);
            let healthy = result.is_ok();
            if self.state.healthy.swap(healthy, Ordering::Relaxed) != healthy {
                match &result {
                    Ok(()) => tracing::warn!("the audit trail can be written again"),
                    Err(error) => tracing::error!(%error, "the audit trail cannot be written"),
                }
            } else if was_stuck && healthy {
                tracing::warn!("the audit trail can be written again");
            }
            if healthy {
                return true;
            }
            if self.state.closing.load(Ordering::Relaxed) {
                (0..count).for_each(|_| self.state.metrics.audit_lost());
                return false;
            }
            thread::park_timeout(PAUSE);
        }
    }

    fn write(&mut self, batch: &[u8]) -> io::Result<()> {
        // Before the configuration is read: whoever changes it asks for this afterwards.
        let reopen = self.state.reopen.swap(false, Ordering::Relaxed);
        let config = self.state.config.load_full();
        if reopen {
            self.file = append_to(&config.file).inspect_err(|_| self.state.reopen.store(true, Ordering::Relaxed))?;
            self.path.clone_from(&config.file);
            self.torn = is_torn(&self.path, &self.file);
        }
        let sync_too = config.when_full == WhenFull::Refuse;
        // Asked anew each time: a tool that copies and truncates makes the file shorter, and a file that was removed keeps lines that
        // nobody can read any more.
        let mut now = self.file.metadata()?;
        if now.is_file() && now.nlink() == 0 {
            self.begin_anew(&config)?;
            now = self.file.metadata()?;
        }
        let mut before = now.len();
        if before > 0 && before + batch.len() as u64 > config.max_size {
            self.rotate(&config)?;
            before = 0;
        }
        if self.torn {
            self.file.write_all(b"\n")?;
            self.torn = false;
            before += 1;
        }
        let written = self.file.write_all(batch).and_then(|()| if sync_too { sync(&self.file) } else { Ok(()) });
        written.inspect_err(|_| self.torn = !take_back(&self.file, before))
    }

    /// `file.1` becomes `file.2` and so on; the oldest goes.
    fn rotate(&mut self, config: &config::Audit) -> io::Result<()> {
        let numbered = |number: u32| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        // A try before this one may have moved all files and found no room for a new one; moved once more at each try, the oldest
        // would go each time until none is left.
        if std::fs::symlink_metadata(&self.path).is_ok() {
            for number in (1..config.keep).rev() {
                rename_if_there(&numbered(number), &numbered(number + 1))?;
            }
            if config.keep > 0 {
                rename_if_there(&self.path, &numbered(1))?;
            } else {
                std::fs::remove_file(&self.path)?;
            }
        }
        self.begin_anew(config)
    }

    /// Opens the file of this name, which may be a new one.
    fn begin_anew(&mut self, config: &config::Audit) -> io::Result<()> {
        self.file = append_to(&self.path)?;
        self.torn = false;
        if config.when_full == WhenFull::Refuse {
            // The names, too: without them a file that is on the disk cannot be found after a power failure.
            let parent = self.path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
            File::open(parent)?.sync_all()?;
        }
        Ok(())
    }
}

/// Brings what was written to the disk. A pipe has none.
fn sync(file: &File) -> io::Result<()> {
    match file.sync_data() {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        done => done,
    }
}

/// Takes back what was written behind `before`, so that the next try leaves whole lines only; whether that worked. A file that
/// became shorter meanwhile is left as it is: to lengthen it would fill it with NULs.
pub(super) fn take_back(file: &File, before: u64) -> bool {
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    match length.cmp(&before) {
        std::cmp::Ordering::Equal => true,
        std::cmp::Ordering::Greater => file.set_len(before).is_ok(),
        std::cmp::Ordering::Less => length == 0,
    }
}

/// A process that was killed in the middle of a write leaves a part of a line.
fn is_torn(path: &Path, open: &File) -> bool {
    ends_in_a_line(path, open).is_ok_and(|whole| !whole)
}

/// Whether the last byte of the file is a line feed, or there is none.
fn ends_in_a_line(path: &Path, open: &File) -> io::Result<bool> {
    let metadata = open.metadata()?;
    if !metadata.is_file() || metadata.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    File::open(path)?.read_exact_at(&mut last, metadata.len() - 1)?;
    Ok(last == *b"\n")
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes the directory that the file is in.
fn with_directory(path: &Path) -> io::Result<&Path> {
    if let Some(directory) = path.parent().filter(|directory| *directory != Path::new("")) {
        std::fs::create_dir_all(directory)?;
    }
    Ok(path)
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}
