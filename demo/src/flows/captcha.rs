//! A server that shows a picture of digits before it takes a password.
//!
//! `GET /captcha/image` gives a PNG and the cookie `CAPTCHASESSION`; `POST /captcha/login` with that cookie and a form
//! `username`, `password`, `captcha` logs in. A picture is good for one try and two minutes; without the right digits
//! the password is not looked at.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::tickets::TicketStore;
use super::{picture, six_digits};
use crate::json::{code, malformed, message};
use crate::people::LoginResult;
use crate::wire::{Flaw, Wire, flaw, form, utf8};
use crate::{Attempt, Server, token};

/// How many digits a picture shows.
const DIGITS: usize = 5;
/// How many of the newest pictures [`Captchas::read`] can still read.
const SEEN: usize = 64;

/// The pictures that were handed out.
pub(crate) struct Captchas {
    sessions: TicketStore<String>,
    /// The digits in the newest pictures, as a person would read them. The check of a login never reads this.
    shown_digits: Mutex<VecDeque<(Vec<u8>, String)>>,
}

impl Captchas {
    pub(super) fn new() -> Self {
        Self { sessions: TicketStore::for_seconds(2 * 60), shown_digits: Mutex::default() }
    }

    /// The digits in a picture, as a person would read them.
    pub(crate) fn read(&self, png: &[u8]) -> Option<String> {
        let shown_digits = self.shown_digits.lock().unwrap_or_else(PoisonError::into_inner);
        shown_digits.iter().find(|(shown, _)| shown == png).map(|(_, digits)| digits.clone())
    }

    fn draw(&self, now: u64) -> (String, Vec<u8>) {
        let digits = six_digits()[..DIGITS].to_owned();
        let mut noise = [0; 32];
        // Without randomness the picture is merely easy to read.
        let _ = getrandom::fill(&mut noise);
        let png = picture::png(&digits, &noise);
        let mut shown_digits = self.shown_digits.lock().unwrap_or_else(PoisonError::into_inner);
        if shown_digits.len() == SEEN {
            shown_digits.pop_front();
        }
        shown_digits.push_back((png.clone(), digits.clone()));
        (self.sessions.put(now, digits), png)
    }
}

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/captcha/image", get(image)).route("/captcha/login", post(login))
}

async fn image(State(server): State<Arc<Server>>) -> Response {
    let (session, png) = server.flows.captchas.draw(server.now());
    let cookie = format!("CAPTCHASESSION={session}; Path=/captcha; HttpOnly");
    let headers = [
        (header::CONTENT_TYPE, "image/png".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::SET_COOKIE, cookie),
    ];
    (headers, png).into_response()
}

async fn login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let (attempt, session, given) = match server.read(&wire, read(&wire)) {
        Ok(read) => read,
        Err(flaw) => return Json(malformed(&flaw)).into_response(),
    };
    let shown = server.flows.captchas.sessions.take(server.now(), &session);
    let right = shown.is_some_and(|digits| bool::from(digits.as_bytes().ct_eq(given.as_bytes())));
    Json(if right {
        match server.decide(&server.salted, &wire, Ok(attempt)) {
            Ok((LoginResult::Accepted, login)) => {
                answer(0, "登录成功", &json!({ "token": token(), "loginName": login }))
            }
            Ok((refusal, _)) => answer(code(refusal), message(refusal), &Value::Null),
            Err(flaw) => malformed(&flaw),
        }
    } else {
        answer(601, "验证码错误或已过期", &Value::Null)
    })
    .into_response()
}

fn read(wire: &Wire) -> Result<(Attempt, String, String), Flaw> {
    wire.expect_type("application/x-www-form-urlencoded", "utf-8")?;
    let [login, sent, captcha] = form(&wire.body, utf8)?.exactly(["username", "password", "captcha"])?;
    let [session] = wire.cookies()?.exactly(["CAPTCHASESSION"])?;
    if session.is_empty() { flaw("an empty session") } else { Ok((Attempt { login, sent }, session, captcha)) }
}

fn answer(code: u16, message: &str, data: &Value) -> Value {
    json!({ "code": code, "msg": message, "data": data })
}
