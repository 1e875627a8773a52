//! Which connectors share workers: as many as their scripts together are small.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::super::source::Source;

/// Bytes of different texts that the workers of one crew hold compiled: some thousand ordinary scripts, or two libraries
/// of the size of CryptoJS, about 20 MiB of a worker. The scripts of one connector are never parted.
const TEXTS: usize = 512 * 1024;

/// CPU time to compile that counts as a whole group: a connector with more has workers of its own, whose start nobody else waits for.
/// The compiler takes the square of some things, so that 100 KiB of text may take a second.
const COMPILING: Duration = Duration::from_millis(250);

/// The sources of each group, by their places in `sources`, those with the least to compile first: who pastes no library
/// shares workers with nobody who does while there are too many of these for one group.
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
        if groups.is_empty() || held + more > TEXTS {
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

/// Bytes of text, and the time to compile as bytes.
fn weight(source: &Source) -> usize {
    let part = source.compiling.as_micros() * TEXTS as u128 / COMPILING.as_micros();
    source.text.len().saturating_add(usize::try_from(part).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Kind, ScriptId};

    fn source(connector: &str, text: String) -> Source {
        let (id, kind, file) = (ScriptId(0), Kind::Variables, String::new());
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
        assert_eq!(groups[3], [1005, 1006], "a connector is never parted");
    }

    #[test]
    fn who_takes_long_to_compile_has_workers_of_its_own() {
        let mut sources: Vec<Source> = (0..10).map(|n| source(&format!("c{n}"), format!("env.n = {n}"))).collect();
        for slow in [2, 7] {
            sources[slow].compiling = COMPILING;
        }
        sources[4].compiling = COMPILING / 4;
        assert_eq!(groups(&sources).iter().map(Vec::len).collect::<Vec<_>>(), [8, 1, 1]);
    }

    #[test]
    fn an_equal_text_is_held_once() {
        let sources: Vec<Source> = (0..45).map(|n| source(&format!("c{n}"), "x".repeat(200 * 1024))).collect();
        assert_eq!(groups(&sources).len(), 1);
    }
}
