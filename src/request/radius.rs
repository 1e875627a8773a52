//! Attributes for FreeRADIUS 3, as its rlm_rest reads them from JSON (FreeRADIUS/freeradius-server v3.2, rlm_rest, `json_pair_make`).
//!
//! `do_xlat: false` goes with each: FreeRADIUS expands `%{...}` in any other value as policy. The list `control` decides which packet
//! is sent; what is written there is constant here.

use crate::diagnostic::Span;
use crate::document::{Value, from_json, to_json};
use crate::reading::{Dict, OneOrMany, Parameter, Text};
use crate::template::{Charset, Mistake, RenderError};

use super::body::BodyPlan;
use super::json::Builder;
use super::reader::{FileText, Reader};

/// The most bytes of an attribute's value (RFC 2865 section 5).
const MAX_VALUE: usize = 253;

/// What is written of a RADIUS reply.
pub struct RadiusReply<'a> {
    /// `{{challenge.id}}`: an Access-Challenge, with this State.
    pub challenge: Option<&'a Text>,
    /// Attributes of the reply.
    pub reply: &'a Dict<OneOrMany<Parameter>>,
}

pub(super) fn compile(written: &RadiusReply<'_>, whole: &Span, reader: &mut Reader<'_>) -> BodyPlan {
    const ID: &str = "{{challenge.id}}";
    let mut builder = Builder::new(Charset::UTF_8, reader);
    builder.line.push_raw(b"{");
    let mut before = false;
    if let Some(text) = written.challenge {
        if text.text != ID {
            let mistake = Mistake::new("door-radius", 0..text.text.len(), format!("the State of a challenge is {ID}"));
            builder.refuse(text.into(), mistake);
        }
        builder
            .line
            .push_raw(br#""control:Response-Packet-Type":{"op":":=","do_xlat":false,"value":["Access-Challenge"]},"#);
        builder.line.push_raw(br#""reply:State":{"op":":=","do_xlat":false,"value":["#);
        // In hex: a State that began with 0x by chance would be read as hex.
        builder.named_text(FileText::word("0x{{challenge.id | hex}}", &text.span), "reply:State");
        builder.line.push_raw(b"]}");
        before = true;
    }
    for (name, values) in written.reply.iter() {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
        if name.value.is_empty() || !name.value.bytes().all(plain) {
            let message = format!("`{}` is no name of an attribute", name.value);
            builder.refuse(name.into(), Mistake::new("door-radius", 0..name.value.len(), message));
            continue;
        }
        if name.value.eq_ignore_ascii_case("State") {
            let message = "State is the challenge's: write challenge: \"{{challenge.id}}\"";
            builder.refuse(name.into(), Mistake::new("door-radius", 0..name.value.len(), message));
        }
        let attribute = format!("reply:{}", name.value);
        let several = values.0.len() > 1;
        let comma = if before { "," } else { "" };
        let op = if several { "+=" } else { ":=" };
        builder.line.push_raw(format!(r#"{comma}"{attribute}":{{"op":"{op}","do_xlat":false,"value":["#).as_bytes());
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                builder.line.push_raw(b",");
            }
            builder.named_text((&value.0).into(), &attribute);
        }
        builder.line.push_raw(b"]}");
        before = true;
    }
    builder.line.push_raw(b"}");
    if !before {
        let mistake = Mistake::new("door-radius", 0..0, "this reply has no attribute");
        builder.refuse(
            FileText::word("", whole),
            mistake.help("take `radius` away, or write reply: { Reply-Message: … }"),
        );
    }
    BodyPlan::of_json(builder)
}

/// Each value ends at 253 bytes, between two characters.
pub(super) fn cut(body: Vec<u8>) -> Result<Vec<u8>, RenderError> {
    let unfit = |_| RenderError::Unfit { what: "the attributes are no JSON".into() };
    let mut document = from_json(&body).map_err(unfit)?;
    let Value::Object(attributes) = &mut document else { return Ok(body) };
    let mut is_cut = false;
    for attribute in attributes.values_mut() {
        let Value::Object(members) = attribute else { continue };
        let Some(Value::Array(values)) = members.get_mut("value") else { continue };
        for value in values {
            if let Value::Text(text) = value
                && text.len() > MAX_VALUE
            {
                text.truncate(text.floor_char_boundary(MAX_VALUE));
                is_cut = true;
            }
        }
    }
    Ok(if is_cut { to_json(&document).into_bytes() } else { body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_between_two_characters() {
        let of = |text: &str| format!(r#"{{"reply:Reply-Message":{{"op":":=","do_xlat":false,"value":["{text}"]}}}}"#);
        let fits = "x".repeat(253);
        assert_eq!(cut(of(&fits).into_bytes()).unwrap(), of(&fits).into_bytes());
        assert_eq!(cut(of(&"王".repeat(100)).into_bytes()).unwrap(), of(&"王".repeat(84)).into_bytes());
        assert_eq!(cut(of(&format!("{fits}é")).into_bytes()).unwrap(), of(&fits).into_bytes());
    }
}
