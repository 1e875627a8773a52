//! From a judged reply to what goes back to the caller: error code, error message, extension, attributes.
//!
//! A mapping changes no verdict: a part that is missing is null (docs/contract.md section 4.7). What is mapped goes to
//! the caller in clear, but an upstream's message is made plain and known credentials in it are masked.

use std::borrow::Cow;

use crate::condition::{Facts, ValueSource};
use crate::document::Value;
use crate::mask::Mask;
use crate::verdict::Mapped;

/// Longer messages are cut.
const MAX_MESSAGE_CHARACTERS: usize = 512;

#[derive(Debug)]
pub enum Extension {
    /// One part of the reply as it is.
    Whole(ValueSource),
    /// An object of named parts.
    Parts(Vec<(String, ValueSource)>),
}

/// The `map` of one step.
#[derive(Debug, Default)]
pub struct MapPlan {
    /// The upstream's code.
    pub error_code: Option<ValueSource>,
    /// The upstream's message.
    pub error_message: Option<ValueSource>,
    /// Data for the app.
    pub extension: Option<Extension>,
    /// Attributes of the user.
    pub attributes: Vec<(String, ValueSource)>,
}

impl MapPlan {
    /// Whether it maps no data.
    pub fn is_empty(&self) -> bool {
        self.extension.is_none() && self.attributes.is_empty()
    }

    /// Every source that it reads.
    pub fn sources(&self) -> impl Iterator<Item = &ValueSource> {
        let (whole, parts) = match &self.extension {
            Some(Extension::Whole(source)) => (Some(source), &[][..]),
            Some(Extension::Parts(parts)) => (None, &parts[..]),
            None => (None, &[][..]),
        };
        let named = parts.iter().chain(&self.attributes).map(|(_, source)| source);
        self.error_code.iter().chain(&self.error_message).chain(whole).chain(named)
    }

    /// Code and message of the step that decided.
    pub fn error(&self, facts: Facts<'_>, mask: &Mask) -> (Option<String>, Option<String>) {
        let text = |source: &Option<ValueSource>| {
            let found = source.as_ref().and_then(|source| source.scalar(facts).into_value());
            found.and_then(|value| plain(&value, mask))
        };
        (text(&self.error_code), text(&self.error_message))
    }

    /// Extension and attributes of this reply.
    pub fn data(&self, facts: Facts<'_>) -> Mapped {
        let extension = match &self.extension {
            Some(Extension::Whole(source)) => read(source, facts),
            Some(Extension::Parts(parts)) => {
                let part =
                    |(name, source): &(String, ValueSource)| (name.clone(), read(source, facts).unwrap_or_default());
                Some(Value::Object(parts.iter().map(part).collect()))
            }
            None => None,
        };
        let attribute =
            |(name, source): &(String, ValueSource)| (name.clone(), read(source, facts).unwrap_or_default());
        Mapped { extension, attributes: self.attributes.iter().map(attribute).collect(), ..Mapped::default() }
    }

    /// Merges the result of [`MapPlan::data`] into that of earlier steps.
    pub fn add(&self, own: Mapped, into: &mut Mapped) {
        if self.extension.is_some() {
            into.extension = own.extension;
        }
        for (name, value) in own.attributes {
            // A step that ran once more (a resend) replaces its value.
            match into.attributes.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = value,
                None => into.attributes.push((name, value)),
            }
        }
    }
}

fn read(source: &ValueSource, facts: Facts<'_>) -> Option<Value> {
    source.taken(facts).into_value().map(Cow::into_owned)
}

/// A scalar as one plain line: no control characters, no known credential, at most 512 characters.
fn plain(value: &Value, mask: &Mask) -> Option<String> {
    value.scalar_text().map(|text| plain_text(text, mask))
}

/// A text as one plain line, for texts that are not from a document (the message of a script or of a reject row).
pub fn plain_text(text: &str, mask: &Mask) -> String {
    let text = mask.hide(text);
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if is_plain && text.len() <= MAX_MESSAGE_CHARACTERS && text.trim().len() == text.len() {
        return text;
    }
    let line: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_MESSAGE_CHARACTERS).collect();
    line.trim().to_owned()
}
