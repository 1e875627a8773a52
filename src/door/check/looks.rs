//! Readings, compiled: those that are shipped, and one that a door writes out.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::HeaderName;

use super::Check;
use crate::diagnostic::{Diagnostics, SourceFile, did_you_mean};
use crate::document::{Path, Value};
use crate::door::look::{Look, LookOperator, LookTest, Reading};
use crate::door::raw::RawConsole;
use crate::door::raw::look::{BodyLook, OnTrouble, RawLook, RawReading};
use crate::reading::{Constant, Dict, FromNode as _, Text};
use crate::yaml;

/// Most consoles wait this long.
const USUAL_PATIENCE: Duration = Duration::from_secs(10);

const SHIPPED: &str = include_str!("../readings.yaml");

/// The shipped readings, in the order of their file.
pub fn readings() -> &'static [Reading] {
    static READINGS: OnceLock<Vec<Reading>> = OnceLock::new();
    READINGS.get_or_init(|| {
        let file = SourceFile { path: PathBuf::from("readings.yaml"), text: SHIPPED.to_owned() };
        let mut diagnostics = Diagnostics::new(Arc::new(file));
        let raw = yaml::parse(&mut diagnostics).and_then(|node| Dict::<RawReading>::read(&node, &mut diagnostics));
        let compiled = raw.into_iter().flat_map(|dict| dict.0);
        compiled.filter_map(|(name, raw)| compile(&name.value, &raw, &mut diagnostics)).collect()
    })
}

/// The shipped reading of this name.
pub fn named_reading(name: &str) -> Option<&'static Reading> {
    readings().iter().find(|reading| reading.name == name)
}

impl Check<'_> {
    pub(super) fn reading(&mut self) -> Option<Reading> {
        match &self.raw.console {
            RawConsole::Written(raw) => compile("this console", raw, self.diagnostics),
            RawConsole::Named(name) => {
                let known = named_reading(&name.text);
                if known.is_none() {
                    let all: Vec<&str> = readings().iter().map(|reading| reading.name.as_str()).collect();
                    let help = did_you_mean(&name.text, all.iter().copied()).map_or_else(
                        || format!("known: {}; or write the reading out", all.join(" ")),
                        |near| format!("did you mean `{near}`?"),
                    );
                    self.wrong("door-console", &name.span, format!("there is no reading `{}`", name.text), &help);
                }
                known.cloned()
            }
        }
    }
}

fn compile(name: &str, raw: &RawReading, diagnostics: &mut Diagnostics) -> Option<Reading> {
    let (accepts, refuses) = (look(&raw.accepts, diagnostics), look(&raw.refuses, diagnostics));
    // Each is compiled before any is given up, so that all mistakes are told.
    let asks = raw.asks.as_ref().map(|raw| look(raw, diagnostics));
    let trouble = raw.trouble.as_ref().map(|raw| look(raw, diagnostics));
    Some(Reading {
        name: name.to_owned(),
        who: raw.who.value,
        timeout: raw.timeout.as_ref().map_or(USUAL_PATIENCE, |span| span.value.0),
        body: raw.body.as_ref().map_or(BodyLook::Json, |word| word.value),
        accepts: accepts?,
        refuses: refuses?,
        asks: asks.map_or(Some(None), |look| look.map(Some))?,
        trouble: trouble.map_or(Some(None), |look| look.map(Some))?,
        on_trouble: raw.on_trouble.as_ref().map_or(OnTrouble::Refuses, |word| word.value),
        literal_or_table: raw.literal_or_table.iter().map(|part| part.text.clone()).collect(),
        source: raw.source.as_ref().map(|text| text.text.clone()),
        shown: raw.shown.as_ref().map(|text| text.text.clone()),
    })
}

fn look(raw: &RawLook, diagnostics: &mut Diagnostics) -> Option<Look> {
    let written = [
        raw.all.is_some(),
        raw.any.is_some(),
        raw.not.is_some(),
        raw.status.is_some(),
        raw.empty.is_some(),
        raw.header.is_some(),
        raw.field.is_some(),
    ];
    if written.iter().filter(|written| **written).count() != 1 {
        let message = "a look takes one of `all`, `any`, `not`, `status`, `empty`, `header` and `field`";
        let mistake = diagnostics.error_at("door-look", &raw.place.span, message);
        diagnostics.add(mistake.help("put several into a list: all: [ { … }, { … } ]"));
        return None;
    }
    let mut terms = |list: &[RawLook]| -> Option<Vec<Look>> {
        let terms: Vec<Option<Look>> = list.iter().map(|term| look(term, diagnostics)).collect();
        terms.into_iter().collect()
    };
    match raw {
        RawLook { all: Some(list), .. } => terms(list).map(Look::All),
        RawLook { any: Some(list), .. } => terms(list).map(Look::Any),
        RawLook { not: Some(term), .. } => look(term, diagnostics).map(|term| Look::Not(Box::new(term))),
        RawLook { status: Some(classes), .. } => Some(Look::Status(classes.iter().map(|it| it.value).collect())),
        RawLook { empty: Some(wanted), .. } => Some(Look::Empty(*wanted)),
        RawLook { header: Some(name), .. } => {
            let test = test(raw, diagnostics);
            let header = HeaderName::from_bytes(name.text.as_bytes()).ok();
            if header.is_none() {
                bad_part(name, "is no name of a header", diagnostics);
            }
            Some(Look::Header(header?, test?))
        }
        RawLook { field: Some(name), .. } => {
            let test = test(raw, diagnostics);
            let path = Path::parse(&name.text).ok().filter(|path| !path.filters());
            if path.is_none() {
                bad_part(name, "is no path to one field", diagnostics);
            }
            Some(Look::Field(path?, test?))
        }
        _ => None,
    }
}

fn bad_part(name: &Text, why: &str, diagnostics: &mut Diagnostics) {
    let mistake = diagnostics.error_at("door-look", &name.span, format!("`{}` {why}", name.text));
    diagnostics.add(mistake.help("a field is code, data.token or list[0].x; quote odd names: \"reply:State\""));
}

fn test(raw: &RawLook, diagnostics: &mut Diagnostics) -> Option<LookTest> {
    let operators: Vec<LookOperator> = [
        raw.equals.as_ref().map(|one| LookOperator::In(vec![value(one)])),
        raw.r#in.as_ref().map(|list| LookOperator::In(list.iter().map(value).collect())),
        raw.starts_with.as_ref().map(|text| LookOperator::StartsWith(text.text.clone())),
        raw.contains.as_ref().map(|text| LookOperator::Contains(text.text.clone())),
        raw.exists.map(LookOperator::Exists),
    ]
    .into_iter()
    .flatten()
    .collect();
    let Ok([asks]) = <[LookOperator; 1]>::try_from(operators) else {
        let message = "a header or a field takes one of `equals`, `in`, `starts_with`, `contains` and `exists`";
        let mistake = diagnostics.error_at("door-look", &raw.place.span, message);
        diagnostics.add(mistake.help("write one: { field: code, equals: 200 }"));
        return None;
    };
    Some(LookTest { asks, ignore_case: raw.ignore_case.unwrap_or(false) })
}

/// A constant as a value.
pub(super) fn value(constant: &Constant) -> Value {
    match constant {
        Constant::Null(_) => Value::Null,
        Constant::Bool(flag) => Value::Bool(flag.value),
        Constant::Number(number) => Value::Number(number.value.clone()),
        Constant::Text(text) => Value::Text(text.text.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_reading_loads_and_says_where_it_is_seen() {
        let written = SHIPPED.lines().filter(|line| line.ends_with(':') && !line.starts_with([' ', '#'])).count();
        assert_eq!(readings().len(), written);
        for reading in readings() {
            assert!(reading.source.is_some() && reading.shown.is_some(), "{}", reading.name);
        }
    }
}
