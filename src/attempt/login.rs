//! A login as a way in asks for it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::App;
use super::callers::Caller;
use super::connectors::Connector;
use super::door_rules::DoorRules;
use super::outcome::{AttemptOutcome, Mode, TooManyCalls};
use super::run::{Attempt, Work};
use super::sessions::SessionWish;
use crate::account::bounded;
use crate::clock::System;
use crate::document::Object;
use crate::flow;
use crate::flow::report::LoginNames;
use crate::otel::RemoteParent;
use crate::secret::Secret;

/// What a caller asks, as values: whatever format they came in was read before.
pub(crate) struct Login {
    /// Byte for byte.
    pub username: String,
    /// Byte for byte; empty where the connector takes none.
    pub password: Secret,
    /// The address of the user's device.
    pub client_ip: Option<IpAddr>,
    /// Declared attributes.
    pub attributes: Object,
    /// The caller's id for this login; drawn when absent.
    pub request_id: Option<String>,
    /// Can only shorten the connector's own timeout.
    pub timeout: Option<Duration>,
    pub mode: Mode,
    /// What the door demands that the login comes through; `None` at the API.
    pub rules: Option<Arc<dyn DoorRules>>,
    /// The caller's span above this login.
    pub parent: Option<RemoteParent>,
    /// Whether its accept is to open a session.
    pub session: bool,
}

impl App {
    /// Runs one login to its verdict.
    pub(crate) async fn login(
        self: &Arc<Self>,
        caller: &Arc<Caller>,
        connector: Arc<dyn Connector>,
        login: Login,
    ) -> Result<AttemptOutcome, TooManyCalls> {
        let permit = self.call_permit(caller)?;
        let about = connector.about();
        let names = Arc::new(LoginNames {
            connector: about.id.clone(),
            revision: about.revision.clone(),
            request_id: login.request_id.unwrap_or_else(|| System.uuid().to_string()),
            account: bounded(&connector.account(&login.username)).into_owned(),
            username: login.username.clone(),
        });
        let attempt = Attempt {
            app: Arc::clone(self),
            caller: Arc::clone(caller),
            connector,
            names,
            client_ip: login.client_ip,
            started: Instant::now(),
            mode: login.mode,
            reservation: None,
            rules: login.rules,
            span: self.begin_span(login.parent),
            wish: SessionWish::now(self).filter(|_| login.session),
        };
        let login = flow::Login {
            username: login.username,
            password: login.password,
            client_ip: login.client_ip,
            attributes: login.attributes,
            request_id: attempt.names.request_id.clone(),
            deadline: login.timeout.map(|timeout| attempt.started + timeout),
            trace: login.mode != Mode::Login,
        };
        Ok(attempt.run(permit, Work::Begin(Box::new(login))).await)
    }
}
