//! The sealed form of a state: `version | key id | end | instance | nonce | ciphertext`.
//!
//! The end is in it because Redis expires keys by its own clock, and anyone who may write there can undo that; the
//! instance of Redis, because one that was restored holds what was taken already. The store key is authenticated, so a
//! text opens under its own key only. All daemons open what one of them seals, so a change of the format needs another
//! version.

use zeroize::Zeroizing;

use super::challenge::StoreKey;
use super::error::SetupError;
use super::instance;
use crate::clock::Ambient;
use crate::crypto::aead::{self, KEY_BYTES, NONCE_BYTES};
use crate::crypto::digest::{Algorithm, digest};
use crate::crypto::encoding::hex_decode;
use crate::secret::Secret;

/// Not 0, which begins a mark in Redis.
const VERSION: u8 = 2;

/// Of a sealing key's id, which saves a try with the wrong key and is no secret.
const ID_BYTES: usize = 4;

/// Version, key id, end, instance.
const HEAD_BYTES: usize = 1 + ID_BYTES + 8 + instance::BYTES;

/// Until when and in which Redis a text is valid; the store checks both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Milliseconds of the wall clock.
    pub end: u64,
    /// The hash of the Redis instance that stores it.
    pub instance: [u8; instance::BYTES],
}

struct Key {
    id: [u8; ID_BYTES],
    bytes: Zeroizing<[u8; KEY_BYTES]>,
}

/// The configured keys: the first seals, all open.
pub(super) struct Keyring(Vec<Key>);

impl Keyring {
    pub(super) fn of(keys: &[Secret]) -> Result<Self, SetupError> {
        if keys.is_empty() || keys.len() > 2 {
            return Err(SetupError::Keys);
        }
        keys.iter().map(|key| Key::parse(key).ok_or(SetupError::Keys)).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn drawn(ambient: &dyn Ambient) -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        ambient.fill(&mut *bytes);
        Self(vec![Key::new(bytes)])
    }

    pub(super) fn seal(&self, key: &StoreKey, state: &[u8], stamp: Stamp, ambient: &dyn Ambient) -> Vec<u8> {
        let sealing = &self.0[0];
        let mut sealed = Vec::with_capacity(HEAD_BYTES + NONCE_BYTES + state.len() + aead::TAG_BYTES);
        sealed.push(VERSION);
        sealed.extend_from_slice(&sealing.id);
        sealed.extend_from_slice(&stamp.end.to_be_bytes());
        sealed.extend_from_slice(&stamp.instance);
        let mut nonce = [0; NONCE_BYTES];
        ambient.fill(&mut nonce);
        let text = aead::seal(&sealing.bytes, &nonce, &aad(key, &sealed), state);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&text);
        sealed
    }

    /// The state and its stamp, if it was sealed for `key` with a configured key and is unchanged.
    pub(super) fn open(&self, key: &StoreKey, sealed: &[u8]) -> Option<(Zeroizing<Vec<u8>>, Stamp)> {
        let (head, rest) = sealed.split_at_checked(HEAD_BYTES)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_BYTES>()?;
        let (version, rest) = head.split_first()?;
        let (id, rest) = rest.split_first_chunk::<ID_BYTES>()?;
        let (end, instance) = rest.split_first_chunk::<8>()?;
        if *version != VERSION {
            return None;
        }
        let aad = aad(key, head);
        let state =
            self.0.iter().filter(|key| key.id == *id).find_map(|key| aead::open(&key.bytes, nonce, &aad, text))?;
        Some((state, Stamp { end: u64::from_be_bytes(*end), instance: instance.try_into().ok()? }))
    }
}

/// The authenticated data.
fn aad(key: &StoreKey, head: &[u8]) -> Vec<u8> {
    [&key.0, head].concat()
}

impl Key {
    fn new(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let named = Zeroizing::new([b"doorward state key\0", bytes.as_slice()].concat());
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&digest(Algorithm::Sha256, &named)[..ID_BYTES]);
        Self { id, bytes }
    }

    fn parse(hex: &Secret) -> Option<Self> {
        // Exposed to become the key.
        let bytes = Zeroizing::new(hex_decode(hex.expose()).ok()?);
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if bytes.len() != KEY_BYTES {
            return None;
        }
        key.copy_from_slice(&bytes);
        Some(Self::new(key))
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} keys", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::System;

    fn keys(digits: &[&str]) -> Keyring {
        let keys: Vec<Secret> = digits.iter().map(|digit| Secret::new(digit.repeat(64))).collect();
        Keyring::of(&keys).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_at_its_place_only() {
        let keys = keys(&["a"]);
        let key = StoreKey::of("console", "id");
        let stamp = Stamp { end: 7, instance: [9; instance::BYTES] };
        let sealed = keys.seal(&key, b"state", stamp, &System);
        let (state, sealed_with) = keys.open(&key, &sealed).unwrap();
        assert_eq!((state.as_slice(), sealed_with), (b"state".as_slice(), stamp));
        assert!(keys.open(&StoreKey::of("console", "other"), &sealed).is_none(), "moved to another id");
        assert!(keys.open(&StoreKey::of("gateway", "id"), &sealed).is_none(), "moved to another client");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(keys.open(&key, &changed).is_none(), "byte {at} changed");
            assert!(keys.open(&key, &sealed[..at]).is_none(), "cut to {at}");
        }
    }

    #[test]
    fn a_key_changes_without_losing_what_is_open() {
        let key = StoreKey::of("console", "id");
        let (old, both, new) = (keys(&["a"]), keys(&["b", "a"]), keys(&["b"]));
        let before = old.seal(&key, b"before", Stamp::default(), &System);
        let during = both.seal(&key, b"during", Stamp::default(), &System);
        assert!(both.open(&key, &before).is_some() && both.open(&key, &during).is_some());
        assert!(new.open(&key, &during).is_some(), "the first key seals");
        assert!(new.open(&key, &before).is_none() && old.open(&key, &during).is_none());
    }

    #[test]
    fn no_two_seals_are_the_same_and_no_key_shows() {
        let keys = keys(&["a"]);
        let key = StoreKey::of("console", "id");
        assert_ne!(keys.seal(&key, b"", Stamp::default(), &System), keys.seal(&key, b"", Stamp::default(), &System));
        assert_eq!(format!("{keys:?}"), "1 keys");
    }

    #[test]
    fn keys_are_one_or_two_of_64_hex_digits() {
        let of = |keys: &[&str]| Keyring::of(&keys.iter().copied().map(Secret::from).collect::<Vec<_>>()).map(|_| ());
        let good = "0f".repeat(32);
        for bad in [&[][..], &["0f"], &[&good, "xy"], &[&good, &good, &good], &[&good[1..]]] {
            assert_eq!(of(bad), Err(SetupError::Keys), "{bad:?}");
        }
        assert_eq!(of(&[&good, &good.to_uppercase()]), Ok(()));
    }
}
