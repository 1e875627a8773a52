//! One-time codes of authenticator apps: TOTP (RFC 6238) over HOTP (RFC 4226), with HMAC-SHA-1, 30 seconds, six digits,
//! as nearly all apps and servers have it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;

use crate::people::PEOPLE;

/// Seconds that a code is shown.
const STEP: u64 = 30;

/// How many codes before and after the present one count, for clocks that differ (RFC 6238 section 5.2).
const SKEW: u64 = 1;

/// The shared secrets of all users, and the codes that were used.
pub(super) struct Authenticators {
    secrets: BTreeMap<&'static str, [u8; 20]>,
    /// The last step whose code was taken, by login: no code counts twice (RFC 6238 section 5.2).
    used: Mutex<BTreeMap<String, u64>>,
}

/// What a code was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Right, and now used.
    Right,
    /// Right, but it was used before.
    Used,
    /// Not right.
    Wrong,
}

impl Authenticators {
    /// Draws a secret for each user.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let secrets = PEOPLE.iter().map(|person| {
            let mut secret = [0; 20];
            getrandom::fill(&mut secret).map(|()| (person.login, secret))
        });
        Ok(Self { secrets: secrets.collect::<Result<_, _>>()?, used: Mutex::default() })
    }

    /// What the app of `login` shows at the time `now` (milliseconds).
    pub(super) fn shows(&self, login: &str, now: u64) -> Option<String> {
        self.secrets.get(login).map(|secret| code(secret, now / 1000 / STEP))
    }

    /// The secret of `login` as apps take it (RFC 4648 base32).
    pub(super) fn secret(&self, login: &str) -> Option<String> {
        self.secrets.get(login).map(base32)
    }

    /// Checks a code, and uses it up when it is right.
    pub(super) fn check(&self, login: &str, given: &str, now: u64) -> Shown {
        let Some(secret) = self.secrets.get(login) else { return Shown::Wrong };
        let step = now / 1000 / STEP;
        let near = step.saturating_sub(SKEW)..=step + SKEW;
        let fits = |step: &u64| bool::from(code(secret, *step).as_bytes().ct_eq(given.as_bytes()));
        let Some(step) = near.into_iter().find(fits) else { return Shown::Wrong };
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        match used.get(login) {
            Some(last) if *last >= step => Shown::Used,
            _ => {
                used.insert(login.to_owned(), step);
                Shown::Right
            }
        }
    }
}

/// HOTP(secret, counter) with six digits (RFC 4226 section 5.3).
fn code(secret: &[u8], counter: u64) -> String {
    let Ok(keyed) = Hmac::<Sha1>::new_from_slice(secret) else {
        return String::new(); // HMAC takes keys of every length
    };
    let sum: [u8; 20] = keyed.chain_update(counter.to_be_bytes()).finalize().into_bytes().into();
    let at = usize::from(sum[19] & 0xf);
    let number = u32::from_be_bytes([sum[at], sum[at + 1], sum[at + 2], sum[at + 3]]) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// Base32 of 20 bytes, which need no padding.
fn base32(bytes: &[u8; 20]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| usize::from(byte >> bit & 1)));
    let bits: Vec<usize> = bits.collect();
    bits.chunks(5).map(|five| char::from(LETTERS[five.iter().fold(0, |sum, bit| sum * 2 + bit)])).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::{Authenticators, Shown, base32, code};

    const SECRET: &[u8; 20] = b"12345678901234567890";

    #[test]
    fn rfc_4226_appendix_d() {
        let codes =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (counter, expected) in (0..).zip(codes) {
            assert_eq!(code(SECRET, counter), expected);
        }
    }

    #[test]
    fn rfc_6238_appendix_b() {
        // The last six digits of the eight that the RFC lists for SHA-1.
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(SECRET, seconds / 30), expected, "{seconds}");
        }
    }

    #[test]
    fn base32_as_rfc_4648() {
        assert_eq!(base32(SECRET), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn a_code_counts_once_for_its_user_and_for_a_minute_and_a_half() {
        let secrets = [("zhangsan", *SECRET), ("lisi", [7; 20])].into();
        let apps = Authenticators { secrets, used: Mutex::default() };
        let minute = 100 * 30_000;
        let shown = apps.shows("zhangsan", minute).unwrap();
        assert_eq!(apps.check("lisi", &shown, minute), Shown::Wrong);
        assert_eq!(apps.check("zhangsan", &shown, minute + 60_000), Shown::Wrong);
        assert_eq!(apps.check("zhangsan", &shown, minute + 59_999), Shown::Right);
        assert_eq!(apps.check("zhangsan", &shown, minute + 59_999), Shown::Used);
        let before = apps.shows("zhangsan", minute - 30_000).unwrap();
        assert_eq!(apps.check("zhangsan", &before, minute), Shown::Used, "older than the last one taken");
        assert_eq!(apps.check("nobody", &shown, minute), Shown::Wrong);
    }
}
