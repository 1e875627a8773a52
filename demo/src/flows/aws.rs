//! A server behind a gateway that takes AWS Signature Version 4: `POST /aws/login`, JSON, region `cn-north-1`, service `execute-api`.
//!
//! The signature covers the headers that its list names, which must have the host, the time and the Content-Type. A time is good for
//! five minutes.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::Server;
use crate::json::{attempt, code, malformed, message};
use crate::people::LoginResult;
use crate::wire::{Flaw, Wire, flaw};

/// A demo's key, printed in the documents.
pub(crate) const KEY: (&str, &str) = ("DEMOACCESSKEY", "demo-aws-secret");
const REGION: &str = "cn-north-1";
const SERVICE: &str = "execute-api";

/// Seconds that a request stays good.
const FRESH: u64 = 300;

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/aws/login", post(login))
}

async fn login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    if let Err(Flaw(text)) = server.read(&wire, signed(&server, &wire)) {
        let body = json!({ "__type": "IncompleteSignatureException", "message": text });
        return (StatusCode::FORBIDDEN, Json(body)).into_response();
    }
    Json(match server.decide(&server.salted, &wire, attempt(&wire, ["account", "password"])) {
        Ok((LoginResult::Accepted, login)) => {
            let person = server.salted.person(&login);
            json!({ "code": 0, "msg": "ok", "data": { "account": person.login, "name": person.name } })
        }
        Ok((refusal, _)) => json!({ "code": code(refusal), "msg": message(refusal), "data": null }),
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    // HMAC takes keys of every length.
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.chain_update(text).finalize().into_bytes().to_vec()
}

fn signed(server: &Server, wire: &Wire) -> Result<(), Flaw> {
    let written = wire.header(header::AUTHORIZATION)?;
    let Some(rest) = written.strip_prefix("AWS4-HMAC-SHA256 ") else { return flaw("no AWS4-HMAC-SHA256") };
    let mut values = Vec::new();
    for (pair, name) in rest.split(", ").zip(["Credential", "SignedHeaders", "Signature", ""]) {
        let value = pair.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
        let Some(value) = value else { return flaw("a part of Authorization is not as it should be") };
        values.push(value);
    }
    let [credential, names, signature] = values[..] else { return flaw("a part of Authorization is missing") };
    let time = wire.header(HeaderName::from_static("x-amz-date"))?;
    fresh(server.now() / 1000, time)?;
    let scope = format!("{}/{REGION}/{SERVICE}/aws4_request", &time[..8]);
    if credential != format!("{}/{scope}", KEY.0) {
        return flaw("unknown access key, or another scope");
    }
    let mut headers = String::new();
    for name in names.split(';') {
        let Ok(header) = HeaderName::try_from(name) else { return flaw("a signed header has no name") };
        headers += &[name, ":", wire.header(header)?, "\n"].concat();
    }
    if ["content-type", "host", "x-amz-date"].iter().any(|wanted| names.split(';').all(|name| name != *wanted)) {
        return flaw("a header that must be signed is not");
    }
    if !wire.query.is_empty() {
        return flaw("a query");
    }
    let body = hex::encode(Sha256::digest(&wire.body));
    let canonical = format!("POST\n{}\n\n{headers}\n{names}\n{body}", wire.path);
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex::encode(Sha256::digest(canonical)));
    let first = hmac(format!("AWS4{}", KEY.1).as_bytes(), &time[..8]);
    let key = [REGION, SERVICE, "aws4_request"].iter().fold(first, |key, part| hmac(&key, part));
    let right = hex::encode(hmac(&key, &text));
    if right.as_bytes().ct_eq(signature.as_bytes()).into() { Ok(()) } else { flaw("the signature is not right") }
}

/// `20150830T123600Z`, five minutes off at most.
fn fresh(now: u64, time: &str) -> Result<(), Flaw> {
    let digits: String = time.chars().filter(char::is_ascii_digit).collect();
    if time.len() != 16 || digits.len() != 14 || &time[8..9] != "T" || !time.ends_with('Z') {
        return flaw("the time is no time");
    }
    let part = |from: usize, to: usize| digits[from..to].parse::<u64>().unwrap_or_default();
    let days = days_since_1970(part(0, 4), part(4, 6), part(6, 8));
    let seconds = days * 86_400 + part(8, 10) * 3600 + part(10, 12) * 60 + part(12, 14);
    if seconds.abs_diff(now) > FRESH { flaw("the time is too far off") } else { Ok(()) }
}

/// Of the Gregorian calendar, with years that begin in March.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.saturating_sub(1), month + 9) };
    let before = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    before.saturating_sub(719_469)
}

#[cfg(test)]
mod tests {
    use super::days_since_1970;

    #[test]
    fn days() {
        assert_eq!(days_since_1970(1970, 1, 1), 0);
        assert_eq!(days_since_1970(2000, 3, 1), 11_017);
        assert_eq!(days_since_1970(2026, 1, 2), 20_455);
    }
}
