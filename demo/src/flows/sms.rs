//! A platform that sends a code by text message after the password.
//!
//! `POST /mfa/login { account, password }` gives `resultCode` `0000` and a token to users without a telephone, `0001`,
//! a ticket and the masked number to all others; `/mfa/sms/send { ticket }` sends; `/mfa/sms/verify { ticket, code }`
//! ends. One message a minute, a code lives five minutes, a ticket ten, and five wrong codes end it.
//!
//! The same without a password: `/mfa/sms/begin { account }` sends and gives a ticket,
//! `/mfa/sms/enter { account, ticket, code }` ends.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::tickets::TicketStore;
use super::{enrolled, six_digits};
use crate::json::{attempt, message};
use crate::people::LoginResult;
use crate::wire::{Flaw, Wire, json as read_json};
use crate::{Attempt, Server, token};

/// Seconds between two messages.
const PAUSE: u64 = 60;
/// Seconds that a code is good.
const CODE: u64 = 5 * 60;
/// Wrong codes that end a ticket.
const TRIES: u32 = 5;

/// Logins that wait for their code, by ticket.
pub(super) struct Sessions(TicketStore<Half>);

struct Half {
    login: String,
    sent: Option<Sent>,
    wrong: u32,
    /// Begun without a password; the two ways must not be mixed.
    alone: bool,
}

struct Sent {
    code: String,
    at: u64,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self(TicketStore::for_seconds(10 * 60))
    }
}

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/mfa/login", post(login))
        .route("/mfa/sms/send", post(send))
        .route("/mfa/sms/verify", post(verify))
        .route("/mfa/sms/begin", post(begin))
        .route("/mfa/sms/enter", post(enter))
}

async fn login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let read = attempt(&wire, ["account", "password"]);
    Json(match server.decide(&server.salted, &wire, read) {
        Ok((LoginResult::Accepted, login)) if enrolled(&login) => {
            let mobile = server.salted.person(&login).mobile;
            let mobile = format!("{}****{}", &mobile[..3], &mobile[7..]);
            let half = Half { login: login.clone(), sent: None, wrong: 0, alone: false };
            json!({
                "resultCode": "0001",
                "resultMsg": "请输入短信验证码",
                "ticket": server.flows.sms.0.put(server.now(), half),
                "mobile": mobile,
                "account": login,
            })
        }
        Ok((LoginResult::Accepted, login)) => welcome(&login),
        Ok((refusal, _)) => result(code(refusal), message(refusal)),
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}

async fn send(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let now = server.now();
    Json(match server.read(&wire, fields(&wire, ["ticket"])) {
        Ok([ticket]) => {
            let sent = server.flows.sms.0.with(now, &ticket, |half| {
                if half.alone {
                    return unknown_ticket();
                }
                if half.sent.as_ref().is_some_and(|sent| now < sent.at + PAUSE * 1000) {
                    return result("2004", "发送过于频繁，请稍后再试");
                }
                half.sent = Some(deliver(&server, &half.login));
                result("0000", "验证码已发送")
            });
            sent.unwrap_or_else(unknown_ticket)
        }
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}

async fn verify(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    Json(match server.read(&wire, fields(&wire, ["ticket", "code"])) {
        Ok([ticket, given]) => enter_code(&server, &ticket, &given, |half| !half.alone),
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}

/// The account alone; the code is the only proof.
async fn begin(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let read = fields(&wire, ["account"]).map(|[login]| Attempt { login, sent: String::new() });
    let known = |login: &str, _: &str| server.salted.state_of(login);
    Json(match server.decide_by(known, &wire, read) {
        Ok((LoginResult::Accepted, login)) => {
            let mobile = server.salted.person(&login).mobile;
            let half = Half { sent: Some(deliver(&server, &login)), login, wrong: 0, alone: true };
            json!({
                "resultCode": "0000",
                "resultMsg": "验证码已发送",
                "ticket": server.flows.sms.0.put(server.now(), half),
                "mobile": format!("{}****{}", &mobile[..3], &mobile[7..]),
            })
        }
        Ok((LoginResult::Wrong, _)) => result("1001", "账号不存在"),
        Ok((refusal, _)) => result(code(refusal), message(refusal)),
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}

async fn enter(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    Json(match server.read(&wire, fields(&wire, ["account", "ticket", "code"])) {
        Ok([account, ticket, given]) => {
            enter_code(&server, &ticket, &given, |half| half.alone && half.login == account)
        }
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}

/// Checks the code for a ticket that `allows` takes for one of its own.
fn enter_code(server: &Server, ticket: &str, given: &str, allows: impl Fn(&Half) -> bool) -> Value {
    let (now, sessions) = (server.now(), &server.flows.sms.0);
    let checked = sessions.with(now, ticket, |half| allows(half).then(|| half.check(given, now))).flatten();
    match checked {
        Some(Checked::Right) => sessions.take(now, ticket).map_or_else(unknown_ticket, |half| welcome(&half.login)),
        Some(Checked::Wrong) => result("2001", "验证码错误"),
        Some(Checked::Late) => result("2002", "验证码已过期，请重新获取"),
        Some(Checked::Over) => {
            drop(sessions.take(now, ticket));
            result("2005", "错误次数过多，请重新登录")
        }
        None => unknown_ticket(),
    }
}

/// Sends a new code to the telephone of `login`.
fn deliver(server: &Server, login: &str) -> Sent {
    let code = six_digits();
    let text = format!("【统一认证】验证码 {code}，5 分钟内有效，请勿告诉他人。");
    server.flows.messages.deliver(login, "1069000000", text);
    Sent { code, at: server.now() }
}

enum Checked {
    Right,
    Wrong,
    Late,
    Over,
}

impl Half {
    fn check(&mut self, given: &str, now: u64) -> Checked {
        let Some(sent) = &self.sent else { return Checked::Wrong };
        if now >= sent.at + CODE * 1000 {
            return Checked::Late;
        }
        if bool::from(sent.code.as_bytes().ct_eq(given.as_bytes())) {
            return Checked::Right;
        }
        self.wrong += 1;
        if self.wrong < TRIES { Checked::Wrong } else { Checked::Over }
    }
}

fn fields<const N: usize>(wire: &Wire, names: [&str; N]) -> Result<[String; N], Flaw> {
    wire.expect_type("application/json", "utf-8")?;
    read_json(&wire.body)?.exactly(names)
}

fn welcome(login: &str) -> Value {
    json!({ "resultCode": "0000", "resultMsg": "登录成功", "token": token(), "account": login })
}

fn result(code: &str, message: &str) -> Value {
    json!({ "resultCode": code, "resultMsg": message })
}

fn unknown_ticket() -> Value {
    result("2003", "登录已失效，请重新登录")
}

fn malformed(flaw: &Flaw) -> Value {
    result("9001", &flaw.0)
}

fn code(result: LoginResult) -> &'static str {
    match result {
        LoginResult::Accepted => "0000",
        LoginResult::Wrong => "1001",
        LoginResult::Locked => "1002",
        LoginResult::Disabled => "1003",
        LoginResult::PasswordExpired => "1004",
    }
}
