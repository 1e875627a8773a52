//! Who may call: one-time links, and the sessions that they open.
//!
//! No cookie: a browser sends cookies to every port of a host, and unasked. A link carries 128 random bits in its fragment,
//! which no server and no log sees; it works once and for five minutes. The session's token lives in the tab's memory.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::{Choice, ConstantTimeEq as _};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::config::TokenHash;
use crate::secret::Secret;

/// Long enough to switch to the browser; a link in a terminal's history is worth nothing after it.
const LINK_LIFE: Duration = Duration::from_mins(5);
/// A working day.
const SESSION_LIFE: Duration = Duration::from_hours(8);
/// A screen that was left is not open for the next person.
const SESSION_IDLE: Duration = Duration::from_mins(30);
/// Tabs of one person.
const MAX_SESSIONS: usize = 16;
/// Links that were printed and not used.
const MAX_LINKS: usize = 4;
/// Wrong links a minute; a person opens an old one now and then.
const MAX_WRONG: u32 = 20;

/// Why a link opens no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It was used, is too old, or never existed.
    #[error("the link was used before or is too old")]
    Unknown,
    /// Too many wrong ones were tried.
    #[error("too many wrong links; wait a minute")]
    TooMany,
}

/// Links and sessions, in memory only: a restart ends them all.
#[derive(Default)]
pub(super) struct Access(Mutex<Known>);

#[derive(Default)]
struct Known {
    links: Vec<Link>,
    sessions: Vec<Session>,
    wrong: u32,
    wrong_since: Option<Instant>,
}

struct Link {
    hash: TokenHash,
    until: Instant,
}

struct Session {
    hash: TokenHash,
    until: Instant,
    used: Instant,
}

impl Access {
    /// Draws a link's secret.
    pub(super) fn link(&self, now: Instant) -> Result<Secret, getrandom::Error> {
        let secret = drawn::<16>()?;
        let mut known = self.known();
        known.links.retain(|link| link.until > now);
        if known.links.len() >= MAX_LINKS {
            known.links.remove(0);
        }
        known.links.push(Link { hash: TokenHash::of(secret.expose()), until: now + LINK_LIFE });
        Ok(secret)
    }

    /// The token of a new session, for a link that has not been used.
    pub(super) fn open(&self, link: &str, now: Instant) -> Result<Secret, LinkError> {
        let token = drawn::<32>().map_err(|_| LinkError::Unknown)?;
        let mut known = self.known();
        if known.wrong_since.is_none_or(|since| now - since >= Duration::from_mins(1)) {
            (known.wrong, known.wrong_since) = (0, Some(now));
        }
        if known.wrong >= MAX_WRONG {
            return Err(LinkError::TooMany);
        }
        known.links.retain(|link| link.until > now);
        let Some(at) = position(&TokenHash::of(link), known.links.iter().map(|link| &link.hash)) else {
            known.wrong += 1;
            return Err(LinkError::Unknown);
        };
        known.links.remove(at);
        known.sessions.retain(|session| session.is_open(now));
        if known.sessions.len() >= MAX_SESSIONS {
            known.sessions.remove(0);
        }
        let hash = TokenHash::of(token.expose());
        known.sessions.push(Session { hash, until: now + SESSION_LIFE, used: now });
        Ok(token)
    }

    /// Whether `token` is an open session's; using it keeps it from idling out.
    pub(super) fn is_open(&self, token: &str, now: Instant) -> bool {
        let mut known = self.known();
        known.sessions.retain(|session| session.is_open(now));
        let at = position(&TokenHash::of(token), known.sessions.iter().map(|session| &session.hash));
        at.is_some_and(|at| {
            known.sessions[at].used = now;
            true
        })
    }

    /// Ends a session.
    pub(super) fn close(&self, token: &str) {
        let mut known = self.known();
        let at = position(&TokenHash::of(token), known.sessions.iter().map(|session| &session.hash));
        if let Some(at) = at {
            known.sessions.remove(at);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing panics under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn is_open(&self, now: Instant) -> bool {
        self.until > now && now - self.used < SESSION_IDLE
    }
}

/// Compares with all of them, so that time says nothing about which one came near.
fn position<'a>(wanted: &TokenHash, hashes: impl Iterator<Item = &'a TokenHash>) -> Option<usize> {
    let mut found = None;
    for (at, hash) in hashes.enumerate() {
        let hit: Choice = hash.ct_eq(wanted);
        if hit.into() {
            found = Some(at);
        }
    }
    found
}

fn drawn<const N: usize>() -> Result<Secret, getrandom::Error> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut())?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_works_once_and_for_five_minutes() {
        let (access, now) = (Access::default(), Instant::now());
        let link = access.link(now).unwrap();
        assert_eq!(link.expose().len(), 22, "128 bits in base64url");
        let token = access.open(link.expose(), now + LINK_LIFE - Duration::from_secs(1)).unwrap();
        assert!(access.is_open(token.expose(), now));
        assert_eq!(access.open(link.expose(), now).unwrap_err(), LinkError::Unknown);
        let late = access.link(now).unwrap();
        assert_eq!(access.open(late.expose(), now + LINK_LIFE).unwrap_err(), LinkError::Unknown);
        assert_eq!(access.open("", now).unwrap_err(), LinkError::Unknown);
    }

    #[test]
    fn a_session_ends_by_time_by_idleness_and_by_its_owner() {
        let (access, now) = (Access::default(), Instant::now());
        let open = || access.open(access.link(now).unwrap().expose(), now).unwrap();
        let (idle, busy, closed) = (open(), open(), open());
        access.close(closed.expose());
        assert!(!access.is_open(closed.expose(), now));
        let mut then = now;
        while then < now + SESSION_LIFE - SESSION_IDLE {
            then += SESSION_IDLE.saturating_sub(Duration::from_secs(1));
            assert!(access.is_open(busy.expose(), then));
        }
        assert!(!access.is_open(idle.expose(), then));
        assert!(!access.is_open(busy.expose(), now + SESSION_LIFE));
    }

    #[test]
    fn links_cannot_be_tried_without_end() {
        let (access, now) = (Access::default(), Instant::now());
        let link = access.link(now).unwrap();
        for _ in 0..MAX_WRONG {
            assert_eq!(access.open("x", now).unwrap_err(), LinkError::Unknown);
        }
        assert_eq!(access.open(link.expose(), now).unwrap_err(), LinkError::TooMany);
        assert!(access.open(link.expose(), now + Duration::from_mins(1)).is_ok());
    }
}
