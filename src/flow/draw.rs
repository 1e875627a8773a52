//! Random values and times of a login and of a step run.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::clock::Ambient;
use crate::context::{FilterSeed, LoginSeed, LoginTexts, LoginValues, StepSeed, StepTexts, StepValues};
use crate::crypto::digest::{Algorithm, digest};
use crate::secret::Secret;

/// `login.*`: 128 bits each for state and nonce, 256 bits for the PKCE verifier (RFC 7636 section 7.1).
pub fn login_values(ambient: &dyn Ambient) -> LoginValues {
    let mut bytes = Zeroizing::new([0; 64]);
    ambient.fill(&mut *bytes);
    LoginValues::new(LoginSeed(bytes), login_texts)
}

fn login_texts(LoginSeed(bytes): &LoginSeed) -> LoginTexts {
    let (verifier, rest) = bytes.split_at(32);
    let (state, nonce) = rest.split_at(16);
    let verifier = URL_SAFE_NO_PAD.encode(verifier);
    LoginTexts {
        state: Secret::new(URL_SAFE_NO_PAD.encode(state)),
        nonce: Secret::new(URL_SAFE_NO_PAD.encode(nonce)),
        pkce_challenge: URL_SAFE_NO_PAD.encode(digest(Algorithm::Sha256, verifier.as_bytes())),
        pkce_verifier: Secret::new(verifier),
    }
}

/// `time.*` and `random.*` of one step run.
pub fn step_values(ambient: &dyn Ambient, zone: &jiff::tz::TimeZone) -> StepValues {
    let unix_ms = ambient.unix_ms();
    // One system call for all of them.
    let drawn = bytes::<36>(ambient);
    let mut random = [0; 32];
    random.copy_from_slice(&drawn[..32]);
    let digits6 = digits6([drawn[32], drawn[33], drawn[34], drawn[35]], ambient);
    let seed = StepSeed { unix_ms, zone: zone.clone(), bytes: random, digits6 };
    StepValues {
        unix: unix_ms / 1000,
        unix_ms,
        filter_seed: None,
        texts: crate::context::LazyTexts::new(seed, step_texts),
    }
}

/// For the filters of one step run.
pub fn filter_seed(ambient: &dyn Ambient) -> FilterSeed {
    let mut bytes = Zeroizing::new([0; 32]);
    ambient.fill(&mut *bytes);
    FilterSeed(bytes)
}

fn step_texts(seed: &StepSeed) -> StepTexts {
    let instant =
        jiff::Timestamp::from_millisecond(i64::try_from(seed.unix_ms).unwrap_or(i64::MAX)).unwrap_or_default();
    let local = instant.to_zoned(seed.zone.clone());
    let (hex16, uuid) = seed.bytes.split_at(16);
    let uuid = uuid::Builder::from_random_bytes(uuid.try_into().unwrap_or_default());
    StepTexts {
        iso8601: local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        compact: local.strftime("%Y%m%d%H%M%S").to_string(),
        hex16: hex::encode(hex16),
        uuid: uuid.into_uuid().to_string(),
        digits6: format!("{:06}", seed.digits6),
    }
}

/// A number of six decimal digits, each equally likely.
fn digits6(mut drawn: [u8; 4], ambient: &dyn Ambient) -> u32 {
    const RANGE: u32 = 1_000_000;
    // Values from here up would make small numbers likelier; one draw in about 4,300 lands there.
    const LIMIT: u32 = u32::MAX - u32::MAX % RANGE;
    while u32::from_le_bytes(drawn) >= LIMIT {
        drawn = bytes(ambient);
    }
    u32::from_le_bytes(drawn) % RANGE
}

/// `N` random bytes.
pub fn bytes<const N: usize>(ambient: &dyn Ambient) -> [u8; N] {
    let mut bytes = [0; N];
    ambient.fill(&mut bytes);
    bytes
}
