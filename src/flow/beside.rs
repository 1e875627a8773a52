//! What may cost seconds is done beside the runtime, whose threads all logins share: reading a large reply, judging it, and
//! whatever looks at large parts that were captured.
//!
//! Never more at a time than the connector's own places, and waited for no longer than the login's deadline. What is
//! begun cannot be stopped: a login that gives up leaves its thread busy, with its place.

use std::sync::Arc;

use super::state::Run;
use super::stop::Stop;
use crate::connector::{NameSet, Step};
use crate::context::Context;
use crate::mask::Mask;
use crate::upstream::Full;
use crate::verdict::Cause;

/// What is larger is done beside the runtime, which costs 20 µs. Smaller are nearly all replies in JSON or XML; what is worst
/// in HTML costs the square of its size, at this one a few milliseconds, at 32 KiB a hundred.
pub(super) const LARGE: usize = 8 * 1024;

/// What is done, for the sentence about one that was not.
#[derive(Debug, Clone, Copy)]
pub(super) enum Work {
    Decoding,
    Judging,
}

impl Work {
    fn done(self) -> &'static str {
        match self {
            Self::Decoding => "decoded",
            Self::Judging => "judged",
        }
    }
}

/// What a login knows, lent to another thread.
pub(super) struct Known {
    pub steps: Arc<[Step]>,
    pub secret_env: Arc<NameSet>,
    pub context: Context,
    pub mask: Mask,
    pub claimed: String,
    pub tracing: bool,
}

impl Run<'_> {
    /// Runs `work` on a thread of its own.
    pub(super) async fn beside<T: Send + 'static>(
        &self,
        what: Work,
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

    /// Runs `work`, which looks at what this login knows, on a thread of its own. What is known is lent and not copied, but for a
    /// login that gives up: then the thread keeps what it has.
    pub(super) async fn beside_with<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Known) -> T + Send + 'static,
    ) -> Result<T, Stop> {
        let known = Arc::new(Known {
            steps: Arc::clone(&self.connector.steps),
            secret_env: Arc::clone(&self.connector.secret_env),
            context: std::mem::take(&mut self.context),
            mask: std::mem::take(&mut self.mask),
            claimed: std::mem::take(&mut self.claimed),
            tracing: self.tracing,
        });
        let lent = Arc::clone(&known);
        let result = self.beside(Work::Judging, move || work(&lent)).await;
        let back = Arc::try_unwrap(known).unwrap_or_else(|kept| kept.copy());
        (self.context, self.mask, self.claimed) = (back.context, back.mask, back.claimed);
        result
    }
}

impl Known {
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

fn overloaded(what: Work, full: Full, places: usize) -> Stop {
    let why = match full {
        Full::Wait => "none was done before the deadline",
        Full::Queue => "the queue behind them is full",
    };
    let line = format!("{places} large replies of this connector are being {}; {why}", what.done());
    Stop::unavailable(Cause::Overloaded, line)
}
