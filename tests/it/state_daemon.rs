//! The store of challenges as daemons have it: several on one Redis, Redis in trouble and back, what an operator sees of
//! it, and what no login of one step ever does.

use std::time::Duration;

use doorward::secret::Secret;
use doorward::state::Challenges;
use serde_json::{Value, json};

use crate::canary;
use crate::challenges::connectors;
use crate::challenges::lab::{Lab, expired, verdict};
use crate::challenges::upstream::{CODE, Upstream};
use crate::server::{Answer, TOKEN, post, send};
use crate::support::daemon::{Daemon, Home, json_connector, read, wait_until};
use crate::support::redis::{Redis, hold_nothing_of};

/// Far beyond anything that a call may take.
const LONG: Duration = Duration::from_mins(1);

const PASSWORD: &str = "canary-redis-password";
const KEY: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";

/// A daemon whose store is the Redis at `url`.
fn home(url: &str) -> Home {
    let home = Home::new(
        "log: { level: trace }\nstate: { kind: redis, url: { file: redis.url }, keys: [ { file: state.key } ] }",
    );
    std::fs::write(home.path("redis.url"), url).unwrap();
    std::fs::write(home.path("state.key"), KEY).unwrap();
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_redis_costs_logins_of_one_step_nothing_and_is_told_without_its_password() {
    let upstream = canary::Upstream::start().await;
    let directory = tempfile::tempdir().unwrap();
    let url = format!("unix://{}/no.sock?user=doorward&pass={PASSWORD}", directory.path().display());
    let home = home(&url);
    home.connector("demo", &json_connector(&upstream.base, ""));
    let daemon = home.start();
    let line = daemon.wait_for("challenges cannot be stored: Redis cannot be reached");
    assert_eq!((&line["level"], &line["cause"]), (&"ERROR".into(), &"connect".into()), "{line}");
    let (status, body) = daemon.login("demo", "zhangsan", "right").await;
    assert_eq!(status, 200, "{body}");
    let (status, ready) = daemon.call("GET", "/readyz", None).await;
    assert_eq!(status, 200, "logins of one step work");
    assert!(ready.contains(r#""status":"ready","state":"unavailable""#), "{ready}");
    let (_, metrics) = daemon.call("GET", "/metrics", None).await;
    assert!(
        metrics.contains("doorward_challenge_failures_total{cause=\"connect\"} 0"),
        "nobody's challenge: {metrics}"
    );
    let mut shown = ready + &metrics;
    wait_until(|| daemon.log().contains("\"verdict\""));
    let (exit, log) = daemon.end();
    assert!(exit.success());
    shown += &log;
    for canary in [PASSWORD, KEY] {
        assert!(!shown.contains(canary), "{canary} in {shown}");
    }
}

fn store(redis: &Redis, keys: &[&str]) -> Challenges {
    let keys: Vec<Secret> = keys.iter().map(|digit| Secret::new(digit.repeat(64))).collect();
    Challenges::redis(&Secret::new(redis.url(None)), &keys, None).unwrap()
}

async fn answer(daemon: &Daemon, id: &Value, code: &str) -> (u16, Value) {
    let body = json!({ "challenge": id, "answers": { "code": code } });
    let (status, text) = daemon.call("POST", "/v1/challenges", Some(body)).await;
    (status, serde_json::from_str(&text).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn opened_on_one_daemon_and_answered_on_another() {
    let Some(redis) = Redis::start(&[]) else { return };
    let upstream = Upstream::start().await;
    let home = home(&redis.url(None));
    home.connector("corp", &connectors::sms(&upstream.base));
    let (one, other) = (home.start(), home.start());
    let (status, opened) = one.login("corp", "canary-user-name", "right").await;
    assert_eq!(status, 401, "{opened}");
    let id = &opened["challenge"]["id"];
    let token = "token of canary-user-name";
    let canaries = ["canary-user-name", token, "138****0000", "session=s1", id.as_str().unwrap(), "console", CODE];
    hold_nothing_of(&redis.contents().await, &canaries);
    // The wrong answer moves it on, wherever it is given.
    let (status, wrong) = answer(&other, id, "000000").await;
    assert_eq!((status, &wrong["challenge"]["attempts_left"]), (401, &json!(2)), "{wrong}");
    hold_nothing_of(&redis.contents().await, &[&canaries[..], &["000000"]].concat());
    let (status, used) = answer(&one, id, CODE).await;
    assert_eq!((status, &used["reason"]), (403, &json!("challenge_expired")), "{used}");
    let id = &wrong["challenge"]["id"];
    let (status, accepted) = answer(&one, id, CODE).await;
    assert_eq!((status, &accepted["subject"]), (200, &json!("canary-user-name")), "{accepted}");
    let left = redis.contents().await;
    assert!(left.iter().all(|(_, value)| value.len() == 17), "a mark is left of each, for a while: {left:?}");
    // A daemon that ends takes none with it.
    let (_, opened) = one.login("corp", "canary-user-name", "right").await;
    one.kill();
    let (status, accepted) = answer(&other, &opened["challenge"]["id"], CODE).await;
    assert_eq!(status, 200, "{accepted}");
}

/// Keys change in three reloads, and no login is lost to them; with the old key alone gone, its challenges are.
#[tokio::test(flavor = "multi_thread")]
async fn keys_change_by_reloads_and_open_challenges_live_on() {
    let Some(redis) = Redis::start(&[]) else { return };
    let upstream = Upstream::start().await;
    let home = home(&redis.url(None));
    home.connector("corp", &connectors::sms(&upstream.base));
    std::fs::write(home.path("new.key"), "d".repeat(64)).unwrap();
    let daemon = home.start();
    let first = read(&home.path("doorward.yaml"));
    let (_, opened) = daemon.login("corp", "zhangsan", "right").await;
    let both = first.replace("[ { file: state.key } ]", "[ { file: new.key }, { file: state.key } ]");
    std::fs::write(home.path("doorward.yaml"), &both).unwrap();
    let reload = async || {
        let (_, body) = daemon.call("POST", "/v1/reload", None).await;
        serde_json::from_str::<Value>(&body).unwrap()["configuration"]["changed"].clone()
    };
    assert_eq!(reload().await, json!(["state.keys"]));
    assert_eq!(answer(&daemon, &opened["challenge"]["id"], CODE).await.0, 200, "sealed with the old key");
    let (_, opened) = daemon.login("corp", "lisi", "right").await;
    std::fs::write(home.path("doorward.yaml"), first).unwrap();
    assert_eq!(reload().await, json!(["state.keys"]));
    assert_eq!(answer(&daemon, &opened["challenge"]["id"], CODE).await.0, 403, "sealed with the new key");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_callers_on_two_daemons_one_is_served() {
    let Some(redis) = Redis::start(&[]) else { return };
    let upstream = Upstream::start().await;
    let lab = Lab::keeping(&connectors::sms(&upstream.base), store(&redis, &["a"])).await;
    let other = lab.router_with(store(&redis, &["a"]));
    let opened = lab.open().await;
    let body = json!({ "challenge": opened["id"], "answers": { "code": CODE } }).to_string();
    let callers: Vec<_> = (0..100)
        .map(|number| {
            let (router, body) = (if number % 2 == 0 { lab.router.clone() } else { other.clone() }, body.clone());
            tokio::spawn(async move { send(&router, post("/v1/challenges", TOKEN, body)).await })
        })
        .collect();
    let mut accepted = 0;
    for caller in callers {
        let answer = caller.await.unwrap();
        if answer.status == 200 { accepted += 1 } else { expired(&answer) }
    }
    assert_eq!((accepted, upstream.asked("/verify")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn daemons_change_their_key_one_after_the_other() {
    let Some(redis) = Redis::start(&[]) else { return };
    let upstream = Upstream::start().await;
    // Not begun, half way, done.
    let lab = Lab::keeping(&connectors::sms(&upstream.base), store(&redis, &["a", "b"])).await;
    let (half, done) = (lab.router_with(store(&redis, &["b", "a"])), lab.router_with(store(&redis, &["b"])));
    let answer = async |router, opened: &Value| {
        let body = json!({ "challenge": opened["id"], "answers": { "code": CODE } });
        send(router, post("/v1/challenges", TOKEN, body.to_string())).await
    };
    verdict(&answer(&half, &lab.open().await).await, 200, "accept");
    expired(&answer(&done, &lab.open().await).await);
    let body = json!({ "username": "zhangsan", "password": "right" }).to_string();
    let opened = send(&half, post("/v1/connectors/corp/authenticate", TOKEN, body)).await.json()["challenge"].clone();
    verdict(&answer(&lab.router, &opened).await, 200, "accept");
}

/// What is wrong with Redis for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wrong {
    Stopped,
    Paused,
    ReadOnly,
    Full,
    Forbidden,
}

impl Wrong {
    async fn begin(self, redis: &mut Redis) {
        match self {
            Self::Stopped => redis.stop(),
            Self::Paused => redis.signal("-STOP"),
            Self::ReadOnly => redis.run(&["REPLICAOF", "127.0.0.1", "1"]).await,
            Self::Full => redis.run(&["CONFIG", "SET", "maxmemory", "1"]).await,
            Self::Forbidden => redis.run(&["ACL", "SETUSER", "default", "-set", "-eval"]).await,
        }
    }

    async fn end(self, redis: &mut Redis) {
        match self {
            Self::Stopped => redis.resume(),
            Self::Paused => redis.signal("-CONT"),
            Self::ReadOnly => redis.run(&["REPLICAOF", "NO", "ONE"]).await,
            Self::Full => redis.run(&["CONFIG", "SET", "maxmemory", "0"]).await,
            Self::Forbidden => redis.run(&["ACL", "SETUSER", "default", "+@all"]).await,
        }
    }
}

/// The first step alone, which the same reply accepts.
fn one_step(base: &str) -> String {
    let login = connectors::sms(base).split("\n  - name: send_code").next().unwrap().to_owned();
    login.replace("      more:", "#")
}

fn unavailable(answer: &Answer) {
    verdict(answer, 503, "unavailable");
    assert_eq!(answer.json()["cause"], "state", "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_in_trouble_and_back_again() {
    for wrong in [Wrong::Stopped, Wrong::Paused, Wrong::ReadOnly, Wrong::Full, Wrong::Forbidden] {
        let Some(mut redis) = Redis::start(&[]) else { return };
        let upstream = Upstream::start().await;
        let lab = Lab::keeping(&connectors::sms(&upstream.base), store(&redis, &["a"])).await;
        lab.home.connector("plain", &one_step(&upstream.base));
        lab.load().await;
        let before = lab.open().await;
        wrong.begin(&mut redis).await;
        // Whatever is wrong, each call ends by itself.
        let during = tokio::time::timeout(LONG, async {
            let body = json!({ "username": "zhangsan", "password": "right" }).to_string();
            let plain = send(&lab.router, post("/v1/connectors/plain/authenticate", TOKEN, body)).await;
            verdict(&plain, 200, "accept");
            unavailable(&lab.login("zhangsan", "right").await);
            lab.code(&before["id"], CODE).await
        });
        let during = during.await.unwrap();
        if wrong == Wrong::Full {
            verdict(&during, 200, "accept");
        } else {
            unavailable(&during);
        }
        wrong.end(&mut redis).await;
        // The very next login, without a restart.
        let after = lab.open().await;
        verdict(&lab.code(&after["id"], CODE).await, 200, "accept");
        // What could not be asked was not used up; what was in memory of a process that died is gone, and so is what a
        // paused one was asked for. One that was a replica for a while may have older data.
        let before = lab.code(&before["id"], CODE).await;
        if wrong == Wrong::Forbidden {
            verdict(&before, 200, "accept");
        } else {
            expired(&before);
        }
    }
}
