//! One call inside the pool, from its arrival to its answer.

use std::sync::Arc;

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::super::outcome::CallOutcome;
use super::super::source::{Input, ScriptId};
use super::super::wire::{self, kind};

/// A call: which script, the frame to send, and where the outcome goes.
pub(super) struct Job {
    pub script: usize,
    pub connector: usize,
    /// The whole frame; its number is set when it is sent to a worker. It holds credentials.
    pub frame: Arc<Zeroizing<Vec<u8>>>,
    /// It was in flight on a worker that died. It runs once more even if its caller has gone: otherwise a caller that
    /// hangs up early could kill workers without its script ever being identified as the culprit.
    pub repeated: bool,
    reply: oneshot::Sender<CallOutcome>,
}

impl Job {
    /// A job, and the receiver of its outcome.
    pub(super) fn new(
        id: ScriptId,
        script: usize,
        connector: usize,
        input: &Input,
    ) -> (Self, oneshot::Receiver<CallOutcome>) {
        let frame = wire::frame(kind::CALL, 0, &[&id.0.to_le_bytes(), input.json().as_bytes()]);
        let (reply, answer) = oneshot::channel();
        (Self { script, connector, frame: Arc::new(Zeroizing::new(frame)), repeated: false, reply }, answer)
    }

    /// Whether it need not run: the caller's deadline has passed, or the call was dropped.
    pub(super) fn abandoned(&self) -> bool {
        self.reply.is_closed() && !self.repeated
    }

    pub(super) fn finish(self, outcome: CallOutcome) {
        // A caller that has gone needs no answer.
        let _ = self.reply.send(outcome);
    }
}
