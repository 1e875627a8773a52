//! `cache` of a step: how long its captures serve other logins, and what says that they do no longer.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::condition::{Condition, Facts, ValueSource};
use crate::context::Variable;
use crate::document::Value;
use crate::response::source::SourceValue;
use crate::template::moment;

/// Longer than the life of any token that servers give for this; what should last longer belongs into the file.
pub const MAX_LIFE: Duration = Duration::from_hours(24);

/// What is kept ends this much sooner than it may, so that no login sets out with a token in its last seconds.
const MARGIN: Duration = Duration::from_mins(1);

/// Numbers from here on are dates, as spans they were 31 years: seconds since 1970, or milliseconds (`template::moment`).
const DATES_FROM: u64 = 1_000_000_000;

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
    /// As the reply says: a number of seconds, or the date of the end. A date without an offset is in the connector's zone.
    Reported(ValueSource, TimeZone),
}

/// Why a reply gives no lifetime for its captures; each names where it was looked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LifetimeError {
    #[error("the reply has no {0}")]
    Missing(String),
    #[error("{0} is neither a number of seconds nor a date that is to come")]
    Unreadable(String),
}

impl GoodFor {
    /// For how long captures of this reply serve others, from the moment before it was asked for; an error says why they
    /// cannot be kept.
    pub fn span(&self, facts: Facts<'_>) -> Result<Duration, LifetimeError> {
        let good_for = match self {
            Self::Span(span) => *span,
            Self::Reported(source, zone) => match source.scalar(facts) {
                SourceValue::Value(value) => reported(&value, zone, facts.context.step.unix_ms)
                    .ok_or_else(|| LifetimeError::Unreadable(source.to_string()))?,
                _ => return Err(LifetimeError::Missing(source.to_string())),
            },
        };
        let kept = good_for.min(MAX_LIFE);
        Ok(kept.saturating_sub(MARGIN.min(kept / MARGIN_PART)))
    }
}

/// A span, or what is left until a date; `now` is the moment before the reply was asked for.
fn reported(value: &Value, zone: &TimeZone, now: u64) -> Option<Duration> {
    let end = match seconds(value) {
        Some(span) if span.as_secs() < DATES_FROM => return Some(span),
        Some(since_1970) => moment(&Value::from(since_1970.as_secs().to_string()), zone)?,
        None => moment(value, zone)?,
    };
    let left = u64::try_from(end.as_millisecond()).ok()?.checked_sub(now)?;
    Some(Duration::from_millis(left)).filter(|left| !left.is_zero())
}

/// Whole seconds, as a number or as text. Nothing and less than nothing is no time to keep anything.
fn seconds(value: &Value) -> Option<Duration> {
    let text = match value {
        Value::Number(number) => number.as_str(),
        other => other.scalar_text()?,
    };
    let digits = text.split_once('.').map_or(text, |(whole, _)| whole);
    // Thirteen digits are milliseconds since 1970 until the year 2286.
    let fits = (1..=13).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = digits.parse().ok().filter(|seconds| fits && *seconds > 0)?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;
    use crate::document::Number;

    fn reported(value: Value) -> Result<u64, LifetimeError> {
        let mut context = Context::default();
        context.step.unix_ms = 1_767_294_245_000;
        let facts = Facts { context: &context, reply: None, claims: None };
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        GoodFor::Reported(ValueSource::Constant(value), zone).span(facts).map(|span| span.as_secs())
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
            (Value::from("999999999"), 86_340),
        ] {
            assert_eq!(reported(value.clone()), Ok(kept), "{value:?}");
        }
    }

    #[test]
    fn a_reply_says_when_it_ends() {
        // It is 2026-01-01T19:04:05Z, 2026-01-02 03:04:05 in the connector's zone.
        for value in [
            Value::from(1_767_301_445),
            Value::from("1767301445"),
            Value::from("1767301445000"),
            Value::from("1767301445.25"),
            Value::Number(Number::parse("1767301445000").unwrap()),
            Value::from("2026-01-01T21:04:05Z"),
            Value::from("2026-01-02T05:04:05+08:00"),
            Value::from("2026-01-01T21:04:05.500Z"),
            Value::from("2026-01-02T05:04:05"),
            Value::from("2026-01-02 05:04:05"),
        ] {
            assert_eq!(reported(value.clone()), Ok(7140), "{value:?}");
        }
        assert_eq!(reported(Value::from("2026-01-01T19:05:45Z")), Ok(90));
        assert_eq!(reported(Value::from("2030-01-01T00:00:00Z")), Ok(86_340));
        for over in ["1767294245", "1767294000000", "2026-01-01T19:04:05Z", "2025-12-31", "1000000000", "-1767301445"] {
            assert!(reported(Value::from(over)).is_err(), "{over}");
        }
    }

    #[test]
    fn what_is_no_number_of_seconds_keeps_nothing() {
        for value in ["0", "-1", "", "soon", "1e9", "7200s", "99999999999999999999", "0.9"] {
            assert!(reported(Value::from(value)).is_err(), "{value}");
        }
        assert!(reported(Value::Bool(true)).is_err() && reported(Value::Null).is_err());
    }

    #[test]
    fn a_span_of_the_file_has_its_margin_too() {
        let context = Context::default();
        let facts = Facts { context: &context, reply: None, claims: None };
        let kept = |seconds| GoodFor::Span(Duration::from_secs(seconds)).span(facts).unwrap().as_secs();
        assert_eq!((kept(7000), kept(10), kept(1_000_000)), (6940, 9, 86_340));
    }
}
