//! The fields of a form or a query. One that comes twice, or too much of them, is refused: nothing is guessed.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::secret::Secret;

/// All of a form. The longest that a page sends is a password and a few words.
pub(super) const MAX_FORM: usize = 16 << 10;

const MAX_FIELD: usize = 2 << 10;

/// More than any challenge asks.
const MAX_FIELDS: usize = 32;

/// What was sent, by name.
pub(super) struct Fields(Vec<(String, Secret)>);

/// What was sent is no form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Fields {
    /// Reads `application/x-www-form-urlencoded` (WHATWG URL, section 5.1), as forms and queries have it.
    pub(super) fn read(text: &[u8]) -> Result<Self, Malformed> {
        if text.len() > MAX_FORM {
            return Err(Malformed);
        }
        let mut fields: Vec<(String, Secret)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(text) {
            let twice = fields.iter().any(|(known, _)| *known == name);
            // What is no UTF-8 was replaced, and would be another password.
            let odd = value.contains('\u{fffd}') || name.len() > MAX_FIELD || value.len() > MAX_FIELD;
            if twice || odd || fields.len() == MAX_FIELDS {
                return Err(Malformed);
            }
            fields.push((name.into_owned(), Secret::new(value)));
        }
        Ok(Self(fields))
    }

    /// The body of a form, whose type is said.
    pub(super) fn of_form(headers: &HeaderMap, body: &[u8]) -> Result<Self, Malformed> {
        let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim();
        if media.eq_ignore_ascii_case("application/x-www-form-urlencoded") { Self::read(body) } else { Err(Malformed) }
    }

    /// A field, or nothing.
    pub(super) fn get(&self, name: &str) -> Option<&Secret> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// A field that is no secret; empty when it is absent.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).map_or("", Secret::expose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_byte_for_byte_or_refused() {
        let fields = Fields::read("username=zhang+san&password=%20a%2Bb%26%E5%AF%86%20".as_bytes()).unwrap();
        assert_eq!((fields.text("username"), fields.text("password"), fields.text("x")), ("zhang san", " a+b&密 ", ""));
        assert!(fields.get("x").is_none());
        let long = format!("a={}", "x".repeat(MAX_FIELD + 1));
        let many = (0..=MAX_FIELDS).map(|n| format!("f{n}=")).collect::<Vec<_>>().join("&");
        let much = (0..16).map(|n| format!("f{n}={}", "x".repeat(1100))).collect::<Vec<_>>().join("&");
        for bad in ["a=1&a=2", "a=%FF", &long, &many, &much] {
            assert_eq!(Fields::read(bad.as_bytes()).map(|_| ()), Err(Malformed), "{}", &bad[..8.min(bad.len())]);
        }
    }

    #[test]
    fn a_body_of_another_type_is_no_form() {
        let of = |media: &str| {
            let headers = [(CONTENT_TYPE, media.parse().unwrap())].into_iter().collect();
            Fields::of_form(&headers, b"a=1").is_ok()
        };
        assert!(of("application/x-www-form-urlencoded; charset=utf-8"));
        assert!(!of("text/plain") && !of("multipart/form-data; boundary=x"));
    }
}
