//! Servers that want every request signed by the application's key.
//!
//! - `POST /signed/login` and `GET /signed/user`: an AppID with an HMAC-SHA256 over method, path, query, time, nonce and the hash of the
//!   body, in the header Authorization.
//! - `POST /pay/login`: XML whose sorted fields are signed with MD5, as WeChat Pay v2 does.
//! - `POST /hr/login`: JSON whose body, time and nonce are signed with HMAC-SHA1.
//!
//! Each takes a nonce once and a time for five minutes, and reads the signature before anything else.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use quick_xml::escape::escape;
use quick_xml::events::Event;
use quick_xml::reader::Reader;
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::tickets::TicketStore;
use crate::json::{attempt, code, malformed, message};
use crate::people::LoginResult;
use crate::wire::{Flaw, Wire, flaw};
use crate::{Attempt, Server};

/// The applications and their keys. A demo's, printed in the documents.
pub(crate) const APP: (&str, &str) = ("doorward-app", "demo-hmac-key");
pub(crate) const PAY: (&str, &str) = ("wxd930ea5d5a258f4f", "192006250b4c09247ec02edce69f6a2d");
pub(crate) const HR_KEY: &str = "demo-hr-key";

/// Seconds that a request stays good.
const FRESH: u64 = 300;

/// Nonces that were seen, and logins of `/signed/login` that were not asked about yet.
pub(super) struct Sessions {
    nonces: TicketStore<String>,
    logins: TicketStore<String>,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self { nonces: TicketStore::for_seconds(2 * FRESH), logins: TicketStore::for_seconds(FRESH) }
    }

    /// Takes a nonce that was not there before, of a time (seconds) that is near.
    fn take(&self, now: u64, time: &str, nonce: &str) -> Result<(), Flaw> {
        let Ok(time) = time.parse::<u64>() else { return flaw("the time is no number") };
        if time.abs_diff(now / 1000) > FRESH {
            return flaw("the time is too far off");
        }
        if nonce.len() < 16 {
            return flaw("the nonce is too short");
        }
        if self.nonces.newest(now, |seen| (seen == nonce).then_some(())).is_some() {
            return flaw("the nonce was used before");
        }
        self.nonces.put(now, nonce.to_owned());
        Ok(())
    }
}

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/signed/login", post(app_login))
        .route("/signed/user", get(app_user))
        .route("/pay/login", post(pay_login))
        .route("/hr/login", post(hr_login))
}

fn hmac<M: Mac + KeyInit>(key: &str, text: &[u8]) -> Vec<u8> {
    // HMAC takes keys of every length.
    let Ok(mac) = <M as KeyInit>::new_from_slice(key.as_bytes()) else { return Vec::new() };
    mac.chain_update(text).finalize().into_bytes().to_vec()
}

fn same(sent: &str, right: &str) -> Result<(), Flaw> {
    if sent.as_bytes().ct_eq(right.as_bytes()).into() { Ok(()) } else { flaw("the signature is not right") }
}

/// `HMAC-SHA256 appid="…", time="…", nonce="…", signature="…"`
fn signed_by_app(server: &Server, wire: &Wire, method: &str) -> Result<(), Flaw> {
    let written = wire.header(header::AUTHORIZATION)?;
    let Some(rest) = written.strip_prefix("HMAC-SHA256 ") else { return flaw("no HMAC-SHA256") };
    let mut values = Vec::new();
    for (pair, name) in rest.split(", ").zip(["appid", "time", "nonce", "signature", ""]) {
        let value = pair.strip_prefix(name).and_then(|rest| rest.strip_prefix("=\"")?.strip_suffix('"'));
        let Some(value) = value else { return flaw("a parameter of Authorization is not as it should be") };
        values.push(value);
    }
    let [appid, time, nonce, signature] = values[..] else { return flaw("a parameter of Authorization is missing") };
    let body = hex::encode(Sha256::digest(&wire.body));
    let text = [method, &wire.path, &wire.query, time, nonce, &body].join("\n");
    if appid != APP.0 {
        return flaw("unknown application");
    }
    same(signature, &hex::encode(hmac::<Hmac<Sha256>>(APP.1, text.as_bytes())))?;
    server.flows.signed.take(server.now(), time, nonce)
}

async fn app_login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    if let Err(flaw) = server.read(&wire, signed_by_app(&server, &wire, "POST")) {
        return stranger(&flaw);
    }
    Json(match server.decide(&server.salted, &wire, attempt(&wire, ["account", "password"])) {
        Ok((LoginResult::Accepted, login)) => {
            json!({ "code": 0, "msg": "ok", "data": { "ticket": server.flows.signed.logins.put(server.now(), login) } })
        }
        Ok((refusal, _)) => json!({ "code": code(refusal), "msg": message(refusal), "data": null }),
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}

async fn app_user(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let read = || {
        signed_by_app(&server, &wire, "GET")?;
        wire.query()?.exactly(["ticket"])
    };
    match server.read(&wire, read()) {
        Ok([ticket]) => Json(match server.flows.signed.logins.take(server.now(), &ticket) {
            Some(login) => {
                let person = server.salted.person(&login);
                json!({ "code": 0, "msg": "ok", "data": { "account": person.login, "name": person.name } })
            }
            None => json!({ "code": 404, "msg": "ticket 无效", "data": null }),
        })
        .into_response(),
        Err(flaw) => stranger(&flaw),
    }
}

fn stranger(flaw: &Flaw) -> Response {
    let body = json!({ "code": 401, "msg": format!("签名错误: {}", flaw.0), "data": null });
    (StatusCode::UNAUTHORIZED, Json(body)).into_response()
}

/// `<xml>` with one level of elements, each once.
fn xml_fields(text: &str) -> Result<Vec<(String, String)>, Flaw> {
    let broken = || Flaw("the XML is not as it should be".to_owned());
    let mut reader = Reader::from_str(text);
    let (mut open, mut fields) = (Vec::<String>::new(), Vec::<(String, String)>::new());
    loop {
        let more = match reader.read_event().map_err(|_| broken())? {
            Event::Start(tag) if tag.attributes().next().is_none() && open.len() < 2 => {
                let name = tag.name().into_inner().to_owned();
                if open.len() == 1 {
                    if fields.iter().any(|(known, _)| *known == name) {
                        return flaw("an element twice");
                    }
                    fields.push((name.clone(), String::new()));
                }
                open.push(name);
                continue;
            }
            Event::End(_) => {
                open.pop();
                continue;
            }
            Event::Text(part) => part.xml10_content().into_owned(),
            Event::GeneralRef(reference) => {
                let resolved = reference.resolve_char_ref().map_err(|_| broken())?;
                let named = quick_xml::escape::resolve_predefined_entity(&reference).map(str::to_owned);
                resolved.map(String::from).or(named).ok_or_else(broken)?
            }
            Event::Eof => return Ok(fields),
            _ => return Err(broken()),
        };
        match (open.len(), fields.last_mut()) {
            (2, Some((_, value))) => value.push_str(&more),
            _ if more.trim().is_empty() => {}
            _ => return Err(broken()),
        }
    }
}

fn pay_attempt(server: &Server, wire: &Wire) -> Result<Attempt, Flaw> {
    wire.expect_type("application/xml", "utf-8").or_else(|_| wire.expect_type("text/xml", "utf-8"))?;
    let fields = xml_fields(&wire.text()?)?;
    let mut signed: Vec<_> = fields.iter().filter(|(name, value)| name != "sign" && !value.is_empty()).collect();
    signed.sort();
    let mut pairs: Vec<String> = signed.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.push(format!("key={}", PAY.1));
    let text = pairs.join("&");
    let names = ["appid", "nonce_str", "timestamp", "username", "password", "device_info", "sign"];
    let [appid, nonce, time, login, sent, _, sign] = crate::wire::Fields(fields).exactly(names)?;
    if appid != PAY.0 {
        return flaw("unknown application");
    }
    same(&sign, &hex::encode_upper(Md5::digest(text)))?;
    server.flows.signed.take(server.now(), &time, &nonce)?;
    Ok(Attempt { login, sent })
}

async fn pay_login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let read = pay_attempt(&server, &wire);
    let inner = match server.decide(&server.salted, &wire, read) {
        Ok((LoginResult::Accepted, login)) => {
            let name = escape(server.salted.person(&login).name).into_owned();
            let login = escape(&login).into_owned();
            format!("<result_code>SUCCESS</result_code><userid>{login}</userid><name>{name}</name>")
        }
        Ok((refusal, _)) => {
            let words = (pay_code(refusal), message(refusal));
            format!(
                "<result_code>FAIL</result_code><err_code>{}</err_code><err_code_des>{}</err_code_des>",
                words.0, words.1
            )
        }
        Err(Flaw(text)) => {
            let text = escape(&text).into_owned();
            let body = format!("<xml><return_code>FAIL</return_code><return_msg>{text}</return_msg></xml>");
            return ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], body).into_response();
        }
    };
    let body = format!("<xml><return_code>SUCCESS</return_code>{inner}</xml>");
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], body).into_response()
}

fn pay_code(refusal: LoginResult) -> &'static str {
    match refusal {
        LoginResult::Accepted | LoginResult::Wrong => "AUTH_ERROR",
        LoginResult::Locked => "ACCOUNT_LOCKED",
        LoginResult::Disabled => "ACCOUNT_DISABLED",
        LoginResult::PasswordExpired => "PASSWORD_EXPIRED",
    }
}

fn hr_attempt(server: &Server, wire: &Wire) -> Result<Attempt, Flaw> {
    let [time, nonce, sign] = ["x-time", "x-nonce", "x-sign"].map(|name| wire.header(HeaderName::from_static(name)));
    let (time, nonce) = (time?, nonce?);
    let text = [time.as_bytes(), b"\n", nonce.as_bytes(), b"\n", &wire.body].concat();
    same(sign?, &STANDARD.encode(hmac::<Hmac<Sha1>>(HR_KEY, &text)))?;
    server.flows.signed.take(server.now(), time, nonce)?;
    attempt(wire, ["account", "password"])
}

async fn hr_login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let read = hr_attempt(&server, &wire);
    Json(match server.decide(&server.salted, &wire, read) {
        Ok((LoginResult::Accepted, login)) => {
            let person = server.salted.person(&login);
            json!({ "code": 200, "msg": "登录成功", "result": { "account": person.login, "name": person.name } })
        }
        Ok((refusal, _)) => json!({ "code": code(refusal), "msg": message(refusal), "result": Value::Null }),
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}
