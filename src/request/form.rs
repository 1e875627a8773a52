//! Names and values of a query and of an `application/x-www-form-urlencoded` body.

use crate::template::{Charset, Datum, Line, Mistake, Place};

use super::reader::{Pairs, Reader};

/// `name=value`, a line each: names literal, both percent-encoded in the charset.
pub(super) fn compile(pairs: &Pairs<'_>, place: Place, charset: Charset, reader: &mut Reader<'_>) -> Vec<Line> {
    let mut lines = Vec::with_capacity(pairs.len());
    for (name, value) in pairs {
        let mut line = Line::default();
        let text = reader.literal(
            *name,
            if place == Place::FormValue { "the name of a form field" } else { "the name of a query parameter" },
        );
        let mut bytes = Vec::new();
        if let Err(fault) = place.write(&Datum::Text(text.into()), charset, &mut bytes) {
            let message = format!("this name {}", fault.why());
            reader.refuse(*name, Mistake::new("text-does-not-fit", name.range(), message));
        }
        bytes.push(b'=');
        line.push_raw(&bytes);
        let template = reader.template(*value);
        let mut mistakes = Vec::new();
        line.push_template(&template, place, charset, &mut mistakes);
        reader.refuse_all(*value, mistakes);
        reader.uses(*value, &line);
        lines.push(line);
    }
    lines
}

/// The pairs as one body.
pub(super) fn join(lines: &[Line]) -> Line {
    let mut body = Line::default();
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            body.push_raw(b"&");
        }
        body.append(line);
    }
    body
}
