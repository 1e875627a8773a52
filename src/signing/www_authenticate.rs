//! The header WWW-Authenticate: a list of challenges (RFC 9110 section 11.6.1), read within bounds.
//!
//! Values stay bytes: realms are hashed as they were sent, in whatever charset. A field may name several schemes, and one of them
//! may have a token instead of parameters (`NTLM TlRMTVNT…`).

use http::header::{HeaderMap, WWW_AUTHENTICATE};

/// Servers offer two or three schemes.
const MAX_FIELDS: usize = 16;

/// Of all fields together. A nonce has about a hundred bytes.
const MAX_BYTES: usize = 16 << 10;

/// Of all fields together: schemes and parameters.
const MAX_PARTS: usize = 128;

/// One challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    /// As sent; case does not matter.
    pub scheme: String,
    /// In order; empty when the scheme has a token instead.
    pub parameters: Vec<Parameter>,
}

/// One parameter of a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameter {
    /// In lower case.
    pub name: String,
    /// Without quotes and their backslashes.
    pub value: Vec<u8>,
}

/// Why no list could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    /// More than the bounds above.
    #[error("its WWW-Authenticate is longer than that of any server")]
    TooLong,
    /// Not what the grammar says.
    #[error("its WWW-Authenticate is malformed (RFC 9110 section 11.6.1)")]
    Syntax,
    /// A parameter of one challenge twice: which one counts is anybody's guess.
    #[error("its WWW-Authenticate names a parameter twice")]
    Twice,
}

/// What the fields of a reply say.
#[derive(Debug, Default)]
pub(super) struct Challenges {
    /// Of the fields that could be read, in order.
    pub all: Vec<Challenge>,
    /// Why one field could not be read; the others stand.
    pub malformed: Option<Malformed>,
}

/// Reads every field.
pub(super) fn challenges(headers: &HeaderMap) -> Challenges {
    let mut found = Challenges::default();
    let fields: Vec<&[u8]> = headers.get_all(WWW_AUTHENTICATE).iter().map(http::HeaderValue::as_bytes).collect();
    if fields.len() > MAX_FIELDS || fields.iter().map(|field| field.len()).sum::<usize>() > MAX_BYTES {
        found.malformed = Some(Malformed::TooLong);
        return found;
    }
    let mut parts = 0;
    for field in fields {
        match list(field, &mut parts) {
            Ok(challenges) => found.all.extend(challenges),
            Err(malformed) => found.malformed = Some(malformed),
        }
    }
    found
}

fn list(field: &[u8], parts: &mut usize) -> Result<Vec<Challenge>, Malformed> {
    let mut read = Reader { rest: field };
    let mut all: Vec<Challenge> = Vec::new();
    loop {
        read.skip(|byte| matches!(byte, b' ' | b'\t' | b','));
        if read.rest.is_empty() {
            return Ok(all);
        }
        *parts += 1;
        if *parts > MAX_PARTS {
            return Err(Malformed::TooLong);
        }
        let before = read.rest;
        let name = read.token()?;
        if read.equals() {
            let value = read.value()?;
            add(all.last_mut().ok_or(Malformed::Syntax)?, &name, value)?;
        } else {
            // A scheme, and on the same list element its first parameter or its token.
            read.rest = &before[name.len()..];
            let spaced = read.skip(|byte| matches!(byte, b' ' | b'\t'));
            all.push(Challenge { scheme: name, parameters: Vec::new() });
            if !(read.at_end_of_element() || spaced && (read.has_parameter() || read.token68())) {
                return Err(Malformed::Syntax);
            }
            continue;
        }
        read.skip(|byte| matches!(byte, b' ' | b'\t'));
        if !read.at_end_of_element() {
            return Err(Malformed::Syntax);
        }
    }
}

fn add(challenge: &mut Challenge, name: &str, value: Vec<u8>) -> Result<(), Malformed> {
    let name = name.to_ascii_lowercase();
    if challenge.parameters.iter().any(|known| known.name == name) {
        return Err(Malformed::Twice);
    }
    challenge.parameters.push(Parameter { name, value });
    Ok(())
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    /// Whether there was something to skip.
    fn skip(&mut self, wanted: impl Fn(u8) -> bool) -> bool {
        let length = self.rest.iter().take_while(|byte| wanted(**byte)).count();
        self.rest = &self.rest[length..];
        length > 0
    }

    fn at_end_of_element(&self) -> bool {
        matches!(self.rest.first(), None | Some(b','))
    }

    fn token(&mut self) -> Result<String, Malformed> {
        let length = self.rest.iter().take_while(|byte| is_token(**byte)).count();
        let (token, rest) = self.rest.split_at(length);
        self.rest = rest;
        if token.is_empty() { Err(Malformed::Syntax) } else { Ok(String::from_utf8_lossy(token).into_owned()) }
    }

    /// `=` with the white space that recipients must take (RFC 9110 section 11.2).
    fn equals(&mut self) -> bool {
        self.skip(|byte| matches!(byte, b' ' | b'\t'));
        let [b'=', rest @ ..] = self.rest else { return false };
        self.rest = rest;
        self.skip(|byte| matches!(byte, b' ' | b'\t'));
        true
    }

    fn value(&mut self) -> Result<Vec<u8>, Malformed> {
        let [b'"', quoted @ ..] = self.rest else { return self.token().map(String::into_bytes) };
        let (mut value, mut bytes) = (Vec::new(), quoted.iter().enumerate());
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'"' => {
                    self.rest = &quoted[at + 1..];
                    return Ok(value);
                }
                b'\\' => value.push(*bytes.next().ok_or(Malformed::Syntax)?.1),
                other => value.push(*other),
            }
        }
        Err(Malformed::Syntax)
    }

    /// Whether `name=value` stands here; `abc=` and `abc==` are tokens (RFC 9110 section 11.2).
    fn has_parameter(&self) -> bool {
        let mut ahead = Reader { rest: self.rest };
        let named = ahead.token().is_ok() && ahead.equals();
        named && matches!(ahead.rest.first(), Some(byte) if *byte == b'"' || is_token(*byte))
    }

    /// Skips a token68 that is the rest of its element.
    fn token68(&mut self) -> bool {
        let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        let some = self.skip(base64);
        self.skip(|byte| byte == b'=');
        self.skip(|byte| matches!(byte, b' ' | b'\t'));
        some && self.at_end_of_element()
    }
}

/// RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(fields: &[&str]) -> Challenges {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_bytes(field.as_bytes()).unwrap());
        }
        challenges(&headers)
    }

    fn shown(fields: &[&str]) -> Vec<String> {
        let found = read(fields);
        assert_eq!(found.malformed, None, "{fields:?}");
        let parameter = |it: &Parameter| format!("{}={}", it.name, String::from_utf8_lossy(&it.value));
        let challenge = |it: &Challenge| {
            format!("{} {}", it.scheme, it.parameters.iter().map(parameter).collect::<Vec<_>>().join(";"))
        };
        found.all.iter().map(challenge).collect()
    }

    #[test]
    fn lists_as_servers_write_them() {
        assert_eq!(shown(&[r#"Basic realm="simple""#]), ["Basic realm=simple"]);
        assert_eq!(
            shown(&[r#"Newauth realm="apps", type=1, title="Login to \"apps\"", Basic realm="simple""#]),
            [r#"Newauth realm=apps;type=1;title=Login to "apps""#, "Basic realm=simple"]
        );
        assert_eq!(
            shown(&["Negotiate, NTLM", "Digest realm = \"a,b\" ,nonce=x,"]),
            ["Negotiate ", "NTLM ", "Digest realm=a,b;nonce=x"]
        );
        assert_eq!(
            shown(&["NTLM TlRMTVNT/+AC==, Digest  realm=\"统一\", Qop=\"\""]),
            ["NTLM ", "Digest realm=统一;qop="]
        );
        assert_eq!(shown(&["Digest realm, Digest realm="]), ["Digest ", "Digest "], "tokens instead of parameters");
        assert_eq!(shown(&["Negotiate YII=", ", ,Digest nonce=\"\\\\\""]), ["Negotiate ", "Digest nonce=\\"]);
        assert!(shown(&[]).is_empty());
    }

    #[test]
    fn what_is_none_is_malformed_and_costs_no_other_field() {
        for field in [
            "realm=\"a\"",
            "Digest realm=\"a",
            "Digest realm=\"a\\",
            "Digest realm=\"a\" nonce=\"b\"",
            "Digest realm=\"a\"x",
            "Digest =x",
            "Digest realm=\"a\",=",
            "(Digest)",
            "Digest realm=\"a\", nonce=\u{e4}",
            "Digest a b",
        ] {
            let found = read(&[field, "Basic realm=x"]);
            assert_eq!(found.malformed, Some(Malformed::Syntax), "{field}");
            assert_eq!(found.all.last().unwrap().scheme, "Basic", "{field}");
        }
        assert_eq!(read(&["Digest nonce=a, NONCE=b"]).malformed, Some(Malformed::Twice));
    }

    #[test]
    fn it_is_bounded() {
        assert_eq!(read(&[&format!("Digest nonce=\"{}\"", "a".repeat(MAX_BYTES))]).malformed, Some(Malformed::TooLong));
        assert_eq!(read(&["Basic"; MAX_FIELDS + 1]).malformed, Some(Malformed::TooLong));
        assert_eq!(read(&[&"a,".repeat(MAX_PARTS + 1)]).malformed, Some(Malformed::TooLong));
        assert_eq!(read(&["Basic"; MAX_FIELDS]).malformed, None);
    }

    /// What the parser of the crate http-auth reads, this one reads alike. It has no bytes above ASCII and no token68.
    #[test]
    fn another_parser_agrees() {
        for field in [
            r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9X", opaque="FQhe""#,
            r#"Digest realm="a\"b\\c",nonce="", stale=TRUE , Basic realm = "x", Negotiate"#,
            "A,B,C d=e,f=g",
            "Bearer",
            r#"Bearer realm="x", error="invalid_token", error_description="a, b""#,
        ] {
            let theirs: Vec<Challenge> = http_auth::parse_challenges(field)
                .unwrap()
                .iter()
                .map(|it| Challenge {
                    scheme: it.scheme.to_owned(),
                    parameters: it
                        .params
                        .iter()
                        .map(|(name, value)| Parameter {
                            name: name.to_ascii_lowercase(),
                            value: value.to_unescaped().into_bytes(),
                        })
                        .collect(),
                })
                .collect();
            assert_eq!(read(&[field]).all, theirs, "{field}");
        }
    }
}
