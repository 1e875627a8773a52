//! One utility call, from its bounds to its log line.
//!
//! There is no password, so anything that reaches a way in can cause it: calls are bounded by client, connector and address
//! before anything is sent. A caller that disconnects cancels the call; no credential is at stake.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::Instant;

use super::App;
use super::callers::Caller;
use super::connectors::Connector;
use super::outcome::TooManyCalls;
use super::record;
use crate::document::Object;
use crate::flow::{UtilityCall, UtilityReport};
use crate::guard::{Denial, UtilityUse};
use crate::metrics::Shed;

/// What a caller asks, as values.
pub(crate) struct UtilityInputs {
    /// Where the utility reads it.
    pub username: Option<String>,
    /// The address of the user's device.
    pub client_ip: Option<IpAddr>,
    /// Declared inputs.
    pub inputs: Object,
    /// The caller's id for this call; drawn when absent.
    pub request_id: Option<String>,
    /// Can only shorten the connector's own timeout.
    pub timeout: Option<Duration>,
}

/// Why a call has no report.
#[derive(Debug)]
pub(crate) enum UtilityFailure {
    /// The caller has too many calls open.
    TooManyCalls,
    /// No slot is free.
    Overloaded,
    /// Utilities are called too often.
    TooOften(Duration),
    /// It cannot be counted in Redis, and the configuration says to refuse then.
    Uncounted,
    Panicked,
}

impl From<TooManyCalls> for UtilityFailure {
    fn from(TooManyCalls: TooManyCalls) -> Self {
        Self::TooManyCalls
    }
}

impl App {
    /// The bounds, cheapest first, and the call. None of the bounds waits.
    pub(crate) async fn utility(
        &self,
        caller: &Caller,
        connector: Arc<dyn Connector>,
        asked: UtilityInputs,
    ) -> Result<UtilityReport, UtilityFailure> {
        let started = Instant::now();
        let _permit = self.call_permit(caller)?;
        // A utility call takes a login's slot: what it costs is the same, and draining waits for both.
        let id = connector.about().id.clone();
        let _slot = self.login_slot(&id, &caller.client).map_err(|_| UtilityFailure::Overloaded)?;
        let used = UtilityUse { client: &caller.client.name, connector: &id, client_ip: asked.client_ip };
        self.utilities.take(&used, started).map_err(|refusal| {
            self.metrics.refused(refusal.by);
            UtilityFailure::TooOften(refusal.retry_after)
        })?;
        if let Some(shared) = &self.shared {
            shared.take_utility(&used).await.map_err(|denial| match denial {
                Denial::Refused(refusal) => {
                    self.metrics.refused(refusal.by);
                    UtilityFailure::TooOften(refusal.retry_after)
                }
                Denial::Uncounted => {
                    self.metrics.shed(Shed::Guard);
                    UtilityFailure::Uncounted
                }
            })?;
        }
        let call = UtilityCall {
            username: asked.username,
            client_ip: asked.client_ip,
            inputs: asked.inputs,
            request_id: asked.request_id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
            deadline: asked.timeout.map(|timeout| started + timeout),
            trace: false,
        };
        let report = AssertUnwindSafe(connector.utility(call)).catch_unwind().await.map_err(|_| {
            // The panic's text is not shown: it might hold data.
            self.metrics.panicked();
            UtilityFailure::Panicked
        })?;
        record::utility_call(self, caller, &report);
        Ok(report)
    }
}
