//! A client of the API: what it shows, what it may do, and the tokens that it shows.
//!
//! A token is 256 random bits, so its plain SHA-256 is safe to keep: there is no dictionary to try, which is what slow
//! password hashes defend against, and a slow hash on every call would be a lever for overload.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// Makes a token recognisable, for people and for secret scanners.
const PREFIX: &str = "dwt_";

/// What a client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Ask for verdicts.
    Authenticate,
    /// Run the send test.
    Test,
    /// Read connectors, metrics and the API description.
    Read,
    /// Make the daemon read its connectors again.
    Reload,
    /// Open, refresh, verify and end sessions.
    Sessions,
    /// Ask through doors. It opens nothing of the API.
    Door,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 6] = [Self::Authenticate, Self::Test, Self::Read, Self::Reload, Self::Sessions, Self::Door];

    /// The word of the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::Test => "test",
            Self::Read => "read",
            Self::Reload => "reload",
            Self::Sessions => "sessions",
            Self::Door => "door",
        }
    }
}

/// A new bearer token.
pub struct Token(Secret);

impl Token {
    /// Draws 256 bits from the operating system. Fails when it has no randomness to give.
    pub fn draw() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut())?;
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref()));
        Ok(Self(Secret::new(format!("{PREFIX}{}", *text))))
    }

    /// The text that the client sends; shown once, by `doorward token new`.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What the configuration keeps.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.0.expose())
    }
}

/// SHA-256 of a token's text.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl ConstantTimeEq for TokenHash {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

/// In constant time, as every comparison of what a token is known by.
impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for TokenHash {}

impl TokenHash {
    /// The hash of a token as it is sent.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Reads `sha256:` and 64 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.strip_prefix("sha256:")?, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex::encode(self.0))
    }
}

// Derived from a credential, so it is shown only on purpose.
impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹secret›")
    }
}

/// What a verified client certificate says about its holder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificate {
    /// DNS names of the subject alternative name, lower case.
    pub dns: Vec<String>,
    /// URIs of the subject alternative name (SPIFFE ids).
    pub uris: Vec<String>,
    /// SHA-256 of the certificate, lower-case hex.
    pub sha256: String,
}

/// Which certificate a client must show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateRule {
    /// One with this DNS name.
    Dns(String),
    /// One with this URI.
    Uri(String),
    /// This very one.
    Sha256(String),
}

impl CertificateRule {
    /// Whether this certificate is one of them.
    pub fn matches(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Dns(name) => certificate.dns.iter().any(|dns| dns.eq_ignore_ascii_case(name)),
            Self::Uri(uri) => certificate.uris.contains(uri),
            Self::Sha256(hash) => certificate.sha256.eq_ignore_ascii_case(hash),
        }
    }
}

/// One client of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    /// Its name in logs, audit lines and metrics.
    pub name: String,
    /// Its tokens (two while one replaces the other); empty: certificate only.
    pub tokens: Vec<TokenHash>,
    /// The certificate it must show.
    pub certificate: Option<CertificateRule>,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The connectors it may use; `None`: all.
    pub connectors: Option<Vec<String>>,
    /// Most calls it may have open.
    pub max_in_flight: Option<usize>,
}

impl Client {
    /// Whether it may use this connector.
    pub fn may_use(&self, connector: &str) -> bool {
        self.connectors.as_ref().is_none_or(|list| list.iter().any(|id| id == connector))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_and_its_hash() {
        let (token, other) = (Token::draw().unwrap(), Token::draw().unwrap());
        assert_ne!(token.expose(), other.expose());
        assert_eq!(token.expose().len(), "dwt_".len() + 43); // 256 bits in base64url
        let written = token.hash().to_string();
        assert_eq!(TokenHash::parse(&written).unwrap().to_string(), written);
        assert!(!format!("{:?}", token.hash()).contains(&written[7..15]));
        for wrong in ["", "sha256:", "sha256:00", &written[7..], &format!("{written}00")] {
            assert!(TokenHash::parse(wrong).is_none(), "{wrong}");
        }
    }
}
