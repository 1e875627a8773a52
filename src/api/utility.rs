//! `POST /v1/utilities/{id}`: one call before a login (a captcha image, a code that is sent, a version check).
//!
//! Never a verdict: 200 with the extension, or a problem.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use http::{Request, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Map;

use super::body::fields::{Address, Attributes, Milliseconds, RequestId, Text};
use super::body::{self, Members};
use super::description::{self, Description};
use super::problem::{BROKEN, Mistake, Problem, ProblemKind};
use super::reply::ExtensionBody;
use super::{call, reply};
use crate::attempt::connectors::{ConnectorKind, ConnectorSummary};
use crate::attempt::{App, RETRY_AFTER, TooManyCalls, UtilityFailure, UtilityInputs};
use crate::config::Scope;
use crate::flow::{Refused, UtilityEnd};
use crate::verdict::{Cause, Unavailable};

const REFUSED: ProblemKind = ProblemKind::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", "The inputs are refused");
const TOO_MANY_CODES: ProblemKind =
    ProblemKind::new(StatusCode::TOO_MANY_REQUESTS, "too_many_codes", "No further code may be sent now");
const TOO_OFTEN: ProblemKind =
    ProblemKind::new(StatusCode::TOO_MANY_REQUESTS, "too_often", "Utilities are called too often");
const UNAVAILABLE: ProblemKind =
    ProblemKind::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The upstream could not be asked or understood");
const MISCONFIGURED: ProblemKind =
    ProblemKind::new(StatusCode::INTERNAL_SERVER_ERROR, "misconfigured", "The connector is set up wrong");

/// The body of a utility call.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UtilityCall")]
struct UtilityBody {
    /// The inputs that the connector declares: strings, numbers or booleans.
    inputs: Option<Attributes>,
    /// The user name; required where the utility reads it (`GET /v1/connectors/{id}`, `inputs.username`).
    #[schemars(with = "Option<String>")]
    username: Option<Text>,
    /// The address of the user's device.
    client_ip: Option<Address>,
    /// An id of the caller's for logs; drawn when absent.
    #[schemars(with = "Option<String>", regex(pattern = "^[!-~]{1,128}$"))]
    request_id: Option<RequestId>,
    /// An earlier end than the connector's own timeout.
    #[schemars(with = "Option<u64>", range(min = 1))]
    timeout_ms: Option<Milliseconds>,
}

impl UtilityBody {
    /// Contradicts the inputs of the utility.
    fn inputs(self, about: &ConnectorSummary) -> Result<UtilityInputs, Problem> {
        let username = self.username.map(|Text(text)| text);
        let inputs = self.inputs.map(|Attributes(object)| object).unwrap_or_default();
        // Where nothing reads it, a console may send it all the same.
        let mut mistakes: Vec<Mistake> = match username.as_deref() {
            None if about.username => vec![Mistake::at(&["username"], "missing")],
            Some("") if about.username => vec![Mistake::at(&["username"], "empty; this utility sends it")],
            _ => Vec::new(),
        };
        mistakes.extend(body::check_attributes("inputs", &inputs, &about.attributes));
        if !mistakes.is_empty() {
            return Err(Problem::invalid(mistakes));
        }
        Ok(UtilityInputs {
            username,
            client_ip: self.client_ip.map(|Address(address)| address),
            inputs,
            request_id: self.request_id.map(|RequestId(id)| id),
            timeout: self.timeout_ms.map(|Milliseconds(timeout)| timeout),
        })
    }
}

/// The endpoint.
pub(super) async fn post(State(app): State<Arc<App>>, path: RawPathParams, request: Request<Body>) -> Response {
    let answer = answer(&app, &path, request).await;
    call::settle(&app, answer)
}

async fn answer(app: &App, path: &RawPathParams, request: Request<Body>) -> Result<Response, Problem> {
    let caller = call::caller(app, &request, Scope::Authenticate)?;
    let connector = call::connector_of_kind(app, &caller, path, ConnectorKind::Utility)?;
    let bytes = body::read(request, app.limits().body).await?;
    let inputs = Members::of(&bytes)?.read::<UtilityBody>()?.inputs(connector.about())?;
    match app.utility(&caller, connector, inputs).await?.end {
        UtilityEnd::Extension(extension) => Ok(reply::extension(&extension, &caller.unread)),
        UtilityEnd::Refused(refused) => Err(refusal(refused)),
        UtilityEnd::Limited { retry_after } => {
            app.metrics.refused("sends");
            Err(Problem::of(TOO_MANY_CODES).retry_after(retry_after))
        }
        UtilityEnd::Unavailable(unavailable) => Err(trouble(&unavailable)),
        UtilityEnd::Misconfigured(misconfigured) => Err(Problem::of(MISCONFIGURED).detail(misconfigured.what)),
    }
}

fn refusal(refused: Refused) -> Problem {
    Problem::of(REFUSED).with(|body| {
        body.reason = Some(refused.reason.as_str());
        (body.error_code, body.error_message) = (refused.error_code, refused.error_message);
    })
}

fn trouble(unavailable: &Unavailable) -> Problem {
    let problem = Problem::of(UNAVAILABLE).with(|body| body.cause = Some(unavailable.cause.as_str()));
    match unavailable.retry_after {
        Some(after) => problem.retry_after(after),
        None => problem,
    }
}

impl From<UtilityFailure> for Problem {
    fn from(failure: UtilityFailure) -> Self {
        match failure {
            UtilityFailure::TooManyCalls => TooManyCalls.into(),
            UtilityFailure::Overloaded => {
                trouble(&Unavailable { cause: Cause::Overloaded, retry_after: Some(RETRY_AFTER) })
            }
            UtilityFailure::Uncounted => trouble(&Unavailable { cause: Cause::State, retry_after: Some(RETRY_AFTER) }),
            UtilityFailure::TooOften(retry_after) => Self::of(TOO_OFTEN).retry_after(retry_after),
            UtilityFailure::Panicked => Self::of(BROKEN),
        }
    }
}

pub(super) fn describe(api: &mut Description) {
    let (given, asked) = (api.schema::<ExtensionBody<'static>>(), api.schema::<UtilityBody>());
    let mut responses = Map::new();
    responses
        .insert("200".into(), description::body("What the connector maps; no verdict", "application/json", &given));
    api.problems(&mut responses, &[400, 401, 404, 408, 413, 415, 422, 429, 500, 503]);
    let summary = "One call before a login: a captcha, a code that is sent, a version check";
    api.add("/v1/utilities/{id}", "post", description::operation("callUtility", summary, Some(&asked), responses));
}
