//! What requests of later steps need of a page beside captures: the forms that they submit, and the base of its links.
//!
//! Plain data, bounded when it is read from the page, so that the sealed state of a challenge can hold it. Its values
//! are the upstream's and often tokens.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What later steps need of one reply.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageFacts {
    /// The URL that was asked, when a later step resolves a capture of this one.
    pub url: Option<String>,
    /// The page's own base (`<base href>`), made absolute.
    pub base: Option<String>,
    /// Forms by their selector, as the file writes it; for a missing one the error text.
    pub forms: BTreeMap<String, Result<Form, String>>,
}

impl PageFacts {
    /// Bytes of memory, nearly.
    pub fn bytes(&self) -> usize {
        let texts = self.url.as_ref().map_or(0, String::len) + self.base.as_ref().map_or(0, String::len);
        let form = |(css, form): (&String, &Result<Form, String>)| css.len() + form.as_ref().map_or(64, Form::bytes);
        texts + self.forms.iter().map(form).sum::<usize>()
    }
}

impl Form {
    /// Bytes of memory, nearly.
    pub fn bytes(&self) -> usize {
        let field = |field: &Field| size_of::<Field>() + field.name.len() + field.value.as_ref().map_or(0, String::len);
        size_of::<Self>() + self.fields.iter().map(field).sum::<usize>()
    }
}

/// A form as a browser shows it before any input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// How its entries are packed.
    pub enctype: Enctype,
    /// The charset that it is sent in (WHATWG HTML 4.10.21.5, "picking an encoding for the form").
    pub charset: String,
    /// In the order of the page.
    pub fields: Vec<Field>,
}

/// `enctype` of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Enctype {
    /// `application/x-www-form-urlencoded`
    UrlEncoded,
    /// `multipart/form-data`
    Multipart,
    /// `text/plain`, which no server can take apart.
    Plain,
}

/// One control of a form.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Never empty.
    pub name: String,
    /// What kind of control it comes from.
    pub kind: FieldKind,
    /// What a browser sends; `None` when it sends nothing (a button, an unchecked box, a disabled control), which a
    /// step may still set.
    pub value: Option<String>,
}

/// Kinds of fields, as far as they are sent or shown differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FieldKind {
    /// Filled in, ticked or chosen by a person.
    Visible,
    /// `type=hidden`.
    Hidden,
    /// A button.
    Button,
    /// A file, of which none is chosen.
    File,
    /// `_charset_`, whose value is the name of the charset that the form is sent in.
    Charset,
}

/// Without the value, which may be a token.
impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} ({:?})", self.kind, self.name, self.value.as_ref().map(String::len))
    }
}
