//! A script's source, and the input of a call.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::reads::ScriptPosition;

/// The members of `code_util`, for the "did you mean" of a connector's check.
pub const CODE_UTIL: [&str; 32] = [
    "md5",
    "sha1",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "sm3",
    "md4",
    "hmac",
    "encode",
    "base64",
    "base64url",
    "hex",
    "url",
    "aes",
    "des",
    "des3",
    "sm4",
    "pbkdf2",
    "hkdf",
    "totp",
    "rsa",
    "sm2",
    "parseJson5",
    "parseForm",
    "parsePairs",
    "parseXml",
    "jwt",
    "uuid",
    "randomHex",
    "now",
    "reject",
];

/// What a script is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ScriptKind {
    /// Before a request: fills `env`, which is its result.
    Variables,
    /// On a reply: returns the document, or changes `result`.
    Preprocess,
}

/// The number of a script within one generation: how many sources stood before it in the list given to the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScriptId(pub u32);

#[derive(Debug, Clone)]
pub struct Source {
    /// Its number in the generation.
    pub id: ScriptId,
    /// The connector that it belongs to; scripts of one connector share its slots.
    pub connector: String,
    /// Before a request or on a reply.
    pub kind: ScriptKind,
    pub text: String,
    /// The file that the text stands in.
    pub file: String,
    /// The line of that file on which line 1 of the text stands, from 1.
    pub first_line: u32,
    /// Columns that the file has before each line of the text: the indentation of a YAML block, 0 for a `.js` file.
    pub indent: u32,
    /// CPU time of compiling it, measured by the inspection; zero before.
    pub compiling: Duration,
}

impl Source {
    /// A position in the text as a position in the file.
    pub(crate) fn in_file(&self, place: ScriptPosition) -> ScriptPosition {
        ScriptPosition {
            line: place.line.saturating_add(self.first_line.saturating_sub(1)),
            column: place.column.saturating_add(self.indent),
        }
    }
}

/// Why a script does not compile, and where in the user's file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (line {line}, column {column})")]
pub struct CompileError {
    pub message: String,
    pub line: u32,
    pub column: u32,
}

impl CompileError {
    pub(crate) fn new(source: &Source, message: impl Into<String>, place: ScriptPosition) -> Self {
        let ScriptPosition { line, column } = source.in_file(place);
        Self { message: message.into(), line, column }
    }
}

/// The parameters of one call: the JSON text of an object with `user`, `env`, `steps`, `secret`, `answer`, `time`,
/// `random`, `request` and, for a preprocess script, `response` and `result`. A missing member becomes an empty object;
/// each call gets objects of its own. `time.unix_ms` is the script's clock.
///
/// It contains credentials: it is wiped when dropped, and `Debug` shows only its length.
#[derive(Clone)]
pub struct Input(Zeroizing<String>);

impl Input {
    pub fn new(json: impl Into<String>) -> Self {
        Self(Zeroizing::new(json.into()))
    }

    pub(crate) fn json(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Input({} bytes)", self.0.len())
    }
}
