//! The store of challenges as a daemon has it: what an operator sees of it, and what no login of one step ever does.

use crate::canary::Upstream;
use crate::support::daemon::{Home, json_connector, wait_until};

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
    let upstream = Upstream::start().await;
    let directory = tempfile::tempdir().unwrap();
    let url = format!("unix://{}/no.sock?user=doorward&pass={PASSWORD}", directory.path().display());
    let home = home(&url);
    home.connector("demo", &json_connector(&upstream.base, ""));
    let daemon = home.start();
    let line = daemon.wait_for("challenges cannot be kept: Redis cannot be reached");
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
