//! A console's request, from its path to the reply that the console understands.
//!
//! Nothing of it is read before its caller is authenticated. On a door's path every reply is one of that door's, also to a request
//! that cannot be read and after a fault.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{Request, Uri, request};
use http_body_util::{BodyExt as _, Limited};
use tower::ServiceExt as _;

use super::answer::{AcceptRules, DoorReply};
use super::live::{DoorRoute, LiveDoors};
use super::plan::{ConnectorChoice, Door, Question, ReplyKind};
use super::raw::AskBody;
use super::source::{AskedContent, AskedRequest, Malformed, RequestPart, RequestSource};
use super::values::AskedNames;
use crate::attempt::{App, Caller, Login, Mode, TooManyCalls};
use crate::config::{Certificate, Scope};
use crate::document::{Object, Value, from_json};
use crate::http::{ConnectionSlot, Fault, Served};
use crate::secret::Secret;

/// As the API's: names, passwords and packed fields are far smaller.
const MAX_BODY: usize = 64 * 1024;

/// `inner`, with doors in front of it: a request on a door's path is the door's, every other one is for `inner`.
pub fn served(inner: Served, app: &Arc<App>, doors: Arc<LiveDoors>) -> Served {
    let Served { router, on_fault, limits, metrics } = inner;
    let front = Arc::new(Front { app: Arc::clone(app), doors, inner: router });
    let of_faults = Arc::clone(&front);
    let fault_reply = move |uri: &Uri, fault: Fault| {
        let Some(route) = of_faults.doors.route(uri.path()) else { return on_fault(uri, fault) };
        let kind = match fault {
            Fault::Host | Fault::Framing => ReplyKind::Malformed,
            Fault::Panic => ReplyKind::Unavailable,
        };
        of_faults.send(route.door(), route.door().reply_without_verdict(kind, &names()))
    };
    Served { router: Router::new().fallback(ask).with_state(front), on_fault: Arc::new(fault_reply), limits, metrics }
}

struct Front {
    app: Arc<App>,
    doors: Arc<LiveDoors>,
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

/// Why a request comes to no login.
enum NoLogin {
    /// A reply without a verdict.
    Kind(ReplyKind),
    /// The client has too many calls open.
    TooMany,
}

impl From<Malformed> for NoLogin {
    fn from(_: Malformed) -> Self {
        Self::Kind(ReplyKind::Malformed)
    }
}

impl From<TooManyCalls> for NoLogin {
    fn from(_: TooManyCalls) -> Self {
        Self::TooMany
    }
}

fn names() -> AskedNames {
    AskedNames { request_id: uuid::Uuid::new_v4().to_string(), ..AskedNames::default() }
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
        let username = door.login.username.read(&asked)?.filter(|name| !name.is_empty());
        let password = door.login.password.as_ref().map(|source| source.read(&asked)).transpose()?;
        let (Some(username), true) = (username, password.as_ref().is_none_or(|it| is_typed(it.as_ref()))) else {
            return Err(NoLogin::Kind(ReplyKind::Anonymous));
        };
        let client_ip = door.login.client_ip.as_ref().map(|source| source.address(&asked)).transpose()?.flatten();
        let mut attributes = Object::new();
        for (name, source) in &door.login.attributes {
            if let Some(value) = source.read(&asked)? {
                attributes.insert(name.clone(), Value::Text(value));
            }
        }
        let id = connector_id(&door.connector, &mut attributes).ok_or(NoLogin::Kind(ReplyKind::Anonymous))?;
        let connector = self.app.connectors.find(&id).filter(|_| caller.may_use(&id));
        let connector = connector.ok_or(NoLogin::Kind(ReplyKind::Misconfigured))?;
        let fits = |(name, value): (&String, &Value)| {
            let rule = connector.about().attributes.get(name);
            let length = value.scalar_text().map_or(0, |text| text.chars().count());
            rule.is_some_and(|rule| rule.max.is_none_or(|max| length <= max))
        };
        let lacks = connector.about().attributes.iter().any(|(name, it)| it.required && !attributes.contains_key(name));
        if lacks || !attributes.iter().all(fits) {
            return Err(NoLogin::Kind(ReplyKind::Malformed));
        }
        let token = hex::encode(uuid::Uuid::new_v4().as_bytes());
        let names = AskedNames { username: username.clone(), token, ..names() };
        let typed_name = connector.about().facts.typed_name;
        let rules = AcceptRules { door: Arc::clone(door), names: names.clone(), typed_name };
        let login = Login {
            username,
            password: Secret::new(password.flatten().unwrap_or_default()),
            client_ip,
            attributes,
            request_id: Some(names.request_id.clone()),
            timeout: Some(door.deadline),
            mode: Mode::Login,
            rules: Some(Arc::new(rules)),
            parent: self.app.parent(&parts.headers),
        };
        let outcome = self.app.login(&caller, connector, login).await?;
        Ok(door.reply(&outcome.report, &names))
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
        let in_body = |source: &RequestSource| matches!(source.part, RequestPart::Json(_) | RequestPart::Form(_));
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
        if door.token.is_some() != token.is_some() {
            return Err(stranger());
        }
        let certificate = parts.extensions.get::<Arc<Certificate>>();
        let caller = self.app.callers().identify(token, certificate.map(AsRef::as_ref)).ok_or_else(stranger)?;
        if caller.client.name != door.client || !caller.client.scopes.contains(&Scope::Door) {
            return Err(stranger());
        }
        if let Some(slot) = parts.extensions.get::<Arc<ConnectionSlot>>() {
            slot.authenticated(&caller.client.name, self.app.callers().one_logs_in());
        }
        Ok(caller)
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

fn is_typed(password: Option<&String>) -> bool {
    password.is_some_and(|password| !password.is_empty())
}

fn asked<'a>(parts: &'a request::Parts, form: AskBody, bytes: &'a Bytes) -> Result<AskedRequest<'a>, Malformed> {
    let body = match form {
        AskBody::None => AskedContent::None,
        AskBody::Form => AskedContent::Form(bytes),
        AskBody::Json => {
            AskedContent::Json(from_json(bytes).map_err(|_| Malformed("the body is no JSON, or has a key twice"))?)
        }
    };
    Ok(AskedRequest { query: parts.uri.query(), headers: &parts.headers, body })
}

/// The connector, and none for a value that the door does not list. The attribute that chooses is the door's own.
fn connector_id(choice: &ConnectorChoice, attributes: &mut Object) -> Option<String> {
    match choice {
        ConnectorChoice::One(id) => Some(id.clone()),
        ConnectorChoice::By { attribute, ids } => {
            let value = attributes.shift_remove(attribute)?;
            value.scalar_text().and_then(|value| ids.get(value)).cloned()
        }
    }
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
