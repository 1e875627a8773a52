//! One call fetches, the others wait; what is cached, for how long, and how the waiting calls end.

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

fn token(lookup: &Lookup<'_>) -> Option<String> {
    match lookup {
        Lookup::Hit(facts) => facts.captures["token"].as_ref().and_then(|value| value.scalar_text()).map(str::to_owned),
        Lookup::InFlight(_) | Lookup::Miss(_) => None,
    }
}

fn permit(cache: &StepCache, byte: u8, now: Instant) -> FetchPermit<'_> {
    match cache.look_up(key(byte), now) {
        Lookup::Miss(permit) => permit,
        other => panic!("{other:?}"),
    }
}

fn waiting(cache: &StepCache, byte: u8, now: Instant) -> Waiting {
    match cache.look_up(key(byte), now) {
        Lookup::InFlight(waiting) => waiting,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_login_fetches_and_all_others_get_it_until_it_expires() {
    let (cache, now) = (StepCache::default(), Instant::now());
    let permit = permit(&cache, 1, now);
    let waiting: Vec<Waiting> = (0..100).map(|_| self::waiting(&cache, 1, now)).collect();
    permit.finish("app", Fetched::Shared(facts("t1"), now + SPAN), now);
    for waiting in waiting {
        assert!(
            matches!(waiting.result().await, Some(Fetched::Shared(facts, _)) if facts.captures == self::facts("t1").captures)
        );
    }
    assert_eq!(token(&cache.look_up(key(1), now + SPAN - Duration::from_millis(1))).as_deref(), Some("t1"));
    assert!(matches!(cache.look_up(key(2), now), Lookup::Miss(_)), "of other inputs");
    assert!(matches!(cache.look_up(key(1), now + SPAN), Lookup::Miss(_)), "over");
}

#[tokio::test]
async fn a_failure_reaches_those_who_wait_and_is_not_cached() {
    let (cache, now) = (StepCache::default(), Instant::now());
    let permit = permit(&cache, 1, now);
    let waiting = waiting(&cache, 1, now);
    let failure = Failure::Unavailable(Cause::Connect, "no route".to_owned());
    permit.finish("app", Fetched::Failed(failure.clone()), now);
    assert!(matches!(waiting.result().await, Some(Fetched::Failed(failed)) if failed == failure));
    assert!(matches!(cache.look_up(key(1), now), Lookup::Miss(_)));
}

#[tokio::test]
async fn private_captures_are_not_cached() {
    let (cache, now) = (StepCache::default(), Instant::now());
    let permit = permit(&cache, 1, now);
    let waiting = waiting(&cache, 1, now);
    permit.finish("app", Fetched::Private, now);
    assert!(matches!(waiting.result().await, Some(Fetched::Private)));
    assert!(matches!(cache.look_up(key(1), now), Lookup::Miss(_)));
}

#[tokio::test]
async fn a_dropped_permit_goes_to_another_login() {
    let (cache, now) = (StepCache::default(), Instant::now());
    let first = permit(&cache, 1, now);
    let (one, other) = (waiting(&cache, 1, now), waiting(&cache, 1, now));
    drop(first);
    assert!(one.result().await.is_none());
    let second = permit(&cache, 1, now);
    assert!(other.result().await.is_none());
    let again = waiting(&cache, 1, now);
    second.finish("app", Fetched::Shared(facts("t2"), now + SPAN), now);
    assert!(matches!(again.result().await, Some(Fetched::Shared(..))));
    assert_eq!(token(&cache.look_up(key(1), now)).as_deref(), Some("t2"));
}

#[test]
fn only_the_captures_that_were_used_are_invalidated() {
    let (cache, now) = (StepCache::default(), Instant::now());
    for (byte, step, token) in [(1, "app", "old"), (2, "app", "new"), (3, "other", "old")] {
        permit(&cache, byte, now).finish(step, Fetched::Shared(facts(token), now + SPAN), now);
    }
    cache.invalidate("app", &facts("old"));
    assert!(matches!(cache.look_up(key(1), now), Lookup::Miss(_)));
    assert_eq!(token(&cache.look_up(key(2), now)).as_deref(), Some("new"), "another login has asked since");
    assert_eq!(token(&cache.look_up(key(3), now)).as_deref(), Some("old"), "of another step");
}

#[test]
fn the_cache_is_bounded_and_evicts_what_expires_soonest() {
    let (cache, now) = (StepCache::default(), Instant::now());
    for byte in 0..=u8::try_from(MAX_ENTRIES).unwrap() + 10 {
        let until = now + SPAN * (u32::from(byte) + 1);
        permit(&cache, byte, now).finish("app", Fetched::Shared(facts("t"), until), now);
    }
    assert!(cache.lock().len() <= MAX_ENTRIES + 1);
    assert!(matches!(cache.look_up(key(0), now), Lookup::Miss(_)));
    assert!(matches!(cache.look_up(key(70), now), Lookup::Hit(_)));
}
