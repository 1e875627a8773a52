//! One connector's trouble, one client's, and that of callers without a token stay their own.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use doorward::api::router;
use doorward::attempt::App;
use doorward::config::{Limits, Scope};
use doorward::metrics::Metrics;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use crate::canary::Upstream;
use crate::made_up::{MadeUp, Shelf};
use crate::server::{TOKEN, client, config, post, send};
use crate::support::daemon::{Home, json_connector, read, wait_until};

/// Connectors whose upstreams hang, one that works, eight places, two clients that log in.
struct Bench {
    router: axum::Router,
    metrics: Arc<Metrics>,
    go: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

fn bench(ids: &[&str], clients: usize) -> Bench {
    let (go, waiting) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let made = |id: &&str| {
        let (go, waiting) = (Some(Arc::clone(&go)), Some(Arc::clone(&waiting)));
        Arc::new(MadeUp { go, waiting, ..MadeUp::new(id) })
    };
    let mut config = config();
    config.guard.enabled = false;
    config.limits = Limits { in_flight: 8, ..Limits::default() };
    config.clients = vec![client("console", TOKEN, &Scope::ALL, None), client("reads", "reads", &[Scope::Read], None)];
    if clients > 1 {
        config.clients.push(client("other", "other", &[Scope::Authenticate], None));
    }
    let metrics = Arc::new(Metrics::new());
    let app = App::new(&config, Arc::new(Shelf(ids.iter().map(made).collect())), Arc::clone(&metrics), None);
    Bench { router: router(Arc::new(app)), metrics, go, waiting }
}

impl Bench {
    async fn login(&self, connector: &str, token: &str, password: &str) -> u16 {
        let body = json!({ "username": "zhangsan", "password": password }).to_string();
        send(&self.router, post(&format!("/v1/connectors/{connector}/authenticate"), token, body)).await.status.as_u16()
    }

    /// Logins that hang until one is refused; how many hang.
    async fn hang(self: &Arc<Self>, connector: &'static str, token: &'static str) -> usize {
        for hanging in 0.. {
            let bench = Arc::clone(self);
            let login = tokio::spawn(async move { bench.login(connector, token, "hang").await });
            tokio::select! {
                status = login => {
                    assert_eq!(status.unwrap(), 503);
                    return hanging;
                }
                stands = self.waiting.acquire() => stands.unwrap().forget(),
            }
        }
        unreachable!()
    }
}

#[tokio::test]
async fn a_connector_that_hangs_leaves_half_of_all_places() {
    let bench = Arc::new(bench(&["hung", "good"], 1));
    assert_eq!(bench.hang("hung", TOKEN).await, 4);
    assert_eq!(bench.login("good", TOKEN, "accept").await, 200);
    let shed = "doorward_shed_total{cause=\"connector_share\"} 1";
    assert!(bench.metrics.text().contains(shed), "{}", bench.metrics.text());
    bench.go.add_permits(100);
}

/// No number of them takes everything together.
#[tokio::test]
async fn connectors_that_hang_leave_places_together() {
    let bench = Arc::new(bench(&["h1", "h2", "h3", "good"], 1));
    for hung in ["h1", "h2", "h3"] {
        assert!(bench.hang(hung, TOKEN).await > 0);
    }
    assert_eq!(bench.login("good", TOKEN, "accept").await, 200);
    bench.go.add_permits(100);
}

#[tokio::test]
async fn one_connector_alone_and_one_client_alone_may_have_all() {
    let bench = Arc::new(bench(&["hung"], 1));
    assert_eq!(bench.hang("hung", TOKEN).await, 8);
    bench.go.add_permits(100);
}

#[tokio::test]
async fn a_client_leaves_half_of_all_places() {
    let bench = Arc::new(bench(&["hung"], 2));
    assert_eq!(bench.hang("hung", TOKEN).await, 4);
    assert_eq!(bench.login("hung", "other", "accept").await, 200);
    let shed = "doorward_shed_total{cause=\"client_share\"} 1";
    assert!(bench.metrics.text().contains(shed), "{}", bench.metrics.text());
    bench.go.add_permits(100);
}

/// Nor does one client's own connector starve its others.
#[tokio::test]
async fn of_a_client_s_half_a_connector_that_hangs_leaves_the_rest() {
    let bench = Arc::new(bench(&["hung", "good"], 2));
    assert_eq!(bench.hang("hung", TOKEN).await, 2);
    assert_eq!(bench.login("good", TOKEN, "accept").await, 200);
    bench.go.add_permits(100);
}

/// A reply that nobody takes is in memory, and over HTTP/2 a caller may leave any number of them.
#[tokio::test]
async fn a_client_that_takes_no_replies_gets_no_more_of_them() {
    let mut config = config();
    config.limits = Limits { connector_reply_memory: 1 << 20, ..Limits::default() };
    config.clients = vec![client("console", TOKEN, &Scope::ALL, None), client("other", "other", &Scope::ALL, None)];
    let shelf = Shelf(vec![Arc::new(MadeUp::new("demo"))]);
    let router = router(Arc::new(App::new(&config, Arc::new(shelf), Arc::default(), None)));
    let call = |token: &'static str| {
        let body = json!({ "username": "zhangsan", "password": "large" }).to_string();
        router.clone().oneshot(post("/v1/connectors/demo/authenticate", token, body))
    };
    let mut untaken = Vec::new();
    let last = loop {
        let response = call(TOKEN).await.unwrap();
        if response.status() != 200 {
            break response.status();
        }
        untaken.push(response);
    };
    assert_eq!(last.as_u16(), 429);
    assert!((4..=6).contains(&untaken.len()), "{} of 200 kB each", untaken.len());
    let page = |path: &str| {
        send(
            &router,
            Request::get(path).header("authorization", format!("Bearer {TOKEN}")).body(Body::empty()).unwrap(),
        )
    };
    for path in ["/metrics", "/v1/connectors", "/openapi.json"] {
        assert_eq!(page(path).await.status.as_u16(), 429, "{path}");
    }
    assert_eq!(call("other").await.unwrap().status(), 200);
    let taken = untaken.pop().unwrap().into_body().collect().await.unwrap();
    assert!(taken.to_bytes().len() > 200_000);
    assert_eq!(call(TOKEN).await.unwrap().status(), 200, "what was taken makes room");
}

/// Where the system gives fewer files than the configuration wants, logins get theirs all the same.
#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_do_not_take_the_files_of_logins() {
    let upstream = Upstream::start().await;
    let home = Home::new("");
    home.connector("demo", &json_connector(&upstream.base, "").replace("timeout: 3s", "timeout: 3s, keep_alive: 1ms"));
    let daemon = home.start_after("ulimit -n 256");
    let used = "limits.connections and limits.in_flight are more than the files that this process may open";
    assert!(daemon.log().contains(used), "{}", daemon.log());
    let address = daemon.base.trim_start_matches("http://").to_owned();
    let mut silent = Vec::new();
    for _ in 0..400 {
        let connected = tokio::time::timeout(Duration::from_secs(1), TcpStream::connect(&address)).await;
        silent.extend(connected.ok().and_then(Result::ok));
    }
    for _ in 0..20 {
        let (status, body) = daemon.login("demo", "zhangsan", "right").await;
        assert_eq!(status, 200, "{body} with {} silent connections: {}", silent.len(), daemon.log());
    }
    assert!(daemon.end().0.success());
    let refused = home.shell("ulimit -n 100").output().unwrap();
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(4) && told.contains("raise the hard limit"), "{told}");
}

/// Half a request, and an HTTP/2 caller that answers nothing, are no reason to wait: the end is an orderly one.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_hold_the_end_up() {
    let home = Home::new("");
    let daemon = home.start();
    let address = daemon.base.trim_start_matches("http://").to_owned();
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let two = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &settings[..]].concat();
    let mut strangers = Vec::new();
    for half in [&b"GET /healthz HTTP/1.1\r\nHo"[..], &two[..]] {
        let mut stranger = TcpStream::connect(&address).await.unwrap();
        stranger.write_all(half).await.unwrap();
        strangers.push(stranger);
    }
    // The settings of the daemon: by then it has read the others.
    strangers[1].read_exact(&mut [0; 9]).await.unwrap();
    let (status, log) = daemon.end();
    assert!(status.success(), "{log}");
}

/// `when_full: refuse`: whoever was let in has a line, whatever happens to the daemon.
#[tokio::test(flavor = "multi_thread")]
async fn every_accept_has_its_line_when_the_daemon_is_killed() {
    let upstream = Upstream::start().await;
    let home = Home::new("audit: { file: audit.jsonl, when_full: refuse }");
    home.connector("demo", &json_connector(&upstream.base, ""));
    let mut accepted = 0;
    for _ in 0..5 {
        let daemon = home.start();
        for _ in 0..3 {
            assert_eq!(daemon.login("demo", "zhangsan", "right").await.0, 200);
            accepted += 1;
        }
        daemon.kill();
        let lines = read(&home.path("audit.jsonl"));
        assert_eq!(lines.matches("\"verdict\":\"accept\"").count(), accepted, "{lines}");
    }
}

/// A disk that hangs is as bad as one that is full.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_let_in_while_the_trail_is_stuck() {
    let upstream = Upstream::start().await;
    let home = Home::new("audit: { file: trail, when_full: refuse }");
    home.connector("demo", &json_connector(&upstream.base, ""));
    let path = home.path("trail");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let reader = std::fs::File::options().read(true).write(true).open(&path).unwrap();
    let daemon = home.start();
    let (mut accepted, mut refused) = (0, None);
    while refused.is_none() {
        let (status, body) = daemon.login("demo", "zhangsan", "right").await;
        match status {
            200 => accepted += 1,
            _ => refused = Some((status, body["cause"].clone())),
        }
    }
    assert_eq!(refused, Some((503, json!("overloaded"))));
    // From now on nothing is even sent.
    let (_, body) = daemon.login("demo", "zhangsan", "right").await;
    assert_eq!(body["cause"], "overloaded", "{body}");
    let (status, ready) = daemon.call("GET", "/readyz", None).await;
    assert!(status == 503 && ready.contains("refusing"), "{ready}");
    wait_until(|| daemon.log().contains("the audit trail takes no line: a write to its file does not return"));
    daemon.kill();
    rustix::fs::fcntl_setfl(&reader, rustix::fs::OFlags::NONBLOCK).unwrap();
    let mut lines = Vec::new();
    let _ = std::io::Read::read_to_end(&mut &reader, &mut lines);
    let lines = String::from_utf8_lossy(&lines).matches("\"verdict\":\"accept\"").count();
    assert!(lines >= accepted, "{accepted} are in, {lines} lines say so");
}

/// An origin outside the operator's bound is no mistake of the file: the caller is told which, the log where.
#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_egress_forbids_says_so() {
    let home = Home::new("");
    home.connector("outside", &json_connector("http://10.9.8.7:8080", ""));
    let text = read(&home.path("doorward.yaml"))
        .replace("127.0.0.0/8", "127.0.0.0/8, 10.0.0.0/9")
        .replace("allow:", "deny: [ 10.9.0.0/16 ], allow:");
    std::fs::write(home.path("doorward.yaml"), text).unwrap();
    let daemon = home.start();
    let (status, body) = daemon.login("outside", "zhangsan", "right").await;
    assert_eq!((status, &body["verdict"]), (500, &json!("misconfigured")));
    let said = body["what"].as_str().unwrap_or_default();
    assert!(said.contains("egress"), "{body}");
    let line = daemon.log();
    let line = line.lines().find(|line| line.contains("connector error")).unwrap();
    // The place is that of the address, and not the beginning of the transport.
    assert!(line.contains("\"code\":\"egress\"") && line.contains("outside.yaml:4:27"), "{line}");
}
