//! The store in memory: bounds, ends, owners. That in Redis is tested against a real server in tests/it/state_redis.rs.

use std::sync::Arc;
use std::time::Duration;

use super::*;

const MINUTE: Duration = Duration::from_mins(1);

fn memory(entries: usize, bytes: usize) -> Challenges {
    Challenges::memory(Bounds { entries, bytes })
}

fn soon() -> Instant {
    Instant::now() + MINUTE
}

fn challenge<'a>(account: &'a str, state: &'a [u8]) -> ChallengeState<'a> {
    ChallengeState { bytes: state, after_factor: true, connector: "corp", account, client_ip: None }
}

/// For an account of its own.
async fn put(challenges: &Challenges, client: &str, id: &str, state: &[u8]) {
    challenges.put((client, id), &challenge(id, state), MINUTE, soon()).await.unwrap();
}

async fn take(challenges: &Challenges, client: &str, id: &str) -> Option<Vec<u8>> {
    challenges.take(client, id, soon()).await.unwrap().map(|held| held.bytes.to_vec())
}

#[tokio::test]
async fn a_challenge_is_taken_once_by_its_own_client() {
    let challenges = memory(10, 1 << 20);
    put(&challenges, "console", "id", b"state").await;
    assert_eq!(take(&challenges, "gateway", "id").await, None, "another client's");
    assert_eq!(take(&challenges, "consolei", "d").await, None, "parts do not run together");
    assert_eq!(take(&challenges, "console", "id").await.unwrap(), b"state");
    assert_eq!(take(&challenges, "console", "id").await, None, "used");
    assert_eq!(take(&challenges, "console", "never").await, None);
}

#[tokio::test]
async fn putting_again_replaces() {
    let challenges = memory(10, 1 << 20);
    put(&challenges, "console", "id", b"first").await;
    put(&challenges, "console", "id", b"second").await;
    assert_eq!(challenges.counts().open, Some(1));
    assert_eq!(take(&challenges, "console", "id").await.unwrap(), b"second");
}

#[test]
fn a_challenge_ends_in_time() {
    let memory = Memory::new(Bounds::default());
    let (late, in_time) = (StoreKey::of("console", "late"), StoreKey::of("console", "in-time"));
    let now = Instant::now();
    memory.put(late, &challenge("late", b"state"), MINUTE, now);
    memory.put(in_time, &challenge("in-time", b"state"), MINUTE, now);
    let over = now + MINUTE;
    assert!(matches!(memory.take(&in_time, over - Duration::from_millis(1)), Taken::State(_)));
    assert_eq!(memory.counts(now), (1, 0));
    assert_eq!(memory.counts(over), (0, 0), "what is over is forgotten, not evicted");
    assert!(matches!(memory.take(&late, over), Taken::Nothing));
}

#[tokio::test]
async fn no_challenge_lives_longer_than_ten_minutes() {
    let challenges = memory(10, 1 << 20);
    challenges.put(("console", "id"), &challenge("a", b"state"), Duration::MAX, soon()).await.unwrap();
    let Store::Memory(memory) = &challenges.store else { panic!("{challenges:?}") };
    assert_eq!(memory.counts(Instant::now()), (1, 0));
    assert_eq!(memory.counts(Instant::now() + MAX_TTL), (0, 0));
}

#[tokio::test]
async fn the_oldest_gives_way_and_is_counted() {
    let challenges = memory(3, 1 << 20);
    for id in ["a", "b", "c", "a", "d"] {
        put(&challenges, "console", id, id.as_bytes()).await;
    }
    // `a` was put again, so `b` was the oldest.
    assert_eq!(take(&challenges, "console", "b").await, None);
    for id in ["a", "c", "d"] {
        assert_eq!(take(&challenges, "console", id).await.unwrap(), id.as_bytes());
    }
    assert_eq!((challenges.counts().open, challenges.counts().evicted), (Some(0), 1));
}

#[tokio::test]
async fn bytes_are_bounded_too() {
    let challenges = memory(1000, 256 * 1024);
    for id in 0..20 {
        put(&challenges, "console", &id.to_string(), &vec![0; MAX_BYTES]).await;
    }
    let counts = challenges.counts();
    assert_eq!((counts.open, counts.evicted), (Some(3), 17), "three of 64 KiB and what is around them");
    assert!(take(&challenges, "console", "19").await.is_some());
}

#[tokio::test]
async fn a_state_that_is_too_large_is_refused() {
    let challenges = memory(10, 1 << 20);
    let refused = challenges.put(("console", "id"), &challenge("a", &vec![0; MAX_BYTES + 1]), MINUTE, soon()).await;
    assert_eq!(refused, Err(StateError::TooLarge { bytes: MAX_BYTES + 1 }));
    assert_eq!(challenges.counts().failures[0], ("too_large", 1));
    put(&challenges, "console", "id", &vec![0; MAX_BYTES]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_a_hundred_takers_gets_it() {
    let challenges = Arc::new(memory(10, 1 << 20));
    put(&challenges, "console", "id", b"state").await;
    let takers: Vec<_> = (0..100)
        .map(|_| {
            let challenges = Arc::clone(&challenges);
            tokio::spawn(async move { take(&challenges, "console", "id").await.is_some() })
        })
        .collect();
    let mut served = 0;
    for taker in takers {
        served += usize::from(taker.await.unwrap());
    }
    assert_eq!(served, 1);
}

#[tokio::test]
async fn a_flood_before_any_proof_pushes_out_its_own_kind() {
    let challenges = Challenges::memory(Bounds { entries: 3, ..Bounds::default() });
    put(&challenges, "console", "proven", b"state").await;
    for number in 0..10 {
        let id = format!("flood {number}");
        let flood = ChallengeState { after_factor: false, ..challenge(&id, b"state") };
        challenges.put(("console", &id), &flood, MINUTE, soon()).await.unwrap();
    }
    assert!(challenges.take("console", "proven", soon()).await.unwrap().is_some());
    assert!(challenges.take("console", "flood 9", soon()).await.unwrap().is_some());
    assert!(challenges.take("console", "flood 0", soon()).await.unwrap().is_none());
}

/// 17,000 logins with one right password evict that account's own and no other's.
#[tokio::test]
async fn one_account_has_few_open_and_pushes_out_its_own() {
    let challenges = Challenges::memory(Bounds::default());
    put(&challenges, "console", "stranger", b"state").await;
    for number in 0..17_000 {
        let spelling = if number % 2 == 0 { "mallory" } else { " MALLORY" };
        challenges.put(("console", &number.to_string()), &challenge(spelling, b"s"), MINUTE, soon()).await.unwrap();
    }
    assert_eq!(challenges.counts().open, Some(1 + 8));
    for (id, there) in [("stranger", true), ("16999", true), ("16992", true), ("16991", false)] {
        assert_eq!(take(&challenges, "console", id).await.is_some(), there, "{id}");
    }
}

/// Before any proof a name is anybody's to use: logins from elsewhere evict none of its owner's.
#[tokio::test]
async fn a_name_that_a_stranger_uses_costs_its_owner_nothing() {
    let challenges = Challenges::memory(Bounds::default());
    let at =
        |ip: &str| ChallengeState { after_factor: false, client_ip: ip.parse().ok(), ..challenge("alice", b"state") };
    challenges.put(("console", "hers"), &at("10.0.0.1"), MINUTE, soon()).await.unwrap();
    put(&challenges, "console", "proven", b"state").await;
    for number in 0..100 {
        challenges.put(("console", &number.to_string()), &at("192.0.2.1"), MINUTE, soon()).await.unwrap();
    }
    assert!(take(&challenges, "console", "hers").await.is_some());
    assert!(take(&challenges, "console", "proven").await.is_some());
}

/// When all is full, the connector that holds most gives way.
#[tokio::test]
async fn a_busy_connector_pushes_out_its_own() {
    let challenges = memory(100, 1 << 20);
    let of = async |connector: &str, after_factor: bool, number: usize| {
        let id = format!("{connector} {number}");
        let challenge = ChallengeState { after_factor, connector, ..challenge(&id, b"state") };
        challenges.put(("console", &id), &challenge, MINUTE, soon()).await.unwrap();
    };
    for number in 0..10 {
        of("quiet", true, number).await;
        of("quiet", false, 10 + number).await;
    }
    for after_factor in [true, false] {
        for number in 0..500 {
            of("busy", after_factor, 1000 * usize::from(after_factor) + number).await;
        }
    }
    assert_eq!(challenges.counts().open, Some(100));
    for number in 0..10 {
        assert!(take(&challenges, "console", &format!("quiet {number}")).await.is_some(), "{number}");
    }
    assert!(take(&challenges, "console", "busy 499").await.is_some());
}

#[tokio::test]
async fn what_was_taken_can_be_put_back() {
    let challenges = memory(10, 1 << 20);
    put(&challenges, "console", "id", b"state").await;
    let held = challenges.take("console", "id", soon()).await.unwrap().unwrap();
    assert_eq!(take(&challenges, "console", "id").await, None);
    let challenge = challenge("id", &held.bytes);
    challenges.put_back(("console", "id", &held.claim), &challenge, MINUTE, soon()).await.unwrap();
    assert_eq!(take(&challenges, "console", "id").await.unwrap(), b"state");
}
