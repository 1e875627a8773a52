//! How more is asked of the user through a console, and that what is asked can be answered.

use std::time::Duration;

use super::Check;
use crate::attempt::connectors::{AskFacts, ConnectorSummary};
use crate::connector::ask::AskType;
use crate::context::Variable;
use crate::diagnostic::Span;
use crate::door::look::{ConsoleAnswer, Reading, SeenReply};
use crate::door::plan::{Carried, CarriedBy, ChallengePlan, Inline, LoginSources, Replies, ReplyKind};
use crate::door::raw::AskBody;
use crate::door::raw::challenge::{RawChallenge, RawInline, RawInlineKeys};
use crate::reading::Word as _;

impl Check<'_> {
    pub(super) fn challenge(&mut self, login: &LoginSources, deadline: Duration) -> ChallengePlan {
        let Some(raw) = &self.raw.challenge else { return ChallengePlan::default() };
        let body = self.raw.at.body.as_ref().map_or(AskBody::None, |body| body.value);
        let carried = self.carried(raw, body);
        let inline = raw.inline.as_ref().and_then(|inline| self.inline(inline, body));
        let place = &raw.place;
        if raw.id.is_none() && raw.conversation.is_none() && raw.inline.is_none() && raw.push.is_none() {
            let help = "write id or conversation with answer, inline or push, or take `challenge` away";
            self.wrong("door-challenge", &place.span, "this says no way to answer", help);
        }
        if raw.inline.is_some() && login.password.is_none() {
            let help = "say where the password stands: login.password";
            self.wrong(
                "door-challenge",
                place.key("inline"),
                "an answer comes with a password here, and there is none",
                help,
            );
        }
        if raw.first_ask.is_some() && (raw.conversation.is_none() || login.password.is_some()) {
            let message = "`first_ask` is the question for the password of a conversation whose first round has none";
            let help = "take it away, or write `conversation` and no login.password";
            self.wrong("door-challenge", place.key("first_ask"), message, help);
        }
        if raw.one_by_one == Some(true) && raw.id.is_none() && raw.conversation.is_none() {
            let help = "write id or conversation, and answer";
            self.wrong("door-challenge", place.key("one_by_one"), "no later question can be asked here", help);
        }
        let push = raw.push.as_ref().map(|push| push.wait.value.0);
        if let Some((wait, span)) = push.zip(raw.push.as_ref().map(|push| push.wait.span.clone()))
            && (wait > deadline || wait.is_zero())
        {
            let message = format!("a login here ends after {} ms", deadline.as_millis());
            let help = "wait less, or set patience: if this console waits longer";
            self.wrong("door-challenge", &span, message, help);
        }
        ChallengePlan { carried, inline, one_by_one: raw.one_by_one == Some(true), push, ..ChallengePlan::default() }
    }

    fn carried(&mut self, raw: &RawChallenge, body: AskBody) -> Option<Carried> {
        let place = &raw.place;
        let (by, id, key) = match (&raw.id, &raw.conversation) {
            (Some(_), Some(_)) => {
                let help = "keep the one that this console sends";
                self.wrong("door-challenge", place.key("conversation"), "a challenge is found by one id", help);
                return None;
            }
            (Some(id), None) => (CarriedBy::Ours, id, "id"),
            (None, Some(id)) => (
                CarriedBy::Console { first_ask: raw.first_ask.as_ref().map(|text| text.text.clone()) },
                id,
                "conversation",
            ),
            (None, None) => {
                if raw.answer.is_some() {
                    let help = "write `id` (ours, which the reply has) or `conversation` (the console's)";
                    self.wrong("door-challenge", place.key("answer"), "an answer belongs to a challenge", help);
                }
                return None;
            }
        };
        let Some(answer) = &raw.answer else {
            let help = "write answer: and where what the user types stands";
            self.wrong("door-challenge", place.key(key), "nobody says where the answer stands", help);
            return None;
        };
        let (id, answer) = (self.source(id, body), self.source(answer, body));
        let token = self.raw.caller.token.as_ref().and_then(|raw| self.source(raw, body));
        self.same_credential(token.as_ref(), &[answer.as_ref()]);
        Some(Carried { by, id: id?, answer: answer? })
    }

    fn inline(&mut self, raw: &RawInline, body: AskBody) -> Option<Inline> {
        match raw {
            RawInline::Envelope(_) => Some(Inline::Scrv1),
            RawInline::Keys(keys) => match &**keys {
                RawInlineKeys::Separator(text) if text.text.is_empty() => {
                    self.wrong("door-challenge", &text.span, "a separator is a text", "write separator: \",\"");
                    None
                }
                RawInlineKeys::Separator(text) => Some(Inline::Separator(text.text.clone())),
                RawInlineKeys::From(source) => self.source(source, body).map(Inline::From),
            },
        }
    }

    /// A reply that asks where an answer comes back, and one that refuses where none does.
    pub(super) fn asks(&mut self, reading: &Reading, replies: &Replies, plan: &mut ChallengePlan) {
        let rows = replies.of(ReplyKind::Challenge);
        let told = |wanted: &str| {
            let named = |variable: &Variable| matches!(variable, Variable::Verdict(name) if name == wanted);
            rows.iter().flat_map(|row| row.plan.uses()).any(|used| used.hole.variables().any(named))
        };
        (plan.shows_image, plan.shows_url) = (told("challenge.image"), told("challenge.url"));
        let written = self.written(ReplyKind::Challenge).and_then(|rows| rows.0.first());
        let span = written.map_or_else(|| self.raw.place.key("challenge").clone(), |row| row.place.span.clone());
        let asked = rows.iter().all(|row| {
            let parts = row.plan.with_marks().unwrap_or_default();
            reading.answer(reading.judge(&SeenReply::new(row.status.as_u16(), &parts, reading, true)))
                == ConsoleAnswer::Asks
        });
        match &plan.carried {
            Some(_) if !asked => {
                let message = format!("the reply for challenge: {} does not ask the user", reading.name);
                let help = match reading.asks {
                    Some(_) => "write a reply that it takes for a question",
                    None => "its reading has no `asks`: write one out, or take id and conversation away",
                };
                self.wrong("door-challenge", &span, message, help);
            }
            Some(Carried { by: CarriedBy::Ours, .. }) if !told("challenge.id") => {
                let help = "write {{challenge.id}} where the console keeps it";
                self.wrong("door-challenge", &span, "this reply has no id that could come back", help);
            }
            None if asked => {
                let message =
                    format!("the reply for challenge: {} asks the user, and no answer comes back", reading.name);
                let help = "write a refusal, or say under `challenge` how the answer comes back";
                self.wrong("door-challenge", &span, message, help);
            }
            _ => {}
        }
    }

    /// What the connector may ask and this console cannot is a refusal (`mfa_required`), and told here.
    pub(super) fn asked_by(&mut self, about: &ConnectorSummary, plan: &ChallengePlan, span: &Span) {
        if self.raw.challenge.is_none() {
            return;
        }
        for ask in about.facts.asks.iter().filter(|ask| !plan.can_ask(ask)) {
            let message = format!("`{}` asks for {}, which cannot be asked here", about.id, ask.kind);
            let mistake = self.diagnostics.error_at("door-challenge-left-out", span, message).as_warning();
            self.diagnostics.add(mistake.help("such a login is refused with mfa_required"));
        }
    }
}

impl ChallengePlan {
    /// Whether the user can be asked for that.
    fn can_ask(&self, ask: &AskFacts) -> bool {
        if ask.returns || (ask.image && !self.shows_image) || (ask.url && !self.shows_url) {
            return false;
        }
        let carried = self.carried.is_some() && (ask.fields <= 1 || self.one_by_one);
        let at_once = match ask.fields {
            0 => self.push.is_some() && ask.polls,
            1 => self.inline.is_some() && !ask.image && !ask.url && ask.kind != AskType::RenewPassword.word(),
            _ => false,
        };
        carried || at_once
    }
}
