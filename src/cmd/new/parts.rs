//! A request of a file, put together part by part, and how likely it is the login.

use anyhow::Result;
use serde_json::Value;

use super::curl::{self, Body, Curl};
use super::names::{is_password, is_username};

/// A request that may be the login.
#[derive(Debug)]
pub struct Found {
    /// As the file calls it.
    pub name: String,
    pub curl: Curl,
    /// The higher the likelier.
    pub score: i32,
}

impl Found {
    pub fn new(name: &str, curl: Curl) -> Self {
        Self { name: name.to_owned(), score: score(name, &curl), curl }
    }
}

const LOGIN: [&str; 10] = ["login", "logon", "auth", "signin", "sign-in", "token", "session", "登录", "认证", "登陆"];
const OTHER: [&str; 12] =
    ["register", "signup", "reset", "change", "forgot", "logout", "refresh", "revoke", "注册", "修改", "重置", "注销"];

/// How likely a request is the login.
fn score(name: &str, curl: &Curl) -> i32 {
    let names = value_names(curl);
    let said = format!("{name} {}", curl.path).to_lowercase();
    let points = |yes: bool, points: i32| if yes { points } else { 0 };
    points(names.iter().any(|name| is_password(name)), 6)
        + points(names.iter().any(|name| is_username(name)), 2)
        + points(LOGIN.iter().any(|word| said.contains(word)), 3)
        + points(curl.method == "POST", 1)
        - points(OTHER.iter().any(|word| said.contains(word)), 4)
}

/// The names of all values that a request sends.
pub fn value_names(curl: &Curl) -> Vec<String> {
    let mut names: Vec<String> = curl.query.iter().chain(&curl.headers).map(|(name, _)| name.clone()).collect();
    match &curl.body {
        Body::None => {}
        Body::Parts(parts) => names.extend(parts.iter().map(|(name, ..)| name.clone())),
        Body::Data(data) => match serde_json::from_str(data) {
            Ok(Value::Object(members)) => names.extend(members.keys().cloned()),
            _ => names.extend(url::form_urlencoded::parse(data.as_bytes()).map(|(name, _)| name.into_owned())),
        },
    }
    names
}

/// A request that is put together part by part.
#[derive(Default)]
pub struct Parts {
    reading: curl::Reading,
    notes: Vec<String>,
}

impl Parts {
    /// An address that may begin with what the file does not say.
    pub fn begin(method: &str, address: &str) -> Result<Self> {
        let mut parts = Self::default();
        parts.reading.option("-X", method.to_owned())?;
        let address = match address.strip_prefix("{{").and_then(|rest| rest.split_once("}}")) {
            Some((name, rest)) => {
                parts.note(&format!(
                    "the file does not say what `{name}` is: write the server's address into settings.base"
                ));
                format!("https://4a.example.com/{}", rest.trim_start_matches('/'))
            }
            None => address.to_owned(),
        };
        parts.reading.set_url(address)?;
        Ok(parts)
    }

    pub fn note(&mut self, note: &str) {
        self.notes.push(note.to_owned());
    }

    /// A header; cookies are read apart.
    pub fn header(&mut self, name: &str, value: &str) -> Result<()> {
        match name {
            _ if name.starts_with(':') || name.is_empty() => Ok(()),
            _ if name.eq_ignore_ascii_case("cookie") && !value.contains('=') => Ok(()),
            _ => self.reading.header(&format!("{name}: {value}")),
        }
    }

    pub fn basic(&mut self, name: &str, password: &str, digest: bool) -> Result<()> {
        if digest {
            self.reading.flag("--digest");
        }
        self.reading.option("-u", format!("{name}:{password}"))
    }

    pub fn data(&mut self, text: &str) -> Result<()> {
        self.reading.option("--data-raw", text.to_owned())
    }

    pub fn form(&mut self, pairs: &[(String, String)]) -> Result<()> {
        let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.data(&text)
    }

    pub fn part(&mut self, name: &str, value: &str) -> Result<()> {
        self.reading.option("--form-string", format!("{name}={value}"))
    }

    pub fn finish(self, name: &str) -> Result<Found> {
        let mut curl = self.reading.finish()?;
        curl.notes.extend(self.notes);
        Ok(Found::new(name, curl))
    }
}
