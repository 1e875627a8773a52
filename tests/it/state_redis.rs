//! Challenges in a real Redis: shared, taken once, sealed; and what becomes of a call while Redis is in trouble.
//!
//! Where no redis-server is installed each test says so and ends; `make test` installs it.

mod trouble;

use std::sync::Arc;
use std::time::Duration;

use doorward::secret::Secret;
use doorward::state::{ChallengeState, Challenges, RedisFault, SetupError, StateError, TakenChallenge};
use tokio::time::Instant;

use crate::support::certs::Authority;
use crate::support::redis::{Gate, Redis, hold_nothing_of};

/// Far beyond anything that a call may take.
const LONG: Duration = Duration::from_mins(1);

const TTL: Duration = Duration::from_mins(5);

fn key(digit: &str) -> Secret {
    Secret::new(digit.repeat(64))
}

/// A store as one daemon has it.
fn store(url: &str, keys: &[&str]) -> Challenges {
    let keys: Vec<Secret> = keys.iter().map(|digit| key(digit)).collect();
    Challenges::redis(&Secret::from(url), &keys, None).unwrap()
}

fn later() -> Instant {
    Instant::now() + LONG
}

/// For an account of its own.
fn challenge<'a>(account: &'a str, state: &'a [u8]) -> ChallengeState<'a> {
    ChallengeState { bytes: state, after_factor: true, connector: "corp", account, client_ip: None }
}

/// Keys and values but for the marks that taken challenges leave for a while.
async fn kept(redis: &Redis) -> Vec<(String, Vec<u8>)> {
    let mut contents = redis.contents().await;
    contents.retain(|(_, value)| value.len() != 17);
    contents
}

async fn held(store: &Challenges, id: &str) -> Option<TakenChallenge> {
    store.take("console", id, later()).await.unwrap()
}

async fn put(store: &Challenges, id: &str) -> Result<(), StateError> {
    // Whatever is wrong, a call ends by itself.
    tokio::time::timeout(LONG, store.put(("console", id), &challenge(id, b"state"), TTL, later())).await.unwrap()
}

async fn take(store: &Challenges, id: &str) -> Result<Option<Vec<u8>>, StateError> {
    let taken = tokio::time::timeout(LONG, store.take("console", id, later())).await.unwrap();
    taken.map(|held| held.map(|held| held.bytes.to_vec()))
}

/// The store works: what is put is taken.
async fn works(store: &Challenges) {
    put(store, "works").await.unwrap();
    assert_eq!(take(store, "works").await.unwrap().unwrap(), b"state");
}

fn failures(store: &Challenges, cause: &str) -> u64 {
    store.counts().failures.into_iter().find(|(name, _)| *name == cause).unwrap().1
}

fn trouble<T: std::fmt::Debug>(result: Result<T, StateError>) -> RedisFault {
    match result.unwrap_err() {
        StateError::Unavailable { why } => why,
        other @ (StateError::TooLarge { .. } | StateError::Gone) => panic!("{other}"),
    }
}

#[tokio::test]
async fn what_one_daemon_puts_another_takes() {
    let Some(redis) = Redis::start(&[]) else { return };
    let (one, other) = (store(&redis.url(None), &["a"]), store(&redis.url(None), &["a"]));
    put(&one, "id").await.unwrap();
    assert!(other.take("gateway", "id", later()).await.unwrap().is_none(), "another client's");
    assert_eq!(take(&other, "id").await.unwrap().unwrap(), b"state");
    assert_eq!(take(&one, "id").await.unwrap(), None, "used");
    assert_eq!(take(&one, "never").await.unwrap(), None);
    // As large as may be, and binary.
    let state: Vec<u8> = (0..=255).cycle().take(doorward::state::MAX_BYTES).collect();
    one.put(("console", "id"), &challenge("id", &state), TTL, later()).await.unwrap();
    assert_eq!(take(&other, "id").await.unwrap().unwrap(), state);
    assert_eq!(one.counts().open, None);
}

/// As in memory: 32 MiB of them, as large as may be, are 509 and what is around them.
#[tokio::test]
async fn a_flood_before_any_proof_pushes_out_its_own_kind() {
    let Some(redis) = Redis::start(&[]) else { return };
    let (one, other) = (store(&redis.url(None), &["a"]), store(&redis.url(None), &["a"]));
    put(&one, "proven").await.unwrap();
    let state = vec![b'x'; doorward::state::MAX_BYTES];
    let open = async |store: &Challenges, id: String| {
        let challenge = ChallengeState { after_factor: false, ..challenge(&id, &state) };
        store.put(("console", &id), &challenge, TTL, later()).await.unwrap();
    };
    open(&other, "elsewhere".to_owned()).await;
    for number in 0..520 {
        open(&one, format!("flood {number}")).await;
        if number == 0 {
            // One that was taken needs no room.
            assert!(take(&one, "flood 0").await.unwrap().is_some());
        }
    }
    assert_eq!(kept(&redis).await.len(), 509 + 2);
    assert_eq!((one.counts().evicted, other.counts().evicted), (519 - 509, 0));
    for id in ["proven", "elsewhere", "flood 11", "flood 519"] {
        assert!(take(&one, id).await.unwrap().is_some(), "{id}");
    }
    assert!(take(&one, "flood 10").await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_a_hundred_takers_on_two_daemons_gets_it() {
    let Some(redis) = Redis::start(&[]) else { return };
    let stores = [0, 1].map(|_| Arc::new(store(&redis.url(None), &["a"])));
    put(&stores[0], "id").await.unwrap();
    let takers: Vec<_> = (0..100)
        .map(|number| {
            let store = Arc::clone(&stores[number % 2]);
            tokio::spawn(async move { take(&store, "id").await.unwrap().is_some() })
        })
        .collect();
    let mut served = 0;
    for taker in takers {
        served += usize::from(taker.await.unwrap());
    }
    assert_eq!(served, 1);
}

#[tokio::test]
async fn nothing_lies_there_in_clear() {
    let Some(redis) = Redis::start(&[]) else { return };
    let store = store(&redis.url(None), &["a"]);
    let canaries = ["canary-client", "canary-challenge-id", "canary state ünder the seal"];
    let [client, id, state] = canaries;
    store.put((client, id), &challenge(id, state.as_bytes()), TTL, later()).await.unwrap();
    let contents = redis.contents().await;
    let [(name, _)] = contents.as_slice() else { panic!("{contents:?}") };
    assert!(name.starts_with("doorward:challenge:"), "{name}");
    hold_nothing_of(&contents, &canaries);
    // It goes by itself.
    let mut connection = redis.connection().await;
    let left: u64 = redis::cmd("PTTL").arg(name).query_async(&mut connection).await.unwrap();
    assert!(left > 0 && left <= 300_000, "{left}");
}

#[tokio::test]
async fn what_was_changed_or_moved_is_refused() {
    let Some(redis) = Redis::start(&[]) else { return };
    let store = store(&redis.url(None), &["a"]);
    let mut connection = redis.connection().await;
    let mut set = async |name: &str, value: &[u8]| {
        redis::cmd("SET").arg(name).arg(value).exec_async(&mut connection).await.unwrap();
    };
    // Changed at each kind of place: version, key, end, nonce, text, tag.
    for (refused, at) in [0, 2, 9, 20, 40, 57, 73].into_iter().enumerate() {
        put(&store, "id").await.unwrap();
        let (name, mut value) = kept(&redis).await.remove(0);
        value[at] ^= 1;
        set(&name, &value).await;
        assert_eq!(take(&store, "id").await.unwrap(), None, "byte {at}");
        assert_eq!(failures(&store, "unreadable"), refused as u64 + 1);
    }
    // Moved to where another one waited.
    put(&store, "mine").await.unwrap();
    let (_, value) = kept(&redis).await.remove(0);
    assert!(take(&store, "mine").await.unwrap().is_some());
    put(&store, "yours").await.unwrap();
    let (name, _) = kept(&redis).await.remove(0);
    set(&name, &value).await;
    assert_eq!(take(&store, "yours").await.unwrap(), None);
    // Nothing at all, and no string.
    for value in [&b""[..], b"x"] {
        set(&name, value).await;
        assert_eq!(take(&store, "yours").await.unwrap(), None);
    }
    redis.run(&["DEL", &name]).await;
    redis.run(&["LPUSH", &name, "x"]).await;
    assert_eq!(trouble(take(&store, "yours").await), RedisFault::Other);
}

#[tokio::test]
async fn a_key_changes_without_losing_what_is_open() {
    let Some(redis) = Redis::start(&[]) else { return };
    let url = redis.url(None);
    let (before, during, after) = (store(&url, &["a"]), store(&url, &["b", "a"]), store(&url, &["b"]));
    for id in ["1", "2"] {
        put(&before, id).await.unwrap();
        put(&during, &format!("{id}-new")).await.unwrap();
    }
    assert!(take(&during, "1").await.unwrap().is_some());
    assert!(take(&after, "1-new").await.unwrap().is_some());
    assert_eq!(take(&after, "2").await.unwrap(), None, "the old key is gone");
    assert_eq!(take(&before, "2-new").await.unwrap(), None);
}

#[tokio::test]
async fn stopped_and_back_again() {
    let Some(mut redis) = Redis::start(&[]) else { return };
    let store = store(&redis.url(None), &["a"]);
    works(&store).await;
    for _ in 0..2 {
        redis.stop();
        assert_eq!(trouble(put(&store, "id").await), RedisFault::Connect);
        assert_eq!(trouble(take(&store, "id").await), RedisFault::Connect);
        redis.resume();
        // The very first call, whatever earlier ones met.
        works(&store).await;
    }
    assert!(failures(&store, "connect") >= 4);
}

/// The answer to a put-back is lost, and another daemon takes the challenge before it is sent again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_back_that_is_sent_twice_revives_nothing() {
    let Some(redis) = Redis::start(&[]) else { return };
    let gate = Gate::before(&redis, None).await;
    let behind = Arc::new(store(&format!("redis://127.0.0.1:{}", gate.port), &["a"]));
    let other = store(&redis.url(None), &["a"]);
    put(&behind, "id").await.unwrap();
    let held = self::held(&behind, "id").await.unwrap();
    assert_eq!(take(&other, "id").await.unwrap(), None, "it is that call's");
    gate.hold();
    let back = {
        let behind = Arc::clone(&behind);
        tokio::spawn(async move {
            let challenge = challenge("id", b"state");
            behind.put_back(("console", "id", &held.claim), &challenge, TTL, later()).await
        })
    };
    let until = Instant::now() + LONG;
    let taken = loop {
        if let Some(taken) = self::held(&other, "id").await {
            break taken;
        }
        assert!(Instant::now() < until, "the put-back never came");
    };
    gate.cut();
    gate.release();
    assert_eq!(back.await.unwrap(), Ok(()), "it was back");
    assert_eq!(take(&other, "id").await.unwrap(), None, "used");
    assert_eq!(take(&behind, "id").await.unwrap(), None);
    // Whoever holds it now puts it back, once.
    other.put_back(("console", "id", &taken.claim), &challenge("id", b"state"), TTL, later()).await.unwrap();
    let again = other.put_back(("console", "id", &taken.claim), &challenge("id", b"other"), TTL, later()).await;
    assert_eq!(again, Err(StateError::Gone));
    assert_eq!(failures(&other, "gone"), 1);
    assert_eq!(take(&behind, "id").await.unwrap().unwrap(), b"state");
}

/// Redis dies after a challenge was used and comes back with its last snapshot; and one is not put into another life.
#[tokio::test]
async fn a_restart_from_a_snapshot_revives_nothing() {
    let Some(mut redis) = Redis::start(&[]) else { return };
    let store = store(&redis.url(None), &["a"]);
    for id in ["used", "open", "held"] {
        put(&store, id).await.unwrap();
    }
    redis.run(&["SAVE"]).await;
    assert!(take(&store, "used").await.unwrap().is_some());
    let held = self::held(&store, "held").await.unwrap();
    redis.stop();
    redis.resume();
    assert_eq!(redis.contents().await.len(), 3, "it has them all again");
    for id in ["used", "open"] {
        assert_eq!(take(&store, id).await.unwrap(), None, "{id}");
    }
    let back = store.put_back(("console", "held", &held.claim), &challenge("held", b"state"), TTL, later()).await;
    assert_eq!(back, Err(StateError::Gone));
    assert_eq!(take(&store, "held").await.unwrap(), None);
    assert_eq!(failures(&store, "outlived"), 3);
    works(&store).await;
}

/// A primary that became a replica and came back has what its primary had: the run is the same, the data may be older.
#[tokio::test]
async fn a_failover_revives_nothing() {
    let Some(redis) = Redis::start(&[]) else { return };
    let store = store(&redis.url(None), &["a"]);
    put(&store, "id").await.unwrap();
    redis.run(&["REPLICAOF", "127.0.0.1", "1"]).await;
    redis.run(&["REPLICAOF", "NO", "ONE"]).await;
    assert_eq!(take(&store, "id").await.unwrap(), None);
    assert_eq!(failures(&store, "outlived"), 1);
    works(&store).await;
}

/// As in memory; each daemon knows what it opened itself.
#[tokio::test]
async fn one_account_has_few_open_and_pushes_out_its_own() {
    let Some(redis) = Redis::start(&[]) else { return };
    let store = store(&redis.url(None), &["a"]);
    put(&store, "stranger").await.unwrap();
    for number in 0..30 {
        let challenge = challenge("mallory", b"state");
        store.put(("console", &format!("{number}")), &challenge, TTL, later()).await.unwrap();
    }
    assert_eq!(redis.contents().await.len(), 1 + 8);
    assert_eq!(store.counts().evicted, 22);
    for (id, there) in [("stranger", true), ("29", true), ("22", true), ("21", false)] {
        assert_eq!(take(&store, id).await.unwrap().is_some(), there, "{id}");
    }
}

#[tokio::test]
async fn over_tls_with_its_own_ca() {
    let Some(redis) = Redis::start(&[]) else { return };
    let authority = Authority::new("redis ca");
    let gate = Gate::before(&redis, Some(&authority.good(&["localhost", "127.0.0.1"]))).await;
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).unwrap();
    let url = Secret::new(format!("rediss://localhost:{}", gate.port));
    works(&Challenges::redis(&url, &[key("a")], Some(&ca)).unwrap()).await;
    // Another CA, the system's roots, and another name are refused.
    std::fs::write(&ca, &Authority::new("another").pem).unwrap();
    for ca in [Some(ca.as_path()), None] {
        let store = Challenges::redis(&url, &[key("a")], ca).unwrap();
        assert_eq!(trouble(put(&store, "id").await), RedisFault::Connect, "{ca:?}");
    }
    std::fs::write(&ca, "no certificate").unwrap();
    assert_eq!(Challenges::redis(&url, &[key("a")], Some(&ca)).unwrap_err(), SetupError::Ca);
}
