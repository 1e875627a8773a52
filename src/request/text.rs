//! Text bodies have no syntax of their own, so the text around the holes is the syntax.
//!
//! A value may hold neither a line end nor any character that stands beside a hole of this body: with
//! `u={{a}}&p={{b}}` neither value can hold `=` or `&`, so the upstream splits them as they were put together. A hole
//! that ends in an encoding filter is free of this.

use crate::context::Context;
use crate::template::{Charset, Fault, Hole, Line, Mistake, Piece, Place, RenderError};

use super::spec::{Reader, Written};

/// A compiled text body.
#[derive(Debug, Clone)]
pub(super) struct TextPlan {
    /// Each hole or run of literals by itself, and whether its value must be free of `separators`.
    lines: Vec<(Line, bool)>,
    separators: Vec<char>,
}

impl TextPlan {
    pub(super) fn compile(written: Written<'_>, charset: Charset, reader: &mut Reader<'_>) -> Self {
        let template = reader.template(written);
        let mut plan = Self { lines: Vec::new(), separators: vec!['\r', '\n', '\0'] };
        let mut mistakes = Vec::new();
        let pieces = template.pieces();
        for (index, piece) in pieces.iter().enumerate() {
            let mut line = Line::default();
            let one = crate::template::Template::from_pieces(vec![piece.clone()]);
            line.push_template(&one, Place::Text, charset, &mut mistakes);
            let raw = matches!(piece, Piece::Hole(hole) if !hole.is_encoded());
            reader.uses(written.mark, &line);
            plan.lines.push((line, raw));
            let Piece::Hole(hole) = piece else { continue };
            if raw {
                let before = index.checked_sub(1).and_then(|index| pieces.get(index));
                plan.look_beside(hole, before, pieces.get(index + 1), &mut mistakes);
            }
        }
        reader.refuse_all(written.mark, mistakes);
        plan
    }

    fn look_beside(&mut self, hole: &Hole, before: Option<&Piece>, after: Option<&Piece>, mistakes: &mut Vec<Mistake>) {
        const ADVICE: &str = "put a separator between them, or end the hole with an encoding filter such as `base64`";
        if let Some(Piece::Text { text, .. }) = before {
            // A letter before a hole cannot be mistaken for its value: the text up to there is fixed.
            self.separators.extend(text.chars().next_back().filter(|c| !c.is_alphanumeric()));
        }
        match after {
            Some(Piece::Hole(_)) => {
                let message = "nothing separates this hole from the next one";
                mistakes.push(Mistake::new("text-hole", hole.range.clone(), message).help(ADVICE));
            }
            Some(Piece::Text { text, .. }) => match text.chars().next() {
                Some(c) if c.is_alphanumeric() => {
                    let message = format!("the value could not be told from the `{c}` behind it");
                    mistakes.push(Mistake::new("text-hole", hole.range.clone(), message).help(ADVICE));
                }
                separator => self.separators.extend(separator),
            },
            _ => {}
        }
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().map(|(line, _)| line)
    }

    pub(super) fn render(&self, context: &Context, charset: Charset, out: &mut Vec<u8>) -> Result<(), RenderError> {
        for (line, raw) in &self.lines {
            if !raw {
                line.render(context, charset, out)?;
                continue;
            }
            for hole in line.holes() {
                let datum = hole.evaluate(context)?;
                let clash = match &datum {
                    // Bytes of another charset: the separators are looked for as ASCII.
                    crate::template::Datum::Bytes(bytes) => {
                        bytes.iter().any(|byte| self.separators.contains(&char::from(*byte)))
                    }
                    text => text.text().is_ok_and(|text| text.contains(self.separators.as_slice())),
                };
                if clash {
                    let why = "has a line end or a character that stands beside a hole of this body";
                    return Err(hole.blame(Fault::content(why), Place::Text.name()));
                }
                Place::Text.write(&datum, charset, out).map_err(|fault| hole.blame(fault, Place::Text.name()))?;
            }
        }
        Ok(())
    }
}
