//! Draws the random values and the times of a login and of a step run.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::Ambient;
use crate::context::{LoginValues, StepValues};
use crate::crypto::digest::{Algorithm, digest};
use crate::secret::Secret;

/// `login.*`: 128 bits each for state and nonce, 256 bits for the PKCE verifier (RFC 7636 section 7.1).
pub fn login_values(ambient: &dyn Ambient) -> LoginValues {
    let verifier = URL_SAFE_NO_PAD.encode(bytes::<32>(ambient));
    LoginValues {
        state: Secret::new(URL_SAFE_NO_PAD.encode(bytes::<16>(ambient))),
        nonce: Secret::new(URL_SAFE_NO_PAD.encode(bytes::<16>(ambient))),
        pkce_challenge: URL_SAFE_NO_PAD.encode(digest(Algorithm::Sha256, verifier.as_bytes())),
        pkce_verifier: Secret::new(verifier),
    }
}

/// `time.*` and `random.*` of one step run.
pub fn step_values(ambient: &dyn Ambient, zone: &jiff::tz::TimeZone) -> StepValues {
    let unix_ms = ambient.unix_ms();
    let instant = jiff::Timestamp::from_millisecond(i64::try_from(unix_ms).unwrap_or(i64::MAX)).unwrap_or_default();
    let local = instant.to_zoned(zone.clone());
    StepValues {
        unix: unix_ms / 1000,
        unix_ms,
        iso8601: local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        compact: local.strftime("%Y%m%d%H%M%S").to_string(),
        hex16: hex::encode(bytes::<16>(ambient)),
        uuid: uuid::Builder::from_random_bytes(bytes::<16>(ambient)).into_uuid().to_string(),
        digits6: digits6(ambient),
    }
}

/// Six decimal digits, each value equally likely.
fn digits6(ambient: &dyn Ambient) -> String {
    const RANGE: u32 = 1_000_000;
    // Values from here up would make small numbers likelier; one draw in about 4,300 lands there.
    const LIMIT: u32 = u32::MAX - u32::MAX % RANGE;
    loop {
        let number = u32::from_le_bytes(bytes::<4>(ambient));
        if number < LIMIT {
            return format!("{:06}", number % RANGE);
        }
    }
}

/// `N` random bytes.
pub fn bytes<const N: usize>(ambient: &dyn Ambient) -> [u8; N] {
    let mut bytes = [0; N];
    ambient.fill(&mut bytes);
    bytes
}
