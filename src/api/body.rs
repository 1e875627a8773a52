//! Reading a call's body: JSON, at most 64 KiB, in time, closed.
//!
//! Every mistake of a body is reported at once. No text here quotes a value; a key is quoted only to the caller who
//! sent it.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt as _, Limited};
use indexmap::IndexMap;

use super::problem::{Mistake, Problem};
use crate::attempt::connectors::{About, Attribute};
use crate::attempt::{Login, Mode, UtilityInputs};
use crate::document::{Object, Value, from_json};
use crate::secret::Secret;

/// docs/contract.md section 5. Names, passwords and packed fields are far smaller.
pub const MAX_BODY: usize = 64 * 1024;

/// Longer ids serve nobody and stand in every log line.
const MAX_REQUEST_ID: usize = 128;

/// Keys of a login, in the order of docs/contract.md section 5.
const KEYS: [&str; 6] = ["username", "password", "client_ip", "attributes", "request_id", "timeout_ms"];

/// Keys of a utility call.
const UTILITY_KEYS: [&str; 5] = ["inputs", "username", "client_ip", "request_id", "timeout_ms"];

/// Reads the whole body within `patience`.
pub(super) async fn read(request: Request<Body>, patience: Duration) -> Result<Bytes, Problem> {
    require_json(request.headers())?;
    let collected = tokio::time::timeout(patience, Limited::new(request.into_body(), MAX_BODY).collect());
    match collected.await {
        Err(_) => Err(Problem::Slow),
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(Problem::TooLarge(MAX_BODY)),
        Ok(Err(_)) => Err(Problem::Malformed("the body broke off".to_owned())),
    }
}

/// A body must say that it is JSON: this keeps HTML forms of a browser out (they cannot send this type unasked).
fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let only = values.next().filter(|_| values.next().is_none());
    let essence = only.and_then(|value| value.to_str().ok()).and_then(|text| text.split(';').next());
    match essence {
        Some(essence) if essence.trim().eq_ignore_ascii_case("application/json") => Ok(()),
        _ => Err(Problem::NotJson),
    }
}

/// The body of `authenticate`, as it was written.
#[derive(Debug)]
pub(super) struct LoginBody {
    pub username: String,
    pub password: Secret,
    pub client_ip: Option<IpAddr>,
    pub attributes: Object,
    pub request_id: Option<String>,
    pub timeout: Option<Duration>,
}

impl LoginBody {
    pub(super) fn login(self, mode: Mode) -> Login {
        let Self { username, password, client_ip, attributes, request_id, timeout } = self;
        Login { username, password, client_ip, attributes, request_id, timeout, mode }
    }

    /// Reads a login against what the connector wants.
    pub(super) fn parse(object: Object, about: &About) -> Result<Self, Problem> {
        Self::parse_with(Faults::default(), object, about)
    }

    /// The same for a body of which a part was read, with what was wrong about it.
    pub(super) fn parse_with(mut faults: Faults, mut object: Object, about: &About) -> Result<Self, Problem> {
        faults.unknown_keys(&object, &KEYS);
        let username = faults.text(&mut object, "username");
        let password = if about.no_password {
            // A console may send the same body to every connector, with a password that nobody typed.
            let empty = |value: &Value| (*value == Value::Text(String::new())).then(String::new);
            faults.optional(&mut object, "password", "none: this connector takes no password", empty)
        } else {
            faults.text(&mut object, "password")
        };
        let password = password.map(Secret::new);
        let body = Self {
            client_ip: faults.client_ip(&mut object),
            attributes: faults.attributes("attributes", object.swap_remove("attributes"), &about.attributes),
            request_id: faults.request_id(&mut object),
            timeout: faults.timeout(&mut object),
            username: username.unwrap_or_default(),
            password: password.unwrap_or_default(),
        };
        faults.none_or(body)
    }
}

/// The body of a utility call.
pub(super) struct UtilityBody;

impl UtilityBody {
    /// Reads a call against what the utility wants.
    pub(super) fn parse(mut object: Object, about: &About) -> Result<UtilityInputs, Problem> {
        let mut faults = Faults::default();
        faults.unknown_keys(&object, &UTILITY_KEYS);
        let username = if about.username {
            let name = faults.text(&mut object, "username");
            if name.as_ref().is_some_and(String::is_empty) {
                faults.add("username", "empty; this utility sends it");
            }
            name
        } else {
            // Nothing reads it: a console may send it to every utility alike.
            faults.optional(&mut object, "username", "a string", |value| match value {
                Value::Text(text) => Some(text.clone()),
                _ => None,
            })
        };
        let body = UtilityInputs {
            username,
            client_ip: faults.client_ip(&mut object),
            inputs: faults.attributes("inputs", object.swap_remove("inputs"), &about.attributes),
            request_id: faults.request_id(&mut object),
            timeout: faults.timeout(&mut object),
        };
        faults.none_or(body)
    }
}

/// A body that is one JSON object.
pub(super) fn object(bytes: &[u8]) -> Result<Object, Problem> {
    match from_json(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(Problem::Invalid(vec![Mistake {
            pointer: String::new(),
            detail: format!("expected an object, found {}", other.kind()),
        }])),
        Err(error) if error.malformed => Err(Problem::Malformed(error.to_string())),
        Err(error) => Err(Problem::Invalid(vec![Mistake { pointer: String::new(), detail: error.to_string() }])),
    }
}

/// `5000`, and `5000.0` and `5e3` too: JSON Schema calls them integers. More than a day is a day: it can only shorten what
/// the connector allows, and must not overflow a clock.
fn timeout(value: &Value) -> Option<Duration> {
    let Value::Number(number) = value else { return None };
    let milliseconds: f64 = number.as_str().parse().ok()?;
    let whole = milliseconds >= 1.0 && milliseconds.fract() == 0.0;
    whole.then(|| Duration::from_secs_f64(milliseconds.min(86_400_000.0) / 1000.0))
}

fn request_id(value: &Value) -> Option<String> {
    match value {
        Value::Text(text)
            if (1..=MAX_REQUEST_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Some(text.clone())
        }
        _ => None,
    }
}

/// All mistakes of one body.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Mistake>);

impl Faults {
    pub(super) fn add(&mut self, name: &str, detail: impl Into<String>) {
        // RFC 6901 section 3.
        let escaped = name.replace('~', "~0").replace('/', "~1");
        self.0.push(Mistake { pointer: format!("/{escaped}"), detail: detail.into() });
    }

    /// Whether nothing is wrong so far.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `body` if nothing was wrong.
    pub(super) fn none_or<T>(self, body: T) -> Result<T, Problem> {
        if self.0.is_empty() { Ok(body) } else { Err(Problem::Invalid(self.0)) }
    }

    pub(super) fn unknown_keys(&mut self, object: &Object, known: &[&str]) {
        for key in object.keys().filter(|key| !known.contains(&key.as_str())) {
            let near = known.iter().max_by(|a, b| strsim::jaro(key, a).total_cmp(&strsim::jaro(key, b)));
            // 0.8 takes a slip of one or two letters and leaves other words alone.
            match near.filter(|near| strsim::jaro(key, near) > 0.8) {
                Some(near) => self.add(key, format!("unknown key; did you mean `{near}`?")),
                None => self.add(key, "unknown key"),
            }
        }
    }

    pub(super) fn text(&mut self, object: &mut Object, name: &str) -> Option<String> {
        match object.swap_remove(name) {
            Some(Value::Text(text)) => Some(text),
            Some(other) => {
                self.add(name, format!("expected a string, found {}", other.kind()));
                None
            }
            None => {
                self.add(name, "missing");
                None
            }
        }
    }

    /// A member that may be absent; `null` counts as absent.
    pub(super) fn optional<T>(
        &mut self,
        object: &mut Object,
        name: &str,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = object.swap_remove(name).filter(|value| *value != Value::Null)?;
        let found = read(&value);
        if found.is_none() {
            self.add(name, format!("expected {expected}"));
        }
        found
    }

    fn client_ip(&mut self, object: &mut Object) -> Option<IpAddr> {
        self.optional(object, "client_ip", "an IP address as a string", |value| {
            value.scalar_text().and_then(|text| text.parse().ok())
        })
    }

    fn request_id(&mut self, object: &mut Object) -> Option<String> {
        self.optional(object, "request_id", "1 to 128 visible ASCII characters", request_id)
    }

    fn timeout(&mut self, object: &mut Object) -> Option<Duration> {
        self.optional(object, "timeout_ms", "a whole number of milliseconds above 0", timeout)
    }

    /// The declared attributes, which stand in the member `member`.
    fn attributes(&mut self, member: &str, value: Option<Value>, declared: &IndexMap<String, Attribute>) -> Object {
        let sent = match value {
            None | Some(Value::Null) => Object::new(),
            Some(Value::Object(object)) => object,
            Some(other) => {
                self.add(member, format!("expected an object, found {}", other.kind()));
                return Object::new();
            }
        };
        let mut faults = Self::default();
        let known: Vec<&str> = declared.keys().map(String::as_str).collect();
        faults.unknown_keys(&sent, &known);
        for (name, rule) in declared {
            faults.attribute(name, rule, sent.get(name));
        }
        self.0.extend(faults.0.into_iter().map(|mistake| Mistake {
            pointer: format!("/{member}{}", mistake.pointer),
            detail: mistake.detail.replace("unknown key", "not an attribute that this connector declares"),
        }));
        sent
    }

    fn attribute(&mut self, name: &str, rule: &Attribute, sent: Option<&Value>) {
        match sent {
            None if rule.required => self.add(name, "missing; this connector requires it"),
            None => {}
            Some(value) => match (value.scalar_text(), rule.max) {
                (None, _) => self.add(name, format!("expected a string, number or boolean, found {}", value.kind())),
                (Some(text), Some(max)) if text.chars().count() > max => {
                    self.add(name, format!("at most {max} characters"));
                }
                _ => {}
            },
        }
    }
}
