//! A page behind NTLM (MS-NLMP): `GET /ntlm/`, NTLMv2 alone, with a clock in its challenge and so with an integrity code.
//!
//! It keeps what a Windows domain keeps: the MD4 of the password. What NTLM logs in is a connection, so the answer must come over
//! the one that was challenged. An account that may not log in is told by the status.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac};
use md4::{Digest as _, Md4};
use md5::Md5;
use serde_json::json;
use subtle::ConstantTimeEq as _;

use crate::people::{AccountState, LoginResult, PEOPLE};
use crate::wire::{Flaw, Wire, flaw};
use crate::{Attempt, Server};

const DOMAIN: &str = "CORP";
const MACHINE: &str = "DEMO";

/// Unicode, request target, NTLM, always sign, the target is a domain, extended session security, target info.
const FLAGS: u32 = 0x0089_8205;

/// Connections that are challenged and have not answered.
const MAX_OPEN: usize = 64;

struct Account {
    login: &'static str,
    state: AccountState,
    hash: [u8; 16],
}

/// What a connection was sent, and had sent before.
struct Open {
    negotiate: Vec<u8>,
    challenge: Vec<u8>,
    nonce: [u8; 8],
}

pub(super) struct Sessions {
    accounts: Vec<Account>,
    /// By the address of the other end, which is one connection's while it stands.
    open: Mutex<BTreeMap<SocketAddr, Open>>,
}

impl Sessions {
    pub(super) fn new() -> Self {
        let accounts = PEOPLE.map(|person| Account {
            login: person.login,
            state: person.state,
            hash: Md4::digest(utf16(person.password)).into(),
        });
        Self { accounts: accounts.into(), open: Mutex::default() }
    }

    fn open(&self) -> std::sync::MutexGuard<'_, BTreeMap<SocketAddr, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The challenge for a connection that sent the message NEGOTIATE.
    fn challenge(&self, connection: SocketAddr, negotiate: Vec<u8>, now: u64) -> Vec<u8> {
        let mut nonce = [0; 8];
        // Without randomness there would be no salts, and so no server.
        let _ = getrandom::fill(&mut nonce);
        let name = utf16(DOMAIN);
        let time = (now + 11_644_473_600_000) * 10_000;
        let pairs = [(2, name.clone()), (1, utf16(MACHINE)), (7, time.to_le_bytes().to_vec()), (0, Vec::new())];
        let info = pairs.iter().flat_map(|(id, value)| pair(*id, value)).collect::<Vec<_>>();
        let behind = |length: usize| u32::try_from(56 + length).unwrap_or_default().to_le_bytes();
        let challenge = [
            &b"NTLMSSP\0\x02\0\0\0"[..],
            &[short(name.len()), short(name.len())].concat(),
            &behind(0),
            &FLAGS.to_le_bytes(),
            &nonce,
            &[0; 8],
            &[short(info.len()), short(info.len())].concat(),
            &behind(name.len()),
            &[0; 8],
            &name,
            &info,
        ]
        .concat();
        let mut open = self.open();
        while open.len() >= MAX_OPEN {
            open.pop_first();
        }
        open.insert(connection, Open { negotiate, challenge: challenge.clone(), nonce });
        challenge
    }

    /// Whether the answer is of who knows the password of its account.
    fn is_right(&self, answer: &Answer, open: &Open) -> bool {
        // An unknown name costs as much as a wrong password.
        let found = self.accounts.iter().find(|account| account.login == answer.login);
        let account = found.unwrap_or(&self.accounts[0]);
        let named = [utf16(&answer.login.to_uppercase()), utf16(&answer.domain)].concat();
        let key = keyed(&account.hash, &[&named]);
        let (proof, rest) = answer.response.split_at(16);
        let right = keyed(&key, &[&open.nonce, rest]);
        let session = keyed(&key, &[&right]);
        let mut unsealed = answer.message.clone();
        unsealed[72..88].fill(0);
        let sealed = keyed(&session, &[&open.negotiate, &open.challenge, &unsealed]);
        let same = right.as_slice().ct_eq(proof) & sealed.as_slice().ct_eq(&answer.message[72..88]);
        bool::from(same) && found.is_some()
    }

    fn result(&self, login: &str, right: bool) -> LoginResult {
        let found = self.accounts.iter().find(|account| account.login == login);
        LoginResult::of(found.map(|account| account.state), right)
    }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn short(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or_default().to_le_bytes()
}

fn pair(id: u16, value: &[u8]) -> Vec<u8> {
    [&id.to_le_bytes()[..], &short(value.len()), value].concat()
}

fn keyed(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    let Ok(mac) = Hmac::<Md5>::new_from_slice(key) else { return [0; 16] }; // HMAC takes keys of every length
    parts.iter().fold(mac, Mac::chain_update).finalize().into_bytes().into()
}

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/ntlm/", get(page))
}

async fn page(
    State(server): State<Arc<Server>>,
    ConnectInfo(connection): ConnectInfo<SocketAddr>,
    wire: Wire,
) -> Response {
    let sessions = &server.flows.ntlm;
    let message = match server.read(&wire, message(&wire)) {
        Ok(Some(message)) => message,
        Ok(None) => return refused(&["Negotiate".to_owned(), "NTLM".to_owned()]),
        Err(Flaw(text)) => return (StatusCode::BAD_REQUEST, text).into_response(),
    };
    if message.get(8..12) == Some(&[1, 0, 0, 0]) {
        let challenge = sessions.challenge(connection, message, server.now());
        return refused(&[format!("NTLM {}", STANDARD.encode(challenge))]);
    }
    let Some(open) = sessions.open().remove(&connection) else {
        return refused(&["NTLM".to_owned()]);
    };
    let read = Answer::read(message, &format!("HTTP/{}", wire.header(header::HOST).map(host).unwrap_or_default()));
    let right = read.as_ref().is_ok_and(|answer| sessions.is_right(answer, &open));
    let attempt = read.map(|answer| Attempt { login: answer.login, sent: String::new() });
    match server.decide_by(|login, _| sessions.result(login, right), &wire, attempt) {
        Ok((LoginResult::Accepted, login)) => Json(json!({ "account": login })).into_response(),
        Ok((LoginResult::Wrong, _)) => refused(&["NTLM".to_owned()]),
        Ok((LoginResult::Locked, _)) => StatusCode::LOCKED.into_response(),
        Ok((refusal, _)) => {
            let state = if refusal == LoginResult::Disabled { "disabled" } else { "password-expired" };
            (StatusCode::FORBIDDEN, [(HeaderName::from_static("x-account-state"), state)]).into_response()
        }
        Err(Flaw(text)) => (StatusCode::BAD_REQUEST, text).into_response(),
    }
}

fn refused(schemes: &[String]) -> Response {
    let mut headers = HeaderMap::new();
    // Made of visible ASCII.
    for value in schemes.iter().filter_map(|scheme| HeaderValue::from_str(scheme).ok()) {
        headers.append(header::WWW_AUTHENTICATE, value);
    }
    (StatusCode::UNAUTHORIZED, headers).into_response()
}

fn host(authority: &str) -> &str {
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

/// The message of the header Authorization.
fn message(wire: &Wire) -> Result<Option<Vec<u8>>, Flaw> {
    if !wire.headers.contains_key(header::AUTHORIZATION) {
        return Ok(None);
    }
    let Some(token) = wire.header(header::AUTHORIZATION)?.strip_prefix("NTLM ") else { return flaw("no NTLM") };
    match STANDARD.decode(token) {
        Ok(message) if message.starts_with(b"NTLMSSP\0") => Ok(Some(message)),
        _ => flaw("no message of NTLM"),
    }
}

/// AUTHENTICATE_MESSAGE (section 2.2.1.3).
struct Answer {
    login: String,
    domain: String,
    response: Vec<u8>,
    message: Vec<u8>,
}

impl Answer {
    fn read(message: Vec<u8>, service: &str) -> Result<Self, Flaw> {
        if message.get(8..12) != Some(&[3, 0, 0, 0]) || message.len() < 88 {
            return flaw("no AUTHENTICATE message with an integrity code");
        }
        let (domain, login) = (text(field(&message, 28)?)?, text(field(&message, 36)?)?);
        let (old, response) = (field(&message, 12)?, field(&message, 20)?.to_vec());
        if old.iter().any(|byte| *byte != 0) {
            return flaw("a response of the old kind beside a server's clock");
        }
        if response.get(16..24) != Some(&[1, 1, 0, 0, 0, 0, 0, 0]) {
            return flaw("no NTLMv2 response");
        }
        let pairs = pairs(response.get(44..).unwrap_or_default())?;
        let has = |id: u16, value: &[u8]| pairs.iter().any(|(known, said)| (*known, *said) == (id, value));
        if !has(6, &[2, 0, 0, 0]) {
            return flaw("it does not say that it has an integrity code");
        }
        if !has(10, &[0; 16]) || !has(9, &utf16(service)) {
            return flaw("it is not for this service, over a connection without TLS");
        }
        Ok(Self { login, domain, response, message })
    }
}

/// What a field at `at` points to.
fn field(message: &[u8], at: usize) -> Result<&[u8], Flaw> {
    let number = |at: usize, bytes: usize| {
        let little = message.get(at..at + bytes).unwrap_or_default();
        little.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    };
    let (length, offset) = (number(at, 2), number(at + 4, 4));
    message.get(offset..offset + length).ok_or(Flaw("a field ends behind the message".to_owned()))
}

fn text(bytes: &[u8]) -> Result<String, Flaw> {
    let (units, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    String::from_utf16(&units).ok().filter(|_| rest.is_empty()).ok_or(Flaw("a name is no UTF-16".to_owned()))
}

fn pairs(mut rest: &[u8]) -> Result<Vec<(u16, &[u8])>, Flaw> {
    let mut found = Vec::new();
    loop {
        let Some((head, after)) = rest.split_first_chunk::<4>() else { return flaw("a list that has no end") };
        let (id, length) = (u16::from_le_bytes([head[0], head[1]]), u16::from_le_bytes([head[2], head[3]]));
        if id == 0 {
            return Ok(found);
        }
        let Some((value, after)) = after.split_at_checked(length.into()) else { return flaw("a value that is cut") };
        found.push((id, value));
        rest = after;
    }
}
