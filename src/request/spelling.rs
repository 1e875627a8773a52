//! Header names as the file writes them.
//!
//! A header's name has no case (RFC 9110 5.1), but servers exist that look for `accessToken` letter by letter. HTTP/1.1 sends
//! our own names in title case, as browsers and proxies do; here are those of the file that title case would change.

use std::sync::Arc;

/// Names of one request that do not go out in title case. Cheap to clone: a login carries it to the connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spellings(Option<Arc<[String]>>);

impl Spellings {
    /// Of all names that a file writes, those that title case would change.
    pub fn of<'n>(written: impl IntoIterator<Item = &'n str>) -> Self {
        let own: Vec<String> =
            written.into_iter().filter(|name| **name != *title_case(name)).map(str::to_owned).collect();
        Self((!own.is_empty()).then(|| own.into()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The file's own spelling of `name`, of the same length.
    pub fn find(&self, name: &[u8]) -> Option<&str> {
        let names = self.0.as_deref().unwrap_or_default();
        names.iter().map(String::as_str).find(|own| own.as_bytes().eq_ignore_ascii_case(name))
    }
}

/// A capital at the start and after each hyphen, all else small: what the HTTP client makes of a name.
pub(super) fn title_case(name: &str) -> String {
    let mut starts = true;
    let letter = |c: char| {
        let cased = if starts { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        starts = c == '-';
        cased
    };
    name.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_title_case_would_change_is_kept() {
        let names = Spellings::of(["X-Trace", "accessToken", "SOAPAction", "x-api-key", "Content-Type"]);
        for (name, own) in [
            ("accesstoken", Some("accessToken")),
            ("Soapaction", Some("SOAPAction")),
            ("X-Api-Key", Some("x-api-key")),
            ("x-trace", None),
            ("accesstoken2", None),
        ] {
            assert_eq!(names.find(name.as_bytes()), own, "{name}");
        }
        assert!(Spellings::of(["Content-Type", "X-A-1b"]).is_empty());
        assert_eq!(Spellings::default().find(b"x"), None);
    }
}
