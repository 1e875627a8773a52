//! What `/readyz`, `/metrics` and the process itself say about how safe the daemon stands.

use std::sync::Arc;

use axum::body::Body;
use doorward::api::router;
use doorward::attempt::App;
use doorward::attempt::connectors::{Connector, Connectors, Reloaded};
use doorward::metrics::Metrics;
use doorward::script::Sandbox;
use futures_util::future::BoxFuture;
use http::Request;

use crate::canary::Upstream;
use crate::made_up::MadeUp;
use crate::server::{TOKEN, app, config, post, send};
use crate::support::daemon::{Home, json_connector};

/// Connectors whose script workers have this sandbox.
struct Held(Option<Sandbox>);

impl Connectors for Held {
    fn find(&self, _: &str) -> Option<Arc<dyn Connector>> {
        None
    }

    fn list(&self) -> Vec<Arc<dyn Connector>> {
        Vec::new()
    }

    fn reload(&self) -> BoxFuture<'_, Reloaded> {
        Box::pin(std::future::ready(Reloaded::default()))
    }

    fn sandbox(&self) -> Option<Sandbox> {
        self.0
    }
}

#[tokio::test]
async fn a_worker_without_its_sandbox_is_said() {
    let partial = Sandbox { landlock: false, ..Sandbox::WHOLE };
    for (sandbox, word, metric) in [
        (None, "unused", None),
        (Some(Sandbox::WHOLE), "whole", Some("doorward_script_sandbox{part=\"landlock\"} 1")),
        (Some(partial), "partial", Some("doorward_script_sandbox{part=\"landlock\"} 0")),
        (Some(Sandbox::default()), "off", Some("doorward_script_sandbox{part=\"seccomp\"} 0")),
    ] {
        let app = App::new(&config(), Arc::new(Held(sandbox)), Arc::new(Metrics::new()), None);
        let router = router(Arc::new(app));
        let ready = send(&router, Request::get("/readyz").body(Body::empty()).unwrap()).await;
        // Scripts come from the operator: the sandbox is a second fence, and a daemon without it still serves.
        assert_eq!((ready.status.as_u16(), &ready.json()["sandbox"]), (200, &word.into()));
        let asked = Request::get("/metrics").header("authorization", format!("Bearer {TOKEN}")).body(Body::empty());
        let metrics = send(&router, asked.unwrap()).await.body;
        match metric {
            Some(line) => assert!(metrics.contains(line), "{word}: {metrics}"),
            None => assert!(!metrics.contains("doorward_script_sandbox{"), "{metrics}"),
        }
    }
}

/// What a real worker reports, the daemon passes on: in `/readyz`, and in the log where a part is missing.
#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_says_what_holds_its_workers_and_leaves_no_core() {
    let upstream = Upstream::start().await;
    let home = Home::new("");
    home.connector("demo", &json_connector(&upstream.base, ""));
    let daemon = home.start();
    let (_, ready) = daemon.call("GET", "/readyz", None).await;
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    let said = daemon.log().contains("script workers run without their whole sandbox");
    assert_eq!(ready["sandbox"] != "whole", said, "{ready} {}", daemon.log());
    assert_ne!(ready["sandbox"], "unused");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", daemon.id())).unwrap();
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().take(2).collect::<Vec<_>>(), ["0", "0"]);
    // What belongs to a process that is not dumpable belongs to root (proc(5)); where all is root's, this says nothing.
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(format!("/proc/{}/mem", daemon.id())).unwrap());
    assert_eq!(owner, 0);
}

/// One made-up connector's metrics are not another client's business.
#[tokio::test]
async fn a_client_sees_the_metrics_of_its_connectors() {
    let app = app(vec![Arc::new(MadeUp::new("demo")), Arc::new(MadeUp::new("other"))]);
    let router = router(Arc::new(app));
    for connector in ["demo", "other"] {
        let login = r#"{"username":"zhangsan","password":"accept"}"#;
        send(&router, post(&format!("/v1/connectors/{connector}/authenticate"), TOKEN, login)).await;
    }
    let metrics = async |token: &str| {
        let asked = Request::get("/metrics").header("authorization", format!("Bearer {token}")).body(Body::empty());
        send(&router, asked.unwrap()).await.body
    };
    let (all, own) = (metrics(TOKEN).await, metrics("narrow").await);
    for family in ["doorward_logins_total{", "doorward_login_duration_seconds_bucket{"] {
        for connector in ["demo", "other"] {
            let line = format!("{family}connector=\"{connector}\"");
            let bucket = format!("connector=\"{connector}\"");
            let has = |text: &str| text.lines().any(|it| it.starts_with(family) && it.contains(&bucket));
            assert!(has(&all), "{line}: {all}");
            assert_eq!(has(&own), connector == "other", "{line}: {own}");
        }
    }
    assert!(!own.contains("demo"), "{own}");
    // What belongs to no connector, and what says what a sample means, is there for both.
    for line in ["doorward_logins_in_flight ", "# HELP doorward_logins ", "# EOF"] {
        assert!(all.contains(line) && own.contains(line), "{line}: {own}");
    }
}
