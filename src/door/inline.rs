//! An answer that came with the login: in an envelope with the password, behind a separator, or in a place of its own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::plan::Inline;
use super::read::Credentials;
use super::source::{AskedRequest, Malformed};
use crate::secret::Secret;

impl Inline {
    /// Takes `typed` apart. A text without envelope or separator is a password and nothing else.
    pub(super) fn split(&self, typed: &str, request: &AskedRequest<'_>) -> Result<Credentials, Malformed> {
        let plain = || Credentials { password: Secret::new(typed), answer: None };
        Ok(match self {
            Self::Scrv1 => typed.strip_prefix("SCRV1:").map_or_else(|| Ok(plain()), scrv1)?,
            // The last one: what is typed behind a password is the answer, whatever the password holds.
            Self::Separator(separator) => {
                typed.rsplit_once(separator.as_str()).map_or_else(plain, |(password, answer)| Credentials {
                    password: Secret::new(password),
                    answer: Some(Secret::new(answer)),
                })
            }
            Self::From(source) => {
                let answer = source.read(request)?.filter(|answer| !answer.is_empty());
                Credentials { answer: answer.map(Secret::new), ..plain() }
            }
        })
    }
}

/// OpenVPN's static challenge (doc/management-notes.txt, "Challenge/Response"): `SCRV1:` password `:` answer, both in Base64.
fn scrv1(rest: &str) -> Result<Credentials, Malformed> {
    const BAD: Malformed = Malformed("the envelope SCRV1 cannot be read");
    let (password, answer) = rest.split_once(':').ok_or(BAD)?;
    let text = |coded: &str| String::from_utf8(STANDARD.decode(coded).map_err(|_| BAD)?).map_err(|_| BAD);
    Ok(Credentials { password: Secret::new(text(password)?), answer: Some(Secret::new(text(answer)?)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::source::AskedContent;

    #[test]
    fn an_envelope_and_a_separator_are_taken_apart() {
        let headers = http::HeaderMap::new();
        let request = AskedRequest { query: None, headers: &headers, body: AskedContent::None };
        let comma = Inline::Separator(",".to_owned());
        for (inline, typed, password, answer) in [
            (&Inline::Scrv1, "SCRV1:cGHDqXNz:MTIzNDU2", "paéss", Some("123456")),
            (&Inline::Scrv1, "secret", "secret", None),
            (&Inline::Scrv1, "SCRV1:cGFzcw==:", "pass", Some("")),
            (&comma, "a,b,123456", "a,b", Some("123456")),
            (&comma, "secret", "secret", None),
            (&comma, "secret,", "secret", Some("")),
        ] {
            let split = inline.split(typed, &request).unwrap();
            assert_eq!(split.password.expose(), password, "{typed}");
            assert_eq!(split.answer.as_ref().map(Secret::expose), answer, "{typed}");
        }
        for typed in ["SCRV1:", "SCRV1:cGFzcw==", "SCRV1:!:MTIz", "SCRV1:cGFzcw==:MTIz:MTIz", "SCRV1:/w==:MTIz"] {
            assert!(Inline::Scrv1.split(typed, &request).is_err(), "{typed}");
        }
    }
}
