//! How the upstream is reached: timeouts, bounds, TLS, addresses, proxy.

use super::amount::{ByteSize, TimeSpan};
use super::record::{read_as_word, record};
use super::scalar::{Spanned, Text};
use super::shape::{Dict, OneOrMany};
use crate::upstream::TlsVersion;

record! {
    /// How the upstream is reached.
    pub struct Transport as "a transport" {
        /// For one connection, TLS included; 2s when left out.
        connect_timeout: Option<Spanned<TimeSpan>>,
        /// For a whole call of the console; 8s when left out.
        timeout: Option<Spanned<TimeSpan>>,
        /// The most bytes of a decoded reply; 1MiB when left out, 256KiB with a preprocess script.
        max_response: Option<Spanned<ByteSize>>,
        /// The most memory of a reply's document, and of all that one login keeps of replies; 8 times `max_response` when left out,
        /// and at least 4MiB.
        max_document: Option<Spanned<ByteSize>>,
        /// Logins of this connector at a time; as many again wait for at most 250ms. 256 when left out.
        max_in_flight: Option<Spanned<u32>>,
        /// How long an idle connection is kept; 4s when left out.
        keep_alive: Option<Spanned<TimeSpan>>,
        /// Certificates and keys.
        tls: Option<Tls>,
        /// Where a host name of this connector lives: `{ "4a.example.com": 10.1.2.3 }`.
        resolve: Dict<OneOrMany<Text>>,
        /// An HTTP proxy, one that the daemon's `egress.proxies` lists.
        proxy: Option<Text>,
        /// Whether the server is told the trace of a login (`traceparent`, W3C Trace Context), where the daemon traces; false when left out.
        traceparent: Option<bool>,
    }
}

record! {
    /// TLS towards the upstream; the system's roots when left out.
    pub struct Tls as "the key `tls`" {
        /// A PEM file; then only its certificate authorities count.
        ca_file: Option<Text>,
        /// A PEM file with the client's certificate chain.
        client_cert_file: Option<Text>,
        /// A PEM file with the client's key.
        client_key_file: Option<Text>,
        /// The least version of TLS; 1.2 when left out.
        min_version: Option<Spanned<TlsVersion>>,
        /// SHA-256 of the server's public key (SubjectPublicKeyInfo), base64, as `doorward pin` prints it. Alone it replaces the
        /// checks of chain and name.
        pin_sha256: Option<OneOrMany<Text>>,
        /// Why this server is asked by TLS 1.0 to 1.2 with CBC and RSA key exchange, as nothing newer than Java 7 or Windows Server 2012 R2
        /// may want; only in a build with the feature `legacy-tls`.
        legacy: Option<Text>,
    }
}

read_as_word! { TlsVersion as "a version of TLS" }
