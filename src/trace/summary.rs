//! What a send test came to, above its steps: the verdict, the reason, the user and the time it took.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::row::{Cell, Row, Tone};

/// The head of a trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// The verdict in one word, or how a utility call ended; null when the request was rendered and not sent.
    pub verdict: Option<String>,
    /// The reason, the cause, the type of the challenge, or what is wrong.
    pub detail: Option<String>,
    /// One masked line for an administrator.
    pub explain: String,
    /// The user name; null for a utility call.
    pub username: Option<String>,
    /// The connector's id.
    pub connector: String,
    /// From the call to the verdict, in milliseconds.
    pub took_ms: f64,
    /// How many requests with the user's credential were written to an upstream.
    pub credential_sends: u32,
}

impl Summary {
    /// The verdict, the reason and the user.
    pub fn rows(&self) -> Vec<Row> {
        let word = self.verdict.as_deref().unwrap_or("rendered");
        let detail = self.detail.iter().map(|detail| Cell::plain(detail));
        let user = self.username.as_ref().map(|name| format!("{name} ")).unwrap_or_default();
        let about = format!("{user}by {}, {}{}", self.connector, time(self.took_ms), self.sends());
        vec![
            Row::title(Cell::word(word), detail.collect()),
            Row::text(Cell::plain(&self.explain)),
            Row::text(Cell::new(&about, Tone::Dim)),
        ]
    }

    /// The head of a login of several parts, of which this is the last.
    #[must_use]
    pub fn after(self, earlier: &Self) -> Self {
        Self {
            took_ms: self.took_ms + earlier.took_ms,
            credential_sends: self.credential_sends + earlier.credential_sends,
            ..self
        }
    }

    fn sends(&self) -> String {
        match (&self.verdict, self.credential_sends) {
            _ if self.username.is_none() => String::new(),
            (None, _) => String::new(),
            (_, 0) => ", no credential was sent".to_owned(),
            (_, 1) => ", the credential was sent once".to_owned(),
            (_, more) => format!(", credentials were sent {more} times"),
        }
    }
}

/// `0.4 ms`, `312 ms`, `1.50 s`
pub(super) fn time(ms: f64) -> String {
    if ms >= 1000.0 {
        format!("{:.2} s", ms / 1000.0)
    } else if ms >= 10.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{ms:.1} ms")
    }
}
