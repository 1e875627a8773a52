//! What all calls of one studio share.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use http::Request;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::access::Access;
use super::folder::{Folder, FolderError, FolderFile, StoredText};
use super::history::History;
use super::last_reply::LastReply;
use super::listed::Listing;
use super::problems::{BAD_ID, NO_SESSION, TOO_MANY_TESTS, UNREADABLE};
use super::runs::Runs;
use super::under_test::UnderTest;
use super::workshop::Surroundings;
use crate::api::call::bearer;
use crate::api::problem::Problem;
use crate::attempt::{App, Caller};
use crate::config::{Client, Config, Scope, Token};
use crate::flow::Sends;
use crate::guard::SendQuota;
use crate::metrics::Metrics;
use crate::secret::Secret;

/// Checks at a time: one a person is in flight, and logins of tests go on meanwhile.
const CHECKS: usize = 4;
/// Send tests with a credential a minute: upstreams lock accounts.
const TESTS: usize = 10;
/// A text of 1 MiB with every character escaped.
pub(super) const MAX_BODY: usize = 8 << 20;

/// A studio on one directory.
pub struct Studio {
    pub(super) folder: Arc<Folder>,
    pub(super) access: Access,
    pub(super) surroundings: Surroundings,
    pub(super) app: Arc<App>,
    pub(super) caller: Arc<Caller>,
    pub(super) under_test: Arc<UnderTest>,
    pub(super) sends: Arc<dyn Sends>,
    pub(super) hosts: Vec<String>,
    pub(super) listing: tokio::sync::Mutex<Listing>,
    pub(super) checks: Semaphore,
    pub(super) last_reply: LastReply,
    pub(super) runs: Runs,
    pub(super) history: Arc<History>,
    tests: Mutex<VecDeque<Instant>>,
    base: String,
}

/// Why a studio cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StudioError {
    /// No link and no token can be drawn.
    #[error("no randomness from the system: {0}")]
    Randomness(getrandom::Error),
    /// Anybody in the network could read along.
    #[error("the studio listens on loopback only, not on {0}")]
    NotLoopback(SocketAddr),
    /// Its own client is not known to it.
    #[error("the studio cannot call itself")]
    NoCaller,
}

impl Studio {
    /// A studio that listens on `address`.
    pub fn new(folder: Folder, surroundings: Surroundings, address: SocketAddr) -> Result<Self, StudioError> {
        if !address.ip().is_loopback() {
            return Err(StudioError::NotLoopback(address));
        }
        let token = Token::draw().map_err(StudioError::Randomness)?;
        let config = config(&token);
        let under_test = Arc::new(UnderTest::default());
        let app = App::new(&config, Arc::clone(&under_test) as _, Arc::new(Metrics::new()), None);
        let caller = app.callers().identify(Some(token.expose()), None).ok_or(StudioError::NoCaller)?;
        let history = Arc::new(History(surroundings.history.clone()));
        Ok(Self {
            folder: Arc::new(folder),
            access: Access::default(),
            surroundings,
            app: Arc::new(app),
            caller,
            under_test,
            sends: Arc::new(SendQuota::new(&config.guard)),
            hosts: vec![address.to_string(), format!("localhost:{}", address.port())],
            listing: tokio::sync::Mutex::default(),
            checks: Semaphore::new(CHECKS),
            last_reply: LastReply::default(),
            runs: Runs::default(),
            history,
            tests: Mutex::default(),
            base: format!("http://{address}/"),
        })
    }

    /// A link that opens one session, once, within five minutes. The secret is in the fragment, which no request carries.
    pub fn link(&self) -> Result<Secret, StudioError> {
        let secret = self.access.link(Instant::now()).map_err(StudioError::Randomness)?;
        Ok(Secret::new(format!("{}#{}", self.base, secret.expose())))
    }

    /// Waits until no test runs.
    pub async fn tests_done(&self) {
        self.app.logins_done().await;
    }

    /// Refuses a call without an open session.
    pub(super) fn session(&self, request: &Request<Body>) -> Result<(), Problem> {
        let open = bearer(request.headers())?.is_some_and(|token| self.access.is_open(token, Instant::now()));
        if open { Ok(()) } else { Err(Problem::of(NO_SESSION)) }
    }

    /// A place for one more test that sends a credential.
    pub(super) fn one_more_test(&self) -> Result<(), Problem> {
        const MINUTE: Duration = Duration::from_mins(1);
        let (mut tests, now) = (self.tests.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
        while tests.front().is_some_and(|first| now - *first >= MINUTE) {
            tests.pop_front();
        }
        if let Some(first) = tests.front().filter(|_| tests.len() >= TESTS) {
            return Err(Problem::of(TOO_MANY_TESTS).retry_after(MINUTE.saturating_sub(now - *first)));
        }
        tests.push_back(now);
        Ok(())
    }

    /// The file of an id and its text; `None` when there is none yet.
    pub(super) async fn saved(&self, id: &str) -> Result<Option<SavedFile>, Problem> {
        if !Folder::is_id(id) {
            return Err(Problem::of(BAD_ID));
        }
        let id = id.to_owned();
        let found = self.with_folder(move |folder| {
            let Some(file) = folder.find(&id)? else { return Ok(None) };
            let stored = folder.read(&file)?;
            Ok(Some(SavedFile { file, stored }))
        });
        found.await.map_err(|error| Problem::of(UNREADABLE).detail(error.to_string()))
    }

    /// Files block, so they are read and written on a thread of their own.
    pub(super) async fn with_folder<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> Result<T, FolderError> + Send + 'static,
    ) -> Result<T, FolderError> {
        let folder = Arc::clone(&self.folder);
        let done = tokio::task::spawn_blocking(move || work(&folder)).await;
        done.unwrap_or(Err(FolderError::System(std::io::ErrorKind::Other)))
    }

    /// Where the file of an id is, or would be.
    pub(super) fn path_of(&self, id: &str, saved: Option<&SavedFile>) -> PathBuf {
        let name = saved.map_or_else(|| format!("{id}.yaml"), |saved| saved.file.name.clone());
        self.folder.path().join(name)
    }
}

/// A file with its text.
pub(super) struct SavedFile {
    pub file: FolderFile,
    pub stored: StoredText,
}

/// One operator, who tests one login at a time. The guard counts as it does for any caller.
fn config(token: &Token) -> Config {
    let client = Client {
        name: "studio".to_owned(),
        tokens: vec![token.hash()],
        scopes: vec![Scope::Test],
        max_in_flight: Some(1),
        ..Client::default()
    };
    Config { clients: vec![client], ..Config::default() }
}
