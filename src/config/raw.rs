//! `doorward.yaml` as it was written: every key, nothing judged. What it means is `config::check`'s.

mod sign_in;
mod tracing;

pub use sign_in::{
    RawIdentity, RawLang, RawLoginPage, RawSession, RawSignIn, RawSignInAcknowledge, RawSignInConnector, RawSigning,
    RawSigningKey, RawSubject,
};
pub use tracing::RawTracing;

use crate::diagnostic::Diagnostics;
use crate::reading::record::{one_of, record, words};
use crate::reading::{ByteSize, FromNode, OneOrMany, Spanned, Text, TimeSpan};
use crate::yaml::{Node, NodeValue};
use schemars::{Schema, SchemaGenerator, json_schema};

record! {
    /// The daemon's configuration.
    pub struct Daemon as "the configuration" {
        /// Where to listen: `127.0.0.1:8080`, `[::1]:8080` or `unix:/run/doorward/doorward.sock`; one or a list.
        listen: OneOrMany<Text>,
        /// Listen in clear off loopback; passwords then cross the network readable.
        insecure_listen: Option<bool>,
        /// TLS of the TCP listeners.
        tls: Option<ListenTls>,
        /// The directory of connector files.
        connectors: Text,
        /// How consoles ask that do not speak the API: the directory of door files, or that and listeners of their own. None when left
        /// out.
        doors: Option<RawDoors>,
        /// Who may call.
        clients: Vec<RawClient>,
        /// The console's own address: cookies are delivered under its registrable domain only.
        public_url: Option<Text>,
        /// Names of the console's own cookies, under which none is delivered.
        reserved_cookies: Vec<Text>,
        /// The operator's outer bound for upstreams.
        egress: Option<RawEgress>,
        /// Where challenges wait.
        state: Option<RawState>,
        /// Script workers.
        scripts: Option<RawScripts>,
        /// Bounds of the daemon as a whole.
        limits: Option<RawLimits>,
        /// Bounds of guessing.
        guard: Option<RawGuard>,
        /// The log, on standard error.
        log: Option<RawLog>,
        /// The audit trail; none is kept when left out.
        audit: Option<RawAudit>,
        /// Traces for OpenTelemetry; none are made when left out.
        tracing: Option<RawTracing>,
        /// Sessions that logins leave behind; none are kept when left out.
        sign_in: Option<RawSignIn>,
    }
}

/// Doors: a directory, or a directory and listeners.
#[derive(Debug, Clone, PartialEq)]
pub enum RawDoors {
    /// On the listeners of the API.
    Directory(Text),
    /// On listeners of their own.
    Own(Box<RawOwnDoors>),
}

impl FromNode for RawDoors {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            NodeValue::Map(_) => RawOwnDoors::read(node, diagnostics).map(|own| Self::Own(Box::new(own))),
            _ => Text::read(node, diagnostics).map(Self::Directory),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let (directory, own) = (Text::schema(generator), RawOwnDoors::schema(generator));
        json_schema!({ "anyOf": [directory, own] })
    }
}

record! {
    /// Doors with listeners of their own.
    pub struct RawOwnDoors as "the key `doors`" {
        /// The directory of door files.
        directory: Text,
        /// Where consoles ask: nothing else is served there, and no door at the API's listeners. Those of the API when left out.
        listen: Option<OneOrMany<Text>>,
        /// TLS of these TCP listeners; that of the API when left out.
        tls: Option<ListenTls>,
        /// Networks of your own proxies in front of doors: behind these, `X-Forwarded-For` says where a console asks from.
        proxies: Vec<Text>,
    }
}

record! {
    /// TLS of the TCP listeners.
    pub struct ListenTls as "the key `tls`" {
        /// A PEM file with the certificate chain, the daemon's own first.
        cert_file: Text,
        /// A PEM file with the private key.
        key_file: Text,
        /// A PEM file with the CA of client certificates.
        client_ca_file: Option<Text>,
    }
}

record! {
    /// A client of the API.
    pub struct RawClient as "a client" {
        /// Its name in log, audit and metrics.
        name: Text,
        /// The hash of its token as `doorward token new` prints it; two while one replaces the other.
        token: Option<OneOrMany<Text>>,
        /// The certificate it must show; needs `tls.client_ca_file`.
        certificate: Option<RawCertificate>,
        /// What it may do: `authenticate`, `test`, `read`, `reload`, `sessions`; or `door` alone, for a console that asks through a door.
        scopes: OneOrMany<Spanned<RawScope>>,
        /// The connectors it may use; all when left out.
        connectors: Option<OneOrMany<Text>>,
        /// The most calls it may have open; no bound of its own when left out.
        max_in_flight: Option<Spanned<u32>>,
    }
}

one_of! {
    /// Which certificate a client must show.
    pub enum RawCertificate as "a certificate rule" {
        /// One with this DNS name in its subject alternative name.
        dns: Dns(Text),
        /// One with this URI (a SPIFFE id).
        uri: Uri(Text),
        /// This very one: SHA-256 of its DER form, 64 hex digits.
        sha256: Sha256(Text),
    }
}

words! {
    /// What a client may do.
    pub enum RawScope as "a scope" {
        /// Ask for verdicts.
        Authenticate = "authenticate",
        /// Run the send test.
        Test = "test",
        /// Read connectors, metrics and the API's description.
        Read = "read",
        /// Make the daemon read its connectors again.
        Reload = "reload",
        /// Open, refresh, verify and end sessions.
        Sessions = "sessions",
        /// Ask through doors; stands alone.
        Door = "door",
    }
}

record! {
    /// The operator's outer bound for upstreams. Link-local, metadata, multicast and unspecified addresses are always
    /// refused; loopback is unless `allow` names it.
    pub struct RawEgress as "the key `egress`" {
        /// CIDRs, addresses and host names (`*.example.com`); empty: everything that is not denied.
        allow: Vec<Text>,
        /// The same forms; wins over `allow`.
        deny: Vec<Text>,
        /// Proxies that connectors may name, `http://host:port`.
        proxies: Vec<Text>,
    }
}

record! {
    /// Where challenges wait.
    pub struct RawState as "the key `state`" {
        /// `memory` (the default) or `redis`.
        kind: Option<Spanned<StateKind>>,
        /// The address of Redis or Valkey, `rediss://user:password@host:6379/0`.
        url: Option<SecretFrom>,
        /// A PEM file with the CA of a `rediss://` address; the system's roots when left out.
        ca_file: Option<Text>,
        /// Redis Sentinel: then the host and the port of `url` are not used.
        sentinel: Option<RawSentinel>,
        /// One or two AEAD keys, 64 hex digits: the first seals, both open.
        keys: Vec<SecretFrom>,
    }
}

record! {
    /// Redis Sentinel, which knows the primary.
    pub struct RawSentinel as "the key `sentinel`" {
        /// The name of the primary, as the Sentinels know it.
        master: Text,
        /// Their addresses, `host:26379`; one that answers is enough.
        addresses: OneOrMany<Text>,
        /// Their own password, if they want one.
        password: Option<SecretFrom>,
    }
}

words! {
    /// Where challenges wait.
    pub enum StateKind as "a kind of state" {
        /// In this process.
        Memory = "memory",
        /// In Redis, for several daemons.
        Redis = "redis",
    }
}

one_of! {
    /// Where a secret comes from; it is never written in the file.
    pub enum SecretFrom as "a secret" {
        /// An environment variable.
        env: Env(Text),
        /// A file; a line end at its end does not count.
        file: File(Text),
    }
}

record! {
    /// Script workers.
    pub struct RawScripts as "the key `scripts`" {
        /// Worker processes; as many as processors when left out.
        workers: Option<Spanned<u32>>,
        /// CPU time of one call; 250ms when left out.
        cpu: Option<Spanned<TimeSpan>>,
        /// Wall time of one call; 2s when left out.
        wall: Option<Spanned<TimeSpan>>,
        /// Memory of a worker above its start; 64MiB when left out.
        memory: Option<Spanned<ByteSize>>,
    }
}

record! {
    /// Bounds of the daemon as a whole.
    pub struct RawLimits as "the key `limits`" {
        /// Open connections of callers; 16384 when left out.
        connections: Option<Spanned<u32>>,
        /// Logins of all connectors at once; 1024 when left out.
        in_flight: Option<Spanned<u32>>,
        /// Until a connection's first byte; 10s when left out.
        first_byte: Option<Spanned<TimeSpan>>,
        /// Until the end of the first head, and for a TLS handshake; 10s when left out.
        header: Option<Spanned<TimeSpan>>,
        /// Until the end of a body; 10s when left out.
        body: Option<Spanned<TimeSpan>>,
        /// Until a connection's next request; 75s when left out.
        idle: Option<Spanned<TimeSpan>>,
        /// For open logins after SIGTERM; 15s when left out.
        drain: Option<Spanned<TimeSpan>>,
        /// Regular expressions of all connectors, compiled; 128MiB when left out.
        pattern_memory: Option<Spanned<ByteSize>>,
        /// Memory of replies that all logins hold; 512MiB when left out.
        reply_memory: Option<Spanned<ByteSize>>,
        /// The same for the logins of one connector; 128MiB when left out.
        connector_reply_memory: Option<Spanned<ByteSize>>,
    }
}

record! {
    /// Bounds of guessing.
    pub struct RawGuard as "the key `guard`" {
        /// true when left out; false leaves all counting to the upstreams.
        enabled: Option<bool>,
        /// Failures of one user name at one address before waits begin; 5 when left out.
        user_failures: Option<Spanned<u32>>,
        /// Failures of one address before waits begin; 50 when left out.
        client_ip_failures: Option<Spanned<u32>>,
        /// The waits after each further failure, the last one repeated; [1s, 3s, 5s, 10s, 30s, 1m] when left out.
        waits: Option<Spanned<OneOrMany<TimeSpan>>>,
        /// Failures are forgotten this long after the last; 15m when left out.
        forget_after: Option<Spanned<TimeSpan>>,
        /// Failures a minute of the logins of one client at one connector that come without `client_ip`; 600 when left out.
        client_failures: Option<Spanned<u32>>,
        /// The most logins of one user at one address at once, never more than failures are left; 64 when left out.
        parallel: Option<Spanned<u32>>,
        /// `memory` (the default): each daemon counts for itself; `redis`: all together, in the Redis of `state`.
        store: Option<Spanned<StateKind>>,
        /// `refuse` (the default) or `local`: what happens to logins while that Redis is away.
        when_away: Option<Spanned<RawWhenAway>>,
        /// Names and addresses that are remembered, about 50 bytes each; 131072 when left out.
        entries: Option<Spanned<u32>>,
        /// Codes that upstreams send to users.
        sends: Option<RawSends>,
        /// Utility calls.
        utilities: Option<RawUtilities>,
    }
}

words! {
    /// What happens to logins while the Redis that counts them is away.
    pub enum RawWhenAway as "a policy" {
        /// They are unavailable(state) before anything is sent.
        Refuse = "refuse",
        /// Each daemon counts for itself.
        Local = "local",
    }
}

record! {
    /// How many codes may be sent to users; beyond, one more is due evenly over `per`.
    pub struct RawSends as "the key `sends`" {
        /// To one account asked for from one address; 5 when left out.
        user: Option<Spanned<u32>>,
        /// Asked for from one address; 100 when left out.
        client_ip: Option<Spanned<u32>>,
        /// The period of both; 10m when left out.
        per: Option<Spanned<TimeSpan>>,
    }
}

record! {
    /// How many utility calls may be made; beyond, one more is due evenly over `per`.
    pub struct RawUtilities as "the key `utilities`" {
        /// By one client of the API; 3000 when left out.
        client: Option<Spanned<u32>>,
        /// Of one connector; 3000 when left out.
        connector: Option<Spanned<u32>>,
        /// From one address; 300 when left out.
        client_ip: Option<Spanned<u32>>,
        /// The period of all three; 1m when left out.
        per: Option<Spanned<TimeSpan>>,
    }
}

record! {
    /// The log, on standard error.
    pub struct RawLog as "the key `log`" {
        /// `error`, `warn`, `info` (the default), `debug` or `trace`.
        level: Option<Spanned<RawLevel>>,
        /// `json` or `text`; when left out, text on a terminal and JSON elsewhere.
        format: Option<Spanned<RawFormat>>,
    }
}

words! {
    /// How much is logged.
    pub enum RawLevel as "a log level" {
        /// Faults of the daemon.
        Error = "error",
        /// Also what the operator should look at.
        Warn = "warn",
        /// Also each login.
        Info = "info",
        /// Also each stage.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

words! {
    /// The form of the log.
    pub enum RawFormat as "a log format" {
        /// One JSON object a line.
        Json = "json",
        /// For people.
        Text = "text",
    }
}

record! {
    /// The audit trail: one JSON line a login.
    pub struct RawAudit as "the key `audit`" {
        /// The file; it is created with mode 0600.
        file: Text,
        /// Bytes after which a new file begins; 100MiB when left out.
        max_size: Option<Spanned<ByteSize>>,
        /// Old files that are kept, as file.1, file.2, ...; 10 when left out.
        keep: Option<Spanned<u32>>,
        /// `clear` (the default) or `hmac`.
        user_name: Option<Spanned<RawUserName>>,
        /// The key of `user_name: hmac`, at least 16 bytes.
        hmac_key: Option<SecretFrom>,
        /// `continue` (the default) or `refuse`: what happens to logins when a line cannot be written.
        when_full: Option<Spanned<RawWhenFull>>,
    }
}

words! {
    /// How an audit line names the user.
    pub enum RawUserName as "a form of user names" {
        /// As it was sent.
        Clear = "clear",
        /// HMAC-SHA256 under `hmac_key`.
        Hmac = "hmac",
    }
}

words! {
    /// What happens to logins when an audit line cannot be written.
    pub enum RawWhenFull as "a policy" {
        /// They go on; lost lines are counted.
        Continue = "continue",
        /// They are unavailable(overloaded) until lines can be written again.
        Refuse = "refuse",
    }
}
