//! A caller that disconnects: before the user's credential was sent its run ends, after that it is finished in the background.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use tokio::runtime::Handle;

use super::outcome::AttemptOutcome;
use crate::flow::progress::Progress;
use crate::metrics::{CallerDisconnect, Metrics};
use crate::session::Sessions;

/// A run that its caller polls. Nothing else polls it, so the progress cannot change between the check in `drop` and the end of
/// the run.
pub(super) struct DetachOnDrop {
    /// `None` when it has ended.
    pub(super) run: Option<BoxFuture<'static, std::thread::Result<AttemptOutcome>>>,
    pub(super) progress: Progress,
    pub(super) metrics: Arc<Metrics>,
    pub(super) sessions: Option<Arc<Sessions>>,
}

impl Future for DetachOnDrop {
    type Output = std::thread::Result<AttemptOutcome>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(run) = &mut self.run else { return Poll::Pending };
        let ended = ready!(run.as_mut().poll(cx));
        self.run = None;
        Poll::Ready(ended)
    }
}

impl Drop for DetachOnDrop {
    /// The caller disconnected.
    fn drop(&mut self) {
        let Some(run) = self.run.take() else { return };
        if !self.progress.credential_left() {
            self.metrics.gone(CallerDisconnect::Ended);
            return;
        }
        self.metrics.gone(CallerDisconnect::Finished);
        // Without a runtime the daemon is at its end.
        if let Ok(runtime) = Handle::try_current() {
            let sessions = self.sessions.take();
            runtime.spawn(async move {
                // Nobody is there to get it, and it would take the place of one that somebody has.
                if let (Ok(AttemptOutcome { session: Some(session), .. }), Some(sessions)) = (run.await, sessions) {
                    sessions.end(&session.id);
                }
            });
        }
    }
}
