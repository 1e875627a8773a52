//! A hole: a variable and its filters, and whether the value or the file is at fault when it cannot be filled.

use std::borrow::Cow;
use std::ops::Range;

use crate::context::{Context, Missing, Variable};

use super::datum::Datum;
use super::fault::{Fault, FilterError, missing};
use super::filter::{Filter, Kind};

/// What a filter may make of a value: `hex` doubles, and there can be a row of them.
const MAX_VALUE: usize = 4 << 20;

/// `{{ variable | filter | filter }}`
#[derive(Debug, Clone, PartialEq)]
pub struct Hole {
    /// What fills it.
    pub variable: Variable,
    /// What it goes through, in order.
    pub filters: Vec<Filter>,
    /// Where it stands, braces included: bytes of the text that was parsed.
    pub range: Range<usize>,
}

/// Why a template could not be filled. Names variables and places, never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// What the user sent does not fit: reject(invalid_input).
    #[error("{what}")]
    FromUser {
        /// Which variable, where, and why.
        what: String,
    },
    /// A value is not there; its kind says whose fault that is.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// What an earlier reply gave does not do: unavailable(unexpected_reply).
    #[error("{what}")]
    FromReply {
        /// What of which step, and why.
        what: String,
    },
    /// The connector puts a value where it does not fit: misconfigured.
    #[error("{what}")]
    Unfit {
        /// Which variable, where, and why.
        what: String,
    },
}

impl Hole {
    /// Every variable that it reads: its own and the keys of its filters.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        std::iter::once(&self.variable).chain(self.filters.iter().flat_map(Filter::variables))
    }

    /// Whether a missing value has a substitute, so that something optional may stand here.
    pub fn has_default(&self) -> bool {
        self.filters.iter().any(|filter| matches!(filter, Filter::Default(_)))
    }

    /// Whether the last filter gives a text that nothing in the value can end early (`base64`, a digest, …).
    pub fn is_encoded(&self) -> bool {
        self.last_filter().is_some_and(Filter::encodes)
    }

    /// Whether it draws random numbers, from [`crate::context::FilterSeed`].
    pub(crate) fn draws(&self) -> bool {
        self.filters.iter().any(|filter| matches!(filter, Filter::PublicKey(_)))
    }

    /// Whether what comes out is a text, and never the empty one.
    pub(super) fn is_some_text(&self) -> bool {
        let named = match &self.variable {
            Variable::Username | Variable::RequestId => true,
            Variable::Verdict(name) => {
                let full = [
                    "accept.subject",
                    "accept.username",
                    "accept.token",
                    "accept.connector",
                    "challenge.id",
                    "challenge.type",
                    "challenge.prompt",
                ];
                full.contains(&name.as_str())
            }
            _ => false,
        };
        named && self.filters.iter().all(|filter| matches!(filter, Filter::UrlEncode))
    }

    /// Whether the filters map different values to one: a name that is cut, or decoded, is another user's name, too. `lower`,
    /// `upper` and `trim` fold spellings of one name, as servers do themselves.
    pub(crate) fn is_lossy(&self) -> bool {
        self.filters.iter().any(|filter| matches!(filter, Filter::First(_) | Filter::UrlDecode))
    }

    /// The filter that makes what comes out.
    pub(super) fn last_filter(&self) -> Option<&Filter> {
        self.filters.iter().rev().find(|filter| !matches!(filter, Filter::Default(_)))
    }

    /// The same hole between quotes of the file: `quoted` writes none.
    pub(super) fn inside_quotes(mut self) -> Self {
        let last = self.filters.iter_mut().rev().find(|filter| !matches!(filter, Filter::Default(_)));
        if let Some(Filter::Quoted { inside }) = last {
            *inside = true;
        }
        self
    }

    /// What comes out, as far as that is known at load.
    pub fn kind(&self) -> Kind {
        // Parsing has refused every chain that does not fit together.
        self.filters.iter().fold(Kind::Any, |kind, filter| filter.kind(kind).unwrap_or(kind))
    }

    /// The value after all filters. Null passes through every filter but `default`.
    pub(crate) fn evaluate<'a>(&'a self, context: &'a Context) -> Result<Datum<'a>, RenderError> {
        let mut state = Datum::of(&self.variable, context);
        for filter in &self.filters {
            state = match (state, filter) {
                (Ok(datum), Filter::Default(value)) if datum.is_null() => Ok(Datum::from_value(Cow::Borrowed(value))),
                (Ok(datum), _) if datum.is_null() => Ok(datum),
                (Ok(datum), filter) => match filter.apply(datum, context) {
                    Ok(datum) if datum.size() > MAX_VALUE => {
                        return Err(self.blame(Fault::content("is too large after its filters"), ""));
                    }
                    Ok(datum) => Ok(datum),
                    Err(FilterError::Missing(missing)) => return Err(missing.into()),
                    Err(FilterError::Key(what)) => return Err(RenderError::Unfit { what }),
                    Err(FilterError::KeyOfReply(what)) => return Err(RenderError::FromReply { what }),
                    Err(FilterError::Fault(fault)) => return Err(self.blame(fault, "")),
                },
                // A secret that is not there is never replaced by a guess.
                (Err(_), Filter::Default(value)) if !matches!(self.variable, Variable::Secret(_)) => {
                    Ok(Datum::from_value(Cow::Borrowed(value)))
                }
                (Err(missing), _) => Err(missing),
            };
        }
        Ok(state?)
    }

    /// Turns a fault into an error of the input or of the file. `place` is where the value was to go, or empty.
    pub(crate) fn blame(&self, fault: Fault, place: &str) -> RenderError {
        let (why, user): (Cow<'_, str>, bool) = match fault {
            Fault::Null => return RenderError::Missing(missing(&self.variable)),
            Fault::Content(why) => (why, self.variable.is_user_data()),
            // Only an attribute can be of a kind that the console chose.
            Fault::Kind(why) => (why.into(), matches!(self.variable, Variable::Attribute(_))),
        };
        let variable = &self.variable;
        let what =
            if place.is_empty() { format!("{variable} {why}") } else { format!("{variable}, in {place}, {why}") };
        if user { RenderError::FromUser { what } } else { RenderError::Unfit { what } }
    }
}
