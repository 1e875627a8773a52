//! One session as it is kept.

use std::fmt;

use crate::account::folded;
use crate::crypto::digest::{Algorithm, digest};

/// The public name of a session: for people, lists and logs. It opens nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub(super) [u8; 16]);

impl SessionId {
    /// Reads 32 hex digits, in lower case as they are written.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes)).filter(|id| id.to_string() == text)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whose sessions: the connector and its subject, folded as the guard folds names, so that a kick of one spelling is a kick of all.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Account(String);

impl Account {
    /// Ids of connectors have no line end, so no two pairs are one text.
    pub(super) fn of(connector: &str, subject: &str) -> Self {
        Self(format!("{connector}\n{}", folded(subject)))
    }

    /// As tokens name it: 128 bits, which only choose a row.
    pub(super) fn hash(&self) -> [u8; 16] {
        let named = digest(Algorithm::Sha256, format!("doorward account\0{}", self.0).as_bytes());
        let mut hash = [0; 16];
        hash.copy_from_slice(&named[..16]);
        hash
    }
}

/// A session. Times are milliseconds since 1970.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub id: SessionId,
    pub connector: String,
    /// The upstream's name for the user.
    pub subject: String,
    pub account: Account,
    pub client: String,
    /// When the login began, whose first attempt may lie minutes before the accept.
    pub begun_ms: u64,
    /// When it succeeded.
    pub authenticated_ms: u64,
    /// The absolute end.
    pub ends_ms: u64,
    /// The grant of its tokens.
    pub family: [u8; 16],
}
