//! Reloads while people log in: no login is lost and none meets half a generation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use doorward::attempt::LiveConnectors;
use doorward::attempt::connectors::{Call, Connectors as _};
use doorward::catalog::{Catalog, CatalogEntry, Loader};
use doorward::connector::Live;
use doorward::connector::check::SecretsFrom;
use doorward::document::Object;
use doorward::flow::progress::Progress;
use doorward::flow::{Login, NoChallengeStore, Unbounded};
use doorward::upstream::EgressRules;

use crate::canary::Upstream;
use crate::support::daemon::{Home, json_connector};
use crate::support::loader::within;

fn catalog(home: &Home) -> Catalog {
    let egress = EgressRules { allow: vec!["127.0.0.0/8".to_owned()], ..EgressRules::default() };
    let loader = Loader { secrets_from: SecretsFrom::Environment, ..within(&egress) };
    Catalog::new(loader, home.path("connectors"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_reloads_under_load_lose_no_login() {
    let upstream = Upstream::start().await;
    let home = Home::new("");
    let plain = json_connector(&upstream.base, "")
        .replace("    variables: |\n      env.digest = code_util.md5(user.userPassword);\n", "")
        .replace("{{env.digest}}", "{{user.userPassword | md5}}");
    home.connector("demo", &plain);
    let connectors = Arc::new(LiveConnectors::new(catalog(&home), Arc::new(Unbounded)));
    let (reloaded, diagnostics) = connectors.load().await.unwrap();
    assert_eq!(reloaded.changed, ["demo"], "{diagnostics:?}");
    let done = Arc::new(AtomicBool::new(false));
    let people: Vec<_> = (0..4)
        .map(|person| {
            let (connectors, done) = (Arc::clone(&connectors), Arc::clone(&done));
            tokio::spawn(async move {
                let mut accepted = 0;
                while !done.load(Ordering::Relaxed) {
                    let login = Login {
                        username: format!("user{person}"),
                        password: "right".into(),
                        client_ip: None,
                        attributes: Object::new(),
                        request_id: "r".to_owned(),
                        deadline: None,
                        trace: false,
                    };
                    let call =
                        Call { progress: Progress::default(), challenges: Arc::new(NoChallengeStore), span: None };
                    let report = connectors.find("demo").unwrap().run(login, call).await;
                    assert_eq!(report.verdict.name(), "accept", "{}", report.explain);
                    accepted += 1;
                }
                accepted
            })
        })
        .collect();
    for round in 0..1000 {
        // Every other generation is another revision; some are invalid and keep the last good one.
        match round % 4 {
            0 => home.connector("demo", &plain),
            2 => home.connector("demo", &plain.replace("500", "501")),
            3 => home.connector("demo", "version: 1\n"),
            _ => {}
        }
        connectors.load().await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    for person in people {
        assert!(person.await.unwrap() > 0);
    }
}

/// A login that runs keeps its generation: reload after reload would leave workers behind for each such login.
#[tokio::test(flavor = "multi_thread")]
async fn a_generation_that_only_logins_hold_keeps_no_worker() {
    let home = Home::new("");
    home.connector("demo", &json_connector("http://127.0.0.1:1", ""));
    home.connector("stale", &json_connector("http://127.0.0.1:1", ""));
    let catalog = catalog(&home);
    let live = |id: &str| -> Arc<Live> {
        let Some(CatalogEntry::Live { live, .. }) = catalog.get(id) else { panic!("{id} runs") };
        live
    };
    let workers = |live: &Live| live.scripts.as_ref().unwrap().pids().len();
    catalog.reload().await.unwrap();
    let of_a_login = live("demo");
    assert!(workers(&of_a_login) > 0);
    catalog.reload().await.unwrap();
    wait_for(|| workers(&of_a_login) == 0).await;
    assert!(workers(&live("demo")) > 0, "the present generation is always ready");
    home.connector("stale", "version: 1\n");
    catalog.reload().await.unwrap();
    assert!(!Arc::ptr_eq(live("demo").scripts.as_ref().unwrap(), live("stale").scripts.as_ref().unwrap()));
    wait_for(|| workers(&live("stale")) == 0).await;
}

async fn wait_for(mut reached: impl FnMut() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let reached = async {
        while !reached() {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), reached).await.unwrap();
}
