//! The pages beside logins: connectors, reload, send test, readiness, metrics, the description of the API.

use std::sync::Arc;

use axum::body::Body;
use doorward::api::router;
use doorward::attempt::App;
use doorward::config::Scope;
use doorward::metrics::{CallerDisconnect, Closed, Shed};
use http::Request;

use super::{Answer, LOGIN, TOKEN, app, client, config, demo, post, problem, send};
use crate::made_up::{MadeUp, Shelf};

pub fn get(path: &str, token: &str) -> Request<Body> {
    Request::get(path).header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_client_sees_its_own_connectors() {
    let all = send(&demo(), get("/v1/connectors", "reader")).await;
    let ids = |answer: &Answer| -> Vec<String> {
        let json = answer.json();
        json["connectors"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&all), ["demo", "other"]);
    assert_eq!(ids(&send(&demo(), get("/v1/connectors", "narrow")).await), ["other"]);
    problem(&send(&demo(), get("/v1/connectors/demo", "narrow")).await, 404, "unknown_connector", "demo");
    let one = send(&demo(), get("/v1/connectors/demo", "reader")).await;
    assert_eq!(
        one.body,
        concat!(
            r#"{"id":"demo","title":"Made up","kind":"authentication","revision":"rev1","health":"current","inputs":{"username":true,"password":true,"#,
            r#""attributes":{"device_id":{"required":false,"max":4},"floor":{"required":false,"max":null}},"#,
            r#""password_fields":null,"username_fields":null}}"#
        )
    );
}

#[tokio::test]
async fn every_page_but_health_wants_a_token_and_its_scope() {
    for (request, scope) in [
        (post("/v1/utilities/demo", "x", "{}"), "authenticate"),
        (post("/v1/connectors/demo/test", "x", "{}"), "test"),
        (get("/v1/connectors", "x"), "read"),
        (get("/v1/connectors/demo", "x"), "read"),
        (get("/v1/logins/x", "x"), "read"),
        (get("/metrics", "x"), "read"),
        (get("/openapi.json", "x"), "read"),
        (post("/v1/reload", "x", ""), "reload"),
        (get("/v1/sessions", "x"), "sessions"),
        (post("/v1/sessions/refresh", "x", "{}"), "sessions"),
        (post("/v1/sessions/verify", "x", "{}"), "sessions"),
        (post("/v1/sessions/kick", "x", "{}"), "sessions"),
    ] {
        let (parts, _) = request.into_parts();
        for (token, code) in [("x", "invalid_token"), ("bare", "insufficient_scope")] {
            let mut config = config();
            let other = if scope == "authenticate" { Scope::Read } else { Scope::Authenticate };
            config.clients.push(client("bare", "bare", &[other], None));
            let app = App::new(&config, Arc::new(Shelf(vec![Arc::new(MadeUp::new("demo"))])), Arc::default(), None);
            let mut request = Request::from_parts(parts.clone(), Body::from("{}"));
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
            let answer = send(&router(Arc::new(app)), request).await;
            problem(&answer, 401, code, parts.uri.path());
            if token == "bare" {
                assert!(answer.header("www-authenticate").unwrap().contains(&format!("scope=\"{scope}\"")));
            }
        }
    }
}

#[tokio::test]
async fn a_reload_answers_with_the_ids_of_the_client() {
    let answer = send(&demo(), post("/v1/reload", TOKEN, "")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (200, r#"{"changed":["demo"],"removed":[],"refused":[]}"#)
    );
    let answer = send(&demo(), post("/v1/reload", "narrow", "")).await;
    assert_eq!(answer.body, r#"{"changed":[],"removed":[],"refused":[]}"#);
}

#[tokio::test]
async fn a_send_test_shows_its_stages_and_masks_what_the_upstream_said() {
    let body = r#"{"username":"zhangsan","password":"accept#hunter2"}"#;
    let answer = send(&demo(), post("/v1/connectors/demo/test", TOKEN, body)).await;
    assert_eq!((answer.status.as_u16(), answer.header("doorward-verdict")), (200, Some("accept")));
    let json = answer.json();
    assert_eq!((&json["verdict"], &json["connector"]), (&"accept".into(), &"demo".into()));
    assert!(json["trace"].is_array() && json["explain"].is_string(), "{json}");
    assert!(!answer.body.contains("12345678901234567890") && !answer.body.contains("张三"), "{json}");
    assert!(!answer.body.contains("hunter2"));
    let rendered = r#"{"username":"zhangsan","password":"accept","mode":"render"}"#;
    let answer = send(&demo(), post("/v1/connectors/demo/test", TOKEN, rendered)).await;
    problem(&answer, 409, "rendered", "render");
    assert!(answer.json()["trace"].is_array());
    let wrong = r#"{"username":"zhangsan","password":1,"mode":"dry"}"#;
    let answer = send(&demo(), post("/v1/connectors/demo/test", TOKEN, wrong)).await;
    problem(&answer, 422, "invalid_body", "mode");
    assert_eq!(answer.json()["errors"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn readiness_and_metrics() {
    let app = Arc::new(app(vec![Arc::new(MadeUp::new("demo"))]));
    let router = router(Arc::clone(&app));
    let open = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let ready = send(&router, open("/readyz")).await;
    assert_eq!(
        ready.body,
        r#"{"status":"ready","state":"ok","sandbox":"unused","configuration":{"status":"current","restart":[]},"connectors":{"current":1,"stale":0,"invalid":0}}"#
    );
    app.drain();
    let ready = send(&router, open("/readyz")).await;
    assert_eq!((ready.status.as_u16(), &ready.json()["status"]), (503, &"draining".into()));
    send(&router, post(LOGIN, TOKEN, "{")).await;
    let metrics = send(&router, get("/metrics", TOKEN)).await;
    assert!(metrics.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    for line in ["doorward_problems_total{code=\"malformed_body\"} 1", "doorward_connectors{health=\"current\"} 1"] {
        assert!(metrics.body.contains(line), "{line}\n{}", metrics.body);
    }
}

#[tokio::test]
async fn the_committed_api_description_is_current_and_served() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let document = doorward::api::openapi_document();
    expect_test::expect_file![path].assert_eq(&format!("{document:#}\n"));
    assert_eq!(send(&demo(), get("/openapi.json", TOKEN)).await.json(), document);
}

/// A rule without what Prometheus wants of it would not load.
#[test]
fn each_alert_says_when_how_bad_and_what_to_do() {
    let rules = include_str!("../../../examples/prometheus-alerts.yaml");
    let alerts: Vec<&str> = rules.split("      - alert: ").skip(1).collect();
    assert!(alerts.len() > 10);
    for alert in alerts {
        for key in ["\n        expr: ", "\n        labels: { severity: ", "\n        annotations: { summary: \""] {
            assert_eq!(alert.matches(key).count(), 1, "{key} in {alert}");
        }
        let expression = alert.split("expr: ").nth(1).unwrap().lines().next().unwrap();
        for (open, close) in [('(', ')'), ('{', '}'), ('[', ']')] {
            assert_eq!(expression.matches(open).count(), expression.matches(close).count(), "{expression}");
        }
    }
}

/// The metrics that documents and dashboard name exist, and all that exist are documented.
#[tokio::test]
async fn documents_name_the_metrics_that_are_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let app = Arc::new(app(vec![Arc::new(MadeUp::new("demo")), Arc::new(MadeUp::utility("captcha"))]));
    // A family without a sample is not in the text.
    app.metrics.closed(Closed::Idle);
    app.metrics.shed(Shed::Logins);
    app.metrics.gone(CallerDisconnect::Ended);
    app.metrics.refused("user");
    app.metrics.reloaded("ok");
    app.metrics.door("nginx", "accept");
    app.metrics.sandbox("seccomp", true);
    app.metrics.spans_dropped(doorward::metrics::SpanLoss::Queue, 1);
    let ended = [("kicked", 1)].into_iter().collect();
    app.metrics.sessions(&doorward::session::SessionCounts { open: 1, opened: 2, ended });
    let router = router(app);
    for body in ["{", r#"{"username":"zhangsan","password":"accept"}"#] {
        send(&router, post(LOGIN, TOKEN, body)).await;
    }
    send(&router, post("/v1/utilities/captcha", TOKEN, r#"{"username":"ok"}"#)).await;
    let text = send(&router, get("/metrics", TOKEN)).await.body;
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert!(names.len() > 15, "{text}");
    let (dashboard, alerts) = ("examples/grafana-dashboard.json", "examples/prometheus-alerts.yaml");
    for document in ["docs/operation.md", "docs/logging.md", dashboard, alerts] {
        let text = read(document);
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        for word in words.filter(|word| word.starts_with("doorward_")) {
            let base = ["_total", "_bucket", "_info"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
            assert!(names.contains(&base), "{document} names {word}");
        }
    }
    for name in names {
        assert!(name == "doorward_build" || read(dashboard).contains(name), "{dashboard} does not draw {name}");
        assert!(read("docs/operation.md").contains(name), "docs/operation.md does not name {name}");
    }
}
