//! Challenges of a login: opened before a step with `ask`, resumed with an answer, a poll or a resend (docs/contract.md
//! section 5).
//!
//! The caller has taken the state out of its store, so each id is used once. This module decides what is stored
//! afterwards: a wrong answer stores the login under a new id with one attempt less; an answer that could not be sent,
//! a poll and a resend (`resend`) store it under the same id; everything else ends the login.

use std::time::Duration;

use indexmap::IndexMap;
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;
use url::Url;

use super::recorder::Recorder;
use super::report::{AskTrace, StepEnd};
use super::saved::{OpenChallenge, SavedLogin, milliseconds};
use super::state::{Poll, Run};
use super::stop::{Ending, Stop};
use super::{draw, input};
use crate::connector::Connector;
use crate::connector::ask::{Ask, Image, STATE};
use crate::connector::raw::Word as _;
use crate::document::Object;
use crate::mapping::plain_text;
use crate::pattern::Pattern;
use crate::request::RequestPlan;
use crate::secret::Secret;
use crate::state::ChallengeState;
use crate::template::Template;
use crate::verdict::{Cause, Challenge, ChallengeError, ChallengeField, Reason};

/// How far beyond the deadline of its call a state may still be stored.
const STORE_GRACE: Duration = Duration::from_millis(250);

/// What the caller wants of an open challenge.
#[derive(Debug)]
pub enum Action {
    /// The user's answers, by the names of the fields.
    Answer(IndexMap<String, Secret>),
    /// The answer of the next field: for a caller that can ask one question at a time.
    Next(Secret),
    /// Whether it is confirmed by now.
    Poll,
    /// A poll before its time ([`SavedLogin::is_early`]): returns the challenge, and the upstream is not asked.
    Early,
    /// The code once more.
    Resend,
}

impl Poll {
    pub(super) fn of(action: &Action) -> Self {
        match action {
            Action::Answer(_) | Action::Next(_) | Action::Resend => Self::No,
            Action::Poll => Self::Due,
            Action::Early => Self::Early,
        }
    }
}

/// A login that goes on.
#[derive(Debug)]
pub struct Resumption {
    /// The id that was taken.
    pub id: String,
    pub saved: SavedLogin,
    pub action: Action,
    /// An earlier end than the connector's own timeout.
    pub deadline: Option<Instant>,
    /// Whether stages are recorded for a send test.
    pub trace: bool,
}

/// The answer to an open challenge.
pub(super) struct ChallengeAnswer {
    pub challenge: OpenChallenge,
    /// The id that was used.
    pub id: String,
    /// `None` for a poll.
    pub answers: Option<IndexMap<String, Secret>>,
}

/// What stood before an answer, for one that was wrong.
pub(super) struct Rollback {
    env: Object,
    answers: IndexMap<String, Secret>,
}

impl Rollback {
    pub(super) fn of(run: &Run<'_>) -> Self {
        Self { env: run.context.env.clone(), answers: run.context.answers.clone() }
    }

    /// Undoes what the answer changed.
    pub(super) fn apply(self, run: &mut Run<'_>) {
        run.context.env = self.env;
        run.context.answers = self.answers;
    }
}

/// Opens the challenge of the step at `index`.
pub(super) async fn open(run: &mut Run<'_>, index: usize, ask: &Ask, recorder: &mut Recorder) -> Stop {
    run.context.step = draw::step_values(run.ports.ambient, &run.connector.time_zone);
    recorder.report.end = StepEnd::Asked;
    let now = run.ports.ambient.unix_ms();
    let resend = ask.resend.as_ref();
    let challenge = OpenChallenge {
        step: index,
        expires_at: now + milliseconds(ask.expires_in),
        attempts_left: ask.attempts,
        resends_left: resend.map_or(0, |resend| resend.max),
        resend_at: now + resend.map_or(0, |resend| milliseconds(resend.after)),
        poll_at: now + ask.poll_after.map_or(0, milliseconds),
    };
    let id = new_id(run);
    let stop = wait(run, ask, id, challenge, None).await;
    if let Ending::Challenge(shown) = &stop.ending {
        recorder.trace(|trace| trace.ask = Some(AskTrace::of(shown)));
    }
    stop
}

/// Stores the login under `id` and returns the challenge, which is a verdict only once the state is stored.
pub(super) async fn wait(
    run: &Run<'_>,
    ask: &Ask,
    id: String,
    challenge: OpenChallenge,
    error: Option<ChallengeError>,
) -> Stop {
    let shown = match shown(run, ask, &id, challenge, error) {
        Ok(shown) => shown,
        Err(stop) => return stop,
    };
    let explain = match &shown.error {
        None => format!("the user is asked: {}", ask.kind.word()),
        Some(error) => format!("{}; the user is asked again: {}", error.reason, ask.kind.word()),
    };
    match store(run, &id, challenge).await {
        Ok(()) => Stop { ending: Ending::Challenge(Box::new(shown)), explain },
        Err(stop) => stop,
    }
}

pub(super) async fn store(run: &Run<'_>, id: &str, challenge: OpenChallenge) -> Result<(), Stop> {
    let left = challenge.expires_at.saturating_sub(run.ports.ambient.unix_ms());
    let bytes = SavedLogin::bytes_of(run, challenge);
    // A call that timed out while connecting has sent nothing, so its challenge must not be lost.
    let deadline = run.deadline.max(Instant::now() + STORE_GRACE);
    let state = ChallengeState {
        bytes: &bytes,
        after_factor: run.ledger.proven().is_something(),
        connector: &run.connector.id,
        account: &run.claimed,
        client_ip: run.context.user.client_ip,
    };
    let kept = run.ports.challenges.put(id, state, Duration::from_millis(left), deadline).await;
    kept.map_err(|why| {
        let step = run.connector.steps.get(challenge.step).map_or("", |step| step.name.as_str());
        Stop::unavailable(Cause::State, format!("the challenge of {step} cannot be stored: {why}"))
    })
}

pub(super) fn new_id(run: &Run<'_>) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(draw::bytes::<16>(run.ports.ambient))
}

/// The challenge as the user sees it.
fn shown(
    run: &Run<'_>,
    ask: &Ask,
    id: &str,
    challenge: OpenChallenge,
    error: Option<ChallengeError>,
) -> Result<Challenge, Stop> {
    let now = run.ports.ambient.unix_ms();
    let until = |at: u64| Duration::from_millis(at.saturating_sub(now));
    let message = ask.message.as_ref().map(|message| text(message, run)).transpose()?;
    let url = ask.url.as_ref().map(|plan| link(plan, run)).transpose()?;
    let image = match &ask.image {
        None => None,
        Some(Image::Link(plan)) => Some(link(plan, run)?.into()),
        Some(Image::Data(template)) => Some(picture(text(template, run)?)?),
    };
    Ok(Challenge {
        id: id.to_owned(),
        kind: ask.kind.word().to_owned(),
        message: message.map(|message| plain_text(&message, &run.mask)),
        fields: ask.fields.iter().skip(run.given.len()).map(field).collect(),
        url: url.map(String::from),
        returns: ask.returns.clone(),
        image,
        expires_in: until(challenge.expires_at),
        attempts_left: challenge.attempts_left,
        resend_after: (challenge.resends_left > 0).then(|| until(challenge.resend_at)),
        poll_after: ask.poll_after.map(|usual| until(challenge.poll_at).min(usual)),
        error,
    })
}

fn text(template: &Template, run: &Run<'_>) -> Result<String, Stop> {
    let value = template.value(&run.context).map_err(Stop::from)?;
    let text = value.scalar_text().map(str::to_owned);
    text.ok_or_else(|| Stop::unavailable(Cause::UnexpectedReply, "a value of the ask is no text"))
}

fn link(plan: &RequestPlan, run: &Run<'_>) -> Result<Url, Stop> {
    plan.render(&run.context, None).map(|prepared| prepared.url).map_err(Stop::from)
}

/// Enters the answers into the context, or returns why they cannot be sent. Nothing has been sent so far.
pub(super) fn take_answers(run: &mut Run<'_>, ask: &Ask, answer: &mut ChallengeAnswer) -> Result<Rollback, Stop> {
    let before = Rollback::of(run);
    let Some(answers) = answer.answers.take() else { return Ok(before) };
    let checked = check_answers(run, ask, &answers);
    run.mask.add(answers.values());
    run.context.answers.extend(answers);
    match checked {
        Ok(()) => Ok(before),
        Err(stop) => {
            before.apply(run);
            Err(stop)
        }
    }
}

fn check_answers(run: &Run<'_>, ask: &Ask, answers: &IndexMap<String, Secret>) -> Result<(), Stop> {
    let refuse = |what: String| Err(Stop::reject(Reason::InvalidInput, format!("{what}; nothing was sent")));
    if let Some(name) = answers.keys().find(|name| ask.answers().all(|known| known != name.as_str())) {
        // The name is the caller's text and may hold anything, so only its length is shown.
        return refuse(format!("an answer of {} characters' name was not asked for", name.chars().count()));
    }
    for name in ask.answers() {
        if answers.get(name).is_none_or(|answer| input::is_empty(answer.expose())) {
            return refuse(format!("the answer {name} is missing or empty"));
        }
    }
    for field in &ask.fields {
        let answer = answers.get(&field.name).map(Secret::expose).unwrap_or_default();
        let matches = |pattern: &Pattern| pattern.is_match(answer, &run.context.work) == Ok(true);
        if field.pattern.as_ref().is_some_and(|(_, pattern)| !matches(pattern)) {
            return refuse(format!("the answer {} does not have the form that is asked for", field.name));
        }
    }
    same_login(run, ask, answers)
}

/// What came back must be of this login: `state`, and whatever the page was told under the same name. In constant time: timing must
/// not reveal a value letter by letter.
fn same_login(run: &Run<'_>, ask: &Ask, answers: &IndexMap<String, Secret>) -> Result<(), Stop> {
    let given = |name: &str| answers.get(name).map(Secret::expose).unwrap_or_default();
    let same = |name: &str, right: &str| bool::from(given(name).as_bytes().ct_eq(right.as_bytes()));
    let refuse = |name: &str| {
        let what = format!("the {name} that came back is not the one of this login; nothing was sent");
        Err(Stop::reject(Reason::InvalidInput, what))
    };
    if ask.wants_state() && !same(STATE, run.context.login.state.expose()) {
        return refuse(STATE);
    }
    let Some(plan) = ask.url.as_ref().filter(|_| !ask.returns.is_empty()) else { return Ok(()) };
    let url = link(plan, run)?;
    for name in ask.returns.iter().filter(|name| *name != STATE) {
        if url.query_pairs().any(|(known, told)| known == name.as_str() && !same(name, &told)) {
            return refuse(name);
        }
    }
    Ok(())
}

/// Keeps the challenge open, or ends the login, after its step did not succeed.
pub(super) async fn after_failure(
    run: &mut Run<'_>,
    ask: &Ask,
    answer: ChallengeAnswer,
    before: Option<Rollback>,
    stop: Stop,
) -> Stop {
    if let Some(before) = before {
        before.apply(run);
    }
    // A wrong answer is asked for from its first field.
    run.given.clear();
    let ChallengeAnswer { mut challenge, id, answers: _ } = answer;
    if run.poll != Poll::No || stop.ending == Ending::Pending {
        challenge.poll_at = run.ports.ambient.unix_ms() + ask.poll_after.map_or(0, milliseconds);
    }
    match &stop.ending {
        Ending::Pending => {
            let waits = wait(run, ask, id, challenge, None).await;
            Stop { explain: if waits.is_challenge() { stop.explain } else { waits.explain.clone() }, ..waits }
        }
        Ending::Reject {
            reason: reason @ (Reason::MfaFailed | Reason::InvalidCredentials | Reason::InvalidInput),
            message,
        } if run.poll == Poll::No => {
            let left = challenge.attempts_left.saturating_sub(1);
            if left == 0 {
                return Stop { explain: format!("{}; it was the last attempt", stop.explain), ..stop };
            }
            let error = ChallengeError {
                reason: *reason,
                error_code: run.mapped.error_code.take(),
                error_message: message.clone().or(run.mapped.error_message.take()),
            };
            let again = OpenChallenge { attempts_left: left, ..challenge };
            let waits = wait(run, ask, new_id(run), again, Some(error)).await;
            let explain = format!("{}; {left} more may be tried", stop.explain);
            Stop { explain: if waits.is_challenge() { explain } else { waits.explain.clone() }, ..waits }
        }
        // A poll uses up no attempt, whatever the upstream replied.
        Ending::Unavailable(_) if !run.written || run.poll != Poll::No => {
            // Should this fail, the verdict is the same and the user starts again.
            let explain = match store(run, &id, challenge).await {
                Ok(()) => format!("{}; the challenge stays open", stop.explain),
                Err(_) => stop.explain,
            };
            Stop { explain, ..stop }
        }
        _ => stop,
    }
}

/// The same challenge, unchanged.
pub(super) async fn still_open(run: &Run<'_>, ask: &Ask, answer: ChallengeAnswer) -> Stop {
    wait(run, ask, answer.id, answer.challenge, None).await
}

/// The `ask` of the step at `index`; in the revision that opened the challenge there is one.
pub(super) fn asking(connector: &Connector, index: usize) -> Option<&Ask> {
    connector.steps.get(index)?.ask.as_ref()
}

/// A state that does not match its connector.
pub(super) fn mismatch() -> Stop {
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

/// A `data:` URL of an image (RFC 2397); anything that a browser could render as a page is refused.
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
