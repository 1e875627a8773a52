//! A CAS server (CAS protocol 2.0): a login page with `lt` and `execution`, a ticket in the redirect,
//! `serviceValidate`.
//!
//! A login ticket is good for one form, a service ticket for one validation, ten seconds, and the service that it was
//! made for. A wrong password is the page again with status 401.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, Html, IntoResponse, Response};
use axum::routing::get;
use quick_xml::escape::escape;
use url::Url;

use super::tickets::TicketStore;
use crate::json::message;
use crate::people::LoginResult;
use crate::wire::{Flaw, Wire, flaw, form, utf8};
use crate::{Attempt, Server, token};

/// Who may ask for tickets: the one registered service.
const SERVICE: &str = "https://app.example.com/cas";

/// Forms that were shown, with their `execution`, and tickets.
pub(super) struct Sessions {
    forms: TicketStore<String>,
    tickets: TicketStore<Ticket>,
}

struct Ticket {
    login: String,
    service: String,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self { forms: TicketStore::for_seconds(5 * 60), tickets: TicketStore::for_seconds(10) }
    }
}

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/cas/login", get(page).post(login)).route("/cas/serviceValidate", get(validate))
}

async fn page(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    match server.read(&wire, service(&wire)) {
        Ok(service) => shown(&server, StatusCode::OK, &service, ""),
        Err(flaw) => (StatusCode::FORBIDDEN, Html(escape(&flaw.0).into_owned())).into_response(),
    }
}

async fn login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let (attempt, service, lt, execution) = match server.read(&wire, read(&wire)) {
        Ok(read) => read,
        Err(flaw) => return (StatusCode::BAD_REQUEST, Html(escape(&flaw.0).into_owned())).into_response(),
    };
    // `lt` is LT-name.
    let expected = lt.strip_prefix("LT-").and_then(|name| server.flows.cas.forms.take(server.now(), name));
    if expected.is_none_or(|expected| expected != execution) {
        return shown(&server, StatusCode::OK, &service, "登录页面已过期，请重试");
    }
    match server.decide(&server.salted, &wire, Ok(attempt)) {
        Ok((LoginResult::Accepted, login)) => {
            let ticket = server.flows.cas.tickets.put(server.now(), Ticket { login, service: service.clone() });
            let to = Url::parse_with_params(&service, [("ticket", format!("ST-{ticket}"))]);
            let to = to.map(String::from).unwrap_or_default();
            let cookie = format!("CASTGC=TGT-{}; Path=/cas; HttpOnly", token());
            (StatusCode::FOUND, AppendHeaders([(header::LOCATION, to), (header::SET_COOKIE, cookie)])).into_response()
        }
        Ok((refusal, _)) => shown(&server, StatusCode::UNAUTHORIZED, &service, message(refusal)),
        Err(flaw) => shown(&server, StatusCode::BAD_REQUEST, &service, &flaw.0),
    }
}

async fn validate(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let read = wire.query().and_then(|query| query.exactly(["service", "ticket"]));
    let result = server.read(&wire, read).map_err(|flaw| ("INVALID_REQUEST", flaw.0)).and_then(|[service, ticket]| {
        let taken = ticket.strip_prefix("ST-").and_then(|name| server.flows.cas.tickets.take(server.now(), name));
        match taken {
            None => Err(("INVALID_TICKET", "the ticket is not recognized".to_owned())),
            Some(ticket) if ticket.service != service => {
                Err(("INVALID_SERVICE", "the ticket is for another service".to_owned()))
            }
            Some(ticket) => Ok(ticket.login),
        }
    });
    let body = match result {
        Ok(login) => {
            let (user, name) = (escape(&login), server.salted.person(&login).name);
            format!(
                "<cas:authenticationSuccess><cas:user>{user}</cas:user><cas:attributes><cas:displayName>{name}\
                 </cas:displayName></cas:attributes></cas:authenticationSuccess>"
            )
        }
        Err((code, text)) => {
            format!("<cas:authenticationFailure code=\"{code}\">{}</cas:authenticationFailure>", escape(&text))
        }
    };
    let xml = format!("<cas:serviceResponse xmlns:cas=\"http://www.yale.edu/tp/cas\">{body}</cas:serviceResponse>");
    ([(header::CONTENT_TYPE, "application/xml;charset=UTF-8")], xml).into_response()
}

fn service(wire: &Wire) -> Result<String, Flaw> {
    let [service] = wire.query()?.exactly(["service"])?;
    // Servers register patterns: the callback of a login may carry its state.
    let registered = service.strip_prefix(SERVICE).is_some_and(|rest| rest.is_empty() || rest.starts_with("?state="));
    if registered { Ok(service) } else { flaw("the service is not registered") }
}

fn read(wire: &Wire) -> Result<(Attempt, String, String, String), Flaw> {
    wire.expect_type("application/x-www-form-urlencoded", "utf-8")?;
    let names = ["username", "password", "lt", "execution", "_eventId"];
    let [login, sent, lt, execution, event] = form(&wire.body, utf8)?.exactly(names)?;
    if event != "submit" {
        return flaw("unknown _eventId");
    }
    Ok((Attempt { login, sent }, service(wire)?, lt, execution))
}

/// The login page. `error` is this server's own text, which needs no escaping.
fn shown(server: &Server, status: StatusCode, service: &str, error: &str) -> Response {
    let execution = format!("e1s1-{}", token());
    let lt = server.flows.cas.forms.put(server.now(), execution.clone());
    let action = escape(service);
    let page = format!(
        "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>CAS</title></head><body>\
         <div id=\"msg\" class=\"errors\">{error}</div>\
         <form id=\"fm1\" method=\"post\" action=\"/cas/login?service={action}\">\
         <input name=\"username\"><input type=\"password\" name=\"password\"><input type=\"hidden\" name=\"lt\" value=\"LT-{lt}\">\
         <input type=\"hidden\" name=\"execution\" value=\"{execution}\"><input type=\"hidden\" name=\"_eventId\" value=\"submit\">\
         <input type=\"submit\" value=\"登录\"></form></body></html>"
    );
    (status, Html(page)).into_response()
}
