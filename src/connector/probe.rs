//! The pipeline probe (DESIGN.md section 4.6): runs decode, preprocess and judge of a factor on replies that prove
//! nothing. A connector that calls one of them a success is refused and shown the reply.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use tokio::time::Instant;

use super::{Connector, Role, Step, script_input};
use crate::condition::{Facts, Judging, status_speaks};
use crate::context::{Context, PageFacts, StepFacts, StepOutcome, User};
use crate::document::{Object, Value, from_json};
use crate::response::decode;
use crate::response::source::ReplyView;
use crate::script::{Input, Outcome, Pool};
use crate::secret::Secret;
use crate::upstream::{Reply, Timings};
use crate::verdict::{FactorOutcome, judge_factor};

/// What a probe reply is called in a message, its type, its body.
const REPLIES: [(&str, &str, &str); 9] = [
    ("an empty body", "", ""),
    ("an HTML login page", "text/html; charset=utf-8", LOGIN_PAGE),
    ("{}", "application/json", "{}"),
    ("[]", "application/json", "[]"),
    ("null", "application/json", "null"),
    ("\"x\"", "application/json", "\"x\""),
    ("noise", "application/octet-stream", "\u{1}\u{7f}%PDF-1.4 \u{fffd} 0x00 ,;=&:"),
    (
        "an unknown code and message",
        "application/json",
        r#"{"code":"E-7351","errcode":"E-7351","status":"E-7351","success":"no-such","result":"E-7351","msg":"unknown probe","message":"unknown probe","data":null}"#,
    ),
    ("an unknown code in XML", "application/xml", "<reply><code>E-7351</code><message>unknown probe</message></reply>"),
];

const LOGIN_PAGE: &str = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Sign in</h1>\
<form id=\"login\" action=\"/login\" method=\"post\"><input type=\"hidden\" name=\"token\" value=\"probe\">\
<input name=\"username\"><input type=\"password\" name=\"password\"><button>OK</button></form>\
<p>success 200 ok true error login failed</p></body></html>";

/// A script gets the ordinary budget; a load is never held longer than this for one reply.
const PATIENCE: Duration = Duration::from_secs(5);

/// A reply that a factor took for a success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fooled {
    /// The step.
    pub step: String,
    /// What the reply was.
    pub reply: &'static str,
    /// Its status.
    pub status: u16,
}

/// Probes every factor that has a request and looks at more than the status; returns the first reply that fools each.
pub async fn probe(connector: &Connector, scripts: Option<&Pool>) -> Vec<Fooled> {
    let context = sample(connector);
    let mut fooled = Vec::new();
    for step in &connector.steps {
        if step.role == Role::Factor && step.request.is_some() && !step.response.status_only {
            fooled.extend(probe_step(step, &context, scripts).await);
        }
    }
    fooled
}

async fn probe_step(step: &Step, context: &Context, scripts: Option<&Pool>) -> Option<Fooled> {
    let mut statuses = step.response.named_statuses.clone();
    if !statuses.contains(&200) {
        statuses.insert(0, 200);
    }
    for (name, content_type, body) in REPLIES {
        for &status in &statuses {
            if status_speaks(status, &step.response.named_statuses)
                && succeeds(step, context, scripts, (status, content_type, body)).await
            {
                return Some(Fooled { step: step.name.clone(), reply: name, status });
            }
        }
    }
    None
}

async fn succeeds(
    step: &Step,
    context: &Context,
    scripts: Option<&Pool>,
    (status, content_type, body): (u16, &str, &'static str),
) -> bool {
    let mut headers = HeaderMap::new();
    if let (false, Ok(value)) = (content_type.is_empty(), HeaderValue::from_str(content_type)) {
        headers.insert(CONTENT_TYPE, value);
    }
    let declared = (!content_type.is_empty()).then_some(content_type);
    let mut decoded = decode(&step.response.decoding, declared, body.as_bytes());
    let reply = Reply { status, headers, body: body.into(), timings: Timings::default() };
    if let (Some(script), Some(scripts), true) = (step.response.preprocess, scripts, decoded.document.is_ok()) {
        let input = script_input::preprocess(context, &reply, &decoded);
        let Outcome::Value(json) = scripts.call(script, Input::new(input), Instant::now() + PATIENCE).await else {
            return false;
        };
        let Ok(document) = from_json(json.as_bytes()) else { return false };
        decoded.document = Ok(document);
    }
    let view = ReplyView::new(status, &reply.headers, &decoded, 0);
    let facts = Facts { context, reply: Some(&view), claims: None };
    matches!(judge_factor(&Judging::new(&step.response.rules, facts)), FactorOutcome::Success(_))
}

/// A sample value for every variable that a rule may name.
fn sample(connector: &Connector) -> Context {
    let text = |name: &str| Value::Text(format!("sample-{name}"));
    let attributes: Object =
        connector.input.attributes.iter().map(|attribute| (attribute.name.clone(), text(&attribute.name))).collect();
    let mut context = Context {
        user: User {
            username: "sample-user".to_owned(),
            password: Secret::new("sample-password"),
            attributes,
            client_ip: Some(std::net::Ipv4Addr::new(192, 0, 2, 1).into()),
            ..User::default()
        },
        secrets: connector.secrets.clone(),
        request_id: "sample-request".to_owned(),
        ..Context::default()
    };
    for step in &connector.steps {
        let captures = step.response.captures.iter();
        let facts = StepFacts {
            outcome: StepOutcome::Success,
            status: Some(200),
            captures: captures.map(|capture| (capture.name.clone(), Some(text(&capture.name)))).collect(),
            page: PageFacts::default(),
        };
        context.steps.insert(step.name.clone(), facts);
        for variable in step.request.iter().flat_map(crate::request::RequestPlan::variables) {
            match variable {
                crate::context::Variable::Field(name) => {
                    context.user.fields.insert(name.clone(), Secret::new(format!("sample-{name}")));
                }
                crate::context::Variable::Answer(name) => {
                    context.answers.insert(name.clone(), Secret::new(format!("sample-{name}")));
                }
                crate::context::Variable::Env(name) => {
                    context.env.insert(name.clone(), text(&name));
                }
                _ => {}
            }
        }
    }
    context
}
