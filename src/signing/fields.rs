//! The fields of a request that is rendered, read back from its bytes: what is signed is what is sent.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use quick_xml::reader::Reader;
use zeroize::Zeroizing;

use super::SignError;
use crate::document::{Value, from_json};
use crate::percent;
use crate::request::{BodyKind, Prepared};
use crate::template::{RenderError, json_value};

/// A name and its value, decoded: bytes in the request's charset.
#[derive(Clone)]
pub(super) struct Field {
    pub name: Vec<u8>,
    /// Wiped when dropped.
    pub value: Zeroizing<Vec<u8>>,
}

impl Field {
    pub(super) fn new(name: &[u8], value: &[u8]) -> Self {
        Self { name: name.to_vec(), value: Zeroizing::new(value.to_vec()) }
    }
}

/// The parameters of the query.
pub(super) fn query(request: &Prepared) -> Result<Vec<Field>, SignError> {
    pairs(request.url.query().unwrap_or_default().as_bytes())
}

/// The fields of a body of this kind; none of one that has no fields.
pub(super) fn body(request: &Prepared, kind: Option<BodyKind>) -> Result<Vec<Field>, SignError> {
    let bytes = request.body.as_deref().unwrap_or_default();
    match kind {
        Some(BodyKind::Form | BodyKind::FormFrom) => pairs(bytes),
        Some(BodyKind::Json) => json(bytes),
        Some(BodyKind::Xml) => xml(bytes).map_err(unfit),
        Some(BodyKind::Multipart | BodyKind::Text) | None => Ok(Vec::new()),
    }
}

/// `a=1&b=2`, as forms are read: `+` is a blank.
fn pairs(text: &[u8]) -> Result<Vec<Field>, SignError> {
    let decoded = |part: &[u8]| {
        let spaced =
            Zeroizing::new(part.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect::<Vec<_>>());
        percent::decode(&spaced)
            .map(Zeroizing::new)
            .ok_or_else(|| unfit("a field that is signed is not percent-encoded"))
    };
    let written = text.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty());
    written
        .map(|pair| {
            let end = pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len());
            let value = decoded(pair.get(end + 1..).unwrap_or_default())?;
            Ok(Field { name: decoded(&pair[..end])?.to_vec(), value })
        })
        .collect()
}

/// The members of the object. Arrays and objects are the text that is sent, because `request::json` writes it so, too; null
/// has no text and is empty.
fn json(bytes: &[u8]) -> Result<Vec<Field>, SignError> {
    let Ok(Value::Object(members)) = from_json(bytes) else {
        return Err(unfit("the JSON body is no object, so it has no fields to sign"));
    };
    let text = |value: &Value| {
        let mut text = Zeroizing::new(Vec::new());
        match value {
            Value::Null => {}
            Value::Array(_) | Value::Object(_) => json_value(value, &mut text),
            scalar => text.extend_from_slice(scalar.scalar_text().unwrap_or_default().as_bytes()),
        }
        text
    };
    Ok(members.iter().map(|(name, value)| Field { name: name.clone().into_bytes(), value: text(value) }).collect())
}

/// The children of the root, with their texts untrimmed.
fn xml(bytes: &[u8]) -> Result<Vec<Field>, &'static str> {
    const UNREADABLE: &str = "the XML body cannot be read to be signed";
    let text = str::from_utf8(bytes).map_err(|_| UNREADABLE)?;
    let mut reader = Reader::from_str(text);
    let (mut depth, mut fields) = (0_usize, Vec::<Field>::new());
    loop {
        let event = reader.read_event().map_err(|_| UNREADABLE)?;
        let content: Option<Vec<u8>> = match event {
            Event::Start(_) | Event::Empty(_) if depth == 2 => {
                return Err("an element inside a field of the XML body has no rule to be signed");
            }
            Event::Start(tag) => {
                depth += 1;
                if depth == 2 {
                    fields.push(Field::new(tag.local_name().into_inner().as_ref(), b""));
                }
                None
            }
            Event::Empty(tag) => {
                fields.extend((depth == 1).then(|| Field::new(tag.local_name().into_inner().as_ref(), b"")));
                None
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                None
            }
            Event::Text(part) => Some(part.xml10_content().as_bytes().to_vec()),
            Event::CData(part) => Some(part.xml10_content().as_bytes().to_vec()),
            Event::GeneralRef(reference) => {
                let name: &str = reference.as_ref();
                let character = reference.resolve_char_ref().map_err(|_| UNREADABLE)?.map(String::from);
                let known = character.or_else(|| resolve_predefined_entity(name).map(str::to_owned));
                Some(known.ok_or(UNREADABLE)?.into_bytes())
            }
            Event::Eof => return Ok(fields),
            _ => None,
        };
        if let (2, Some(content), Some(field)) = (depth, content, fields.last_mut()) {
            field.value.extend_from_slice(&content);
        }
    }
}

fn unfit(what: &'static str) -> SignError {
    SignError::Render(RenderError::Unfit { what: what.to_owned() })
}
