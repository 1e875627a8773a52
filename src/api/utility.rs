//! `POST /v1/utilities/{id}`: one call before a login (a captcha image, a code that is sent, a version check).
//!
//! Never a verdict: 200 with the extension, or a problem.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use http::Request;

use super::body::{self, UtilityBody};
use super::problem::Problem;
use super::{call, reply};
use crate::attempt::connectors::Kind;
use crate::attempt::{App, RETRY_AFTER, UtilityFailure};
use crate::config::Scope;
use crate::flow::UtilityEnd;
use crate::verdict::{Cause, Unavailable};

/// The endpoint.
pub(super) async fn post(State(app): State<Arc<App>>, path: RawPathParams, request: Request<Body>) -> Response {
    let answer = answer(&app, &path, request).await;
    call::settle(&app, answer)
}

async fn answer(app: &App, path: &RawPathParams, request: Request<Body>) -> Result<Response, Problem> {
    let caller = call::caller(app, &request, Scope::Authenticate)?;
    let connector = call::connector_of_kind(app, &caller, path, Kind::Utility)?;
    let bytes = body::read(request, app.limits.body).await?;
    let inputs = UtilityBody::parse(body::object(&bytes)?, connector.about())?;
    match app.utility(&caller, connector, inputs).await?.end {
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

impl From<UtilityFailure> for Problem {
    fn from(failure: UtilityFailure) -> Self {
        match failure {
            UtilityFailure::TooManyCalls => Self::TooMany(RETRY_AFTER),
            UtilityFailure::Overloaded => {
                Self::Unavailable(Unavailable { cause: Cause::Overloaded, retry_after: Some(RETRY_AFTER) })
            }
            UtilityFailure::TooOften(retry_after) => Self::TooOften(retry_after),
            UtilityFailure::Panicked => Self::Broken,
        }
    }
}
