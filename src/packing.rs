//! Fields that an SDK packs into the password or the user name: `{client_id:1,password:"123456"}`.
//!
//! Values are text exactly as it was written, leading zeros and 20 digits included, and every one is a secret. What
//! cannot be read without doubt is refused; nothing of it is quoted. Which fields a connector wants is not known here.

use indexmap::IndexMap;

use crate::document::{Gaps, Json5, MembersError, PairsSpec, from_form, from_json5, from_pairs};
use crate::secret::Secret;

/// The field of a packed user name that names the account (docs/contract.md section 2).
pub const USER_FIELD: &str = "user";

/// Most fields in one text. SDKs pack a handful.
const MAX_FIELDS: usize = 64;

/// How fields are packed: `input.password_fields`, `input.username_fields`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packing {
    pub format: PackingFormat,
    /// What a text that is not packed means.
    pub otherwise: Otherwise,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackingFormat {
    /// JSON5, one object of scalars.
    Json5,
    /// `a=1&b=2`, UTF-8.
    Form,
    /// Separators of the app's own.
    Pairs(PairsSpec),
}

/// What to do with a text that is not packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Otherwise {
    /// It is refused (`required: true`, the default).
    Refused,
    /// All of it is the field of this name (`required: false`; `password` for a password).
    Field(String),
}

/// Why packed fields could not be read: reject(invalid_input).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the packed fields cannot be read: {0}")]
pub struct UnpackError(#[from] MembersError);

/// Reads the fields of `text`, in their order.
pub fn unpack(packing: &Packing, text: &str) -> Result<IndexMap<String, Secret>, UnpackError> {
    let fields = match &packing.format {
        PackingFormat::Json5 => scalars(text),
        PackingFormat::Form => from_form(text.as_bytes(), encoding_rs::UTF_8, Gaps::Refuse),
        PackingFormat::Pairs(spec) => from_pairs(text, spec),
    };
    let fields =
        fields.and_then(|fields| if fields.len() > MAX_FIELDS { Err(MembersError::TooMany) } else { Ok(fields) });
    match (fields, &packing.otherwise) {
        (Ok(fields), _) => Ok(fields.into_iter().map(|(name, value)| (name, Secret::new(value))).collect()),
        (Err(_), Otherwise::Field(name)) => Ok(IndexMap::from([(name.clone(), Secret::from(text))])),
        (Err(error), Otherwise::Refused) => Err(error.into()),
    }
}

fn scalars(text: &str) -> Result<IndexMap<String, String>, MembersError> {
    let Json5::Object(members) = from_json5(text)? else {
        return Err(MembersError::Malformed("not an object"));
    };
    let mut fields = IndexMap::with_capacity(members.len());
    for (name, value) in members {
        let (Json5::Text(value) | Json5::Bare(value)) = value else {
            return Err(MembersError::Nested);
        };
        if fields.insert(name, value).is_some() {
            return Err(MembersError::Repeated);
        }
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packing(format: PackingFormat, otherwise: Otherwise) -> Packing {
        Packing { format, otherwise }
    }

    fn pairs(last: Option<&str>) -> PackingFormat {
        let last = last.map(str::to_owned);
        PackingFormat::Pairs(PairsSpec { between: ",".to_owned(), after_key: ":".to_owned(), last })
    }

    fn read(packing: &Packing, text: &str) -> Result<Vec<(String, String)>, UnpackError> {
        let fields = unpack(packing, text)?;
        Ok(fields.into_iter().map(|(name, value)| (name, value.expose().to_owned())).collect())
    }

    fn fields(members: &[(&str, &str)]) -> Vec<(String, String)> {
        members.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_scalar_is_the_text_as_written() {
        let json5 = packing(PackingFormat::Json5, Otherwise::Refused);
        let form = packing(PackingFormat::Form, Otherwise::Refused);
        let colons = packing(pairs(None), Otherwise::Refused);
        for (packing, text, wanted) in [
            (&json5, r#"{client_id:1,password:"123456"}"#, [("client_id", "1"), ("password", "123456")]),
            (
                &json5,
                "{client_id:12345678901234567890,password:00123456}",
                [("client_id", "12345678901234567890"), ("password", "00123456")],
            ),
            (&json5, r#"{"client_id":true,'password':1.50,}"#, [("client_id", "true"), ("password", "1.50")]),
            (&form, "client_id=1&password=%E5%AF%86+%26%3D", [("client_id", "1"), ("password", "密 &=")]),
            (&colons, "client_id:1,password:123456", [("client_id", "1"), ("password", "123456")]),
            (
                &colons,
                "client_id:12345678901234567890,password:00123456",
                [("client_id", "12345678901234567890"), ("password", "00123456")],
            ),
            (&colons, "client_id:,password: x ", [("client_id", ""), ("password", " x ")]),
        ] {
            assert_eq!(read(packing, text).unwrap(), fields(&wanted), "{text}");
        }
    }

    #[test]
    fn with_last_the_password_takes_the_rest() {
        let last = packing(pairs(Some("password")), Otherwise::Refused);
        let text = r#"client_id:1,password:a,b:c,password:{"x":1}&=%,"#;
        assert_eq!(
            read(&last, text).unwrap(),
            fields(&[("client_id", "1"), ("password", r#"a,b:c,password:{"x":1}&=%,"#)])
        );
    }

    #[test]
    fn duplicate_nested_and_unreadable_are_refused_and_not_quoted() {
        let json5 = packing(PackingFormat::Json5, Otherwise::Refused);
        for text in [
            "{password:1,password:2}",
            "{hunter2:[1]}",
            "{hunter2:{}}",
            "hunter2",
            "\"hunter2\"",
            "[1]",
            "",
            "{password:hunter2}",
        ] {
            let error = read(&json5, text).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        assert_eq!(read(&json5, "{a:1,a:2}"), Err(UnpackError(MembersError::Repeated)));
        assert_eq!(read(&json5, "{a:[]}"), Err(UnpackError(MembersError::Nested)));
        for text in ["a:1,a:2", "hunter2", "a:1,", "a:1,hunter2"] {
            assert!(read(&packing(pairs(None), Otherwise::Refused), text).is_err(), "{text}");
        }
        let many = (0..100).map(|n| format!("a{n}:1,")).collect::<Vec<_>>().concat();
        assert!(read(&json5, &format!("{{{many}}}")).is_err());
    }

    #[test]
    fn a_plain_password_may_be_let_through_whole() {
        let whole = || Otherwise::Field("password".to_owned());
        for format in [PackingFormat::Json5, PackingFormat::Form, pairs(None), pairs(Some("password"))] {
            let packing = packing(format, whole());
            for text in ["hunter2", "{a", " 密码 ", "{a,b"] {
                assert_eq!(read(&packing, text).unwrap(), fields(&[("password", text)]), "{packing:?} {text}");
            }
        }
        // A plain password with separators in it is no list of pairs when the last name is declared.
        assert_eq!(
            read(&packing(pairs(Some("password")), whole()), "a:b,c:d").unwrap(),
            fields(&[("password", "a:b,c:d")])
        );
    }
}
