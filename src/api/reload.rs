//! `POST /v1/reload`: reads the connectors again. Answers with ids; the mistakes themselves are in the log.
//!
//! 200 means that the files were read, not that all of them are valid: see `refused`.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use http::Request;
use tokio::sync::watch::{Receiver, Sender, channel};

use super::App;
use super::callers::Caller;
use super::problem::Problem;
use crate::attempt::connectors::{Connectors, Reloaded};
use crate::config::Scope;
use crate::metrics::Metrics;

/// The endpoint. A body is not read.
pub(crate) async fn post(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let answer = match app.caller(&request, Scope::Reload) {
        Ok(caller) => asked(&app, caller).await,
        Err(problem) => Err(problem),
    };
    app.settle(answer)
}

async fn asked(app: &Arc<App>, caller: Arc<Caller>) -> Result<Response, Problem> {
    tracing::info!(client = caller.client.name, "reload asked for");
    let mut reloaded = reload(app).await.ok_or(Problem::Broken)?;
    // A client sees the ids of its own connectors only.
    for ids in [&mut reloaded.changed, &mut reloaded.removed, &mut reloaded.refused] {
        ids.retain(|id| caller.may_use(id));
    }
    Ok(Json(reloaded).into_response())
}

/// Has the connectors read again, whoever asks: the API, SIGHUP or the watch. The reading begins after the call; `None` when
/// it panicked.
pub async fn reload(app: &App) -> Option<Reloaded> {
    let mut result = app.reloads.ask();
    // An error: the sender is gone without a result.
    result.wait_for(Option::is_some).await.ok()?.clone()
}

/// One reload runs and one waits, whose result all share that ask meanwhile. What asks may go away: a reload is a task of its
/// own and never half done.
pub(crate) struct Reloads {
    connectors: Arc<dyn Connectors>,
    metrics: Arc<Metrics>,
    queue: Mutex<Queue>,
}

/// What comes of a reload; nothing yet, or never when the sender is dropped.
type Outcome = Option<Reloaded>;

#[derive(Default)]
struct Queue {
    running: bool,
    waiting: Option<(Sender<Outcome>, Receiver<Outcome>)>,
}

impl Reloads {
    pub(crate) fn new(connectors: Arc<dyn Connectors>, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { connectors, metrics, queue: Mutex::default() })
    }

    /// The result of the next reload to begin. To be called within a runtime.
    fn ask(self: &Arc<Self>) -> Receiver<Outcome> {
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
    async fn run(self: Arc<Self>, first: Sender<Outcome>) {
        let mut next = Some(first);
        while let Some(sender) = next {
            match AssertUnwindSafe(self.connectors.reload()).catch_unwind().await {
                Ok(reloaded) => {
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

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics under the lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
