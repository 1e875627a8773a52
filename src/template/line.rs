//! A compiled run of bytes and holes, which is what every part of a request comes down to.
//!
//! Literals are encoded once at load; rendering appends into one buffer.

use std::sync::Arc;

use crate::context::Context;
use crate::document::Value;

use super::beside::{Bits, Guard, Separators};
use super::charset::Charset;
use super::datum::Datum;
use super::fault::Fault;
use super::filter::Filter;
use super::hole::{Hole, RenderError};
use super::mistake::Mistake;
use super::place::Place;
use super::{Piece, Template};

/// More than this is no request to an authentication server; it bounds what captures, repeated in many holes, can grow to.
const MAX_RENDERED: usize = 8 << 20;

/// Stands for any text, of any length, in what [`Line::with_marks`] writes. Private use (Unicode, section 23.5).
pub const UNKNOWN_TEXT: char = '\u{e000}';

/// Stands for any text there but the empty one: a name, an id.
pub const SOME_TEXT: char = '\u{e002}';

/// Stands for any value of JSON there.
pub const UNKNOWN_VALUE: char = '\u{e001}';

/// A template compiled for its place: literal bytes and holes, in order.
#[derive(Debug, Clone, Default)]
pub struct Line {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Literal(Vec<u8>),
    Hole(Box<Placed>),
}

/// A hole in its place.
#[derive(Debug, Clone)]
struct Placed {
    hole: Hole,
    place: Place,
    /// What its value may not hold.
    separators: Option<Arc<Separators>>,
}

impl Placed {
    fn render(&self, context: &Context, charset: Charset, out: &mut Vec<u8>) -> Result<(), RenderError> {
        const BESIDE: &str = "has a line end or a character that stands beside a hole there: \
                              end the hole with `quoted` or with an encoding filter";
        let Self { hole, place, separators } = self;
        let blame = |fault| hole.blame(fault, place.name());
        let datum = hole.evaluate(context)?;
        if separators.as_ref().is_some_and(|separators| separators.occur_in(&datum)) {
            return Err(blame(Fault::content(BESIDE)));
        }
        let datum = if place.is_split_in_bytes() && !charset.is_utf8() {
            self.delimited(datum, charset).map_err(blame)?
        } else {
            datum
        };
        place.write(&datum, charset, out).map_err(blame)
    }

    /// A text whose filter gave it a syntax keeps it in the charset's bytes, too.
    fn delimited<'a>(&self, datum: Datum<'a>, charset: Charset) -> Result<Datum<'a>, Fault> {
        match self.hole.last_filter() {
            Some(Filter::Json) => Ok(match datum {
                Datum::Text(json) => Datum::Text(charset.json_safe(&json).into_owned().into()),
                other => other,
            }),
            Some(Filter::Quoted { .. }) if datum.text().is_ok_and(|text| charset.mixes_in_ascii(text)) => {
                Err(Fault::content(
                    "has a character with a byte of ASCII in it, which no quoted-string of this charset keeps",
                ))
            }
            _ => Ok(datum),
        }
    }
}

impl Line {
    /// One template in one place.
    pub(crate) fn compile(template: &Template, place: Place, charset: Charset, mistakes: &mut Vec<Mistake>) -> Self {
        let mut line = Self::default();
        line.push_template(template, place, charset, mistakes);
        line
    }

    /// Appends bytes that are already in the syntax of the place.
    pub(crate) fn push_raw(&mut self, bytes: &[u8]) {
        match self.parts.last_mut() {
            Some(Part::Literal(literal)) => literal.extend_from_slice(bytes),
            _ => self.parts.push(Part::Literal(bytes.to_vec())),
        }
    }

    /// Appends what another line renders.
    pub(crate) fn append(&mut self, other: &Self) {
        for part in &other.parts {
            match part {
                Part::Literal(bytes) => self.push_raw(bytes),
                hole @ Part::Hole(..) => self.parts.push(hole.clone()),
            }
        }
    }

    /// Appends a hole that is a value by itself.
    pub(crate) fn push_hole(&mut self, hole: &Hole, place: Place, mistakes: &mut Vec<Mistake>) {
        self.push_guarded(hole, place, &Guard::default(), mistakes);
    }

    /// Appends a hole of a value that has more than this hole.
    pub(crate) fn push_guarded(&mut self, hole: &Hole, place: Place, guard: &Guard, mistakes: &mut Vec<Mistake>) {
        if !place.takes(hole.kind()) {
            mistakes.push(
                Mistake::new("bytes-in-text", hole.range.clone(), format!("bytes cannot stand in {}", place.name()))
                    .help("end the hole with `| base64` or `| hex`"),
            );
        }
        let null = hole.filters.iter().any(|filter| matches!(filter, Filter::Default(Value::Null)));
        if null && place != Place::JsonValue {
            let message = "default(null) stands only for a whole JSON value; nothing renders as empty by accident";
            mistakes.push(
                Mistake::new("filter-argument", hole.range.clone(), message)
                    .help("write default(\"\") when it is to be empty"),
            );
        }
        let separators = match hole.last_filter() {
            _ if hole.variable.is_drawn() && place != Place::Text => None,
            Some(filter) if filter.is_reversible() => guard.between.clone(),
            _ if hole.variable.is_closed() => None,
            _ if hole.is_encoded() => None,
            _ => guard.separators.clone(),
        };
        let hole = if guard.in_quotes { hole.clone().inside_quotes() } else { hole.clone() };
        self.parts.push(Part::Hole(Box::new(Placed { hole, place, separators })));
    }

    /// Appends a template; its literals are encoded for the place, too.
    pub(crate) fn push_template(
        &mut self,
        template: &Template,
        place: Place,
        charset: Charset,
        mistakes: &mut Vec<Mistake>,
    ) {
        let from = self.parts.len();
        let mut guards = Bits::of(template).guards(place, charset).into_iter();
        for piece in template.pieces() {
            match piece {
                Piece::Text { text, range, .. } => {
                    let mut bytes = Vec::new();
                    if let Err(fault) = place.write(&Datum::Text(text.as_str().into()), charset, &mut bytes) {
                        let why = fault.why();
                        let message = format!("this text {why}; it cannot stand in {}", place.name());
                        mistakes.push(Mistake::new("text-does-not-fit", range.clone(), message));
                    }
                    self.push_raw(&bytes);
                }
                Piece::Hole(hole) => {
                    self.push_guarded(hole, place, &guards.next().unwrap_or_default(), mistakes);
                }
                Piece::Nodes { range, .. } => mistakes.push(Mistake::new(
                    "nodes-not-in-url",
                    range.clone(),
                    "a setting with nodes stands only at the beginning of a URL",
                )),
            }
        }
        // Pieces of one template are a whole when nothing stood before it.
        if from == 0 {
            self.check_literal_ends(template, place, mistakes);
        }
    }

    fn check_literal_ends(&self, template: &Template, place: Place, mistakes: &mut Vec<Mistake>) {
        let (Some(first), Some(last)) = (self.parts.first(), self.parts.last()) else { return };
        let literal = |part: &Part| matches!(part, Part::Literal(_));
        let spaced = place == Place::Header
            && (matches!(first, Part::Literal(bytes) if bytes.first() == Some(&b' '))
                || matches!(last, Part::Literal(bytes) if bytes.last() == Some(&b' ')));
        let whole = self.parts.iter().all(literal) && self.literal().is_some_and(|all| place.check_whole(all).is_err());
        if spaced || whole {
            let end = template.pieces().last().map_or(0, |piece| piece.range().end);
            let message = match place {
                Place::Header => "a header cannot begin or end with a space".to_owned(),
                place => format!("{} cannot be empty, `.` or `..`", place.name()),
            };
            mistakes.push(Mistake::new("text-does-not-fit", 0..end, message));
        }
    }

    /// The bytes, when there are no holes.
    pub fn literal(&self) -> Option<&[u8]> {
        match self.parts.as_slice() {
            [] => Some(b""),
            [Part::Literal(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// The same with a mark in the place of each hole: [`UNKNOWN_TEXT`], [`SOME_TEXT`] for a name, or [`UNKNOWN_VALUE`] where the hole is a
    /// whole value of JSON.
    /// `None` when the file itself writes one of the marks.
    pub fn with_marks(&self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        for part in &self.parts {
            match part {
                Part::Literal(bytes) => {
                    let text = String::from_utf8_lossy(bytes);
                    if text.contains([UNKNOWN_TEXT, SOME_TEXT, UNKNOWN_VALUE]) {
                        return None;
                    }
                    out.extend_from_slice(bytes);
                }
                Part::Hole(placed) => {
                    let mark = match (placed.hole.is_some_text(), placed.place) {
                        (true, Place::JsonValue) => format!("\"{SOME_TEXT}\""),
                        (true, _) => SOME_TEXT.to_string(),
                        (false, Place::JsonValue) => format!("\"{UNKNOWN_VALUE}\""),
                        (false, _) => UNKNOWN_TEXT.to_string(),
                    };
                    out.extend_from_slice(mark.as_bytes());
                }
            }
        }
        Some(out)
    }

    /// The bytes before its first hole.
    pub(crate) fn beginning(&self) -> &[u8] {
        match self.parts.first() {
            Some(Part::Literal(bytes)) => bytes,
            _ => b"",
        }
    }

    /// The holes, each with its place.
    pub fn placed_holes(&self) -> impl Iterator<Item = (&Hole, Place)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Hole(placed) => Some((&placed.hole, placed.place)),
            Part::Literal(_) => None,
        })
    }

    /// The holes.
    pub fn holes(&self) -> impl Iterator<Item = &Hole> {
        self.placed_holes().map(|(hole, _)| hole)
    }

    /// About how many bytes it renders to; a guess that spares reallocations.
    pub(crate) fn size_hint(&self) -> usize {
        // Most values are names, passwords and digests.
        const VALUE: usize = 48;
        self.parts.iter().map(|part| if let Part::Literal(bytes) = part { bytes.len() } else { VALUE }).sum()
    }

    /// Appends everything to `out`, each hole in the encoding of its place. After an error `out` holds a part.
    pub fn render(&self, context: &Context, charset: Charset, out: &mut Vec<u8>) -> Result<(), RenderError> {
        let from = out.len();
        for part in &self.parts {
            match part {
                Part::Literal(bytes) => out.extend_from_slice(bytes),
                Part::Hole(placed) => {
                    placed.render(context, charset, out)?;
                    if out.len() > MAX_RENDERED {
                        let fault = Fault::content("makes the request too large");
                        return Err(placed.hole.blame(fault, placed.place.name()));
                    }
                }
            }
        }
        self.check_whole(&out[from..])
    }

    /// Judges header values and path segments as wholes; the user is to blame when any of the values is the user's.
    fn check_whole(&self, rendered: &[u8]) -> Result<(), RenderError> {
        let Some((_, place)) = self.placed_holes().next() else { return Ok(()) };
        place.check_whole(rendered).map_err(|fault| self.blame_any(&fault, place))
    }

    pub(crate) fn blame_any(&self, fault: &Fault, place: Place) -> RenderError {
        let names: Vec<String> = self.holes().map(|hole| hole.variable.to_string()).collect();
        let what = format!("{}, in {}, {}", names.join(", "), place.name(), fault.why());
        if self.holes().any(|hole| hole.variable.is_user_data()) {
            RenderError::FromUser { what }
        } else {
            RenderError::Unfit { what }
        }
    }
}
