//! What an import takes and gives. The importer itself is the command's (`doorward new`).

use serde::{Deserialize, Deserializer, Serialize};

use crate::secret::Secret;

/// What somebody pasted, and what they said of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportWanted {
    #[serde(rename = "command")]
    pub text: String,
    /// Which of the requests.
    #[serde(default)]
    pub at: usize,
    /// What the values are, in the order of the rows: `username`, `password|md5`, `secret`, `attribute`, `time`, `literal`; null: as guessed.
    #[serde(default)]
    pub roles: Vec<Option<String>>,
    /// What stands for the user name in the request; guessed from names when left out.
    #[serde(default)]
    pub username: Option<String>,
    /// What stands for the password, before any digest; guessed from names when left out. Used to find it, and not kept.
    #[serde(default, deserialize_with = "secret")]
    pub password: Option<Secret>,
}

/// A draft and how it came about.
#[derive(Debug, Serialize)]
pub struct Imported {
    pub text: String,
    /// Whether both user name and password were found; without them nothing can log in.
    pub complete: bool,
    pub at: usize,
    pub rows: Vec<ImportRow>,
    pub candidates: Vec<ImportCandidate>,
    /// What was not taken over, and what to look at.
    pub notes: Vec<String>,
}

/// A value of the request.
#[derive(Debug, Serialize)]
pub struct ImportRow {
    pub place: &'static str,
    pub name: String,
    /// Masked where it may be secret.
    pub value: String,
    pub role: String,
    pub why: &'static str,
}

/// A request that may be the login.
#[derive(Debug, Serialize)]
pub struct ImportCandidate {
    pub name: String,
    pub method: String,
    pub address: String,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
}
