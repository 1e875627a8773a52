//! The way to the collector: the client of `upstream`, so that no proxy variable is read, no redirect is followed, a reply has a
//! bound, and what is wrong is said in words.
//!
//! The operator names the collector in doorward.yaml, so `egress`, which bounds what connectors name, is not asked; addresses that
//! are never dialled (metadata, link-local, multicast) are refused here, too.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::fault::TracerError;
use super::queue::LastFault;
use crate::config::Tracing;
use crate::files;
use crate::request::Spellings;
use crate::upstream::{Client, Egress, EgressRules, Origin, Outgoing, TlsConfig, TransportConfig};

/// For one batch; nobody waits for it but the thread that sends.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// A collector answers with a few bytes.
const MAX_REPLY: usize = 64 << 10;

/// A bundle of all public CAs has 250 KiB.
const MAX_CA_BYTES: usize = 1 << 20;

/// The collector's client; its requests run in the daemon's runtime, whichever thread asks.
pub(super) struct Collector {
    client: Arc<Client>,
    runtime: Handle,
    fault: LastFault,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Collector")
    }
}

impl Collector {
    /// Within a runtime.
    pub(super) fn new(config: &Tracing, fault: LastFault) -> Result<Self, TracerError> {
        let ca_pem = match &config.ca_file {
            None => None,
            Some(path) => Some(
                files::read_text(path, MAX_CA_BYTES)
                    .map_err(|why| TracerError::Ca { path: path.clone(), why: why.to_string() })?,
            ),
        };
        let transport = TransportConfig {
            max_response: MAX_REPLY,
            max_in_flight: 1,
            tls: TlsConfig { ca_pem: ca_pem.map(String::into_bytes), ..TlsConfig::default() },
            ..TransportConfig::default()
        };
        let rules = EgressRules { allow_loopback: true, ..EgressRules::default() };
        let egress = Egress::new(&rules).map_err(|error| TracerError::Collector(error.to_string()))?;
        let origin = Origin::of(&config.endpoint).map_err(|error| TracerError::Collector(error.to_string()))?;
        let client = Client::new(&transport, Arc::new(egress), std::slice::from_ref(&origin));
        let client = Arc::new(client.map_err(|error| TracerError::Collector(error.to_string()))?);
        Ok(Self { client, runtime: Handle::current(), fault })
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let headers = parts.headers.into_iter().filter_map(|(name, value)| Some((name?, value))).collect();
        let outgoing = Outgoing {
            method: parts.method,
            url: parts.uri.to_string().parse()?,
            headers,
            spellings: Spellings::default(),
            body: Some(body),
            carries_credential: false,
            path_template: None,
            own: None,
        };
        let client = Arc::clone(&self.client);
        let sent = self.runtime.spawn(async move { client.send(&outgoing, Instant::now() + TIMEOUT).await }).await?;
        let reply = sent.map_err(|fault| {
            self.fault.set(fault.explain.clone());
            fault.explain
        })?;
        let mut response = Response::new(reply.body);
        *response.status_mut() = http::StatusCode::from_u16(reply.status)?;
        *response.headers_mut() = reply.headers;
        Ok(response)
    }
}
