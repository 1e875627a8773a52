//! One asks, the others wait; what is kept, for how long, and what becomes of those who wait.

use std::time::Duration;

use indexmap::IndexMap;

use super::*;
use crate::context::{PageFacts, StepOutcome};
use crate::document::Value;

const SPAN: Duration = Duration::from_mins(1);

fn key(byte: u8) -> Key {
    Key([byte; 32])
}

fn facts(token: &str) -> Arc<StepFacts> {
    let captures = IndexMap::from([("token".to_owned(), Some(Value::from(token)))]);
    Arc::new(StepFacts { outcome: StepOutcome::Success, status: Some(200), captures, page: PageFacts::default() })
}

fn token(looked: &Looked<'_>) -> Option<String> {
    match looked {
        Looked::Here(facts) => {
            facts.captures["token"].as_ref().and_then(|value| value.scalar_text()).map(str::to_owned)
        }
        Looked::Asked(_) | Looked::Absent(_) => None,
    }
}

fn asking(kept: &Kept, byte: u8, now: Instant) -> Asking<'_> {
    match kept.look(key(byte), now) {
        Looked::Absent(asking) => asking,
        other => panic!("{other:?}"),
    }
}

fn waiting(kept: &Kept, byte: u8, now: Instant) -> Waiting {
    match kept.look(key(byte), now) {
        Looked::Asked(waiting) => waiting,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_asks_and_all_who_wait_get_it_and_so_do_later_ones_until_its_end() {
    let (kept, now) = (Kept::default(), Instant::now());
    let asking = asking(&kept, 1, now);
    let waiting: Vec<Waiting> = (0..100).map(|_| self::waiting(&kept, 1, now)).collect();
    asking.done("app", Answer::Good(facts("t1"), now + SPAN), now);
    for waiting in waiting {
        assert!(
            matches!(waiting.answer().await, Some(Answer::Good(facts, _)) if facts.captures == self::facts("t1").captures)
        );
    }
    assert_eq!(token(&kept.look(key(1), now + SPAN - Duration::from_millis(1))).as_deref(), Some("t1"));
    assert!(matches!(kept.look(key(2), now), Looked::Absent(_)), "of other inputs");
    assert!(matches!(kept.look(key(1), now + SPAN), Looked::Absent(_)), "over");
}

#[tokio::test]
async fn a_failure_is_told_to_those_who_wait_and_kept_for_nobody() {
    let (kept, now) = (Kept::default(), Instant::now());
    let asking = asking(&kept, 1, now);
    let waiting = waiting(&kept, 1, now);
    let failure = Failure::Unavailable(Cause::Connect, "no route".to_owned());
    asking.done("app", Answer::Failed(failure.clone()), now);
    assert!(matches!(waiting.answer().await, Some(Answer::Failed(told)) if told == failure));
    assert!(matches!(kept.look(key(1), now), Looked::Absent(_)));
}

#[tokio::test]
async fn what_is_good_for_one_only_is_kept_for_nobody() {
    let (kept, now) = (Kept::default(), Instant::now());
    let asking = asking(&kept, 1, now);
    let waiting = waiting(&kept, 1, now);
    asking.done("app", Answer::Own, now);
    assert!(matches!(waiting.answer().await, Some(Answer::Own)));
    assert!(matches!(kept.look(key(1), now), Looked::Absent(_)));
}

#[tokio::test]
async fn one_who_goes_away_leaves_the_asking_to_another() {
    let (kept, now) = (Kept::default(), Instant::now());
    let first = asking(&kept, 1, now);
    let (one, other) = (waiting(&kept, 1, now), waiting(&kept, 1, now));
    drop(first);
    assert!(one.answer().await.is_none());
    let second = asking(&kept, 1, now);
    assert!(other.answer().await.is_none());
    let again = waiting(&kept, 1, now);
    second.done("app", Answer::Good(facts("t2"), now + SPAN), now);
    assert!(matches!(again.answer().await, Some(Answer::Good(..))));
    assert_eq!(token(&kept.look(key(1), now)).as_deref(), Some("t2"));
}

#[test]
fn only_what_was_used_is_forgotten() {
    let (kept, now) = (Kept::default(), Instant::now());
    for (byte, step, token) in [(1, "app", "old"), (2, "app", "new"), (3, "other", "old")] {
        asking(&kept, byte, now).done(step, Answer::Good(facts(token), now + SPAN), now);
    }
    kept.forget("app", &facts("old"));
    assert!(matches!(kept.look(key(1), now), Looked::Absent(_)));
    assert_eq!(token(&kept.look(key(2), now)).as_deref(), Some("new"), "another login has asked since");
    assert_eq!(token(&kept.look(key(3), now)).as_deref(), Some("old"), "of another step");
}

#[test]
fn there_is_a_bound_and_the_soonest_to_end_gives_way() {
    let (kept, now) = (Kept::default(), Instant::now());
    for byte in 0..=u8::try_from(MOST_KEPT).unwrap() + 10 {
        let until = now + SPAN * (u32::from(byte) + 1);
        asking(&kept, byte, now).done("app", Answer::Good(facts("t"), until), now);
    }
    assert!(kept.lock().len() <= MOST_KEPT + 1);
    assert!(matches!(kept.look(key(0), now), Looked::Absent(_)));
    assert!(matches!(kept.look(key(70), now), Looked::Here(_)));
}
