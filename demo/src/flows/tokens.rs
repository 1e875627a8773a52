//! Servers that answer a login with a signed token (RFC 7519, RS256).
//!
//! - `POST /jwt/login` takes JSON and gives `{ code, msg, data: { token } }`; `GET /jwt/jwks` has its key as a JWK Set.
//! - `POST /uaa/oauth/token` is Spring Security OAuth's password grant with a client in Basic; `GET /uaa/oauth/token_key` has the key as
//!   `{ alg, value }`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use crate::json::{attempt, code, malformed, message};
use crate::people::LoginResult;
use crate::wire::{Flaw, Wire, flaw};
use crate::{Attempt, Server};

/// The client of `/uaa/oauth/token`. A demo's, printed in the documents.
pub(crate) const SPRING: (&str, &str) = ("doorward", "demo-spring-secret");

const KID: &str = "demo-1";

/// Seconds that a token is good.
const LIFETIME: u64 = 300;

/// The key that signs.
pub(super) struct Signer {
    key: RsaKeyPair,
    /// SubjectPublicKeyInfo in base64.
    public: String,
}

impl Signer {
    /// # Errors
    /// Never: the key is that of this repository.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let pem = include_str!("rsa-of-demo.pem");
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let key = STANDARD.decode(body).ok().and_then(|der| RsaKeyPair::from_der(&der).ok());
        let key = key.ok_or(getrandom::Error::UNSUPPORTED)?;
        // RFC 8017 in RFC 5280: the algorithm is rsaEncryption, the key is RSAPublicKey.
        let own = key.public().as_ref();
        let long = |tag: u8, content: &[u8]| {
            let length = u16::try_from(content.len()).unwrap_or_default().to_be_bytes();
            [&[tag, 0x82], &length[..], content].concat()
        };
        let algorithm = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
        let bits = long(3, &[&[0], own].concat());
        let public = STANDARD.encode(long(0x30, &[&algorithm[..], &bits].concat()));
        Ok(Self { key, public })
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": KID });
        let signed = format!("{}.{}", part(&header), part(claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        // RSA of a key that was read signs.
        let made = self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature);
        made.map(|()| format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))).unwrap_or_default()
    }
}

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/jwt/login", post(login))
        .route("/jwt/jwks", get(jwks))
        .route("/uaa/oauth/token", post(spring_token))
        .route("/uaa/oauth/token_key", get(spring_key))
}

pub(super) async fn jwks(State(server): State<Arc<Server>>) -> Response {
    let (n, e) = server.flows.public_keys.numbers();
    let (n, e) = (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e));
    Json(json!({ "keys": [{ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KID, "n": n, "e": e }] }))
        .into_response()
}

async fn login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    Json(match server.decide(&server.salted, &wire, attempt(&wire, ["username", "password"])) {
        Ok((LoginResult::Accepted, login)) => {
            let (person, now) = (server.salted.person(&login), server.now() / 1000);
            let claims = json!({
                "iss": "https://4a.example.com", "aud": "doorward", "sub": person.login, "name": person.name,
                "iat": now, "exp": now + LIFETIME,
            });
            json!({ "code": 200, "msg": "登录成功", "data": { "token": server.flows.signer.sign(&claims) } })
        }
        Ok((refusal, _)) => json!({ "code": code(refusal), "msg": message(refusal), "data": null }),
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}

/// Whether the client in Basic is the one that is known.
fn is_client(wire: &Wire) -> bool {
    let right = STANDARD.encode(format!("{}:{}", SPRING.0, SPRING.1));
    let sent = wire.header(header::AUTHORIZATION).ok().and_then(|value| value.strip_prefix("Basic "));
    sent.is_some_and(|sent| sent.as_bytes().ct_eq(right.as_bytes()).into())
}

fn unauthorized() -> Response {
    let body = json!({ "error": "unauthorized", "error_description": "Full authentication is required" });
    (StatusCode::UNAUTHORIZED, Json(body)).into_response()
}

async fn spring_key(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    if !is_client(&wire) {
        return unauthorized();
    }
    let lines: Vec<&str> =
        server.flows.signer.public.as_bytes().chunks(64).filter_map(|line| str::from_utf8(line).ok()).collect();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", lines.join("\n"));
    Json(json!({ "alg": "SHA256withRSA", "value": pem })).into_response()
}

fn grant(wire: &Wire) -> Result<Attempt, Flaw> {
    wire.expect_type("application/x-www-form-urlencoded", "utf-8")?;
    let fields = crate::wire::form(&wire.body, crate::wire::utf8)?;
    let [grant, login, sent] = fields.exactly(["grant_type", "username", "password"])?;
    if grant != "password" {
        return flaw("another grant");
    }
    Ok(Attempt { login, sent })
}

async fn spring_token(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    if !is_client(&wire) {
        return unauthorized();
    }
    let bad = |error: &str, text: &str| {
        (StatusCode::BAD_REQUEST, Json(json!({ "error": error, "error_description": text }))).into_response()
    };
    match server.decide(&server.salted, &wire, grant(&wire)) {
        Ok((LoginResult::Accepted, login)) => {
            let (person, now) = (server.salted.person(&login), server.now() / 1000);
            let claims = json!({
                "user_name": person.login, "scope": ["read"], "client_id": SPRING.0, "exp": now + LIFETIME,
            });
            let token = server.flows.signer.sign(&claims);
            Json(json!({ "access_token": token, "token_type": "bearer", "expires_in": LIFETIME, "scope": "read" }))
                .into_response()
        }
        // The words of Spring's own exceptions.
        Ok((LoginResult::Wrong, _)) => bad("invalid_grant", "Bad credentials"),
        Ok((LoginResult::Locked, _)) => bad("invalid_grant", "User account is locked"),
        Ok((LoginResult::Disabled, _)) => bad("invalid_grant", "User is disabled"),
        Ok((LoginResult::PasswordExpired, _)) => bad("invalid_grant", "User credentials have expired"),
        Err(flaw) => bad("invalid_request", &flaw.0),
    }
}
