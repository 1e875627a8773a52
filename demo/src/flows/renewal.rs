//! A server that accepts no expired password: the user must choose a new one first.
//!
//! `POST /account/login { loginName, password }` gives `OK`, or `MUST_CHANGE` and a `changeTicket`;
//! `POST /account/password { changeTicket, newPassword }` changes the password when it is good enough, and is then a
//! login. The new password counts from then on.

use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::tickets::TicketStore;
use crate::json::{attempt, message};
use crate::people::{Directory, LoginResult, Scheme};
use crate::wire::{Flaw, Wire, json as read_json};
use crate::{Server, token};

/// The shortest new password, in characters.
const MIN_PASSWORD: usize = 8;

/// The accounts, which change here and in no other protocol, and the users who must choose a new password.
pub(crate) struct Sessions {
    accounts: RwLock<Directory>,
    owing: TicketStore<String>,
}

impl Sessions {
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        Ok(Self { accounts: RwLock::new(Directory::new(Scheme::Salted)?), owing: TicketStore::for_seconds(10 * 60) })
    }

    /// Makes `login` choose a new password at the next login.
    pub(crate) fn expire(&self, login: &str) {
        self.accounts.write().unwrap_or_else(PoisonError::into_inner).expire(login);
    }

    fn check_password(&self, login: &str, sent: &str) -> LoginResult {
        self.accounts.read().unwrap_or_else(PoisonError::into_inner).check_password(login, sent)
    }

    /// What is wrong with a new password, if anything.
    fn refuses(&self, login: &str, new: &str) -> Option<&'static str> {
        let mixed = new.chars().any(char::is_alphabetic) && new.chars().any(char::is_numeric);
        if new.chars().count() < MIN_PASSWORD || !mixed {
            Some("新密码至少 8 位，且须包含字母和数字")
        } else if new.contains(login) {
            Some("新密码不能包含用户名")
        } else if self.check_password(login, new) != LoginResult::Wrong {
            Some("新密码不能与旧密码相同")
        } else {
            None
        }
    }
}

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/account/login", post(login)).route("/account/password", post(change))
}

async fn login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let sessions = &server.flows.renewal;
    let read = attempt(&wire, ["loginName", "password"]);
    Json(match server.decide_by(|login, sent| sessions.check_password(login, sent), &wire, read) {
        Ok((LoginResult::Accepted, login)) => welcome(&login),
        Ok((LoginResult::PasswordExpired, login)) => {
            let ticket = sessions.owing.put(server.now(), login);
            json!({ "status": "MUST_CHANGE", "message": message(LoginResult::PasswordExpired), "changeTicket": ticket })
        }
        Ok((refusal, _)) => json!({ "status": status(refusal), "message": message(refusal) }),
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}

async fn change(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let now = server.now();
    let sessions = &server.flows.renewal;
    let read = || {
        wire.expect_type("application/json", "utf-8")?;
        read_json(&wire.body)?.exactly(["changeTicket", "newPassword"])
    };
    Json(match server.read(&wire, read()) {
        Ok([ticket, new]) => match sessions.owing.with(now, &ticket, |login| sessions.refuses(login, &new)) {
            Some(None) => match sessions.owing.take(now, &ticket) {
                Some(login) => {
                    sessions.accounts.write().unwrap_or_else(PoisonError::into_inner).renew(&login, &new);
                    welcome(&login)
                }
                None => unknown(),
            },
            Some(Some(why)) => json!({ "status": "WEAK_PASSWORD", "message": why }),
            None => unknown(),
        },
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}

fn welcome(login: &str) -> Value {
    json!({ "status": "OK", "message": message(LoginResult::Accepted), "session": token(), "loginName": login })
}

fn unknown() -> Value {
    json!({ "status": "TICKET_INVALID", "message": "操作已失效，请重新登录" })
}

fn malformed(flaw: &Flaw) -> Value {
    json!({ "status": "BAD_REQUEST", "message": flaw.0 })
}

fn status(result: LoginResult) -> &'static str {
    match result {
        LoginResult::Accepted => "OK",
        LoginResult::Wrong => "BAD_CREDENTIALS",
        LoginResult::Locked => "LOCKED",
        LoginResult::Disabled => "DISABLED",
        LoginResult::PasswordExpired => "MUST_CHANGE",
    }
}
