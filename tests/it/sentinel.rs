//! Redis behind three real Sentinels on loopback, a failover, and Redis Cluster, which is refused.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::challenges::connectors;
use crate::challenges::upstream::{CODE, Upstream};
use crate::support::daemon::{Daemon, Home};
use crate::support::redis::Redis;

const KEY: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";

/// A port that was free a moment ago: Redis and its Sentinels must know each other's before they start.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A Sentinel in its own process.
struct Sentinel {
    port: u16,
    child: Child,
    _directory: tempfile::TempDir,
}

impl Sentinel {
    fn start(primary: u16) -> Self {
        let (directory, port) = (tempfile::tempdir().unwrap(), free_port());
        let file = directory.path().join("sentinel.conf");
        let text = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor corp 127.0.0.1 {primary} 2\n\
             sentinel down-after-milliseconds corp 500\nsentinel failover-timeout corp 3000\n",
            directory.path().display()
        );
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new("redis-server");
        let mut child = command.arg(&file).arg("--sentinel").stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.by_ref().any(|line| line.contains("+monitor master corp")), "the Sentinel did not start");
        std::thread::spawn(move || lines.for_each(drop));
        Self { port, child, _directory: directory }
    }

    /// How many replicas and other Sentinels it knows.
    async fn knows(&self) -> (String, String) {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let facts: Vec<String> =
            redis::cmd("SENTINEL").arg("MASTER").arg("corp").query_async(&mut connection).await.unwrap();
        let fact = |name: &str| facts[facts.iter().position(|known| known == name).unwrap() + 1].clone();
        (fact("num-slaves"), fact("num-other-sentinels"))
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Opens a challenge; `None` while challenges cannot be stored.
async fn open(daemon: &Daemon, user: &str) -> Option<Value> {
    let (status, body) = daemon.login("corp", user, "right").await;
    let stored = body["verdict"] == "challenge";
    assert!(stored || (status, &body["cause"]) == (503, &json!("state")), "{body}");
    stored.then(|| body["challenge"]["id"].clone())
}

async fn answer(daemon: &Daemon, id: &Value) -> (u16, Value) {
    let body = json!({ "challenge": id, "answers": { "code": CODE } });
    let (status, text) = daemon.call("POST", "/v1/challenges", Some(body)).await;
    (status, serde_json::from_str(&text).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_ends_what_was_open_and_nothing_else() {
    let (primary_port, replica_port) = (free_port().to_string(), free_port().to_string());
    let tcp = ["--bind", "127.0.0.1", "--port", primary_port.as_str(), "--repl-diskless-sync-delay", "0"];
    let Some(mut primary) = Redis::start(&tcp) else { return };
    let replica =
        ["--bind", "127.0.0.1", "--port", replica_port.as_str(), "--replicaof", "127.0.0.1", primary_port.as_str()];
    let _replica = Redis::start(&replica).unwrap();
    let sentinels: Vec<Sentinel> = (0..3).map(|_| Sentinel::start(primary_port.parse().unwrap())).collect();
    for sentinel in &sentinels {
        while sentinel.knows().await != ("1".to_owned(), "2".to_owned()) {}
    }
    // The first of them is down, and the host of the URL is nobody's.
    let addresses: Vec<String> = sentinels.iter().map(|sentinel| format!("\"127.0.0.1:{}\"", sentinel.port)).collect();
    let home = Home::new(&format!(
        "state:\n  kind: redis\n  url: {{ file: redis.url }}\n  keys: [ {{ file: state.key }} ]\n  \
         sentinel: {{ master: corp, addresses: [ \"127.0.0.1:{}\", {} ] }}\nguard: {{ store: redis }}",
        free_port(),
        addresses.join(", ")
    ));
    std::fs::write(home.path("redis.url"), "redis://192.0.2.1:6379/0").unwrap();
    std::fs::write(home.path("state.key"), KEY).unwrap();
    let upstream = Upstream::start().await;
    home.connector("corp", &connectors::sms(&upstream.base));
    let daemon = home.start();
    let id = open(&daemon, "zhangsan").await.expect("the Sentinels name the primary");
    assert_eq!(answer(&daemon, &id).await.0, 200);
    let before = open(&daemon, "lisi").await.unwrap();
    primary.stop();
    // Until the replica is promoted, logins that need the store are unavailable.
    let after = loop {
        if let Some(id) = open(&daemon, "wangwu").await {
            break id;
        }
    };
    assert_eq!(answer(&daemon, &after).await.0, 200);
    let (status, body) = answer(&daemon, &before).await;
    assert_eq!((status, &body["reason"]), (403, &json!("challenge_expired")), "its Redis is gone: {body}");
    let (_, ready) = daemon.call("GET", "/readyz", None).await;
    assert!(ready.contains(r#""state":"ok""#), "{ready}");
}

#[test]
fn sentinels_are_named_by_addresses() {
    for (sentinel, words) in [
        ("{ master: corp, addresses: [ \"10.0.0.1\" ] }", "this is no address of a Sentinel"),
        ("{ addresses: [ \"10.0.0.1:26379\" ] }", "master"),
    ] {
        let home = Home::new(&format!(
            "state: {{ kind: redis, url: {{ file: redis.url }}, keys: [ {{ file: state.key }} ], sentinel: {sentinel} }}"
        ));
        std::fs::write(home.path("redis.url"), "redis://redis:6379/0").unwrap();
        std::fs::write(home.path("state.key"), KEY).unwrap();
        let output = home.command(&[]).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(4) && told.contains(words), "{told}");
    }
}

#[test]
fn a_cluster_is_refused_at_start_with_the_reason() {
    let port = free_port().to_string();
    let options = ["--bind", "127.0.0.1", "--port", port.as_str(), "--cluster-enabled", "yes"];
    // Its second port is ten thousand above.
    if port.parse::<u16>().unwrap() > 55_000 {
        return a_cluster_is_refused_at_start_with_the_reason();
    }
    let Some(redis) = Redis::start(&options) else { return };
    let home = Home::new("state: { kind: redis, url: { file: redis.url }, keys: [ { file: state.key } ] }");
    std::fs::write(home.path("redis.url"), redis.url(None)).unwrap();
    std::fs::write(home.path("state.key"), KEY).unwrap();
    let output = home.command(&[]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(4) && told.contains("is a node of a Redis Cluster"), "{told}");
}
