//! Groups connectors that share workers, by the size of their scripts.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::super::source::Source;

/// Most bytes of different texts in one group: some thousand ordinary scripts, or two libraries of the size of
/// CryptoJS, about 20 MiB of a worker. The scripts of one connector always stay together.
const MAX_GROUP: usize = 512 * 1024;

/// CPU time to compile that counts as much as a full group: a connector with more gets workers of its own, so that no
/// other connector waits for their start. The compiler is quadratic in some inputs: 100 KiB of text may take a second.
const FULL_GROUP_TIME: Duration = Duration::from_millis(250);

/// The groups, as indices into `sources`. Connectors are added from the cheapest to the most expensive, so that
/// ordinary ones do not share workers with those that paste libraries when all do not fit into one group.
pub(super) fn groups(sources: &[Source]) -> Vec<Vec<usize>> {
    let mut connectors: Vec<(&str, Vec<usize>, usize)> = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        match connectors.iter_mut().rev().find(|(name, ..)| *name == source.connector) {
            Some((_, of_it, size)) => {
                of_it.push(index);
                *size += weight(source);
            }
            None => connectors.push((&source.connector, vec![index], weight(source))),
        }
    }
    connectors.sort_by_key(|(_, _, size)| *size);
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let (mut texts, mut held): (HashSet<&str>, usize) = (HashSet::new(), 0);
    for (_, of_it, _) in connectors {
        let new: HashMap<&str, usize> =
            of_it.iter().map(|index| (sources[*index].text.as_str(), weight(&sources[*index]))).collect();
        let more: usize = new.iter().filter(|(text, _)| !texts.contains(*text)).map(|(_, weight)| weight).sum();
        if groups.is_empty() || held + more > MAX_GROUP {
            let all = new.values().sum();
            groups.push(of_it);
            (texts, held) = (new.into_keys().collect(), all);
        } else if let Some(last) = groups.last_mut() {
            last.extend(of_it);
            texts.extend(new.into_keys());
            held += more;
        }
    }
    groups
}

/// Bytes of text, plus the time to compile expressed in bytes.
fn weight(source: &Source) -> usize {
    let part = source.compiling.as_micros() * MAX_GROUP as u128 / FULL_GROUP_TIME.as_micros();
    source.text.len().saturating_add(usize::try_from(part).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{ScriptId, ScriptKind};

    fn source(connector: &str, text: String) -> Source {
        let (id, kind, file) = (ScriptId(0), ScriptKind::Variables, String::new());
        let compiling = Duration::ZERO;
        Source { id, connector: connector.to_owned(), kind, text, file, first_line: 1, indent: 0, compiling }
    }

    #[test]
    fn ordinary_scripts_share_one_group_and_libraries_do_not_crowd_them() {
        let library = |n: usize| source(&format!("lib{n}"), format!("// {n}{}", "x".repeat(200 * 1024)));
        let mut sources: Vec<Source> = (0..5).map(library).collect();
        sources.extend((0..1000).map(|n| source(&format!("c{n}"), format!("env.n = {n}"))));
        sources.push(source("large", "y".repeat(900 * 1024)));
        sources.push(source("large", "z".repeat(900 * 1024)));
        let groups = groups(&sources);
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [1002, 2, 1, 2]);
        assert_eq!(groups[3], [1005, 1006], "the scripts of a connector stay together");
    }

    #[test]
    fn a_connector_that_takes_long_to_compile_has_workers_of_its_own() {
        let mut sources: Vec<Source> = (0..10).map(|n| source(&format!("c{n}"), format!("env.n = {n}"))).collect();
        for slow in [2, 7] {
            sources[slow].compiling = FULL_GROUP_TIME;
        }
        sources[4].compiling = FULL_GROUP_TIME / 4;
        assert_eq!(groups(&sources).iter().map(Vec::len).collect::<Vec<_>>(), [8, 1, 1]);
    }

    #[test]
    fn an_equal_text_is_held_once() {
        let sources: Vec<Source> = (0..45).map(|n| source(&format!("c{n}"), "x".repeat(200 * 1024))).collect();
        assert_eq!(groups(&sources).len(), 1);
    }
}
