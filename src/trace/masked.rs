//! A report as it may be seen. Masking happens here, once; the JSON and the rows are both made of the result.

use serde_json::{Value as Json, json};

use super::delivery::Delivery;
use super::redactor::{Redactor, View};
use super::row::Row;
use super::rows;
use super::stage::{Step, milliseconds};
use super::summary::Summary;
use super::verdict;
use crate::flow::report::StepReport;
use crate::flow::{Report, UtilityReport};

/// What a send test shows. Masked already, unless it was built to reveal.
#[derive(Debug)]
pub struct Trace {
    summary: Summary,
    steps: Vec<Step>,
    /// What an accept hands to the user's browser.
    delivery: Delivery,
    /// Whether code and message are taken from what must not be shown.
    kept: bool,
    redactor: Redactor,
}

impl Trace {
    /// What may be seen of `report`.
    pub fn of(report: &Report, view: View<'_>) -> Self {
        let redactor = Redactor::new(&report.steps, view);
        Self {
            summary: Summary {
                verdict: (!view.rehearsed).then(|| report.verdict.name().to_owned()),
                detail: verdict::detail(&report.verdict)
                    .filter(|_| !view.rehearsed)
                    .map(|detail| redactor.text(&detail)),
                explain: redactor.text(&explain(&report.explain, &report.steps, view)),
                username: Some(redactor.text(&report.username)),
                connector: report.connector.clone(),
                took_ms: milliseconds(report.took),
                credential_sends: report.credential_sends,
            },
            steps: steps(&report.steps, view, &redactor),
            delivery: Delivery::of(&report.verdict, &redactor),
            kept: kept(&report.steps),
            redactor,
        }
    }

    /// What may be seen of a utility call.
    pub fn of_utility(report: &UtilityReport, view: View<'_>) -> Self {
        let redactor = Redactor::new(&report.steps, view);
        Self {
            summary: Summary {
                verdict: (!view.rehearsed).then(|| report.end.name().to_owned()),
                detail: verdict::utility_detail(&report.end)
                    .filter(|_| !view.rehearsed)
                    .map(|detail| redactor.text(&detail)),
                explain: redactor.text(&explain(&report.explain, &report.steps, view)),
                username: None,
                connector: report.connector.clone(),
                took_ms: milliseconds(report.took),
                credential_sends: 0,
            },
            steps: steps(&report.steps, view, &redactor),
            delivery: Delivery::default(),
            kept: kept(&report.steps),
            redactor,
        }
    }

    /// `{ "verdict", "explain", "trace" }`; `verdict` is the API's body of the same report, and null after a rehearsal. A
    /// utility call has `utility` in place of `verdict`. Cookies that are delivered stand in the verdict; when some are not,
    /// `not_delivered` says why.
    pub fn to_json(&self, body: Json) -> Json {
        let body =
            if self.summary.verdict.is_some() { verdict::masked(body, self.kept, &self.redactor) } else { Json::Null };
        let name = if self.summary.username.is_some() { "verdict" } else { "utility" };
        let mut shown = json!({ name: body, "explain": self.summary.explain, "trace": self.steps });
        if !self.delivery.withheld.is_empty() {
            shown["not_delivered"] = json!(self.delivery.withheld);
        }
        shown
    }

    /// The head, for a login whose parts are shown as one.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// All that is shown, row by row: the summary's, the steps', then what the user's browser gets.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = self.summary.rows();
        rows.extend(self.steps.iter().flat_map(|step| rows::step(step, self.redactor.reveal)));
        rows.extend(rows::delivery(&self.delivery));
        rows
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

fn steps(reports: &[StepReport], view: View<'_>, redactor: &Redactor) -> Vec<Step> {
    let mut steps: Vec<Step> = reports.iter().map(|step| Step::of(step, redactor)).collect();
    if let (true, Some(last)) = (view.rehearsed, steps.last_mut()) {
        last.rehearsed();
    }
    steps
}

fn kept(steps: &[StepReport]) -> bool {
    steps.iter().filter_map(|step| step.trace.as_ref()?.map.as_ref()).any(|map| map.kept)
}
