//! The entry points of the flow: a new login, or one that resumes after a challenge. Each returns a report.

use tokio::time::Instant;

use super::challenge::{Action, ChallengeAnswer, Resumption};
use super::input::Admitted;
use super::report::{Report, StepReport};
use super::saved::SavedLogin;
use super::state::{Poll, Run};
use super::stop::{Ending, Stop};
use super::{Login, Ports, conceal, draw, explain, input, one_by_one, resend, run};
use crate::account::{UNREADABLE, bounded};
use crate::connector::Connector;
use crate::cookies::deliver;
use crate::verdict::{Accept, Delivery, Grant, Ledger, Mapped, Misconfigured, Reason, Reject, Unavailable, Verdict};

/// Authenticates one user. Never fails: whatever happens is one of the five verdicts.
pub async fn authenticate(connector: &Connector, ports: Ports<'_>, login: Login) -> Report {
    let account = match connector.input.username_fields {
        Some(_) => UNREADABLE.to_owned(),
        None => bounded(&login.username).into_owned(),
    };
    let mut subject = Subject::new(login.request_id.clone(), login.username.clone(), account);
    let (deadline, tracing) = (subject.deadline(connector, login.deadline), login.trace);
    match input::admit(connector, login, ports.ambient) {
        Err(Stop { ending, explain }) => {
            subject.report(connector, (verdict_of(ending, Mapped::default()), explain), Vec::new(), 0)
        }
        Ok(admitted) => {
            subject.account.clone_from(&admitted.claimed);
            let mut steps = Vec::new();
            let mut run = Run::begin(connector, ports, admitted, deadline, tracing);
            // Boxed: a run holds the futures of all its stages, 16 KiB that would be moved with every caller's own.
            let result = Box::pin(run::steps(&mut run, 0, None, &mut steps)).await;
            let sends = run.credential_sends;
            subject.report(connector, conclude(run, result), steps, sends)
        }
    }
}

/// Resumes a login after a challenge. The caller has taken the state out of its store and checked that it is of this
/// revision and has not expired.
pub async fn resume(connector: &Connector, ports: Ports<'_>, resumption: Resumption) -> Report {
    let Resumption { id, saved, action, deadline, trace } = resumption;
    let subject = Subject::new(saved.request_id.clone(), saved.username.clone(), saved.claimed.clone());
    let challenge = saved.challenge;
    let mut run = reopened(connector, ports, saved, subject.deadline(connector, deadline), trace);
    run.poll = Poll::of(&action);
    let mut steps: Vec<StepReport> = Vec::new();
    let answers = match action {
        Action::Answer(answers) => Some(answers),
        Action::Next(given) => match Box::pin(one_by_one::next(&mut run, &id, challenge, given)).await {
            Ok(answers) => Some(answers),
            Err(stop) => return subject.report(connector, conclude(run, Err(stop)), steps, 0),
        },
        Action::Poll | Action::Early => None,
        Action::Resend => {
            let stop = Box::pin(resend::resend(&mut run, id, challenge, &mut steps)).await;
            let sends = run.credential_sends;
            return subject.report(connector, conclude(run, Err(stop)), steps, sends);
        }
    };
    let answer = ChallengeAnswer { challenge, id, answers };
    let result = Box::pin(run::steps(&mut run, challenge.step, Some(answer), &mut steps)).await;
    let sends = run.credential_sends;
    subject.report(connector, conclude(run, result), steps, sends)
}

/// The run of a saved login.
fn reopened<'a>(
    connector: &'a Connector,
    ports: Ports<'a>,
    saved: SavedLogin,
    deadline: Instant,
    tracing: bool,
) -> Run<'a> {
    let (claimed, subject, compared) = (saved.claimed.clone(), saved.subject.clone(), saved.compared.clone());
    let (mapped, jar, proven, node) = (saved.mapped(), saved.jar.clone(), saved.proven, saved.node);
    let (named, given) = (saved.named, saved.given());
    let context = saved.context(connector.secrets.clone());
    let begun = Run::begin(connector, ports, Admitted { context, claimed }, deadline, tracing);
    let pick = connector.nodes.as_ref().zip(node).map(|(nodes, node)| nodes.resume(node)).or(begun.pick);
    let mut run = Run { subject, named, compared, mapped, ledger: Ledger::reopen(proven), jar, pick, given, ..begun };
    run.mask.add(run.context.answers.values());
    run.mask.add(run.given.values());
    conceal::env(&mut run, &[]);
    // The texts of an `ask` may use the time or random values.
    run.context.step = draw::step_values(ports.ambient, &connector.time_zone);
    run
}

/// Whom a report is about, and since when.
struct Subject {
    request_id: String,
    username: String,
    account: String,
    started: Instant,
}

impl Subject {
    fn new(request_id: String, username: String, account: String) -> Self {
        Self { request_id, username, account, started: Instant::now() }
    }

    /// One monotonic deadline a call: the connector's own, or an earlier one.
    fn deadline(&self, connector: &Connector, asked: Option<Instant>) -> Instant {
        let usual = self.started + connector.timeout;
        asked.map_or(usual, |asked| asked.min(usual))
    }

    fn report(
        self,
        connector: &Connector,
        (verdict, explain): (Verdict, String),
        steps: Vec<StepReport>,
        credential_sends: u32,
    ) -> Report {
        Report {
            connector: connector.id.clone(),
            revision: connector.revision.clone(),
            request_id: self.request_id,
            username: self.username,
            account: self.account,
            verdict,
            explain,
            steps,
            credential_sends,
            took: self.started.elapsed(),
        }
    }
}

/// The cookies for the user's browser.
fn delivery(run: &Run<'_>) -> Delivery {
    let now = i64::try_from(run.ports.ambient.unix_ms() / 1000).unwrap_or(i64::MAX);
    let plan = run.connector.delivery.as_ref();
    plan.map(|plan| deliver(plan, &run.jar, now)).unwrap_or_default()
}

/// The verdict of a run, with what was mapped.
fn conclude(run: Run<'_>, result: Result<(Grant, String), Stop>) -> (Verdict, String) {
    match result {
        Ok((grant, explain)) => {
            let delivery = delivery(&run);
            let explain = conceal::line(
                &run,
                &format!("{explain}{}", explain::withheld(&delivery, run.connector.delivery.as_ref())),
            );
            let named = run.named;
            let subject = run.subject.unwrap_or(run.claimed);
            let mut accept = Accept::new(grant, subject, run.mapped);
            accept.named = named;
            accept.delivery = delivery;
            (Verdict::Accept(accept), explain)
        }
        Err(stop) => {
            let explain = conceal::line(&run, &stop.explain);
            // What earlier steps mapped is for an accept only: a token of the first factor must not reach a user with a
            // wrong code.
            let Mapped { error_code, error_message, .. } = run.mapped;
            (verdict_of(stop.ending, Mapped { error_code, error_message, ..run.refused }), explain)
        }
    }
}

/// The verdict of an ending; only a reject carries what was mapped.
fn verdict_of(ending: Ending, mapped: Mapped) -> Verdict {
    match ending {
        Ending::Reject { reason, message } => {
            let error_message = message.or(mapped.error_message.clone());
            Verdict::Reject(Reject { mapped: Mapped { error_message, ..mapped }, ..Reject::because(reason) })
        }
        Ending::Unavailable(cause) => Verdict::Unavailable(Unavailable::from(cause)),
        Ending::Misconfigured(what) => Verdict::Misconfigured(Misconfigured { what }),
        Ending::Challenge(challenge) => Verdict::Challenge(*challenge),
        Ending::TooMany(retry_after) => {
            let reject = Reject::because(Reason::TooManyAttempts);
            Verdict::Reject(Reject { retry_after: Some(retry_after), ..reject })
        }
        // Only a step with `ask` ends so, and its challenge stays open; a connector that could come here does not load.
        Ending::Pending => {
            Verdict::Misconfigured(Misconfigured { what: "`pending` in a step that does not ask".into() })
        }
    }
}
