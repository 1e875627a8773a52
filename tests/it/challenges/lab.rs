//! A daemon in this process over real connector files, asked through its router.

use std::sync::Arc;

use axum::Router;
use doorward::api::router;
use doorward::attempt::{App, LiveConnectors};
use doorward::catalog::{Catalog, Loader};
use doorward::connector::check::SecretsFrom;
use doorward::flow::Unbounded;
use doorward::metrics::Metrics;
use doorward::script::Limits;
use doorward::state::{Bounds, Challenges};
use doorward::upstream::EgressRules;
use serde_json::{Value, json};

use crate::server::{Answer, TOKEN, config, post, send};
use crate::support::daemon::Home;
use crate::support::loader::within;

pub struct Lab {
    pub home: Home,
    pub connectors: Arc<LiveConnectors>,
    pub router: Router,
}

impl Lab {
    pub async fn new(connector: &str) -> Self {
        Self::keeping(connector, Challenges::memory(Bounds::default())).await
    }

    pub async fn keeping(connector: &str, challenges: Challenges) -> Self {
        let home = Home::new("");
        home.connector("corp", connector);
        let rules = EgressRules { allow: vec!["127.0.0.0/8".to_owned()], ..EgressRules::default() };
        let loader = Loader {
            limits: Limits { workers: 1, ..Limits::default() },
            secrets_from: SecretsFrom::Environment,
            ..within(&rules)
        };
        let catalog = Catalog::new(loader, home.path("connectors"));
        let connectors = Arc::new(LiveConnectors::new(catalog, Arc::new(Unbounded)));
        let lab = Self { router: Router::new(), home, connectors };
        lab.load().await;
        let router = lab.router_with(challenges);
        Self { router, ..lab }
    }

    pub async fn load(&self) {
        let (reloaded, diagnostics) = self.connectors.load().await.unwrap();
        assert!(reloaded.refused.is_empty(), "{diagnostics:#?}");
    }

    /// The API of another process with the same connectors: what it keeps is its own.
    pub fn router_with(&self, challenges: Challenges) -> Router {
        let mut config = config();
        config.guard.enabled = false;
        let app = App::new(&config, Arc::clone(&self.connectors) as _, Arc::new(Metrics::new()), None);
        router(Arc::new(app.keeping(Arc::new(challenges))))
    }

    pub async fn login(&self, username: &str, password: &str) -> Answer {
        let body = json!({ "username": username, "password": password, "client_ip": "192.0.2.7", "request_id": "r-7" });
        send(&self.router, post("/v1/connectors/corp/authenticate", TOKEN, body.to_string())).await
    }

    /// The challenge that a right password opens.
    pub async fn open(&self) -> Value {
        let answer = self.login("zhangsan", "right").await;
        assert_eq!(answer.status, 401, "{}", answer.body);
        answer.json()["challenge"].clone()
    }

    pub async fn call(&self, body: Value) -> Answer {
        send(&self.router, post("/v1/challenges", TOKEN, body.to_string())).await
    }

    pub async fn answer(&self, id: &Value, answers: Value) -> Answer {
        self.call(json!({ "challenge": id, "answers": answers })).await
    }

    pub async fn code(&self, id: &Value, code: &str) -> Answer {
        self.answer(id, json!({ "code": code })).await
    }

    pub async fn act(&self, id: &Value, action: &str) -> Answer {
        self.call(json!({ "challenge": id, "action": action })).await
    }
}

pub fn expired(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.header("doorward-verdict")), (403, Some("reject")), "{}", answer.body);
    assert_eq!(answer.json()["reason"], "challenge_expired", "{}", answer.body);
}

pub fn verdict(answer: &Answer, status: u16, word: &str) {
    assert_eq!((answer.status.as_u16(), answer.header("doorward-verdict")), (status, Some(word)), "{}", answer.body);
}
