//! From the report of a login to its spans. Names of attributes are those of OpenTelemetry's semantic conventions for HTTP where
//! they have one, else `doorward.*`.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use tokio::time::Instant;

use super::span::{LoginSpan, UpstreamCall};
use crate::flow::report::{Report, StepReport};
use crate::verdict::Verdict;

/// A login that has its verdict.
pub struct EndedLogin<'a> {
    /// What it came to.
    pub report: &'a Report,
    /// The client that asked.
    pub client: &'a str,
    /// The door that it came through.
    pub door: Option<&'a str>,
    /// Whether it was a send test.
    pub test: bool,
    /// The wall clock.
    pub now: SystemTime,
}

/// The spans of `login`, its own first.
pub(super) fn spans(span: &LoginSpan, login: &EndedLogin<'_>, scope: &InstrumentationScope) -> Vec<SpanData> {
    let clock = Clock { instant: Instant::now(), wall: login.now };
    let own = Frame {
        context: span.own.clone(),
        parent: span.parent,
        kind: SpanKind::Server,
        began: span.began,
        ended: clock.instant,
    };
    let report = login.report;
    let mut spans = vec![own.finish(format!("login {}", report.connector), of_login(login), &clock, scope)];
    let steps: Vec<(&StepReport, SpanContext)> = report.steps.iter().map(|step| (step, span.child())).collect();
    for (step, context) in &steps {
        let frame = Frame {
            context: context.clone(),
            parent: span.own.span_id(),
            kind: SpanKind::Internal,
            began: step.began,
            ended: step.began + step.took,
        };
        spans.push(frame.finish(format!("step {}", step.name), of_step(step), &clock, scope));
    }
    for call in span.take_calls() {
        let parent = step_of(&call, &steps).unwrap_or(&span.own).span_id();
        let (kind, began, ended) = (SpanKind::Client, call.began, call.began + call.took);
        let frame = Frame { context: call.span.clone(), parent, kind, began, ended };
        let name = match &call.path_template {
            Some(path) => format!("{} {path}", call.method),
            None => call.method.to_string(),
        };
        spans.push(frame.finish(name, of_call(&call), &clock, scope));
    }
    spans
}

/// The step that asked: of those that ran then, the one that began last.
fn step_of<'s>(call: &UpstreamCall, steps: &'s [(&StepReport, SpanContext)]) -> Option<&'s SpanContext> {
    let ran = |step: &StepReport| step.began <= call.began && call.began <= step.began + step.took;
    let asked = steps.iter().filter(|(step, _)| ran(step)).max_by_key(|(step, _)| step.began);
    asked.map(|(_, context)| context)
}

struct Attributes {
    all: Vec<KeyValue>,
    status: Status,
}

impl Attributes {
    /// `error.type`, and the status that makes a span red.
    fn failed(&mut self, word: &str) {
        self.all.push(KeyValue::new("error.type", word.to_owned()));
        self.status = Status::error("");
    }
}

/// A reject is no fault: the daemon did what it is for.
fn of_login(login: &EndedLogin<'_>) -> Attributes {
    let report = login.report;
    let mut all = vec![
        KeyValue::new("doorward.connector", report.connector.clone()),
        KeyValue::new("doorward.revision", report.revision.clone()),
        KeyValue::new("doorward.request_id", report.request_id.clone()),
        KeyValue::new("doorward.client", login.client.to_owned()),
        KeyValue::new("doorward.verdict", report.verdict.name()),
        KeyValue::new("doorward.detail", report.verdict.detail()),
        KeyValue::new("doorward.credential_sends", i64::from(report.credential_sends)),
    ];
    all.extend(login.door.map(|door| KeyValue::new("doorward.door", door.to_owned())));
    all.extend(login.test.then(|| KeyValue::new("doorward.test", true)));
    let mut attributes = Attributes { all, status: Status::Unset };
    match &report.verdict {
        Verdict::Unavailable(_) | Verdict::Misconfigured(_) => {
            let word = match report.verdict.detail() {
                "" => report.verdict.name(),
                detail => detail,
            };
            attributes.failed(word);
        }
        Verdict::Accept(_) | Verdict::Reject(_) | Verdict::Challenge(_) => {}
    }
    attributes
}

fn of_step(step: &StepReport) -> Attributes {
    let mut all = vec![
        KeyValue::new("doorward.step", step.name.clone()),
        KeyValue::new("doorward.factor", step.factor),
        KeyValue::new("doorward.outcome", step.end.as_str()),
    ];
    all.extend(step.status.map(|status| KeyValue::new("http.response.status_code", i64::from(status))));
    Attributes { all, status: Status::Unset }
}

fn of_call(call: &UpstreamCall) -> Attributes {
    let mut all = vec![
        KeyValue::new("http.request.method", call.method.to_string()),
        KeyValue::new("url.scheme", call.scheme.clone()),
        KeyValue::new("server.address", call.host.clone()),
    ];
    all.extend(call.port.map(|port| KeyValue::new("server.port", i64::from(port))));
    let origin = match call.port {
        Some(port) => format!("{}://{}:{port}", call.scheme, call.host),
        None => format!("{}://{}", call.scheme, call.host),
    };
    // Without the user's data that the path may carry, and without the query.
    let path = call.path_template.as_deref().unwrap_or_default();
    all.push(KeyValue::new("url.full", format!("{origin}{path}")));
    all.extend(call.path_template.as_ref().map(|path| KeyValue::new("url.template", path.to_string())));
    let mut attributes = Attributes { all, status: Status::Unset };
    match call.ended {
        Ok(status) => {
            attributes.all.push(KeyValue::new("http.response.status_code", i64::from(status)));
            if status >= 400 {
                attributes.failed(&status.to_string());
            }
        }
        Err(cause) => attributes.failed(cause),
    }
    attributes
}

/// One moment by both clocks.
struct Clock {
    instant: Instant,
    wall: SystemTime,
}

impl Clock {
    fn wall(&self, at: Instant) -> SystemTime {
        let ago: Duration = self.instant.saturating_duration_since(at);
        self.wall.checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

struct Frame {
    context: SpanContext,
    parent: SpanId,
    kind: SpanKind,
    began: Instant,
    ended: Instant,
}

impl Frame {
    fn finish(self, name: String, attributes: Attributes, clock: &Clock, scope: &InstrumentationScope) -> SpanData {
        let parent_span_is_remote = self.kind == SpanKind::Server && self.parent != SpanId::INVALID;
        SpanData {
            span_context: self.context,
            parent_span_id: self.parent,
            parent_span_is_remote,
            span_kind: self.kind,
            name: name.into(),
            start_time: clock.wall(self.began),
            end_time: clock.wall(self.ended),
            attributes: attributes.all,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: attributes.status,
            instrumentation_scope: scope.clone(),
        }
    }
}
