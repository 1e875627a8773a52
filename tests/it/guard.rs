//! Guard and bounds through the API.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use doorward::api::router;
use doorward::attempt::App;
use doorward::config::{Config, Guard, Limits};
use doorward::metrics::Metrics;
use tokio::sync::Semaphore;

use crate::made_up::{MadeUp, Shelf};
use crate::server::{Answer, TOKEN, client, config, post, send};

const LOGIN: &str = "/v1/connectors/demo/authenticate";

struct Bench {
    router: Router,
    connector: Arc<MadeUp>,
    metrics: Arc<Metrics>,
}

fn bench(change: impl FnOnce(&mut Config), connector: MadeUp) -> Bench {
    let mut config = config();
    change(&mut config);
    let connector = Arc::new(connector);
    let metrics = Arc::new(Metrics::new());
    let shelf = Arc::new(Shelf(vec![Arc::clone(&connector)]));
    let app = App::new(&config, shelf, Arc::clone(&metrics), None);
    Bench { router: router(Arc::new(app)), connector, metrics }
}

impl Bench {
    async fn login(&self, username: &str, password: &str, ip: &str) -> Answer {
        let body = format!(r#"{{"username":"{username}","password":"{password}","client_ip":"{ip}"}}"#);
        send(&self.router, post(LOGIN, TOKEN, body)).await
    }
}

#[tokio::test]
async fn too_many_failures_are_refused_and_nothing_is_sent() {
    let bench = bench(|_| {}, MadeUp::new("demo"));
    for _ in 0..6 {
        assert_eq!(bench.login("alice", "wrong", "10.0.0.1").await.json()["reason"], "invalid_credentials");
    }
    let begun = bench.connector.begun.load(Ordering::SeqCst);
    for password in ["wrong", "accept"] {
        let answer = bench.login(" Alice", password, "10.0.0.1").await;
        assert_eq!(answer.status, 403);
        assert_eq!(answer.header("doorward-verdict"), Some("reject"));
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!((&answer.json()["reason"], &answer.json()["retry_after"]), (&"too_many_attempts".into(), &1.into()));
    }
    assert_eq!(bench.connector.begun.load(Ordering::SeqCst), begun, "nothing was run");
    assert_eq!(bench.login("alice", "accept", "10.0.0.2").await.status, 200);
    assert_eq!(bench.login("bob", "accept", "10.0.0.1").await.status, 200);
    assert!(bench.metrics.text().contains("doorward_guard_refusals_total{by=\"user\"} 2"));
}

/// Rejects count alike whatever they say about the name; everything else does not count.
#[tokio::test]
async fn the_guard_is_no_oracle_for_user_names() {
    for (password, status, counts) in [
        ("wrong", 403, true),
        ("locked", 403, true),
        ("challenge", 401, false),
        // An upstream that says no in a way that the connector cannot read was guessed at all the same.
        ("unreadable", 503, true),
        ("unavailable", 503, false),
        ("misconfigured", 500, false),
        ("panic", 500, false),
        ("accept", 200, false),
    ] {
        let bench = bench(|config| config.guard = Guard { user_failures: 0, ..Guard::default() }, MadeUp::new("demo"));
        assert_eq!(bench.login("alice", password, "10.0.0.1").await.status, status, "{password}");
        let refused = bench.login("alice", "accept", "10.0.0.1").await.status == 403;
        assert_eq!(refused, counts, "{password}");
    }
}

#[tokio::test]
async fn locked_attempts_cost_others_nothing() {
    let bench = bench(|config| config.guard = Guard { user_failures: 0, ..Guard::default() }, MadeUp::new("demo"));
    bench.login("alice", "wrong", "10.0.0.1").await;
    for _ in 0..10_000 {
        // Now and then a wait is over; the failure that is let in begins the next one.
        assert_eq!(bench.login("alice", "wrong", "10.0.0.1").await.status, 403);
    }
    assert!(bench.connector.begun.load(Ordering::SeqCst) < 100, "nearly all were refused without a run");
    assert_eq!(bench.login("bob", "accept", "10.0.0.1").await.status, 200);
}

#[tokio::test]
async fn beyond_the_bound_of_the_daemon_is_overloaded_at_once() {
    let (go, waiting) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let connector = MadeUp { go: Some(Arc::clone(&go)), waiting: Some(Arc::clone(&waiting)), ..MadeUp::new("demo") };
    let bench = Arc::new(bench(|config| config.limits = Limits { in_flight: 1, ..Limits::default() }, connector));
    let first = {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move { bench.login("alice", "hang", "10.0.0.1").await.status })
    };
    waiting.acquire().await.unwrap().forget();
    let answer = bench.login("bob", "accept", "10.0.0.1").await;
    assert_eq!(answer.status, 503);
    assert_eq!((answer.header("doorward-verdict"), answer.header("retry-after")), (Some("unavailable"), Some("1")));
    assert_eq!(answer.json()["cause"], "overloaded");
    go.add_permits(1);
    assert_eq!(first.await.unwrap(), 200);
    assert_eq!(bench.login("bob", "accept", "10.0.0.1").await.status, 200);
}

#[tokio::test]
async fn beyond_the_bound_of_a_client_is_429() {
    let (go, waiting) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let connector = MadeUp { go: Some(Arc::clone(&go)), waiting: Some(Arc::clone(&waiting)), ..MadeUp::new("demo") };
    let bench = Arc::new(bench(
        |config| {
            let mut one = client("one", "one", &doorward::config::Scope::ALL, None);
            one.max_in_flight = Some(1);
            config.clients.push(one);
        },
        connector,
    ));
    let ask = |password: &str| post(LOGIN, "one", format!(r#"{{"username":"a","password":"{password}"}}"#));
    let first = {
        let (bench, hang) = (Arc::clone(&bench), ask("hang"));
        tokio::spawn(async move { send(&bench.router, hang).await.status })
    };
    waiting.acquire().await.unwrap().forget();
    let answer = send(&bench.router, ask("accept")).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, Some("1")));
    assert_eq!(answer.header("doorward-verdict"), None);
    assert_eq!(bench.login("a", "accept", "10.0.0.1").await.status, 200, "other clients go on");
    go.add_permits(1);
    assert_eq!(first.await.unwrap(), 200);
}

#[tokio::test]
async fn without_a_place_in_the_audit_trail_nobody_is_let_in() {
    use doorward::audit::Trail;
    use doorward::config::{Audit, UserName, WhenFull};
    let metrics = Arc::new(Metrics::new());
    let audit = Audit {
        file: "/dev/full".into(),
        max_size: 1 << 20,
        keep: 1,
        user_name: UserName::Clear,
        when_full: WhenFull::Refuse,
    };
    let trail = Trail::open(&audit, Arc::clone(&metrics)).unwrap();
    let connector = Arc::new(MadeUp::new("demo"));
    let shelf = Arc::new(Shelf(vec![Arc::clone(&connector)]));
    let app = Arc::new(App::new(&config(), shelf, metrics, Some(trail)));
    let router = router(Arc::clone(&app));
    let ask = || post(LOGIN, TOKEN, r#"{"username":"a","password":"accept"}"#);
    // Nobody knows of the full disk yet: the login runs, and its accept does not leave without a line.
    let answer = send(&router, ask()).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["cause"]), (503, &"overloaded".into()));
    assert_eq!(connector.begun.load(Ordering::SeqCst), 1);
    while app.trail().unwrap().healthy() {
        tokio::task::yield_now().await;
    }
    let begun = connector.begun.load(Ordering::SeqCst);
    let answer = send(&router, ask()).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["cause"]), (503, &"overloaded".into()));
    assert_eq!(connector.begun.load(Ordering::SeqCst), begun);
    let ready = send(&router, http::Request::get("/readyz").body("".into()).unwrap()).await;
    assert_eq!((ready.status.as_u16(), &ready.json()["status"]), (503, &"refusing".into()));
}

/// Neither long names nor refusals without end roll the trail away; who is refused there is told as ever.
#[tokio::test]
async fn refused_attempts_write_few_and_short_lines() {
    use doorward::audit::Trail;
    use doorward::config::{Audit, UserName, WhenFull};
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("logins.jsonl");
    let metrics = Arc::new(Metrics::new());
    let audit = Audit {
        file: file.clone(),
        max_size: 1 << 30,
        keep: 1,
        user_name: UserName::Clear,
        when_full: WhenFull::Continue,
    };
    let trail = Trail::open(&audit, Arc::clone(&metrics)).unwrap();
    let shelf = Arc::new(Shelf(vec![Arc::new(MadeUp::new("demo"))]));
    let mut config = config();
    config.guard = Guard { user_failures: 0, waits: vec![std::time::Duration::from_mins(10)], ..Guard::default() };
    let router = router(Arc::new(App::new(&config, shelf, Arc::clone(&metrics), Some(trail))));
    let long = "é".repeat(30_000);
    for number in 0..400 {
        let password = if number == 0 { "wrong" } else { "accept" };
        let body = format!(r#"{{"username":"{long}","password":"{password}","client_ip":"10.0.0.1"}}"#);
        let answer = send(&router, post(LOGIN, TOKEN, body)).await;
        assert_eq!(answer.status, 403);
        if number > 0 {
            assert_eq!(answer.json()["reason"], "too_many_attempts");
        }
    }
    let body = r#"{"username":"bob","password":"accept","client_ip":"10.0.0.1"}"#;
    assert_eq!(send(&router, post(LOGIN, TOKEN, body)).await.status, 200, "and its line is written");
    let lines = || {
        let text = std::fs::read_to_string(&file).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<serde_json::Value>>()
    };
    crate::support::daemon::wait_until(|| lines().iter().any(|line| line["username"] == "bob"));
    let lines = lines();
    assert!((100..200).contains(&lines.len()), "{}", lines.len());
    for line in &lines {
        assert!(line.to_string().len() < 2048, "{line}");
        assert!(line["username"].as_str().unwrap().chars().count() <= 256);
    }
    assert!(metrics.text().contains("doorward_audit_lines_left_out_total"), "{}", metrics.text());
}
