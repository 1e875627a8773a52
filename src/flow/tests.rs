//! No arrangement of steps, `when`, `more`, skips and replies accepts unless a factor's success is true and none is
//! owed.
//!
//! The flow (`planned`) runs over plans (`plan`) beside a reference evaluator (`reference`) that is written as plainly
//! as the rules of docs/contract.md section 4 read.

mod plan;
mod planned;
mod reference;
mod signed;

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use self::plan::{Body, CannedReply, PlannedStep, planned_step, with_body, yes};
use self::planned::{Planned, connector, equals, login, run};
use self::reference::{may_be_wrong, reference_accepts};
use super::progress::Progress;
use super::{Login, Ports, authenticate};
use crate::condition::ValueSource;
use crate::connector::Attribute;
use crate::context::Variable;
use crate::document::Value;
use crate::packing::{Otherwise, Packing, PackingFormat};
use crate::secret::Secret;
use crate::verdict::{Cause, Reason, Reject, Verdict};

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_accepts_that_the_plain_rules_refuse(steps in prop::collection::vec(planned_step(), 1..5)) {
        let report = run(&steps);
        let accepts = matches!(report.verdict, Verdict::Accept(_));
        prop_assert_eq!(accepts, reference_accepts(&steps), "{}", report.explain);
        if let (Verdict::Reject(Reject { reason: Reason::InvalidCredentials, .. }), Some(last)) = (&report.verdict, report.steps.last()) {
            let index: usize = last.name[1..].parse().unwrap();
            prop_assert!(may_be_wrong(&steps[index]), "{}", report.explain);
        }
    }
}

fn verdict(steps: &[PlannedStep]) -> String {
    match run(steps).verdict {
        Verdict::Reject(reject) => format!("reject {}", reject.reason),
        Verdict::Unavailable(unavailable) => format!("unavailable {}", unavailable.cause),
        other => other.name().to_owned(),
    }
}

#[test]
fn a_probe_that_skips_the_login_is_misconfigured() {
    let skipped = PlannedStep { when: Some((0, "more")), ..yes(true) };
    assert_eq!(verdict(&[yes(false), skipped]), "misconfigured");
}

#[test]
fn an_unknown_when_is_unavailable() {
    let mut planned = connector(&[yes(false), yes(true)]);
    let variable = Variable::parse("steps.s0.absent").unwrap();
    std::sync::Arc::get_mut(&mut planned.steps).unwrap()[1].when =
        Some(equals(ValueSource::Variable(variable), Value::from("x")));
    let steps = [yes(false), yes(true)];
    let exchange = Planned { connector_steps: &steps, ran: AtomicUsize::new(0) };
    let progress = Progress::default();
    let ports = Ports::bare(&exchange, &progress);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let report = runtime.block_on(authenticate(&planned, ports, login()));
    assert!(matches!(report.verdict, Verdict::Unavailable(u) if u.cause == Cause::UnexpectedReply), "{report:?}");
    assert_eq!(exchange.ran.load(Ordering::Relaxed), 1, "the second step must not run");
}

#[test]
fn a_pause_owes_what_was_owed_before_it() {
    let more = Body::Json { reject: CannedReply::Nothing, more: CannedReply::Yes, success: CannedReply::Nothing };
    let more = PlannedStep { mores: true, ..with_body(more) };
    let asked = |factor| PlannedStep { asks: true, ..yes(factor) };
    assert_eq!(verdict(&[more.clone(), asked(true)]), "accept");
    // A helper pays nothing, however often the user is asked; and a pause alone proves nothing.
    assert_eq!(verdict(&[more.clone(), asked(false), asked(false)]), "misconfigured");
    assert_eq!(verdict(&[asked(false)]), "misconfigured");
    assert_eq!(verdict(&[yes(true), asked(false)]), "accept");
}

#[test]
fn success_and_more_both_true_owes_a_factor() {
    let body = Body::Json { reject: CannedReply::Nothing, more: CannedReply::Yes, success: CannedReply::Yes };
    let both = PlannedStep { mores: true, ..with_body(body) };
    assert_eq!(verdict(std::slice::from_ref(&both)), "misconfigured");
    assert_eq!(verdict(&[both, yes(true)]), "accept");
}

#[test]
fn a_token_that_is_null_or_empty_grants_nothing() {
    for says in [CannedReply::Null, CannedReply::Empty] {
        let body = Body::Json { reject: CannedReply::Nothing, more: CannedReply::Nothing, success: says };
        assert_eq!(verdict(&[with_body(body)]), "reject invalid_credentials", "{says:?}");
    }
}

#[test]
fn an_empty_object_and_an_html_page_are_unavailable() {
    let empty = Body::Json { reject: CannedReply::Nothing, more: CannedReply::Nothing, success: CannedReply::Nothing };
    for body in [empty, Body::Html, Body::Nothing] {
        assert_eq!(verdict(&[with_body(body)]), "unavailable unexpected_reply", "{body:?}");
    }
}

#[test]
fn not_over_a_missing_field_grants_nothing() {
    let step = PlannedStep { negated: true, ..yes(true) };
    assert_eq!(verdict(&[step]), "unavailable unexpected_reply");
}

#[test]
fn the_line_names_the_step_and_what_came_instead() {
    let report = run(&[with_body(Body::Html)]);
    assert_eq!(report.explain, "s0: the reply has no field \"s\"; it is an HTML page titled \"Sign in\" (HTTP 200)");
    assert_eq!(report.credential_sends, 1);
}

/// What guard, identity and every line of the audit trail hold has a bound.
#[test]
fn a_name_and_attributes_that_are_too_long_are_never_sent() {
    let steps = [yes(true)];
    let mut planned = connector(&steps);
    for name in ["a", "b", "c"] {
        planned.input.attributes.push(Attribute { name: name.to_owned(), required: false, max: 20_000 });
    }
    let of = |username: String, each: usize| {
        let attributes = ["a", "b", "c"].map(|name| (name.to_owned(), Value::from("x".repeat(each).as_str())));
        Login { username, attributes: attributes.into_iter().collect(), ..login() }
    };
    let mut packed = connector(&steps);
    let format = PackingFormat::Form;
    packed.input.username_fields = Some(Packing { format, otherwise: Otherwise::Refused });
    for (connector, login, sent, account) in [
        (&planned, of("é".repeat(256), 10_000), 1, "é".repeat(256)),
        (&planned, of("é".repeat(257), 0), 0, "é".repeat(255) + "…"),
        (&planned, of("x".to_owned(), 11_000), 0, "x".to_owned()),
        (&packed, of(format!("user=x&token={}", "t".repeat(8000)), 0), 1, "x".to_owned()),
        (&packed, of(format!("user=x&token={}", "t".repeat(8192)), 0), 0, "‹unreadable›".to_owned()),
        (&packed, of(format!("user={}", "x".repeat(257)), 0), 0, "‹unreadable›".to_owned()),
    ] {
        let exchange = Planned { connector_steps: &steps, ran: AtomicUsize::new(0) };
        let progress = Progress::default();
        let ports = Ports::bare(&exchange, &progress);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let report = runtime.block_on(authenticate(connector, ports, login));
        assert_eq!((exchange.ran.load(Ordering::Relaxed), &report.account), (sent, &account), "{}", report.explain);
        let refused = matches!(report.verdict, Verdict::Reject(Reject { reason: Reason::InvalidInput, .. }));
        assert_eq!(refused, sent == 0, "{}", report.explain);
    }
}

#[test]
fn the_line_names_the_leaf_under_not() {
    let says = |reject, success| {
        let body = Body::Json { reject, more: CannedReply::Nothing, success };
        run(&[PlannedStep { negated: true, ..with_body(body) }]).explain
    };
    assert_eq!(
        says(CannedReply::Yes, CannedReply::Yes),
        "s0: success is not met: under `not`: leaf (it is 1) (HTTP 200)"
    );
    assert_eq!(
        says(CannedReply::Nothing, CannedReply::Yes),
        "s0: under `not`: the reply has no field \"r\"; it is JSON (HTTP 200)",
        "what is unknown decides, and not the leaf that holds"
    );
    assert_eq!(
        says(CannedReply::Yes, CannedReply::No),
        "s0: success is not met: leaf does not hold, the value is 0 (HTTP 200)"
    );
    assert_eq!(says(CannedReply::No, CannedReply::Yes), "s0: leaf (it is 1) (HTTP 200)");
}

#[test]
fn an_empty_password_or_user_name_is_never_sent() {
    // To a server that reads up to the first NUL, these are an empty password and the name of somebody else.
    for (username, password) in [("", "x"), ("x", ""), ("x", "\0"), ("x", "\0x"), ("x\0y", "x"), ("\0", "x")] {
        let steps = [yes(true)];
        let exchange = Planned { connector_steps: &steps, ran: AtomicUsize::new(0) };
        let progress = Progress::default();
        let ports = Ports::bare(&exchange, &progress);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let login = Login { username: username.to_owned(), password: Secret::new(password), ..login() };
        let report = runtime.block_on(authenticate(&connector(&steps), ports, login));
        assert!(matches!(report.verdict, Verdict::Reject(r) if r.reason == Reason::InvalidInput));
        assert_eq!((exchange.ran.load(Ordering::Relaxed), progress.credential_left()), (0, false));
    }
}
