//! Opaque tokens: `kind | key id | body | MAC`, in base64url. Whoever holds one can read nothing of it and change nothing in it, and
//! garbage is known as such without a look into the store.

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::crypto::digest::{Algorithm as Digest, digest};
use crate::crypto::encoding::{base64url_decode, base64url_encode, hex_decode};
use crate::crypto::hmac::hmac;
use crate::crypto::kdf::hkdf;
use crate::secret::Secret;

/// Clocks of the nodes may differ by this much.
pub const CLOCK_SLACK_MS: u64 = 30_000;

const KEY_BYTES: usize = 32;
const MAC_BYTES: usize = 32;
/// Says which of two keys made a token, and saves a try with the other.
const KEY_ID_BYTES: usize = 2;
/// Family, account, generation, end.
const GRANT_BYTES: usize = 16 + 16 + 4 + 8;

/// What a token is for. Its byte is under the MAC: a token of one kind is never one of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum TokenKind {
    Access = 1,
    Refresh = 2,
    /// A browser's session.
    Browser = 3,
    /// A form of the login page: its name, its browser, its purpose, its end.
    Step = 4,
}

/// What a token of a grant names. Nothing of it is secret or says who the user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantToken {
    /// The grant: all tokens that followed from one login of one client.
    pub family: [u8; 16],
    /// A hash of the account. It only chooses a key in the store: the row itself says whose it is.
    pub account: [u8; 16],
    /// How often the grant was refreshed.
    pub generation: u32,
    /// Milliseconds since 1970.
    pub end_ms: u64,
}

/// Why the keys cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("one or two keys of 64 hex digits are wanted: `openssl rand -hex 32` makes one")]
pub struct MacKeysError;

struct MacKey {
    id: [u8; KEY_ID_BYTES],
    bytes: Zeroizing<Vec<u8>>,
}

/// The keys of opaque tokens: the first makes them, both read them, so that a key can be exchanged.
pub struct MacKeys(Vec<MacKey>);

impl std::fmt::Debug for MacKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} keys", self.0.len())
    }
}

impl MacKeys {
    /// From the configured keys, each for this use alone (RFC 5869).
    pub fn of(keys: &[Secret]) -> Result<Self, MacKeysError> {
        if keys.is_empty() || keys.len() > 2 {
            return Err(MacKeysError);
        }
        keys.iter().map(|key| MacKey::of(key).ok_or(MacKeysError)).collect::<Result<_, _>>().map(Self)
    }

    /// The text of a token.
    pub fn make(&self, kind: TokenKind, token: &GrantToken) -> String {
        let key = &self.0[0];
        let mut bytes = Vec::with_capacity(1 + KEY_ID_BYTES + GRANT_BYTES + MAC_BYTES);
        bytes.push(kind as u8);
        bytes.extend_from_slice(&key.id);
        bytes.extend_from_slice(&token.family);
        bytes.extend_from_slice(&token.account);
        bytes.extend_from_slice(&token.generation.to_be_bytes());
        bytes.extend_from_slice(&token.end_ms.to_be_bytes());
        bytes.extend_from_slice(&hmac(Digest::Sha256, &key.bytes, &bytes));
        base64url_encode(&bytes)
    }

    /// What a text names, if it is a token of this kind that was made with a configured key. Its end is the caller's to compare.
    pub fn read(&self, kind: TokenKind, text: &str) -> Option<GrantToken> {
        let bytes = base64url_decode(text).ok()?;
        // One spelling a token: what is stored or revoked by its text must not have another.
        if bytes.len() != 1 + KEY_ID_BYTES + GRANT_BYTES + MAC_BYTES || base64url_encode(&bytes) != text {
            return None;
        }
        let (signed, mac) = bytes.split_at(bytes.len() - MAC_BYTES);
        let (head, body) = signed.split_at(1 + KEY_ID_BYTES);
        let made_by = |key: &&MacKey| bool::from(hmac(Digest::Sha256, &key.bytes, signed).ct_eq(mac));
        self.0.iter().filter(|key| key.id == head[1..]).find(made_by)?;
        if head[0] != kind as u8 {
            return None;
        }
        let (family, body) = body.split_first_chunk()?;
        let (account, body) = body.split_first_chunk()?;
        let (generation, end) = body.split_first_chunk()?;
        let end_ms = u64::from_be_bytes(end.try_into().ok()?);
        Some(GrantToken { family: *family, account: *account, generation: u32::from_be_bytes(*generation), end_ms })
    }
}

impl MacKey {
    fn of(hex: &Secret) -> Option<Self> {
        // Exposed to become the key.
        let written = Zeroizing::new(hex_decode(hex.expose()).ok().filter(|bytes| bytes.len() == KEY_BYTES)?);
        let bytes = Zeroizing::new(hkdf(Digest::Sha256, &written, &[], b"doorward token mac", KEY_BYTES).ok()?);
        let named = digest(Digest::Sha256, &[b"doorward token key\0", bytes.as_slice()].concat());
        Some(Self { id: [named[0], named[1]], bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: GrantToken =
        GrantToken { family: [7; 16], account: [9; 16], generation: 3, end_ms: 1_767_323_045_000 };

    fn keys(digits: &[&str]) -> MacKeys {
        MacKeys::of(&digits.iter().map(|digit| Secret::new(digit.repeat(64))).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_token_is_read_back_by_either_key_and_no_other() {
        let (one, both, other) = (keys(&["a"]), keys(&["b", "a"]), keys(&["b"]));
        let text = one.make(TokenKind::Refresh, &TOKEN);
        assert_eq!(one.read(TokenKind::Refresh, &text), Some(TOKEN));
        assert_eq!(both.read(TokenKind::Refresh, &text), Some(TOKEN));
        assert_eq!(other.read(TokenKind::Refresh, &text), None);
        assert_ne!(both.make(TokenKind::Refresh, &TOKEN), text, "the first key makes tokens");
    }

    #[test]
    fn no_changed_byte_and_no_other_kind_is_a_token() {
        let keys = keys(&["a"]);
        let text = keys.make(TokenKind::Access, &TOKEN);
        assert_eq!(keys.read(TokenKind::Refresh, &text), None);
        let bytes = base64url_decode(&text).unwrap();
        for at in 0..bytes.len() {
            for kind in [TokenKind::Access, TokenKind::Refresh] {
                let mut changed = bytes.clone();
                changed[at] ^= 3;
                assert_eq!(keys.read(kind, &base64url_encode(&changed)), None, "byte {at}");
            }
        }
        for wrong in ["", "x", &text[1..], &format!("{text}="), &format!("{text}A"), &text.to_lowercase()] {
            assert_eq!(keys.read(TokenKind::Access, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_token_of_the_same_grant_and_time_is_the_same_bytes() {
        let keys = keys(&["a"]);
        assert_eq!(keys.make(TokenKind::Refresh, &TOKEN), keys.make(TokenKind::Refresh, &TOKEN));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for wrong in [vec![], vec!["a".repeat(63)], vec!["g".repeat(64)], vec!["a".repeat(64); 3]] {
            let wrong: Vec<Secret> = wrong.into_iter().map(Secret::new).collect();
            assert!(MacKeys::of(&wrong).is_err());
        }
    }
}
