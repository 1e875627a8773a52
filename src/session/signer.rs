//! Access tokens that others verify alone: JWTs of RFC 9068, signed by the keys of the configuration.

use super::record::{Record, SessionId};
use super::rotation::Generation;
use crate::config::Signing;
use crate::crypto::digest::{Algorithm, digest};
use crate::crypto::encoding::base64url_encode;
use crate::document::Value;
use crate::secret::Secret;
use crate::token::access::{AccessClaims, TYP};
use crate::token::{KeyAlgorithm, SigningKeyError, SigningKeys};

pub(super) struct Signer {
    keys: SigningKeys,
    algorithm: KeyAlgorithm,
    issuer: String,
    audience: Vec<String>,
}

/// What a token of ours says, as far as it is looked up.
pub(super) struct SignedAccess {
    pub session: SessionId,
    pub connector: String,
    pub started_ms: u64,
    pub ends_ms: u64,
}

impl Signer {
    pub(super) fn new(config: &Signing) -> Result<Self, SigningKeyError> {
        let keys = SigningKeys::read(&config.keys)?;
        let algorithms = keys.algorithms();
        // Where both are there: every verifier knows RS256.
        let rsa = algorithms.iter().find(|algorithm| **algorithm == KeyAlgorithm::Rs256);
        let algorithm = rsa.or(algorithms.first()).copied().ok_or(SigningKeyError::NoneSigns)?;
        Ok(Self { keys, algorithm, issuer: config.issuer.clone(), audience: config.audience.clone() })
    }

    /// The token of this generation.
    pub(super) fn sign(&self, record: &Record, subject: &str, newest: Generation, end_ms: u64) -> Option<Secret> {
        let session = record.id.to_string();
        let named = [record.family.as_slice(), &newest.number.to_be_bytes()].concat();
        let id = base64url_encode(&digest(Algorithm::Sha256, &named)[..16]);
        let claims = AccessClaims {
            issuer: &self.issuer,
            subject,
            audience: &self.audience,
            client: &record.client,
            connector: &record.connector,
            session: &session,
            id: &id,
            accepted_ms: record.authenticated_ms,
            started_ms: record.begun_ms,
            methods: &[],
        };
        self.keys.sign(self.algorithm, TYP, &claims.at(newest.made_ms, end_ms)).map(Secret::new)
    }

    /// What `text` says, if it was signed here and has not ended.
    pub(super) fn read(&self, text: &str, now_ms: u64) -> Option<SignedAccess> {
        let Ok(Value::Object(claims)) = self.keys.verify(TYP, text, now_ms) else { return None };
        let words = |name: &str| match claims.get(name) {
            Some(Value::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        let number = |name: &str| match claims.get(name) {
            Some(Value::Number(number)) => number.as_str().parse::<u64>().ok(),
            _ => None,
        };
        if words("iss") != Some(self.issuer.as_str()) {
            return None;
        }
        Some(SignedAccess {
            session: SessionId::parse(words("sid")?)?,
            connector: words("connector")?.to_owned(),
            started_ms: number("started_ms")?,
            ends_ms: number("exp")?.saturating_mul(1000),
        })
    }

    pub(super) fn jwks(&self, now_ms: u64) -> String {
        self.keys.jwks(now_ms)
    }
}
