//! What became of each value of a request, so that a person can say otherwise before anything is written.

use super::names::is_secret;

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    Username,
    /// With the filters that the server wants it by.
    Password(Vec<String>),
    Secret,
    /// The console sends it with each login.
    Attribute,
    Time,
    TimeMs,
    /// New for each request.
    Nonce,
    Literal,
}

/// A value, what it became, and why.
#[derive(Debug, Clone)]
pub struct Row {
    /// `query`, `header`, `cookie`, `body`.
    pub place: &'static str,
    pub name: String,
    /// Masked where it may be secret.
    pub value: String,
    pub role: String,
    /// `name`, `shape`, `given` or `chosen`.
    pub why: &'static str,
}

impl Role {
    /// `username`, `password`, `password|md5`, `secret` …
    pub fn read(text: &str) -> Option<Self> {
        let mut words = text.split('|');
        let role = match words.next()? {
            "username" => Self::Username,
            "password" => Self::Password(words.map(str::to_owned).collect()),
            "secret" => Self::Secret,
            "attribute" => Self::Attribute,
            "time" => Self::Time,
            "time_ms" => Self::TimeMs,
            "nonce" => Self::Nonce,
            "literal" => Self::Literal,
            _ => return None,
        };
        Some(role)
    }

    /// What a template says of it.
    fn of(template: &str) -> Self {
        let Some(inside) = template.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")) else {
            return Self::Literal;
        };
        let mut parts = inside.split('|').map(str::trim);
        match parts.next().unwrap_or_default() {
            "user.username" => Self::Username,
            "user.userPassword" => Self::Password(parts.map(str::to_owned).collect()),
            "time.unix" => Self::Time,
            "time.unix_ms" => Self::TimeMs,
            "random.hex16" => Self::Nonce,
            name if name.starts_with("secret.") => Self::Secret,
            name if name.starts_with("user.") => Self::Attribute,
            _ => Self::Literal,
        }
    }

    fn written(&self) -> String {
        match self {
            Self::Username => "username".to_owned(),
            Self::Password(filters) => [vec!["password".to_owned()], filters.clone()].concat().join("|"),
            Self::Secret => "secret".to_owned(),
            Self::Attribute => "attribute".to_owned(),
            Self::Time => "time".to_owned(),
            Self::TimeMs => "time_ms".to_owned(),
            Self::Nonce => "nonce".to_owned(),
            Self::Literal => "literal".to_owned(),
        }
    }
}

impl Row {
    pub fn new(place: &'static str, name: &str, value: &str, template: &str, why: &'static str) -> Self {
        let role = Role::of(template);
        let open =
            matches!(role, Role::Username | Role::Literal | Role::Time | Role::TimeMs) && !is_secret(name, value);
        let value =
            if open || value.is_empty() { value.chars().take(80).collect() } else { "••••••".to_owned() };
        Self { place, name: name.to_owned(), value, role: role.written(), why }
    }
}
