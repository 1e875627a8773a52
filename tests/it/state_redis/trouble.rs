//! Redis in trouble: away, paused, silent, full, with a wrong password, too old.

use std::time::Duration;

use doorward::state::RedisFault;
use tokio::time::Instant;

use super::{LONG, put, store, take, trouble, works};
use crate::support::redis::{Gate, Redis};

#[tokio::test]
async fn away_at_the_start() {
    let Some(mut redis) = Redis::start(&[]) else { return };
    redis.stop();
    let store = store(&redis.url(None), &["a"]);
    assert!(!store.ready().await);
    assert_eq!(trouble(put(&store, "id").await), RedisFault::Connect);
    redis.resume();
    works(&store).await;
}

#[tokio::test]
async fn paused_and_back_again() {
    let Some(redis) = Redis::start(&[]) else { return };
    let store = store(&redis.url(None), &["a"]);
    works(&store).await;
    redis.signal("-STOP");
    assert_eq!(trouble(put(&store, "id").await), RedisFault::Timeout);
    assert_eq!(trouble(take(&store, "id").await), RedisFault::Timeout);
    redis.signal("-CONT");
    works(&store).await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_left_for_another() {
    let Some(redis) = Redis::start(&[]) else { return };
    let gate = Gate::before(&redis, None).await;
    let store = store(&format!("redis://127.0.0.1:{}", gate.port), &["a"]);
    works(&store).await;
    gate.hold();
    assert_eq!(trouble(put(&store, "id").await), RedisFault::Timeout);
    // The caller's own deadline comes first.
    let soon = Instant::now() + Duration::from_millis(1);
    let taken = tokio::time::timeout(LONG, store.take("console", "id", soon)).await.unwrap();
    assert_eq!(trouble(taken), RedisFault::Timeout);
    gate.release();
    works(&store).await;
    // Cut while nobody looks, as an idle connection is by a firewall.
    gate.cut();
    works(&store).await;
}

#[tokio::test]
async fn read_only_and_full_and_back_again() {
    let Some(redis) = Redis::start(&[]) else { return };
    let store = store(&redis.url(None), &["a"]);
    put(&store, "before").await.unwrap();
    // A primary that nobody runs: this one is a replica without it.
    redis.run(&["REPLICAOF", "127.0.0.1", "1"]).await;
    assert_eq!(trouble(put(&store, "id").await), RedisFault::ReadOnly);
    assert_eq!(trouble(take(&store, "before").await), RedisFault::ReadOnly);
    redis.run(&["REPLICAOF", "NO", "ONE"]).await;
    works(&store).await;
    put(&store, "later").await.unwrap();
    redis.run(&["CONFIG", "SET", "maxmemory", "1"]).await;
    assert_eq!(trouble(put(&store, "id").await), RedisFault::Full);
    assert!(take(&store, "later").await.unwrap().is_some(), "what is there can be taken");
    assert_eq!(take(&store, "later").await.unwrap(), None, "once");
    redis.run(&["CONFIG", "SET", "maxmemory", "0"]).await;
    works(&store).await;
}

#[tokio::test]
async fn a_wrong_password_and_a_right_one_later() {
    let Some(redis) = Redis::start(&[]) else { return };
    redis.run(&["ACL", "SETUSER", "doorward", "on", ">wrong", "~doorward:*"]).await;
    redis.run(&["ACL", "SETUSER", "doorward", "+eval", "+get", "+set", "+del", "+info"]).await;
    let store = store(&redis.url(Some(("doorward", "right"))), &["a"]);
    assert_eq!(trouble(put(&store, "id").await), RedisFault::Credentials);
    assert_eq!(trouble(take(&store, "id").await), RedisFault::Credentials);
    redis.run(&["ACL", "SETUSER", "doorward", ">right"]).await;
    works(&store).await;
    // The smallest set of rights is enough, and less is not.
    for right in ["eval", "get", "set", "info"] {
        put(&store, "id").await.unwrap();
        redis.run(&["ACL", "SETUSER", "doorward", &format!("-{right}")]).await;
        assert_eq!(trouble(take(&store, "id").await), RedisFault::Forbidden, "{right}");
        assert!(!self::store(&redis.url(Some(("doorward", "right"))), &["a"]).ready().await, "{right}");
        redis.run(&["ACL", "SETUSER", "doorward", &format!("+{right}")]).await;
        works(&store).await;
        assert!(take(&store, "id").await.unwrap().is_some(), "{right}: what was refused took nothing");
    }
}

#[tokio::test]
async fn a_password_that_is_missing() {
    let Some(redis) = Redis::start(&[]) else { return };
    let store = store(&redis.url(None), &["a"]);
    let administrator = redis.connection().await;
    let mut connection = administrator.clone();
    redis::cmd("CONFIG").arg(&["SET", "requirepass", "x"]).exec_async(&mut connection).await.unwrap();
    // The store's first connection may be from before: it is asked over a new one.
    let other = self::store(&redis.url(None), &["a"]);
    assert_eq!(trouble(put(&other, "id").await), RedisFault::Credentials);
    redis::cmd("CONFIG").arg(&["SET", "requirepass", ""]).exec_async(&mut connection).await.unwrap();
    works(&other).await;
    works(&store).await;
}

#[tokio::test]
async fn a_redis_without_scripts_is_called_too_old() {
    let Some(redis) = Redis::start(&["--rename-command", "EVAL", ""]) else { return };
    let store = store(&redis.url(None), &["a"]);
    assert_eq!(trouble(put(&store, "id").await), RedisFault::TooOld);
    assert_eq!(trouble(take(&store, "id").await), RedisFault::TooOld);
    assert!(put(&store, "id").await.unwrap_err().to_string().contains("6.2"));
    // Known before the first challenge.
    assert!(!store.ready().await);
}

#[tokio::test]
async fn readiness_means_that_a_challenge_could_be_kept() {
    let Some(redis) = Redis::start(&[]) else { return };
    assert!(store(&redis.url(None), &["a"]).ready().await);
    redis.run(&["CONFIG", "SET", "maxmemory", "1"]).await;
    assert!(!store(&redis.url(None), &["a"]).ready().await);
    assert!(redis.contents().await.is_empty(), "it leaves nothing");
}
