//! The scripts of a connector: where they are written, and what is wrong in their own text.

use super::{Surroundings, WrittenScript, beside};
use crate::connector::raw::{self, Text};
use crate::diagnostic::{Diagnostic, Mistakes, Position, Span};
use crate::script::{self, Kind, Place, Reads, ScriptId};

/// A script file larger than this is none; CryptoJS as one file has 200 KiB.
const SCRIPT_BYTES: usize = 1 << 20;

/// The scripts of all steps, in order.
pub(super) fn written(
    raw: &raw::Connector,
    connector: &str,
    around: Surroundings<'_>,
    mistakes: &mut Mistakes,
) -> Vec<WrittenScript> {
    let mut scripts = Vec::new();
    for (index, step) in raw.steps.iter().enumerate() {
        let response = step.response.as_ref();
        let written = [
            (Kind::Variables, step.variables.as_ref(), step.variables_file.as_ref(), "variables"),
            (
                Kind::Preprocess,
                response.and_then(|r| r.preprocess.as_ref()),
                response.and_then(|r| r.preprocess_file.as_ref()),
                "preprocess",
            ),
        ];
        for (kind, inline, file, key) in written {
            if let (Some(_), Some(file)) = (inline, file) {
                let message = format!("a step takes one of `{key}` and `{key}_file`, not both");
                mistakes.add(mistakes.error_at("too-many-keys", &file.span, message).label("a second script"));
                continue;
            }
            let found = match (inline, file) {
                (Some(text), _) => Some(inline_source(text, mistakes)),
                (_, Some(path)) => file_source(path, around, mistakes),
                _ => None,
            };
            if let Some((text, file, first_line, indent, at)) = found {
                let id = ScriptId(u32::try_from(scripts.len()).unwrap_or(u32::MAX));
                let source =
                    script::Source { id, connector: connector.to_owned(), kind, text, file, first_line, indent };
                scripts.push(WrittenScript { step: index, kind, at, inline: inline.is_some(), source });
            }
        }
    }
    scripts
}

/// Text, file, first line, indentation and place of a script.
type Found = (String, String, u32, u32, Span);

fn inline_source(text: &Text, mistakes: &Mistakes) -> Found {
    let file = mistakes.file();
    let start = text.span_of(0..text.text.len().min(1)).start;
    let position = file.position(start);
    // Columns count characters from 1; what stands before the text on its first line is the indentation of all.
    let indent = position.column.saturating_sub(1);
    let name = file.path.display().to_string();
    (text.text.clone(), name, count(position.line), count(indent), text.span.clone())
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn file_source(path: &Text, around: Surroundings<'_>, mistakes: &mut Mistakes) -> Option<Found> {
    let full = beside(mistakes.file(), &path.text);
    let text = match (around.read_file)(&full) {
        Ok(bytes) if bytes.len() > SCRIPT_BYTES => Err("it is larger than 1 MiB".to_owned()),
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()),
        Err(why) => Err(why.to_string()),
    };
    match text {
        Ok(text) => Some((text, full.display().to_string(), 1, 0, path.span.clone())),
        Err(why) => {
            let message = format!("the script {} cannot be read: {why}", path.text);
            let mistake = mistakes.error_at("file-unreadable", &path.span, message);
            mistakes.add(mistake.help("paths are relative to the connector's file"));
            None
        }
    }
}

/// What the scripts read; one that does not compile is noted and then counts as one that reads nothing.
pub(super) fn understood(
    scripts: &[WrittenScript],
    reads: Vec<Result<Reads, script::Mistake>>,
    mistakes: &mut Mistakes,
) -> Vec<Reads> {
    let reads = reads.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
    scripts
        .iter()
        .zip(reads)
        .map(|(written, reads)| match reads {
            Some(Ok(reads)) => {
                dropped_rejections(written, &reads, mistakes);
                reads
            }
            Some(Err(mistake)) => {
                let at = Place { line: mistake.line, column: mistake.column };
                let message = format!("the script does not compile: {}", mistake.message);
                let diagnostic = in_script(written, "script", at, &message, mistakes);
                mistakes.add(diagnostic.help("docs/scripts.md lists what scripts may use"));
                Reads::default()
            }
            None => Reads::default(),
        })
        .collect()
}

/// `code_util.reject(…)` only makes what is to be thrown. A script that drops it lets the login go on.
fn dropped_rejections(written: &WrittenScript, reads: &Reads, mistakes: &mut Mistakes) {
    // What a preprocess script returns is its document, so there it is not dropped: it fails as one.
    let returned = reads.rejects_returned.iter().filter(|_| written.source.kind == Kind::Variables);
    let found = (reads.rejects_dropped.iter().map(|place| (place, "it is made and dropped")))
        .chain(returned.map(|place| (place, "what a variables script returns is not looked at")));
    for (place, label) in found {
        let message = "`code_util.reject` does nothing unless it is thrown: the login goes on";
        let warning = in_script(written, "reject-not-thrown", *place, message, mistakes).as_warning();
        mistakes.add(warning.label(label).help("write `throw code_util.reject(…)`"));
    }
}

/// A mistake at `place`, a place of the file that the script stands in. Of a file of its own no line is shown, so the
/// message names it.
fn in_script(
    written: &WrittenScript,
    code: &'static str,
    place: Place,
    message: &str,
    mistakes: &Mistakes,
) -> Diagnostic {
    if written.inline {
        let at = Position { line: place.line as usize, column: place.column as usize };
        let span = mistakes.file().span_of(at).unwrap_or_else(|| written.at.clone());
        mistakes.error_at(code, &span, message)
    } else {
        let message = format!("{message} ({} line {} column {})", written.source.file, place.line, place.column);
        mistakes.error_at(code, &written.at, message)
    }
}
