//! A run as a send test shows it: every stage, with values only where an allow-list lets them be seen.
//!
//! A pure function of a [`Report`]. What may be shown is decided by where a value stands (docs/contract.md section 6, "Shown
//! by allow-list"), never by searching for secrets; a search for known credentials goes over the rest as a second net.
//! Masking happens once, when a [`Trace`] is built; the JSON and the lines for people are both made of it. The command line's
//! `--reveal` is the only way to see the rest.

mod delivery;
mod human;
mod net;
mod outline;
mod request;
mod stage;
mod verdict;

pub use human::human;

use serde_json::{Value as Json, json};

use self::delivery::Delivery;
use self::net::Net;
use self::stage::Step;
use crate::flow::report::StepReport;
use crate::flow::{Report, UtilityReport};
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
    /// The verdict in one word, or how a utility call ended; none after a rehearsal.
    verdict: Option<&'static str>,
    /// Reason, cause, or nothing.
    detail: Option<String>,
    /// Who logged in; none in a utility call.
    username: Option<String>,
    connector: String,
    took: f64,
    sends: u32,
    explain: String,
    steps: Vec<Step>,
    /// What an accept hands to the user's browser.
    delivery: Delivery,
    /// Whether code and message are taken from what must not be told.
    kept: bool,
    net: Net,
}

impl Trace {
    /// What may be seen of `report`.
    pub fn of(report: &Report, view: View<'_>) -> Self {
        let net = Net::new(&report.steps, view);
        Self {
            verdict: (!view.rehearsed).then(|| report.verdict.name()),
            detail: verdict::detail(&report.verdict).map(|detail| net.text(&detail)),
            username: Some(net.text(&report.username)),
            connector: report.connector.clone(),
            took: milliseconds(report.took),
            sends: report.credential_sends,
            explain: net.text(&explain(&report.explain, &report.steps, view)),
            steps: steps(&report.steps, view, &net),
            delivery: Delivery::of(&report.verdict, &net),
            kept: kept(&report.steps),
            net,
        }
    }

    /// What may be seen of a utility call.
    pub fn of_utility(report: &UtilityReport, view: View<'_>) -> Self {
        let net = Net::new(&report.steps, view);
        Self {
            verdict: (!view.rehearsed).then(|| report.end.name()),
            detail: verdict::utility_detail(&report.end).map(|detail| net.text(&detail)),
            username: None,
            connector: report.connector.clone(),
            took: milliseconds(report.took),
            sends: 0,
            explain: net.text(&explain(&report.explain, &report.steps, view)),
            steps: steps(&report.steps, view, &net),
            delivery: Delivery::default(),
            kept: kept(&report.steps),
            net,
        }
    }

    /// `{ "verdict", "explain", "trace" }`; `verdict` is the API's body of the same report, and null after a rehearsal. A
    /// utility call has `utility` in place of `verdict`. Cookies that are delivered stand in the verdict; when some are not,
    /// `not_delivered` says why.
    pub fn to_json(&self, body: Json) -> Json {
        let body = if self.verdict.is_some() { verdict::masked(body, self.kept, &self.net) } else { Json::Null };
        let name = if self.username.is_some() { "verdict" } else { "utility" };
        let mut shown = json!({ name: body, "explain": self.explain, "trace": self.steps });
        if !self.delivery.withheld.is_empty() {
            shown["not_delivered"] = json!(self.delivery.withheld);
        }
        shown
    }
}

fn explain(explain: &str, steps: &[StepReport], view: View<'_>) -> String {
    if view.rehearsed {
        let step = steps.last().map_or("", |step| step.name.as_str());
        format!("{step}: the request is ready; nothing was sent")
    } else {
        explain.to_owned()
    }
}

fn steps(reports: &[StepReport], view: View<'_>, net: &Net) -> Vec<Step> {
    let mut steps: Vec<Step> = reports.iter().map(|step| Step::of(step, net)).collect();
    if let (true, Some(last)) = (view.rehearsed, steps.last_mut()) {
        last.rehearsed();
    }
    steps
}

fn kept(steps: &[StepReport]) -> bool {
    steps.iter().filter_map(|step| step.trace.as_ref()?.map.as_ref()).any(|map| map.kept)
}

/// Milliseconds with three digits behind the point.
fn milliseconds(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}
