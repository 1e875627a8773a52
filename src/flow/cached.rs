//! Steps with `cache`: their captures come from what other logins left, or are asked for once while all wait.
//!
//! A step that is kept runs beside the login and not in it: with no user, no cookies and nothing but the captures of other
//! kept steps, so that whatever the check of the connector let through, nothing of one user can reach another. What
//! is shared is captures; a refusal or a success of a user never comes out of here.

use tokio::time::Instant;

use super::input::Admitted;
use super::report::{CacheTrace, CaptureTrace, StepEnd, StepReport};
use super::run::{Done, Proof, Run};
use super::stop::{Ending, Stop};
use super::{draw, sends, step};
use crate::connector::kept::{Answer, Asking, Failure, Key, Looked};
use crate::connector::{CachePlan, Role, Step};
use crate::context::{Context, StepFacts, StepOutcome, StepValue, Variable};
use crate::crypto::digest::{Algorithm, digest};
use crate::document::{Value, to_json};
use crate::verdict::Cause;

/// Tokens have some hundred bytes. A step whose captures have more is asked each time.
const MOST_BYTES: usize = 64 * 1024;

impl<'a> Run<'a> {
    /// The stages of one step. When its reply says that kept captures are no longer good, they are dropped; a helper then
    /// runs once more with new ones. A request with the user's credential is never made twice: its login ends as the reply
    /// says, and the next one finds new captures.
    pub(super) async fn stages(&mut self, step: &Step, report: &mut StepReport) -> Result<Done, Stop> {
        let started = Instant::now();
        let first = self.once(step, report).await;
        if self.stale.is_empty() {
            return first;
        }
        let stale = std::mem::take(&mut self.stale);
        let connector = self.connector;
        let mut renewable = step.role == Role::Helper && !step.carries_credential;
        for &index in &stale {
            let kept = &connector.steps[index];
            if let (Some(all), Some(used)) = (self.tools.kept, self.context.steps.get(&kept.name)) {
                all.forget(&kept.name, used);
            }
            // What this login has just asked for would not be better the next time.
            renewable &= !self.asked.contains(&index) && kept.cache.as_ref().is_some_and(|plan| self.has(plan));
        }
        if !renewable || !sends::again(step, self) {
            return first;
        }
        let mut fresh = self.report_of(step);
        std::mem::swap(report, &mut fresh);
        fresh.took = started.elapsed();
        self.asides.push(fresh);
        for index in stale {
            Box::pin(self.renew(&connector.steps[index])).await?;
        }
        // A second request with the nonce of the first would be a replay.
        self.context.step = draw::step_values(self.tools.ambient, &connector.time_zone);
        let again = Box::pin(self.once(step, report)).await;
        for index in std::mem::take(&mut self.stale) {
            let kept = &connector.steps[index];
            if let (Some(all), Some(used)) = (self.tools.kept, self.context.steps.get(&kept.name)) {
                all.forget(&kept.name, used);
            }
        }
        again
    }

    async fn once(&mut self, step: &Step, report: &mut StepReport) -> Result<Done, Stop> {
        match &step.cache {
            None => step::run(step, self, report).await,
            // Boxed: every login would carry the room for it about.
            Some(plan) => Box::pin(self.kept(step, plan, report)).await,
        }
    }

    /// Whether everything is here that goes into a kept step; after a challenge some of it may not.
    fn has(&self, plan: &CachePlan) -> bool {
        plan.inputs.iter().all(|variable| self.input(variable).is_ok())
    }

    /// New captures of a step that ran in this login before.
    async fn renew(&mut self, step: &Step) -> Result<(), Stop> {
        let started = Instant::now();
        let mut report = self.report_of(step);
        self.context.step = draw::step_values(self.tools.ambient, &self.connector.time_zone);
        let done = self.once(step, &mut report).await;
        report.took = started.elapsed();
        if done.is_ok() {
            report.end = StepEnd::Success;
        }
        self.asides.push(report);
        let done = done.map_err(|stop| Stop { explain: format!("{} again: {}", step.name, stop.explain), ..stop })?;
        let outcome = done.proof.outcome();
        let facts = StepFacts { outcome, status: done.status, captures: done.captures, page: done.page };
        self.context.steps.insert(step.name.clone(), facts);
        Ok(())
    }

    /// The captures of a kept step: those that are there, those that another login is asking for, or new ones.
    async fn kept(&mut self, step: &Step, plan: &CachePlan, report: &mut StepReport) -> Result<Done, Stop> {
        let Some(kept) = self.tools.kept else { return Ok(self.ask_alone(step, plan, report).await?.done) };
        let key = self.key(step, plan)?;
        loop {
            let waiting = match kept.look(key, Instant::now()) {
                Looked::Here(facts) => return Ok(shared(step, &facts, CacheTrace::Hit, report)),
                Looked::Absent(asking) => return self.ask_for_all(step, plan, asking, report).await,
                Looked::Asked(waiting) => waiting,
            };
            match tokio::time::timeout_at(self.deadline, waiting.answer()).await {
                Err(_) => {
                    let why = "the deadline passed while another login asked for the same";
                    return Err(Stop::unavailable(Cause::Timeout, why));
                }
                Ok(Some(Answer::Good(facts, _))) => {
                    self.asked.extend(self.index(step));
                    return Ok(shared(step, &facts, CacheTrace::Shared, report));
                }
                Ok(Some(Answer::Own)) => return Ok(self.ask_alone(step, plan, report).await?.done),
                Ok(Some(Answer::Failed(failure))) => return Err(failed(failure)),
                // The one who asked went away, or ran out of a time that was its own: look again.
                Ok(None) => {}
            }
        }
    }

    /// Asks, and tells those who wait.
    async fn ask_for_all(
        &mut self,
        step: &Step,
        plan: &CachePlan,
        asking: Asking<'_>,
        report: &mut StepReport,
    ) -> Result<Done, Stop> {
        let asked = self.ask_alone(step, plan, report).await;
        let answer = match &asked {
            Ok(Asked { until: Ok(until), done, .. }) => {
                let (status, captures, page) = (done.status, done.captures.clone(), done.page.clone());
                Answer::Good(StepFacts { outcome: StepOutcome::Success, status, captures, page }.into(), *until)
            }
            Ok(Asked { until: Err(_), .. }) => Answer::Own,
            // This login's deadline may be sooner than theirs.
            Err(Stop { ending: Ending::Unavailable(Cause::Timeout), .. }) => return asked.map(|asked| asked.done),
            Err(Stop { ending: Ending::Unavailable(cause), explain }) => {
                Answer::Failed(Failure::Unavailable(*cause, explain.clone()))
            }
            Err(stop) => Answer::Failed(Failure::Misconfigured(stop.explain.clone())),
        };
        asking.done(&step.name, answer, Instant::now());
        asked.map(|asked| asked.done)
    }

    /// Runs the step beside this login, for nobody in particular.
    async fn ask_alone(&mut self, step: &Step, plan: &CachePlan, report: &mut StepReport) -> Result<Asked, Stop> {
        let began = Instant::now();
        self.asked.extend(self.index(step));
        let node = self.pick.as_ref().map(crate::upstream::Pick::index);
        let mut alone = self.nobody(plan);
        let result = step::run(step, &mut alone, report).await;
        self.written |= alone.written;
        self.stale.append(&mut alone.stale);
        // A node that could not be connected to is not tried again in this login.
        self.pick = alone.pick;
        let done = result.map_err(about_nobody)?;
        let moved = self.pick.as_ref().map(crate::upstream::Pick::index) != node;
        let until = match &done.good_for {
            _ if moved => Err("another node answered than the one that others ask".to_owned()),
            Some(Ok(span)) => kept_until(began, *span, &done),
            Some(Err(why)) => Err(why.clone()),
            None => Err("it has no reply".to_owned()),
        };
        if let Some(trace) = &mut report.trace {
            trace.cache.push(match &until {
                Ok(until) => CacheTrace::Kept(until.saturating_duration_since(began)),
                Err(why) => CacheTrace::NotKept(why.clone()),
            });
        }
        Ok(Asked { done, until })
    }

    /// A login of nobody, at the same node and with the same end.
    fn nobody(&self, plan: &CachePlan) -> Run<'a> {
        let inputs = plan.inputs.iter().filter_map(|variable| match variable {
            Variable::Step { step, .. } => self.context.steps.get_key_value(step),
            _ => None,
        });
        let context = Context {
            steps: inputs.map(|(name, facts)| (name.clone(), facts.clone())).collect(),
            secrets: self.context.secrets.clone(),
            step: self.context.step.clone(),
            ..Context::default()
        };
        let nobody = Admitted { context, claimed: String::new() };
        let begun = Run::begin(self.connector, self.tools, nobody, self.deadline, self.tracing);
        Run { pick: self.pick.clone(), ..begun }
    }

    /// Everything that the captures come from and that is not the same in every login.
    fn key(&self, step: &Step, plan: &CachePlan) -> Result<Key, Stop> {
        let mut all = Vec::new();
        // Each part is preceded by its length, so that no two sets of parts give the same bytes.
        let mut part = |bytes: &[u8]| {
            all.extend_from_slice(&bytes.len().to_le_bytes());
            all.extend_from_slice(bytes);
        };
        part(step.name.as_bytes());
        let node = step.request.as_ref().and_then(|plan| self.node(plan));
        part(node.as_ref().map_or("", url::Url::as_str).as_bytes());
        for variable in &plan.inputs {
            part(self.input(variable)?.as_bytes());
        }
        let mut key = [0; 32];
        key.copy_from_slice(&digest(Algorithm::Sha256, &all));
        Ok(Key(key))
    }

    /// What another kept step gives to one.
    fn input(&self, variable: &Variable) -> Result<String, Stop> {
        if let Variable::Step { step, value: StepValue::Address } = variable
            && let Some(facts) = self.context.steps.get(step)
        {
            return Ok(format!("{:?} {:?}", facts.page.url, facts.page.base));
        }
        Ok(to_json(&*self.context.get(variable)?))
    }

    fn index(&self, step: &Step) -> Option<usize> {
        self.connector.steps.iter().position(|known| known.name == step.name)
    }
}

/// What an asking gave.
struct Asked {
    done: Done,
    /// Until when it serves others, or why it does not.
    until: Result<Instant, String>,
}

fn kept_until(began: Instant, span: std::time::Duration, done: &Done) -> Result<Instant, String> {
    let bytes: usize = done.captures.values().flatten().map(Value::bytes).sum();
    if bytes > MOST_BYTES {
        return Err(format!("the captures take {bytes} bytes of memory, and {MOST_BYTES} is the most that is kept"));
    }
    let until = began + span;
    if until <= Instant::now() { Err("its time was over when the reply was there".to_owned()) } else { Ok(until) }
}

/// What comes from another login.
fn shared(step: &Step, facts: &StepFacts, how: CacheTrace, report: &mut StepReport) -> Done {
    if let Some(trace) = &mut report.trace {
        trace.cache.push(how);
        trace.captures = step.response.captures.iter().map(|capture| shown(capture, facts)).collect();
    }
    let explain = "its captures come from the cache".to_owned();
    let (captures, page) = (facts.captures.clone(), facts.page.clone());
    Done { proof: Proof::Kept, status: facts.status, captures, page, explain, good_for: None }
}

fn shown(capture: &crate::connector::Capture, facts: &StepFacts) -> CaptureTrace {
    CaptureTrace {
        name: capture.name.clone(),
        value: facts.captures.get(&capture.name).cloned().flatten(),
        public: capture.public,
    }
}

fn failed(failure: Failure) -> Stop {
    match failure {
        Failure::Unavailable(cause, explain) => {
            Stop::unavailable(cause, format!("another login asked at this moment: {explain}"))
        }
        Failure::Misconfigured(what) => Stop::misconfigured(what),
    }
}

/// A step that knows no user cannot refuse one.
fn about_nobody(stop: Stop) -> Stop {
    match stop.ending {
        Ending::Unavailable(_) | Ending::Misconfigured(_) => stop,
        _ => Stop::misconfigured("a step with `cache` refused the input, and it has none of a user"),
    }
}
