//! Templates: texts with holes, parsed once when a connector loads and rendered into a place.
//!
//! A value is rendered once, by the encoder of its place; data is never a template, a path or code. There is no way
//! from a template to text but through a [`Place`]. It knows no connector, no file and no request.

mod beside;
mod call;
mod charset;
mod cipher;
mod cursor;
mod date;
mod datum;
mod escape;
mod fault;
mod filter;
mod hole;
mod key;
mod line;
mod mistake;
mod output;
mod parse;
mod place;
mod public_key;

pub use charset::Charset;
pub use date::DatePattern;
pub use filter::{FILTERS, Filter, FilterInfo, Kind};
pub use hole::{Hole, RenderError};
pub use line::{Line, SOME_TEXT, UNKNOWN_TEXT, UNKNOWN_VALUE};
pub use mistake::Mistake;
pub use output::Output;
pub use place::Place;

pub(crate) use beside::{Bit, Bits, Guard, Quotes};
pub(crate) use date::moment;
pub(crate) use datum::Datum;
pub(crate) use escape::{json_value, quoted, xml as escape_xml};
pub(crate) use fault::Fault;
pub(crate) use place::is_hostile_segment;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use jiff::tz::TimeZone;
use url::Url;

use crate::context::{Context, Variable};
use crate::document::Value;

/// What `${name}` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// A text, put in when the connector loads.
    Text(String),
    /// Origins of which each login uses one. May stand at the beginning of a URL only.
    Nodes(Vec<Url>),
}

/// What a connector's texts may refer to.
#[derive(Debug, Clone)]
pub struct Language {
    /// The settings, by name.
    pub settings: BTreeMap<String, Setting>,
    /// The connector's time zone, for `date`.
    pub time_zone: TimeZone,
}

impl Default for Language {
    fn default() -> Self {
        Self { settings: BTreeMap::new(), time_zone: TimeZone::UTC }
    }
}

/// A text with holes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Template {
    pieces: Vec<Piece>,
}

/// A piece of a template, with the bytes of the written text that it came from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece {
    /// `as_written` is false for the text of a setting or of a quoted text.
    Text {
        text: String,
        range: Range<usize>,
        as_written: bool,
    },
    Hole(Hole),
    Nodes {
        nodes: Vec<Url>,
        range: Range<usize>,
    },
}

impl Piece {
    /// Where it was written.
    pub(crate) fn range(&self) -> &Range<usize> {
        match self {
            Self::Text { range, .. } | Self::Nodes { range, .. } => range,
            Self::Hole(hole) => &hole.range,
        }
    }
}

impl Template {
    /// Parses a written text: `{{ holes }}`, `${settings}`, and `{{ "text" }}` for text that would look like either.
    pub fn parse(text: &str, language: &Language) -> Result<Self, Vec<Mistake>> {
        parse::template(text, language)
    }

    /// A text without holes, taken as it is.
    pub fn literal(text: impl Into<String>) -> Self {
        let text = text.into();
        let range = 0..text.len();
        Self { pieces: vec![Piece::Text { text, range, as_written: true }] }
    }

    /// Every variable that it reads, keys of filters included; repeats are possible.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.holes().flat_map(Hole::variables)
    }

    /// The holes, in order.
    pub fn holes(&self) -> impl Iterator<Item = &Hole> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Hole(hole) => Some(hole),
            _ => None,
        })
    }

    /// Whether it has no holes.
    pub fn is_literal(&self) -> bool {
        self.as_literal().is_some()
    }

    /// Its text, when it has no holes.
    pub fn as_literal(&self) -> Option<Cow<'_, str>> {
        let text = |piece: &Piece| match piece {
            Piece::Text { text, .. } => Some(text.clone()),
            _ => None,
        };
        match self.pieces.as_slice() {
            [] => Some(Cow::Borrowed("")),
            [Piece::Text { text, .. }] => Some(Cow::Borrowed(text)),
            pieces => pieces.iter().map(text).collect::<Option<String>>().map(Cow::Owned),
        }
    }

    /// Its hole, when it is one hole and nothing else.
    pub fn as_hole(&self) -> Option<&Hole> {
        match self.pieces.as_slice() {
            [Piece::Hole(hole)] => Some(hole),
            _ => None,
        }
    }

    pub(crate) fn from_pieces(pieces: Vec<Piece>) -> Self {
        Self { pieces }
    }

    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// What can be refused at load when it stands in `place`.
    pub fn check(&self, place: Place) -> Vec<Mistake> {
        self.compile(place, Charset::UTF_8).err().unwrap_or_default()
    }

    /// Compiles it for `place`, once at load.
    pub fn compile(&self, place: Place, charset: Charset) -> Result<Line, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let line = Line::compile(self, place, charset, &mut mistakes);
        if mistakes.is_empty() { Ok(line) } else { Err(mistakes) }
    }

    /// Compiles and renders. What is rendered for each login should be compiled once instead. The result is wiped when
    /// dropped, for a password may be in it.
    pub fn render(
        &self,
        place: Place,
        context: &Context,
        charset: Charset,
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, RenderError> {
        let line = self.compile(place, charset).map_err(|mistakes| RenderError::Unfit {
            what: mistakes.into_iter().next().map(|mistake| mistake.message).unwrap_or_default(),
        })?;
        let mut out = zeroize::Zeroizing::new(Vec::with_capacity(line.size_hint()));
        line.render(context, charset, &mut out)?;
        Ok(out)
    }

    /// The value of the template without any encoding: of a single hole its own value with its type, else a text.
    pub fn value<'a>(&'a self, context: &'a Context) -> Result<Cow<'a, Value>, RenderError> {
        if let Some(hole) = self.as_hole() {
            return hole.evaluate(context)?.into_value().map_err(|fault| hole.blame(fault, ""));
        }
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text { text: literal, .. } => text.push_str(literal),
                Piece::Hole(hole) => {
                    let datum = hole.evaluate(context)?;
                    text.push_str(datum.text().map_err(|fault| hole.blame(fault, ""))?);
                }
                Piece::Nodes { .. } => {
                    return Err(RenderError::Unfit { what: "a setting with nodes has no text".into() });
                }
            }
        }
        Ok(Cow::Owned(Value::Text(text)))
    }
}

#[cfg(test)]
mod tests;
