//! Reloads of the connectors: one runs at a time, and one waits.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use jiff::Timestamp;
use tokio::sync::watch::{Receiver, Sender, channel};

use super::connectors::{Connectors, Reloaded};
use crate::metrics::Metrics;

/// The API, SIGHUP and the watch ask for reloads. One that is asked for while another runs begins after it, and all that ask
/// meanwhile share its result. A reload is a task of its own, so it is finished even when its caller disconnects.
pub struct Reloads {
    connectors: Arc<dyn Connectors>,
    metrics: Arc<Metrics>,
    queue: Mutex<Queue>,
    /// When the connectors were last read.
    last: Mutex<Timestamp>,
}

/// `None` until the reload has ended, and for ever when the sender is dropped.
type ReloadResult = Option<Reloaded>;

#[derive(Default)]
struct Queue {
    running: bool,
    waiting: Option<(Sender<ReloadResult>, Receiver<ReloadResult>)>,
}

impl Reloads {
    pub(super) fn new(connectors: Arc<dyn Connectors>, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { connectors, metrics, queue: Mutex::default(), last: Mutex::new(Timestamp::now()) })
    }

    /// Reads the connectors again. The reading begins after the call; `None` when it panicked.
    pub(super) async fn reload(self: &Arc<Self>) -> Option<Reloaded> {
        // An error: the sender is gone without a result.
        self.ask().wait_for(Option::is_some).await.ok()?.clone()
    }

    /// The result of the next reload to begin. To be called within a runtime.
    fn ask(self: &Arc<Self>) -> Receiver<ReloadResult> {
        let mut queue = self.queue();
        if queue.running {
            return queue.waiting.get_or_insert_with(|| channel(None)).1.clone();
        }
        queue.running = true;
        drop(queue);
        let (sender, result) = channel(None);
        tokio::spawn(Arc::clone(self).run(sender));
        result
    }

    /// One reload, and those that were asked for meanwhile.
    async fn run(self: Arc<Self>, first: Sender<ReloadResult>) {
        let mut next = Some(first);
        while let Some(sender) = next {
            match AssertUnwindSafe(self.connectors.reload()).catch_unwind().await {
                Ok(reloaded) => {
                    if !reloaded.unreadable {
                        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Timestamp::now();
                    }
                    self.metrics.reloaded(if reloaded.refused.is_empty() { "ok" } else { "refused" });
                    sender.send_replace(Some(reloaded));
                }
                Err(_) => self.metrics.panicked(),
            }
            let mut queue = self.queue();
            next = queue.waiting.take().map(|(sender, _)| sender);
            queue.running = next.is_some();
        }
    }

    /// When the connectors were last read.
    pub(crate) fn last(&self) -> Timestamp {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics under the lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
