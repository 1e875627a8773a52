//! No accept without proof, searched for: random rules over random replies, beside a reference that is as plain as the contract.
//!
//! The reference knows no tree: it multiplies a rule out into its ways, each a list of leaves that must hold or must not, and asks
//! them one by one.

mod plain;
mod reference;

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use self::plain::{Answer, Body, Cookie, FieldState, Plain, PlainRules, answer, rule, rules};
use super::evidence::{Evidence, Weakness};
use crate::condition::{Facts, Judging};
use crate::context::Context;
use crate::response::source::ReplyView;
use crate::verdict::{FactorOutcome, judge_factor};

/// Whether the real rules take the real reply for a proof.
fn succeeds(rules: &PlainRules, answer: &Answer) -> bool {
    let (rules, headers, decoded, context) = (rules.compile(), answer.headers(), answer.decode(), Context::default());
    let view = ReplyView::new(answer.status, &headers, &decoded, 1).from_host(Some("4a.example.com"));
    let facts = Facts { context: &context, reply: Some(&view), claims: None };
    matches!(judge_factor(&Judging::new(&rules, facts)), FactorOutcome::Success(_))
}

#[test]
fn nothing_succeeds_that_the_plain_rules_refuse() {
    let (granted, beyond) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let mut runner = TestRunner::new(ProptestConfig { cases: 8_000, ..ProptestConfig::default() });
    let result = runner.run(&(rules(), answer()), |(rules, answer)| {
        let wanted = reference::succeeds(&rules, &answer);
        granted.fetch_add(usize::from(wanted), Ordering::Relaxed);
        beyond.fetch_add(usize::from(wanted && !(200..300).contains(&answer.status)), Ordering::Relaxed);
        prop_assert_eq!(succeeds(&rules, &answer), wanted);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    // A search that hardly meets an accept proves little.
    let (granted, beyond) = (granted.into_inner(), beyond.into_inner());
    assert!(granted > 200 && beyond > 20, "{granted} accepts, {beyond} of them beyond 2xx");
}

/// Replies that lack what only a right password brings, one kind after the other.
fn stripped(answer: &Answer) -> [(Answer, &'static [Weakness]); 4] {
    use Weakness::{Cookie as ByCookie, Nothing, Status, UsualHeader};
    let body = match answer.body {
        Body::Json { .. } => Body::Json { a: FieldState::Missing, b: FieldState::Missing },
        other => other,
    };
    let page = Answer { body, token: None, ..*answer };
    let bare = Answer { cookie: Cookie::None, ..page };
    let dateless = Answer { date: false, ..bare };
    [
        (page, &[ByCookie, UsualHeader, Status, Nothing]),
        (bare, &[UsualHeader, Status, Nothing]),
        (dateless, &[Status, Nothing]),
        (Answer { status: 299, ..dateless }, &[Nothing]),
    ]
}

#[test]
fn what_any_page_has_grants_only_where_evidence_says_so() {
    let (sound, met) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let mut runner = TestRunner::new(ProptestConfig { cases: 8_000, ..ProptestConfig::default() });
    let result = runner.run(&(rule(), answer()), |(success, answer)| {
        let evidence = Evidence::of(&success.compile(), false);
        let weak: Vec<Weakness> = evidence.weaknesses().map(|(weakness, _)| weakness).collect();
        let rules = PlainRules { reject: None, unavailable: None, more: None, success, declared: false };
        sound.fetch_add(usize::from(weak.is_empty()), Ordering::Relaxed);
        met.fetch_add(usize::from(weak.is_empty() && succeeds(&rules, &answer)), Ordering::Relaxed);
        for (page, admitted) in stripped(&answer) {
            let expected = weak.iter().any(|weakness| admitted.contains(weakness));
            prop_assert!(expected || !succeeds(&rules, &page), "{:?} lets {:?} in", evidence, page);
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let (sound, met) = (sound.into_inner(), met.into_inner());
    assert!(sound > 200 && met > 20, "{sound} rules without a weakness, {met} of them met");
}

/// The reference itself, where it is easy to get wrong.
#[test]
fn the_reference_says_what_the_contract_says() {
    let yes = || Plain::Leaf(plain::RuleTarget::A, plain::Asks::Equals(1));
    let json = |status| Answer {
        status,
        body: Body::Json { a: FieldState::One, b: FieldState::Zero },
        date: true,
        token: None,
        cookie: Cookie::None,
    };
    let rules = |success| PlainRules { reject: None, unavailable: None, more: None, success, declared: true };
    let status = |codes: &[u16]| Plain::Status(codes.to_vec());
    for (success, at, wanted) in [
        (yes(), 200, true),
        (yes(), 401, false),
        (Plain::All(vec![Plain::Not(Box::new(status(&[500]))), yes()]), 401, false),
        (Plain::All(vec![status(&[302]), yes()]), 302, true),
        (Plain::Any(vec![Plain::All(vec![status(&[302]), Plain::Not(Box::new(yes()))]), yes()]), 302, false),
    ] {
        assert_eq!(reference::succeeds(&rules(success.clone()), &json(at)), wanted, "{success:?} at {at}");
    }
}
