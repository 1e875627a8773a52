//! A pause as it runs: what the user is asked for, for how long and how often, and how the code is sent once more.

use std::time::Duration;

pub use super::raw::ask::AskType;
use crate::context::Variable;
use crate::pattern::Pattern;
use crate::request::RequestPlan;
use crate::template::Template;

/// A checked `ask`.
#[derive(Debug)]
pub struct Ask {
    /// What is asked for.
    pub kind: AskType,
    /// The message to the user.
    pub message: Option<Template>,
    /// What the user fills in.
    pub fields: Vec<AskField>,
    /// Where the user's browser goes: a request that this daemon renders and never sends.
    pub url: Option<RequestPlan>,
    /// What the console brings back from that page; empty but for a redirect.
    pub returns: Vec<String>,
    /// A picture to show.
    pub image: Option<Image>,
    /// How long an answer may take.
    pub expires_in: Duration,
    /// How many answers may be tried.
    pub attempts: u32,
    /// Sending the code once more.
    pub resend: Option<Resend>,
    /// How long the console waits between two polls; `None` when there is nothing to poll for.
    pub poll_after: Option<Duration>,
}

/// The longest time between two polls.
pub const SLOWEST_POLL: Duration = Duration::from_mins(1);

impl Ask {
    /// Every variable that its holes read; a repeat is possible.
    pub fn variables(&self) -> Vec<Variable> {
        let mut all: Vec<Variable> = self.message.iter().flat_map(Template::variables).cloned().collect();
        match &self.image {
            Some(Image::Data(template)) => all.extend(template.variables().cloned()),
            Some(Image::Link(plan)) => all.extend(plan.variables()),
            None => {}
        }
        all.extend(self.url.iter().flat_map(RequestPlan::variables));
        all
    }

    /// The names of the answers: the fields, and what the console brings back from another page.
    pub fn answers(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name.as_str()).chain(self.returns.iter().map(String::as_str))
    }

    /// Whether `login.state` must come back.
    pub fn wants_state(&self) -> bool {
        self.returns.iter().any(|name| name == STATE)
    }
}

/// What a redirect brings back when the file does not say (RFC 6749 section 4.1.2).
pub const DEFAULT_ANSWERS: [&str; 2] = ["code", STATE];

/// The answer that is compared with `login.state`.
pub const STATE: &str = "state";

/// One thing that the user fills in.
#[derive(Debug)]
pub struct AskField {
    /// `answer.<name>`
    pub name: String,
    /// What the user sees beside it.
    pub label: Option<String>,
    /// Whether what is typed may be seen.
    pub echo: bool,
    /// What the whole answer must match, as it was written and anchored.
    pub pattern: Option<(String, Pattern)>,
}

/// A picture.
#[derive(Debug)]
pub enum Image {
    /// A `data:` URL, or a value that is one.
    Data(Template),
    /// A URL with a literal origin that the user's browser loads.
    Link(Box<RequestPlan>),
}

/// Sending the code once more.
#[derive(Debug)]
pub struct Resend {
    /// The index of the step that sends it.
    pub step: usize,
    /// How long the user must wait before.
    pub after: Duration,
    /// How often.
    pub max: u32,
}
