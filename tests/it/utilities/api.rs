//! `POST /v1/utilities/{id}` from outside: every status, header and body, and the bounds.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use doorward::api::router;
use doorward::attempt::App;
use doorward::config::{Config, Guard, Limits, Scope, Utilities};
use doorward::metrics::Metrics;
use http::Request;
use tokio::sync::Semaphore;

use crate::made_up::{MadeUp, Shelf};
use crate::server::{Answer, TOKEN, client, config, post, send};

const CAPTCHA: &str = "/v1/utilities/captcha";

struct Bench {
    router: Router,
    utility: Arc<MadeUp>,
    metrics: Arc<Metrics>,
}

fn bench(change: impl FnOnce(&mut Config), utility: MadeUp) -> Bench {
    let mut config = config();
    change(&mut config);
    let (utility, metrics) = (Arc::new(utility), Arc::new(Metrics::new()));
    let shelf = Shelf(vec![Arc::clone(&utility), Arc::new(MadeUp::new("demo"))]);
    let app = App::new(&config, Arc::new(shelf), Arc::clone(&metrics), None);
    Bench { router: router(Arc::new(app)), utility, metrics }
}

fn usual() -> Bench {
    bench(|_| {}, MadeUp::utility("captcha"))
}

impl Bench {
    async fn call(&self, body: &str) -> Answer {
        send(&self.router, post(CAPTCHA, TOKEN, body.to_owned())).await
    }

    async fn ends(&self, how: &str) -> Answer {
        self.call(&format!(r#"{{"username":"{how}","request_id":"r-1","inputs":{{}}}}"#)).await
    }
}

/// None of these is a verdict: no header, and only an extension is 2xx.
#[tokio::test]
async fn every_end_has_its_status_headers_and_body() {
    let problem = |status: u16, code: &str, title: &str, rest: &str| {
        format!(r#"{{"status":{status},"code":"{code}","title":"{title}"{rest}}}"#)
    };
    for (how, status, retry_after, body) in [
        ("ok", 200, None, r#"{"extension":{"image":"R0lG","id":12345678901234567890}}"#.to_owned()),
        ("nothing", 200, None, r#"{"extension":null}"#.to_owned()),
        (
            "refused",
            422,
            None,
            problem(
                422,
                "refused",
                "The inputs are refused",
                r#","reason":"other","error_code":"1001","error_message":"no such number""#,
            ),
        ),
        ("invalid", 422, None, problem(422, "refused", "The inputs are refused", r#","reason":"invalid_input""#)),
        ("limited", 429, Some("120"), problem(429, "too_many_codes", "No further code may be sent now", "")),
        (
            "unavailable",
            503,
            None,
            problem(503, "unavailable", "The upstream could not be asked or understood", r#","cause":"timeout""#),
        ),
        (
            "misconfigured",
            500,
            None,
            problem(500, "misconfigured", "The connector is set up wrong", r#","detail":"env.x is set by no script""#),
        ),
        ("panic", 500, None, problem(500, "broken", "The call failed inside the daemon; see its log", "")),
    ] {
        let answer = usual().ends(how).await;
        assert_eq!(answer.status, status, "{how}");
        assert_eq!(answer.body, body, "{how}");
        let kind = if status == 200 { "application/json" } else { "application/problem+json" };
        assert_eq!(answer.header("content-type"), Some(kind), "{how}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{how}");
        assert_eq!(answer.header("retry-after"), retry_after, "{how}");
        assert_eq!(answer.header("doorward-verdict"), None, "{how}");
        assert_eq!(answer.header("www-authenticate"), None, "{how}");
    }
}

#[tokio::test]
async fn bodies_are_closed_and_passwords_are_not_taken() {
    for (body, status, code, word) in [
        ("{", 400, "malformed_body", ""),
        ("[]", 422, "invalid_body", "expected an object, found array"),
        ("{}", 422, "invalid_body", "/username"),
        (r#"{"username":""}"#, 422, "invalid_body", "empty"),
        (r#"{"username":"ok","password":"x"}"#, 422, "invalid_body", "/password"),
        (r#"{"username":"ok","attributes":{}}"#, 422, "invalid_body", "/attributes"),
        (r#"{"username":"ok","inputs":{"flor":1}}"#, 422, "invalid_body", "did you mean `floor`"),
        (r#"{"username":"ok","inputs":{"device_id":"12345"}}"#, 422, "invalid_body", "/inputs/device_id"),
        (r#"{"username":"ok","inputs":{"userPassword":"x"}}"#, 422, "invalid_body", "/inputs/userPassword"),
        (r#"{"username":"ok","inputs":[]}"#, 422, "invalid_body", "/inputs"),
        (r#"{"username":"ok","inputs":{},"inputs":{}}"#, 422, "invalid_body", "duplicate key"),
        (r#"{"username":"ok","client_ip":"here"}"#, 422, "invalid_body", "/client_ip"),
        (r#"{"username":"ok","timeout_ms":0}"#, 422, "invalid_body", "/timeout_ms"),
        (r#"{"username":"ok","request_id":""}"#, 422, "invalid_body", "/request_id"),
    ] {
        let bench = usual();
        let answer = bench.call(body).await;
        assert_eq!((answer.status.as_u16(), answer.json()["code"].as_str()), (status, Some(code)), "{body}");
        assert!(answer.body.contains(word), "{body}: {}", answer.body);
        assert_eq!(bench.utility.begun.load(Ordering::SeqCst), 0, "{body}: it was run");
    }
    for body in [
        r#"{"username":"ok"}"#,
        r#"{"username":"ok","inputs":null,"client_ip":null}"#,
        r#"{"username":"ok","inputs":{"device_id":"1234","floor":7},"client_ip":"::1","timeout_ms":5}"#,
    ] {
        assert_eq!(usual().call(body).await.status, 200, "{body}");
    }
}

/// Where nothing reads it, a user name may be sent all the same, so that a console treats all utilities alike.
#[tokio::test]
async fn a_user_name_is_wanted_only_where_it_is_read() {
    let mut utility = MadeUp::utility("captcha");
    utility.about.username = false;
    let bench = bench(|_| {}, utility);
    for (body, status) in
        [("{}", 200), (r#"{"username":"zhangsan"}"#, 200), (r#"{"username":""}"#, 200), (r#"{"username":1}"#, 422)]
    {
        assert_eq!(bench.call(body).await.status, status, "{body}");
    }
    for (bench, wanted) in [(bench, false), (usual(), true)] {
        let page = Request::get("/v1/connectors/captcha").header("authorization", "Bearer reader");
        let page = send(&bench.router, page.body(Body::empty()).unwrap()).await.json();
        assert_eq!(page["kind"], "utility");
        assert_eq!((&page["inputs"]["username"], &page["inputs"]["password"]), (&wanted.into(), &false.into()));
        assert_eq!(page["inputs"]["attributes"]["device_id"]["max"], 4);
    }
}

/// A utility cannot authenticate, and what authenticates is no utility: neither is there at the other's path.
#[tokio::test]
async fn the_two_kinds_are_not_found_at_each_others_paths() {
    let bench = usual();
    let login = r#"{"username":"zhangsan","password":"accept"}"#;
    for (path, body) in [
        ("/v1/connectors/captcha/authenticate", login),
        ("/v1/connectors/captcha/test", login),
        ("/v1/utilities/demo", "{}"),
        ("/v1/utilities/nothing", "{}"),
    ] {
        let answer = send(&bench.router, post(path, TOKEN, body)).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (404, &"unknown_connector".into()), "{path}");
    }
    let theirs = send(&bench.router, post(CAPTCHA, "narrow", r#"{"username":"ok"}"#)).await;
    assert_eq!(theirs.status, 404, "a client that may not use it");
}

fn rates(client: u32, connector: u32, client_ip: u32) -> Guard {
    let utilities = Utilities { client, connector, client_ip, per: Duration::from_mins(1) };
    Guard { utilities, ..Guard::default() }
}

#[tokio::test]
async fn calls_beyond_the_rate_are_429_and_nothing_is_run() {
    for (guard, by) in [
        (rates(2, 100, 100), "utility_client"),
        (rates(100, 2, 100), "utility_connector"),
        (rates(100, 100, 2), "utility_client_ip"),
    ] {
        let bench = bench(|config| config.guard = guard, MadeUp::utility("captcha"));
        let body = r#"{"username":"ok","client_ip":"192.0.2.1"}"#;
        for status in [200, 200, 429, 429] {
            let answer = bench.call(body).await;
            assert_eq!(answer.status, status, "{by}");
            if status == 429 {
                assert_eq!(answer.json()["code"], "too_often", "{by}");
                assert_eq!(answer.header("retry-after"), Some("30"), "{by}");
            }
        }
        assert_eq!(bench.utility.begun.load(Ordering::SeqCst), 2, "{by}");
        let line = format!("doorward_guard_refusals_total{{by=\"{by}\"}} 2");
        assert!(bench.metrics.text().contains(&line), "{line}");
        let login = r#"{"username":"zhangsan","password":"accept","client_ip":"192.0.2.1"}"#;
        let login = send(&bench.router, post("/v1/connectors/demo/authenticate", TOKEN, login)).await;
        assert_eq!(login.status, 200, "{by}: logins go on");
    }
}

/// A utility call takes a login's place, and a client's place.
#[tokio::test]
async fn the_bounds_of_daemon_and_client_hold_for_utilities() {
    let (go, waiting) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let change = |config: &mut Config| {
        config.limits = Limits { in_flight: 1, ..Limits::default() };
        let mut one = client("one", "one", &Scope::ALL, None);
        one.max_in_flight = Some(1);
        config.clients.push(one);
    };
    let hangs = MadeUp { go: Some(Arc::clone(&go)), waiting: Some(Arc::clone(&waiting)), ..MadeUp::utility("captcha") };
    let bench = Arc::new(bench(change, hangs));
    let first = {
        let router = bench.router.clone();
        let hang = post(CAPTCHA, "one", r#"{"username":"hang"}"#);
        tokio::spawn(async move { send(&router, hang).await.status })
    };
    waiting.acquire().await.unwrap().forget();
    let answer = send(&bench.router, post(CAPTCHA, "one", r#"{"username":"ok"}"#)).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (429, &"too_many_calls".into()));
    let answer = bench.ends("ok").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["cause"]), (503, &"overloaded".into()));
    assert_eq!(answer.header("retry-after"), Some("1"));
    go.add_permits(1);
    assert_eq!(first.await.unwrap(), 200);
    assert_eq!(bench.ends("ok").await.status, 200);
}

#[tokio::test]
async fn calls_are_counted_by_outcome() {
    let bench = usual();
    for how in ["ok", "nothing", "refused", "limited", "unavailable", "panic"] {
        bench.ends(how).await;
    }
    let text = bench.metrics.text();
    for line in [
        r#"doorward_utility_calls_total{connector="captcha",outcome="ok",detail=""} 2"#,
        r#"doorward_utility_calls_total{connector="captcha",outcome="refused",detail="other"} 1"#,
        r#"doorward_utility_calls_total{connector="captcha",outcome="limited",detail=""} 1"#,
        r#"doorward_utility_calls_total{connector="captcha",outcome="unavailable",detail="timeout"} 1"#,
        r#"doorward_guard_refusals_total{by="sends"} 1"#,
        r#"doorward_problems_total{code="refused"} 1"#,
        "doorward_panics_total 1",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}
