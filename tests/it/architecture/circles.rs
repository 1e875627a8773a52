//! No two files use each other, directly or round about: a file can be read after those that it uses.
//!
//! The rule. A file uses another when a path in its code (a `use`, or a path where it is called) leads to an item that the
//! other one defines. `pub use` is followed to the file with the definition and is itself no use; so is `mod x;`. So a
//! parent may declare and use its children, and they may use what it defines for all of them (a constant, a type): a use from
//! a child to its own parent does not count. Unit tests (in `mod tests`) are left out: they may use anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Names of modules from the crate's root. The binary's `cmd` is taken for a module beside those of the library.
type ModulePath = Vec<String>;

struct Source {
    name: String,
    text: String,
    /// What its paths lead to, before they are resolved.
    uses: Vec<ModulePath>,
    /// `pub use`: the name that others see, and what stands behind it. `*` for a glob.
    exports: Vec<(String, ModulePath)>,
}

struct Tree(BTreeMap<ModulePath, Source>);

impl Tree {
    fn read(root: &Path) -> Self {
        let mut files = Vec::new();
        super::sources(root, &mut files);
        let mut sources = BTreeMap::new();
        for file in files {
            let name = file.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let mut module: ModulePath = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
            if module.iter().any(|part| part == "tests") {
                continue;
            }
            if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
                module.pop();
            }
            if name == "main.rs" {
                continue;
            }
            let text = code_of(&std::fs::read_to_string(&file).unwrap());
            sources.insert(module, Source { name, text, uses: Vec::new(), exports: Vec::new() });
        }
        let mut tree = Self(sources);
        for module in tree.0.keys().cloned().collect::<Vec<_>>() {
            let (uses, exports) = tree.paths_of(&module);
            let source = tree.0.get_mut(&module).unwrap();
            (source.uses, source.exports) = (uses, exports);
        }
        tree
    }

    /// A path as it stands in `module`, from the root; `None` when it leads out of the crate.
    fn rooted(&self, module: &ModulePath, path: &[String]) -> Option<ModulePath> {
        let (mut base, mut rest) = match path.first()?.as_str() {
            "crate" | "doorward" => (Vec::new(), &path[1..]),
            "self" => (module.clone(), &path[1..]),
            "super" => (module[..module.len().checked_sub(1)?].to_vec(), &path[1..]),
            child => {
                let own = [module.as_slice(), &[child.to_owned()]].concat();
                return self.0.contains_key(&own).then(|| [module.as_slice(), path].concat());
            }
        };
        while rest.first().is_some_and(|part| part == "super") {
            base.pop();
            rest = &rest[1..];
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    fn paths_of(&self, module: &ModulePath) -> (Vec<ModulePath>, Vec<(String, ModulePath)>) {
        let (mut uses, mut exports) = (Vec::new(), Vec::new());
        let mut aliases: BTreeMap<String, ModulePath> = BTreeMap::new();
        let (statements, code) = use_statements(&self.0[module].text);
        for (public, statement) in statements {
            for (path, name) in leaves(&statement) {
                let Some(path) = self.rooted(module, &path) else { continue };
                if public {
                    exports.push((name, path));
                } else if self.0.contains_key(&path) {
                    aliases.insert(name, path);
                } else {
                    uses.push(path);
                }
            }
        }
        for path in paths_in(&code) {
            match aliases.get(&path[0]) {
                Some(alias) => uses.push([alias.as_slice(), &path[1..]].concat()),
                None => uses.extend(self.rooted(module, &path)),
            }
        }
        (uses, exports)
    }

    /// The module whose file defines what `path` names.
    fn definition(&self, path: &ModulePath, depth: usize) -> Option<&ModulePath> {
        let deepest = (0..=path.len()).rev().find_map(|length| self.0.get_key_value(&path[..length]))?;
        let (module, source) = deepest;
        let Some(item) = path.get(module.len()).filter(|_| depth < 8) else { return Some(module) };
        let named = source.exports.iter().find(|(name, _)| name == item);
        if let Some((_, target)) = named {
            let rest = &path[module.len() + 1..];
            return self.definition(&[target.as_slice(), rest].concat(), depth + 1);
        }
        let globs = source.exports.iter().filter(|(name, _)| name == "*");
        for (_, target) in globs {
            let target = [&target[..target.len() - 1], std::slice::from_ref(item)].concat();
            let found = self.definition(&target, depth + 1)?;
            if self.0[found].text.contains(&format!(" {item}")) {
                return Some(found);
            }
        }
        Some(module)
    }

    /// File to files.
    fn graph(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut graph = BTreeMap::new();
        for (module, source) in &self.0 {
            let targets = source.uses.iter().filter_map(|path| self.definition(path, 0));
            let targets = targets.filter(|target| target.is_empty() || !module.starts_with(target));
            let names = targets.map(|module| self.0[module].name.as_str()).filter(|name| *name != source.name);
            graph.insert(source.name.as_str(), names.collect());
        }
        graph
    }
}

/// Without comments, texts and unit tests, which stand at the end of a file.
fn code_of(text: &str) -> String {
    let text = text.find("#[cfg(test)]\nmod tests {").map_or(text, |end| &text[..end]);
    let mut code = String::with_capacity(text.len());
    for line in text.lines() {
        let mut quoted = false;
        let mut before = ' ';
        for (at, c) in line.char_indices() {
            if !quoted && line[at..].starts_with("//") {
                break;
            }
            if c == '"' && before != '\\' && before != '\'' {
                quoted = !quoted;
            } else if !quoted {
                code.push(c);
            }
            before = c;
        }
        code.push('\n');
    }
    code
}

/// The `use` statements, with whether each is a re-export, and the code without them.
fn use_statements(code: &str) -> (Vec<(bool, String)>, String) {
    let (mut statements, mut rest, mut open) = (Vec::new(), String::new(), None::<(bool, String)>);
    for line in code.lines() {
        let trimmed = line.trim_start();
        if open.is_none() {
            let after_pub = trimmed.strip_prefix("pub").map(|rest| match rest.strip_prefix('(') {
                Some(restricted) => restricted.split_once(')').map_or("", |(_, rest)| rest),
                None => rest,
            });
            let (public, statement) = (after_pub.is_some(), after_pub.unwrap_or(trimmed).trim_start());
            if let Some(statement) = statement.strip_prefix("use ") {
                open = Some((public, statement.to_owned()));
            } else {
                rest.push_str(line);
                rest.push('\n');
            }
        } else if let Some((_, statement)) = &mut open {
            statement.push_str(trimmed);
        }
        if open.as_ref().is_some_and(|(_, statement)| statement.trim_end().ends_with(';'))
            && let Some((public, statement)) = open.take()
        {
            statements.push((public, statement.trim_end().trim_end_matches(';').replace([' ', '\n'], "\u{1}")));
        }
    }
    (statements, rest)
}

/// Every path of a tree of `use`, with the name that it gets.
fn leaves(statement: &str) -> Vec<(ModulePath, String)> {
    let statement = statement.trim_matches('\u{1}');
    if let Some((head, group)) = statement.split_once('{') {
        let group = group.strip_suffix('}').unwrap_or(group);
        let head: ModulePath =
            head.trim_end_matches("::").split("::").filter(|s| !s.is_empty()).map(str::to_owned).collect();
        let mut all = Vec::new();
        for part in split_outside(group) {
            for (path, name) in leaves(part) {
                let own = path == ["self"];
                let path = if own { head.clone() } else { [head.as_slice(), &path].concat() };
                let name = if own && name == "self" { head.last().cloned().unwrap_or_default() } else { name };
                all.push((path, name));
            }
        }
        return all;
    }
    if statement.is_empty() {
        return Vec::new();
    }
    let (path, alias) = match statement.split_once("\u{1}as\u{1}") {
        Some((path, alias)) => (path, Some(alias)),
        None => (statement, None),
    };
    let path: ModulePath = path.split("::").map(str::to_owned).collect();
    let name = alias.map_or_else(|| path.last().cloned().unwrap_or_default(), str::to_owned);
    vec![(path, name)]
}

fn split_outside(group: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&group[start..]);
    parts
}

/// Paths of two or more names in code.
fn paths_in(code: &str) -> Vec<ModulePath> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut paths = Vec::new();
    let mut path: ModulePath = Vec::new();
    let mut rest = code;
    while !rest.is_empty() {
        let word = &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())];
        if word.is_empty() {
            let c = rest.chars().next().unwrap();
            rest = &rest[c.len_utf8()..];
            continue;
        }
        path.push(word.to_owned());
        rest = &rest[word.len()..];
        if let Some(after) = rest.strip_prefix("::").filter(|after| after.starts_with(is_word)) {
            rest = after;
        } else {
            let whole = std::mem::take(&mut path);
            if whole.len() > 1 {
                paths.push(whole);
            }
        }
    }
    paths
}

/// Strongly connected components of more than one file (Tarjan).
fn circles<'a>(graph: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<Vec<&'a str>> {
    let mut search =
        Search { graph, numbers: BTreeMap::new(), low: BTreeMap::new(), stack: Vec::new(), found: Vec::new() };
    for file in graph.keys() {
        if !search.numbers.contains_key(file) {
            search.visit(file);
        }
    }
    search.found.iter_mut().for_each(|circle| circle.sort_unstable());
    search.found.sort_unstable();
    search.found
}

struct Search<'a, 'g> {
    graph: &'g BTreeMap<&'a str, BTreeSet<&'a str>>,
    numbers: BTreeMap<&'a str, usize>,
    low: BTreeMap<&'a str, usize>,
    stack: Vec<&'a str>,
    found: Vec<Vec<&'a str>>,
}

impl<'a> Search<'a, '_> {
    fn visit(&mut self, file: &'a str) {
        let number = self.numbers.len();
        self.numbers.insert(file, number);
        let mut low = number;
        self.stack.push(file);
        for next in self.graph.get(file).into_iter().flatten() {
            if !self.numbers.contains_key(next) {
                self.visit(next);
                low = low.min(self.low[next]);
            } else if self.stack.contains(next) {
                low = low.min(self.numbers[next]);
            }
        }
        self.low.insert(file, low);
        if low == number {
            let at = self.stack.iter().position(|other| *other == file).unwrap();
            let circle = self.stack.split_off(at);
            if circle.len() > 1 {
                self.found.push(circle);
            }
        }
    }
}

#[test]
fn no_files_use_each_other() {
    let tree = Tree::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let graph = tree.graph();
    let mut faults = Vec::new();
    for circle in circles(&graph) {
        let edges = circle.iter().flat_map(|file| {
            let inside = graph[file].iter().filter(|other| circle.contains(other));
            inside.map(move |other| format!("\n    {file} uses {other}"))
        });
        faults.push(format!("a circle of {} files:{}", circle.len(), edges.collect::<String>()));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The test itself sees circles: through re-exports, groups, aliases of modules and paths in code.
#[test]
fn circles_are_seen_whatever_way_they_are_written() {
    for (a, b, circle) in [
        ("use super::b::B;", "use crate::m::a::A;", true),
        ("use super::B;", "use super::a::A;", true),
        ("use super::{b::{self, C}, d};\nfn f() { b::g() }", "fn g() -> super::a::A { }", true),
        ("use crate::m::b as other;\nfn f() { other::g() }", "use super::A;", true),
        ("use super::B;", "use super::Small;", false),
        ("pub use super::b::B;", "use super::a::A;", false),
        ("// use super::b::B;\nconst S: &str = \"crate::m::b::B\";", "use super::a::A;", false),
        ("use super::b::B;", "#[cfg(test)]\nmod tests {\n    use super::super::a::A;\n}", false),
    ] {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(root.path().join(name), text).unwrap();
        std::fs::create_dir(root.path().join("m")).unwrap();
        write("lib.rs", "mod m;");
        write("m/mod.rs", "mod a;\nmod b;\npub use a::A;\npub(crate) use b::B;\nstruct Small;");
        write("m/a.rs", a);
        write("m/b.rs", b);
        let tree = Tree::read(root.path());
        assert_eq!(circles(&tree.graph()), if circle { vec![vec!["m/a.rs", "m/b.rs"]] } else { vec![] }, "{a} | {b}");
    }
}
