//! `cache` of a step: how long its captures serve other logins, and what says that they do no longer.

use std::time::Duration;

use crate::condition::{Condition, Facts, ValueSource};
use crate::context::Variable;
use crate::document::Value;
use crate::response::source::Found;

/// Longer than the life of any token that servers give for this; what should last longer belongs into the file.
pub const LONGEST: Duration = Duration::from_hours(24);

/// What is kept ends this much sooner than it may, so that no login sets out with a token in its last seconds.
const MARGIN: Duration = Duration::from_mins(1);

/// The part of a short life that is given up instead.
const MARGIN_PART: u32 = 10;

/// How the captures of a step are kept.
#[derive(Debug)]
pub struct CachePlan {
    /// How long they are good.
    pub good_for: GoodFor,
    /// A condition over the reply of a later step: the captures are no longer good.
    pub drop_when: Option<Condition>,
    /// The captures of other steps with `cache` that go into this one.
    pub inputs: Vec<Variable>,
}

/// How long captures are good.
#[derive(Debug)]
pub enum GoodFor {
    /// As the file says.
    Span(Duration),
    /// As many seconds as the reply says.
    Told(ValueSource),
}

impl GoodFor {
    /// For how long captures of this reply serve others, from the moment before it was asked for; an error says why they
    /// serve nobody else.
    pub fn span(&self, facts: Facts<'_>) -> Result<Duration, String> {
        let good_for = match self {
            Self::Span(span) => *span,
            Self::Told(source) => match source.read(facts) {
                Found::Value(value) => seconds(&value).ok_or_else(|| format!("{source} is no number of seconds"))?,
                _ => return Err(format!("the reply has no {source}")),
            },
        };
        let kept = good_for.min(LONGEST);
        Ok(kept.saturating_sub(MARGIN.min(kept / MARGIN_PART)))
    }
}

/// Whole seconds, as a number or as text. Nothing and less than nothing is no time to keep anything.
fn seconds(value: &Value) -> Option<Duration> {
    let text = match value {
        Value::Number(number) => number.as_str(),
        other => other.scalar_text()?,
    };
    let digits = text.split_once('.').map_or(text, |(whole, _)| whole);
    // More digits than a life of ten thousand years has are no time span.
    let fits = (1..=12).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = digits.parse().ok().filter(|seconds| fits && *seconds > 0)?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;
    use crate::document::Number;

    fn told(value: Value) -> Result<u64, String> {
        let context = Context::default();
        let facts = Facts { context: &context, reply: None, claims: None };
        GoodFor::Told(ValueSource::Constant(value)).span(facts).map(|span| span.as_secs())
    }

    #[test]
    fn a_reply_says_how_many_seconds() {
        for (value, kept) in [
            (Value::from("7200"), 7140),
            (Value::Number(Number::parse("7200").unwrap()), 7140),
            (Value::Number(Number::parse("7200.9").unwrap()), 7140),
            (Value::from("100"), 90),
            (Value::from("600"), 540),
            // Never longer than a day, whatever it says.
            (Value::from("999999999999"), 86_340),
        ] {
            assert_eq!(told(value.clone()), Ok(kept), "{value:?}");
        }
    }

    #[test]
    fn what_is_no_number_of_seconds_keeps_nothing() {
        for value in ["0", "-1", "", "soon", "1e9", "7200s", "9999999999999", "0.9"] {
            assert!(told(Value::from(value)).is_err(), "{value}");
        }
        assert!(told(Value::Bool(true)).is_err() && told(Value::Null).is_err());
    }

    #[test]
    fn a_span_of_the_file_has_its_margin_too() {
        let context = Context::default();
        let facts = Facts { context: &context, reply: None, claims: None };
        let kept = |seconds| GoodFor::Span(Duration::from_secs(seconds)).span(facts).unwrap().as_secs();
        assert_eq!((kept(7000), kept(10), kept(1_000_000)), (6940, 9, 86_340));
    }
}
