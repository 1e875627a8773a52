//! Work that may take seconds runs on a blocking thread, because all logins share the runtime's threads: decoding and
//! judging a large reply, and reading large captures.
//!
//! It is bounded by the connector's slots, and a login waits no longer than its deadline. It cannot be cancelled: when
//! a login times out, the thread stays busy and keeps its slot.

use std::sync::Arc;

use super::state::Run;
use super::stop::Stop;
use crate::connector::{NameSet, Step};
use crate::context::Context;
use crate::mask::Mask;
use crate::upstream::Full;
use crate::verdict::Cause;

/// Larger replies are offloaded, which costs 20 µs. Nearly all JSON and XML replies are smaller. The worst HTML takes
/// time quadratic in its size: a few milliseconds at this size, a hundred at 32 KiB.
pub(super) const LARGE: usize = 8 * 1024;

#[derive(Debug, Clone, Copy)]
pub(super) enum OffloadedWork {
    Decoding,
    Judging,
}

impl OffloadedWork {
    fn done(self) -> &'static str {
        match self {
            Self::Decoding => "decoded",
            Self::Judging => "judged",
        }
    }
}

/// The parts of a login's state that judging reads, lent to another thread.
pub(super) struct LentState {
    pub steps: Arc<[Step]>,
    pub secret_env: Arc<NameSet>,
    pub context: Context,
    pub mask: Mask,
    pub claimed: String,
    pub tracing: bool,
}

impl Run<'_> {
    /// Runs `work` on a blocking thread.
    pub(super) async fn offload<T: Send + 'static>(
        &self,
        what: OffloadedWork,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Stop> {
        let places = &self.connector.decoders;
        let place = places.enter_by(self.deadline).await.map_err(|full| overloaded(what, full, places.places()))?;
        let work = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        let done = what.done();
        match tokio::time::timeout_at(self.deadline, work).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(_)) => Err(Stop::misconfigured(format!("a reply could not be {done}: a fault inside the daemon"))),
            Err(_) => {
                let line = format!("the deadline passed while the reply was {done}");
                Err(Stop::unavailable(Cause::Timeout, line))
            }
        }
    }

    /// Runs `work`, which reads this login's state, on a blocking thread. The state is lent and not copied, unless the
    /// login times out: then the thread keeps it.
    pub(super) async fn offload_with_state<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&LentState) -> T + Send + 'static,
    ) -> Result<T, Stop> {
        let state = Arc::new(LentState {
            steps: Arc::clone(&self.connector.steps),
            secret_env: Arc::clone(&self.connector.secret_env),
            context: std::mem::take(&mut self.context),
            mask: std::mem::take(&mut self.mask),
            claimed: std::mem::take(&mut self.claimed),
            tracing: self.tracing,
        });
        let lent = Arc::clone(&state);
        let result = self.offload(OffloadedWork::Judging, move || work(&lent)).await;
        let back = Arc::try_unwrap(state).unwrap_or_else(|kept| kept.copy());
        (self.context, self.mask, self.claimed) = (back.context, back.mask, back.claimed);
        result
    }
}

impl LentState {
    fn copy(&self) -> Self {
        Self {
            steps: Arc::clone(&self.steps),
            secret_env: Arc::clone(&self.secret_env),
            context: self.context.clone(),
            mask: self.mask.clone(),
            claimed: self.claimed.clone(),
            tracing: self.tracing,
        }
    }
}

fn overloaded(what: OffloadedWork, full: Full, places: usize) -> Stop {
    let why = match full {
        Full::Wait => "none was done before the deadline",
        Full::Queue => "the queue behind them is full",
    };
    let line = format!("{places} large replies of this connector are being {}; {why}", what.done());
    Stop::unavailable(Cause::Overloaded, line)
}
