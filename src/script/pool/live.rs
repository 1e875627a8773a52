//! One running worker as the pool sees it: its input pipe and its calls in flight.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::unix::pipe::Sender;
use tokio::sync::Notify;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::super::outcome::Budget;
use super::super::usage::Usage;
use super::super::wire;
use super::job::Job;

/// A call that was sent to a worker and is not answered yet.
pub(super) struct InFlight {
    pub number: u32,
    pub job: Job,
    /// Value of [`Live::written`] at which the worker has the whole frame.
    end: u64,
}

/// Why the watchdog killed a worker.
#[derive(Debug, Clone, Copy)]
pub(super) struct KillCause {
    /// Number of the call that exceeded its budget.
    pub call: u32,
    pub budget: Budget,
}

/// A worker that takes calls.
pub(super) struct Live {
    pub pid: Pid,
    pub usage: Usage,
    pipe: Arc<Sender>,
    pub in_flight: VecDeque<InFlight>,
    /// Frames not yet wholly written to the pipe.
    unwritten: VecDeque<Arc<Zeroizing<Vec<u8>>>>,
    /// Bytes already written of the first of these.
    offset: usize,
    pub written: u64,
    queued: u64,
    next: u32,
    /// When the oldest call started: when its frame was written or when the reply before it came, whichever is later.
    pub head_since: Instant,
    pub served: u64,
    /// Set when the watchdog killed it.
    pub kill_cause: Option<KillCause>,
    /// It gets no new calls and is replaced when idle.
    pub retiring: bool,
    pub watch: Watch,
}

/// What the watchdog saw at its last look.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The oldest call then.
    pub number: Option<u32>,
    /// CPU time of the worker when it was first seen with that call.
    pub cpu: Option<std::time::Duration>,
    /// Resident bytes of the worker before its first call.
    pub resident_at_start: Option<u64>,
    /// Calls since the memory was last measured.
    pub calls: u64,
}

impl Live {
    pub(super) fn new(pid: Pid, usage: Usage, pipe: Arc<Sender>) -> Self {
        Self {
            pid,
            usage,
            pipe,
            in_flight: VecDeque::new(),
            unwritten: VecDeque::new(),
            offset: 0,
            written: 0,
            queued: 0,
            next: 0,
            head_since: Instant::now(),
            served: 0,
            kill_cause: None,
            retiring: false,
            watch: Watch::default(),
        }
    }

    /// Sends a call; true when the writer must be woken because the pipe is full.
    pub(super) fn send(&mut self, mut job: Job) -> bool {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        // Only the queue of an earlier worker shared the frame, and that worker has ended: nothing is copied.
        let frame: &mut Zeroizing<Vec<u8>> = Arc::make_mut(&mut job.frame);
        wire::renumber(frame, number);
        self.queued += job.frame.len() as u64;
        self.unwritten.push_back(Arc::clone(&job.frame));
        self.in_flight.push_back(InFlight { number, job, end: self.queued });
        self.write()
    }

    /// Writes what the pipe takes without waiting; true when something is left.
    pub(super) fn write(&mut self) -> bool {
        let before = self.written;
        let left = self.write_some();
        let head = self.in_flight.front().map(|head| head.end);
        if head.is_some_and(|end| before < end && end <= self.written) {
            self.head_since = Instant::now();
        }
        left
    }

    fn write_some(&mut self) -> bool {
        while let Some(frame) = self.unwritten.front() {
            match self.pipe.try_write(&frame[self.offset..]) {
                Ok(count) => {
                    self.written += count as u64;
                    self.offset += count;
                    if self.offset == frame.len() {
                        self.unwritten.pop_front();
                        self.offset = 0;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                // The worker is dying; its reader sees the end and decides about the calls.
                Err(_) => return false,
            }
        }
        false
    }

    /// Takes the oldest call if this is its number. Workers answer in order: any other number breaks the protocol.
    pub(super) fn answered(&mut self, number: u32) -> Option<Job> {
        if self.in_flight.front()?.number != number {
            return None;
        }
        self.served += 1;
        self.head_since = Instant::now();
        self.in_flight.pop_front().map(|in_flight| in_flight.job)
    }

    /// The oldest call in flight, once its whole frame is written.
    pub(super) fn head(&self) -> Option<u32> {
        self.in_flight.front().filter(|head| head.end <= self.written).map(|head| head.number)
    }

    /// Kills the process. It is not reaped yet, so its id cannot belong to another process.
    pub(super) fn kill(&self) {
        let _ = kill_process(self.pid, Signal::KILL);
    }
}

/// Writes what [`Live::write`] left, as soon as the pipe has room. `write` says whether bytes are left, or `None` when
/// the worker was taken out of the state; then this returns, which closes the worker's stdin.
pub(super) async fn drain(pipe: Arc<Sender>, wake: Arc<Notify>, mut write: impl FnMut() -> Option<bool>) {
    loop {
        wake.notified().await;
        loop {
            match write() {
                None => return,
                Some(false) => break,
                Some(true) => {}
            }
            if pipe.writable().await.is_err() {
                return;
            }
        }
    }
}
