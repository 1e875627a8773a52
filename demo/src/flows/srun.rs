//! A campus network's portal as Srun (深澜) makes it: everything in the query, the password in a cipher of its own (`srun_bx1`).
//!
//! - `GET /cgi-bin/get_challenge?callback=&username=` gives a challenge for one login within a minute.
//! - `GET /cgi-bin/srun_portal?action=login&…` takes the password as HMAC-MD5 keyed by the challenge, name, password and address in
//!   `info`, and `chksum` over all of it.
//!
//! Replies are JSONP. What `info` decrypts to must be what the query says.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::alphabet::Alphabet;
use base64::engine::general_purpose::{GeneralPurpose, PAD};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq as _;

use super::tickets::TicketStore;
use crate::people::LoginResult;
use crate::wire::{Fields, Flaw, Wire, flaw, json as read_json};
use crate::{Attempt, Server, token};

const ALPHABET: &str = "LVoJPiCN2R8G90yg+hmFHuacZ1OWMnrsSTXkYpUq/3dlbfKwv6xztjI7DeBE45QA";

/// What the portal takes for the address of whoever asks.
const ADDRESS: &str = "10.0.0.8";

/// Seconds that a challenge is good.
const FRESH: u64 = 60;

pub(super) struct Sessions {
    /// Challenges by the name that they were given for.
    challenges: TicketStore<(String, String)>,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self { challenges: TicketStore::for_seconds(FRESH) }
    }
}

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/cgi-bin/get_challenge", get(challenge)).route("/cgi-bin/srun_portal", get(login))
}

async fn challenge(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let read = wire.query().and_then(|query| query.exactly(["callback", "username"]));
    match server.read(&wire, read) {
        Ok([callback, login]) => {
            // 64 hexadecimal digits.
            let challenge = token() + &token();
            server.flows.srun.challenges.put(server.now(), (login, challenge.clone()));
            let said = json!({ "challenge": challenge, "client_ip": ADDRESS, "ecode": 0, "error": "ok", "error_msg": "", "expire": "60", "res": "ok" });
            jsonp(&callback, &said)
        }
        Err(flaw) => jsonp("doorward", &refused("missing_required_parameters_error", &flaw.0)),
    }
}

async fn login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let decided = server.decide(&server.salted, &wire, wire.query().and_then(|query| read(&server, query)));
    let said = match decided {
        Ok((LoginResult::Accepted, login)) => json!({
            "access_token": token(), "client_ip": ADDRESS, "ecode": 0, "error": "ok", "error_msg": "",
            "ploy_msg": "E0000: Login is successful.", "res": "ok", "suc_msg": "login_ok", "username": login,
        }),
        Ok((LoginResult::Wrong, _)) => refused("login_error", "E2553: Password is error."),
        Ok((LoginResult::Locked, _)) => refused(
            "login_error",
            "E2533: The number you are trying to have reached 3 times, please try again after 5 minutes.",
        ),
        Ok((LoginResult::Disabled, _)) => refused("login_error", "E2606: User is disabled."),
        Ok((LoginResult::PasswordExpired, _)) => refused("login_error", "User must modify password."),
        Err(flaw) => refused("sign_error", &flaw.0),
    };
    jsonp("doorward", &said)
}

fn refused(error: &str, message: &str) -> Value {
    json!({ "ecode": 1, "error": error, "error_msg": message, "res": error })
}

fn jsonp(callback: &str, said: &Value) -> Response {
    let callback: String = callback.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(80).collect();
    ([(header::CONTENT_TYPE, "application/javascript; charset=utf-8")], format!("{callback}({said})")).into_response()
}

fn read(server: &Server, query: Fields) -> Result<Attempt, Flaw> {
    let names = [
        "callback",
        "action",
        "username",
        "password",
        "os",
        "name",
        "double_stack",
        "chksum",
        "info",
        "ac_id",
        "ip",
        "n",
        "type",
    ];
    let [_, action, login, password, _, _, _, chksum, info, acid, ip, n, kind] = query.exactly(names)?;
    let (sessions, now) = (&server.flows.srun, server.now());
    // The newest of this name, which is used up.
    let given = sessions.challenges.newest(now, |(name, challenge)| {
        (*name == login).then(|| std::mem::take(challenge)).filter(|challenge| !challenge.is_empty())
    });
    let Some(challenge) = given else { return flaw("no challenge of this user, or a used one") };
    if (action.as_str(), acid.as_str(), n.as_str(), kind.as_str()) != ("login", "1", "200", "1") {
        return flaw("another action, ac_id, n or type");
    }
    let Some(hmd5) = password.strip_prefix("{MD5}") else { return flaw("the password is not {MD5}") };
    let all: String = [&*login, hmd5, &*acid, &*ip, &*n, &*kind, &*info].map(|part| challenge.clone() + part).concat();
    if !bool::from(hex::encode(Sha1::digest(all)).as_bytes().ct_eq(chksum.as_bytes())) {
        return flaw("the chksum is not right");
    }
    let secret = info.strip_prefix("{SRBX1}").and_then(|text| decrypted(text, challenge.as_bytes()));
    let Some(secret) = secret else { return flaw("info cannot be decrypted") };
    let [name, sent, inner_ip, inner_acid, version] =
        read_json(&secret)?.exactly(["username", "password", "ip", "acid", "enc_ver"])?;
    if (&*name, &*inner_ip, &*inner_acid, &*version) != (&*login, &*ip, &*acid, "srun_bx1") {
        return flaw("info says something else than the query");
    }
    // HMAC takes keys of every length.
    let Ok(mac) = Hmac::<Md5>::new_from_slice(challenge.as_bytes()) else { return flaw("no key") };
    if hex::encode(mac.chain_update(&sent).finalize().into_bytes()) != hmd5 {
        return flaw("the password in info is another one");
    }
    Ok(Attempt { login, sent })
}

/// What `info` holds: Base64 of an alphabet of its own, then the cipher, then the length in the last word.
fn decrypted(text: &str, key: &[u8]) -> Option<Vec<u8>> {
    let engine = GeneralPurpose::new(&Alphabet::new(ALPHABET).ok()?, PAD);
    let mut words = words(&engine.decode(text).ok()?)?;
    let key = words_of_key(key);
    if words.len() < 2 {
        return None;
    }
    let (last, count) = (words.len() - 1, words.len());
    let rounds = u32::try_from(6 + 52 / count).ok()?;
    let mut sum = rounds.wrapping_mul(0x9e37_79b9);
    while sum != 0 {
        for at in (0..count).rev() {
            let before = words[if at == 0 { last } else { at - 1 }];
            let after = words[if at == last { 0 } else { at + 1 }];
            let part = key[(at & 3) ^ usize::try_from((sum >> 2) & 3).ok()?];
            let mixed = ((before >> 5) ^ (after << 2))
                .wrapping_add((after >> 3) ^ (before << 4) ^ sum ^ after)
                .wrapping_add(part ^ before);
            words[at] = words[at].wrapping_sub(mixed);
        }
        sum = sum.wrapping_sub(0x9e37_79b9);
    }
    let length = usize::try_from(words.pop()?).ok()?;
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    // The last word is filled up with zeros.
    if length > bytes.len() || bytes.len() - length > 3 || bytes[length..].iter().any(|byte| *byte != 0) {
        return None;
    }
    bytes.truncate(length);
    Some(bytes)
}

fn words(bytes: &[u8]) -> Option<Vec<u32>> {
    bytes.chunks(4).map(|four| four.try_into().ok().map(u32::from_le_bytes)).collect()
}

/// The first four words; zeros behind a shorter key.
fn words_of_key(key: &[u8]) -> [u32; 4] {
    let mut padded = [0; 16];
    padded.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    [0, 4, 8, 12].map(|at| u32::from_le_bytes([padded[at], padded[at + 1], padded[at + 2], padded[at + 3]]))
}

#[cfg(test)]
mod tests {
    use super::decrypted;

    /// A vector of a public client, which says that the page's own JavaScript makes it.
    #[test]
    fn info_as_the_page_makes_it() {
        let text = "2Xf1B4c/+MsdEeCeTWAmG0IsHvyxETyWlgmmmRN56AfVGSqpuhoCZHbcwxK5CkACA6RGnP3S7foKPYuO2RgNTeSprroEZtNF7vebyOu6C0ZRbElhFVYnUACUUH8Yg/UvHCshU+==";
        let plain =
            br#"{"username":"test_user","password":"test_pass","ip":"client-ip","acid":"1","enc_ver":"srun_bx1"}"#;
        assert_eq!(decrypted(text, b"abcdef123456").as_deref(), Some(&plain[..]));
        assert_eq!(decrypted(text, b"abcdef123457"), None, "another challenge");
        for broken in ["", "2Xf1", "2Xf1B4c=", &text[4..]] {
            assert_eq!(decrypted(broken, b"abcdef123456"), None, "{broken}");
        }
    }
}
