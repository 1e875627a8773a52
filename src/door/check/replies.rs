//! The replies: compiled, and every hole known to have a value in its kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;

use super::{Check, KINDS};
use crate::context::Variable;
use crate::diagnostic::{Span, did_you_mean};
use crate::door::look::{ConsoleAnswer, Reading, SeenReply};
use crate::door::plan::{Replies, ReplyKind, Row};
use crate::door::raw::{RawReply, RawRows};
use crate::reading::TreeValue;
use crate::request::raw::Body;
use crate::request::{RadiusReply, ReplyBody, ReplyParts, ReplyPlan, Use};

/// A name that a reply may hold, and whether it always has a value.
struct Name {
    name: &'static str,
    always: bool,
}

const fn always(name: &'static str) -> Name {
    Name { name, always: true }
}

const fn maybe(name: &'static str) -> Name {
    Name { name, always: false }
}

const ACCEPT: &[Name] = &[
    always("accept.subject"),
    always("accept.username"),
    always("accept.connector"),
    always("accept.token"),
    maybe("accept.extension"),
    maybe("accept.extension_text"),
    always("accept.cookies"),
];
const REJECT: &[Name] =
    &[always("reject.reason"), maybe("reject.message"), maybe("reject.error_code"), maybe("reject.retry_after")];
const CHALLENGE: &[Name] = &[
    always("challenge.id"),
    always("challenge.type"),
    always("challenge.prompt"),
    maybe("challenge.message"),
    maybe("challenge.error_message"),
    maybe("challenge.image"),
    maybe("challenge.url"),
    maybe("challenge.label"),
    always("challenge.echo"),
    always("challenge.expires_in"),
    always("challenge.attempts_left"),
];
/// Of a challenge that is refused because nobody can answer it: no id waits for an answer.
const REFUSED_CHALLENGE: &[Name] = &[maybe("challenge.message")];
const UNAVAILABLE: &[Name] = &[always("unavailable.cause"), maybe("unavailable.retry_after")];
const MISCONFIGURED: &[Name] = &[always("misconfigured.what")];

fn names(kind: ReplyKind, asks: bool) -> &'static [Name] {
    match kind {
        ReplyKind::Accept => ACCEPT,
        ReplyKind::Reject => REJECT,
        ReplyKind::Challenge if asks => CHALLENGE,
        ReplyKind::Challenge => REFUSED_CHALLENGE,
        ReplyKind::Unavailable => UNAVAILABLE,
        ReplyKind::Misconfigured => MISCONFIGURED,
        ReplyKind::Anonymous | ReplyKind::Malformed | ReplyKind::Stranger => &[],
    }
}

impl Check<'_> {
    pub(super) fn replies(&mut self, reading: Option<&Reading>) -> Option<Replies> {
        let mut all = BTreeMap::new();
        for kind in KINDS {
            if let Some(rows) = self.written(*kind) {
                all.insert(*kind, self.rows(*kind, rows)?);
            }
        }
        let take = |all: &BTreeMap<ReplyKind, Arc<[Row]>>, kind| all.get(&kind).map(Arc::clone);
        for (kind, as_kind) in [
            (ReplyKind::Challenge, ReplyKind::Reject),
            (ReplyKind::Misconfigured, ReplyKind::Unavailable),
            (ReplyKind::Anonymous, ReplyKind::Reject),
            (ReplyKind::Malformed, ReplyKind::Unavailable),
        ] {
            if !all.contains_key(&kind) {
                all.insert(kind, take(&all, as_kind)?);
            }
        }
        if !all.contains_key(&ReplyKind::Stranger) {
            let rows = match reading.filter(|reading| refuses_on_401(reading)) {
                Some(_) => vec![plain(StatusCode::UNAUTHORIZED)].into(),
                None => take(&all, ReplyKind::Unavailable)?,
            };
            all.insert(ReplyKind::Stranger, rows);
        }
        Some(Replies(all))
    }

    fn rows(&mut self, kind: ReplyKind, raw: &RawRows) -> Option<Arc<[Row]>> {
        let mut rows = Vec::new();
        for (index, row) in raw.0.iter().enumerate() {
            self.row_condition(kind, row, index + 1 == raw.0.len());
            rows.push(self.row(kind, row));
        }
        rows.into_iter().collect::<Option<Vec<Row>>>().map(Arc::from)
    }

    /// The last row is sent always, any other one on a condition that this kind has.
    fn row_condition(&mut self, kind: ReplyKind, row: &RawReply, last: bool) {
        let span = row.place.key("when").clone();
        match &row.when {
            Some(_) if last => {
                let help = "take `when` away, or add a row without it";
                self.wrong("door-row", &span, "the last row is what is sent when no other fits", help);
            }
            None if !last => {
                self.wrong("door-row", &row.place.span, "the rows behind this one are never sent", "put it last");
            }
            Some(when) => {
                let fits = match kind {
                    ReplyKind::Reject => when.reason.is_some() && when.cause.is_none(),
                    ReplyKind::Unavailable => when.cause.is_some() && when.reason.is_none(),
                    _ => false,
                };
                if !fits {
                    let help = "rows of reject have `reason`, rows of unavailable `cause`; others are one reply";
                    self.wrong("door-row", &span, format!("a reply for {kind} cannot depend on this"), help);
                }
            }
            None => {}
        }
    }

    fn row(&mut self, kind: ReplyKind, raw: &RawReply) -> Option<Row> {
        let status = u16::try_from(raw.status.value).ok().filter(|status| (200..=599).contains(status));
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        if status.is_none() {
            self.wrong("bad-status", &raw.status.span, "this is no status of a reply", "a final status is 200 to 599");
        }
        let radius = raw.radius.is_some();
        let bodies = [raw.json.is_some(), raw.form.is_some(), raw.xml.is_some(), raw.text.is_some(), radius];
        let count = bodies.iter().filter(|written| **written).count();
        if count > 1 {
            self.wrong(
                "door-body",
                &raw.place.span,
                "a reply has one body",
                "keep one of json, form, xml, text and radius",
            );
            return None;
        }
        if count == 1 && status.is_some_and(|status| matches!(status.as_u16(), 204 | 205 | 304)) {
            let message = "a reply with this status has no body (RFC 9110 section 15.3.5)";
            self.wrong("door-body", &raw.status.span, message, "write another status, or take the body away");
        }
        let body = (raw.json.clone().map(Body::Json))
            .or_else(|| raw.form.clone().map(Body::Form))
            .or_else(|| raw.xml.clone().map(Body::Xml))
            .or_else(|| raw.text.clone().map(Body::Text));
        let radius =
            raw.radius.as_ref().map(|raw| RadiusReply { challenge: raw.challenge.as_ref(), reply: &raw.reply });
        if raw.radius.as_ref().is_some_and(|raw| raw.challenge.is_some()) && kind != ReplyKind::Challenge {
            let help = "write it in the reply for challenge";
            self.wrong("door-radius", &raw.place.span, format!("a reply for {kind} is no Access-Challenge"), help);
        }
        let body = body.as_ref().map(ReplyBody::Plain).or(radius.map(ReplyBody::Radius));
        let plan = ReplyPlan::compile(&raw.headers, body.as_ref(), &raw.place.span, self.diagnostics)?;
        for used in plan.uses() {
            self.hole(kind, used);
        }
        let when = raw.when.as_ref();
        let reasons = when.and_then(|when| when.reason.as_ref());
        let causes = when.and_then(|when| when.cause.as_ref());
        Some(Row {
            reasons: reasons.iter().flat_map(|list| list.iter()).map(|reason| reason.value).collect(),
            causes: causes.iter().flat_map(|list| list.iter()).map(|cause| cause.value).collect(),
            status: status?,
            plan,
        })
    }

    /// Every name of a hole exists in this kind, and has a value or a substitute.
    fn hole(&mut self, kind: ReplyKind, used: &Use) {
        for (variable, span) in used.variables() {
            match self.standing(kind, variable) {
                Standing::Always => {}
                Standing::Sometimes if used.hole.has_default() || used.place.takes_null() => {}
                Standing::Sometimes => {
                    let message = format!("`{variable}` may be missing here");
                    let help = "say what stands for it: {{… | default('')}}";
                    self.wrong("optional-without-default", span, message, help);
                }
                Standing::Never => self.no_such_name(kind, variable, span),
            }
        }
    }

    fn names(&self, kind: ReplyKind) -> &'static [Name] {
        names(kind, self.raw.challenge.as_ref().is_some_and(|raw| raw.id.is_some() || raw.conversation.is_some()))
    }

    fn standing(&self, kind: ReplyKind, variable: &Variable) -> Standing {
        let with_login = matches!(kind, ReplyKind::Accept | ReplyKind::Reject | ReplyKind::Challenge);
        match variable {
            Variable::RequestId => Standing::Always,
            Variable::Username if with_login => Standing::Always,
            Variable::Verdict(name) => {
                if let Some(table) = name.strip_prefix("table.") {
                    let there = kind == ReplyKind::Accept && self.raw.tables.get(table).is_some();
                    return if there { Standing::Always } else { Standing::Never };
                }
                if kind == ReplyKind::Accept && name.starts_with("accept.attributes.") {
                    return Standing::Sometimes;
                }
                match self.names(kind).iter().find(|known| known.name == name.as_str()) {
                    Some(Name { always: true, .. }) => Standing::Always,
                    Some(_) => Standing::Sometimes,
                    None => Standing::Never,
                }
            }
            _ => Standing::Never,
        }
    }

    fn no_such_name(&mut self, kind: ReplyKind, variable: &Variable, span: &Span) {
        let mut known: Vec<String> = self.names(kind).iter().map(|known| known.name.to_owned()).collect();
        known.push("request.id".to_owned());
        if kind == ReplyKind::Accept {
            known.extend(self.raw.tables.iter().map(|(name, _)| format!("table.{}", name.value)));
            known.push("accept.attributes.NAME".to_owned());
        }
        let near = did_you_mean(&variable.to_string(), known.iter().map(String::as_str));
        let help =
            near.map_or_else(|| format!("it has: {}", known.join(" ")), |near| format!("did you mean `{near}`?"));
        let message = if variable.is_credential() || matches!(variable, Variable::Secret(_)) {
            format!("no reply holds `{variable}`")
        } else {
            format!("the reply for {kind} has no `{variable}`")
        };
        self.wrong("door-hole", span, message, &help);
    }
}

impl Check<'_> {
    /// Which packet goes out, and who needs no password, is decided in the list `control` of RADIUS: only `radius` writes it, and only
    /// a constant.
    pub(super) fn control_lists(&mut self) {
        for kind in KINDS {
            let rows = self.written(*kind).map_or(&[][..], |rows| &rows.0);
            for tree in rows.iter().filter_map(|row| row.json.as_ref()) {
                let TreeValue::Object(members) = &tree.value else { continue };
                let of_control = |name: &str| name.get(..8).is_some_and(|list| list.eq_ignore_ascii_case("control:"));
                for (name, _) in members.iter().filter(|(name, _)| of_control(&name.value)) {
                    let help = "write radius: { challenge: \"{{challenge.id}}\", reply: { … } }";
                    self.wrong("door-radius", &name.span, "`control` is written by `radius` alone", help);
                }
            }
        }
    }
}

impl<'c> Check<'c> {
    /// The rows of `kind` as they are written.
    pub(super) fn written(&self, kind: ReplyKind) -> Option<&'c RawRows> {
        let replies = &self.raw.replies;
        match kind {
            ReplyKind::Accept => Some(&replies.accept),
            ReplyKind::Reject => Some(&replies.reject),
            ReplyKind::Unavailable => Some(&replies.unavailable),
            ReplyKind::Challenge => replies.challenge.as_ref(),
            ReplyKind::Misconfigured => replies.misconfigured.as_ref(),
            ReplyKind::Anonymous => replies.anonymous.as_ref(),
            ReplyKind::Malformed => replies.malformed.as_ref(),
            ReplyKind::Stranger => replies.stranger.as_ref(),
        }
    }
}

/// Whether a name has a value.
enum Standing {
    Always,
    Sometimes,
    Never,
}

fn plain(status: StatusCode) -> Row {
    Row { reasons: Vec::new(), causes: Vec::new(), status, plan: ReplyPlan::default() }
}

fn refuses_on_401(reading: &Reading) -> bool {
    let seen = SeenReply::new(401, &ReplyParts::default(), reading, false);
    reading.answer(reading.judge(&seen)) == ConsoleAnswer::Refuses
}
