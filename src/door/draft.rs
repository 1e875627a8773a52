//! A console's request, written: the mirror image of reading one. `check` writes hostile values and reads them back; `doorward ask`
//! is a console of its own.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::plan::{Carried, CarriedBy, Door};
use super::raw::AskBody;
use super::raw::source::{BasicHalf, Undo};
use super::read::{AskedRound, RoundStep};
use super::source::{AskedContent, AskedRequest, RequestPart, RequestSource};
use crate::document::{Object, Value, to_json};
use crate::percent;
use crate::secret::Secret;

/// A request in the making.
#[derive(Default)]
pub struct RequestDraft {
    query: Vec<(String, String)>,
    headers: Vec<(HeaderName, String)>,
    cookies: Vec<(String, String)>,
    username: Option<String>,
    password: Option<String>,
    form: Vec<(String, String)>,
    document: Value,
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
            RequestPart::Document(path) => return path.plant(&mut self.document, Value::Text(text)),
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

    /// Both halves of HTTP Basic.
    pub fn basic(&mut self, pair: Option<(&str, &str)>) {
        self.username = pair.map(|(username, _)| username.to_owned());
        self.password = pair.map(|(_, password)| password.to_owned());
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

    /// The body, and its type; `None` also where a text of it could not be told from the rest.
    pub fn body(&self, form: AskBody) -> Option<(&'static str, String)> {
        match form {
            AskBody::None => None,
            AskBody::Form => Some(("application/x-www-form-urlencoded", url_encoded(&self.form))),
            AskBody::Json if self.document == Value::Null => Some(("application/json", "{}".to_owned())),
            AskBody::Json => Some(("application/json", to_json(&self.document))),
            AskBody::Xml => Some(("application/xml", xml(&self.document)?)),
            AskBody::Text => Some(("text/plain; charset=utf-8", plain(&self.document)?)),
        }
    }

    /// Whether this can be sent at all: every text is one that the body's syntax carries.
    pub fn is_sendable(&self, form: AskBody) -> bool {
        form == AskBody::None || self.body(form).is_some()
    }
}

/// All of a text, or its lines.
fn plain(document: &Value) -> Option<String> {
    let Value::Object(members) = document else { return Some(String::new()) };
    match (members.get("text"), members.get("lines")) {
        (Some(Value::Text(text)), None) => Some(text.clone()),
        (None, Some(Value::Array(lines))) => {
            let lines: Vec<&str> = lines.iter().map(|line| line.scalar_text().unwrap_or_default()).collect();
            let ends = |line: &&str| line.contains('\n') || line.ends_with('\r');
            (!lines.iter().any(ends)).then(|| lines.join("\n"))
        }
        _ => None,
    }
}

/// One element with all below it; `None` where XML lacks a character.
fn xml(document: &Value) -> Option<String> {
    let Value::Object(members) = document else { return Some("<empty/>".to_owned()) };
    let mut written = String::new();
    let [(name, value)] = &members.iter().collect::<Vec<_>>()[..] else { return None };
    element(name, value, &mut written)?;
    Some(written)
}

fn element(name: &str, value: &Value, written: &mut String) -> Option<()> {
    let items = match value {
        Value::Array(items) => return items.iter().try_for_each(|item| element(name, item, written)),
        Value::Object(members) => members.clone(),
        other => Object::from_iter([("#text".to_owned(), other.clone())]),
    };
    let (attributes, children): (Vec<_>, Vec<_>) = items.iter().partition(|(name, _)| name.starts_with('@'));
    written.push('<');
    written.push_str(name);
    for (name, value) in attributes {
        let _ = write!(written, " {}=\"{}\"", &name[1..], xml_text(value.scalar_text()?)?);
    }
    written.push('>');
    for (name, value) in children {
        match (name.as_str(), value) {
            ("#text", value) => written.push_str(&xml_text(value.scalar_text().unwrap_or_default())?),
            (name, value) => element(name, value, written)?,
        }
    }
    let _ = write!(written, "</{name}>");
    Some(())
}

/// Blanks as references, or a reader takes a line end for another one.
fn xml_text(text: &str) -> Option<String> {
    let escaped = crate::template::escape_xml(text).ok()?;
    Some(escaped.replace('\r', "&#13;").replace('\n', "&#10;").replace('\t', "&#9;"))
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
pub(super) const HOSTILE: [&str; 14] = [
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
        const ID: &str = "c2FtcGxl";
        let (mut begins, mut answers) = (RequestDraft::default(), RequestDraft::default());
        let mut sendable = begins.put(&self.login.username, text);
        if let Some(password) = &self.login.password {
            // What is taken apart is not what was written.
            sendable &= begins.put(password, if self.challenge.inline.is_some() { "p" } else { text });
        }
        if let Some(Carried { by: CarriedBy::Console { .. }, id, .. }) = &self.challenge.carried {
            sendable &= begins.put(id, ID);
        }
        if let Some(token) = &self.token {
            begins.put(token, "token");
        }
        let same = |secret: &Secret| secret.expose() == text;
        let begun = !sendable
            || self.understood(&begins, |round| {
                let login = self.login.password.is_none() || self.challenge.inline.is_some();
                round.username == text
                    && match &round.step {
                        RoundStep::Begins(credentials) => login || same(&credentials.password),
                        RoundStep::AsksForPassword(_) => true,
                        RoundStep::Answers { .. } | RoundStep::GoesOn(_) => false,
                    }
            });
        let Some(carried) = &self.challenge.carried else { return begun };
        // An answer comes with the name again, and with an id.
        let sendable = answers.put(&self.login.username, text)
            && answers.put(&carried.id, ID)
            && answers.put(&carried.answer, text);
        let answered = !sendable
            || self.understood(&answers, |round| {
                round.username == text
                    && match &round.step {
                        RoundStep::Answers { id, answer } => id == ID && same(answer),
                        RoundStep::GoesOn(answer) => same(answer),
                        RoundStep::Begins(_) | RoundStep::AsksForPassword(_) => false,
                    }
            });
        begun && answered
    }

    /// Whether what is read of `draft` is what `is_meant` says; what cannot be sent in this body is passed over.
    fn understood(&self, draft: &RequestDraft, is_meant: impl Fn(&AskedRound) -> bool) -> bool {
        if !draft.is_sendable(self.at.body) {
            return true;
        }
        let (query, headers) = (draft.query(), draft.headers());
        let body = draft.body(self.at.body).map(|(_, body)| body).unwrap_or_default();
        let Ok(content) = AskedContent::read(self.at.body, body.as_bytes()) else { return false };
        self.read(&AskedRequest { query: Some(&query), headers: &headers, body: content }).is_ok_and(|it| is_meant(&it))
    }
}
