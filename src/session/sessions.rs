//! The sessions of a daemon: opened by accepts, asked for by tokens, ended by their clients and by kicks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::fault::OpenFault;
use super::issued::{ActiveSession, IssuedSession, OpenSession};
use super::memory::{Lifetimes, Memory, NotOpened, Refreshed, Removed};
use super::record::{Account, Record, SessionId};
use super::rotation::Generation;
use super::signer::Signer;
use crate::clock::Ambient;
use crate::config::{SignIn, SubjectForm};
use crate::secret::Secret;
use crate::token::SigningKeyError;
use crate::token::opaque::{GrantToken, MacKeys, MacKeysError, TokenKind};
use crate::verdict::Accept;

/// A name of 256 characters, four bytes each, as the guard takes it.
const MAX_SUBJECT: usize = 1 << 10;

/// Why no sessions can be kept.
#[derive(Debug, thiserror::Error)]
pub enum SessionsError {
    /// `sign_in.keys`.
    #[error("sign_in.keys: {0}")]
    Keys(#[from] MacKeysError),
    /// `sign_in.signing`.
    #[error("sign_in.signing: {0}")]
    Signing(#[from] SigningKeyError),
}

/// What a session knows beside its accept.
#[derive(Debug, Clone, Copy)]
pub struct NewSession<'a> {
    /// The connector that said accept.
    pub connector: &'a str,
    /// The client that the tokens are for.
    pub client: &'a str,
    /// Milliseconds since 1970 when the login's first attempt began.
    pub begun_ms: u64,
    /// Whether the connector acknowledges that the typed name may stand for the user.
    pub typed_name: bool,
}

/// The sessions of a daemon.
pub struct Sessions {
    keys: MacKeys,
    subject: SubjectForm,
    connectors: Vec<String>,
    signer: Option<Signer>,
    lives: Lifetimes,
    access_ms: u64,
    ambient: Arc<dyn Ambient>,
    memory: Mutex<Memory>,
    counters: Counters,
}

#[derive(Debug, Default)]
struct Counters {
    opened: AtomicU64,
    over: AtomicU64,
    ended: AtomicU64,
    kicked: AtomicU64,
    crowded: AtomicU64,
    reused: AtomicU64,
}

/// Numbers for metrics, since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCounts {
    /// That are kept now; some may be over.
    pub open: usize,
    /// That were opened.
    pub opened: u64,
    /// That ended, by cause: `over` (idle or absolute), `ended` (by a client), `kicked`, `crowded` (beyond `per_user`), `reused`
    /// (a refresh token came twice).
    pub ended: BTreeMap<&'static str, u64>,
}

impl Sessions {
    /// As the configuration says. No session is open.
    pub fn new(config: &SignIn, ambient: Arc<dyn Ambient>) -> Result<Self, SessionsError> {
        let lives = Lifetimes {
            idle: milliseconds(config.session.idle),
            absolute: milliseconds(config.session.absolute),
            per_user: config.session.per_user,
        };
        Ok(Self {
            keys: MacKeys::of(&config.keys)?,
            subject: config.subject,
            connectors: config.connectors.clone(),
            signer: config.signing.as_ref().map(Signer::new).transpose()?,
            lives,
            access_ms: milliseconds(config.session.access_token),
            ambient,
            memory: Mutex::default(),
            counters: Counters::default(),
        })
    }

    /// Whether logins of this connector make sessions.
    pub fn makes(&self, connector: &str) -> bool {
        self.connectors.iter().any(|listed| listed == connector)
    }

    /// Now, for the time when a login begins.
    pub fn now_ms(&self) -> u64 {
        self.ambient.unix_ms()
    }

    /// Opens the session of `accept`, whose grant it uses up: there is one at most, and no other way to one. Name and secrets are
    /// new; nothing that the caller held before is taken over.
    pub fn open(&self, accept: &mut Accept, new: &NewSession<'_>) -> Result<IssuedSession, OpenFault> {
        if !accept.named && !new.typed_name {
            return Err(OpenFault::Unnamed);
        }
        if accept.subject.len() > MAX_SUBJECT {
            return Err(OpenFault::LongName);
        }
        let _evidence = accept.take_grant().ok_or(OpenFault::Used)?;
        let now = self.now_ms();
        let (mut id, mut family) = ([0; 16], [0; 16]);
        self.ambient.fill(&mut id);
        self.ambient.fill(&mut family);
        let record = Record {
            id: SessionId(id),
            connector: new.connector.to_owned(),
            subject: accept.subject.clone(),
            account: Account::of(new.connector, &accept.subject),
            client: new.client.to_owned(),
            begun_ms: new.begun_ms,
            authenticated_ms: now,
            ends_ms: now.saturating_add(self.lives.absolute),
            family,
        };
        let opened = self.memory().open(record.clone(), self.lives, now);
        let (newest, removed) = opened.map_err(|why| match why {
            NotOpened::Kicked => OpenFault::Kicked,
            NotOpened::Full => OpenFault::Full,
        })?;
        self.count(&removed);
        self.counters.opened.fetch_add(1, Ordering::Relaxed);
        Ok(self.issued(&record, newest, now))
    }

    /// The session behind an access token; `None`: it is none, over, or its session is.
    pub fn verify(&self, access: &str) -> Option<ActiveSession> {
        match &self.signer {
            Some(signer) if access.contains('.') => self.look_signed(signer, access),
            _ => self.look(TokenKind::Access, access),
        }
    }

    /// A signature proves who made a token; whether its session is still there is looked up all the same.
    fn look_signed(&self, signer: &Signer, access: &str) -> Option<ActiveSession> {
        let now = self.now_ms();
        let read = signer.read(access, now)?;
        let (record, _) = self.memory().look_at(&read.session, self.lives, now)?;
        let is_its = read.connector == record.connector && read.started_ms == record.begun_ms;
        is_its.then(|| self.active(record, read.ends_ms))
    }

    /// The keys by which access tokens are verified, where they are signed (RFC 7517 section 5).
    pub fn jwks(&self) -> Option<String> {
        self.signer.as_ref().map(|signer| signer.jwks(self.now_ms()))
    }

    /// The session behind a browser's cookie; `None`: it is none, or over.
    pub fn of_browser(&self, cookie: &str) -> Option<ActiveSession> {
        self.look(TokenKind::Browser, cookie)
    }

    fn look(&self, kind: TokenKind, text: &str) -> Option<ActiveSession> {
        let now = self.now_ms();
        let token = self.keys.read(kind, text).filter(|token| now < token.end_ms)?;
        let (record, newest) = self.memory().look(&token.family, self.lives, now)?;
        // Of a pair that was never made, or of another account: the row is not the one that the token was made of.
        if token.generation > newest.number || token.account != record.account.hash() {
            return None;
        }
        Some(self.active(record, token.end_ms))
    }

    fn active(&self, record: Record, access_ends_ms: u64) -> ActiveSession {
        ActiveSession {
            id: record.id,
            subject: self.subject_of(&record),
            authenticated_ms: record.authenticated_ms,
            access_ends_ms,
            connector: record.connector,
            client: record.client,
        }
    }

    /// Exchanges a refresh token of `client`. `None`: it is none, another client's, over, or was used before; then its session ends.
    pub fn refresh(&self, refresh: &str, client: &str) -> Option<IssuedSession> {
        let now = self.now_ms();
        let token = self.keys.read(TokenKind::Refresh, refresh).filter(|token| now < token.end_ms)?;
        let mut memory = self.memory();
        // Before it is used up: a token in the wrong hands is no reason to end what it belongs to.
        let (record, _) = memory.look(&token.family, self.lives, now)?;
        if record.client != client || record.account.hash() != token.account {
            return None;
        }
        let refreshed = memory.refresh(&token.family, token.generation, self.lives, now);
        // A signature takes longer than others should wait.
        drop(memory);
        match refreshed {
            Refreshed::Good(record, newest) => Some(self.issued(&record, newest, now)),
            Refreshed::Nothing => None,
            Refreshed::Reused(record) => {
                self.count(&[Removed::Reused]);
                tracing::warn!(
                    session = %record.id,
                    connector = record.connector,
                    client = record.client,
                    "a refresh token came a second time: somebody has a copy; the session ends"
                );
                None
            }
        }
    }

    /// The connector of a session that is open.
    pub fn connector_of(&self, id: &SessionId) -> Option<String> {
        self.memory().find(id, self.lives, self.now_ms()).map(|record| record.connector.clone())
    }

    /// The sessions that are open, of connectors that are `wanted`, and of one user where one is given, in no order.
    pub fn list(&self, wanted: impl Fn(&str) -> bool, user: Option<&str>) -> Vec<OpenSession> {
        self.memory().list(wanted, user, self.lives, self.now_ms())
    }

    /// Ends one session; whether it was there.
    pub fn end(&self, id: &SessionId) -> bool {
        let there = self.memory().remove(id).is_some();
        if there {
            self.counters.ended.fetch_add(1, Ordering::Relaxed);
        }
        there
    }

    /// Ends everything that a user of a connector began up to now, whichever way the name is spelled. Returns the time, in
    /// milliseconds since 1970.
    pub fn kick(&self, connector: &str, user: &str) -> u64 {
        self.kicked(Some(Account::of(connector, user)))
    }

    /// Ends everything that anybody began up to now.
    pub fn kick_all(&self) -> u64 {
        self.kicked(None)
    }

    fn kicked(&self, account: Option<Account>) -> u64 {
        let (time, removed) = self.memory().kick(account, self.lives, self.now_ms());
        self.count(&removed);
        time
    }

    /// Numbers for metrics.
    pub fn counts(&self) -> SessionCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { opened, over, ended, kicked, crowded, reused } = &self.counters;
        let ended = [("over", over), ("ended", ended), ("kicked", kicked), ("crowded", crowded), ("reused", reused)];
        SessionCounts {
            open: self.memory().len(),
            opened: read(opened),
            ended: ended.into_iter().map(|(cause, counter)| (cause, read(counter))).collect(),
        }
    }

    #[cfg(test)]
    pub(super) fn not_before(&self) -> usize {
        self.memory().not_before()
    }

    /// The same for all who ask at this generation: nothing of it is drawn.
    fn issued(&self, record: &Record, newest: Generation, now: u64) -> IssuedSession {
        let access_end = newest.made_ms.saturating_add(self.access_ms).min(record.ends_ms);
        let (family, account, generation) = (record.family, record.account.hash(), newest.number);
        let token =
            |kind, end_ms| Secret::new(self.keys.make(kind, &GrantToken { family, account, generation, end_ms }));
        let signed = |signer: &Signer| signer.sign(record, &self.subject_of(record), newest, access_end);
        let access = self.signer.as_ref().and_then(signed);
        IssuedSession {
            id: record.id,
            access: access.unwrap_or_else(|| token(TokenKind::Access, access_end)),
            access_for: Duration::from_millis(access_end.saturating_sub(now)),
            refresh: token(TokenKind::Refresh, record.ends_ms),
            cookie: token(TokenKind::Browser, record.ends_ms),
            ends_in: Duration::from_millis(record.ends_ms.saturating_sub(now)),
        }
    }

    fn subject_of(&self, record: &Record) -> String {
        match self.subject {
            SubjectForm::Plain => record.subject.clone(),
            SubjectForm::WithConnector => format!("{}:{}", record.connector, record.subject),
        }
    }

    fn count(&self, removed: &[Removed]) {
        for why in removed {
            let counter = match why {
                Removed::Over => &self.counters.over,
                Removed::Kicked => &self.counters.kicked,
                Removed::Crowded => &self.counters.crowded,
                Removed::Reused => &self.counters.reused,
            };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Nothing panics between two changes that belong together.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
