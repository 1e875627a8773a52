//! Written text to templates: finds holes and settings, reads variables and filters, collects all mistakes.

use crate::context::Variable;
use crate::crypto::charset::charset;
use crate::crypto::digest::Algorithm;
use crate::diagnostic::did_you_mean;
use crate::document::{Number, Value};

use super::cursor::{Cursor, Spanned};
use super::date::DatePattern;
use super::filter::{Filter, Kind, Output};
use super::hole::Hole;
use super::mistake::Mistake;
use super::{Language, Piece, Setting, Template};

/// The filters that are not digests, for "did you mean".
const FILTERS: [&str; 16] = [
    "base64",
    "base64url",
    "hex",
    "unhex",
    "urlencode",
    "urldecode",
    "upper",
    "lower",
    "trim",
    "first",
    "string",
    "json",
    "xml",
    "quoted",
    "date",
    "encode",
];

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

fn variable(name: &Spanned<&str>) -> Result<Variable, Mistake> {
    Variable::parse(name.value).map_err(|error| {
        let known =
            error.known.iter().map(String::as_str).chain(["user.fields.", "env.", "secret.", "answer.", "steps."]);
        // A name without its space, as in `username`, is the commonest slip.
        let bare = error
            .known
            .iter()
            .map(String::as_str)
            .find(|known| known.split_once('.').is_some_and(|(_, rest)| rest == name.value));
        let meant = bare.map(str::to_owned).or_else(|| did_you_mean(name.value, known));
        suggest(Mistake::new("unknown-variable", name.range.clone(), error.to_string()), meant)
    })
}

fn suggest(mistake: Mistake, meant: Option<String>) -> Mistake {
    match meant {
        Some(meant) => mistake.help(format!("did you mean `{meant}`?")),
        None => mistake,
    }
}

/// An argument of a filter.
#[derive(Debug, Clone, PartialEq)]
enum Argument {
    Text(String),
    Word(String),
}

fn filter(cursor: &mut Cursor<'_>, language: &Language) -> Result<Filter, Mistake> {
    let name = cursor.word();
    let arguments = arguments(cursor)?;
    let range = name.range.start..cursor.at();
    Arguments { name: name.value, name_range: name.range, range, list: arguments }.filter(language)
}

fn arguments(cursor: &mut Cursor<'_>) -> Result<Vec<Argument>, Mistake> {
    let mut list = Vec::new();
    if !cursor.take("(") || cursor.take(")") {
        return Ok(list);
    }
    loop {
        if matches!(cursor.peek(), Some('"' | '\'')) {
            list.push(Argument::Text(cursor.quoted()?.value));
        } else {
            let word = cursor.word();
            if word.value.is_empty() {
                return Err(Mistake::new("hole-syntax", cursor.here(), "an argument should stand here"));
            }
            list.push(Argument::Word(word.value.to_owned()));
        }
        if cursor.take(")") {
            return Ok(list);
        }
        if !cursor.take(",") {
            return Err(Mistake::new("hole-syntax", cursor.here(), "`,` or `)` should stand here"));
        }
    }
}

/// A filter as written.
struct Arguments<'a> {
    name: &'a str,
    name_range: std::ops::Range<usize>,
    range: std::ops::Range<usize>,
    list: Vec<Argument>,
}

impl Arguments<'_> {
    fn filter(&self, language: &Language) -> Result<Filter, Mistake> {
        if let Some(algorithm) = algorithm(self.name) {
            return Ok(Filter::Digest(algorithm, self.output(0)?));
        }
        if let Some(algorithm) = self.name.strip_prefix("hmac_").and_then(algorithm) {
            let Some(Argument::Word(key)) = self.list.first() else {
                return Err(self.wrong("the key, as in hmac_sha256(secret.key)"));
            };
            let key = variable(&Spanned { value: key.as_str(), range: self.range.clone() })?;
            return Ok(Filter::Hmac(algorithm, key, self.output(1)?));
        }
        if let Some(filter) = self.plain() {
            return if self.list.is_empty() { Ok(filter) } else { Err(self.wrong("no argument")) };
        }
        match (self.name, self.list.as_slice()) {
            ("first", [Argument::Word(count)]) => {
                let count = count.parse().map_err(|_| self.wrong("a number of characters"))?;
                Ok(Filter::First(count))
            }
            ("first", _) => Err(self.wrong("a number of characters, as in first(6)")),
            ("date", [Argument::Text(pattern)]) => DatePattern::parse(pattern, language.time_zone.clone())
                .map(Filter::Date)
                .map_err(|bad| self.wrong("letters of y M d H h m s S a E Z X").label(bad.0)),
            ("date", _) => Err(self.wrong("a pattern, as in date(\"yyyyMMddHHmmss\")")),
            ("encode", [Argument::Text(label) | Argument::Word(label)]) => charset(label)
                .map(Filter::Encode)
                .map_err(|_| self.wrong("a charset such as \"gbk\", \"gb18030\" or \"big5\"")),
            ("encode", _) => Err(self.wrong("a charset, as in encode(\"gbk\")")),
            ("default", [argument]) => literal(argument)
                .map(Filter::Default)
                .ok_or_else(|| self.wrong("a text in quotes, a number, true, false or null")),
            ("default", _) => Err(self.wrong("one value, as in default(\"\")")),
            _ => Err(self.unknown()),
        }
    }

    fn plain(&self) -> Option<Filter> {
        Some(match self.name {
            "base64" => Filter::Write(Output::Base64),
            "base64url" => Filter::Write(Output::Base64Url),
            "hex" => Filter::Write(Output::Hex),
            "unhex" => Filter::Unhex,
            "urlencode" => Filter::UrlEncode,
            "urldecode" => Filter::UrlDecode,
            "upper" => Filter::Upper,
            "lower" => Filter::Lower,
            "trim" => Filter::Trim,
            "string" => Filter::String,
            "json" => Filter::Json,
            "xml" => Filter::Xml,
            // Whether it stands inside quotes is known when the value around it is compiled.
            "quoted" => Filter::Quoted { inside: false },
            _ => return None,
        })
    }

    /// The output format at `index`, hex when it is left out.
    fn output(&self, index: usize) -> Result<Output, Mistake> {
        let wanted = || self.wrong("hex, base64 or base64url as the output");
        match self.list.get(index) {
            None => Ok(Output::Hex),
            Some(Argument::Text(name) | Argument::Word(name)) if self.list.len() == index + 1 => {
                Output::parse(name).ok_or_else(wanted)
            }
            Some(_) => Err(wanted()),
        }
    }

    fn wrong(&self, wanted: &str) -> Mistake {
        Mistake::new("filter-argument", self.range.clone(), format!("`{}` takes {wanted}", self.name))
    }

    fn unknown(&self) -> Mistake {
        let digests: Vec<&str> = Algorithm::ALL.map(Algorithm::name).into();
        let macs: Vec<String> = digests.iter().map(|name| format!("hmac_{name}")).collect();
        let known = FILTERS.iter().copied().chain(["default"]).chain(digests).chain(macs.iter().map(String::as_str));
        let mistake =
            Mistake::new("unknown-filter", self.name_range.clone(), format!("there is no filter `{}`", self.name));
        suggest(mistake, did_you_mean(self.name, known))
    }
}

/// Filters have one spelling, unlike the names that scripts may use.
fn algorithm(name: &str) -> Option<Algorithm> {
    Algorithm::from_name(name).filter(|algorithm| algorithm.name() == name)
}

fn literal(argument: &Argument) -> Option<Value> {
    Some(match argument {
        Argument::Text(text) => Value::Text(text.clone()),
        Argument::Word(word) => match word.as_str() {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            number => Value::Number(Number::parse(number)?),
        },
    })
}
