//! From a URL as written to its plan: what is origin, what a path segment, what a query pair, and what none may be.
//!
//! Read character by character rather than by a URL parser, because a hole is no character and each mistake wants its
//! place in the file. The result is compared with what a parser says when it is rendered.

use std::ops::Range;

use url::Url;

use crate::crypto::encoding::url_decode;
use crate::percent;
use crate::template::{Bits, Charset, Hole, Line, Mistake, Piece, Place, Template, is_hostile_segment};

use super::super::reader::hole_in;
use super::UrlPlan;

/// One character of a URL as written, or a hole.
#[derive(Clone)]
enum Item {
    Char(char, Range<usize>),
    Hole(Hole),
}

impl Item {
    fn is(&self, wanted: char) -> bool {
        matches!(self, Self::Char(c, _) if *c == wanted)
    }

    fn range(&self) -> Range<usize> {
        match self {
            Self::Char(_, range) => range.clone(),
            Self::Hole(hole) => hole.range.clone(),
        }
    }
}

impl UrlPlan {
    /// All mistakes at once; the plan is sound when there are none.
    pub(super) fn read(template: &Template, charset: Charset, mistakes: &mut Vec<Mistake>) -> Option<Self> {
        let mut items = items(template, mistakes);
        let nodes = match template.pieces().first() {
            Some(Piece::Nodes { nodes, .. }) => Some(nodes.clone()),
            _ => None,
        };
        let has_nodes = nodes.is_some();
        let origins = match nodes {
            Some(nodes) => node_origins(nodes, items.first(), template, mistakes)?,
            None => vec![origin(&mut items, mistakes)?],
        };
        for item in &items {
            if let Item::Char(c, range) = item {
                refuse_character(*c, range.clone(), mistakes);
            }
        }
        let question = items.iter().position(|item| item.is('?'));
        let query = question.map_or(Vec::new(), |at| items.split_off(at).split_off(1));
        // The path begins with a slash, or is empty, which means `/`.
        let path = items.get(1..).unwrap_or_default();
        let segments = path.split(|item| item.is('/')).map(|items| segment(items, mistakes)).collect();
        let query = if question.is_some() {
            query.split(|item| item.is('&')).map(|items| pair(items, charset, mistakes)).collect()
        } else {
            Vec::new()
        };
        Some(Self { origins, has_nodes, segments, query })
    }
}

/// The characters and holes of a URL. A slash that a setting ends with and one that comes next are one:
/// `https://a/` and `https://a` are the same origin, and both are written into settings.
fn items(template: &Template, mistakes: &mut Vec<Mistake>) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for (index, piece) in template.pieces().iter().enumerate() {
        match piece {
            Piece::Text { text, range, as_written } => {
                let mut text = text.as_str();
                let next = template.pieces().get(index + 1);
                if !as_written && matches!(next, Some(Piece::Text { text: next, .. }) if next.starts_with('/')) {
                    text = text.strip_suffix('/').unwrap_or(text);
                }
                items.extend(text.char_indices().map(|(at, c)| {
                    let from = range.start + at;
                    Item::Char(c, if *as_written { from..from + c.len_utf8() } else { range.clone() })
                }));
            }
            Piece::Hole(hole) => items.push(Item::Hole(hole.clone())),
            Piece::Nodes { range, .. } if index > 0 => {
                let message = "a setting with nodes stands only at the beginning of a URL";
                mistakes.push(Mistake::new("nodes-not-in-url", range.clone(), message));
            }
            Piece::Nodes { .. } => {}
        }
    }
    items
}

fn refuse_character(c: char, range: Range<usize>, mistakes: &mut Vec<Mistake>) {
    let (message, help) = match c {
        '#' => ("a fragment is not sent to a server", "write %23 if the character is meant"),
        '\\' => ("a backslash in a URL", "some servers read it as a slash; write %5C if the character is meant"),
        ' ' => ("a space in a URL", "write %20 if the character is meant"),
        c if c.is_control() => ("a control character in a URL", "write it as %XX if it is meant"),
        _ => return,
    };
    mistakes.push(Mistake::new("url", range, message).help(help));
}

/// Checks what `settings.x.nodes` lists and what follows it.
fn node_origins(
    nodes: Vec<Url>,
    next: Option<&Item>,
    template: &Template,
    mistakes: &mut Vec<Mistake>,
) -> Option<Vec<Url>> {
    let range = template.pieces().first().map_or(0..0, |piece| piece.range().clone());
    if nodes.is_empty() {
        mistakes.push(Mistake::new("url", range.clone(), "this setting has no nodes"));
    }
    if !next.is_none_or(|item| item.is('/') || item.is('?')) {
        mistakes.push(Mistake::new(
            "url",
            range.clone(),
            "a path should follow a setting with nodes, as in `${base}/login`",
        ));
    }
    if let Some(bad) = nodes.iter().find(|node| !is_origin(node)) {
        let message = format!("the node `{}` is not an origin", bad.origin().ascii_serialization());
        mistakes.push(
            Mistake::new("url", range, message)
                .help("write scheme, host and port only, as in `https://a.example.com:8443`"),
        );
    }
    mistakes.is_empty().then_some(nodes)
}

/// Whether `url` is http or https with a host and nothing behind it. `settings.x.nodes` must be such.
fn is_origin(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

/// Takes `scheme://authority` off the front.
fn origin(items: &mut Vec<Item>, mistakes: &mut Vec<Mistake>) -> Option<Url> {
    let literal = items.iter().take_while(|item| matches!(item, Item::Char(..))).count();
    let head: String = items[..literal].iter().map(|item| if let Item::Char(c, _) = item { *c } else { ' ' }).collect();
    let Some(first) = items.first() else {
        mistakes.push(Mistake::new("url", 0..0, "the URL is empty"));
        return None;
    };
    let all = first.range().start..items[literal.max(1) - 1].range().end;
    let hole = items.get(literal).map(Item::range);
    let Some((scheme, rest)) = head.split_once("://") else {
        mistakes.push(match hole {
            Some(hole) => hole_in("a URL's scheme, host or port", hole).help("use a setting, as in `${base}/login`"),
            None => Mistake::new("url", all, "the URL has no scheme and host")
                .help("write https://… or begin with a setting such as `${base}`"),
        });
        return None;
    };
    let authority = rest.find(['/', '?', '#', '\\']);
    if let (None, Some(hole)) = (authority, hole) {
        mistakes.push(
            hole_in("a URL's scheme, host or port", hole)
                .help("end the host with a slash before the first hole, or use a setting"),
        );
        return None;
    }
    let authority = &rest[..authority.unwrap_or(rest.len())];
    let length = scheme.chars().count() + 3 + authority.chars().count();
    let range = all.start..items[length - 1].range().end;
    items.drain(..length);
    let refuse = |message: &str| Mistake::new("url", range.clone(), message);
    if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") {
        mistakes.push(refuse("only http and https are spoken here"));
    } else if authority.contains('@') {
        mistakes.push(refuse("a user name in a URL").help("use `auth: { basic: … }`"));
    } else if authority.is_empty() || authority.contains(|c: char| c.is_whitespace() || c.is_control() || c == '%') {
        mistakes.push(refuse("the URL's host is not one"));
    } else {
        match Url::parse(&format!("{scheme}://{authority}/")) {
            Ok(url) if is_origin(&url) => return Some(url),
            _ => mistakes.push(refuse("the URL's host or port is not one")),
        }
    }
    None
}

/// A path segment: literals keep their percent-encoding, holes get theirs.
fn segment(items: &[Item], mistakes: &mut Vec<Mistake>) -> Line {
    let mut line = Line::default();
    let mut guards = value(items, Charset::UTF_8).guards(Place::PathSegment, Charset::UTF_8).into_iter();
    for item in items {
        match item {
            Item::Char(c, _) => line.push_raw(&literal(*c, Charset::UTF_8).unwrap_or_default()),
            Item::Hole(hole) => {
                line.push_guarded(hole, Place::PathSegment, &guards.next().unwrap_or_default(), mistakes);
            }
        }
    }
    let range = items.first().map_or(0..0, Item::range).start..items.last().map_or(0..0, Item::range).end;
    if let Some(bytes) = line.literal() {
        refuse_percent(bytes, &range, mistakes);
        // An empty segment that was written (`/api/`) is what the server wants.
        if !bytes.is_empty() && is_hostile_segment(bytes) {
            mistakes.push(Mistake::new("url", range, "a path segment that reads as `.` or `..`"));
        }
    }
    line
}

/// `name=value` as written in the URL.
fn pair(items: &[Item], charset: Charset, mistakes: &mut Vec<Mistake>) -> Line {
    let mut line = Line::default();
    let mut in_value = false;
    let mut written = Vec::new();
    let behind_name = items.iter().position(|item| item.is('=')).map_or(items.len(), |at| at + 1);
    let mut guards = value(&items[behind_name..], charset).guards(Place::QueryValue, charset).into_iter();
    for item in items {
        match item {
            Item::Char(c, range) => {
                in_value |= *c == '=';
                let Some(bytes) = literal(*c, charset) else {
                    mistakes.push(Mistake::new(
                        "text-does-not-fit",
                        range.clone(),
                        "the request's charset lacks this character",
                    ));
                    continue;
                };
                written.extend_from_slice(&bytes);
                line.push_raw(&bytes);
            }
            Item::Hole(hole) if in_value => {
                line.push_guarded(hole, Place::QueryValue, &guards.next().unwrap_or_default(), mistakes);
            }
            Item::Hole(hole) => mistakes.push(hole_in("the name of a query parameter", hole.range.clone())),
        }
    }
    if let (Some(first), Some(last)) = (items.first(), items.last()) {
        refuse_percent(&written, &(first.range().start..last.range().end), mistakes);
    }
    line
}

/// A segment or a query value as the upstream reads it: `%40` beside a hole is an `@`.
fn value(items: &[Item], charset: Charset) -> Bits<'_> {
    let mut bits = Bits::default();
    let mut encoded = String::new();
    let flush = |encoded: &mut String, bits: &mut Bits<'_>| {
        let bytes = url_decode(encoded).unwrap_or_default();
        bits.text(&charset.decode(&bytes));
        encoded.clear();
    };
    for item in items {
        match item {
            // Forms mean a space by it, others a plus.
            Item::Char('+', _) => encoded.push_str("%20+"),
            Item::Char(c, _) => {
                let bytes = literal(*c, charset).unwrap_or_default();
                encoded.push_str(&String::from_utf8_lossy(&bytes));
            }
            Item::Hole(hole) => {
                flush(&mut encoded, &mut bits);
                bits.hole(hole);
            }
        }
    }
    flush(&mut encoded, &mut bits);
    bits
}

fn refuse_percent(bytes: &[u8], range: &Range<usize>, mistakes: &mut Vec<Mistake>) {
    if str::from_utf8(bytes).is_ok_and(|text| url_decode(text).is_err()) {
        let mistake = Mistake::new("url", range.clone(), "a percent sign without two hex digits");
        mistakes.push(mistake.help("write %25 for the character itself"));
    }
}

/// A character of a URL as written: what RFC 3986 allows stays, all else is percent-encoded in the charset.
fn literal(c: char, charset: Charset) -> Option<Vec<u8>> {
    let stays = c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/?%[]".contains(c);
    if stays && c != '\'' {
        return Some(vec![u8::try_from(c).ok()?]);
    }
    let mut out = Vec::new();
    percent::encode_into(&charset.encode(c.encode_utf8(&mut [0; 4]))?, &mut out);
    Some(out)
}
