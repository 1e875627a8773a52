//! What steps with `cache` keep for other logins: captures by everything that went into them, and who is asking now.
//!
//! It belongs to one revision of one connector and goes with it. It holds captures of steps that know no user, never a
//! verdict and never a failure: who waited for a failed login hears of its failure, who comes later asks again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::context::StepFacts;
use crate::verdict::Cause;

/// Sets of captures at once. There is one for each step with `cache` and node, so a file that needs more than this is
/// keyed by something that changes from login to login.
const MOST_KEPT: usize = 64;

/// What the captures came from: a digest of step, node and inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(pub [u8; 32]);

/// The captures that are kept. Cheap when no step has `cache`.
#[derive(Debug, Default)]
pub struct Kept(Mutex<HashMap<Key, Slot>>);

#[derive(Debug)]
enum Slot {
    Here {
        step: String,
        facts: Arc<StepFacts>,
        until: Instant,
    },
    /// Somebody asks the upstream. Only the [`Asking`] of that login takes this slot away.
    Asking(watch::Receiver<Option<Answer>>),
}

/// What an asking came to, for those who waited.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Good for others, until then.
    Good(Arc<StepFacts>, Instant),
    /// Good for the one who asked and for nobody else.
    Own,
    /// It failed in a way that others would meet, too.
    Failed(Failure),
}

/// Why an asking failed; it names nothing of a user, because the step knows none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// unavailable, and the line that explains it.
    Unavailable(Cause, String),
    /// misconfigured
    Misconfigured(String),
}

/// What there is for a key.
#[derive(Debug)]
pub enum Looked<'a> {
    /// Captures.
    Here(Arc<StepFacts>),
    /// Another login is asking.
    Asked(Waiting),
    /// Nothing; this login is to ask, and others now wait for it.
    Absent(Asking<'a>),
}

/// A wait for another login.
#[derive(Debug)]
pub struct Waiting(watch::Receiver<Option<Answer>>);

impl Waiting {
    /// What came of it; `None` when that login went away without an answer. Then look again.
    pub async fn answer(mut self) -> Option<Answer> {
        self.0.wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone())
    }
}

/// The right and the duty to ask. Dropped without an answer it leaves both to one of those who wait.
#[derive(Debug)]
pub struct Asking<'a> {
    kept: &'a Kept,
    key: Key,
    answer: watch::Sender<Option<Answer>>,
}

impl Kept {
    /// What there is under `key`.
    pub fn look(&self, key: Key, now: Instant) -> Looked<'_> {
        let mut slots = self.lock();
        match slots.get(&key) {
            Some(Slot::Here { facts, until, .. }) if *until > now => return Looked::Here(Arc::clone(facts)),
            Some(Slot::Asking(waiting)) => return Looked::Asked(Waiting(waiting.clone())),
            _ => {}
        }
        let (answer, waiting) = watch::channel(None);
        slots.insert(key, Slot::Asking(waiting));
        Looked::Absent(Asking { kept: self, key, answer })
    }

    /// Drops the captures of `step` that are no longer good: those that `used` came from.
    pub fn forget(&self, step: &str, used: &StepFacts) {
        // After a challenge `used` holds only what later steps name.
        let same =
            |facts: &StepFacts| used.captures.iter().all(|(name, value)| facts.captures.get(name) == Some(value));
        self.lock().retain(|_, slot| match slot {
            Slot::Here { step: of, facts, .. } => of != step || !same(facts),
            Slot::Asking(..) => true,
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Slot>> {
        // Nothing panics under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asking<'_> {
    /// Tells those who wait, and keeps what is good for others.
    pub fn done(self, step: &str, answer: Answer, now: Instant) {
        if let Answer::Good(facts, until) = &answer {
            let mut slots = self.kept.lock();
            make_room(&mut slots, now);
            let step = step.to_owned();
            slots.insert(self.key, Slot::Here { step, facts: Arc::clone(facts), until: *until });
        }
        // Whoever looks from here on finds what was kept, or asks anew.
        self.answer.send_replace(Some(answer));
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        // Before the sender goes, so that whoever hears that it is gone finds the slot free.
        let mut slots = self.kept.lock();
        if matches!(slots.get(&self.key), Some(Slot::Asking(_))) {
            slots.remove(&self.key);
        }
    }
}

/// Drops what is over, and what is over soonest when that is not enough.
fn make_room(slots: &mut HashMap<Key, Slot>, now: Instant) {
    slots.retain(|_, slot| !matches!(slot, Slot::Here { until, .. } if *until <= now));
    while slots.len() > MOST_KEPT {
        let ends = slots.iter().filter_map(|(key, slot)| match slot {
            Slot::Here { until, .. } => Some((*until, *key)),
            Slot::Asking(..) => None,
        });
        let Some((_, key)) = ends.min_by_key(|(until, _)| *until) else { return };
        slots.remove(&key);
    }
}

#[cfg(test)]
mod tests;
