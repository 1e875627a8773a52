//! What a daemon answered: a body of JSON, with a verdict or without.

use anyhow::{Context as _, Error, Result, anyhow};
use doorward::trace::harmless;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

/// A reply that came from a Doorward, whose body is an object.
pub struct Answer {
    pub status: u16,
    /// Whether it is `application/problem+json`.
    pub is_problem: bool,
    pub body: Map<String, Json>,
}

impl Answer {
    /// The stable name of a fault of the call.
    pub fn code(&self) -> Option<&str> {
        self.body.get("code").and_then(Json::as_str).filter(|_| self.is_problem)
    }

    /// A member of the body, which is taken out.
    pub fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<T> {
        let member = self.body.remove(name).unwrap_or_default();
        serde_json::from_value(member)
            .with_context(|| format!("the daemon's answer has no `{name}` that this version reads"))
    }

    /// The fault of the call as an error.
    pub fn refusal(&self) -> Error {
        let text = |name: &str| self.body.get(name).and_then(Json::as_str);
        let mut words = format!("the daemon refuses the call: {}", text("title").unwrap_or("it does not say why"));
        if let Some(detail) = text("detail") {
            words = format!("{words}: {detail}");
        }
        for mistake in self.body.get("errors").and_then(Json::as_array).into_iter().flatten() {
            let (pointer, detail) = (mistake["pointer"].as_str(), mistake["detail"].as_str());
            words = format!("{words}; {}: {}", pointer.unwrap_or_default(), detail.unwrap_or_default());
        }
        anyhow!("{}", harmless(&words))
    }
}
