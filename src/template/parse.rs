//! Written text to templates: finds holes and settings, reads variables and filters, collects all mistakes.

use crate::diagnostic::did_you_mean;

use super::call::{Argument, ArgumentValue, Call, suggest, variable};
use super::cursor::Cursor;
use super::filter::{Filter, Kind};
use super::hole::Hole;
use super::mistake::Mistake;
use super::{Language, Piece, Setting, Template};

/// More holes or filters than this in one text is no request; it bounds what a load costs.
const MAX_FILTERS: usize = 16;

pub(super) fn template(text: &str, language: &Language) -> Result<Template, Vec<Mistake>> {
    let mut pieces = Vec::new();
    let mut mistakes = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let opening = [text[at..].find("{{"), text[at..].find("${")].into_iter().flatten().min();
        let start = opening.map_or(text.len(), |offset| at + offset);
        if start > at {
            pieces.push(Piece::Text { text: text[at..start].to_owned(), range: at..start, as_written: true });
        }
        if start == text.len() {
            break;
        }
        let mut cursor = Cursor::new(text, start + 2);
        let read = if text[start..].starts_with("${") {
            setting(&mut cursor, start, language)
        } else {
            braces(&mut cursor, start, language)
        };
        match read {
            Ok(piece) => {
                pieces.push(piece);
                at = cursor.at();
            }
            Err(mistake) => {
                mistakes.push(mistake);
                // Go on behind this hole, to tell all mistakes at once.
                let close = if text[start..].starts_with("${") { "}" } else { "}}" };
                at = text[cursor.at()..].find(close).map_or(text.len(), |offset| cursor.at() + offset + close.len());
            }
        }
    }
    if mistakes.is_empty() { Ok(Template { pieces }) } else { Err(mistakes) }
}

fn setting(cursor: &mut Cursor<'_>, start: usize, language: &Language) -> Result<Piece, Mistake> {
    let name = cursor.word();
    if name.value.is_empty() || !cursor.take("}") {
        return Err(Mistake::new("setting-syntax", start..cursor.at(), "`${` begins a setting, as in `${base}`")
            .help("for these two characters as text write {{ \"${\" }}"));
    }
    let range = start..cursor.at();
    match language.settings.get(name.value) {
        Some(Setting::Text(text)) => Ok(Piece::Text { text: text.clone(), range, as_written: false }),
        Some(Setting::Nodes(nodes)) => Ok(Piece::Nodes { nodes: nodes.clone(), range }),
        None => {
            let known = language.settings.keys().map(String::as_str);
            let mistake = Mistake::new("unknown-setting", range, format!("there is no setting `{}`", name.value));
            Err(suggest(mistake, did_you_mean(name.value, known)).help("settings are declared under `settings:`"))
        }
    }
}

/// What stands between `{{` and `}}`: a hole, or a quoted text that is just that text.
fn braces(cursor: &mut Cursor<'_>, start: usize, language: &Language) -> Result<Piece, Mistake> {
    if matches!(cursor.peek(), Some('"' | '\'')) {
        let text = cursor.quoted()?.value;
        close(cursor, start)?;
        return Ok(Piece::Text { text, range: start..cursor.at(), as_written: false });
    }
    let name = cursor.word();
    if name.value.is_empty() {
        return Err(Mistake::new(
            "hole-syntax",
            start..cursor.here().end,
            "`{{` begins a hole, and this is no variable",
        )
        .help("for two braces as text write {{ \"{{\" }}"));
    }
    let variable = variable(&name)?;
    let mut filters = Vec::new();
    let mut kind = Kind::Any;
    while cursor.take("|") {
        let from = cursor.here().start;
        let filter = filter(cursor, language)?;
        let range = from..cursor.at();
        let Some(next) = filter.kind(kind) else {
            return Err(Mistake::new(
                "filter-kind",
                range,
                "this filter takes text, and the one before it gives bytes",
            )
            .help("put `base64` or `hex` between them"));
        };
        if filters.len() == MAX_FILTERS {
            return Err(Mistake::new("hole-syntax", range, format!("more than {MAX_FILTERS} filters")));
        }
        kind = next;
        filters.push(match (filters.last(), filter) {
            (Some(Filter::Json), Filter::Encode(charset)) => Filter::EncodeJson(charset),
            (_, filter) => filter,
        });
    }
    close(cursor, start)?;
    Ok(Piece::Hole(Hole { variable, filters, range: start..cursor.at() }))
}

fn close(cursor: &mut Cursor<'_>, start: usize) -> Result<(), Mistake> {
    if cursor.take("}}") {
        return Ok(());
    }
    let here = cursor.here();
    Err(if here.is_empty() {
        Mistake::new("hole-syntax", start..here.end, "this hole is not closed").help("close it with `}}`")
    } else {
        Mistake::new("hole-syntax", here, "unexpected in a hole").label("`|` and a filter, or `}}`, should stand here")
    })
}

fn filter(cursor: &mut Cursor<'_>, language: &Language) -> Result<Filter, Mistake> {
    let name = cursor.word();
    let list = arguments(cursor)?;
    let range = name.range.start..cursor.at();
    Filter::read(&Call { name: name.value, name_range: name.range, range, list, language })
}

fn arguments(cursor: &mut Cursor<'_>) -> Result<Vec<Argument>, Mistake> {
    let mut list = Vec::new();
    if !cursor.take("(") || cursor.take(")") {
        return Ok(list);
    }
    loop {
        list.push(argument(cursor)?);
        if cursor.take(")") {
            return Ok(list);
        }
        if !cursor.take(",") {
            return Err(Mistake::new("hole-syntax", cursor.here(), "`,` or `)` should stand here"));
        }
    }
}

/// `word`, `"text"`, `name=word` or `name="text"`.
fn argument(cursor: &mut Cursor<'_>) -> Result<Argument, Mistake> {
    let is_quote = |c: Option<char>| matches!(c, Some('"' | '\''));
    if is_quote(cursor.peek()) {
        return Ok(Argument { name: None, value: ArgumentValue::Text(cursor.quoted()?.value) });
    }
    let word = cursor.word();
    let (name, value) = match word.value.split_once('=') {
        Some((name, value)) => (Some(name.to_owned()), value),
        None => (None, word.value),
    };
    if value.is_empty() && name.is_some() && is_quote(cursor.peek()) {
        return Ok(Argument { name, value: ArgumentValue::Text(cursor.quoted()?.value) });
    }
    if value.is_empty() {
        return Err(Mistake::new("hole-syntax", cursor.here(), "an argument should stand here"));
    }
    Ok(Argument { name, value: ArgumentValue::Word(value.to_owned()) })
}
