//! Steps: forms that are good once, for a while, in one browser; and the logins that wait behind them.
//!
//! A step names itself, its browser and its end under a MAC, so a first form costs no memory: only what was used is remembered,
//! and what an upstream asked more of. Both have a bound; the oldest give way.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::Ambient;
use crate::token::opaque::{GrantToken, MacKeys, TokenKind};
use crate::verdict::Challenge;

/// As long as a challenge lives at the most.
pub(super) const STEP_MS: u64 = 600_000;

/// Of used steps, and of logins that wait.
const MAX: usize = 16_384;

/// Of logins that wait: addresses of other pages are the longest part of one.
const MAX_BYTES: usize = 32 << 20;

type Name = [u8; 16];

/// What a step leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Login,
    Answer,
    Logout,
}

impl Purpose {
    fn number(self) -> u32 {
        match self {
            Self::Login => 0,
            Self::Answer => 1,
            Self::Logout => 2,
        }
    }
}

/// A login that waits for its user.
#[derive(Debug)]
pub(super) struct Waiting {
    pub browser: Name,
    pub connector: String,
    pub username: String,
    pub challenge: Challenge,
}

impl Waiting {
    /// What it takes, as near as it matters for a bound.
    fn bytes(&self) -> usize {
        let Challenge { id, kind, fields, url, returns, .. } = &self.challenge;
        let texts = [&self.connector, &self.username, id, kind].into_iter().chain(url).chain(returns);
        let fields = fields.iter().map(|field| {
            let texts = [Some(&field.name), field.label.as_ref(), field.pattern.as_ref()];
            64 + texts.into_iter().flatten().map(String::len).sum::<usize>()
        });
        512 + texts.map(String::len).sum::<usize>() + fields.sum::<usize>()
    }
}

pub(super) struct Steps {
    keys: MacKeys,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    used: Bounded<()>,
    waiting: Bounded<Waiting>,
}

/// What is kept until its end, by name.
struct Bounded<T> {
    kept: HashMap<Name, (T, usize)>,
    ends: VecDeque<(u64, Name)>,
    bytes: usize,
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Self { kept: HashMap::new(), ends: VecDeque::new(), bytes: 0 }
    }
}

impl<T> Bounded<T> {
    /// All are kept for as long, so the first is the first to end.
    fn put(&mut self, name: Name, (value, bytes): (T, usize), now_ms: u64) {
        let full = |it: &Self| it.ends.len() >= MAX || it.bytes + bytes > MAX_BYTES;
        while self.ends.front().is_some_and(|(end, _)| *end <= now_ms || full(self)) {
            if let Some((_, name)) = self.ends.pop_front() {
                self.take(&name);
            }
        }
        self.ends.push_back((now_ms.saturating_add(STEP_MS), name));
        self.bytes += bytes;
        self.kept.insert(name, (value, bytes));
    }

    fn get(&self, name: &Name) -> Option<&T> {
        self.kept.get(name).map(|(value, _)| value)
    }

    fn take(&mut self, name: &Name) -> Option<T> {
        let (value, bytes) = self.kept.remove(name)?;
        self.bytes -= bytes;
        Some(value)
    }
}

impl Steps {
    pub(super) fn new(keys: MacKeys) -> Self {
        Self { keys, state: Mutex::default() }
    }

    /// A new step of this browser.
    pub(super) fn make(&self, purpose: Purpose, browser: Name, ambient: &dyn Ambient) -> String {
        let mut name = [0; 16];
        ambient.fill(&mut name);
        self.written(purpose, browser, name, ambient.unix_ms())
    }

    fn written(&self, purpose: Purpose, browser: Name, name: Name, now_ms: u64) -> String {
        let end_ms = now_ms.saturating_add(STEP_MS);
        let token = GrantToken { family: name, account: browser, generation: purpose.number(), end_ms };
        self.keys.make(TokenKind::Step, &token)
    }

    /// Uses a step up; false when it is none of this browser and purpose, over, or was used.
    pub(super) fn spend(&self, purpose: Purpose, browser: Name, step: &str, now_ms: u64) -> bool {
        let Some(name) = self.read(purpose, browser, step, now_ms) else { return false };
        let mut state = self.state();
        if state.used.get(&name).is_some() {
            return false;
        }
        state.used.put(name, ((), 0), now_ms);
        true
    }

    /// Keeps a login that waits; its step.
    pub(super) fn wait(&self, waiting: Waiting, ambient: &dyn Ambient) -> String {
        let mut name = [0; 16];
        ambient.fill(&mut name);
        let (now, browser) = (ambient.unix_ms(), waiting.browser);
        let bytes = waiting.bytes();
        self.state().waiting.put(name, (waiting, bytes), now);
        self.written(Purpose::Answer, browser, name, now)
    }

    /// Takes the login behind a step: of any number of calls one gets it.
    pub(super) fn take(&self, browser: Name, step: &str, now_ms: u64) -> Option<Waiting> {
        let name = self.read(Purpose::Answer, browser, step, now_ms)?;
        self.state().waiting.take(&name)
    }

    /// The same, if it is one that a look at `fits`.
    pub(super) fn take_if(
        &self,
        browser: Name,
        step: &str,
        now_ms: u64,
        fits: impl Fn(&Waiting) -> bool,
    ) -> Option<Waiting> {
        let name = self.read(Purpose::Answer, browser, step, now_ms)?;
        let mut state = self.state();
        if state.waiting.get(&name).is_some_and(fits) { state.waiting.take(&name) } else { None }
    }

    /// Takes the login of this browser, and of no other, that awaits what came back.
    pub(super) fn returned(&self, browser: Name, fits: impl Fn(&Waiting) -> bool) -> Option<Waiting> {
        let mut state = self.state();
        let found = state.waiting.kept.iter().find(|(_, (waiting, _))| waiting.browser == browser && fits(waiting));
        let name = found.map(|(name, _)| *name)?;
        state.waiting.take(&name)
    }

    fn read(&self, purpose: Purpose, browser: Name, step: &str, now_ms: u64) -> Option<Name> {
        let token = self.keys.read(TokenKind::Step, step)?;
        let good = token.account == browser && token.generation == purpose.number() && now_ms < token.end_ms;
        good.then_some(token.family)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics between two changes that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::System;
    use crate::secret::Secret;

    const MINE: Name = [1; 16];
    const THEIRS: Name = [2; 16];

    fn steps() -> Steps {
        Steps::new(MacKeys::of(&[Secret::new("ab".repeat(32))]).unwrap())
    }

    fn waiting(browser: Name) -> Waiting {
        let challenge = Challenge {
            id: "c".to_owned(),
            kind: "totp".to_owned(),
            message: None,
            fields: Vec::new(),
            url: None,
            returns: Vec::new(),
            image: None,
            expires_in: std::time::Duration::from_mins(5),
            attempts_left: 3,
            resend_after: None,
            poll_after: None,
            error: None,
        };
        Waiting { browser, connector: "corp".to_owned(), username: "zhangsan".to_owned(), challenge }
    }

    #[test]
    fn a_step_is_good_once_in_its_browser_for_its_purpose_and_time() {
        let (steps, now) = (steps(), System.unix_ms());
        let step = steps.make(Purpose::Login, MINE, &System);
        assert!(!steps.spend(Purpose::Login, THEIRS, &step, now), "another browser");
        assert!(!steps.spend(Purpose::Logout, MINE, &step, now), "another purpose");
        assert!(!steps.spend(Purpose::Login, MINE, &step, now + STEP_MS + 1000), "too late");
        assert!(!steps.spend(Purpose::Login, MINE, "", now) && !steps.spend(Purpose::Login, MINE, "x", now));
        assert!(steps.spend(Purpose::Login, MINE, &step, now));
        assert!(!steps.spend(Purpose::Login, MINE, &step, now), "once");
    }

    /// Invariant 4 of the design.
    #[test]
    fn of_a_hundred_answers_at_once_one_gets_the_login() {
        let steps = Arc::new(steps());
        let step = steps.wait(waiting(MINE), &System);
        assert!(steps.take(THEIRS, &step, System.unix_ms()).is_none());
        let threads: Vec<_> = (0..100)
            .map(|_| {
                let (steps, step) = (Arc::clone(&steps), step.clone());
                std::thread::spawn(move || steps.take(MINE, &step, System.unix_ms()).is_some())
            })
            .collect();
        let got = threads.into_iter().map(|thread| thread.join().unwrap()).filter(|got| *got).count();
        assert_eq!(got, 1);
    }

    #[test]
    fn what_is_kept_has_a_bound_and_an_end() {
        let mut kept = Bounded::default();
        for number in 0..=u32::try_from(MAX).unwrap() {
            let mut name = [0; 16];
            name[..4].copy_from_slice(&number.to_be_bytes());
            kept.put(name, ((), 100), 1000);
        }
        assert_eq!((kept.kept.len(), kept.ends.len(), kept.get(&[0; 16])), (MAX, MAX, None));
        kept.put([8; 16], ((), MAX_BYTES - 200), 1000);
        assert_eq!((kept.kept.len(), kept.bytes), (3, MAX_BYTES));
        kept.put([9; 16], ((), 1), 1000 + STEP_MS);
        assert_eq!((kept.kept.len(), kept.ends.len(), kept.bytes), (1, 1, 1));
    }
}
