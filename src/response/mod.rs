//! From the bytes of a reply to a document, and from a reply to the one value that a rule asks for.
//!
//! Pure: nothing here sends, waits or knows a connector. A body that cannot be relied on (invalid in its charset,
//! malformed, too deep, too wide) leaves no document at all, never an empty one (docs/security.md, failure 2), and says why in words
//! that quote none of it.

mod charset;
mod decrypt;
mod html;
mod jwks;
mod jwt;
mod limits;
mod members;
pub mod set_cookie;
mod sniff;
pub mod source;
mod token;
mod wanted;

pub use charset::ReplyCharset;
pub use decrypt::{DecryptError, DecryptPlan, IvPlan, KeyText};
#[cfg(test)]
pub(crate) use html::PARSED_HERE;
pub use jwks::{Cached, Jwk, KeysFault, PATIENCE as JWKS_PATIENCE, WantedKeys, read as read_jwks};
pub use jwt::{JwksPlan, JwtPlan, KeySource, TokenPlace};
pub use limits::{HeadersTooLarge, MAX_HEADER_BYTES, MAX_HEADERS, check_headers};
pub use source::{ReplyView, Source, SourceValue};
pub use token::{AllowedAlgorithm, Keys as TokenKeys, TokenError, TokenRules, find_token, is_of_login};
pub use wanted::{PageParts, Wanted};

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use self::html::Page;
use crate::document::{PairsSpec, Shape, Value, from_json_within, from_xml, is_margin};

/// What a connector says a reply is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Format {
    /// SourceValue out from the reply.
    #[default]
    Auto,
    /// RFC 8259.
    Json,
    /// XML 1.0 without a DOCTYPE.
    Xml,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// Names and values between separators.
    Pairs(PairsSpec),
    /// A page: `{ title, text }`.
    Html,
    /// Text as it is: `{ text }`.
    Text,
    /// Anything: `{ content_type, base64 }`.
    Bytes,
}

impl Format {
    /// What a body of this format is; `None` when the reply says so.
    fn kind(&self) -> Option<BodyKind> {
        Some(match self {
            Self::Auto => return None,
            Self::Json => BodyKind::Json,
            Self::Xml => BodyKind::Xml,
            Self::Form => BodyKind::Form,
            Self::Pairs(_) => BodyKind::Pairs,
            Self::Html => BodyKind::Html,
            Self::Text => BodyKind::Text,
            Self::Bytes => BodyKind::Bytes,
        })
    }

    /// How pairs are written.
    fn pairs(&self) -> Cow<'_, PairsSpec> {
        match self {
            Self::Pairs(spec) => Cow::Borrowed(spec),
            _ => Cow::Owned(PairsSpec::default()),
        }
    }
}

/// How to decode the replies of a step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decoding {
    /// `response.format`
    pub format: Format,
    /// `response.charset`
    pub charset: ReplyCharset,
    /// What the step asks of a page.
    pub wanted: Arc<Wanted>,
    /// What a document may take.
    pub most: Most,
}

/// What a document may take in memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most(pub usize);

impl Default for Most {
    fn default() -> Self {
        Self(MEMORY_PER_BYTE << 20)
    }
}

/// How much memory a byte of a reply may take as a document, when the file does not say. An object of a member or two to each
/// hundred bytes, as replies of logins have, takes three or four times its text; one that is nothing but braces fifty times.
pub const MEMORY_PER_BYTE: usize = 8;

/// What a reply was taken as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BodyKind {
    /// JSON.
    Json,
    /// XML.
    Xml,
    /// A form.
    Form,
    /// Pairs.
    Pairs,
    /// An HTML page.
    Html,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
}

impl BodyKind {
    /// Without its article: "no readable …".
    pub fn noun(self) -> &'static str {
        let phrase = self.phrase();
        phrase.strip_prefix("a ").or_else(|| phrase.strip_prefix("an ")).unwrap_or(phrase)
    }

    /// With its article, for sentences of `explain`: "it is …".
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Xml => "XML",
            Self::Form => "a form",
            Self::Pairs => "a list of pairs",
            Self::Html => "an HTML page",
            Self::Text => "text",
            Self::Bytes => "bytes",
        }
    }
}

/// A decoded reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// What it was taken as.
    pub kind: BodyKind,
    /// The document, or why there is none (quoting nothing of the reply).
    pub document: Result<Value, String>,
    /// How paths and scalars of the document are read.
    pub shape: Shape,
    /// The whole body as text, if its charset held.
    pub text: Option<String>,
    /// The title of an HTML page, also of one that came instead of what was declared.
    pub html_title: Option<String>,
    /// What the step asked of the page.
    pub page: PageParts,
    /// What document, text and parts of a page take in memory.
    pub bytes: usize,
    /// Whether there is no document because it would take too much.
    pub too_large: bool,
}

impl Decoded {
    /// Whether the body is a page, or one came instead of what was declared.
    pub fn is_page(&self) -> bool {
        let instead = |text: &String| self.document.is_err() && sniff::starts_as_page(text);
        self.kind == BodyKind::Html || self.text.as_ref().is_some_and(instead)
    }

    /// Puts another document in the place of the one that was decoded: what a script made of it.
    pub fn replace(&mut self, document: Value, most: Most) {
        self.document = Ok(document);
        self.weigh(most);
    }

    /// Counts what it takes, and drops what takes too much.
    fn weigh(&mut self, most: Most) {
        let document = self.document.as_ref().map_or(0, Value::bytes) + self.page.bytes();
        if document > most.0 {
            self.document = Err(format!("the document takes {} KiB of memory", document >> 10));
            self.page = PageParts::default();
            self.too_large = true;
        }
        let document = if self.too_large { 0 } else { document };
        self.bytes = document + self.text.as_ref().map_or(0, String::capacity);
    }
}

/// Decodes a whole body, whose size the transport has already capped. All that looks into a page happens here, so that
/// a caller that decodes a large body on another thread has nothing costly left to do.
pub fn decode(decoding: &Decoding, content_type: Option<&str>, body: &[u8]) -> Decoded {
    let kind = decoding.format.kind().unwrap_or_else(|| sniff::kind(content_type, body));
    let markup = matches!(kind, BodyKind::Xml | BodyKind::Html);
    let (encoding, bom) = decoding.charset.of(content_type, body, markup);
    let text = charset::decode(encoding, &body[bom..]);
    let (mut html_title, mut page, mut too_large) = (None, PageParts::default(), false);
    let document = match (kind, &text) {
        (BodyKind::Bytes, _) => Ok(bytes(content_type, body)),
        (_, None) => Err(format!("the reply is not valid {}", encoding.name())),
        (BodyKind::Json, Some(text)) => {
            let text = text.trim_start_matches(is_margin);
            from_json_within(text.as_bytes(), decoding.most.0).map_err(|error| {
                too_large = error.too_large;
                error.to_string()
            })
        }
        (BodyKind::Html, Some(text)) => match Page::parse(text) {
            Ok(parsed) => {
                html_title = parsed.shown_title();
                page = PageParts::of(&parsed, &decoding.wanted, encoding);
                Ok(parsed.document())
            }
            Err(cause) => Err(format!("a page that cannot be relied on: {cause}")),
        },
        (BodyKind::Xml, Some(text)) => from_xml(text).map_err(|error| error.to_string()),
        (BodyKind::Form, Some(text)) if encoding.is_ascii_compatible() => members::form(text, &body[bom..], encoding),
        (BodyKind::Form, Some(text)) => members::form(text, text.as_bytes(), encoding),
        (BodyKind::Pairs, Some(text)) => members::pairs(text, &decoding.format.pairs()),
        (BodyKind::Text, Some(text)) => Ok(whole_text(without_line_end(text))),
    };
    if let (Err(_), Some(text)) = (&document, &text)
        && kind != BodyKind::Html
        && sniff::starts_as_page(text)
    {
        // What an administrator needs most: the login page that came instead of the JSON that was declared.
        html_title = Page::parse(text).ok().and_then(|page| page.shown_title());
    }
    let shape = if kind == BodyKind::Xml { Shape::Xml } else { Shape::Plain };
    let text = text.map(Cow::into_owned);
    let mut decoded = Decoded { kind, document, shape, text, html_title, page, bytes: 0, too_large };
    decoded.weigh(decoding.most);
    decoded
}

/// `{ text }`. Nothing at all is no text: a server that says nothing has not said "no", so the field is absent.
fn whole_text(text: &str) -> Value {
    let text = (!text.is_empty()).then(|| ("text".to_owned(), Value::from(text)));
    text.into_iter().collect()
}

/// A text without the line end that `println` of any language leaves; one, because two were written.
fn without_line_end(text: &str) -> &str {
    let line = text.strip_suffix('\n').unwrap_or(text);
    line.strip_suffix('\r').unwrap_or(line)
}

/// `{ content_type, base64 }`; a reply without a Content-Type has null there.
fn bytes(content_type: Option<&str>, body: &[u8]) -> Value {
    let content_type = content_type.map_or(Value::Null, Value::from);
    let base64 = Value::from(STANDARD.encode(body));
    Value::from_iter([("content_type".to_owned(), content_type), ("base64".to_owned(), base64)])
}
