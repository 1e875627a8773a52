//! `client_id:1,password:x`: names and values with separators that the connector declares.
//!
//! Nothing is trimmed or unescaped: values pass byte for byte (docs/contract.md section 9, invariant 7). The caller
//! removes what surrounds the list.

use indexmap::IndexMap;

/// How the pairs are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairsSpec {
    /// Separates pairs. Not empty.
    pub between: String,
    /// Separates a name from its value; the first one in a pair counts. Not empty.
    pub after_key: String,
    /// The name whose value is the whole rest, separators included. A text without this name is malformed.
    pub last: Option<String>,
}

impl Default for PairsSpec {
    /// `name=value`, a line each.
    fn default() -> Self {
        Self { between: "\n".to_owned(), after_key: "=".to_owned(), last: None }
    }
}

/// Why a text is not a list of names and values. It quotes nothing of the text, which may be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MembersError {
    #[error("a name that occurs twice")]
    Repeated,
    /// A value that is itself a list.
    #[error("a value that is not a scalar")]
    Nested,
    #[error("{0}")]
    Malformed(&'static str),
    /// More names than the limit.
    #[error("too many names")]
    TooMany,
}

/// Most names in one text. The forms of replies have tens.
const MAX_MEMBERS: usize = 1024;

pub fn from_pairs(text: &str, spec: &PairsSpec) -> Result<IndexMap<String, String>, MembersError> {
    if spec.between.is_empty() || spec.after_key.is_empty() {
        return Err(MembersError::Malformed("separators that are empty"));
    }
    let mut members = IndexMap::new();
    let mut rest = Some(text);
    while let Some(from_here) = rest {
        // The name is split off first, so that one separator can serve for both: `code,200,msg,ok`.
        let (name, tail) = from_here
            .split_once(&spec.after_key)
            .filter(|(name, _)| !name.contains(&spec.between))
            .ok_or(MembersError::Malformed("a part without its separator"))?;
        let (value, after) = match tail.split_once(&spec.between) {
            Some((value, after)) => (value, Some(after)),
            None => (tail, None),
        };
        if spec.last.as_deref() == Some(name) {
            let all = &from_here[name.len() + spec.after_key.len()..];
            add(&mut members, name.to_owned(), all.to_owned())?;
            return Ok(members);
        }
        add(&mut members, name.to_owned(), value.to_owned())?;
        rest = after;
    }
    match spec.last {
        Some(_) => Err(MembersError::Malformed("no part with the name that comes last")),
        None => Ok(members),
    }
}

/// Adds a member, unless the name is a duplicate or there are too many.
pub(super) fn add(members: &mut IndexMap<String, String>, name: String, value: String) -> Result<(), MembersError> {
    if name.is_empty() {
        return Err(MembersError::Malformed("a value without a name"));
    }
    if members.len() >= MAX_MEMBERS {
        return Err(MembersError::TooMany);
    }
    match members.insert(name, value) {
        None => Ok(()),
        Some(_) => Err(MembersError::Repeated),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(between: &str, after_key: &str, last: Option<&str>) -> PairsSpec {
        PairsSpec { between: between.to_owned(), after_key: after_key.to_owned(), last: last.map(str::to_owned) }
    }

    #[test]
    fn values_pass_as_written() {
        let commas = spec(",", ":", None);
        let last = spec(",", ":", Some("p"));
        for (text, spec, wanted) in [
            ("a:1,b:2", &commas, vec![("a", "1"), ("b", "2")]),
            ("a:x:y,b:", &commas, vec![("a", "x:y"), ("b", "")]),
            (" a : 1 ", &commas, vec![(" a ", " 1 ")]),
            ("a:1,p:x,y:z,a:2,", &last, vec![("a", "1"), ("p", "x,y:z,a:2,")]),
            ("p:", &last, vec![("p", "")]),
            ("code,200,msg,ok", &spec(",", ",", None), vec![("code", "200"), ("msg", "ok")]),
            ("a||1;;b||2", &spec(";;", "||", None), vec![("a", "1"), ("b", "2")]),
        ] {
            let members = from_pairs(text, spec).unwrap();
            assert_eq!(members.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), wanted, "{text}");
        }
    }

    #[test]
    fn doubt_is_an_error() {
        for text in ["", "a", "a:1,", ",a:1", "a:1,b", ":1", "a:1,a:1"] {
            assert!(from_pairs(text, &spec(",", ":", None)).is_err(), "{text}");
        }
        assert!(from_pairs("a:1,b:2", &spec(",", ":", Some("p"))).is_err());
        assert!(from_pairs("a:1", &spec("", ":", None)).is_err());
        let many = (0..2000).map(|n| format!("{n}:1,")).collect::<Vec<_>>().concat();
        assert_eq!(from_pairs(&many, &spec(",", ":", None)), Err(MembersError::TooMany));
    }
}
