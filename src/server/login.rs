//! One login around a connector's run: bounds before it, and whatever happens, one verdict after it.
//!
//! The run is a task of its own. A caller that goes away ends it as long as the user's credential has not left; after
//! that it is finished and audited, because the upstream may have counted the attempt. A panic is a misconfigured
//! verdict.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::App;
use super::body::LoginBody;
use super::connectors::{About, Connector};
use crate::config::Client;
use crate::flow::Login;
use crate::flow::progress::Progress;
use crate::flow::report::Report;
use crate::verdict::{Misconfigured, Verdict};

/// Runs one login to its verdict.
pub(super) async fn run(
    _app: &Arc<App>,
    _caller: &Arc<Client>,
    connector: Arc<dyn Connector>,
    asked: LoginBody,
) -> Report {
    let started = Instant::now();
    let request_id = asked.request_id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let about = connector.about().clone();
    let username = asked.username.clone();
    let login = Login {
        username: asked.username,
        password: asked.password,
        client_ip: asked.client_ip,
        attributes: asked.attributes,
        request_id: request_id.clone(),
        deadline: asked.timeout.map(|timeout| started + timeout),
        trace: false,
    };
    // Dropped with this future: the caller went away.
    let (_here, gone) = oneshot::channel::<()>();
    let task = tokio::spawn(watched(connector, login, gone));
    match task.await {
        Ok(Some(report)) => report,
        Ok(None) | Err(_) => broken(&about, request_id, username, started.elapsed()),
    }
}

/// The run, until its end or until its caller is gone before the credential left. Both are polled by one task, so the
/// flag cannot change between the look at it and the end of the run.
async fn watched(connector: Arc<dyn Connector>, login: Login, gone: oneshot::Receiver<()>) -> Option<Report> {
    let progress = Progress::default();
    let mut run = connector.run(login, progress.clone());
    tokio::select! {
        biased;
        report = &mut run => return Some(report),
        _ = gone => {}
    }
    if progress.credential_left() { Some(run.await) } else { None }
}

/// The report of a run that panicked. What it said goes nowhere: it might hold data.
fn broken(about: &About, request_id: String, username: String, took: Duration) -> Report {
    Report {
        connector: about.id.clone(),
        revision: about.revision.clone(),
        request_id,
        username,
        verdict: Verdict::Misconfigured(Misconfigured { what: "a fault inside the daemon; see its log".to_owned() }),
        explain: "the daemon panicked during this login; the log names the place".to_owned(),
        steps: Vec::new(),
        credential_sends: 0,
        took,
    }
}
