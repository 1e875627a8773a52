//! A utility call: the same steps as a login's, and nothing that could be taken for a verdict.
//!
//! What comes out has a type of its own. No ledger is kept here, so there is no grant, and without a grant there is no
//! accept: a utility cannot authenticate anybody, whatever its file says.

use std::time::Duration;

use tokio::time::Instant;

use super::recorder::Recorder;
use super::report::StepReport;
use super::state::Run;
use super::stop::{Ending, Stop};
use super::{Ports, UtilityCall, conceal, input, run};
use crate::connector::{Connector, ConnectorKind};
use crate::document::Value;
use crate::verdict::{Mapped, Misconfigured, Reason, Unavailable};

/// One utility call, as data.
#[derive(Debug)]
pub struct UtilityReport {
    /// The connector's id.
    pub connector: String,
    /// Hash of connector, scripts and settings.
    pub revision: String,
    /// The console's request id, or one drawn here.
    pub request_id: String,
    /// How it ended.
    pub end: UtilityEnd,
    /// One masked line for an administrator.
    pub explain: String,
    /// Every step that was reached, in order.
    pub steps: Vec<StepReport>,
    /// From the call to the end.
    pub took: Duration,
}

/// How a utility call ended. None of these says anything about who somebody is.
#[derive(Debug)]
pub enum UtilityEnd {
    /// What the connector maps as its extension; null when it maps none.
    Extension(Value),
    /// The inputs are not good: a reject row is true, or they cannot be sent.
    Refused(Refused),
    /// No further code may be sent now.
    Limited {
        /// When asking again makes sense.
        retry_after: Duration,
    },
    /// The upstream could not be asked, or could not be understood.
    Unavailable(Unavailable),
    /// The connector or the daemon is set up wrong.
    Misconfigured(Misconfigured),
}

/// Why inputs are not good.
#[derive(Debug)]
pub struct Refused {
    /// The row's reason; `invalid_input` when nothing was sent.
    pub reason: Reason,
    /// The upstream's own code, as text.
    pub error_code: Option<String>,
    /// The row's or the upstream's message: plain text, at most 512 characters.
    pub error_message: Option<String>,
}

impl UtilityEnd {
    /// The word of logs, metrics and the send test. None is the name of a verdict that lets somebody in.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Extension(_) => "ok",
            Self::Refused(_) => "refused",
            Self::Limited { .. } => "limited",
            Self::Unavailable(_) => "unavailable",
            Self::Misconfigured(_) => "misconfigured",
        }
    }

    /// The reason or the cause, for logs and metrics; "" for the others.
    pub fn detail(&self) -> &'static str {
        match self {
            Self::Refused(refused) => refused.reason.as_str(),
            Self::Unavailable(unavailable) => unavailable.cause.as_str(),
            Self::Extension(_) | Self::Limited { .. } | Self::Misconfigured(_) => "",
        }
    }
}

/// Makes one utility call. Never fails: whatever happens is one of the five ends.
pub async fn utility(connector: &Connector, ports: Ports<'_>, call: UtilityCall) -> UtilityReport {
    let started = Instant::now();
    let deadline = call.deadline.map_or(started + connector.timeout, |asked| asked.min(started + connector.timeout));
    let (request_id, tracing) = (call.request_id.clone(), call.trace);
    let mut steps = Vec::new();
    let (end, explain) = match begun(connector, call, ports) {
        Err(stop) => (end_of(stop.ending, Mapped::default()), stop.explain),
        Ok(admitted) => {
            let mut run = Run::begin(connector, ports, admitted, deadline, tracing);
            let result = walk(&mut run, &mut steps).await;
            conclude(run, result)
        }
    };
    UtilityReport {
        connector: connector.id.clone(),
        revision: connector.revision.clone(),
        request_id,
        end,
        explain,
        steps,
        took: started.elapsed(),
    }
}

fn begun(connector: &Connector, call: UtilityCall, ports: Ports<'_>) -> Result<input::Admitted, Stop> {
    match connector.kind {
        ConnectorKind::Utility => input::admit_call(connector, call, ports.ambient),
        ConnectorKind::Authentication => {
            Err(Stop::misconfigured("this connector authenticates users; it is no utility"))
        }
    }
}

/// All steps in order; what they prove is dropped. `Ok` holds the line that explains the last one.
async fn walk(run: &mut Run<'_>, steps: &mut Vec<StepReport>) -> Result<String, Stop> {
    let (connector, mut explain) = (run.connector, String::new());
    for (index, step) in connector.steps.iter().enumerate() {
        let (mut recorder, mut own) = (Recorder::begin(run, step), String::new());
        let result = run::step(run, index, &mut recorder, &mut own).await;
        steps.append(&mut run.extra_reports);
        steps.push(recorder.finish());
        result.map_err(|stop| Stop { explain: format!("{}: {}", step.name, stop.explain), ..stop })?;
        if !own.is_empty() {
            explain = own;
        }
    }
    Ok(explain)
}

fn conclude(run: Run<'_>, result: Result<String, Stop>) -> (UtilityEnd, String) {
    match result {
        Ok(explain) => {
            let explain = conceal::line(&run, &explain);
            (UtilityEnd::Extension(run.mapped.extension.unwrap_or(Value::Null)), explain)
        }
        Err(stop) => {
            let explain = conceal::line(&run, &stop.explain);
            (end_of(stop.ending, run.mapped), explain)
        }
    }
}

fn end_of(ending: Ending, mapped: Mapped) -> UtilityEnd {
    match ending {
        Ending::Reject { reason, message } => UtilityEnd::Refused(Refused {
            reason,
            error_code: mapped.error_code,
            error_message: message.or(mapped.error_message),
        }),
        Ending::TooMany(retry_after) => UtilityEnd::Limited { retry_after },
        Ending::Unavailable(cause) => UtilityEnd::Unavailable(Unavailable::from(cause)),
        Ending::Misconfigured(what) => UtilityEnd::Misconfigured(Misconfigured { what }),
        // Only a step that asks ends so, and a utility with one does not load.
        Ending::Challenge(_) | Ending::Pending => {
            UtilityEnd::Misconfigured(Misconfigured { what: "a utility cannot ask the user".to_owned() })
        }
    }
}
