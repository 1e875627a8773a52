//! The guard of several daemons together, in a real Redis: guesses, codes and utility calls count once, wherever they come, and
//! what becomes of logins while Redis is away.

use std::sync::Arc;

use doorward::api::router;
use doorward::attempt::App;
use doorward::guard::SharedGuard;
use doorward::secret::Secret;
use doorward::state::{Bounds, Challenges};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::canary::Upstream;
use crate::challenges;
use crate::challenges::lab::Lab;
use crate::challenges::upstream::CODE;
use crate::server::{TOKEN, config, post, send};
use crate::support::daemon::{Daemon, Home, json_connector, wait_until};
use crate::support::redis::{Gate, Redis, hold_nothing_of};

const KEY: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";

/// A home whose daemons count in `redis`.
fn home(redis: &Redis, guard: &str) -> Home {
    let home = Home::new(&format!(
        "state: {{ kind: redis, url: {{ file: redis.url }}, keys: [ {{ file: state.key }} ] }}\n\
         guard: {{ store: redis, {guard} }}"
    ));
    std::fs::write(home.path("redis.url"), redis.url(None)).unwrap();
    std::fs::write(home.path("state.key"), KEY).unwrap();
    home
}

async fn reason(daemon: &Daemon, username: &str, password: &str) -> String {
    let (status, body) = daemon.login("demo", username, password).await;
    let word = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(status == 200, word("verdict") == "accept", "{body}");
    word("verdict") + " " + &word("reason") + &word("cause")
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_count_once_at_whatever_daemon() {
    let Some(redis) = Redis::start(&[]) else { return };
    let upstream = Upstream::start().await;
    let home = home(&redis, "user_failures: 3, waits: [ 1m ]");
    home.connector("demo", &json_connector(&upstream.base, ""));
    let (one, other) = (home.start(), home.start());
    // A success clears the count of the account, for both.
    for _ in 0..3 {
        assert_eq!(reason(&one, "zhangsan", "wrong").await, "reject invalid_credentials");
    }
    assert_eq!(reason(&other, "zhangsan", "right").await, "accept ");
    for daemon in [&one, &other, &one, &other] {
        assert_eq!(reason(daemon, "zhangsan", "wrong").await, "reject invalid_credentials");
    }
    for daemon in [&one, &other] {
        assert_eq!(reason(daemon, "ZhangSan", "right").await, "reject too_many_attempts");
        assert_eq!(reason(daemon, "lisi", "right").await, "accept ", "another account at the same address");
    }
    // A daemon that starts anew has no table of its own, and the count all the same.
    drop(one);
    assert_eq!(reason(&home.start(), "zhangsan", "right").await, "reject too_many_attempts");
    let contents = redis.contents().await;
    assert!(!contents.is_empty() && contents.iter().all(|(key, _)| key.starts_with("doorward:{counts}:")));
    hold_nothing_of(&contents, &["zhangsan", "lisi", "192.0.2", "console", "demo"]);
    let mut connection = redis.connection().await;
    for (key, _) in contents {
        let left: i64 = redis::cmd("PTTL").arg(&key).query_async(&mut connection).await.unwrap();
        assert!((1..=15 * 60 * 1000).contains(&left), "{key} ends by itself: {left}");
    }
}

/// Each daemon alone would let four through.
#[tokio::test(flavor = "multi_thread")]
async fn parallel_guesses_at_two_daemons_gain_nothing() {
    let Some(redis) = Redis::start(&[]) else { return };
    let upstream = Upstream::start().await;
    let home = home(&redis, "user_failures: 3, waits: [ 1m ]");
    home.connector("demo", &json_connector(&upstream.base, ""));
    let daemons = [Arc::new(home.start()), Arc::new(home.start())];
    let guesses = (0..60).map(|number| {
        let daemon = Arc::clone(&daemons[number % 2]);
        async move { reason(&daemon, "zhangsan", "wrong").await }
    });
    let told: Vec<String> = futures_util::stream::iter(guesses).buffer_unordered(60).collect().await;
    let guessed = told.iter().filter(|told| *told == "reject invalid_credentials").count();
    assert!((1..=4).contains(&guessed), "{told:?}");
    assert_eq!(told.iter().filter(|told| *told == "reject too_many_attempts").count(), 60 - guessed, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_away_logins_are_refused_or_counted_here_as_the_configuration_says() {
    let Some(mut redis) = Redis::start(&[]) else { return };
    let upstream = Upstream::start().await;
    let (refusing, local) = (home(&redis, ""), home(&redis, "when_away: local, user_failures: 1, waits: [ 1m ]"));
    for home in [&refusing, &local] {
        home.connector("demo", &json_connector(&upstream.base, ""));
    }
    let (refuses, counts) = (refusing.start(), local.start());
    for daemon in [&refuses, &counts] {
        assert_eq!(reason(daemon, "zhangsan", "right").await, "accept ");
    }
    redis.stop();
    assert_eq!(reason(&refuses, "zhangsan", "right").await, "unavailable state");
    let line = refuses.wait_for("guesses cannot be counted: Redis cannot be reached");
    assert_eq!(line["cause"], "connect", "{line}");
    let (_, metrics) = refuses.call("GET", "/metrics", None).await;
    assert!(metrics.contains("doorward_shed_total{cause=\"guard\"} 1"), "{metrics}");
    for _ in 0..2 {
        assert_eq!(reason(&counts, "wangwu", "wrong").await, "reject invalid_credentials");
    }
    assert_eq!(reason(&counts, "wangwu", "right").await, "reject too_many_attempts", "the daemon counts for itself");
    redis.resume();
    // Until the pause after a failure is over it is not asked.
    for daemon in [&refuses, &counts] {
        while reason(daemon, "lisi", "right").await != "accept " {}
    }
    refuses.wait_for("guesses can be counted in Redis again");
}

/// Its challenge is taken by then, and is put back when Redis does not answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_leaves_while_redis_is_asked_loses_no_challenge() {
    let Some(redis) = Redis::start(&[]) else { return };
    let (gate, key) = (Gate::before(&redis, None).await, Secret::new(KEY));
    let url = Secret::new(format!("redis://127.0.0.1:{}/0", gate.port));
    let counting = Challenges::redis(&url, std::slice::from_ref(&key), None).unwrap();
    let guard = SharedGuard::new(counting.shared_counts(&key).unwrap(), &doorward::config::Guard::default());
    let upstream = challenges::upstream::Upstream::start().await;
    let lab = Lab::new(&challenges::connectors::sms(&upstream.base)).await;
    let waiting = Arc::new(Challenges::memory(Bounds::default()));
    let app = App::new(&config(), Arc::clone(&lab.connectors) as _, Arc::default(), None);
    let router = router(Arc::new(app.keeping(Arc::clone(&waiting)).sharing(Some(guard))));
    let login = json!({ "username": "zhangsan", "password": "right", "client_ip": "192.0.2.7" }).to_string();
    let opened = send(&router, post("/v1/connectors/corp/authenticate", TOKEN, login)).await;
    let body = json!({ "challenge": opened.json()["challenge"]["id"], "answers": { "code": CODE } }).to_string();
    gate.hold();
    let taken = async {
        while waiting.counts().open != Some(0) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = send(&router, post("/v1/challenges", TOKEN, body.clone())) => panic!("{}", answer.body),
        () = taken => {}
    }
    wait_until(|| waiting.counts().open == Some(1));
    gate.release();
    let answered = async || send(&router, post("/v1/challenges", TOKEN, body.clone())).await;
    // For a second after a failure Redis is not asked, and the challenge is put back each time.
    loop {
        let answer = answered().await;
        if answer.status == 200 {
            break;
        }
        assert_eq!(answer.json()["cause"], "state", "{}", answer.body);
    }
}

const SMS: &str = r#"version: 1
kind: utility
settings: { base: "BASE" }
input: { attributes: { mobile: { required: true, max: 20 } } }
steps:
  - name: send
    sends_code_to: user.mobile
    request: { method: POST, url: "${base}/login", body: { json: { clear: "right", md5: "{{user.mobile}}" } } }
    response: { format: json, success: { field: code, equals: 200 } }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn codes_and_utility_calls_count_for_all_daemons() {
    let Some(redis) = Redis::start(&[]) else { return };
    let upstream = Upstream::start().await;
    let guard =
        "sends: { user: 3, client_ip: 9, per: 10m }, utilities: { client: 6, connector: 9, client_ip: 9, per: 10m }";
    let home = home(&redis, guard);
    home.connector("sms", &SMS.replace("BASE", &upstream.base));
    let (one, other) = (home.start(), home.start());
    let send = async |daemon: &Daemon, mobile: &str| {
        let body = json!({ "client_ip": "192.0.2.7", "inputs": { "mobile": mobile } });
        let (status, text) = daemon.call("POST", "/v1/utilities/sms", Some(body)).await;
        let code = serde_json::from_str::<Value>(&text).unwrap()["code"].as_str().unwrap_or_default().to_owned();
        (status, code, text)
    };
    for daemon in [&one, &other, &one] {
        let (status, _, text) = send(daemon, "13800138000").await;
        assert_eq!(status, 200, "{text}");
    }
    assert_eq!(send(&other, "+86 138-0013-8000").await.1, "too_many_codes");
    assert_eq!(send(&one, "13900139000").await.0, 200);
    assert_eq!(send(&other, "13900139000").await.0, 200);
    assert_eq!(send(&one, "13700137000").await.1, "too_often", "six calls of this client");
    hold_nothing_of(&redis.contents().await, &["13800138000", "00138000", "sms", "console"]);
}

#[test]
fn a_shared_guard_without_redis_is_a_mistake_of_the_file() {
    for (more, words) in [
        ("guard: { store: redis }", "there is no Redis to count in"),
        ("guard: { when_away: local }", "only `guard.store: redis` uses this"),
    ] {
        let home = Home::new(more);
        let output = home.command(&[]).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(4) && told.contains(words), "{more}: {told}");
    }
}
