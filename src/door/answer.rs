//! The reply that is sent: rendered, and read once more as its console reads it. One that the console would take for something
//! else than when the door was proved is not sent.

use axum::body::Body;
use axum::response::Response;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};

use super::look::{ConsoleAnswer, Reading, SeenReply};
use super::plan::{ConstantReply, Door, ReplyKind, Row};
use super::values::{Accepted, AskedNames, Said, of_question, of_verdict, without_verdict};
use crate::attempt::FIRST_ANSWER;
use crate::context::Context;
use crate::flow::report::Report;
use crate::request::ReplyParts;
use crate::verdict::{Cause, Challenge, ChallengeField, Reason};

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
    /// The reply to a login's verdict.
    pub fn reply(&self, report: &Report, names: &AskedNames) -> DoorReply {
        // The id of the login, which began with another request where this one is an answer.
        let names = AskedNames { request_id: report.request_id.clone(), ..names.clone() };
        self.reply_to(&Said::of(report), &names)
    }

    /// The reply to a verdict.
    pub fn reply_to(&self, said: &Said<'_>, names: &AskedNames) -> DoorReply {
        let kind = said.kind(&self.challenge);
        let context = of_verdict(said, names, &self.tables);
        let (reason, cause) = match said {
            Said::Reject(reject) => (Some(reject.reason), None),
            Said::Unavailable(unavailable) => (None, Some(unavailable.cause)),
            Said::Accept(_) | Said::Challenge(_) | Said::Misconfigured(_) => (None, None),
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

    /// The question for the password of a conversation: no verdict.
    pub fn password_question(&self, label: &str, names: &AskedNames) -> DoorReply {
        let field =
            ChallengeField { name: "password".to_owned(), label: Some(label.to_owned()), echo: false, pattern: None };
        let question = Challenge {
            id: names.request_id.clone(),
            kind: "password".to_owned(),
            message: None,
            fields: vec![field],
            url: None,
            returns: Vec::new(),
            image: None,
            expires_in: FIRST_ANSWER,
            attempts_left: 1,
            resend_after: None,
            poll_after: None,
            error: None,
        };
        let context = of_question(&question, names);
        let row = row(self.replies.of(ReplyKind::Challenge), None, None);
        self.rendered(ReplyKind::Challenge, row, &context).unwrap_or_else(|_| self.fallback(names))
    }

    /// The reply for this accept; an error says why it cannot be sent.
    pub(super) fn accept_reply(&self, accepted: Accepted<'_>, names: &AskedNames) -> Result<DoorReply, String> {
        let context = of_verdict(&Said::Accept(accepted), names, &self.tables);
        self.rendered(ReplyKind::Accept, row(self.replies.of(ReplyKind::Accept), None, None), &context)
    }

    /// What its console makes of `reply`.
    pub fn heard(&self, reply: &DoorReply) -> ConsoleAnswer {
        read_by(&self.reading, reply.status, &reply.parts)
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
            ReplyKind::Challenge if self.challenge.carried.is_some() => answer == ConsoleAnswer::Asks,
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
