//! A console's request, written: the mirror image of reading one. `check` writes hostile values and reads them back; `doorward ask`
//! is a console of its own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::plan::Door;
use super::raw::AskBody;
use super::raw::source::{BasicHalf, Undo};
use super::source::{AskedContent, AskedRequest, RequestPart, RequestSource};
use crate::document::{Object, Value, to_json};
use crate::percent;

/// A request in the making.
#[derive(Default)]
pub struct RequestDraft {
    query: Vec<(String, String)>,
    headers: Vec<(HeaderName, String)>,
    cookies: Vec<(String, String)>,
    username: Option<String>,
    password: Option<String>,
    form: Vec<(String, String)>,
    json: Value,
}

impl RequestDraft {
    /// Puts `text` where `source` reads it. False: it cannot stand there, and no console could send it.
    pub fn put(&mut self, source: &RequestSource, text: &str) -> bool {
        let mut text = text.to_owned();
        for undo in source.undo.iter().rev() {
            text = encoded(*undo, &text);
        }
        // HTTP takes blanks at the ends of a header for no part of it (RFC 9110 section 5.5).
        let in_header = |text: &str| text.trim() == text && HeaderValue::from_bytes(text.as_bytes()).is_ok();
        match &source.part {
            RequestPart::Json(path) => return path.plant(&mut self.json, Value::Text(text)),
            RequestPart::Form(name) => self.form.push((name.clone(), text)),
            RequestPart::Query(name) => self.query.push((name.clone(), text)),
            RequestPart::Header(name) if in_header(&text) => self.headers.push((name.clone(), text)),
            RequestPart::Cookie(name) if in_header(&text) && !text.contains(';') => {
                self.cookies.push((name.clone(), text));
            }
            RequestPart::Basic(BasicHalf::Username) if !text.contains(':') => self.username = Some(text),
            RequestPart::Basic(BasicHalf::Password) => self.password = Some(text),
            RequestPart::Header(_) | RequestPart::Cookie(_) | RequestPart::Basic(_) => return false,
        }
        true
    }

    /// Behind the `?`, without it.
    pub fn query(&self) -> String {
        url_encoded(&self.query)
    }

    /// All headers but those of the body.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut add = |name: HeaderName, text: &str| {
            if let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) {
                headers.append(name, value);
            }
        };
        for (name, text) in &self.headers {
            add(name.clone(), text);
        }
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self.cookies.iter().map(|(name, text)| format!("{name}={text}")).collect();
            add(header::COOKIE, &pairs.join("; "));
        }
        if self.username.is_some() || self.password.is_some() {
            let half = |text: &Option<String>| text.clone().unwrap_or_default();
            let pair = STANDARD.encode(format!("{}:{}", half(&self.username), half(&self.password)));
            add(header::AUTHORIZATION, &format!("Basic {pair}"));
        }
        headers
    }

    /// The body, and its type.
    pub fn body(&self, form: AskBody) -> Option<(&'static str, String)> {
        match form {
            AskBody::None => None,
            AskBody::Form => Some(("application/x-www-form-urlencoded", url_encoded(&self.form))),
            AskBody::Json if self.json == Value::Null => Some(("application/json", "{}".to_owned())),
            AskBody::Json => Some(("application/json", to_json(&self.json))),
        }
    }
}

fn encoded(undo: Undo, text: &str) -> String {
    match undo {
        Undo::Percent => percent::encode(text.as_bytes()),
        Undo::Base64 => STANDARD.encode(text),
        Undo::Hex => hex::encode(text),
        Undo::ZeroX => format!("0x{}", hex::encode(text)),
        Undo::Latin1Utf8 => text.bytes().map(char::from).collect(),
    }
}

fn url_encoded(pairs: &[(String, String)]) -> String {
    let one = |(name, text): &(String, String)| {
        format!("{}={}", percent::encode(name.as_bytes()), percent::encode(text.as_bytes()))
    };
    pairs.iter().map(one).collect::<Vec<_>>().join("&")
}

/// What people type to break a login, and what careless readers break on.
const HOSTILE: [&str; 14] = [
    "zhangsan",
    "a\",\"admin\":true,\"x\":\"",
    "a&password=x&username=admin",
    "a%26b%2561+c=d",
    "o'\"&%41=王 x",
    " ADMIN ",
    "a\r\nX-Admin: 1",
    "a:b",
    "a;b=c,d|e",
    "../../admin?x=1#y",
    "{{accept.subject}}${base}",
    "Ã©\u{3000}\u{202e}e\u{301}\u{1f600}",
    "\u{e000}\u{e001}",
    "allow administrator",
];

impl Door {
    /// The mirror test: writes each hostile name and password as the console does, and reads it back. Says what came back as
    /// something else; what a console cannot send there is passed over.
    pub fn misread(&self) -> Vec<&'static str> {
        HOSTILE.into_iter().filter(|text| !self.reads_back(text)).collect()
    }

    fn reads_back(&self, text: &str) -> bool {
        let mut draft = RequestDraft::default();
        let mut sendable = draft.put(&self.login.username, text);
        if let Some(password) = &self.login.password {
            sendable &= draft.put(password, text);
        }
        if let Some(token) = &self.token {
            draft.put(token, "token");
        }
        if !sendable {
            return true;
        }
        let (query, headers) = (draft.query(), draft.headers());
        let body = draft.body(self.at.body).map(|(_, body)| body).unwrap_or_default();
        let content = match self.at.body {
            AskBody::None => AskedContent::None,
            AskBody::Form => AskedContent::Form(body.as_bytes()),
            AskBody::Json => AskedContent::Json(
                crate::document::from_json(body.as_bytes()).unwrap_or_else(|_| Value::Object(Object::new())),
            ),
        };
        let asked = AskedRequest { query: Some(&query), headers: &headers, body: content };
        let same = |source: &RequestSource| source.read(&asked).ok().flatten().as_deref() == Some(text);
        same(&self.login.username) && self.login.password.as_ref().is_none_or(same)
    }
}
