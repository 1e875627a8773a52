//! Servers whose login pages hide the password before they send it.
//!
//! - `GET /rsa/key` gives modulus and exponent in hexadecimal, `POST /rsa/login` takes the password as RSAES-PKCS1-v1_5, in hex.
//! - `GET /sm2/key` gives a public key, `POST /sm2/login` takes the password as SM2 (C1C3C2, without 04), as sm-crypto makes it.
//! - `POST /salted/salt` gives a salt for one login, `POST /salted/login` takes md5(md5(password) + salt).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::traits::PublicKeyParts as _;
use rsa::{Pkcs1v15Encrypt, PrivateKey};
use serde_json::{Value, json};
use sm2::SecretKey;
use sm2::pke::{DecryptingKey, Mode};

use super::tickets::TicketStore;
use crate::json::{attempt, code, malformed, message};
use crate::people::LoginResult;
use crate::wire::{Flaw, Wire, flaw, json as read_json};
use crate::{Attempt, Server, token};

/// The private half of what `/sm2/key` gives: the key of GB/T 32918.5-2017.
const SM2: &str = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
const SM2_PUBLIC: &str = "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";

/// The keys, and salts that were given out with the account they are for.
pub(super) struct Sessions {
    rsa: PrivateKey,
    sm2: SecretKey,
    salts: TicketStore<String>,
}

impl Sessions {
    /// # Errors
    /// Never: the keys are those of this file.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let rsa = PrivateKey::from_pkcs1_pem(include_str!("rsa-of-demo.pem")).ok();
        let sm2 = hex::decode(SM2).ok().and_then(|number| SecretKey::from_slice(&number).ok());
        let (Some(rsa), Some(sm2)) = (rsa, sm2) else { return Err(getrandom::Error::UNSUPPORTED) };
        Ok(Self { rsa, sm2, salts: TicketStore::for_seconds(60) })
    }

    /// Modulus and exponent of the RSA key, big-endian, without zeros before them.
    pub(super) fn numbers(&self) -> (Vec<u8>, Vec<u8>) {
        let key = self.rsa.to_public_key();
        let number = |number: &rsa::BoxedUint| {
            number.to_be_bytes().iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>()
        };
        (number(key.n().as_ref()), number(key.e()))
    }
}

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/rsa/key", get(rsa_key))
        .route("/rsa/login", post(rsa_login))
        .route("/sm2/key", get(sm2_key))
        .route("/sm2/login", post(sm2_login))
        .route("/salted/salt", post(salt))
        .route("/salted/login", post(salted_login))
}

async fn rsa_key(State(server): State<Arc<Server>>) -> Response {
    let (modulus, exponent) = server.flows.public_keys.numbers();
    Json(json!({ "modulus": hex::encode(modulus), "exponent": hex::encode(exponent) })).into_response()
}

async fn sm2_key() -> Response {
    Json(json!({ "code": 0, "data": { "publicKey": SM2_PUBLIC } })).into_response()
}

fn hidden(wire: &Wire, open: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Result<Attempt, Flaw> {
    let Attempt { login, sent } = attempt(wire, ["username", "password"])?;
    let Ok(bytes) = hex::decode(&sent) else { return flaw("the password is no hexadecimal") };
    match open(&bytes).and_then(|plain| String::from_utf8(plain).ok()) {
        Some(sent) => Ok(Attempt { login, sent }),
        None => flaw("the password cannot be decrypted"),
    }
}

async fn rsa_login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let open = |bytes: &[u8]| server.flows.public_keys.rsa.decrypt(Pkcs1v15Encrypt, bytes).ok();
    answer(&server, server.decide(&server.salted, &wire, hidden(&wire, open)))
}

async fn sm2_login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let open = |bytes: &[u8]| {
        let key = DecryptingKey::new_with_mode(server.flows.public_keys.sm2.to_nonzero_scalar(), Mode::C1C3C2);
        key.decrypt(&[&[4], bytes].concat()).ok()
    };
    answer(&server, server.decide(&server.salted, &wire, hidden(&wire, open)))
}

async fn salt(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let read = wire.expect_type("application/json", "utf-8");
    match server.read(&wire, read.and_then(|()| read_json(&wire.body)?.exactly(["username"]))) {
        // Whoever asks gets one: who exists is not told.
        Ok([login]) => Json(json!({ "code": 200, "salt": server.flows.public_keys.salts.put(server.now(), login) })),
        Err(flaw) => Json(malformed(&flaw)),
    }
    .into_response()
}

async fn salted_login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let read = || {
        wire.expect_type("application/json", "utf-8")?;
        let [login, salt, sent] = read_json(&wire.body)?.exactly(["username", "salt", "password"])?;
        if server.flows.public_keys.salts.take(server.now(), &salt).as_ref() != Some(&login) {
            return flaw("the salt is not of this user, or was used before");
        }
        Ok((salt, Attempt { login, sent }))
    };
    let (salt, read) = match read() {
        Ok((salt, attempt)) => (salt, Ok(attempt)),
        Err(flaw) => (String::new(), Err(flaw)),
    };
    let check = |login: &str, sent: &str| server.md5.check_with_salt(login, sent, &salt);
    answer(&server, server.decide_by(check, &wire, read))
}

fn answer(server: &Server, decided: Result<(LoginResult, String), Flaw>) -> Response {
    Json(match decided {
        Ok((LoginResult::Accepted, login)) => {
            let person = server.salted.person(&login);
            json!({ "code": 200, "msg": "登录成功", "result": {
                "token": token(), "loginName": person.login, "name": person.name,
            } })
        }
        Ok((refusal, _)) => json!({ "code": code(refusal), "msg": message(refusal), "result": Value::Null }),
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}
