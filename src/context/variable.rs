//! The names of variables as docs/contract.md section 2 lists them, parsed once when a connector loads.
//!
//! Parsing knows the fixed part of the language only; whether a declared attribute, a secret, a step or a capture of
//! that name exists is for `connector::check`, which knows the connector.

use std::fmt;

use crate::words::words;

/// One variable.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Variable {
    /// `user.username`
    Username,
    /// `user.userPassword`
    Password,
    /// `user.fields.<name>`
    Field(String),
    /// `user.clientIp`
    ClientIp,
    /// `user.<declared attribute>`
    Attribute(String),
    /// `env.<name>`
    Env(String),
    /// `steps.<step>.<value>`
    Step {
        /// The step's name.
        step: String,
        /// What of it.
        value: StepValue,
    },
    /// `secret.<name>`
    Secret(String),
    /// `answer.<name>`
    Answer(String),
    /// `login.*`
    Login(LoginValue),
    /// `request.id`
    RequestId,
    /// `request.*` of the request that is being signed; only in the texts of a signature.
    Signed(SignedPart),
    /// `body.inner`: the text of `inner` of the body; only in the request whose body has one, and in its signature.
    InnerBody,
    /// `time.*`
    Time(TimeValue),
    /// `random.*`
    Random(RandomValue),
    /// `accept.*`, `reject.*`, `challenge.*`, `unavailable.*`, `misconfigured.*`, `table.*`: only in the replies of a door.
    Verdict(String),
}

/// What of the request that is being signed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SignedPart {
    /// `request.headers.<name>`, in lower case.
    Header(String),
    /// The others.
    Word(SignedWord),
}

words! {
    /// A part of the request that is being signed, by name.
    pub enum SignedWord {
        /// `POST`
        Method = "method",
        /// Host and port as in the header Host.
        Host = "host",
        /// The path as sent, percent-encoded.
        Path = "path",
        /// The query as sent, without `?`.
        Query = "query",
        /// Its pairs as sent, in the order of their bytes.
        SortedQuery = "sorted_query",
        /// The body.
        Body = "body",
        /// Hexadecimal.
        BodyMd5 = "body_md5",
        /// Hexadecimal.
        BodySha256 = "body_sha256",
        /// The signature itself, in `value`.
        Signature = "signature",
    }
}

impl fmt::Display for SignedPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "request.headers.{name}"),
            Self::Word(word) => write!(f, "request.{word}"),
        }
    }
}

/// What of a step.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StepValue {
    /// `outcome`
    Outcome,
    /// `status`
    Status,
    /// The name of a capture.
    Capture(String),
    /// A form of its page, by selector. No text names it; `form_from` does.
    Form(String),
    /// What links of its page are relative to. No text names it; `url: { from }` does.
    Address,
}

words! {
    /// Values drawn once a login.
    pub enum LoginValue {
        /// For OAuth 2.0 (RFC 6749 section 4.1.1).
        State = "state",
        /// For OpenID Connect.
        Nonce = "nonce",
        /// RFC 7636.
        PkceVerifier = "pkce_verifier",
        /// RFC 7636, S256.
        PkceChallenge = "pkce_challenge",
    }
}

words! {
    /// The time of a step run.
    pub enum TimeValue {
        /// Seconds since 1970.
        Unix = "unix",
        /// Milliseconds since 1970.
        UnixMs = "unix_ms",
        /// `2026-01-02T03:04:05+08:00`
        Iso8601 = "iso8601",
        /// `20260102030405`
        Compact = "compact",
    }
}

words! {
    /// Randomness of a step run.
    pub enum RandomValue {
        /// 32 hex digits.
        Hex16 = "hex16",
        /// A version 4 UUID.
        Uuid = "uuid",
        /// Six decimal digits.
        Digits6 = "digits6",
    }
}

/// Why a text names no variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no variable `{name}`")]
pub struct VariableError {
    /// The text.
    pub name: String,
    /// Names of the language that may have been meant; the connector's own names are for the caller to add.
    pub known: Vec<String>,
}

impl Variable {
    /// Reads a dotted name.
    pub fn parse(name: &str) -> Result<Self, VariableError> {
        Self::parse_known(name).ok_or_else(|| VariableError { name: name.to_owned(), known: known_names() })
    }

    fn parse_known(name: &str) -> Option<Self> {
        let (space, rest) = name.split_once('.')?;
        Some(match space {
            "user" => match rest {
                "username" => Self::Username,
                "userPassword" => Self::Password,
                "clientIp" => Self::ClientIp,
                "fields" => return None,
                _ => match rest.strip_prefix("fields.") {
                    Some(field) => Self::Field(identifier(field)?),
                    None => Self::Attribute(identifier(rest)?),
                },
            },
            "env" => Self::Env(identifier(rest)?),
            "secret" => Self::Secret(identifier(rest)?),
            "answer" => Self::Answer(identifier(rest)?),
            "steps" => {
                let (step, value) = rest.split_once('.')?;
                let value = match value {
                    "outcome" => StepValue::Outcome,
                    "status" => StepValue::Status,
                    capture => StepValue::Capture(identifier(capture)?),
                };
                Self::Step { step: identifier(step)?, value }
            }
            "login" => Self::Login(LoginValue::parse(rest)?),
            "request" if rest == "id" => Self::RequestId,
            "request" => Self::Signed(match rest.strip_prefix("headers.") {
                Some(header) => SignedPart::Header(identifier(&header.to_ascii_lowercase())?),
                None => SignedPart::Word(SignedWord::parse(rest)?),
            }),
            "body" if rest == "inner" => Self::InnerBody,
            "time" => Self::Time(TimeValue::parse(rest)?),
            "random" => Self::Random(RandomValue::parse(rest)?),
            "accept" | "reject" | "challenge" | "unavailable" | "misconfigured" | "table" => {
                identifier(rest.strip_prefix("attributes.").unwrap_or(rest))?;
                Self::Verdict(name.to_owned())
            }
            _ => return None,
        })
    }

    /// Whether the user or the user's device supplies it: it may hold anything.
    pub fn is_user_data(&self) -> bool {
        matches!(
            self,
            Self::Username
                | Self::Password
                | Self::Field(_)
                | Self::ClientIp
                | Self::Attribute(_)
                | Self::Answer(_)
                | Self::Env(_)
                | Self::InnerBody
        )
    }

    /// Whether Doorward itself generates it.
    pub fn is_drawn(&self) -> bool {
        matches!(self, Self::Login(_) | Self::RequestId | Self::Time(_) | Self::Random(_))
    }

    /// Whether its values are written in the file: nothing that anybody sends can be in them.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Verdict(name) if name.starts_with("table."))
    }

    /// Whether it is a credential of the user, so that a request with it is a factor (an `env` is classified by its
    /// script).
    pub fn is_credential(&self) -> bool {
        matches!(self, Self::Password | Self::Field(_) | Self::Answer(_))
    }
}

/// One segment of a name: letters, digits, `_` and `-`, no dot; any script's letters (SDK fields may be Chinese).
fn identifier(text: &str) -> Option<String> {
    let fits = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$'));
    fits.then(|| text.to_owned())
}

/// Every fixed name, for "did you mean" and completion.
pub fn known_names() -> Vec<String> {
    let mut names: Vec<String> =
        ["user.username", "user.userPassword", "user.clientIp", "request.id"].map(String::from).into();
    names.extend(LoginValue::ALL.iter().map(|value| format!("login.{value}")));
    names.extend(TimeValue::ALL.iter().map(|value| format!("time.{value}")));
    names.extend(RandomValue::ALL.iter().map(|value| format!("random.{value}")));
    names
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Username => f.write_str("user.username"),
            Self::Password => f.write_str("user.userPassword"),
            Self::Field(name) => write!(f, "user.fields.{name}"),
            Self::ClientIp => f.write_str("user.clientIp"),
            Self::Attribute(name) => write!(f, "user.{name}"),
            Self::Env(name) => write!(f, "env.{name}"),
            Self::Step { step, value } => match value {
                StepValue::Outcome => write!(f, "steps.{step}.outcome"),
                StepValue::Status => write!(f, "steps.{step}.status"),
                StepValue::Capture(name) => write!(f, "steps.{step}.{name}"),
                StepValue::Address => write!(f, "steps.{step} address"),
                StepValue::Form(css) => write!(f, "steps.{step} form {css}"),
            },
            Self::Secret(name) => write!(f, "secret.{name}"),
            Self::Answer(name) => write!(f, "answer.{name}"),
            Self::Login(value) => write!(f, "login.{value}"),
            Self::RequestId => f.write_str("request.id"),
            Self::Signed(part) => write!(f, "{part}"),
            Self::InnerBody => f.write_str("body.inner"),
            Self::Time(value) => write!(f, "time.{value}"),
            Self::Random(value) => write!(f, "random.{value}"),
            Self::Verdict(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Variable;

    #[test]
    fn names_read_and_write_the_same() {
        for name in [
            "user.username",
            "user.userPassword",
            "user.clientIp",
            "user.fields.client_id",
            "user.device_id",
            "env.md5Psw",
            "steps.login.token",
            "steps.login.outcome",
            "steps.login.status",
            "secret.app_key",
            "answer.code",
            "login.state",
            "login.pkce_challenge",
            "request.id",
            "request.body_sha256",
            "request.headers.x-date",
            "body.inner",
            "time.unix_ms",
            "random.uuid",
            "user.fields.工号",
        ] {
            assert_eq!(Variable::parse(name).unwrap().to_string(), name);
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in [
            "user",
            "user.",
            "user.fields",
            "user.fields.",
            "user.a.b",
            "steps.login",
            "request.cookies",
            "body.outer",
            "request.headers.a.b",
            "time.now",
            "env.a b",
            "",
            "x.y",
        ] {
            assert!(Variable::parse(name).is_err(), "{name}");
        }
    }
}
