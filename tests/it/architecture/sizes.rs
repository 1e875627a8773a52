//! The sizes of the house (docs/contributing.md): no file over 400 lines, no function over 60.

use std::path::{Path, PathBuf};

const MOST_LINES_OF_A_FILE: usize = 400;
const MOST_LINES_OF_A_FUNCTION: usize = 60;

/// Files that may be longer, and why.
const LONG_FILES: &[(&str, &str)] = &[];

/// Functions that may be longer, and why. A table of a test reads best in one piece.
const LONG_FUNCTIONS: &[(&str, &str)] = &[
    ("demo/src/tests.rs each_protocol_says_yes_and_no_and_malformed", "a table"),
    ("src/condition/tests.rs every_operator_on_every_kind_of_value", "a table"),
    ("tests/it/canary.rs no_password_leaves_the_daemon_except_to_its_upstream", "a table"),
    ("tests/it/canary/computed.rs a_rule_does_not_tell_a_credential_number_by_number", "a table"),
    ("tests/it/endings.rs a_name_is_taken_where_it_stands_and_owed_until_it_is_compared", "a table"),
    ("tests/it/fault_table/plays.rs on_the_wire", "a table"),
    ("tests/it/faults.rs replies_whose_framing_is_in_doubt", "a table"),
    ("tests/it/replies/hostile.rs near_text", "a table"),
    ("tests/it/script_styles.rs styles_of_real_scripts_work", "a table"),
    ("tests/it/server.rs every_verdict_has_its_status_header_and_body", "a table"),
];

fn sources() -> Vec<(String, String)> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["src", "demo/src", "tests", "examples"] {
        collect(&root.join(folder), &mut found);
    }
    found.sort();
    let name = |path: &PathBuf| path.strip_prefix(root).unwrap().display().to_string();
    found.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

fn is_listed(list: &[(&str, &str)], name: &str) -> bool {
    list.iter().any(|(listed, _)| *listed == name)
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let long: Vec<String> = sources()
        .iter()
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(name, lines)| *lines > MOST_LINES_OF_A_FILE && !is_listed(LONG_FILES, name))
        .map(|(name, lines)| format!("{name} has {lines} lines"))
        .collect();
    assert!(long.is_empty(), "split these (tests go to x/tests.rs):\n{}", long.join("\n"));
}

#[test]
fn no_function_is_longer_than_60_lines() {
    let mut long = Vec::new();
    let mut seen = 0;
    for (name, text) in sources() {
        for Function { name: function, line, lines } in functions(&text) {
            seen += 1;
            if lines > MOST_LINES_OF_A_FUNCTION && !is_listed(LONG_FUNCTIONS, &format!("{name} {function}")) {
                long.push(format!("{name}:{line} {function} has {lines} lines"));
            }
        }
    }
    assert!(seen > 4000, "only {seen} functions were found");
    assert!(long.is_empty(), "split these:\n{}", long.join("\n"));
}

/// An exception that no file and no function needs any more is taken out.
#[test]
fn every_exception_is_needed() {
    let sources = sources();
    let mut idle: Vec<&str> = Vec::new();
    for (listed, _) in LONG_FILES {
        let needed = |(name, text): &(String, String)| name == listed && text.lines().count() > MOST_LINES_OF_A_FILE;
        idle.extend((!sources.iter().any(needed)).then_some(*listed));
    }
    for (listed, _) in LONG_FUNCTIONS {
        let needed = sources.iter().any(|(name, text)| {
            let is_it = |it: &Function| it.lines > MOST_LINES_OF_A_FUNCTION && format!("{name} {}", it.name) == *listed;
            listed.starts_with(name) && functions(text).iter().any(is_it)
        });
        idle.extend((!needed).then_some(*listed));
    }
    assert!(idle.is_empty(), "take these out of the lists of tests/it/architecture/sizes.rs: {idle:#?}");
}

struct Function {
    name: String,
    line: usize,
    lines: usize,
}

/// Every function with a body, from the line of its `fn` to that of its closing brace.
fn functions(text: &str) -> Vec<Function> {
    let code = without_texts(text);
    let line_of = |at: usize| 1 + code[..at].bytes().filter(|byte| *byte == b'\n').count();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let name: String = code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let starts_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let mut brackets = 0_usize;
        // The semicolon of an array's type ends nothing.
        let open = code[at..].bytes().position(|byte| match byte {
            b'(' | b'[' => {
                brackets += 1;
                false
            }
            b')' | b']' => {
                brackets = brackets.saturating_sub(1);
                false
            }
            _ => brackets == 0 && matches!(byte, b'{' | b';'),
        });
        let Some(open) = open.map(|open| at + open) else { continue };
        if name.is_empty() || !starts_word || code.as_bytes()[open] == b';' {
            continue;
        }
        let mut depth = 0_usize;
        let close = code[open..].bytes().position(|byte| {
            depth = if byte == b'{' { depth + 1 } else { depth - usize::from(byte == b'}') };
            depth == 0
        });
        let close = open + close.expect("a function ends");
        found.push(Function { name, line: line_of(at), lines: line_of(close) - line_of(at) + 1 });
    }
    found
}

/// The code with what stands in comments, strings and characters blanked out, line by line as long as before.
fn without_texts(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = text_at(rest, code.ends_with(|c: char| c.is_alphanumeric() || c == '_'));
        let (skipped, after) = rest.split_at(length.unwrap_or(first.len_utf8()));
        if length.is_some() {
            code.extend(skipped.chars().map(|c| if c == '\n' { c } else { ' ' }));
        } else {
            code.push_str(skipped);
        }
        rest = after;
    }
    code
}

/// The bytes of the comment, string or character that begins here; `in_word` when a letter stands before.
fn text_at(rest: &str, in_word: bool) -> Option<usize> {
    let end_of = |from: usize, end: &str| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(end_of(2, "*/"));
    }
    let raw = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r')).filter(|_| !in_word);
    if let Some(hashes) = raw.map(|raw| raw.len() - raw.trim_start_matches('#').len())
        && raw?[hashes..].starts_with('"')
    {
        let from = rest.len() - raw?.len() + hashes + 1;
        return Some(end_of(from, &format!("\"{}", "#".repeat(hashes))));
    }
    if rest.starts_with('"') {
        return Some(escaped(rest, '"'));
    }
    // A lifetime has no second quote behind its first character.
    let is_character = rest.starts_with("'\\") || (rest.starts_with('\'') && rest.chars().nth(2) == Some('\''));
    is_character.then(|| escaped(rest, '\''))
}

/// The bytes up to the closing quote, over everything that a backslash escapes.
fn escaped(rest: &str, quote: char) -> usize {
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        if character == '\\' {
            characters.next();
        } else if character == quote {
            return at + 1;
        }
    }
    rest.len()
}

#[test]
fn functions_are_measured_over_strings_and_comments() {
    let text = "fn a<'x>(_: &'x str) {\n    let _ = \"} fn no() {\";\n    let _ = r#\"\n}\n\"#;\n    // }\n    let _ = ('{', '\\'', b'}');\n}\n\
                trait T { fn none(&self); }\nconst fn b(_: [u8; 2]) {}\n";
    let found: Vec<_> = functions(text).into_iter().map(|it| (it.name, it.line, it.lines)).collect();
    assert_eq!(found, [("a".to_owned(), 1, 8), ("b".to_owned(), 10, 1)]);
}
