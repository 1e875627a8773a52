//! The reply that is sent: rendered, and read once more as its console reads it. One that the console would take for something
//! else than when the door was proved is not sent.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};

use super::look::{ConsoleAnswer, Reading, SeenReply};
use super::plan::{ConstantReply, Door, ReplyKind, Row};
use super::raw::look::NameInUse;
use super::values::{AskedNames, kind_of, of_report, without_verdict};
use crate::attempt::{DoorRules, RefusedAccept};
use crate::context::Context;
use crate::flow::report::Report;
use crate::request::ReplyParts;
use crate::verdict::{Accept, Cause, Misconfigured, Reason, Reject, Verdict};

/// A reply that may be sent.
pub struct DoorReply {
    /// What it says.
    pub kind: ReplyKind,
    /// The status.
    pub status: StatusCode,
    /// Headers and body.
    pub parts: ReplyParts,
}

impl DoorReply {
    /// As a response. What a verdict was true for is this request only.
    pub fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.parts.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.parts.headers);
        response
    }
}

impl Door {
    /// The reply to a verdict.
    pub fn reply(&self, report: &Report, names: &AskedNames) -> DoorReply {
        let kind = kind_of(&report.verdict);
        let context = of_report(report, names, &self.tables);
        let (reason, cause) = match &report.verdict {
            Verdict::Reject(reject) => (Some(reject.reason), None),
            Verdict::Challenge(_) => (Some(Reason::MfaRequired), None),
            Verdict::Unavailable(unavailable) => (None, Some(unavailable.cause)),
            Verdict::Accept(_) | Verdict::Misconfigured(_) => (None, None),
        };
        self.rendered(kind, row(self.replies.of(kind), reason, cause), &context)
            .unwrap_or_else(|_| self.fallback(names))
    }

    /// The reply to a request that has no verdict.
    pub fn reply_without_verdict(&self, kind: ReplyKind, names: &AskedNames) -> DoorReply {
        let context = without_verdict(kind, names);
        let rendered = self.rendered(kind, row(self.replies.of(kind), None, None), &context);
        rendered.unwrap_or_else(|_| self.fallback(names))
    }

    /// A constant answer.
    pub fn constant(reply: &ConstantReply) -> DoorReply {
        DoorReply { kind: ReplyKind::Anonymous, status: reply.status, parts: reply.parts.clone() }
    }

    /// What is sent when a reply cannot be written, or reads otherwise than it was proved: misconfigured, and then unavailable, of
    /// which `check` knows that it always renders.
    fn fallback(&self, names: &AskedNames) -> DoorReply {
        for kind in [ReplyKind::Misconfigured, ReplyKind::Unavailable] {
            let context = without_verdict(ReplyKind::Misconfigured, names);
            if let Ok(reply) = self.rendered(kind, row(self.replies.of(kind), None, None), &context) {
                return reply;
            }
        }
        DoorReply {
            kind: ReplyKind::Misconfigured,
            status: StatusCode::SERVICE_UNAVAILABLE,
            parts: ReplyParts::default(),
        }
    }

    fn rendered(&self, kind: ReplyKind, row: Option<&Row>, context: &Context) -> Result<DoorReply, String> {
        let row = row.ok_or("the door has no reply for this")?;
        let parts = row.plan.render(context).map_err(|error| error.to_string())?;
        let answer = read_by(&self.reading, row.status, &parts);
        let is_meant = match kind {
            ReplyKind::Accept => answer == ConsoleAnswer::Accepts,
            ReplyKind::Challenge => matches!(answer, ConsoleAnswer::Asks | ConsoleAnswer::Refuses),
            _ => answer == ConsoleAnswer::Refuses,
        };
        if is_meant {
            Ok(DoorReply { kind, status: row.status, parts })
        } else {
            Err(format!("{} would not take the reply for {kind}", self.reading.name))
        }
    }
}

fn read_by(reading: &Reading, status: StatusCode, parts: &ReplyParts) -> ConsoleAnswer {
    reading.answer(reading.judge(&SeenReply::new(status.as_u16(), parts, reading, false)))
}

fn row(rows: &[Row], reason: Option<Reason>, cause: Option<Cause>) -> Option<&Row> {
    let fits = |row: &&Row| {
        let by_reason = row.reasons.is_empty() || reason.is_some_and(|reason| row.reasons.contains(&reason));
        let by_cause = row.causes.is_empty() || cause.is_some_and(|cause| row.causes.contains(&cause));
        by_reason && by_cause
    };
    rows.iter().find(fits)
}

/// What the door demands of the accept of one login.
pub(super) struct AcceptRules {
    pub(super) door: Arc<Door>,
    pub(super) names: AskedNames,
    /// The connector acknowledges that the typed name may stand for the user.
    pub(super) typed_name: bool,
}

impl DoorRules for AcceptRules {
    fn door(&self) -> &str {
        &self.door.id
    }

    fn refuse(&self, report: &Report) -> Option<RefusedAccept> {
        let Verdict::Accept(accept) = &report.verdict else { return None };
        if self.door.reading.who == NameInUse::Typed
            && let Some(refused) = self.other_name(accept)
        {
            return Some(refused);
        }
        let context = of_report(report, &self.names, &self.door.tables);
        let row = row(self.door.replies.of(ReplyKind::Accept), None, None);
        let why = self.door.rendered(ReplyKind::Accept, row, &context).err()?;
        Some(misconfigured(&format!("the door {} cannot write its reply for accept: {why}", self.door.id)))
    }
}

impl AcceptRules {
    /// A console that keeps the typed name would log another account in: ` ADMIN` that the upstream trims and folds is `admin` there.
    fn other_name(&self, accept: &Accept) -> Option<RefusedAccept> {
        if !accept.named && !self.typed_name {
            let what = "the upstream did not say whose password it was, and this console keeps the name that was typed";
            return Some(misconfigured(what));
        }
        (accept.subject != self.names.username).then(|| RefusedAccept {
            verdict: Verdict::Reject(Reject::because(Reason::IdentityMismatch)),
            explain: "the login succeeded for another name than the one that was typed, which this console keeps"
                .to_owned(),
        })
    }
}

fn misconfigured(what: &str) -> RefusedAccept {
    RefusedAccept {
        verdict: Verdict::Misconfigured(Misconfigured { what: what.to_owned() }),
        explain: format!("the login succeeded; {what}"),
    }
}
