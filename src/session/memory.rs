//! Sessions in this process. Every call sees and changes one state under one lock.

use std::collections::HashMap;

use super::issued::OpenSession;
use super::not_before::NotBefore;
use super::record::{Account, Record, SessionId};
use super::rotation::{Generation, Rotation, rotate};

/// About 600 bytes each: 80 MiB at the worst.
pub(super) const MAX_SESSIONS: usize = 131_072;

/// Between two sweeps.
const SWEEP_MS: u64 = 60_000;

/// How long sessions live, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lifetimes {
    pub idle: u64,
    pub absolute: u64,
    pub per_user: usize,
}

#[derive(Debug)]
struct Entry {
    record: Record,
    newest: Generation,
    used_ms: u64,
}

/// Why a session was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removed {
    Over,
    Kicked,
    Crowded,
    Reused,
}

/// What was removed meanwhile, for the counters.
pub(super) type Removals = Vec<Removed>;

#[derive(Debug, Default)]
pub(super) struct Memory {
    sessions: HashMap<SessionId, Entry>,
    families: HashMap<[u8; 16], SessionId>,
    accounts: HashMap<Account, Vec<SessionId>>,
    not_before: NotBefore,
    swept_ms: u64,
}

/// Why a session was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotOpened {
    Kicked,
    Full,
}

/// What a refresh comes to.
#[derive(Debug)]
pub(super) enum Refreshed {
    /// No session stands behind the token.
    Nothing,
    /// The token was used before; its session is over now.
    Reused(Record),
    /// The session and its newest pair.
    Good(Record, Generation),
}

impl Memory {
    /// Keeps a new session. Of an account's sessions beyond the bound the oldest ends.
    pub(super) fn open(
        &mut self,
        record: Record,
        lives: Lifetimes,
        now_ms: u64,
    ) -> Result<(Generation, Removals), NotOpened> {
        let mut removed = self.sweep(lives, now_ms);
        if self.not_before.ends(&record.account, record.begun_ms) {
            return Err(NotOpened::Kicked);
        }
        let own = self.accounts.get(&record.account).cloned().unwrap_or_default();
        let beyond = (own.len() + 1).saturating_sub(lives.per_user);
        for id in own.iter().take(beyond) {
            self.remove(id);
            removed.push(Removed::Crowded);
        }
        if self.sessions.len() >= MAX_SESSIONS {
            return Err(NotOpened::Full);
        }
        let newest = Generation { number: 0, made_ms: now_ms };
        self.families.insert(record.family, record.id);
        self.accounts.entry(record.account.clone()).or_default().push(record.id);
        self.sessions.insert(record.id, Entry { record, newest, used_ms: now_ms });
        Ok((newest, removed))
    }

    /// The session of a grant, which is used by that; `None` when it is over.
    pub(super) fn look(&mut self, family: &[u8; 16], lives: Lifetimes, now_ms: u64) -> Option<(Record, Generation)> {
        let id = *self.families.get(family)?;
        self.look_at(&id, lives, now_ms)
    }

    /// The same by the session's name, for a token whose signature was verified.
    pub(super) fn look_at(&mut self, id: &SessionId, lives: Lifetimes, now_ms: u64) -> Option<(Record, Generation)> {
        let entry = self.sessions.get(id)?;
        if over(entry, &self.not_before, lives, now_ms).is_some() {
            return None;
        }
        let entry = self.sessions.get_mut(id)?;
        entry.used_ms = entry.used_ms.max(now_ms);
        Some((entry.record.clone(), entry.newest))
    }

    /// Exchanges the refresh token `presented` of a grant.
    pub(super) fn refresh(&mut self, family: &[u8; 16], presented: u32, lives: Lifetimes, now_ms: u64) -> Refreshed {
        let Some((record, newest)) = self.look(family, lives, now_ms) else { return Refreshed::Nothing };
        match rotate(newest, presented, now_ms) {
            Rotation::Same(same) => Refreshed::Good(record, same),
            Rotation::Next(next) => {
                if let Some(entry) = self.sessions.get_mut(&record.id) {
                    entry.newest = next;
                }
                Refreshed::Good(record, next)
            }
            Rotation::Reused => {
                self.remove(&record.id);
                Refreshed::Reused(record)
            }
            Rotation::Unknown => Refreshed::Nothing,
        }
    }

    /// The session with this public name, if it is not over.
    pub(super) fn find(&self, id: &SessionId, lives: Lifetimes, now_ms: u64) -> Option<&Record> {
        let entry = self.sessions.get(id)?;
        over(entry, &self.not_before, lives, now_ms).is_none().then_some(&entry.record)
    }

    /// The sessions that are not over, of connectors that are `wanted`, and of one user where one is given.
    pub(super) fn list(
        &self,
        wanted: impl Fn(&str) -> bool,
        user: Option<&str>,
        lives: Lifetimes,
        now_ms: u64,
    ) -> Vec<OpenSession> {
        let is_wanted = |record: &Record| {
            wanted(&record.connector) && user.is_none_or(|user| Account::of(&record.connector, user) == record.account)
        };
        let open = self.sessions.values().filter(|entry| over(entry, &self.not_before, lives, now_ms).is_none());
        open.filter(|entry| is_wanted(&entry.record))
            .map(|Entry { record, used_ms, .. }| OpenSession {
                id: record.id,
                connector: record.connector.clone(),
                subject: record.subject.clone(),
                client: record.client.clone(),
                authenticated_ms: record.authenticated_ms,
                used_ms: *used_ms,
                ends_ms: record.ends_ms,
            })
            .collect()
    }

    pub(super) fn remove(&mut self, id: &SessionId) -> Option<Record> {
        let entry = self.sessions.remove(id)?;
        self.families.remove(&entry.record.family);
        if let Some(own) = self.accounts.get_mut(&entry.record.account) {
            own.retain(|known| known != id);
            if own.is_empty() {
                self.accounts.remove(&entry.record.account);
            }
        }
        Some(entry.record)
    }

    /// Ends what `account` (or everybody) began up to now. Returns the not-before time, and what was open.
    pub(super) fn kick(&mut self, account: Option<Account>, lives: Lifetimes, now_ms: u64) -> (u64, Removals) {
        let time = self.not_before.raise(account, now_ms);
        self.swept_ms = 0;
        (time, self.sweep(lives, now_ms))
    }

    #[cfg(test)]
    pub(super) fn not_before(&self) -> usize {
        self.not_before.len()
    }

    pub(super) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Drops what is over: memory, not safety, hangs on it.
    fn sweep(&mut self, lives: Lifetimes, now_ms: u64) -> Removals {
        if now_ms < self.swept_ms.saturating_add(SWEEP_MS) && self.sessions.len() < MAX_SESSIONS {
            return Removals::new();
        }
        self.swept_ms = now_ms;
        let ended = |entry: &Entry| over(entry, &self.not_before, lives, now_ms);
        let ended: Vec<(SessionId, Removed)> =
            self.sessions.iter().filter_map(|(id, entry)| Some((*id, ended(entry)?))).collect();
        for (id, _) in &ended {
            self.remove(id);
        }
        self.not_before.sweep(now_ms, lives.absolute.saturating_add(LONGEST_LOGIN_MS));
        ended.into_iter().map(|(_, why)| why).collect()
    }
}

/// A login with its challenges: each is answered within ten minutes, and there are few.
const LONGEST_LOGIN_MS: u64 = 3_600_000;

/// Why a session is over, if it is.
fn over(entry: &Entry, not_before: &NotBefore, lives: Lifetimes, now_ms: u64) -> Option<Removed> {
    let Entry { record, used_ms, .. } = entry;
    if not_before.ends(&record.account, record.begun_ms) {
        return Some(Removed::Kicked);
    }
    let idle = now_ms.saturating_sub(*used_ms) > lives.idle;
    (now_ms >= record.ends_ms || idle).then_some(Removed::Over)
}
