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

/// The names of IANA's registry, and those of AWS and of old servers. A message quotes no other: it may be anything.
const REGISTERED: [&str; 17] = [
    "Basic",
    "Bearer",
    "Concealed",
    "Digest",
    "DPoP",
    "GNAP",
    "HOBA",
    "Mutual",
    "Negotiate",
    "NTLM",
    "OAuth",
    "PrivateToken",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "vapid",
    "AWS4-HMAC-SHA256",
    "Kerberos",
];

/// One challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    /// As sent; case does not matter.
    pub scheme: String,
    /// In order; empty when the scheme has a token instead.
    pub parameters: Vec<Parameter>,
    /// The token of a scheme that has one (`NTLM TlRMTVNT…`).
    pub token: Option<String>,
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
    #[error("it is longer than that of any server")]
    TooLong,
    /// Not what the grammar says.
    #[error("it is malformed (RFC 9110 section 11.2)")]
    Syntax,
    /// A parameter of one challenge twice: which one counts is anybody's guess.
    #[error("it names a parameter twice")]
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

impl Challenges {
    /// The schemes, for a message; none twice.
    pub(super) fn schemes(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = Vec::new();
        for challenge in &self.all {
            let known = REGISTERED.into_iter().find(|name| name.eq_ignore_ascii_case(&challenge.scheme));
            let name = known.unwrap_or("a scheme that is not registered");
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The first challenge of a scheme.
    pub(super) fn named(&self, scheme: &str) -> Option<&Challenge> {
        self.all.iter().find(|it| it.scheme.eq_ignore_ascii_case(scheme))
    }
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
            let mut challenge = Challenge { scheme: name, parameters: Vec::new(), token: None };
            if !(read.at_end_of_element() || spaced && read.has_parameter()) {
                challenge.token = Some(spaced.then(|| read.token68()).flatten().ok_or(Malformed::Syntax)?);
            }
            all.push(challenge);
            continue;
        }
        read.skip(|byte| matches!(byte, b' ' | b'\t'));
        if !read.at_end_of_element() {
            return Err(Malformed::Syntax);
        }
    }
}

/// The parameters of a field that names no scheme, such as Authentication-Info (RFC 7615 section 3).
pub(super) fn parameters(field: &[u8]) -> Result<Vec<Parameter>, Malformed> {
    if field.len() > MAX_BYTES {
        return Err(Malformed::TooLong);
    }
    let mut read = Reader { rest: field };
    let mut found = Challenge { scheme: String::new(), parameters: Vec::new(), token: None };
    loop {
        read.skip(|byte| matches!(byte, b' ' | b'\t' | b','));
        if read.rest.is_empty() {
            return Ok(found.parameters);
        }
        if found.parameters.len() >= MAX_PARTS {
            return Err(Malformed::TooLong);
        }
        let name = read.token()?;
        if !read.equals() {
            return Err(Malformed::Syntax);
        }
        let value = read.value()?;
        add(&mut found, &name, value)?;
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

    /// A token68 that is the rest of its element.
    fn token68(&mut self) -> Option<String> {
        let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        let before = self.rest;
        let some = self.skip(base64);
        self.skip(|byte| byte == b'=');
        let token = &before[..before.len() - self.rest.len()];
        self.skip(|byte| matches!(byte, b' ' | b'\t'));
        (some && self.at_end_of_element()).then(|| String::from_utf8_lossy(token).into_owned())
    }
}

/// RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests;
