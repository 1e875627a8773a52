//! What a login brings: declared attributes, and fields packed into a credential.

use crate::connector::raw;
use crate::connector::raw::connector::{PackedFields, PackedFormat};
use crate::connector::{Attribute, Input};
use crate::diagnostic::Diagnostics;
use crate::packing::{Otherwise, Packing, PackingFormat};

/// A declared attribute has at most this many characters unless it says otherwise: an id, a phone number, an address.
const ATTRIBUTE_CHARACTERS: u32 = 1024;

/// Names that `user` has anyway.
const BUILT_IN: [&str; 5] = ["username", "userPassword", "clientIp", "fields", "attributes"];

/// Checks `input`.
pub(super) fn input(raw: &raw::Connector, diagnostics: &mut Diagnostics) -> Input {
    let Some(raw) = &raw.input else { return Input::default() };
    let mut attributes = Vec::new();
    for (name, attribute) in raw.attributes.iter() {
        let fits = crate::context::Variable::parse(&format!("user.{}", name.value)).is_ok();
        if BUILT_IN.contains(&name.value.as_str()) || !fits {
            let message = format!("`{}` cannot be the name of an attribute", name.value);
            let mistake = diagnostics.error_at("bad-name", &name.span, message);
            diagnostics.add(mistake.help("use another name of letters, digits, `_` and `-`"));
        }
        let max = attribute.max.as_ref().map_or(ATTRIBUTE_CHARACTERS, |max| max.value);
        attributes.push(Attribute {
            name: name.value.clone(),
            required: attribute.required.as_ref().is_some_and(|flag| flag.value),
            max: usize::try_from(max).unwrap_or(usize::MAX),
        });
    }
    let empty = raw.allow_empty_password.as_ref();
    if let Some(flag) = empty.filter(|flag| flag.value) {
        let message = "an empty password is sent on";
        let mistake = diagnostics.error_at("empty-password", &flag.span, message).as_warning();
        diagnostics.add(mistake.label("many servers take an empty password for an anonymous login and say yes"));
    }
    if raw.password.is_some() {
        for key in ["password_fields", "allow_empty_password"] {
            if let Some(span) = raw.place.written(key) {
                let mistake = diagnostics.error_at("no-password", span, format!("`{key}` is about a password"));
                diagnostics
                    .add(mistake.label("`input.password` says that there is none").help("leave one of them out"));
            }
        }
    }
    Input {
        no_password: raw.password.is_some(),
        attributes,
        password_fields: raw.password_fields.as_ref().map(|raw| packed(raw, "password")),
        username_fields: raw.username_fields.as_ref().map(|raw| packed(raw, "user")),
        allow_empty_password: empty.is_some_and(|flag| flag.value),
        // Known when all steps are.
        username: false,
    }
}

/// `whole` is the field that a text of another form becomes when fields are not required.
fn packed(raw: &PackedFields, whole: &str) -> Packing {
    let format = match &raw.format {
        PackedFormat::Json5 => PackingFormat::Json5,
        PackedFormat::Form => PackingFormat::Form,
        PackedFormat::Pairs(pairs) => PackingFormat::Pairs(pairs.spec()),
    };
    let required = raw.required.as_ref().is_none_or(|flag| flag.value);
    Packing { format, otherwise: if required { Otherwise::Refused } else { Otherwise::Field(whole.to_owned()) } }
}
