//! A page behind HTTP Digest (RFC 7616): `GET /digest/`, SHA-256 first and MD5 for old clients, qop `auth`, UTF-8.
//!
//! It keeps what such servers keep: for each user and algorithm the hash of name, realm and password. A nonce is good once, for
//! half a minute; a right answer to an old one is `stale=true`. An account that may not log in is told by the status. A success
//! has the server's own proof, `rspauth` in Authentication-Info (section 3.5).

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use md5::Md5;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::tickets::TicketStore;
use crate::people::{AccountState, LoginResult, PEOPLE, Person};
use crate::wire::{Flaw, Wire, flaw};
use crate::{Attempt, Server};

const REALM: &str = "4A";
const OPAQUE: &str = "demo-opaque";

/// Seconds that a nonce is good.
const NONCE_SECONDS: u64 = 30;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Sha256,
    Md5,
}

impl Algorithm {
    const ALL: [Self; 2] = [Self::Sha256, Self::Md5];

    fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Md5 => "MD5",
        }
    }

    fn hex(self, text: &str) -> String {
        match self {
            Self::Sha256 => hex::encode(Sha256::digest(text)),
            Self::Md5 => hex::encode(Md5::digest(text)),
        }
    }
}

struct Account {
    login: &'static str,
    state: AccountState,
    /// The hash of name, realm and password, by the algorithms above.
    stored: [String; 2],
}

pub(super) struct Sessions {
    nonces: TicketStore<()>,
    accounts: Vec<Account>,
}

impl Sessions {
    pub(super) fn new() -> Self {
        let account = |Person { login, password, state, .. }: Person| Account {
            login,
            state,
            stored: Algorithm::ALL.map(|algorithm| algorithm.hex(&format!("{login}:{REALM}:{password}"))),
        };
        Self { nonces: TicketStore::for_seconds(NONCE_SECONDS), accounts: PEOPLE.into_iter().map(account).collect() }
    }

    /// Whether the answer is right, whatever the account may do.
    fn is_right(&self, answer: &Answer) -> bool {
        let (right, found) = self.response(answer, "GET");
        bool::from(right.as_bytes().ct_eq(answer.response.as_bytes())) && found
    }

    /// The response over this method (none in the server's own), and whether there is such an account.
    fn response(&self, answer: &Answer, method: &str) -> (String, bool) {
        // An unknown name costs as much as a wrong password.
        let found = self.accounts.iter().find(|account| account.login == answer.login);
        let account = found.unwrap_or(&self.accounts[0]);
        let stored = match answer.algorithm {
            Algorithm::Sha256 => &account.stored[0],
            Algorithm::Md5 => &account.stored[1],
        };
        let hex = |text: &str| answer.algorithm.hex(text);
        let Answer { nonce, cnonce, uri, .. } = answer;
        let response = hex(&format!("{stored}:{nonce}:00000001:{cnonce}:auth:{}", hex(&format!("{method}:{uri}"))));
        (response, found.is_some())
    }

    /// The header Authentication-Info of a success.
    fn proof(&self, answer: &Answer) -> String {
        let (response, _) = self.response(answer, "");
        format!("rspauth=\"{response}\", qop=auth, nc=00000001, cnonce=\"{}\"", answer.cnonce)
    }

    fn result(&self, login: &str, right: bool) -> LoginResult {
        let found = self.accounts.iter().find(|account| account.login == login);
        LoginResult::of(found.map(|account| account.state), right)
    }
}

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/digest/", get(page))
}

async fn page(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    if !wire.headers.contains_key(header::AUTHORIZATION) {
        return challenge(&server, "");
    }
    let sessions = &server.flows.digest;
    let read = read(&wire);
    let (fresh, right) = match &read {
        Ok(answer) => (sessions.nonces.take(server.now(), &answer.nonce).is_some(), sessions.is_right(answer)),
        Err(_) => (true, false),
    };
    if right && !fresh {
        return challenge(&server, ", stale=true");
    }
    let proof = read.as_ref().map(|answer| sessions.proof(answer)).unwrap_or_default();
    let attempt = read.map(|answer| Attempt { login: answer.login, sent: answer.response });
    match server.decide_by(|login, _| sessions.result(login, right), &wire, attempt) {
        Ok((LoginResult::Accepted, login)) => {
            let info = (HeaderName::from_static("authentication-info"), proof);
            ([info], Json(json!({ "account": login }))).into_response()
        }
        Ok((LoginResult::Wrong, _)) => challenge(&server, ""),
        Ok((LoginResult::Locked, _)) => StatusCode::LOCKED.into_response(),
        Ok((refusal, _)) => {
            let state = if refusal == LoginResult::Disabled { "disabled" } else { "password-expired" };
            (StatusCode::FORBIDDEN, [(HeaderName::from_static("x-account-state"), state)]).into_response()
        }
        Err(Flaw(text)) => (StatusCode::BAD_REQUEST, text).into_response(),
    }
}

/// One challenge an algorithm, each with a nonce of its own.
fn challenge(server: &Server, more: &str) -> Response {
    let mut headers = HeaderMap::new();
    for algorithm in Algorithm::ALL {
        let nonce = server.flows.digest.nonces.put(server.now(), ());
        let name = algorithm.name();
        let text = format!(
            "Digest realm=\"{REALM}\", qop=\"auth\", algorithm={name}, nonce=\"{nonce}\", opaque=\"{OPAQUE}\", charset=UTF-8{more}"
        );
        // Made of visible ASCII.
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.append(header::WWW_AUTHENTICATE, value);
        }
    }
    (StatusCode::UNAUTHORIZED, headers).into_response()
}

struct Answer {
    login: String,
    algorithm: Algorithm,
    nonce: String,
    cnonce: String,
    uri: String,
    response: String,
}

fn read(wire: &Wire) -> Result<Answer, Flaw> {
    let Some(rest) = wire.header(header::AUTHORIZATION)?.strip_prefix("Digest ") else { return flaw("no Digest") };
    let mut given = parameters(rest)?;
    let mut take = |name: &str| {
        let at = given.iter().position(|(known, _)| known == name);
        at.map(|at| given.swap_remove(at).1)
    };
    let login = match (take("username"), take("username*")) {
        (Some(login), None) => login,
        (None, Some(extended)) => decoded(&extended)?,
        _ => return flaw("not one user name"),
    };
    let algorithm = take("algorithm").unwrap_or_default();
    let Some(algorithm) = Algorithm::ALL.into_iter().find(|known| known.name() == algorithm) else {
        return flaw("an algorithm that was not offered");
    };
    for (name, right) in [("realm", REALM), ("opaque", OPAQUE), ("qop", "auth"), ("nc", "00000001")] {
        if take(name).as_deref() != Some(right) {
            return flaw(format!("{name} is not what it should be"));
        }
    }
    let [nonce, cnonce, uri, response] =
        ["nonce", "cnonce", "uri", "response"].map(|name| take(name).unwrap_or_default());
    let asked = if wire.query.is_empty() { wire.path.clone() } else { format!("{}?{}", wire.path, wire.query) };
    if uri != asked {
        return flaw("the uri is not the one that was asked");
    }
    if cnonce.len() < 16 {
        return flaw("the cnonce is too short");
    }
    if !given.is_empty() {
        return flaw("an unknown parameter");
    }
    Ok(Answer { login, algorithm, nonce, cnonce, uri, response })
}

/// `name=token` or `name="text"`, with `, ` in between; none twice.
fn parameters(text: &str) -> Result<Vec<(String, String)>, Flaw> {
    let (mut found, mut rest) = (Vec::<(String, String)>::new(), text);
    loop {
        let Some((name, after)) = rest.split_once('=') else { return flaw("a parameter without =") };
        let (value, after) = if let Some(quoted) = after.strip_prefix('"') {
            unquoted(quoted)?
        } else {
            let end = after.find(',').unwrap_or(after.len());
            (after[..end].to_owned(), &after[end..])
        };
        if found.iter().any(|(known, _)| known == name) {
            return flaw("a parameter twice");
        }
        found.push((name.to_owned(), value));
        match after.strip_prefix(", ") {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(found),
            None => return flaw("something after a parameter"),
        }
    }
}

fn unquoted(text: &str) -> Result<(String, &str), Flaw> {
    let (mut value, mut characters) = (String::new(), text.char_indices());
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match characters.next() {
                Some((_, escaped)) => value.push(escaped),
                None => break,
            },
            other => value.push(other),
        }
    }
    flaw("a quote that does not end")
}

/// An extended value (RFC 8187 section 3.2).
fn decoded(extended: &str) -> Result<String, Flaw> {
    let Some(encoded) = extended.strip_prefix("UTF-8''") else { return flaw("an extended value that is not UTF-8") };
    let field = format!("u={}", encoded.replace('+', "%2B"));
    let [login] = crate::wire::form(field.as_bytes(), crate::wire::utf8)?.exactly(["u"])?;
    Ok(login)
}
