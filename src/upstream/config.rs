//! What one connector revision asks of its connections. Values only; where they are written is the connector's.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use url::Url;

use crate::words::words;

/// Connections of one connector revision (docs/contract.md section 2, `transport.*`).
#[derive(Debug, Clone)]
pub struct TransportConfig {
    /// From the name to the end of the TLS handshake.
    pub connect_timeout: Duration,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// Bytes of a reply's body after content decoding.
    pub max_response: usize,
    /// Requests at a time; as many more wait for at most 250 ms.
    pub max_in_flight: usize,
    /// TLS.
    pub tls: TlsConfig,
    /// Where names live, instead of DNS. Checked like any address.
    pub resolve: BTreeMap<String, IpAddr>,
    /// An HTTP proxy that the operator lists; user and password of the URL become `Proxy-Authorization`.
    pub proxy: Option<Url>,
}

impl Default for TransportConfig {
    /// The defaults of docs/contract.md section 2.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            // Below the 5 s after which Node.js and Apache close an idle connection: a request that meets a
            // closing connection is lost, and a credential is never sent again.
            keep_alive: Duration::from_secs(4),
            max_response: 1 << 20,
            max_in_flight: 256,
            tls: TlsConfig::default(),
            resolve: BTreeMap::new(),
            proxy: None,
        }
    }
}

/// Trusted roots and pins, and the client certificate.
#[derive(Clone, Default)]
pub struct TlsConfig {
    /// PEM of the only CAs to trust; `None` is the system's roots.
    pub ca_pem: Option<Vec<u8>>,
    /// PEM of our certificate and its chain.
    pub client_cert_pem: Option<Vec<u8>>,
    /// PEM of its key (PKCS#8, PKCS#1 or SEC1).
    pub client_key_pem: Option<Vec<u8>>,
    /// The oldest version to offer.
    pub min_version: TlsVersion,
    /// SHA-256 of the server's SubjectPublicKeyInfo, any of these. Without `ca_pem` it replaces chain and name checks;
    /// with it both must hold.
    pub pin_sha256: Vec<[u8; 32]>,
    /// TLS 1.0 to 1.2 with CBC and RSA key exchange, by OpenSSL; only in a build with the feature `legacy-tls`.
    pub legacy: bool,
}

impl fmt::Debug for TlsConfig {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig")
            .field("own_ca", &self.ca_pem.is_some())
            .field("client_certificate", &self.client_cert_pem.is_some())
            .field("min_version", &self.min_version)
            .field("pins", &self.pin_sha256.len())
            .field("legacy", &self.legacy)
            .finish_non_exhaustive()
    }
}

words! {
    /// A TLS version that Doorward offers.
    #[derive(Default)]
    pub enum TlsVersion {
        /// RFC 5246.
        #[default]
        V1_2 = "1.2",
        /// RFC 8446.
        V1_3 = "1.3",
    }
}
