//! Random values and times of a login and of a step run.
//!
//! Time and random bytes are taken at the start; their texts are computed on first use. Most connectors read none, and
//! a hash, four encodings and two dates would be a large part of the cost of a login.

use std::ops::Deref;
use std::sync::OnceLock;

use zeroize::Zeroizing;

use crate::secret::Secret;

/// Texts that are computed from `S` once, on first use.
#[derive(Debug, Clone)]
pub struct LazyTexts<S, T> {
    seed: S,
    make: fn(&S) -> T,
    made: OnceLock<T>,
}

impl<S, T> LazyTexts<S, T> {
    pub fn new(seed: S, make: fn(&S) -> T) -> Self {
        Self { seed, make, made: OnceLock::new() }
    }
}

impl<S: Default, T> From<T> for LazyTexts<S, T>
where
    T: Default,
{
    /// Texts that are already computed.
    fn from(made: T) -> Self {
        Self { seed: S::default(), make: |_| T::default(), made: OnceLock::from(made) }
    }
}

impl<S: Default, T: Default> Default for LazyTexts<S, T> {
    fn default() -> Self {
        Self::from(T::default())
    }
}

impl<S, T> Deref for LazyTexts<S, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.made.get_or_init(|| (self.make)(&self.seed))
    }
}

/// `login.*`, of 64 random bytes.
pub type LoginValues = LazyTexts<LoginSeed, LoginTexts>;

/// 256 bits for the verifier, 128 for the state, 128 for the nonce.
#[derive(Clone)]
pub struct LoginSeed(pub Zeroizing<[u8; 64]>);

/// The texts of `login.*`.
#[derive(Debug, Clone, Default)]
pub struct LoginTexts {
    /// `login.state`: 128 bits, base64url.
    pub state: Secret,
    /// `login.nonce`: 128 bits, base64url.
    pub nonce: Secret,
    /// `login.pkce_verifier` (RFC 7636 section 4.1).
    pub pkce_verifier: Secret,
    /// `login.pkce_challenge`: S256 of the verifier (RFC 7636 section 4.2).
    pub pkce_challenge: String,
}

impl Default for LoginSeed {
    fn default() -> Self {
        Self(Zeroizing::new([0; 64]))
    }
}

/// Two of the values are secrets, so all of the seed is.
impl std::fmt::Debug for LoginSeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("‹secret›")
    }
}

/// `time.*` and `random.*`, the same for a whole step run, so that variables, headers, signature and body of one
/// request agree.
#[derive(Debug, Clone, Default)]
pub struct StepValues {
    /// `time.unix`, seconds.
    pub unix: u64,
    /// `time.unix_ms`, milliseconds.
    pub unix_ms: u64,
    /// For filters that draw random numbers; only while a request is rendered that has one.
    pub filter_seed: Option<FilterSeed>,
    /// The others.
    pub texts: LazyTexts<StepSeed, StepTexts>,
}

#[derive(Debug, Clone)]
pub struct StepSeed {
    /// Milliseconds since 1970.
    pub unix_ms: u64,
    /// The connector's.
    pub zone: jiff::tz::TimeZone,
    /// For `random.hex16` and `random.uuid`.
    pub bytes: [u8; 32],
    /// Below a million.
    pub digits6: u32,
}

impl Default for StepSeed {
    fn default() -> Self {
        Self { unix_ms: 0, zone: jiff::tz::TimeZone::UTC, bytes: [0; 32], digits6: 0 }
    }
}

/// The texts of one step run.
#[derive(Debug, Clone, Default)]
pub struct StepTexts {
    /// `time.iso8601` in the connector's time zone, with its offset.
    pub iso8601: String,
    /// `time.compact`: `yyyyMMddHHmmss` in the connector's time zone.
    pub compact: String,
    /// `random.hex16`: 16 random bytes, 32 hex digits.
    pub hex16: String,
    /// `random.uuid`: version 4.
    pub uuid: String,
    /// `random.digits6`: six decimal digits, uniform.
    pub digits6: String,
}

/// What filters of one step run make their random numbers from, so that a request has the same bytes however often it is
/// rendered. Nothing else is made of it.
#[derive(Clone)]
pub struct FilterSeed(pub Zeroizing<[u8; 32]>);

/// Whoever knows it can decrypt what was encrypted.
impl std::fmt::Debug for FilterSeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("‹secret›")
    }
}
