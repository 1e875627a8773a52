//! A run as a send test shows it: every stage, with values only where an allow-list lets them be seen.
//!
//! A pure function of a [`Report`]. What may be shown is decided by where a value stands (DESIGN.md section 6, "Shown
//! by allow-list"), never by searching for secrets; a search for known credentials goes over the rest as a second net.
//! Masking happens once, when a [`Trace`] is built; the JSON and the lines for people are both made of it. The command line's
//! `--reveal` is the only way to see the rest.

mod human;
mod net;
mod outline;
mod request;
mod stage;
mod verdict;

pub use human::human;

use serde_json::{Value as Json, json};

use self::net::Net;
use self::stage::Step;
use crate::flow::Report;
use crate::secret::Secret;

/// How a report is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct View<'a> {
    /// Everything in clear.
    pub reveal: bool,
    /// The run ended because its first request was rendered and not sent: there is no verdict.
    pub rehearsed: bool,
    /// Credentials that the caller knows, for a run that ended before its first step.
    pub credentials: &'a [Secret],
}

/// What a send test shows. Masked already, unless it was built to reveal.
#[derive(Debug)]
pub struct Trace {
    /// The verdict in one word; none after a rehearsal.
    verdict: Option<&'static str>,
    /// Reason, cause, or nothing.
    detail: Option<String>,
    username: String,
    connector: String,
    took: f64,
    sends: u32,
    explain: String,
    steps: Vec<Step>,
    net: Net,
}

impl Trace {
    /// What may be seen of `report`.
    pub fn of(report: &Report, view: View<'_>) -> Self {
        let net = Net::new(report, view);
        let explain = if view.rehearsed {
            let step = report.steps.last().map_or("", |step| step.name.as_str());
            format!("{step}: the request is ready; nothing was sent")
        } else {
            report.explain.clone()
        };
        Self {
            verdict: (!view.rehearsed).then(|| report.verdict.name()),
            detail: verdict::detail(&report.verdict).map(|detail| net.text(&detail)),
            username: net.text(&report.username),
            connector: report.connector.clone(),
            took: milliseconds(report.took),
            sends: report.credential_sends,
            explain: net.text(&explain),
            steps: steps(report, view, &net),
            net,
        }
    }

    /// `{ "verdict", "explain", "trace" }`; `verdict` is the API's body of the same report, and null after a rehearsal.
    pub fn to_json(&self, verdict: Json) -> Json {
        let verdict = if self.verdict.is_some() { verdict::masked(verdict, &self.net) } else { Json::Null };
        json!({ "verdict": verdict, "explain": self.explain, "trace": self.steps })
    }
}

fn steps(report: &Report, view: View<'_>, net: &Net) -> Vec<Step> {
    let mut steps: Vec<Step> = report.steps.iter().map(|step| Step::of(step, net)).collect();
    if let (true, Some(last)) = (view.rehearsed, steps.last_mut()) {
        last.rehearsed();
    }
    steps
}

/// Milliseconds with three digits behind the point.
fn milliseconds(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}
