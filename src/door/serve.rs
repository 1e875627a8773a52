//! A console's request, from its path to the reply that the console understands.
//!
//! Nothing of it is read before its caller is authenticated. On a door's path every reply is one of that door's, also to a request
//! that cannot be read and after a fault.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{Request, StatusCode, Uri, request};
use http_body_util::{BodyExt as _, Limited};
use tower::ServiceExt as _;

use super::answer::DoorReply;
use super::live::{DoorRoute, LiveDoors};
use super::network::Proxies;
use super::no_login::{NoLogin, names};
use super::plan::{Door, Question, ReplyKind};
use super::raw::AskBody;
use super::round;
use super::source::{AskedContent, AskedRequest, Malformed, RequestPart, RequestSource};
use crate::attempt::{App, Caller};
use crate::config::{Certificate, Scope};
use crate::http::{ConnectionSlot, Fault, Peer, Served};

/// As the API's: names, passwords and packed fields are far smaller.
const MAX_BODY: usize = 64 * 1024;

/// `inner`, with doors in front of it: a request on a door's path is the door's, every other one is for `inner`.
pub fn served(inner: Served, app: &Arc<App>, doors: Arc<LiveDoors>, proxies: Proxies) -> Served {
    let Served { router, on_fault, limits, metrics } = inner;
    let front = Arc::new(Front { app: Arc::clone(app), doors, proxies, inner: router });
    let of_faults = Arc::clone(&front);
    let fault_reply = move |uri: &Uri, fault: Fault| {
        let Some(route) = of_faults.doors.route(uri.path()) else { return on_fault(uri, fault) };
        let kind = match fault {
            Fault::Host | Fault::Framing | Fault::Head => ReplyKind::Malformed,
            Fault::Panic => ReplyKind::Unavailable,
        };
        of_faults.send(route.door(), route.door().reply_without_verdict(kind, &names()))
    };
    Served { router: Router::new().fallback(ask).with_state(front), on_fault: Arc::new(fault_reply), limits, metrics }
}

/// Listeners of doors alone: what is no door's is nothing.
pub fn alone(api: &Served) -> Served {
    let nothing = || StatusCode::NOT_FOUND.into_response();
    let on_fault = move |_: &Uri, fault: Fault| match fault {
        Fault::Panic => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Fault::Host | Fault::Framing => StatusCode::BAD_REQUEST.into_response(),
        Fault::Head => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response(),
    };
    Served {
        router: Router::new().fallback(move || async move { nothing() }),
        on_fault: Arc::new(on_fault),
        ..api.clone()
    }
}

struct Front {
    app: Arc<App>,
    doors: Arc<LiveDoors>,
    proxies: Proxies,
    inner: Router,
}

async fn ask(State(front): State<Arc<Front>>, request: Request<Body>) -> Response {
    let Some(route) = front.doors.route(request.uri().path()) else {
        return match front.inner.clone().oneshot(request).await {
            Ok(response) => response,
            Err(impossible) => match impossible {},
        };
    };
    let reply = front.answer(&route, request).await;
    front.send(route.door(), reply)
}

impl Front {
    fn send(&self, door: &Door, reply: DoorReply) -> Response {
        self.app.metrics.door(&door.id, reply.kind.as_str());
        reply.into_response()
    }

    async fn answer(&self, route: &DoorRoute, request: Request<Body>) -> DoorReply {
        let door = route.door();
        let asked = match route {
            DoorRoute::Login(_) => self.login(door, request).await,
            DoorRoute::Also(..) => self.side_question(route, request).await,
        };
        asked.unwrap_or_else(|none| {
            let kind = match none {
                NoLogin::Kind(kind) => kind,
                NoLogin::TooMany => ReplyKind::Unavailable,
            };
            tracing::debug!(door = door.id, kind = kind.as_str(), "a request of a console came to no login");
            door.reply_without_verdict(kind, &names())
        })
    }

    async fn login(&self, door: &Arc<Door>, request: Request<Body>) -> Result<DoorReply, NoLogin> {
        let (parts, body) = request.into_parts();
        if !door.at.takes(&parts.method) {
            return Err(NoLogin::Kind(ReplyKind::Malformed));
        }
        let (caller, bytes) = self.admitted(door, &parts, body, door.at.body).await?;
        let asked = asked(&parts, door.at.body, &bytes)?;
        round::reply(&self.app, door, caller, asked).await
    }

    /// A question beside the login. One that brings a password is a login in the wrong place.
    async fn side_question(&self, route: &DoorRoute, request: Request<Body>) -> Result<DoorReply, NoLogin> {
        let (door, Some(also)) = (route.door(), route.also()) else {
            return Err(NoLogin::Kind(ReplyKind::Malformed));
        };
        let (parts, body) = request.into_parts();
        if !also.at.takes(&parts.method) {
            return Err(NoLogin::Kind(ReplyKind::Malformed));
        }
        let (_, bytes) = self.admitted(door, &parts, body, also.at.body).await?;
        let asked = asked(&parts, also.at.body, &bytes)?;
        let password = door.login.password.as_ref().map(|source| source.read(&asked)).transpose()?;
        if password.flatten().is_some() {
            return Err(NoLogin::Kind(ReplyKind::Anonymous));
        }
        match (also.when.holds(&asked)?, &also.no) {
            (true, _) => Ok(Door::constant(&also.yes)),
            (false, Some(no)) => Ok(Door::constant(no)),
            (false, None) => Err(NoLogin::Kind(ReplyKind::Anonymous)),
        }
    }

    /// The caller, and the body when the door reads it: before the caller is known only where its token stands in it.
    async fn admitted(
        &self,
        door: &Door,
        parts: &request::Parts,
        body: Body,
        form: AskBody,
    ) -> Result<(Arc<Caller>, Bytes), NoLogin> {
        let in_body = |source: &RequestSource| matches!(source.part, RequestPart::Document(_) | RequestPart::Form(_));
        if door.token.as_ref().is_some_and(in_body) {
            let bytes = self.body(body, form).await?;
            let token =
                door.token.as_ref().map(|source| source.read(&asked(parts, form, &bytes)?)).transpose()?.flatten();
            return Ok((self.caller(door, parts, token.as_deref())?, bytes));
        }
        let head = AskedRequest { query: parts.uri.query(), headers: &parts.headers, body: AskedContent::None };
        let token = door.token.as_ref().map(|source| source.read(&head)).transpose();
        // Malformed where the token stands is no token.
        let token = token.map_err(|_| NoLogin::Kind(ReplyKind::Stranger))?.flatten();
        let caller = self.caller(door, parts, token.as_deref())?;
        Ok((caller, self.body(body, form).await?))
    }

    fn caller(&self, door: &Door, parts: &request::Parts, token: Option<&str>) -> Result<Arc<Caller>, NoLogin> {
        let stranger = || NoLogin::Kind(ReplyKind::Stranger);
        if door.token.is_some() != token.is_some() || !self.is_from(door, parts) {
            return Err(stranger());
        }
        let certificate = parts.extensions.get::<Arc<Certificate>>();
        let callers = self.app.callers();
        let caller = if door.network_only {
            callers.named(&door.client)
        } else {
            callers.identify(token, certificate.map(AsRef::as_ref))
        };
        let caller = caller.ok_or_else(stranger)?;
        if caller.client.name != door.client || !caller.client.scopes.contains(&Scope::Door) {
            return Err(stranger());
        }
        if let Some(slot) = parts.extensions.get::<Arc<ConnectionSlot>>() {
            slot.authenticated(&caller.client.name, self.app.callers().one_logs_in());
        }
        Ok(caller)
    }

    /// Whether the request comes from where the door's console is. Behind one of our proxies that is what the nearest of them saw.
    fn is_from(&self, door: &Door, parts: &request::Parts) -> bool {
        if door.from.is_empty() {
            return true;
        }
        let Some(Peer(Some(peer))) = parts.extensions.get::<Peer>() else { return false };
        let address = self.proxies.client_of(*peer, &parts.headers);
        address.is_some_and(|address| door.from.iter().any(|network| network.holds(address)))
    }

    async fn body(&self, body: Body, form: AskBody) -> Result<Bytes, NoLogin> {
        if form == AskBody::None {
            return Ok(Bytes::new());
        }
        let collected = tokio::time::timeout(self.app.limits().body, Limited::new(body, MAX_BODY).collect());
        match collected.await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            // Too slow, too large, broken off.
            _ => Err(NoLogin::Kind(ReplyKind::Malformed)),
        }
    }
}

fn asked<'a>(parts: &'a request::Parts, form: AskBody, bytes: &'a Bytes) -> Result<AskedRequest<'a>, Malformed> {
    let body = AskedContent::read(form, bytes)?;
    Ok(AskedRequest { query: parts.uri.query(), headers: &parts.headers, body })
}

impl Question {
    fn holds(&self, asked: &AskedRequest<'_>) -> Result<bool, Malformed> {
        Ok(match self {
            Self::All(terms) => {
                let mut all = true;
                for term in terms {
                    all &= term.holds(asked)?;
                }
                all
            }
            Self::OneOf(source, words) => source.read(asked)?.is_some_and(|value| words.contains(&value)),
            Self::StartsWith(source, start) => source.read(asked)?.is_some_and(|value| value.starts_with(start)),
        })
    }
}
