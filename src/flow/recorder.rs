//! Records what one step does: its report, and for a send test a trace of every stage with its time.

use std::time::Duration;

use tokio::time::Instant;

use super::report::{StepEnd, StepReport, StepTrace};
use super::state::Run;
use crate::connector::{Role, Step};

pub(super) struct Recorder {
    pub report: StepReport,
    /// The current stage and its start.
    stage: Option<(&'static str, Instant)>,
}

impl Recorder {
    pub(super) fn begin(run: &Run<'_>, step: &Step) -> Self {
        let report = StepReport {
            name: step.name.clone(),
            factor: step.role == Role::Factor,
            end: StepEnd::Ended,
            status: None,
            unjudged_status: false,
            began: Instant::now(),
            took: Duration::ZERO,
            trace: run.tracing.then(|| Box::new(opened(run, step))),
        };
        Self { report, stage: None }
    }

    /// Ends the current stage and begins `stage`.
    pub(super) fn enter(&mut self, stage: &'static str) {
        if self.report.trace.is_some() {
            let now = Instant::now();
            self.leave(now);
            self.stage = Some((stage, now));
        }
    }

    /// Adds to the trace, if there is one.
    pub(super) fn trace(&mut self, note: impl FnOnce(&mut StepTrace)) {
        if let Some(trace) = &mut self.report.trace {
            note(trace);
        }
    }

    pub(super) fn finish(mut self) -> StepReport {
        let now = Instant::now();
        self.leave(now);
        self.report.took = now.saturating_duration_since(self.report.began);
        self.report
    }

    fn leave(&mut self, now: Instant) {
        if let (Some((stage, since)), Some(trace)) = (self.stage.take(), &mut self.report.trace) {
            trace.timings.push((stage, now.saturating_duration_since(since)));
        }
    }
}

fn opened(run: &Run<'_>, step: &Step) -> StepTrace {
    let user = &run.context.user;
    let credentials = std::iter::once(&user.password)
        .chain(user.fields.values())
        .chain(run.context.answers.values())
        .chain(run.context.secrets.values());
    StepTrace {
        public: step.public.clone(),
        credentials: credentials.cloned().collect(),
        settings: run.connector.settings_from_env.clone(),
        ..StepTrace::default()
    }
}
