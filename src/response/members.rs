//! Forms and pairs as documents: name to value, every value a text.
//!
//! The syntax is `document`'s; here is only what a reply may have around it, which a password may not.

use encoding_rs::Encoding;
use indexmap::IndexMap;

use crate::document::{Gaps, MembersError, PairsSpec, Value, from_form, from_pairs};

/// A form; `text` is the body as text. A body that ends in a line break is common and means nothing.
///
/// Any text without `=` would be a name, and a page with one a pair, so names are looked at as they are written: a maintenance
/// page or a call of JSONP is no form that lacks its fields.
pub(super) fn form(text: &str, body: &[u8], encoding: &'static Encoding) -> Result<Value, String> {
    let odd = |part: &str| {
        let name = part.split('=').next().unwrap_or(part);
        name.contains(|c: char| c.is_whitespace() || is_markup(c) || matches!(c, '(' | ')' | '"'))
            || part.contains(char::is_control)
    };
    let members = if text.trim().split('&').any(odd) {
        Err(MembersError::Malformed("characters that a form does not have"))
    } else {
        from_form(body.trim_ascii(), encoding, Gaps::Empty)
    };
    document(members, "a form")
}

/// What a page and JSON are made of, and no name is.
fn is_markup(c: char) -> bool {
    matches!(c, '<' | '>' | '{' | '}')
}

/// Pairs: blanks around names, values and the whole, and one separator at the end, mean nothing.
pub(super) fn pairs(text: &str, spec: &PairsSpec) -> Result<Value, String> {
    let text = text.trim();
    let text = text.strip_suffix(spec.between.as_str()).unwrap_or(text);
    if text.is_empty() {
        return document(Ok(IndexMap::new()), "");
    }
    let members = from_pairs(text, spec).and_then(trimmed);
    document(members, "a list of pairs")
}

fn trimmed(members: IndexMap<String, String>) -> Result<IndexMap<String, String>, MembersError> {
    let mut plain = IndexMap::with_capacity(members.len());
    for (name, value) in members {
        if name.trim().is_empty() {
            return Err(MembersError::Malformed("a value without a name"));
        }
        if name.contains(is_markup) {
            return Err(MembersError::Malformed("a name that is markup"));
        }
        if plain.insert(name.trim().to_owned(), value.trim().to_owned()).is_some() {
            return Err(MembersError::Repeated);
        }
    }
    Ok(plain)
}

fn document(members: Result<IndexMap<String, String>, MembersError>, what: &str) -> Result<Value, String> {
    match members {
        Ok(members) => Ok(members.into_iter().map(|(name, value)| (name, Value::from(value))).collect()),
        Err(error) => Err(format!("not {what} that can be relied on: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{GBK, UTF_8};

    use super::*;
    use crate::document::to_json;

    #[test]
    fn what_is_a_form_and_what_only_has_an_equals_sign() {
        let read = |body: &str| form(body, body.as_bytes(), UTF_8).map(|value| to_json(&value));
        for (body, wanted) in [
            ("access_token=a%2Fb&expires_in=7776000\r\n", r#"{"access_token":"a/b","expires_in":"7776000"}"#),
            ("&code=0&&msg=Login ok, <b>welcome</b>&", r#"{"code":"0","msg":"Login ok, <b>welcome</b>"}"#),
            ("user[name]=x&a.b=&callback=f(1)", r#"{"user[name]":"x","a.b":"","callback":"f(1)"}"#),
            ("", "{}"),
        ] {
            assert_eq!(read(body).as_deref(), Ok(wanted), "{body}");
        }
        for body in [
            "callback( {\"error\":100001} );",
            "callback({\"error\":100001,\"url\":\"/a?b=c\"});",
            "<html><body class=\"down\">Maintenance</body></html>",
            "Down for maintenance, see https://x.example/?from=login",
            "System maintenance",
            "code=0&ok",
            "<html lang=en>\r\n<title>x</title>",
            "code=0\nmsg=ok",
            "{\"code\":\"a=b\"}",
            "a=1&<b>=2",
        ] {
            let why = read(body).expect_err(body);
            assert!(why.starts_with("not a form that can be relied on: "), "{why}");
        }
        // The second byte of a GBK character may be a brace.
        let body = b"\x81\x7b=1";
        assert!(form(&GBK.decode(body).0, body, GBK).is_ok());
    }

    #[test]
    fn a_page_is_no_list_of_pairs() {
        let commas = PairsSpec { between: ",".to_owned(), after_key: ":".to_owned(), last: None };
        assert!(pairs("code:0, \"msg\": ok (x),", &commas).is_ok());
        for (body, spec) in [
            ("<html lang=\"en\">\n<p class=\"x\">", &PairsSpec::default()),
            ("callback({\"error\":100001});", &commas),
            ("{\"code\":500,\"msg\":\"x\"}", &commas),
            ("<p style=\"color:red\">", &commas),
            ("code=0\nready", &PairsSpec::default()),
        ] {
            let why = pairs(body, spec).expect_err(body);
            assert!(why.starts_with("not a list of pairs that can be relied on: "), "{why}");
        }
    }
}
