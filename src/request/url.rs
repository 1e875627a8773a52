//! The URL of a request: literal up to the path, holes only in path segments and query values.
//!
//! Scheme, host, port and the number of path segments are those of the file, whatever the values are: this is
//! checked on the rendered URL with the parser that the client uses (WHATWG), not only hoped for.

use std::ops::Range;

use url::Url;

use crate::context::Context;
use crate::crypto::encoding::url_decode;
use crate::template::{
    Charset, Fault, Hole, Line, Mistake, Piece, Place, RenderError, Template, is_hostile_segment, percent,
};

use super::spec::{Reader, Written, hole_in};

/// No common server reads a longer request line (nginx 8 KiB, IIS 16 KiB).
const MAX_URL: usize = 16 << 10;

/// A compiled URL.
#[derive(Debug, Clone)]
pub(super) struct UrlPlan {
    /// The origins, each with the path `/`; more than one only with nodes.
    origins: Vec<Url>,
    /// Whether a node must be named when rendering.
    has_nodes: bool,
    /// The path's segments.
    segments: Vec<Line>,
    /// What stands behind `?` in the URL as written, pair by pair.
    query: Vec<Line>,
}

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
    pub(super) fn compile(written: Written<'_>, charset: Charset, reader: &mut Reader<'_>) -> Option<Self> {
        let template = reader.template(written);
        if template.pieces().is_empty() {
            if reader.mistakes.iter().all(|located| located.mark != written.mark) {
                reader.refuse(written.mark, Mistake::new("url", 0..0, "the URL is empty"));
            }
            return None;
        }
        let mut mistakes = Vec::new();
        let plan = Self::read(&template, charset, &mut mistakes);
        let sound = mistakes.is_empty();
        for line in plan.iter().flat_map(Self::lines) {
            reader.uses(written.mark, line);
        }
        reader.refuse_all(written.mark, mistakes);
        plan.filter(|_| sound)
    }

    fn read(template: &Template, charset: Charset, mistakes: &mut Vec<Mistake>) -> Option<Self> {
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

    pub(super) fn origins(&self) -> &[Url] {
        &self.origins
    }

    pub(super) fn has_nodes(&self) -> bool {
        self.has_nodes
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> + Clone {
        self.segments.iter().chain(&self.query)
    }

    pub(super) fn segments(&self) -> &[Line] {
        &self.segments
    }

    pub(super) fn query(&self) -> &[Line] {
        &self.query
    }

    /// Renders with `more`, the pairs of the key `query`, behind the URL's own query. `node` is one of
    /// [`UrlPlan::origins`] when the URL begins with nodes.
    pub(super) fn render(
        &self,
        node: Option<&Url>,
        more: &[Line],
        context: &Context,
        charset: Charset,
    ) -> Result<Url, RenderError> {
        let origin = self.origin_for(node)?;
        let base = origin.as_str().trim_end_matches('/');
        let size = self.lines().chain(more).map(|line| line.size_hint() + 1).sum::<usize>() + base.len();
        let mut text = Vec::with_capacity(size);
        text.extend_from_slice(base.as_bytes());
        for segment in &self.segments {
            text.push(b'/');
            segment.render(context, Charset::UTF_8, &mut text)?;
        }
        for (index, pair) in self.query.iter().chain(more).enumerate() {
            text.push(if index == 0 { b'?' } else { b'&' });
            pair.render(context, charset, &mut text)?;
        }
        if text.len() > MAX_URL {
            let mut holed = self.lines().chain(more).filter(|line| line.holes().next().is_some());
            let user = holed.clone().find(|line| line.holes().any(|hole| hole.variable.is_user_data()));
            if let Some(line) = user.or_else(|| holed.next()) {
                return Err(line.blame_any(&Fault::content("makes the URL too long"), Place::QueryValue));
            }
        }
        let unfit = || RenderError::Unfit { what: "the rendered URL is not the one that the file describes".into() };
        let url = str::from_utf8(&text).ok().and_then(|text| Url::parse(text).ok()).ok_or_else(unfit)?;
        if self.is_faithful(&url, origin) { Ok(url) } else { Err(unfit()) }
    }

    fn origin_for<'a>(&'a self, node: Option<&'a Url>) -> Result<&'a Url, RenderError> {
        match (node, self.has_nodes) {
            (None, false) => self.origins.first(),
            (Some(node), true) => self.origins.iter().find(|origin| *origin == node),
            _ => None,
        }
        .ok_or_else(|| RenderError::Unfit { what: "the URL's node is none of those in the file".into() })
    }

    fn is_faithful(&self, url: &Url, origin: &Url) -> bool {
        let segments = url.path_segments().map_or(0, Iterator::count);
        url.scheme() == origin.scheme()
            && url.host() == origin.host()
            && url.port() == origin.port()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
            && segments == self.segments.len()
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
    for item in items {
        match item {
            Item::Char(c, _) => line.push_raw(&literal(*c, Charset::UTF_8).unwrap_or_default()),
            Item::Hole(hole) => line.push_hole(hole, Place::PathSegment, mistakes),
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
            Item::Hole(hole) if in_value => line.push_hole(hole, Place::QueryValue, mistakes),
            Item::Hole(hole) => mistakes.push(hole_in("the name of a query parameter", hole.range.clone())),
        }
    }
    if let (Some(first), Some(last)) = (items.first(), items.last()) {
        refuse_percent(&written, &(first.range().start..last.range().end), mistakes);
    }
    line
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
    percent(&charset.encode(c.encode_utf8(&mut [0; 4]))?, &mut out);
    Some(out)
}
