//! Replies that say nothing about the password and that a factor still judges to be a wrong one, because no rule is
//! true.

use super::probe::{EMPTY_OBJECT, GATEWAY, MAINTENANCE, PAGE, ProbeReply, reply, sample, statuses, trial};
use crate::condition::{Condition, Test, ValueSource};
use crate::connector::{Live, Role, Step};
use crate::document::{Lookup, Shape, Value};
use crate::flow::Trial;
use crate::flow::progress::Progress;
use crate::response::Format;
use crate::response::source::Source;
use crate::verdict::{Denial, FactorOutcome};

/// A reply that a factor took for a wrong password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misread {
    /// The step.
    pub step: String,
    /// The name of the probe reply.
    pub reply: &'static str,
    /// Its status.
    pub status: u16,
    /// Only because the format is found out from the reply.
    pub guessed: bool,
}

/// The first reply that each factor misreads, tried where that is likely: an HTML page where the format is found out
/// from the reply, and all of them where `success` looks at what replies have that say nothing, such as a status or a
/// header.
pub(super) async fn misread(live: &Live) -> Vec<Misread> {
    let (context, progress) = (sample(&live.connector), Progress::default());
    let mut misread = Vec::new();
    for step in live.connector.steps.iter().filter(|step| step.role == Role::Factor && step.request.is_some()) {
        let Some(success) = &step.response.rules.success else { continue };
        let guessed = step.response.decoding.format == Format::Auto && step.response.preprocess.is_none();
        let (replies, statuses, guessed): (&[ProbeReply], _, _) = if looks_beyond_fields(success) {
            (&[MAINTENANCE, PAGE, EMPTY_OBJECT, GATEWAY], statuses(step), false)
        } else if guessed && reads_fields_of_no_page(success) {
            (&[PAGE], vec![200], true)
        } else {
            continue;
        };
        let Some(trial) = trial(live, step, &context, &progress) else { continue };
        let taken = first_taken(step, trial, replies, &statuses).await;
        let of_step = |(reply, status)| Misread { step: step.name.clone(), reply, status, guessed };
        misread.extend(taken.map(of_step));
    }
    misread
}

async fn first_taken(
    step: &Step,
    mut trial: Trial<'_>,
    replies: &[ProbeReply],
    statuses: &[u16],
) -> Option<(&'static str, u16)> {
    for &(name, content_type, body) in replies {
        for &status in statuses {
            let outcome = trial.judge(reply(step, status, content_type, body, false)).await;
            if let Some(FactorOutcome::Denied(Denial::Reject { row: None, .. })) = outcome {
                return Some((name, status));
            }
        }
    }
    None
}

/// Whether a leaf looks at what replies have that say nothing: a status, a header, a cookie, an element of a page.
fn looks_beyond_fields(success: &Condition) -> bool {
    success.leaves().iter().any(|(leaf, _)| match &leaf.test {
        Test::Status(_) => true,
        Test::Compare(ValueSource::Reply(source), _) => !matches!(source, Source::Field(_)),
        Test::Compare(..) => false,
    })
}

/// Whether every leaf looks at a field, and none at what a page has as well.
fn reads_fields_of_no_page(success: &Condition) -> bool {
    let page: Value = ["title", "text"].map(|name| (name.to_owned(), Value::from("x"))).into_iter().collect();
    success.leaves().iter().all(|(leaf, _)| match &leaf.test {
        Test::Compare(ValueSource::Reply(Source::Field(path)), _) => {
            path.look_up(&page, Shape::Plain) == Lookup::Absent
        }
        Test::Status(_) | Test::Compare(..) => false,
    })
}
