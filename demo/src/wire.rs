//! Strict reading of requests: what is not exactly as the protocol says is a flaw, never a guess.
//!
//! A lenient server would hide an injection (the last of two keys wins, an extra parameter is ignored); this one
//! answers that the request is malformed, so that the demo and the tests see it. It must not know users or replies.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// The largest request body. Logins are small.
const MAX_BODY: usize = 64 * 1024;

/// What is wrong with a request, for the reply and the journal. It quotes nothing of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw(pub String);

pub fn flaw<T>(text: impl Into<String>) -> Result<T, Flaw> {
    Err(Flaw(text.into()))
}

/// A request, whole.
#[derive(Debug)]
pub struct Wire {
    /// The path, still encoded.
    pub path: String,
    /// The query string, still encoded; empty if there is none.
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Wire {
    type Rejection = StatusCode;

    async fn from_request(request: Request<Body>, _state: &S) -> Result<Self, StatusCode> {
        let (head, body) = request.into_parts();
        let body = to_bytes(body, MAX_BODY).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
        Ok(Self {
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers,
            body,
        })
    }
}

impl Wire {
    /// The one value of a header.
    pub fn header(&self, name: impl Into<HeaderName>) -> Result<&str, Flaw> {
        let name = name.into();
        let mut values = self.headers.get_all(&name).iter();
        match (values.next().map(|value| value.to_str()), values.next()) {
            (Some(Ok(value)), None) => Ok(value),
            (None, _) => flaw(format!("no header {name}")),
            (_, Some(_)) => flaw(format!("header {name} twice")),
            (Some(Err(_)), None) => flaw(format!("header {name} is not ASCII")),
        }
    }

    /// Refuses every Content-Type but `media`, with `charset` or (if that is UTF-8) none.
    pub fn expect_type(&self, media: &str, charset: &str) -> Result<(), Flaw> {
        let written = self.header(header::CONTENT_TYPE)?.to_ascii_lowercase();
        let (essence, parameters) = written.split_once(';').unwrap_or((&written, ""));
        let said = parameters.trim().strip_prefix("charset=").map(|value| value.trim_matches('"'));
        let right_charset = match said {
            Some(said) => said == charset,
            None => parameters.trim().is_empty() && charset == "utf-8",
        };
        if essence.trim() == media && right_charset {
            Ok(())
        } else {
            flaw(format!("the Content-Type is not {media} in {charset}"))
        }
    }

    /// The query's parameters.
    pub fn query(&self) -> Result<Fields, Flaw> {
        form(self.query.as_bytes(), utf8)
    }

    /// The cookies of the one Cookie header (RFC 6265 section 4.2.1).
    pub fn cookies(&self) -> Result<Fields, Flaw> {
        let mut fields = Vec::new();
        for pair in self.header(header::COOKIE)?.split("; ") {
            match pair.split_once('=') {
                Some((name, value)) if !value.contains(['"', ',', ';', '\\', ' ']) => {
                    fields.push((name.to_owned(), value.to_owned()));
                }
                _ => return flaw("a cookie is not name=value"),
            }
        }
        Ok(Fields(fields))
    }

    /// The body as text in UTF-8.
    pub fn text(&self) -> Result<String, Flaw> {
        utf8(&self.body)
    }
}

/// Names with values, in the order in which they were sent; a name may stand there twice until [`Fields::exactly`].
#[derive(Debug, PartialEq, Eq)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// Whether `name` stands there with this value.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.0.iter().any(|(sent, of)| sent == name && of == value)
    }

    /// The values of `names`, when these are there once each and nothing else is.
    pub fn exactly<const N: usize>(self, names: [&str; N]) -> Result<[String; N], Flaw> {
        if let Some((extra, _)) = self.0.iter().find(|(name, _)| !names.contains(&name.as_str())) {
            let shown: String =
                extra.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).take(20).collect();
            return flaw(format!("unknown field {shown}"));
        }
        let mut values = [const { String::new() }; N];
        for (slot, name) in values.iter_mut().zip(names) {
            let mut found = self.0.iter().filter(|(sent, _)| sent == name);
            match (found.next(), found.next()) {
                (Some((_, value)), None) => slot.clone_from(value),
                (None, _) => return flaw(format!("no field {name}")),
                (_, Some(_)) => return flaw(format!("field {name} twice")),
            }
        }
        Ok(values)
    }
}

pub fn utf8(bytes: &[u8]) -> Result<String, Flaw> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Flaw("not UTF-8".to_owned()))
}

pub fn gbk(bytes: &[u8]) -> Result<String, Flaw> {
    match encoding_rs::GBK.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => Ok(text.into_owned()),
        None => flaw("not GBK"),
    }
}

/// Reads `application/x-www-form-urlencoded`; `decode` is the charset of the percent-decoded bytes.
pub fn form(encoded: &[u8], decode: fn(&[u8]) -> Result<String, Flaw>) -> Result<Fields, Flaw> {
    let mut fields = Vec::new();
    for pair in encoded.split(|&byte| byte == b'&').filter(|_| !encoded.is_empty()) {
        let Some(equals) = pair.iter().position(|&byte| byte == b'=') else {
            return flaw("a parameter without =");
        };
        fields.push((decode(&unescape(&pair[..equals])?)?, decode(&unescape(&pair[equals + 1..])?)?));
    }
    Ok(Fields(fields))
}

fn unescape(encoded: &[u8]) -> Result<Vec<u8>, Flaw> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let decoded = rest.get(..2).and_then(|digits| hex::decode(digits).ok());
                bytes.extend(decoded.ok_or_else(|| Flaw("a broken percent escape".to_owned()))?);
                rest = &rest[2..];
            }
            _ if first.is_ascii_alphanumeric() || b"-._~*!$'(),:@/?".contains(&first) => bytes.push(first),
            _ => return flaw("a character that should be percent-encoded"),
        }
    }
    Ok(bytes)
}

/// Reads a JSON object whose values are strings.
pub fn json(bytes: &[u8]) -> Result<Fields, Flaw> {
    let members: Members =
        serde_json::from_slice(bytes).map_err(|_| Flaw("the body is not a JSON object".to_owned()))?;
    let texts = members.0.into_iter().map(|(name, value)| match value {
        Value::String(text) => Ok((name, text)),
        _ => flaw("a JSON value is not a string"),
    });
    Ok(Fields(texts.collect::<Result<_, _>>()?))
}

/// The members of a JSON object with repeats, which a map would lose.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    members.push(entry);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

#[cfg(test)]
mod tests {
    use super::{form, gbk, json, utf8};

    #[test]
    fn fields_must_be_exact() {
        let cases = [
            (r#"{"u":"a","p":"b"}"#, None),
            (r#"{"u":"a","p":"b","u":"c"}"#, Some("field u twice")),
            (r#"{"u":"a"}"#, Some("no field p")),
            (r#"{"u":"a","p":"b","admin":"1"}"#, Some("unknown field admin")),
            (r#"{"u":"a","p":1}"#, Some("a JSON value is not a string")),
            (r#"["u"]"#, Some("the body is not a JSON object")),
        ];
        for (body, flaw) in cases {
            let read = json(body.as_bytes()).and_then(|fields| fields.exactly(["u", "p"]));
            assert_eq!(read.err().map(|flaw| flaw.0).as_deref(), flaw, "{body}");
        }
    }

    #[test]
    fn forms_are_decoded_once_and_strictly() {
        let read = |text: &str| {
            form(text.as_bytes(), utf8).and_then(|fields| fields.exactly(["u", "p"])).map_err(|flaw| flaw.0)
        };
        assert_eq!(read("u=a%26b&p=%2541"), Ok(["a&b".to_owned(), "%41".to_owned()]));
        assert_eq!(read("u=a+b&p="), Ok(["a b".to_owned(), String::new()]));
        for broken in ["u=a&p=%4", "u=a&p=%zz", "u=a&p=b c", "u=a&p", "u=a&p=\"", "", "u=a&p=b&", "u=a&p=%ff"] {
            assert!(read(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn gbk_forms() {
        let fields = form(b"u=%D6%DC%B0%CB", gbk).unwrap();
        assert_eq!(fields.exactly(["u"]).unwrap(), ["周八".to_owned()]);
        assert!(form(b"u=%FF%FF", gbk).is_err());
    }
}
