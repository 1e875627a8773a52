//! One running worker as the pool sees it: its input pipe and the calls that it has not answered yet.

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

/// A call that was handed to a worker.
pub(super) struct Flying {
    pub number: u32,
    pub job: Job,
    /// Bytes that must have been written before the worker can begin with it.
    end: u64,
}

/// A worker that is ready.
pub(super) struct Live {
    pub pid: Pid,
    pub usage: Usage,
    pipe: Arc<Sender>,
    pub flying: VecDeque<Flying>,
    /// Frames of which the pipe took nothing or a part yet.
    unwritten: VecDeque<Arc<Zeroizing<Vec<u8>>>>,
    /// Bytes of the first unwritten frame that are written.
    offset: usize,
    pub written: u64,
    queued: u64,
    next: u32,
    /// When the oldest call began: when its frame was written or the reply before it came, whichever is later.
    pub head_since: Instant,
    pub served: u64,
    /// Set when the worker was killed for the time of this call.
    pub condemned: Option<(u32, Budget)>,
    /// No new calls: it is to be replaced when idle.
    pub retiring: bool,
    pub watch: Watch,
}

/// What the watchdog remembers of the oldest call.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub number: Option<u32>,
    pub cpu: Option<std::time::Duration>,
    /// Memory of the worker when it had served nothing.
    pub resident_at_start: Option<u64>,
    /// Calls since the last look at it.
    pub calls: u64,
}

impl Live {
    pub(super) fn new(pid: Pid, usage: Usage, pipe: Arc<Sender>) -> Self {
        Self {
            pid,
            usage,
            pipe,
            flying: VecDeque::new(),
            unwritten: VecDeque::new(),
            offset: 0,
            written: 0,
            queued: 0,
            next: 0,
            head_since: Instant::now(),
            served: 0,
            condemned: None,
            retiring: false,
            watch: Watch::default(),
        }
    }

    /// Hands a call over; true when the writer must be woken because the pipe is full.
    pub(super) fn send(&mut self, mut job: Job) -> bool {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        // The frame is shared only with the queue of an earlier worker, which is gone.
        let frame: &mut Zeroizing<Vec<u8>> = Arc::make_mut(&mut job.frame);
        wire::renumber(frame, number);
        self.queued += job.frame.len() as u64;
        self.unwritten.push_back(Arc::clone(&job.frame));
        self.flying.push_back(Flying { number, job, end: self.queued });
        self.write()
    }

    /// Writes what the pipe takes without waiting; true when something is left.
    pub(super) fn write(&mut self) -> bool {
        let before = self.written;
        let left = self.write_some();
        let head = self.flying.front().map(|head| head.end);
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

    /// Takes the oldest call if this is its number. Workers answer in order, so another number is a fault of theirs.
    pub(super) fn answered(&mut self, number: u32) -> Option<Job> {
        if self.flying.front()?.number != number {
            return None;
        }
        self.served += 1;
        self.head_since = Instant::now();
        self.flying.pop_front().map(|flying| flying.job)
    }

    /// The oldest unanswered call, once all of it is in the worker's hands.
    pub(super) fn head(&self) -> Option<u32> {
        self.flying.front().filter(|head| head.end <= self.written).map(|head| head.number)
    }

    /// Ends the process at once. It is not reaped yet, so the number cannot be another's.
    pub(super) fn kill(&self) {
        let _ = kill_process(self.pid, Signal::KILL);
    }
}

/// Writes what [`Live::write`] left, when the pipe has room again. `write` says whether something is still left, and
/// nothing when the worker has left the books; then its input ends with this.
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
