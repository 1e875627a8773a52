//! Asks Sentinels which Redis is the primary now.
//!
//! They are asked when there is no connection: at the start, and after any failure, since only a Sentinel knows whether the primary
//! is another one meanwhile. The first that knows a primary is believed; a replica that it names by mistake takes no writes,
//! and then they are asked again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use redis::{AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, RedisConnectionInfo, TlsCertificates};

use super::error::{RedisFault, SetupError};
use crate::config;

/// Of each Sentinel. Three of them fit into a call that waits for Redis.
const TIMEOUT: Duration = Duration::from_millis(250);

pub(super) struct Sentinels {
    clients: Vec<Client>,
    /// The one that answered last.
    first: AtomicUsize,
    master: String,
    /// How to connect to the primary, but for its address.
    info: ConnectionInfo,
    ca: Option<Vec<u8>>,
}

impl Sentinels {
    /// `info` is of the primary: its credentials, its database, whether there is TLS; the Sentinels speak TLS when it does.
    pub(super) fn new(
        sentinel: &config::Sentinel,
        info: ConnectionInfo,
        ca: Option<Vec<u8>>,
    ) -> Result<Self, SetupError> {
        let mut settings = RedisConnectionInfo::default().set_skip_set_lib_name();
        if let Some(password) = &sentinel.password {
            // Exposed to become the credentials of the connection.
            settings = settings.set_password(password.expose());
        }
        let clients = sentinel.addresses.iter().map(|(host, port)| {
            let of_sentinel = at(info.clone(), host, *port).set_redis_settings(settings.clone());
            client(of_sentinel, ca.clone())
        });
        let clients = clients.collect::<Result<_, _>>()?;
        Ok(Self { clients, first: AtomicUsize::new(0), master: sentinel.master.clone(), info, ca })
    }

    /// A client of the primary.
    pub(super) async fn primary(&self) -> Result<Client, RedisFault> {
        let first = self.first.load(Ordering::Relaxed);
        let mut why = RedisFault::Connect;
        for number in 0..self.clients.len() {
            let index = (first + number) % self.clients.len();
            match tokio::time::timeout(TIMEOUT, self.ask(&self.clients[index])).await {
                Ok(Ok(Some((host, port)))) => {
                    self.first.store(index, Ordering::Relaxed);
                    return client(at(self.info.clone(), &host, port), self.ca.clone()).map_err(|_| RedisFault::Other);
                }
                Ok(Ok(None)) => why = RedisFault::NoPrimary,
                Ok(Err(error)) => why = RedisFault::of(&error),
                Err(_) => why = RedisFault::Timeout,
            }
        }
        Err(why)
    }

    async fn ask(&self, client: &Client) -> redis::RedisResult<Option<(String, u16)>> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(TIMEOUT));
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        redis::cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(&self.master).query_async(&mut connection).await
    }
}

fn at(info: ConnectionInfo, host: &str, port: u16) -> ConnectionInfo {
    let address = match info.addr() {
        ConnectionAddr::TcpTls { insecure, .. } => {
            ConnectionAddr::TcpTls { host: host.to_owned(), port, insecure: *insecure, tls_params: None }
        }
        ConnectionAddr::Tcp(..) | ConnectionAddr::Unix(_) | _ => ConnectionAddr::Tcp(host.to_owned(), port),
    };
    info.set_addr(address)
}

/// A client, with the CAs that it trusts.
pub(super) fn client(info: ConnectionInfo, ca: Option<Vec<u8>>) -> Result<Client, SetupError> {
    match ca {
        None => Client::open(info).map_err(|_| SetupError::Url),
        Some(root) => {
            let certificates = TlsCertificates { client_tls: None, root_cert: Some(root) };
            Client::build_with_tls(info, certificates).map_err(|_| SetupError::Ca)
        }
    }
}
