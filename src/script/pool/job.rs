//! One call inside the pool, from its arrival to its answer.

use std::sync::Arc;

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::super::outcome::Outcome;
use super::super::source::{Input, ScriptId};
use super::super::wire::{self, kind};

/// A call: which script, the frame to send, and who waits for the answer.
pub(super) struct Job {
    pub script: usize,
    pub connector: usize,
    /// The whole frame, its number set when a worker takes it. It holds credentials.
    pub frame: Arc<Zeroizing<Vec<u8>>>,
    /// It was in a worker that died. It runs once more even if nobody waits for it: otherwise who sends poison and hangs
    /// up would never be found out.
    pub repeated: bool,
    reply: oneshot::Sender<Outcome>,
}

impl Job {
    /// A job and the end on which its answer arrives.
    pub(super) fn new(
        id: ScriptId,
        script: usize,
        connector: usize,
        input: &Input,
    ) -> (Self, oneshot::Receiver<Outcome>) {
        let frame = wire::frame(kind::CALL, 0, &[&id.0.to_le_bytes(), input.json().as_bytes()]);
        let (reply, answer) = oneshot::channel();
        (Self { script, connector, frame: Arc::new(Zeroizing::new(frame)), repeated: false, reply }, answer)
    }

    /// Whether it need not run: the caller has gone, because its deadline passed or it was dropped.
    pub(super) fn abandoned(&self) -> bool {
        self.reply.is_closed() && !self.repeated
    }

    /// Answers the caller.
    pub(super) fn finish(self, outcome: Outcome) {
        // A caller that has gone needs no answer.
        let _ = self.reply.send(outcome);
    }
}
