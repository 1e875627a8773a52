//! A golden case of a utility: no verdict, so it expects an extension, or why there is none.

use super::compare::{exchanges, mapped, why};
use super::difference::Difference;
use super::exchange::Canned;
use crate::connector::raw::golden::GoldenCase;
use crate::flow::{UtilityEnd, UtilityReport};
use crate::verdict::Mapped;

/// Everything that differs. A case that expects neither a `reason` nor a `cause` expects the call to succeed.
pub(super) fn compare(case: &GoldenCase, report: &UtilityReport, upstream: &Canned) -> Vec<Difference> {
    let (mut found, expect) = (Vec::new(), &case.expect);
    let explain = format!("explain: {}", report.explain);
    let (mut reason, mut cause, mut came) = (None, None, Mapped::default());
    match &report.end {
        UtilityEnd::Extension(extension) => came.extension = Some(extension.clone()),
        UtilityEnd::Refused(refused) => {
            reason = Some(refused.reason.as_str());
            came.error_code.clone_from(&refused.error_code);
            came.error_message.clone_from(&refused.error_message);
        }
        UtilityEnd::Unavailable(unavailable) => cause = Some(unavailable.cause.as_str()),
        UtilityEnd::Limited { .. } | UtilityEnd::Misconfigured(_) => {}
    }
    let succeeded = matches!(report.end, UtilityEnd::Extension(_));
    if expect.reason.is_none() && expect.cause.is_none() && !succeeded {
        let detail = report.end.detail();
        let what = format!("success is expected, the call is {} {detail}", report.end.name());
        found.push(Difference::new(&expect.place.span, what.trim_end()).help(explain.clone()));
    }
    why(expect, reason, cause, &explain, &mut found);
    mapped(expect, &came, &mut found);
    exchanges(case, &report.explain, upstream, &mut found);
    found
}
