//! A challenge for HTTP Digest (RFC 7616 section 3.3), and which one of several is answered.

use http::HeaderMap;
use sha2::{Digest as _, Sha512_256};

use crate::crypto::digest::{Algorithm, digest};
use crate::crypto::encoding::hex_encode;
use crate::signing::www_authenticate::{Challenge, Malformed, challenges};

/// The hash of a challenge, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hash {
    Md5,
    Sha256,
    /// SHA-512/256 (FIPS 180-4): not SHA-512 cut short, as the examples of RFC 7616 have it (erratum 4897).
    Sha512Of256,
}

impl Hash {
    /// In lower-case hexadecimal.
    pub(super) fn hex(self, data: &[u8]) -> String {
        hex_encode(&match self {
            Self::Md5 => digest(Algorithm::Md5, data),
            Self::Sha256 => digest(Algorithm::Sha256, data),
            Self::Sha512Of256 => Sha512_256::digest(data).to_vec(),
        })
    }

    fn named(name: &str) -> Option<Self> {
        match name {
            "md5" => Some(Self::Md5),
            "sha-256" => Some(Self::Sha256),
            "sha-512-256" => Some(Self::Sha512Of256),
            _ => None,
        }
    }
}

/// What the answer protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quality {
    /// RFC 2069: the server named none.
    None,
    /// Method and URI.
    Auth,
    /// The body, too.
    AuthInt,
}

/// A challenge that can be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a parameter of a challenge, independent of the others")]
pub(super) struct DigestChallenge {
    pub realm: Vec<u8>,
    pub nonce: Vec<u8>,
    pub opaque: Option<Vec<u8>>,
    pub hash: Hash,
    /// Whether the name of the algorithm ends with `-sess`.
    pub session: bool,
    /// The algorithm's name as the server wrote it; it goes back so.
    pub algorithm: Option<String>,
    pub quality: Quality,
    /// The answer was right, its nonce too old.
    pub stale: bool,
    /// Whether it says that names and passwords are in UTF-8.
    pub utf8: bool,
    /// Whether the name goes out as a hash.
    pub userhash: bool,
}

/// Why none of a reply's challenges can be answered.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unanswerable {
    #[error("its WWW-Authenticate cannot be read: {0}")]
    Malformed(#[from] Malformed),
    #[error("its Digest challenge has no {0}")]
    Lacks(&'static str),
    #[error("its Digest challenge wants {0}, which is not one of {1}")]
    Unknown(String, &'static str),
    #[error("it asks for {0}, not for Digest: see request.auth")]
    OtherSchemes(String),
    #[error("it has no WWW-Authenticate that says how")]
    Nothing,
}

/// The strongest challenge of a reply; of equal ones the first.
pub(super) fn strongest(headers: &HeaderMap) -> Result<DigestChallenge, Unanswerable> {
    let found = challenges(headers);
    let (mut best, mut fault): (Option<DigestChallenge>, Option<Unanswerable>) = (None, None);
    for challenge in found.all.iter().filter(|it| it.scheme.eq_ignore_ascii_case("digest")) {
        match read(challenge) {
            Ok(it) => match &best {
                Some(known) if known.hash >= it.hash => {}
                _ => best = Some(it),
            },
            Err(why) => fault = fault.or(Some(why)),
        }
    }
    if let Some(best) = best {
        return Ok(best);
    }
    let others = found.schemes();
    let malformed = found.malformed.map(Unanswerable::from);
    let absent = if others.is_empty() { Unanswerable::Nothing } else { Unanswerable::OtherSchemes(others.join(", ")) };
    Err(fault.or(malformed).unwrap_or(absent))
}

fn read(challenge: &Challenge) -> Result<DigestChallenge, Unanswerable> {
    let get = |name: &str| challenge.parameters.iter().find(|it| it.name == name).map(|it| it.value.as_slice());
    let is = |name: &str, value: &[u8]| get(name).is_some_and(|it| it.eq_ignore_ascii_case(value));
    let realm = get("realm").ok_or(Unanswerable::Lacks("realm"))?.to_vec();
    let nonce = get("nonce").filter(|it| !it.is_empty()).ok_or(Unanswerable::Lacks("nonce"))?.to_vec();
    let algorithm = get("algorithm").map(|it| String::from_utf8_lossy(it).into_owned());
    let lower = algorithm.as_ref().map_or_else(|| "md5".to_owned(), |it| it.to_ascii_lowercase());
    let (name, session) = lower.strip_suffix("-sess").map_or((lower.as_str(), false), |name| (name, true));
    let Some(hash) = Hash::named(name) else {
        return Err(Unanswerable::Unknown(word("algorithm", lower.as_bytes()), "MD5, SHA-256 and SHA-512-256"));
    };
    Ok(DigestChallenge {
        realm,
        nonce,
        opaque: get("opaque").map(<[u8]>::to_vec),
        hash,
        session,
        algorithm,
        quality: quality(get("qop").unwrap_or_default())?,
        stale: is("stale", b"true"),
        utf8: is("charset", b"utf-8"),
        userhash: is("userhash", b"true"),
    })
}

/// `auth` where it is offered: every server that knows qop knows it.
fn quality(offered: &[u8]) -> Result<Quality, Unanswerable> {
    let offers =
        |wanted: &[u8]| offered.split(|byte| *byte == b',').any(|it| it.trim_ascii().eq_ignore_ascii_case(wanted));
    if offers(b"auth") {
        Ok(Quality::Auth)
    } else if offers(b"auth-int") {
        Ok(Quality::AuthInt)
    } else if offered.trim_ascii().is_empty() {
        Ok(Quality::None)
    } else {
        Err(Unanswerable::Unknown(word("qop", offered), "auth and auth-int"))
    }
}

/// A short name, for a message.
fn word(what: &str, value: &[u8]) -> String {
    let value: String = String::from_utf8_lossy(value).chars().filter(char::is_ascii_graphic).take(24).collect();
    format!("{what} `{value}`")
}
