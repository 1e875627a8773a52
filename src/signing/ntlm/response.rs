//! The computations of NTLMv2 (MS-NLMP section 3.3.2), and what is bound to the TLS connection (section 3.1.5.1.2).

use zeroize::Zeroizing;

use crate::crypto::digest::{Algorithm, digest};
use crate::crypto::hmac::hmac;

/// Characters of a name and of a password. Windows allows 256 of a password; the fields of the messages have 16 bits for bytes.
const MAX_UNITS: usize = 4096;

/// Who logs in, as the messages have it: UTF-16, least significant byte first.
pub(super) struct Account {
    pub username: Zeroizing<Vec<u8>>,
    pub domain: Zeroizing<Vec<u8>>,
    pub workstation: Zeroizing<Vec<u8>>,
    /// NTOWFv2, which is as good as the password.
    key: Zeroizing<Vec<u8>>,
}

impl Account {
    /// `None`: a value is too long.
    pub(super) fn new(username: &str, password: &str, domain: &str, workstation: &str) -> Option<Self> {
        if [username, password, domain, workstation].iter().any(|text| text.encode_utf16().count() > MAX_UNITS) {
            return None;
        }
        let hash = Zeroizing::new(digest(Algorithm::Md4, &utf16(password)));
        // Byte for byte, one to one: ß stays ß, as in Windows.
        let upper: Zeroizing<String> = Zeroizing::new(username.chars().map(upper).collect());
        let named = Zeroizing::new([utf16(&upper).as_slice(), &utf16(domain)].concat());
        let key = Zeroizing::new(hmac(Algorithm::Md5, &hash, &named));
        Some(Self { username: utf16(username), domain: utf16(domain), workstation: utf16(workstation), key })
    }

    #[cfg(test)]
    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }
}

fn upper(character: char) -> char {
    let mut mapped = character.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

pub(super) fn utf16(text: &str) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(2 * text.len()));
    out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    out
}

/// What differs each time.
pub(super) struct Drawn {
    pub client_challenge: [u8; 8],
    /// Milliseconds since 1970.
    pub unix_ms: u64,
}

impl Drawn {
    /// Tenths of a microsecond since 1601, FILETIME of MS-DTYP.
    pub(super) fn filetime(&self) -> [u8; 8] {
        const FROM_1601_TO_1970_MS: u64 = 11_644_473_600_000;
        (self.unix_ms.saturating_add(FROM_1601_TO_1970_MS)).saturating_mul(10_000).to_le_bytes()
    }
}

/// The answer to a challenge.
pub(super) struct Responses {
    /// LmChallengeResponse
    pub lm: Vec<u8>,
    /// NtChallengeResponse
    pub nt: Vec<u8>,
    /// SessionBaseKey: with it the message's integrity code is computed.
    pub session_key: Zeroizing<Vec<u8>>,
}

/// Both responses. `target_info` is the list of AV_PAIRs with what the client added.
pub(super) fn respond(
    account: &Account,
    server_challenge: [u8; 8],
    client_challenge: [u8; 8],
    time: [u8; 8],
    target_info: &[u8],
) -> Responses {
    let key = |data: &[u8]| hmac(Algorithm::Md5, &account.key, data);
    let temp = [&[1, 1, 0, 0, 0, 0, 0, 0][..], &time, &client_challenge, &[0; 4], target_info, &[0; 4]].concat();
    let proof = key(&[&server_challenge[..], &temp].concat());
    let session_key = Zeroizing::new(key(&proof));
    let lm = [key(&[server_challenge, client_challenge].concat()), client_challenge.to_vec()].concat();
    Responses { lm, nt: [proof, temp].concat(), session_key }
}

/// The MD5 of the gss_channel_bindings_struct (RFC 2744 section 3.11, RFC 4121 section 4.1.1.2) over the hash of the server's certificate
/// (tls-server-end-point, RFC 5929 section 4): no addresses, and the length of the data.
pub(super) fn channel_bindings(end_point: Option<&[u8]>) -> [u8; 16] {
    let mut out = [0; 16];
    let Some(hash) = end_point else { return out };
    let data = [b"tls-server-end-point:", hash].concat();
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes();
    out.copy_from_slice(&digest(Algorithm::Md5, &[&[0; 16][..], &length, &data].concat()));
    out
}
