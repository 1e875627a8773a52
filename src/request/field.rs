//! Fields that a signature adds to a request which is rendered already: they go into its bytes, behind all others.

use bytes::Bytes;
use http::HeaderName;
use zeroize::Zeroizing;

use super::body::{BodyKind, BodyPlan};
use super::url::UrlPlan;
use super::{Prepared, RequestPlan};
use crate::percent;
use crate::template::{RenderError, escape_xml, quoted};

/// Where a field can be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldPlace {
    /// A parameter of the query.
    Query,
    /// A field of the form body.
    Form,
    /// A key at the top of the JSON body.
    Json,
    /// A child of the root of the XML body.
    Xml,
}

impl FieldPlace {
    /// The key in the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Form => "form",
            Self::Json => "json",
            Self::Xml => "xml",
        }
    }
}

impl RequestPlan {
    /// What kind of body it has.
    pub fn body_kind(&self) -> Option<BodyKind> {
        self.body.as_ref().map(BodyPlan::kind)
    }

    /// Whether it sets this header.
    pub fn has_header(&self, name: &HeaderName) -> bool {
        self.headers.iter().any(|plan| plan.name == name)
    }

    /// Whether the file writes a field of that name there.
    pub fn has_field(&self, place: FieldPlace, name: &str) -> bool {
        let mut leaves = self.body.iter().flat_map(|body| &body.leaves).map(|(name, _)| name.as_str());
        match place {
            FieldPlace::Query => {
                let mut beginning = Vec::new();
                percent::encode_into(name.as_bytes(), &mut beginning);
                beginning.push(b'=');
                let mut written = self.url.written().into_iter().flat_map(UrlPlan::query).chain(&self.query);
                written.any(|pair| pair.beginning().starts_with(&beginning))
            }
            FieldPlace::Form => leaves.any(|leaf| leaf == name),
            // A leaf is `name`, `name.inner` or `name[0]`; that of XML begins with the root.
            FieldPlace::Json => leaves.any(|leaf| first_of(leaf) == name),
            FieldPlace::Xml => {
                leaves.any(|leaf| leaf.split_once('.').is_some_and(|(_, inner)| first_of(inner) == name))
            }
        }
    }
}

fn first_of(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or_default()
}

impl Prepared {
    /// Adds a field behind those that are there. One of the same name is never added: the server would choose between two.
    pub fn add_field(&mut self, place: FieldPlace, name: &str, value: &str) -> Result<(), RenderError> {
        match place {
            FieldPlace::Query => self.add_to_query(name, value),
            FieldPlace::Form => self.add_to_body(|body| {
                if !body.is_empty() {
                    body.push(b'&');
                }
                percent::encode_into(name.as_bytes(), body);
                body.push(b'=');
                percent::encode_into(value.as_bytes(), body);
                Ok(())
            }),
            FieldPlace::Json => self.add_to_body(|body| json(body, name, value)),
            FieldPlace::Xml => self.add_to_body(|body| xml(body, name, value)),
        }
    }

    fn add_to_query(&mut self, name: &str, value: &str) -> Result<(), RenderError> {
        if self.url.query_pairs().any(|(known, _)| known == name) {
            return Err(unfit(format!("the query has a parameter `{name}` already")));
        }
        let mut query = self.url.query().map(|query| query.as_bytes().to_vec()).unwrap_or_default();
        if !query.is_empty() {
            query.push(b'&');
        }
        percent::encode_into(name.as_bytes(), &mut query);
        query.push(b'=');
        percent::encode_into(value.as_bytes(), &mut query);
        self.url.set_query(Some(&String::from_utf8_lossy(&query)));
        Ok(())
    }

    fn add_to_body(&mut self, add: impl FnOnce(&mut Vec<u8>) -> Result<(), RenderError>) -> Result<(), RenderError> {
        let old = self.body.take().unwrap_or_default();
        // In full at once: a buffer that grows leaves a copy of the body behind.
        let mut body = Zeroizing::new(Vec::with_capacity(old.len() + MAX_ADDED));
        body.extend_from_slice(&old);
        add(&mut body)?;
        self.body = Some(Bytes::from_owner(body));
        Ok(())
    }
}

/// What a name and a signature take at most, short of an RSA key of 16,384 bits in hex; more only costs another buffer.
const MAX_ADDED: usize = 5 << 10;

/// Our own JSON is compact, so an object ends with its brace.
fn json(body: &mut Vec<u8>, name: &str, value: &str) -> Result<(), RenderError> {
    let (Some(b'{'), Some(b'}')) = (body.first(), body.last()) else {
        return Err(unfit("the JSON body is no object, so no field can be added to it".to_owned()));
    };
    body.pop();
    if body.len() > 1 {
        body.push(b',');
    }
    quoted(name, body);
    body.push(b':');
    quoted(value, body);
    body.push(b'}');
    Ok(())
}

/// Before the end of the root element.
fn xml(body: &mut Vec<u8>, name: &str, value: &str) -> Result<(), RenderError> {
    let no_end =
        || unfit("the XML body does not end with the end of its root, so no element can be added to it".to_owned());
    let end = body.windows(2).rposition(|two| two == b"</").ok_or_else(no_end)?;
    let tail = body[end..].trim_ascii_end();
    if tail.iter().position(|byte| *byte == b'>') != Some(tail.len() - 1) {
        return Err(no_end());
    }
    let opening = format!("<{name}");
    let ends_name =
        |byte: Option<&u8>| byte.is_none_or(|byte| matches!(byte, b'>' | b'/') || byte.is_ascii_whitespace());
    let written = body
        .windows(opening.len())
        .enumerate()
        .any(|(at, seen)| seen == opening.as_bytes() && ends_name(body.get(at + opening.len())));
    if written {
        return Err(unfit(format!("the XML body has an element `{name}` already")));
    }
    let value = escape_xml(value).map_err(|_| unfit("the signature is no text of XML".to_owned()))?;
    let element = format!("<{name}>{value}</{name}>");
    body.splice(end..end, element.bytes());
    Ok(())
}

fn unfit(what: String) -> RenderError {
    RenderError::Unfit { what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Spellings;

    fn prepared(url: &str, body: &str) -> Prepared {
        Prepared {
            method: http::Method::POST,
            url: url::Url::parse(url).unwrap(),
            headers: Vec::new(),
            cookies: Vec::new(),
            spellings: Spellings::default(),
            body: Some(Bytes::copy_from_slice(body.as_bytes())),
        }
    }

    #[test]
    fn a_field_goes_behind_the_others_in_the_syntax_of_its_place() {
        for (place, url, body, wanted) in [
            (FieldPlace::Query, "http://h/p", "", "http://h/p?s%20n=a%2B%22%3C%26"),
            (FieldPlace::Query, "http://h/p?a=%41&b", "", "http://h/p?a=%41&b&s%20n=a%2B%22%3C%26"),
            (FieldPlace::Form, "http://h/", "", "s%20n=a%2B%22%3C%26"),
            (FieldPlace::Form, "http://h/", "a=1", "a=1&s%20n=a%2B%22%3C%26"),
            (FieldPlace::Json, "http://h/", "{}", r#"{"s n":"a+\"<&"}"#),
            (FieldPlace::Json, "http://h/", r#"{"a":{"b":1}}"#, r#"{"a":{"b":1},"s n":"a+\"<&"}"#),
        ] {
            let mut request = prepared(url, body);
            request.add_field(place, "s n", "a+\"<&").unwrap();
            let got = if place == FieldPlace::Query {
                request.url.to_string()
            } else {
                String::from_utf8(request.body.unwrap().to_vec()).unwrap()
            };
            assert_eq!(got, wanted, "{place:?}");
        }
        let mut request = prepared("http://h/", "<?xml version=\"1.0\"?><r><a>1</a></r>\n");
        request.add_field(FieldPlace::Xml, "sign", "a<b").unwrap();
        assert_eq!(request.body.unwrap(), "<?xml version=\"1.0\"?><r><a>1</a><sign>a&lt;b</sign></r>\n".as_bytes());
    }

    #[test]
    fn what_cannot_take_the_field_is_refused() {
        for (place, url, body) in [
            (FieldPlace::Query, "http://h/?a=1&%73=2", ""),
            (FieldPlace::Json, "http://h/", "[1]"),
            (FieldPlace::Json, "http://h/", ""),
            (FieldPlace::Xml, "http://h/", "<r/>"),
            (FieldPlace::Xml, "http://h/", "<r></r><!-- > -->"),
            (FieldPlace::Xml, "http://h/", "<r><s/></r>"),
            (FieldPlace::Xml, "http://h/", "<r><s>1</s></r>"),
        ] {
            assert!(prepared(url, body).add_field(place, "s", "x").is_err(), "{place:?} {body}");
        }
        assert!(prepared("http://h/", "<r><sx/></r>").add_field(FieldPlace::Xml, "s", "x").is_ok());
    }
}
