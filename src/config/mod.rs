//! The daemon's configuration, checked: what runs (docs/contract.md section 8). What was typed is `config::raw`'s.
//!
//! Every number carries its reason here, once; the commented file examples/doorward.yaml repeats them for people. Values
//! that were read from files or the environment are never shown.

mod address;
mod changes;
mod check;
mod check_clients;
mod check_doors;
mod check_guard;
mod check_page;
mod check_sign_in;
mod check_signing;
mod check_tracing;
mod client;
mod load;
pub mod raw;
mod sign_in;

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

pub use address::{Address, AddressError};
pub use changes::Changes;
pub use load::{Loaded, load, load_egress, parse, schema};

pub use sign_in::{LoginPage, PAGE_CLIENT, SessionRules, SignIn, Signing, SubjectForm};

pub use client::{Certificate, CertificateRule, Client, Scope, Token, TokenHash};

use crate::secret::Secret;
use crate::upstream::EgressRules;

/// All of `doorward.yaml`.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where to listen.
    pub listen: Vec<Address>,
    /// Whether listening in clear off loopback is wanted.
    pub insecure_listen: bool,
    /// TLS of the TCP listeners.
    pub tls: Option<Tls>,
    /// The directory of connector files.
    pub connectors: PathBuf,
    /// Doors, if there are any.
    pub doors: Option<Doors>,
    /// Who may call.
    pub clients: Vec<Client>,
    /// The console's own address: cookies are delivered under its registrable domain only.
    pub public_url: Option<url::Url>,
    /// Names of the console's own cookies, under which none is delivered.
    pub reserved_cookies: Vec<String>,
    /// The operator's outer bound for upstreams.
    pub egress: EgressRules,
    /// Where challenges wait.
    pub state: State,
    /// Script workers.
    pub scripts: Scripts,
    /// Bounds of the daemon.
    pub limits: Limits,
    /// Bounds of guessing.
    pub guard: Guard,
    /// The log.
    pub log: Log,
    /// The audit trail, if one is kept.
    pub audit: Option<Audit>,
    /// Where traces go, if any are made.
    pub tracing: Option<Tracing>,
    /// Sessions, if any are kept.
    pub sign_in: Option<SignIn>,
}

/// Consoles that ask through doors.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Doors {
    /// The directory of door files.
    pub directory: PathBuf,
    /// Listeners of their own; empty: those of the API.
    pub listen: Vec<Address>,
    /// TLS of these.
    pub tls: Option<Tls>,
    /// The operator's own proxies in front of doors.
    pub proxies: Vec<IpNet>,
}

/// Files of the listeners' TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Certificate chain, PEM, leaf first.
    pub cert_file: PathBuf,
    /// Private key, PEM.
    pub key_file: PathBuf,
    /// The CA of client certificates, PEM. With it clients may show one; whether they must is each client's matter.
    pub client_ca_file: Option<PathBuf>,
}

/// Where challenges wait.
#[derive(Debug, Clone, Default)]
pub enum State {
    /// In this process.
    #[default]
    Memory,
    /// In Redis, shared by several daemons.
    Redis {
        /// `redis://` or `rediss://`; may hold a password.
        url: Secret,
        /// AEAD keys of 64 hex digits: the first seals, both open.
        keys: Vec<Secret>,
        /// The CA of its certificate, PEM; the system's roots when left out.
        ca_file: Option<PathBuf>,
        /// Who knows which Redis is the primary; the host and the port of `url` are not used then.
        sentinel: Option<Sentinel>,
    },
}

/// Redis Sentinel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentinel {
    /// The name of the primary that they watch.
    pub master: String,
    /// Host and port of each; one that answers is enough.
    pub addresses: Vec<(String, u16)>,
    /// Their own password, if they want one.
    pub password: Option<Secret>,
}

/// Script workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scripts {
    /// Worker processes; `None`: as many as processors.
    pub workers: Option<usize>,
    /// CPU time of one call.
    pub cpu: Duration,
    /// Wall time of one call.
    pub wall: Duration,
    /// Bytes of address space above a worker's start.
    pub memory: u64,
}

impl Default for Scripts {
    fn default() -> Self {
        // docs/contract.md section 3.
        Self { workers: None, cpu: Duration::from_millis(250), wall: Duration::from_secs(2), memory: 64 << 20 }
    }
}

/// Bounds of the daemon as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Open connections of callers; one more is closed at once.
    pub connections: usize,
    /// Logins of all connectors at once; one more is unavailable(overloaded).
    pub in_flight: usize,
    /// From accept to the first byte of a caller (after TLS, if there is TLS).
    pub first_byte: Duration,
    /// From there to the end of the first request's head; also the TLS handshake.
    pub header: Duration,
    /// From the end of a head to the end of its body.
    pub body: Duration,
    /// How long a connection may wait for its next request.
    pub idle: Duration,
    /// How long open logins may take to finish after SIGTERM.
    pub drain: Duration,
    /// Bytes that the compiled regular expressions of all connectors take; the files with the most of them do not load beyond.
    pub pattern_memory: usize,
    /// Bytes of memory that all logins hold of replies; a login that needs more is unavailable(overloaded).
    pub reply_memory: usize,
    /// The same for the logins of one connector.
    pub connector_reply_memory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // About 20 KiB each when idle: 320 MiB at the very worst, and far from the usual 65,536 files.
            connections: 16_384,
            // Four connectors at their own bound; each holds some 20 KiB.
            in_flight: 1024,
            first_byte: Duration::from_secs(10),
            header: Duration::from_secs(10),
            body: Duration::from_secs(10),
            // Longer than the 60 s of common proxies, so that they close first and never meet a closed connection.
            idle: Duration::from_secs(75),
            // The default timeout of a connector is 8 s.
            drain: Duration::from_secs(15),
            // A thousand patterns of the usual size; a hundred connectors have some hundred.
            pattern_memory: 128 << 20,
            // A reply of a login takes some 10 KiB, so this is met by upstreams that answer with megabytes: sixty of the largest
            // documents at once.
            reply_memory: 512 << 20,
            // A quarter, so that three hostile upstreams leave the rest their part; sixteen of the largest documents.
            connector_reply_memory: 128 << 20,
        }
    }
}

/// Bounds of guessing, and of what can be caused without a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// Off: the upstream counts alone.
    pub enabled: bool,
    /// Failures of one user name at one address before waits begin.
    pub user_failures: u32,
    /// Failures of one address, any user, before waits begin.
    pub client_ip_failures: u32,
    /// The waits after each further failure; the last repeats.
    pub waits: Vec<Duration>,
    /// Failures are forgotten this long after the last one.
    pub forget_after: Duration,
    /// Failures a minute of the logins of one client at one connector whose address is unknown.
    pub client_failures: u32,
    /// The most logins of one user at one address at once; never more than failures are left.
    pub parallel: u32,
    /// All daemons count together, in the Redis of `state`.
    pub shared: bool,
    /// What happens to logins while that Redis is away.
    pub when_away: WhenAway,
    /// How many names and addresses are remembered, about 50 bytes each.
    pub entries: usize,
    /// Bounds of codes that upstreams send to users.
    pub sends: Sends,
    /// Bounds of utility calls.
    pub utilities: Utilities,
}

/// How many codes may be sent to users. Each number is what may go at once; after that one more is due evenly over `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sends {
    /// To one account (or phone number) asked for from one address.
    pub user: u32,
    /// Asked for from one address, whoever it is for.
    pub client_ip: u32,
    /// The period of both.
    pub per: Duration,
}

impl Default for Sends {
    fn default() -> Self {
        Self {
            // A login and its resends, then another try; who gets no code by then needs a person.
            user: 5,
            // An office behind one address, at nine o'clock.
            client_ip: 100,
            per: Duration::from_mins(10),
        }
    }
}

/// How many utility calls may be made: they need no password, so anybody who reaches the console can cause them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Utilities {
    /// By one client of the API.
    pub client: u32,
    /// Of one connector.
    pub connector: u32,
    /// From one address of a user's device.
    pub client_ip: u32,
    /// The period of all three.
    pub per: Duration,
}

impl Default for Utilities {
    fn default() -> Self {
        Self {
            // Fifty captcha images a second: more logins than one 4A server answers.
            client: 3000,
            connector: 3000,
            // An office behind one address, each person with a few images.
            client_ip: 300,
            per: Duration::from_mins(1),
        }
    }
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            enabled: true,
            // People mistype; four slips are common, five are rare.
            user_failures: 5,
            // An office behind one address.
            client_ip_failures: 50,
            waits: [1, 3, 5, 10, 30, 60].map(Duration::from_secs).into(),
            // Ten a second: more than all who mistype in a large company at nine o'clock.
            client_failures: 600,
            forget_after: Duration::from_mins(15),
            parallel: 64,
            shared: false,
            when_away: WhenAway::Refuse,
            entries: 131_072,
            sends: Sends::default(),
            utilities: Utilities::default(),
        }
    }
}

/// What happens to logins while the Redis that counts them is away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WhenAway {
    /// They are unavailable(state) before anything is sent: nobody guesses uncounted.
    #[default]
    Refuse,
    /// Each daemon counts for itself.
    Local,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// How much.
    pub level: Level,
    /// In which form; `None`: text where standard error is a terminal, else JSON.
    pub format: Option<Format>,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: Level::Info, format: None }
    }
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Faults of the daemon.
    Error,
    /// Also what the operator should look at.
    Warn,
    /// Also each login.
    Info,
    /// Also each stage.
    Debug,
    /// Everything.
    Trace,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// For a person at a terminal.
    Text,
}

/// The audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// The file.
    pub file: PathBuf,
    /// Bytes after which a new file begins.
    pub max_size: u64,
    /// Old files that are kept: `file.1` is the youngest.
    pub keep: u32,
    /// How a user is named.
    pub user_name: UserName,
    /// What happens to logins when a line cannot be written.
    pub when_full: WhenFull,
}

/// How an audit line names the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserName {
    /// As it was sent.
    Clear,
    /// HMAC-SHA256 under this key, so that lines of one user can be matched without the name.
    Hmac(Secret),
}

/// What happens to logins when an audit line cannot be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// They go on; lost lines are counted and logged.
    #[default]
    Continue,
    /// They are unavailable(overloaded) before anything is sent, until lines can be written again.
    Refuse,
}

/// Traces for OpenTelemetry.
#[derive(Debug, Clone, PartialEq)]
pub struct Tracing {
    /// The collector's address, with the path.
    pub endpoint: url::Url,
    /// Headers of its requests.
    pub headers: Vec<(http::HeaderName, Secret)>,
    /// The CA of its certificate, PEM; the system's roots when left out.
    pub ca_file: Option<PathBuf>,
    /// `service.name`.
    pub service_name: String,
    /// The share of logins that are traced when their caller does not say.
    pub sample_ratio: f64,
}
