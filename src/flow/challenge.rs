//! A pause of a login: opened before a step that asks, gone on with an answer, a poll or a resend (docs/contract.md section 5).
//!
//! Whoever calls has taken the state away from its store, so each id is used once. Here it is decided what stands under
//! which id afterwards: an answer that was wrong moves the login to a new id with one attempt less, one that could not be
//! sent, a poll and a resend (`resend`) put the same id back, and everything else ends the login.

use std::time::Duration;

use indexmap::IndexMap;
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;
use url::Url;

use super::report::{AskTrace, StepEnd, StepReport};
use super::run::Run;
use super::saved::{Hold, Saved};
use super::stop::{Ending, Stop};
use super::{draw, input};
use crate::connector::ask::{Ask, AskType, Image};
use crate::connector::raw::Word as _;
use crate::connector::{Connector, Step};
use crate::document::Object;
use crate::mapping::plain_text;
use crate::pattern::Pattern;
use crate::secret::Secret;
use crate::state::Pause;
use crate::template::{RenderError, Template};
use crate::verdict::{Cause, Challenge, ChallengeError, ChallengeField, Reason};

/// What keeping a state may take beyond the deadline of its call; a store beside the daemon answers in milliseconds.
const GRACE: Duration = Duration::from_millis(250);

/// What the caller wants of an open challenge.
#[derive(Debug)]
pub enum Action {
    /// The user's answers, by the names of the fields.
    Answer(IndexMap<String, Secret>),
    /// Whether it is confirmed by now.
    Poll,
    /// The same before its time ([`Saved::is_early`]): the challenge as it stands, and nobody is asked.
    Early,
    /// The code once more.
    Resend,
}

/// Whether a call asks for a confirmation and brings no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Poll {
    No,
    /// It may ask the upstream.
    Due,
    /// It comes too soon for that.
    Early,
}

impl Poll {
    pub(super) fn of(action: &Action) -> Self {
        match action {
            Action::Answer(_) | Action::Resend => Self::No,
            Action::Poll => Self::Due,
            Action::Early => Self::Early,
        }
    }
}

/// A login that goes on.
#[derive(Debug)]
pub struct Resumption {
    /// The id that was used; it is consumed already.
    pub id: String,
    /// What stood under it.
    pub saved: Saved,
    /// What is wanted.
    pub action: Action,
    /// An earlier end than the connector's own timeout.
    pub deadline: Option<Instant>,
    /// Whether stages are recorded for a send test.
    pub trace: bool,
}

/// The answer that a step was given, and what stood before it.
pub(super) struct Asked {
    pub hold: Hold,
    /// The id that was used.
    pub id: String,
    /// `None` for a poll.
    pub answers: Option<IndexMap<String, Secret>>,
}

/// What a wrong answer must not leave behind.
pub(super) struct Before {
    env: Object,
    answers: IndexMap<String, Secret>,
}

impl Run<'_> {
    /// Opens the challenge of the step at `index`; the login waits.
    pub(super) async fn open(&mut self, index: usize, step: &Step, ask: &Ask, report: &mut StepReport) -> Stop {
        self.context.step = draw::step_values(self.tools.ambient, &self.connector.time_zone);
        report.end = StepEnd::Asked;
        let now = self.tools.ambient.unix_ms();
        let resend = ask.resend.as_ref();
        let hold = Hold {
            step: index,
            expires_at: now + milliseconds(ask.expires_in),
            attempts_left: ask.attempts,
            resends_left: resend.map_or(0, |resend| resend.max),
            resend_at: now + resend.map_or(0, |resend| milliseconds(resend.after)),
            poll_at: now + ask.poll_after.map_or(0, milliseconds),
        };
        let id = self.new_id();
        let stop = self.wait(step, ask, (id, hold), None).await;
        if let (Some(trace), Ending::Challenge(challenge)) = (&mut report.trace, &stop.ending) {
            trace.ask = Some(AskTrace::of(challenge));
        }
        stop
    }

    /// Keeps the login under `id` and says what to ask. The pause is a verdict only once the state is kept.
    pub(super) async fn wait(
        &mut self,
        step: &Step,
        ask: &Ask,
        (id, hold): (String, Hold),
        error: Option<ChallengeError>,
    ) -> Stop {
        let challenge = match self.shown(ask, &id, hold, error) {
            Ok(challenge) => challenge,
            Err(stop) => return stop,
        };
        let explain = match &challenge.error {
            None => format!("the user is asked: {}", ask.kind.word()),
            Some(error) => format!("{}; the user is asked again: {}", error.reason, ask.kind.word()),
        };
        match self.keep(step, &id, hold).await {
            Ok(()) => Stop { ending: Ending::Challenge(Box::new(challenge)), explain },
            Err(stop) => stop,
        }
    }

    pub(super) async fn keep(&self, step: &Step, id: &str, hold: Hold) -> Result<(), Stop> {
        let left = hold.expires_at.saturating_sub(self.tools.ambient.unix_ms());
        let state = Saved::bytes_of(self, hold);
        let proven = self.ledger.proven().is_something();
        // A call whose deadline passed while it connected has sent nothing; its challenge must not be lost for that.
        let deadline = self.deadline.max(Instant::now() + GRACE);
        let pause = Pause {
            state: &state,
            proven,
            connector: &self.connector.id,
            account: &self.claimed,
            client_ip: self.context.user.client_ip,
        };
        let kept = self.tools.pauses.put(id, pause, Duration::from_millis(left), deadline).await;
        kept.map_err(|why| {
            Stop::unavailable(Cause::State, format!("the challenge of {} cannot be kept: {why}", step.name))
        })
    }

    fn new_id(&self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(draw::bytes::<16>(self.tools.ambient))
    }

    /// What the user gets to see.
    fn shown(&self, ask: &Ask, id: &str, hold: Hold, error: Option<ChallengeError>) -> Result<Challenge, Stop> {
        let now = self.tools.ambient.unix_ms();
        let until = |at: u64| Duration::from_millis(at.saturating_sub(now));
        let message = ask.message.as_ref().map(|message| self.text(message)).transpose()?;
        let url = ask.url.as_ref().map(|plan| self.link(plan)).transpose()?;
        let image = match &ask.image {
            None => None,
            Some(Image::Link(plan)) => Some(self.link(plan)?.into()),
            Some(Image::Data(template)) => Some(picture(self.text(template)?)?),
        };
        Ok(Challenge {
            id: id.to_owned(),
            kind: ask.kind.word().to_owned(),
            message: message.map(|message| plain_text(&message, &self.mask)),
            fields: ask.fields.iter().map(field).collect(),
            url: url.map(String::from),
            image,
            expires_in: until(hold.expires_at),
            attempts_left: hold.attempts_left,
            resend_after: (hold.resends_left > 0).then(|| until(hold.resend_at)),
            poll_after: ask.poll_after.map(|usual| until(hold.poll_at).min(usual)),
            error,
        })
    }

    fn text(&self, template: &Template) -> Result<String, Stop> {
        let value = template.value(&self.context).map_err(unrendered)?;
        let text = value.scalar_text().map(str::to_owned);
        text.ok_or_else(|| Stop::unavailable(Cause::UnexpectedReply, "a value of the ask is no text"))
    }

    fn link(&self, plan: &crate::request::RequestPlan) -> Result<Url, Stop> {
        plan.render(&self.context, None).map(|prepared| prepared.url).map_err(unrendered)
    }

    /// Takes the answers in, or says why they cannot be sent. Nothing has been sent so far.
    pub(super) fn take_answers(&mut self, ask: &Ask, asked: &mut Asked) -> Result<Before, Stop> {
        let before = self.before();
        let Some(answers) = asked.answers.take() else { return Ok(before) };
        let checked = self.check_answers(ask, &answers);
        self.mask.add(answers.values());
        self.context.answers.extend(answers);
        match checked {
            Ok(()) => Ok(before),
            Err(stop) => {
                self.forget(before);
                Err(stop)
            }
        }
    }

    fn check_answers(&self, ask: &Ask, answers: &IndexMap<String, Secret>) -> Result<(), Stop> {
        let refuse = |what: String| Err(Stop::reject(Reason::InvalidInput, format!("{what}; nothing was sent")));
        if let Some(name) = answers.keys().find(|name| ask.answers().all(|known| known != name.as_str())) {
            // The name is the caller's own text and may hold anything, so only its length is told.
            return refuse(format!("an answer of {} characters' name was not asked for", name.chars().count()));
        }
        for name in ask.answers() {
            if answers.get(name).is_none_or(|answer| input::is_empty(answer.expose())) {
                return refuse(format!("the answer {name} is missing or empty"));
            }
        }
        for field in &ask.fields {
            let answer = answers.get(&field.name).map(Secret::expose).unwrap_or_default();
            let matches = |pattern: &Pattern| pattern.is_match(answer, &self.context.work) == Ok(true);
            if field.pattern.as_ref().is_some_and(|(_, pattern)| !matches(pattern)) {
                return refuse(format!("the answer {} does not have the form that is asked for", field.name));
            }
        }
        if ask.kind == AskType::Redirect {
            let state = answers.get("state").map(Secret::expose).unwrap_or_default();
            // In constant time: whoever can measure must not find the state letter by letter.
            if !bool::from(state.as_bytes().ct_eq(self.context.login.state.expose().as_bytes())) {
                return refuse("the state that came back is not the one of this login".to_owned());
            }
        }
        Ok(())
    }

    /// What stands now, for [`Run::forget`].
    pub(super) fn before(&self) -> Before {
        Before { env: self.context.env.clone(), answers: self.context.answers.clone() }
    }

    /// Undoes what a wrong answer left.
    pub(super) fn forget(&mut self, before: Before) {
        self.context.env = before.env;
        self.context.answers = before.answers;
    }

    /// What becomes of the login when the step that asked did not succeed.
    pub(super) async fn not_done(
        &mut self,
        step: &Step,
        ask: &Ask,
        asked: Asked,
        before: Option<Before>,
        stop: Stop,
    ) -> Stop {
        if let Some(before) = before {
            self.forget(before);
        }
        let Asked { mut hold, id, answers: _ } = asked;
        if self.poll != Poll::No || stop.ending == Ending::Pending {
            hold.poll_at = self.tools.ambient.unix_ms() + ask.poll_after.map_or(0, milliseconds);
        }
        match &stop.ending {
            Ending::Pending => {
                let waits = self.wait(step, ask, (id, hold), None).await;
                Stop { explain: if waits.is_challenge() { stop.explain } else { waits.explain.clone() }, ..waits }
            }
            Ending::Reject {
                reason: reason @ (Reason::MfaFailed | Reason::InvalidCredentials | Reason::InvalidInput),
                message,
            } if self.poll == Poll::No => {
                let left = hold.attempts_left.saturating_sub(1);
                if left == 0 {
                    return Stop { explain: format!("{}; it was the last attempt", stop.explain), ..stop };
                }
                let error = ChallengeError {
                    reason: *reason,
                    error_code: self.mapped.error_code.take(),
                    error_message: message.clone().or(self.mapped.error_message.take()),
                };
                let again = (self.new_id(), Hold { attempts_left: left, ..hold });
                let waits = self.wait(step, ask, again, Some(error)).await;
                let explain = format!("{}; {left} more may be tried", stop.explain);
                Stop { explain: if waits.is_challenge() { explain } else { waits.explain.clone() }, ..waits }
            }
            // A poll is no answer: nothing was used up, whatever the upstream made of it.
            Ending::Unavailable(_) if !self.written || self.poll != Poll::No => {
                // Should this fail, the verdict is the same and the user begins anew.
                let explain = match self.keep(step, &id, hold).await {
                    Ok(()) => format!("{}; the challenge stays open", stop.explain),
                    Err(_) => stop.explain,
                };
                Stop { explain, ..stop }
            }
            _ => stop,
        }
    }

    /// The same challenge again, as it stands.
    pub(super) async fn still_open(&mut self, step: &Step, ask: &Ask, asked: Asked) -> Stop {
        self.wait(step, ask, (asked.id, asked.hold), None).await
    }
}

/// The step that asks; there is one in the revision that opened the challenge.
pub(super) fn asking(connector: &Connector, index: usize) -> Option<(&Step, &Ask)> {
    let step = connector.steps.get(index)?;
    Some((step, step.ask.as_ref()?))
}

/// A state that does not fit its connector.
pub(super) fn lost() -> Stop {
    Stop::reject(Reason::ChallengeExpired, "the challenge does not belong to this connector")
}

fn field(field: &crate::connector::ask::AskField) -> ChallengeField {
    ChallengeField {
        name: field.name.clone(),
        label: field.label.clone(),
        echo: field.echo,
        pattern: field.pattern.as_ref().map(|(written, _)| written.clone()),
    }
}

/// A `data:` URL of an image (RFC 2397), and nothing that a browser could take for a page.
fn picture(url: String) -> Result<String, Stop> {
    let base64 = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
    };
    let data = url.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,"));
    match data {
        Some(("png" | "jpeg" | "jpg" | "gif" | "webp" | "bmp", data)) if base64(data) => Ok(url),
        _ => Err(Stop::unavailable(Cause::UnexpectedReply, "the image of the ask is no data:image/…;base64, URL")),
    }
}

fn unrendered(error: RenderError) -> Stop {
    match error {
        RenderError::Missing(missing) => Stop::from(missing),
        RenderError::FromUser { what } => Stop::reject(Reason::InvalidInput, what),
        RenderError::FromReply { what } => Stop::unavailable(Cause::UnexpectedReply, what),
        RenderError::Unfit { what } => Stop::misconfigured(what),
    }
}

pub(super) fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

impl AskTrace {
    fn of(challenge: &Challenge) -> Self {
        Self {
            kind: challenge.kind.clone(),
            message: challenge.message.clone(),
            fields: challenge.fields.iter().map(|field| field.name.clone()).collect(),
            attempts_left: challenge.attempts_left,
            expires_in: challenge.expires_in,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::picture;

    #[test]
    fn a_picture_is_an_image_and_nothing_else() {
        for (url, good) in [
            ("data:image/png;base64,iVBORw0KGgo=", true),
            ("data:image/jpeg;base64,/9j/4AAQ", true),
            ("data:text/html;base64,PGgxPg==", false),
            ("data:image/svg+xml;base64,PHN2Zz4=", false),
            ("data:image/png;base64,", false),
            ("data:image/png;base64,a\"onerror=b", false),
            ("javascript:alert(1)", false),
            ("https://evil.example.com/x.png", false),
        ] {
            assert_eq!(picture(url.to_owned()).is_ok(), good, "{url}");
        }
    }
}
