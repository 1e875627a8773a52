//! The scripts of a connector: where they are written, and what is wrong in their own text.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Check, LoadContext, WrittenScript, beside};
use crate::connector::raw::{self, NamedScript, ScriptUse, Spanned, Text};
use crate::context::Variable;
use crate::diagnostic::{Diagnostic, Diagnostics, Position, Span, did_you_mean};
use crate::script::{self, Reads, ScriptId, ScriptKind, ScriptPosition};

/// A script file larger than this is none; CryptoJS as one file has 200 KiB.
const SCRIPT_BYTES: usize = 1 << 20;

const NO_TEMPLATE: &str = "a script is no template: a setting is settings.name, a secret secret.name, without braces";

/// The scripts of all steps, in order. One that several steps use is there for each of them.
pub(super) fn written(
    raw: &raw::Connector,
    connector: &str,
    load: LoadContext<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<WrittenScript> {
    let mut shared = Shared::read(raw, load, diagnostics);
    let mut scripts = Vec::new();
    for (index, step) in raw.steps.iter().enumerate() {
        let response = step.response.as_ref();
        let written = [
            (ScriptKind::Variables, step.variables.as_ref(), step.variables_file.as_ref(), "variables"),
            (
                ScriptKind::Preprocess,
                response.and_then(|r| r.preprocess.as_ref()),
                response.and_then(|r| r.preprocess_file.as_ref()),
                "preprocess",
            ),
        ];
        for (kind, given, file, key) in written {
            if let (Some(_), Some(file)) = (given, file) {
                let message = format!("a step takes one of `{key}` and `{key}_file`, not both");
                let mistake = diagnostics.error_at("too-many-keys", &file.span, message).label("a second script");
                diagnostics.add(mistake.help("keep one of them"));
                continue;
            }
            let found = match (given, file) {
                (Some(ScriptUse::Inline(text)), _) => Some(inline_source(text, diagnostics)),
                (Some(ScriptUse::Shared(used)), _) => shared.source(&used.script, diagnostics),
                (_, Some(path)) => file_source(path, load, diagnostics),
                _ => None,
            };
            if let Some(ScriptText { text, file, first_line, indent, at, inline }) = found {
                let id = ScriptId(u32::try_from(scripts.len()).unwrap_or(u32::MAX));
                let (connector, compiling) = (connector.to_owned(), Duration::ZERO);
                let source = script::Source { id, connector, kind, text, file, first_line, indent, compiling };
                scripts.push(WrittenScript { step: index, kind, at, inline, source });
            }
        }
    }
    shared.refuse_unused(diagnostics);
    scripts
}

/// The scripts under `scripts:`.
struct Shared<'a> {
    list: Vec<(&'a Spanned<String>, Option<ScriptText>)>,
    used: BTreeSet<String>,
}

impl<'a> Shared<'a> {
    fn read(raw: &'a raw::Connector, load: LoadContext<'_>, diagnostics: &mut Diagnostics) -> Self {
        let list = raw.scripts.iter().map(|(name, script)| {
            let found = match script {
                NamedScript::Inline(text) => Some(inline_source(text, diagnostics)),
                NamedScript::File(written) => file_source(&written.file, load, diagnostics),
            };
            (name, found)
        });
        Self { list: list.collect(), used: BTreeSet::new() }
    }

    /// The script that a step names. What is wrong with a name in it is shown where it is used.
    fn source(&mut self, name: &Text, diagnostics: &mut Diagnostics) -> Option<ScriptText> {
        let Some((_, found)) = self.list.iter().find(|(known, _)| known.value == name.text) else {
            let message = format!("there is no script `{}`", name.text);
            let mistake = diagnostics.error_at("unknown-script", &name.span, message);
            let known = self.list.iter().map(|(known, _)| known.value.as_str());
            diagnostics.add(match did_you_mean(&name.text, known) {
                Some(near) => {
                    // That it is not used is the same mistake.
                    self.used.insert(near.clone());
                    mistake.help(format!("did you mean `{near}`?"))
                }
                None => {
                    mistake.help(format!("write it under scripts: {{ {}: … }}, or the script itself here", name.text))
                }
            });
            return None;
        };
        self.used.insert(name.text.clone());
        found.clone().map(|found| ScriptText { at: name.span.clone(), ..found })
    }

    fn refuse_unused(&self, diagnostics: &mut Diagnostics) {
        for (name, _) in self.list.iter().filter(|(name, _)| !self.used.contains(&name.value)) {
            let message = format!("no step uses the script `{}`", name.value);
            let warning = diagnostics.error_at("unused-script", &name.span, message).as_warning();
            let help = format!("use it as variables: {{ script: {} }}, or take it out", name.value);
            diagnostics.add(warning.label("it is not even compiled").help(help));
        }
    }
}

/// A script, and where it stands.
#[derive(Clone)]
struct ScriptText {
    text: String,
    file: String,
    first_line: u32,
    indent: u32,
    /// Where a mistake of the whole script is shown.
    at: Span,
    /// Whether its lines are lines of the connector file.
    inline: bool,
}

fn inline_source(text: &Text, diagnostics: &Diagnostics) -> ScriptText {
    let file = diagnostics.file();
    let start = text.span_of(0..text.text.len().min(1)).start;
    let position = file.position(start);
    ScriptText {
        text: text.text.clone(),
        file: file.path.display().to_string(),
        first_line: count(position.line),
        // Columns count characters from 1; what stands before the text on its first line is the indentation of all.
        indent: count(position.column.saturating_sub(1)),
        at: text.span.clone(),
        inline: true,
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn file_source(path: &Text, load: LoadContext<'_>, diagnostics: &mut Diagnostics) -> Option<ScriptText> {
    let full = beside(diagnostics.file(), &path.text);
    let text = match (load.read_file)(&full) {
        Ok(bytes) if bytes.len() > SCRIPT_BYTES => Err("it is larger than 1 MiB".to_owned()),
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()),
        Err(why) => Err(why.to_string()),
    };
    match text {
        Ok(text) => Some(ScriptText {
            text,
            file: full.display().to_string(),
            first_line: 1,
            indent: 0,
            at: path.span.clone(),
            inline: false,
        }),
        Err(why) => {
            let message = format!("the script {} cannot be read: {why}", path.text);
            let mistake = diagnostics.error_at("file-unreadable", &path.span, message);
            diagnostics.add(mistake.help("paths are relative to the connector's file"));
            None
        }
    }
}

/// What the scripts read; one that does not compile is noted and then counts as one that reads nothing.
pub(super) fn understood(
    scripts: &[WrittenScript],
    reads: Vec<Result<Reads, script::CompileError>>,
    diagnostics: &mut Diagnostics,
) -> Vec<Reads> {
    let reads = reads.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
    let each = scripts.iter().zip(reads).enumerate().map(|(index, (written, reads))| {
        // What is wrong in a script that several steps use is reported once.
        let reported = scripts[..index].iter().any(|earlier| earlier.is_same_text(written));
        match reads {
            Some(Ok(reads)) => {
                if !reported {
                    dropped_rejections(written, &reads, diagnostics);
                }
                reads
            }
            Some(Err(mistake)) if !reported => {
                does_not_compile(written, &mistake, diagnostics);
                Reads::default()
            }
            _ => Reads::default(),
        }
    });
    each.collect()
}

fn does_not_compile(written: &WrittenScript, mistake: &script::CompileError, diagnostics: &mut Diagnostics) {
    let at = ScriptPosition { line: mistake.line, column: mistake.column };
    let message = format!("the script does not compile: {}", mistake.message);
    let diagnostic = in_script(written, "script", at, &message, diagnostics);
    let line = mistake.line.saturating_sub(written.source.first_line) as usize;
    let line = written.source.text.lines().nth(line).unwrap_or_default();
    diagnostics.add(if line.contains("${") || line.contains("{{") {
        diagnostic.help(NO_TEMPLATE)
    } else {
        diagnostic.help("docs/scripts.md lists what scripts may use")
    });
}

/// A script is no template: settings and holes in its texts would be sent as they stand there.
pub(super) fn no_template(check: &Check<'_>, diagnostics: &mut Diagnostics) {
    for (index, (written, reads)) in check.scripts.iter().zip(check.reads).enumerate() {
        if check.scripts[..index].iter().any(|earlier| earlier.is_same_text(written)) {
            continue;
        }
        for (name, place) in &reads.braced.names {
            let hole = Variable::parse(name).is_ok();
            if !hole && check.raw.settings.get(name).is_none() {
                continue;
            }
            let (code, shown, instead) = if hole {
                ("hole-in-script", format!("{{{{{name}}}}}"), name.clone())
            } else {
                ("setting-in-script", format!("${{{name}}}"), format!("settings.{name}"))
            };
            let message = format!("`{shown}` in a script stays as it is: a script is no template");
            let mistake = in_script(written, code, *place, &message, diagnostics).help(format!(
                "write {instead} outside the quotes, as in {instead} + \"/login\"; in backquotes ${{{instead}}}"
            ));
            diagnostics.add(if hole { mistake.as_warning() } else { mistake });
        }
    }
}

/// `code_util.reject(…)` only makes what is to be thrown. A script that drops it lets the login go on.
fn dropped_rejections(written: &WrittenScript, reads: &Reads, diagnostics: &mut Diagnostics) {
    // What a preprocess script returns is its document, so there it is not dropped: it fails as one.
    let returned = reads.rejects_returned.iter().filter(|_| written.source.kind == ScriptKind::Variables);
    let found = (reads.rejects_dropped.iter().map(|place| (place, "it is made and dropped")))
        .chain(returned.map(|place| (place, "what a variables script returns is not looked at")));
    for (place, label) in found {
        let message = "`code_util.reject` does nothing unless it is thrown: the login goes on";
        let warning = in_script(written, "reject-not-thrown", *place, message, diagnostics).as_warning();
        diagnostics.add(warning.label(label).help("write `throw code_util.reject(…)`"));
    }
}

/// A mistake at `place`, a place of the file that the script stands in. Of a file of its own no line is shown, so the
/// message names it.
pub(super) fn in_script(
    written: &WrittenScript,
    code: &'static str,
    place: ScriptPosition,
    message: &str,
    diagnostics: &Diagnostics,
) -> Diagnostic {
    if written.inline {
        let at = Position { line: place.line as usize, column: place.column as usize };
        let span = diagnostics.file().span_of(at).unwrap_or_else(|| written.at.clone());
        diagnostics.error_at(code, &span, message)
    } else {
        let message = format!("{message} ({} line {} column {})", written.source.file, place.line, place.column);
        diagnostics.error_at(code, &written.at, message)
    }
}
