//! Text bodies have no syntax of their own, so the text around the holes is the syntax.
//!
//! A value may hold neither a line end nor what stands beside a hole of this body: with `u={{a}}&p={{b}}` neither value
//! can hold `=` or `&`, so the upstream splits them as they were put together. A hole that ends in an encoding filter is
//! free of this. `template::beside` finds the separators, in bytes of the body's charset; here is what cannot load.

use crate::context::Context;
use crate::template::{Bit, Bits, Charset, Line, Mistake, Piece, Place, RenderError, Template};

use super::reader::{FileText, Reader};

/// A compiled text body.
#[derive(Debug, Clone)]
pub(super) struct TextPlan {
    /// Each hole or run of literals by itself.
    lines: Vec<Line>,
}

impl TextPlan {
    pub(super) fn compile(written: FileText<'_>, charset: Charset, reader: &mut Reader<'_>) -> Self {
        let template = reader.template(written);
        let mut lines = Vec::new();
        let mut mistakes = Vec::new();
        let value = Bits::of(&template);
        let mut guards = value.guards(Place::Text, charset).into_iter();
        for piece in template.pieces() {
            let mut line = Line::default();
            match piece {
                Piece::Hole(hole) => {
                    line.push_guarded(hole, Place::Text, &guards.next().unwrap_or_default(), &mut mistakes);
                }
                other => {
                    let one = Template::from_pieces(vec![other.clone()]);
                    line.push_template(&one, Place::Text, charset, &mut mistakes);
                }
            }
            reader.uses(written, &line);
            lines.push(line);
        }
        look_beside(&value, &mut mistakes);
        reader.refuse_all(written, mistakes);
        Self { lines }
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter()
    }

    pub(super) fn render(&self, context: &Context, charset: Charset, out: &mut Vec<u8>) -> Result<(), RenderError> {
        self.lines.iter().try_for_each(|line| line.render(context, charset, out))
    }
}

/// Refuses holes that no separator ends.
fn look_beside(value: &Bits<'_>, mistakes: &mut Vec<Mistake>) {
    const ADVICE: &str = "put a separator between them, or end the hole with an encoding filter such as `base64`";
    for pair in value.parts().windows(2) {
        let [Bit::Hole(hole), after] = pair else { continue };
        let message = match after {
            _ if hole.is_encoded() => continue,
            Bit::Hole(_) => "nothing separates this hole from the next one".to_owned(),
            Bit::Text(text) => match text.chars().next().filter(|c| c.is_alphanumeric()) {
                Some(c) => format!("the value could not be distinguished from the `{c}` behind it"),
                None => continue,
            },
        };
        mistakes.push(Mistake::new("text-hole", hole.range.clone(), message).help(ADVICE));
    }
}
