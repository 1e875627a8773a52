//! The answer to a challenge (RFC 7616 section 3.4; without qop RFC 2069 section 2.1.2).

use zeroize::Zeroizing;

use super::challenge::{DigestChallenge, Hash, Quality};
use crate::percent;

/// Each nonce is used for one request.
const COUNT: &str = "00000001";

/// What is answered, and for which request.
pub(super) struct Answer<'a> {
    pub challenge: &'a DigestChallenge,
    pub username: &'a [u8],
    pub password: &'a [u8],
    pub method: &'a str,
    /// Path and query as sent.
    pub uri: &'a str,
    pub body: &'a [u8],
    pub cnonce: &'a str,
}

/// What both responses of one exchange are computed with: the client's, and the server's in `rspauth`.
pub(super) struct Keyed {
    pub hash: Hash,
    /// H(A1), in hexadecimal.
    pub key: Zeroizing<String>,
    pub nonce: Vec<u8>,
    pub cnonce: String,
    pub quality: Quality,
}

impl Keyed {
    /// KD(H(A1), …) over the method, which is empty in the server's response (section 3.5), the URI, and with `auth-int` the body.
    pub(super) fn response(&self, method: &str, uri: &str, body: &[u8]) -> String {
        let hex = |data: &[u8]| self.hash.hex(data);
        let request = format!("{method}:{uri}");
        let second = match self.quality {
            Quality::AuthInt => hex(format!("{request}:{}", hex(body)).as_bytes()),
            Quality::None | Quality::Auth => hex(request.as_bytes()),
        };
        match word(self.quality) {
            None => hex(&joined(&self.key, &self.nonce, &[&second])),
            Some(quality) => hex(&joined(&self.key, &self.nonce, &[COUNT, &self.cnonce, quality, &second])),
        }
    }
}

/// `first:nonce:rest`
fn joined(first: &str, nonce: &[u8], rest: &[&str]) -> Zeroizing<Vec<u8>> {
    let mut all = Zeroizing::new([first.as_bytes(), b":", nonce].concat());
    for part in rest {
        all.push(b':');
        all.extend_from_slice(part.as_bytes());
    }
    all
}

fn word(quality: Quality) -> Option<&'static str> {
    match quality {
        Quality::None => None,
        Quality::Auth => Some("auth"),
        Quality::AuthInt => Some("auth-int"),
    }
}

impl Answer<'_> {
    /// The key of this exchange.
    pub(super) fn keyed(&self) -> Keyed {
        let DigestChallenge { hash, realm, nonce, session, quality, .. } = self.challenge;
        // In full at once: a buffer that grows leaves a copy of the password behind.
        let secret = Zeroizing::new([self.username, b":", realm, b":", self.password].concat());
        let mut key = Zeroizing::new(hash.hex(&secret));
        if *session {
            key = Zeroizing::new(hash.hex(&joined(&key, nonce, &[self.cnonce])));
        }
        Keyed { hash: *hash, key, nonce: nonce.clone(), cnonce: self.cnonce.to_owned(), quality: *quality }
    }

    /// The parameter `response`.
    pub(super) fn response(&self, keyed: &Keyed) -> String {
        keyed.response(self.method, self.uri, self.body)
    }

    fn quality(&self) -> Option<&'static str> {
        word(self.challenge.quality)
    }

    /// The value of the header Authorization.
    pub(super) fn header(&self, response: &str) -> Zeroizing<Vec<u8>> {
        let challenge = self.challenge;
        let mut out = Zeroizing::new(b"Digest ".to_vec());
        if challenge.userhash {
            let named = Zeroizing::new([self.username, b":", &challenge.realm].concat());
            quoted(&mut out, "username", challenge.hash.hex(&named).as_bytes());
        } else if challenge.utf8 && !self.username.is_ascii() {
            // RFC 8187 section 3.2.1: an encoder may encode more than it must.
            out.extend_from_slice(b"username*=UTF-8''");
            out.extend_from_slice(percent::encode(self.username).as_bytes());
        } else {
            quoted(&mut out, "username", self.username);
        }
        for (name, value) in [
            ("realm", challenge.realm.as_slice()),
            ("nonce", &challenge.nonce),
            ("uri", self.uri.as_bytes()),
            ("response", response.as_bytes()),
        ] {
            out.extend_from_slice(b", ");
            quoted(&mut out, name, value);
        }
        let mut add = |text: String| out.extend_from_slice(text.as_bytes());
        if let Some(algorithm) = &challenge.algorithm {
            add(format!(", algorithm={algorithm}"));
        }
        if let Some(quality) = self.quality() {
            add(format!(", qop={quality}, nc={COUNT}"));
        }
        // Without qop a session's key still depends on it, which RFC 2617 forgot.
        if self.quality().is_some() || challenge.session {
            add(format!(", cnonce=\"{}\"", self.cnonce));
        }
        if challenge.userhash {
            add(", userhash=true".to_owned());
        }
        if let Some(opaque) = &challenge.opaque {
            out.extend_from_slice(b", ");
            quoted(&mut out, "opaque", opaque);
        }
        out
    }
}

/// `name="value"` (RFC 9110 section 5.6.4).
fn quoted(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
    for byte in value {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
}
