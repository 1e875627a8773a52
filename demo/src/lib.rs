//! A demo authentication server ("4A server"), so that connectors can be tried without a customer at hand.
//!
//! It is honest: it keeps users, stores digests, compares them, and reads requests strictly; nothing in it knows that
//! Doorward asks. It is a crate of its own and uses none of Doorward's code, because what one side gets wrong, the
//! other must notice. It listens on loopback only and must never be reachable from outside: its passwords are printed
//! in the README.

mod clock;
mod cookie;
mod flows;
mod form;
mod json;
mod multipart;
pub mod people;
mod portal;
mod query;
mod sdk;
pub mod secrets;
mod soap;
mod text;
pub mod user;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub use clock::{Clock, System};
use flows::Flows;
use people::{Directory, LoginResult, Scheme};
use wire::{Flaw, Wire};

pub use flows::Phone;

/// How many requests the server remembers.
const JOURNAL: usize = 64;

/// A running demo server. It stops accepting when dropped.
pub struct DemoServer {
    address: SocketAddr,
    server: Arc<Server>,
    _stop: oneshot::Sender<()>,
}

impl DemoServer {
    /// Listens on a free port of loopback.
    ///
    /// # Errors
    /// No port could be had, or the system gives no randomness.
    pub async fn start() -> std::io::Result<Self> {
        Self::start_at(Arc::new(System)).await
    }

    /// The same with this clock, so that tickets, codes and tokens can be seen to expire.
    ///
    /// # Errors
    /// As [`DemoServer::start`].
    pub async fn start_at(clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let server = Server::new(clock)?;
        // NTLM logs a connection in, so its handler asks for the other end's address.
        let router = router(Arc::clone(&server)).into_make_service_with_connect_info::<SocketAddr>();
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(async move {
            // Without header timers, which loopback peers of a demo do not need.
            let until = async { stopped.await.unwrap_or(()) };
            let _ended = axum::serve(listener, router).with_graceful_shutdown(until).await;
        });
        Ok(Self { address, server, _stop: stop })
    }

    /// Its origin, `http://127.0.0.1:port`.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The last logins that it was asked for, oldest first.
    pub fn seen(&self) -> Vec<Seen> {
        self.server.journal.lock().iter().cloned().collect()
    }

    /// How many logins it was asked for, that is, how often it looked at a password.
    pub fn passwords_checked(&self) -> usize {
        self.server.checked.load(Ordering::Relaxed)
    }

    /// How many requests came for a route, such as `/cgi-bin/gettoken`, whatever was in them.
    pub fn requests(&self, route: &str) -> usize {
        self.server.requests().get(route).copied().unwrap_or_default()
    }

    /// What the telephone of `login` shows.
    pub fn phone(&self, login: &str) -> Phone {
        self.server.phone(login)
    }

    /// Presses a button of the newest question on the telephone of `login`; false when it asks nothing.
    pub fn press(&self, login: &str, confirm: bool) -> bool {
        self.server.flows.push.press(login, confirm, self.server.now())
    }

    /// The digits in a captcha's picture, as a person would read them.
    pub fn read_picture(&self, png: &[u8]) -> Option<String> {
        self.server.flows.captchas.read(png)
    }

    /// Makes `login` choose a new password at the next login of the server that asks for one.
    pub fn expire_password(&self, login: &str) {
        self.server.flows.renewal.expire(login);
    }

    /// Forgets the tokens of all applications, as a restarted server does.
    pub fn forget_app_tokens(&self) {
        self.server.flows.forget_apps();
    }
}

impl std::fmt::Debug for DemoServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DemoServer").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A login as the server understood it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The path that was asked.
    pub path: String,
    /// What the server made of it.
    pub outcome: Outcome,
}

/// What the server made of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The request was as the protocol says.
    Understood {
        /// The user name in it.
        login: String,
        /// The server's decision.
        result: LoginResult,
    },
    /// The request was not as the protocol says; why.
    Malformed(String),
}

#[derive(Debug, Default)]
struct Journal(Mutex<VecDeque<Seen>>);

impl Journal {
    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, path: &str, outcome: Outcome) {
        let mut seen = self.lock();
        if seen.len() == JOURNAL {
            seen.pop_front();
        }
        seen.push_back(Seen { path: path.to_owned(), outcome });
    }
}

/// What the handlers share: a directory for each way of storing passwords, logins in progress, and the journal.
struct Server {
    md5: Directory,
    md5_sha1: Directory,
    salted: Directory,
    flows: Flows,
    clock: Arc<dyn Clock>,
    journal: Journal,
    /// By route, of which there is a fixed number.
    requests: Mutex<BTreeMap<String, usize>>,
    /// Passwords that were looked at.
    checked: AtomicUsize,
}

/// A login that could be read: the user name, and what was sent for the password.
struct Attempt {
    login: String,
    sent: String,
}

impl Server {
    fn new(clock: Arc<dyn Clock>) -> std::io::Result<Arc<Self>> {
        let no_randomness = |error: getrandom::Error| std::io::Error::other(error.to_string());
        let stores = [Scheme::Md5, Scheme::Md5Sha1, Scheme::Salted];
        let [md5, md5_sha1, salted] = stores.map(|scheme| Directory::new(scheme).map_err(no_randomness));
        let flows = Flows::new().map_err(no_randomness)?;
        let (md5, md5_sha1, salted) = (md5?, md5_sha1?, salted?);
        let (journal, requests, checked) = (Journal::default(), Mutex::default(), AtomicUsize::new(0));
        Ok(Arc::new(Self { md5, md5_sha1, salted, flows, clock, journal, requests, checked }))
    }

    fn requests(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, usize>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since 1970.
    fn now(&self) -> u64 {
        self.clock.unix_ms()
    }

    /// Passes on what was read of `wire`, and notes it when it was not as the protocol says.
    fn read<T>(&self, wire: &Wire, read: Result<T, Flaw>) -> Result<T, Flaw> {
        read.inspect_err(|flaw| self.journal.note(&wire.path, Outcome::Malformed(flaw.0.clone())))
    }

    /// Decides on what was read of `wire`, and notes it.
    fn decide(
        &self,
        directory: &Directory,
        wire: &Wire,
        read: Result<Attempt, Flaw>,
    ) -> Result<(LoginResult, String), Flaw> {
        self.decide_by(|login, sent| directory.check_password(login, sent), wire, read)
    }

    /// The same for accounts that are kept elsewhere.
    fn decide_by(
        &self,
        check: impl Fn(&str, &str) -> LoginResult,
        wire: &Wire,
        read: Result<Attempt, Flaw>,
    ) -> Result<(LoginResult, String), Flaw> {
        let decided = read.map(|attempt| (check(&attempt.login, &attempt.sent), attempt.login));
        self.checked.fetch_add(usize::from(decided.is_ok()), Ordering::Relaxed);
        let outcome = match &decided {
            Ok((result, login)) => Outcome::Understood { login: login.clone(), result: *result },
            Err(flaw) => Outcome::Malformed(flaw.0.clone()),
        };
        self.journal.note(&wire.path, outcome);
        decided
    }
}

/// A session token, different each time.
fn token() -> String {
    let mut bytes = [0; 16];
    // Without randomness there would be no salts, and so no server.
    getrandom::fill(&mut bytes).map(|()| hex::encode(bytes)).unwrap_or_default()
}

fn router(server: Arc<Server>) -> Router {
    Router::new()
        .merge(json::routes())
        .merge(portal::routes())
        .merge(sdk::routes())
        .merge(query::routes())
        .merge(text::routes())
        .merge(form::routes())
        .merge(multipart::routes())
        .merge(soap::routes())
        .merge(cookie::routes())
        .merge(flows::routes())
        .route_layer(from_fn_with_state(Arc::clone(&server), count))
        .with_state(server)
}

/// Counts a request by its route.
async fn count(State(server): State<Arc<Server>>, route: MatchedPath, request: Request, next: Next) -> Response {
    *server.requests().entry(route.as_str().to_owned()).or_default() += 1;
    next.run(request).await
}
