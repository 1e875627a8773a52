//! Where a cursor stands in a text that need not be YAML yet: the keys above it, by indentation, brackets and quotes alone.
//!
//! The parser stops at the first mistake, and a text that is being typed has one nearly always. This scanner never stops; where it
//! is wrong, a completion is wrong, and nothing else.

/// A part of the way from the top to the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PathPart {
    Key(String),
    Item,
}

/// What may stand at the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlaceKind {
    Key,
    Value,
    /// Inside a text of several lines, or a comment.
    Text,
}

/// A place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CursorPlace {
    pub path: Vec<PathPart>,
    pub kind: PlaceKind,
    /// Keys that stand before it in the same map.
    pub siblings: Vec<String>,
    /// The name of the step in which it is.
    pub step: Option<String>,
}

/// A key of a text, wherever it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SeenKey {
    /// `steps[].response.capture`
    pub below: String,
    pub key: String,
    pub step: Option<String>,
}

/// A map or list that is open.
#[derive(Debug)]
struct Container {
    column: usize,
    is_list: bool,
    in_brackets: bool,
    key: Option<String>,
    seen: Vec<String>,
    /// What its `name` says.
    name: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Plain,
    /// Inside quotes.
    Quoted(char),
    /// Inside a text of several lines that is indented by more than this.
    Block(usize),
    Comment,
}

#[derive(Debug)]
struct Scanner {
    open: Vec<Container>,
    mode: Mode,
    keys: Vec<SeenKey>,
    collects: bool,
}

/// Where the end of `before` stands.
pub(super) fn place(before: &str) -> CursorPlace {
    let mut scanner = Scanner { open: Vec::new(), mode: Mode::Plain, keys: Vec::new(), collects: false };
    let mut kind = PlaceKind::Key;
    for line in before.trim_start_matches('\u{feff}').split('\n') {
        kind = scanner.line(line.trim_end_matches('\r'));
    }
    let siblings = match (kind, scanner.open.last()) {
        (PlaceKind::Key, Some(top)) => top.seen.clone(),
        _ => Vec::new(),
    };
    CursorPlace { path: scanner.path(kind), kind, siblings, step: scanner.step() }
}

/// All keys of a text.
pub(super) fn keys(text: &str) -> Vec<SeenKey> {
    let mut scanner = Scanner { open: Vec::new(), mode: Mode::Plain, keys: Vec::new(), collects: true };
    for line in text.trim_start_matches('\u{feff}').split('\n') {
        scanner.line(line.trim_end_matches('\r'));
    }
    scanner.keys
}

impl Scanner {
    /// Reads a line; gives what may stand at its end.
    fn line(&mut self, line: &str) -> PlaceKind {
        let content = line.trim_start_matches(' ');
        let column = line.len() - content.len();
        if self.mode == Mode::Comment {
            self.mode = Mode::Plain;
        }
        if let Mode::Block(indent) = self.mode {
            if content.is_empty() || column > indent {
                return PlaceKind::Text;
            }
            self.mode = Mode::Plain;
        }
        let continues = self.mode != Mode::Plain || self.open.last().is_some_and(|top| top.in_brackets);
        if continues {
            return self.value(content);
        }
        if content.starts_with('#') {
            return PlaceKind::Text;
        }
        self.block(line, column)
    }

    /// A line outside brackets and quotes: dashes, a key, a value.
    fn block(&mut self, line: &str, mut column: usize) -> PlaceKind {
        loop {
            let rest = &line[column..];
            let Some(after) = rest.strip_prefix('-').filter(|after| after.is_empty() || after.starts_with(' ')) else {
                break;
            };
            self.leave(column, false);
            if !self.open.last().is_some_and(|top| top.is_list && top.column == column) {
                self.enter(column, true, false);
            }
            column += 1 + after.len() - after.trim_start_matches(' ').len();
        }
        let rest = &line[column..];
        match key_of(rest) {
            Some((key, after)) => {
                self.leave(column, true);
                if !self.open.last().is_some_and(|top| !top.is_list && top.column == column) {
                    self.enter(column, false, false);
                }
                self.key(key);
                let value = after.trim_start_matches(' ');
                if is_block_header(value) {
                    self.mode = Mode::Block(column);
                    return PlaceKind::Value;
                }
                self.name(value);
                self.value(value);
                if after.is_empty() { PlaceKind::Text } else { self.end(PlaceKind::Value) }
            }
            None if rest.starts_with(['{', '[', '"', '\'']) => {
                self.value(rest);
                self.end(PlaceKind::Value)
            }
            // The beginning of a key, or nothing yet.
            None => {
                self.leave(column, true);
                if !self.open.last().is_some_and(|top| !top.is_list && top.column == column) {
                    self.enter(column, false, false);
                }
                PlaceKind::Key
            }
        }
    }

    /// A value, or what follows in brackets or quotes.
    fn value(&mut self, text: &str) -> PlaceKind {
        let (mut token, mut escaped) = (0, false);
        for (at, c) in text.char_indices() {
            match self.mode {
                Mode::Quoted(quote) => {
                    let closes = c == quote && !escaped;
                    escaped = c == '\\' && quote == '"' && !escaped;
                    if closes {
                        self.mode = Mode::Plain;
                    }
                    continue;
                }
                Mode::Comment | Mode::Block(_) => break,
                Mode::Plain => {}
            }
            let in_brackets = self.open.last().is_some_and(|top| top.in_brackets);
            let begins = text[token..at].trim().is_empty();
            match c {
                '"' | '\'' if begins => self.mode = Mode::Quoted(c),
                '#' if at == 0 || text[..at].ends_with(' ') => self.mode = Mode::Comment,
                '{' | '[' if begins => {
                    self.enter(usize::MAX, c == '[', true);
                    token = at + 1;
                }
                '}' | ']' if in_brackets => {
                    self.open.pop();
                    token = at + 1;
                }
                ',' if in_brackets => {
                    if let Some(top) = self.open.last_mut() {
                        top.key = None;
                    }
                    token = at + 1;
                }
                ':' if in_brackets && ends_key(&text[at + 1..]) => {
                    self.key(unquoted(text[token..at].trim()));
                    self.name(&text[at + 1..]);
                    token = at + 1;
                }
                _ => {}
            }
        }
        self.end(PlaceKind::Value)
    }

    /// What may stand where the text ends.
    fn end(&self, otherwise: PlaceKind) -> PlaceKind {
        if self.mode == Mode::Comment {
            return PlaceKind::Text;
        }
        match self.open.last() {
            Some(top) if top.in_brackets && !top.is_list && top.key.is_none() && self.mode == Mode::Plain => {
                PlaceKind::Key
            }
            _ => otherwise,
        }
    }

    /// Closes what does not hold a line that begins at `column`.
    fn leave(&mut self, column: usize, by_key: bool) {
        while self.open.last().is_some_and(|top| top.column > column || (by_key && top.is_list && top.column == column))
        {
            self.open.pop();
        }
    }

    fn enter(&mut self, column: usize, is_list: bool, in_brackets: bool) {
        self.open.push(Container { column, is_list, in_brackets, key: None, seen: Vec::new(), name: None });
    }

    fn key(&mut self, key: String) {
        if self.collects {
            let seen = SeenKey { below: self.below(), key: key.clone(), step: self.step() };
            self.keys.push(seen);
        }
        if let Some(top) = self.open.last_mut() {
            top.seen.push(key.clone());
            top.key = Some(key);
        }
    }

    /// The name of a step is known from its line on.
    fn name(&mut self, value: &str) {
        if let Some(top) = self.open.last_mut().filter(|top| top.key.as_deref() == Some("name")) {
            let word = value.trim_start().split([',', '}', '#']).next().unwrap_or_default().trim();
            top.name = Some(unquoted(word)).filter(|name| !name.is_empty());
        }
    }

    fn step(&self) -> Option<String> {
        let in_steps = self.open.first().is_some_and(|top| top.key.as_deref() == Some("steps"));
        self.open.get(2).filter(|_| in_steps).and_then(|step| step.name.clone())
    }

    fn path(&self, kind: PlaceKind) -> Vec<PathPart> {
        let mut path = Vec::new();
        for (at, container) in self.open.iter().enumerate() {
            let is_last = at + 1 == self.open.len();
            match &container.key {
                _ if container.is_list => path.push(PathPart::Item),
                Some(_) if is_last && kind == PlaceKind::Key => {}
                Some(key) => path.push(PathPart::Key(key.clone())),
                None => {}
            }
        }
        path
    }

    fn below(&self) -> String {
        let mut path = String::new();
        for (at, container) in self.open.iter().enumerate() {
            let is_last = at + 1 == self.open.len();
            match &container.key {
                _ if container.is_list => path.push_str("[]"),
                Some(key) if !is_last => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(key);
                }
                _ => {}
            }
        }
        path
    }
}

/// The key with which a line begins, and what follows its colon.
fn key_of(line: &str) -> Option<(String, &str)> {
    if let Some(quote) = line.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let end = line[1..].find(quote)? + 1;
        let after = line[end + 1..].trim_start().strip_prefix(':')?;
        return ends_key(after).then(|| (line[1..end].to_owned(), after));
    }
    if line.starts_with(['{', '[', '#', '&', '*', '!', '|', '>', '%', '@', '`']) {
        return None;
    }
    let (at, _) = line.match_indices(':').find(|(at, _)| ends_key(&line[at + 1..]))?;
    // A colon in a comment is none of a key.
    let key = line[..at].trim_end();
    (!key.is_empty() && !key.contains(" #")).then(|| (key.to_owned(), &line[at + 1..]))
}

/// `|`, `>-`, `|2`: the text follows on the next lines.
fn is_block_header(value: &str) -> bool {
    let Some(rest) = value.strip_prefix(['|', '>']) else { return false };
    let (marks, after) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
    marks.bytes().all(|byte| matches!(byte, b'+' | b'-' | b'0'..=b'9'))
        && (after.trim().is_empty() || after.trim().starts_with('#'))
}

fn ends_key(after: &str) -> bool {
    after.is_empty() || after.starts_with([' ', '\t', '\r'])
}

fn unquoted(text: &str) -> String {
    text.trim_matches(|c| matches!(c, '"' | '\'')).to_owned()
}

#[cfg(test)]
mod tests;
