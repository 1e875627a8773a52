//! The key `guard`: numbers within bounds, the usual ones where nothing is written.

use std::time::Duration;

use super::check::Check;
use super::raw::{self, RawGuard};
use super::{Guard, Sends, State, Utilities, WhenAway};
use crate::reading::{Spanned, TimeSpan};

/// More would be no bound.
const MAX_COUNT: u32 = 1_000_000;

/// A second, a day: shorter counts nothing, longer outlives every daemon's uptime.
const PERIOD: (u64, u64) = (1000, 86_400_000);

impl Check<'_> {
    pub(super) fn guard(&mut self, raw: &RawGuard) -> Guard {
        let usual = Guard::default();
        Guard {
            enabled: raw.enabled.unwrap_or(usual.enabled),
            user_failures: self.number(raw.user_failures.as_ref(), 0, usual.user_failures),
            client_ip_failures: self.number(raw.client_ip_failures.as_ref(), 0, usual.client_ip_failures),
            waits: match &raw.waits {
                Some(waits) => waits.value.iter().map(|wait| wait.0).collect(),
                None => usual.waits,
            },
            forget_after: self.period(raw.forget_after.as_ref(), usual.forget_after),
            client_failures: self.number(raw.client_failures.as_ref(), 1, usual.client_failures),
            parallel: self.number(raw.parallel.as_ref(), 0, usual.parallel),
            shared: raw.store.as_ref().is_some_and(|store| store.value == raw::StateKind::Redis),
            when_away: match raw.when_away.as_ref().map(|policy| policy.value) {
                Some(raw::RawWhenAway::Local) => WhenAway::Local,
                Some(raw::RawWhenAway::Refuse) | None => WhenAway::Refuse,
            },
            entries: self.count(raw.entries.as_ref(), 1024, 16_777_216, usual.entries),
            sends: raw.sends.as_ref().map_or(usual.sends, |sends| self.sends(sends)),
            utilities: raw.utilities.as_ref().map_or(usual.utilities, |calls| self.utilities(calls)),
        }
    }

    /// Shared counts need the Redis of `state`.
    pub(super) fn shared_guard(&mut self, raw: Option<&RawGuard>, state: &State) {
        let Some(raw) = raw else { return };
        let shared = raw.store.as_ref().filter(|store| store.value == raw::StateKind::Redis);
        match (shared, &raw.when_away) {
            (Some(store), _) if matches!(state, State::Memory) => {
                let help = "add state: { kind: redis, url: …, keys: … }, or set guard.store: memory";
                self.wrong("guard-store", &store.span, "there is no Redis to count in", help);
            }
            (None, Some(when_away)) => {
                let help = "set guard.store: redis, or leave it out";
                self.wrong("unused-key", &when_away.span, "only `guard.store: redis` uses this", help);
            }
            _ => {}
        }
    }

    fn sends(&mut self, raw: &raw::RawSends) -> Sends {
        let usual = Sends::default();
        Sends {
            user: self.number(raw.user.as_ref(), 1, usual.user),
            client_ip: self.number(raw.client_ip.as_ref(), 1, usual.client_ip),
            per: self.period(raw.per.as_ref(), usual.per),
        }
    }

    fn utilities(&mut self, raw: &raw::RawUtilities) -> Utilities {
        let usual = Utilities::default();
        Utilities {
            client: self.number(raw.client.as_ref(), 1, usual.client),
            connector: self.number(raw.connector.as_ref(), 1, usual.connector),
            client_ip: self.number(raw.client_ip.as_ref(), 1, usual.client_ip),
            per: self.period(raw.per.as_ref(), usual.per),
        }
    }

    fn number(&mut self, given: Option<&Spanned<u32>>, least: usize, usual: u32) -> u32 {
        u32::try_from(self.count(given, least, MAX_COUNT as usize, usual as usize)).unwrap_or(usual)
    }

    fn period(&mut self, given: Option<&Spanned<TimeSpan>>, usual: Duration) -> Duration {
        self.span(given.map(|given| (given.value.0, &given.span)), PERIOD.0, PERIOD.1, usual)
    }
}
