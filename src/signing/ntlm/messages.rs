//! The three messages (MS-NLMP section 2.2.1). Of the server's every length is checked; nothing in it is trusted.

use super::av_pairs::AvPairs;
use super::response::{Account, Drawn, channel_bindings, respond, utf16};
use super::unusable::Unusable;
use crate::crypto::digest::Algorithm;
use crate::crypto::hmac::hmac;

const SIGNATURE: [u8; 8] = *b"NTLMSSP\0";

/// NTLMSSP_NEGOTIATE_UNICODE
const UNICODE: u32 = 0x1;
/// NTLMSSP_REQUEST_TARGET
const REQUEST_TARGET: u32 = 0x4;
/// NTLMSSP_NEGOTIATE_NTLM
const NTLM: u32 = 0x200;
/// NTLMSSP_NEGOTIATE_ALWAYS_SIGN
const ALWAYS_SIGN: u32 = 0x8000;
/// NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY
const EXTENDED_SESSION_SECURITY: u32 = 0x8_0000;
/// NTLMSSP_NEGOTIATE_TARGET_INFO
const TARGET_INFO: u32 = 0x80_0000;

/// No key is exchanged and nothing is sealed: over HTTP only the login is NTLM's.
const OFFERED: u32 = UNICODE | REQUEST_TARGET | NTLM | ALWAYS_SIGN | EXTENDED_SESSION_SECURITY;

/// NEGOTIATE_MESSAGE: what the client can do. Names of domain and workstation would be in a charset that nobody knows.
pub(super) const NEGOTIATE_MESSAGE: [u8; 32] = negotiate();

const fn negotiate() -> [u8; 32] {
    let mut message = [0; 32];
    let (flags, mut at) = (OFFERED.to_le_bytes(), 0);
    while at < 8 {
        message[at] = SIGNATURE[at];
        if at < 4 {
            message[12 + at] = flags[at];
        }
        at += 1;
    }
    message[8] = 1;
    // Both names are empty, behind the end.
    message[20] = 32;
    message[28] = 32;
    message
}

/// CHALLENGE_MESSAGE
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    pub flags: u32,
    pub server_challenge: [u8; 8],
    pub target_info: AvPairs,
}

impl Challenge {
    pub(super) fn parse(message: &[u8]) -> Result<Self, Unusable> {
        if !message.starts_with(&SIGNATURE) || number(message, 8)? != 2 {
            return Err(Unusable::NoChallenge);
        }
        let flags = number(message, 20)?;
        if flags & UNICODE == 0 || flags & NTLM == 0 {
            return Err(Unusable::Flags);
        }
        let server_challenge = *message.get(24..).and_then(|rest| rest.first_chunk()).ok_or(Unusable::Short)?;
        let target_info = match flags & TARGET_INFO {
            0 => AvPairs::default(),
            _ => AvPairs::parse(field(message, 40)?)?,
        };
        target_info.timestamp()?;
        Ok(Self { flags, server_challenge, target_info })
    }
}

fn number(message: &[u8], at: usize) -> Result<u32, Unusable> {
    let bytes = message.get(at..).and_then(|rest| rest.first_chunk()).ok_or(Unusable::Short)?;
    Ok(u32::from_le_bytes(*bytes))
}

/// What a field at `at` (length, room, offset) points to.
fn field(message: &[u8], at: usize) -> Result<&[u8], Unusable> {
    let length = number(message, at)? & 0xffff;
    let offset = number(message, at + 4)?;
    let index = |number: u32| usize::try_from(number).map_err(|_| Unusable::Short);
    message.get(index(offset)?..).and_then(|rest| rest.get(..index(length).ok()?)).ok_or(Unusable::Short)
}

/// What AUTHENTICATE_MESSAGE is made of.
pub(super) struct Authenticate<'a> {
    pub challenge: &'a Challenge,
    pub account: &'a Account,
    /// The host of the URL, of which the service's name is made.
    pub host: &'a str,
    /// The hash of the server's certificate, over TLS.
    pub end_point: Option<&'a [u8]>,
}

/// Where the fields of AUTHENTICATE_MESSAGE end: behind Version, which is left empty, and MIC.
const PAYLOAD: usize = 88;
const MIC: std::ops::Range<usize> = 72..PAYLOAD;

impl Authenticate<'_> {
    /// The message; `challenge_message` is the server's, byte for byte, because the integrity code is over all three.
    pub(super) fn message(&self, drawn: &Drawn, challenge_message: &[u8]) -> Vec<u8> {
        let challenge = self.challenge;
        // A time that is none was refused when the challenge was read.
        let server_time = challenge.target_info.timestamp().ok().flatten();
        let time = server_time.unwrap_or_else(|| drawn.filetime());
        let service = utf16(&format!("HTTP/{}", self.host)).to_vec();
        let bindings = channel_bindings(self.end_point);
        let target_info = challenge.target_info.clone().answered(bindings, service, server_time.is_some()).to_bytes();
        let client_challenge = drawn.client_challenge;
        let mut answer = respond(self.account, challenge.server_challenge, client_challenge, time, &target_info);
        if server_time.is_some() {
            // The older response would only be one more chance to guess (MS-NLMP section 3.1.5.1.2).
            answer.lm = vec![0; 24];
        }
        let mut message = self.laid_out(&answer.lm, &answer.nt);
        if server_time.is_some() {
            let all = [&NEGOTIATE_MESSAGE[..], challenge_message, &message].concat();
            message[MIC].copy_from_slice(&hmac(Algorithm::Md5, &answer.session_key, &all));
        }
        message
    }

    fn laid_out(&self, lm: &[u8], nt: &[u8]) -> Vec<u8> {
        let Account { username, domain, workstation, .. } = self.account;
        let mut message = vec![0; PAYLOAD];
        message[..8].copy_from_slice(&SIGNATURE);
        message[8] = 3;
        let fields: [(usize, &[u8]); 6] =
            [(28, domain), (36, username), (44, workstation), (12, lm), (20, nt), (52, &[])];
        for (at, value) in fields {
            // Names are short by `Account::new`; the list of the server fits into a header.
            let length = u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes();
            let offset = u32::try_from(message.len()).unwrap_or(u32::MAX).to_le_bytes();
            message[at..at + 2].copy_from_slice(&length);
            message[at + 2..at + 4].copy_from_slice(&length);
            message[at + 4..at + 8].copy_from_slice(&offset);
            message.extend_from_slice(value);
        }
        let flags = self.challenge.flags & (OFFERED | TARGET_INFO);
        message[60..64].copy_from_slice(&flags.to_le_bytes());
        message
    }
}
