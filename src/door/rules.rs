//! What a door demands of a verdict before anybody hears it: an accept is for the name that the console will use, and a question is one
//! that this console can ask and answer.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::answer::DoorReply;
use super::plan::Door;
use super::raw::look::NameInUse;
use super::values::{Accepted, AskedNames, Said};
use crate::attempt::{DoorRules, InsteadOf};
use crate::connector::ask::AskType;
use crate::flow::report::Report;
use crate::reading::Word as _;
use crate::verdict::{Challenge, Mapped, Misconfigured, Reason, Reject, Verdict};

/// What one request says of itself, beside its door.
#[derive(Clone)]
pub(super) struct RoundRules {
    pub(super) door: Arc<Door>,
    pub(super) names: AskedNames,
    /// The console's id of the conversation.
    pub(super) conversation: Option<String>,
    /// Until when a confirmation elsewhere is waited for.
    pub(super) waits_until: Option<Instant>,
    /// An answer came with the login and was not used yet.
    pub(super) has_answer: bool,
    /// The reply for the accept, which was written to see that it can be.
    pub(super) written: Arc<Mutex<Option<DoorReply>>>,
}

impl DoorRules for RoundRules {
    fn door(&self) -> &str {
        &self.door.id
    }

    fn revision(&self) -> &str {
        &self.door.revision
    }

    fn username(&self) -> &str {
        &self.names.username
    }

    fn conversation(&self) -> Option<&str> {
        self.conversation.as_deref()
    }

    fn instead(&self, report: &Report, typed_name: bool) -> Option<InsteadOf> {
        match &report.verdict {
            Verdict::Accept(accept) => {
                let names = AskedNames { request_id: report.request_id.clone(), ..self.names.clone() };
                match self.door.accepts(Accepted::of(accept, &report.connector), &names, typed_name) {
                    Ok(reply) => {
                        self.keep(Some(reply));
                        None
                    }
                    Err(instead) => Some(*instead),
                }
            }
            Verdict::Challenge(challenge) => {
                (!self.goes_on(challenge)).then(|| cannot_be_asked(&self.door.id, challenge, &report.explain))
            }
            _ => None,
        }
    }
}

impl RoundRules {
    fn keep(&self, reply: Option<DoorReply>) -> Option<DoorReply> {
        std::mem::replace(&mut *self.written.lock().unwrap_or_else(PoisonError::into_inner), reply)
    }

    /// The reply to `report`.
    pub(super) fn reply(&self, report: &Report) -> DoorReply {
        match (&report.verdict, self.keep(None)) {
            (Verdict::Accept(_), Some(reply)) => reply,
            _ => self.door.reply(report, &self.names),
        }
    }

    /// Whether this challenge can be answered: by a later request, by what came with this one, or by waiting.
    fn goes_on(&self, challenge: &Challenge) -> bool {
        self.door.carries(challenge) || self.answers_at_once(challenge) || self.polls(challenge, Instant::now())
    }

    /// Whether the answer that came with the login is for this challenge.
    pub(super) fn answers_at_once(&self, challenge: &Challenge) -> bool {
        self.has_answer && is_answered_blind(challenge)
    }

    /// Whether there is time to ask the upstream once more.
    pub(super) fn polls(&self, challenge: &Challenge, now: Instant) -> bool {
        let after = challenge.poll_after.filter(|_| challenge.fields.is_empty() && challenge.returns.is_empty());
        self.waits_until.zip(after).is_some_and(|(until, after)| now + after <= until)
    }
}

impl Door {
    /// The reply for an accept; an error for one that this console would use for another account, or that cannot be written.
    pub(super) fn accepts(
        &self,
        accepted: Accepted<'_>,
        names: &AskedNames,
        typed_name: bool,
    ) -> Result<DoorReply, Box<InsteadOf>> {
        if self.reading.who == NameInUse::Typed
            && let Some(refused) = other_name(&accepted, names, typed_name)
        {
            return Err(Box::new(refused));
        }
        self.accept_reply(accepted, names).map_err(|why| {
            let what = format!("the door {} cannot write its reply for accept: {why}", self.id);
            Box::new(misconfigured(&what))
        })
    }

    /// The reply to `report` with all that the door demands of it, and what took its place. Nothing is waited for.
    pub fn rehearsed(&self, report: &Report, names: &AskedNames, typed_name: bool) -> (DoorReply, Option<String>) {
        let instead = match &report.verdict {
            Verdict::Accept(accept) => {
                let accepted = Accepted::of(accept, &report.connector);
                self.accepts(accepted, names, typed_name).err().map(|instead| *instead)
            }
            Verdict::Challenge(challenge) if !self.carries(challenge) => {
                Some(cannot_be_asked(&self.id, challenge, &report.explain))
            }
            _ => None,
        };
        let said = match instead.as_ref().map(|instead| &instead.verdict) {
            Some(Verdict::Reject(reject)) => Said::Reject(reject),
            Some(Verdict::Misconfigured(why)) => Said::Misconfigured(why),
            _ => Said::of(report),
        };
        (self.reply_to(&said, names), instead.as_ref().map(|instead| instead.explain.clone()))
    }

    /// The refusal that takes the place of a challenge which cannot be answered; time and polls are not looked at.
    pub(super) fn asks_or_refuses(&self, challenge: &Challenge, has_answer: bool) -> Option<Reject> {
        let at_once = has_answer && is_answered_blind(challenge);
        (!at_once && !self.carries(challenge)).then(|| refusal(challenge))
    }

    /// Whether a later request can bring the answer.
    pub(super) fn carries(&self, challenge: &Challenge) -> bool {
        let plan = &self.challenge;
        plan.carried.is_some() && (challenge.fields.len() <= 1 || plan.one_by_one) && self.shows(challenge)
    }

    /// Whether the user sees what there is to see. What a page sends back never comes here.
    fn shows(&self, challenge: &Challenge) -> bool {
        let plan = &self.challenge;
        challenge.returns.is_empty()
            && (challenge.image.is_none() || plan.shows_image)
            && (challenge.url.is_none() || plan.shows_url)
    }
}

/// A console that keeps the typed name would log another account in: ` ADMIN` that the upstream trims and folds is `admin` there.
fn other_name(accepted: &Accepted<'_>, names: &AskedNames, typed_name: bool) -> Option<InsteadOf> {
    if !accepted.named && !typed_name {
        let what = "the upstream did not say whose password it was, and this console keeps the name that was typed";
        return Some(misconfigured(what));
    }
    (accepted.subject != names.username).then(|| InsteadOf {
        verdict: Verdict::Reject(Reject::because(Reason::IdentityMismatch)),
        explain: "the login succeeded for another name than the one that was typed, which this console keeps"
            .to_owned(),
    })
}

/// Whether what was typed before the question may be its answer: a code, and nothing that the user had to see. A code must never become
/// somebody's new password.
fn is_answered_blind(challenge: &Challenge) -> bool {
    let seen = challenge.image.is_some() || challenge.url.is_some() || !challenge.returns.is_empty();
    challenge.fields.len() == 1 && !seen && challenge.kind != AskType::RenewPassword.word()
}

fn cannot_be_asked(door: &str, challenge: &Challenge, explain: &str) -> InsteadOf {
    InsteadOf {
        verdict: Verdict::Reject(refusal(challenge)),
        explain: format!("{explain}; the door {door} cannot ask for {} and have it answered", challenge.kind),
    }
}

/// Wrong answers keep their reason; a question that cannot be asked is `mfa_required`.
fn refusal(challenge: &Challenge) -> Reject {
    let error = challenge.error.as_ref();
    let said = error.and_then(|error| error.error_message.clone()).or_else(|| challenge.message.clone());
    let mapped = Mapped {
        error_code: error.and_then(|error| error.error_code.clone()),
        error_message: said,
        ..Mapped::default()
    };
    Reject { mapped, ..Reject::because(error.map_or(Reason::MfaRequired, |error| error.reason)) }
}

fn misconfigured(what: &str) -> InsteadOf {
    InsteadOf {
        verdict: Verdict::Misconfigured(Misconfigured { what: what.to_owned() }),
        explain: format!("the login succeeded; {what}"),
    }
}
