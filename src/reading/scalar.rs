//! The scalars of a connector: text, constants, numbers. (Amounts with a unit are in `amount`, closed lists in `word`.)
//!
//! YAML guesses types from how a scalar looks; a connector's author should not have to. Where text is meant, a plain
//! number, boolean or null must be quoted, except in headers, queries, forms and the like ([`Parameter`]), where the digits
//! are kept as written. Numbers that would lose digits (`0000`, `010`) must be quoted everywhere.

use std::ops::Range;

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::diagnostic::{Diagnostics, Span, shown};
use crate::document::Number;
use crate::yaml::{Core, Node, NodeValue, Pieces, Scalar, Style};

use super::read::{FromNode, wrong_kind};

/// Text, with where each part of it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The decoded text.
    pub text: String,
    /// Where the scalar stands, quotes included.
    pub span: Span,
    /// How it was written.
    pub style: Style,
    pieces: Pieces,
}

impl Text {
    /// The decoded text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where the bytes `range` of the decoded text stand in the file: exact for plain scalars, quoted ones without escapes
    /// and block scalars, else the whole scalar.
    pub fn span_of(&self, range: Range<usize>) -> Span {
        self.pieces.span_of(range).unwrap_or_else(|| self.span.clone())
    }

    fn of(scalar: &Scalar, span: &Span) -> Self {
        Self { text: scalar.text.clone(), span: span.clone(), style: scalar.style, pieces: scalar.pieces.clone() }
    }
}

impl FromNode for Text {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        let Some(scalar) = scalar_of(node) else {
            wrong_kind(node, "text", "write one text; quote it when it holds : # { } [ ] ,", diagnostics);
            return None;
        };
        match scalar.core() {
            Core::Text => refuse_open_braces(scalar, node, diagnostics),
            Core::Absent => {
                wrong_kind(node, "text", "write one text; quote it when it holds : # { } [ ] ,", diagnostics);
                return None;
            }
            Core::Null | Core::Bool(_) | Core::Number(_) | Core::OddNumber => quote_it(scalar, node, diagnostics),
        }
        Some(Self::of(scalar, &node.span))
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// Text in a place that is text on the wire anyway (header, cookie, query, form): numbers and booleans may stand there
/// without quotes and keep their spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter(pub Text);

impl std::ops::Deref for Parameter {
    type Target = Text;

    fn deref(&self) -> &Text {
        &self.0
    }
}

impl FromNode for Parameter {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        match scalar_of(node) {
            Some(scalar) if matches!(scalar.core(), Core::Bool(_) | Core::Number(_)) => {
                Some(Self(Text::of(scalar, &node.span)))
            }
            _ => Text::read(node, diagnostics).map(Self),
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

/// A constant: what comparisons and `value` take. Text may hold holes where the design allows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constant {
    /// `null`
    Null(Span),
    /// `true`, `false`
    Bool(Spanned<bool>),
    /// A number, digits as written.
    Number(Spanned<Number>),
    /// Text.
    Text(Text),
}

impl Constant {
    /// Where it stands.
    pub fn span(&self) -> &Span {
        match self {
            Self::Null(span) => span,
            Self::Bool(flag) => &flag.span,
            Self::Number(number) => &number.span,
            Self::Text(text) => &text.span,
        }
    }
}

impl FromNode for Constant {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        const EXPECTED: &str = "one value (text, a number, true, false or null)";
        let Some(scalar) = scalar_of(node) else {
            wrong_kind(node, EXPECTED, "write one value; several are compared with in: [ … ]", diagnostics);
            return None;
        };
        let span = node.span.clone();
        Some(match scalar.core() {
            Core::Absent => {
                wrong_kind(node, EXPECTED, "write one value; several are compared with in: [ … ]", diagnostics);
                return None;
            }
            Core::Null => Self::Null(span),
            Core::Bool(value) => Self::Bool(Spanned { value, span }),
            Core::Number(value) => Self::Number(Spanned { value, span }),
            Core::OddNumber => {
                quote_it(scalar, node, diagnostics);
                Self::Text(Text::of(scalar, &node.span))
            }
            Core::Text => {
                refuse_open_braces(scalar, node, diagnostics);
                Self::Text(Text::of(scalar, &node.span))
            }
        })
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean", "null"] })
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T: FromNode> FromNode for Spanned<T> {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        T::read(node, diagnostics).map(|value| Self { value, span: node.span.clone() })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        T::schema(generator)
    }
}

impl FromNode for bool {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        if let Some(Core::Bool(flag)) = scalar_of(node).map(Scalar::core) {
            return Some(flag);
        }
        wrong_kind(node, "true or false", "write true or false, without quotes", diagnostics);
        None
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "boolean" })
    }
}

impl FromNode for u32 {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        let whole = scalar_of(node).and_then(|scalar| match scalar.core() {
            Core::Number(number) => number.as_str().parse().ok(),
            _ => None,
        });
        if whole.is_none() {
            wrong_kind(node, "a whole number, 0 or more", "write it in digits, without quotes", diagnostics);
        }
        whole
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": u32::MAX })
    }
}

/// The scalar that `node` is.
pub fn scalar_of(node: &Node) -> Option<&Scalar> {
    match &node.value {
        NodeValue::Scalar(scalar) => Some(scalar),
        _ => None,
    }
}

/// A plain scalar that YAML takes for something else where text is meant.
pub fn quote_it(scalar: &Scalar, node: &Node, diagnostics: &mut Diagnostics) {
    let text = shown(&scalar.text);
    let (message, label) = match scalar.core() {
        Core::OddNumber => (
            format!("`{text}` without quotes could be a number or text"),
            "readers of YAML do not agree what this is".to_owned(),
        ),
        _ => (format!("expected text, found {}", node.describe()), format!("this is {} to YAML", node.describe())),
    };
    let mistake = diagnostics.error_at("quote-it", &node.span, message).label(label);
    diagnostics.add(mistake.help(format!("quote {text}: \"{text}\"")));
}

/// Text with holes must be quoted, always, so that an author need not know when YAML would read the braces as a map.
fn refuse_open_braces(scalar: &Scalar, node: &Node, diagnostics: &mut Diagnostics) {
    if scalar.style != Style::Plain || !(scalar.text.contains("{{") || scalar.text.contains("${")) {
        return;
    }
    let text = shown(&scalar.text);
    let quote = if text.contains(['"', '\\']) { '\'' } else { '"' };
    let mistake = diagnostics
        .error_at("quote-braces", &node.span, "a value with braces is not quoted")
        .label("braces without quotes");
    diagnostics.add(mistake.help(format!("quote values with braces: {quote}{text}{quote}")));
}
