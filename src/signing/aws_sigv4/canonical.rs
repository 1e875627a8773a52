//! The canonical request of AWS Signature Version 4.

use std::collections::BTreeMap;

use crate::percent;

/// How the path of a canonical request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathRule {
    /// S3: a key may have empty and dotted segments.
    AsSent,
    /// Every other service: without empty and dotted segments, and encoded once more than it was sent.
    Normalized,
}

/// Headers by their names, values as they are signed.
#[derive(Debug, Default)]
pub(super) struct SignedHeaders(BTreeMap<String, Vec<u8>>);

impl SignedHeaders {
    /// Adds a value, without white space at its ends and with one blank for each run of blanks inside.
    pub(super) fn add(&mut self, name: &str, value: &[u8]) {
        let words = value.split(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).filter(|word| !word.is_empty());
        let value = words.collect::<Vec<_>>().join(&b' ');
        match self.0.get_mut(&name.to_ascii_lowercase()) {
            Some(known) => {
                known.push(b',');
                known.extend_from_slice(&value);
            }
            None => {
                self.0.insert(name.to_ascii_lowercase(), value);
            }
        }
    }

    /// `host;x-amz-date`
    pub(super) fn names(&self) -> String {
        self.0.keys().map(String::as_str).collect::<Vec<_>>().join(";")
    }
}

/// The parts of a request.
pub(super) struct Canonical<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    pub headers: &'a SignedHeaders,
    /// SHA-256 of the body, hexadecimal.
    pub body_hash: &'a str,
    pub rule: PathRule,
}

impl Canonical<'_> {
    /// What is hashed.
    pub(super) fn request(&self) -> Vec<u8> {
        let mut out = format!("{}\n{}\n{}\n", self.method, self.path(), query(self.query)).into_bytes();
        for (name, value) in &self.headers.0 {
            out.extend_from_slice(name.as_bytes());
            out.push(b':');
            out.extend_from_slice(value);
            out.push(b'\n');
        }
        out.extend_from_slice(format!("\n{}\n{}", self.headers.names(), self.body_hash).as_bytes());
        out
    }

    fn path(&self) -> String {
        match self.rule {
            PathRule::AsSent if self.path.is_empty() => "/".to_owned(),
            PathRule::AsSent => self.path.to_owned(),
            PathRule::Normalized => encoded(&normalized(self.path)),
        }
    }
}

/// RFC 3986 section 5.2.4, and without empty segments.
fn normalized(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    let directory = ["/", "/.", "/.."].iter().any(|end| path.ends_with(end)) && !kept.is_empty();
    format!("/{}{}", kept.join("/"), if directory { "/" } else { "" })
}

/// Each segment percent-encoded, whatever it is.
pub(super) fn encoded(path: &str) -> String {
    path.split('/').map(|segment| percent::encode(segment.as_bytes())).collect::<Vec<_>>().join("/")
}

/// The parameters in the order of their names and values, each encoded in one way.
fn query(query: &str) -> String {
    let once = |text: &str| percent::encode(&percent::decode_leniently(text.as_bytes()));
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (once(name), once(value)))
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}
