//! Reloads of the configuration and the connectors: one runs at a time, and one waits.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::watch::{Receiver, Sender, channel};

use super::configuration::ConfigurationReload;
use super::connectors::Reloaded;
use crate::metrics::Metrics;

/// The API, SIGHUP and the watch ask for reloads. One that is asked for while another runs begins after it, and all that ask
/// meanwhile share its result. A reload is a task of its own, so it is finished even when its caller disconnects.
pub struct Reloads {
    metrics: Arc<Metrics>,
    queue: Mutex<Queue>,
    /// When the connectors were last read.
    last: Mutex<Timestamp>,
    /// What is read again after the connectors.
    follower: OnceLock<Arc<dyn AfterReload>>,
    /// What it came to.
    followed: Mutex<Option<ReloadedDoors>>,
}

/// What leans on the connectors and is read again after them.
pub trait AfterReload: Send + Sync {
    /// The connectors were read. `None`: the files could not be, and what ran before still runs.
    fn reloaded(&self) -> BoxFuture<'_, Option<ReloadedDoors>>;
}

/// What a reload of doors came to, as callers may know it.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[schemars(rename = "ReloadedDoors")]
pub struct ReloadedDoors {
    /// Ids of the doors that run.
    pub running: Vec<String>,
    /// Ids of the doors whose files have mistakes; the last good one of each runs, if there was one.
    pub refused: Vec<String>,
}

/// What a reload came to.
#[derive(Debug, Clone)]
pub struct ReloadOutcome {
    /// The connectors.
    pub connectors: Reloaded,
    /// The configuration; `None` where there is no file of it.
    pub configuration: Option<ConfigurationReload>,
    /// The doors; `None` where there are none.
    pub doors: Option<ReloadedDoors>,
}

/// One reload.
pub(super) type Reload = Arc<dyn Fn() -> BoxFuture<'static, ReloadOutcome> + Send + Sync>;

/// `None` until the reload has ended, and for ever when the sender is dropped.
type ReloadResult = Option<ReloadOutcome>;

impl ReloadOutcome {
    fn is_good(&self) -> bool {
        let doors = self.doors.as_ref().is_none_or(|doors| doors.refused.is_empty());
        doors && self.connectors.refused.is_empty() && self.configuration.as_ref().is_none_or(|it| !it.refused)
    }
}

#[derive(Default)]
struct Queue {
    running: bool,
    waiting: Option<(Sender<ReloadResult>, Receiver<ReloadResult>)>,
}

impl Reloads {
    pub(super) fn new(metrics: Arc<Metrics>) -> Arc<Self> {
        let (queue, last) = (Mutex::default(), Mutex::new(Timestamp::now()));
        Arc::new(Self { metrics, queue, last, follower: OnceLock::new(), followed: Mutex::default() })
    }

    /// From now on `follower`, whose first reading came to `first`, is told after each reload. The first follower stays.
    pub fn followed_by(&self, follower: Arc<dyn AfterReload>, first: ReloadedDoors) {
        if self.follower.set(follower).is_ok() {
            *self.followed.lock().unwrap_or_else(PoisonError::into_inner) = Some(first);
        }
    }

    /// The connectors were read.
    pub(super) async fn tell_follower(&self) -> Option<ReloadedDoors> {
        let doors = self.follower.get()?.reloaded().await;
        if doors.is_some() {
            self.followed.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&doors);
        }
        self.doors()
    }

    /// What the last reading of doors came to; `None` where there are none.
    pub(crate) fn doors(&self) -> Option<ReloadedDoors> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs `reload`, or waits for one that begins after this call. `None` when it panicked.
    pub(super) async fn reload(self: &Arc<Self>, reload: Reload) -> ReloadResult {
        // An error: the sender is gone without a result.
        self.ask(reload).wait_for(Option::is_some).await.ok()?.clone()
    }

    /// The result of the next reload to begin. To be called within a runtime.
    fn ask(self: &Arc<Self>, reload: Reload) -> Receiver<ReloadResult> {
        let mut queue = self.queue();
        if queue.running {
            return queue.waiting.get_or_insert_with(|| channel(None)).1.clone();
        }
        queue.running = true;
        drop(queue);
        let (sender, result) = channel(None);
        tokio::spawn(Arc::clone(self).run(reload, sender));
        result
    }

    /// One reload, and those that were asked for meanwhile.
    async fn run(self: Arc<Self>, reload: Reload, first: Sender<ReloadResult>) {
        let mut next = Some(first);
        while let Some(sender) = next {
            match AssertUnwindSafe(reload()).catch_unwind().await {
                Ok(reloaded) => {
                    if !reloaded.connectors.unreadable {
                        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Timestamp::now();
                    }
                    self.metrics.reloaded(if reloaded.is_good() { "ok" } else { "refused" });
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
