//! Requests in what a person pastes: a curl command, a Postman collection, a HAR file, an OpenAPI or Swagger document.
//!
//! Nothing is fetched and no script of theirs is run.

use anyhow::{Result, bail, ensure};
use serde_json::Value;

use super::parts::Found;
use super::{curl, har, openapi, postman, powershell};

/// Larger files are no export of a login; a browser drops what is static before it sends one.
const MAX_TEXT: usize = 16 << 20;
/// More than anybody looks through.
const MAX_REQUESTS: usize = 5000;

/// All requests of `text`, the likeliest login first.
pub fn requests(text: &str) -> Result<Vec<Found>> {
    ensure!(text.len() <= MAX_TEXT, "it is larger than 16 MiB");
    let text = text.trim_start_matches('\u{feff}').trim();
    let mut found = match document(text)? {
        Some(document) if document["log"]["entries"].is_array() => har::requests(&document)?,
        Some(document) if document["item"].is_array() => postman::requests(&document)?,
        Some(document) if document.get("openapi").is_some() || document.get("swagger").is_some() => {
            openapi::requests(&document)?
        }
        Some(_) => {
            bail!("it is none of a curl command, a Postman collection, a HAR file, an OpenAPI or Swagger document")
        }
        None if powershell::is_powershell(text) => vec![Found::new("PowerShell", powershell::parse(text)?)],
        None => vec![Found::new("curl", curl::parse(text)?)],
    };
    ensure!(!found.is_empty(), "there is no request in it");
    found.truncate(MAX_REQUESTS);
    found.sort_by_key(|found| -found.score);
    Ok(found)
}

/// JSON, or the YAML of an OpenAPI document.
fn document(text: &str) -> Result<Option<Value>> {
    if text.starts_with('{') {
        return match serde_json::from_str(text) {
            Ok(value) => Ok(Some(value)),
            Err(error) => bail!("it begins as JSON and is none: {error}"),
        };
    }
    if ["openapi:", "swagger:", "---"].iter().any(|begin| text.starts_with(begin))
        || text.contains("\nopenapi:")
        || text.contains("\nswagger:")
    {
        return openapi::yaml(text).map(Some);
    }
    Ok(None)
}
