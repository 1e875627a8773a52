//! `POST /v1/utilities/{id}`: one call before a login (a captcha image, a code that is sent, a version check).
//!
//! Never a verdict: 200 with the extension, or a problem. There is no password, so anybody who reaches the console can
//! cause it: calls are bounded by client, connector and address before anything is sent. A caller that goes away ends
//! the call; no credential is at stake.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use futures_util::FutureExt as _;
use http::Request;
use tokio::time::Instant;

use super::body::{self, UtilityBody};
use super::callers::Caller;
use super::problem::Problem;
use super::{App, authenticate, reply};
use crate::attempt::connectors::{Connector, Kind};
use crate::attempt::login::SOON;
use crate::attempt::record;
use crate::config::Scope;
use crate::flow::{UtilityCall, UtilityEnd, UtilityReport};
use crate::guard::UtilityUse;
use crate::metrics::Shed;
use crate::verdict::{Cause, Unavailable};

/// The endpoint.
pub(crate) async fn post(State(app): State<Arc<App>>, path: RawPathParams, request: Request<Body>) -> Response {
    app.settle(answer(&app, &path, request).await)
}

async fn answer(app: &Arc<App>, path: &RawPathParams, request: Request<Body>) -> Result<Response, Problem> {
    let caller = app.caller(&request, Scope::Authenticate)?;
    let connector = authenticate::find(app, &caller, path, Kind::Utility)?;
    let bytes = body::read(request, app.limits.body).await?;
    let asked = UtilityBody::parse(body::object(&bytes)?, connector.about())?;
    match run(app, &caller, connector, asked).await?.end {
        UtilityEnd::Extension(extension) => Ok(reply::extension(&extension, &caller.unread)),
        UtilityEnd::Refused(refused) => Err(Problem::Refused(refused)),
        UtilityEnd::Limited { retry_after } => {
            app.metrics.refused("sends");
            Err(Problem::TooManyCodes(retry_after))
        }
        UtilityEnd::Unavailable(unavailable) => Err(Problem::Unavailable(unavailable)),
        UtilityEnd::Misconfigured(misconfigured) => Err(Problem::Misconfigured(misconfigured.what)),
    }
}

/// The bounds, cheapest first, and the call. None of the bounds waits.
async fn run(
    app: &Arc<App>,
    caller: &Caller,
    connector: Arc<dyn Connector>,
    asked: UtilityBody,
) -> Result<UtilityReport, Problem> {
    let started = Instant::now();
    let _place = caller.enter().map_err(|_| {
        app.metrics.shed(Shed::Client);
        Problem::TooMany(SOON)
    })?;
    // A utility call takes a login's place: what it costs is the same, and draining waits for both.
    let id = connector.about().id.clone();
    let _running = app
        .begin(&id, &caller.client)
        .map_err(|_| Problem::Unavailable(Unavailable { cause: Cause::Overloaded, retry_after: Some(SOON) }))?;
    let used = UtilityUse { client: &caller.client.name, connector: &id, client_ip: asked.client_ip };
    app.utilities.take(&used, started).map_err(|refusal| {
        app.metrics.refused(refusal.by);
        Problem::TooOften(refusal.retry_after)
    })?;
    let call = UtilityCall {
        username: asked.username,
        client_ip: asked.client_ip,
        inputs: asked.inputs,
        request_id: asked.request_id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
        deadline: asked.timeout.map(|timeout| started + timeout),
        trace: false,
    };
    let report = AssertUnwindSafe(connector.utility(call)).catch_unwind().await.map_err(|_| {
        // What it said goes nowhere: it might hold data.
        app.metrics.panicked();
        Problem::Broken
    })?;
    record::utility_call(app, caller, &report);
    Ok(report)
}
