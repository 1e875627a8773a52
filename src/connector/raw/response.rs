//! How a reply is read: decoding, rules, captures, mapping.

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::diagnostic::Diagnostics;
use crate::document::PairsSpec;
use crate::response::Format;
use crate::signing::JwtAlgorithm;
use crate::verdict::{Otherwise, Reason};
use crate::yaml::{Node, NodeValue};

use super::amount::TimeSpan;
use super::condition::Condition;
use super::decrypt::Decrypt;
use super::input::Pairs;
use super::read::{FromNode, MapSpans, read_keyed};
use super::record::{definition, keys, read_as_word, record, words};
use super::scalar::{Spanned, Text};
use super::script::ScriptUse;
use super::shape::{Dict, Flat, OneOrMany};
use super::source::{Source, bare, string_or};
use super::word::Word;

record! {
    /// How a reply is read. Rules are judged in this order: reject, unavailable, more, pending, success.
    pub struct Response as "a response" {
        /// Decryption of the body, or of one field of it, before anything is read.
        decrypt: Option<Decrypt>,
        /// What the body is; auto when left out.
        format: Option<Spanned<Format>>,
        /// The charset of the body; auto (BOM, header, declaration, UTF-8) when left out.
        charset: Option<Text>,
        /// JavaScript on the reply; yields the document that rules read. The text, or `{ script: name }` for one of `scripts`.
        preprocess: Option<ScriptUse>,
        /// The same as a file, relative to the connector.
        preprocess_file: Option<Text>,
        /// Verification of a JSON Web Token of the reply or of an answer; its claims are the `claim` sources.
        jwt: Option<Jwt>,
        /// Rows; the first whose condition is true decides.
        reject: Vec<RejectRow>,
        /// The upstream has trouble; not the user's fault.
        unavailable: Option<Condition>,
        /// Right so far; a later factor must finish.
        more: Option<Condition>,
        /// A push is not confirmed yet.
        pending: Option<Condition>,
        /// The step succeeded. In a helper it may be left out: then 2xx and every capture.
        success: Option<Condition>,
        /// What it means in a factor when no rule is true: a reason, or `unavailable`. When left out: `unavailable` if a row of
        /// `reject` says what a wrong password (after an `ask` a wrong answer) looks like, else that it was wrong.
        otherwise: Option<Spanned<Otherwise>>,
        /// The user that the upstream names, compared with the user name sent.
        identity: Option<Identity>,
        /// Values kept for later steps as `steps.<name>.<capture>`.
        capture: Dict<Capture>,
        /// Which parts of the reply go back to the console.
        map: Option<Mapping>,
    }
}

words! {
    /// What a body is.
    pub enum FormatWord as "a format" {
        /// By the Content-Type, else by the first byte.
        Auto = "auto",
        /// RFC 8259
        Json = "json",
        /// XML 1.0
        Xml = "xml",
        /// application/x-www-form-urlencoded
        Form = "form",
        /// A name and a value a line: `name=value`.
        Pairs = "pairs",
        /// HTML
        Html = "html",
        /// Any text
        Text = "text",
        /// Any bytes
        Bytes = "bytes",
    }
}

record! {
    /// Pairs as a format.
    pub struct ReplyPairs as "a format" {
        /// Names and values in a line.
        pairs: Pairs,
    }
}

impl FromNode for Format {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        if matches!(node.value, NodeValue::Map(_)) {
            return ReplyPairs::read(node, diagnostics).map(|format| Self::Pairs(format.pairs.spec()));
        }
        Some(match FormatWord::read(node, diagnostics)? {
            FormatWord::Auto => Self::Auto,
            FormatWord::Json => Self::Json,
            FormatWord::Xml => Self::Xml,
            FormatWord::Form => Self::Form,
            FormatWord::Pairs => Self::Pairs(PairsSpec::default()),
            FormatWord::Html => Self::Html,
            FormatWord::Text => Self::Text,
            FormatWord::Bytes => Self::Bytes,
        })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let (word, pairs) = (FormatWord::schema(generator), ReplyPairs::schema(generator));
        json_schema!({ "anyOf": [word, pairs] })
    }
}

record! {
    /// Verification of a JSON Web Token (RFC 7519) that the reply holds, or that a redirect brought back.
    pub struct Jwt as "the key `jwt`" {
        /// The field that holds the token.
        field: Option<Text>,
        /// Instead of `field`: the answer of this step's redirect that is the token, such as `id_token`.
        answer: Option<Text>,
        /// The claim `nonce` that is expected: `{{login.nonce}}`. Required with `answer`.
        nonce: Option<Text>,
        /// The key: a template of `secret.*` or of a capture; a PEM, or the shared secret with HS256.
        key: Option<Text>,
        /// Where the keys are fetched (RFC 7517) and kept for ten minutes; instead of `key`.
        jwks_url: Option<Text>,
        /// The claim `iss` that is expected.
        issuer: Option<Text>,
        /// The claim `aud` that is expected.
        audience: Option<OneOrMany<Text>>,
        /// The algorithms that are allowed.
        algorithms: Option<OneOrMany<Spanned<JwtAlgorithm>>>,
        /// The `alg` of tokens that are signed by SM2 with SM3, which has no registered name.
        sm2_alg: Option<Text>,
        /// How far clocks may differ; 60s when left out, at most 10m.
        leeway: Option<Spanned<TimeSpan>>,
    }
}

record! {
    /// A row of `reject`.
    pub struct RejectRow as "a row of reject" {
        /// When it decides.
        when: Condition,
        /// Why the user is refused.
        reason: Spanned<Reason>,
        /// The message to the user instead of the upstream's.
        message: Option<Text>,
    }
}

impl Word for Otherwise {
    const WHAT: &'static str = "a value of otherwise";
    const ALL: &'static [Self] = &EVERY_OTHERWISE;

    fn word(self) -> &'static str {
        match self {
            Self::Reject(reason) => reason.as_str(),
            Self::Unavailable => "unavailable",
        }
    }
}

read_as_word! { Otherwise }

const EVERY_OTHERWISE: [Otherwise; Reason::ALL.len() + 1] = {
    let mut all = [Otherwise::Unavailable; Reason::ALL.len() + 1];
    let mut next = 0;
    while next < Reason::ALL.len() {
        all[next] = Otherwise::Reject(Reason::ALL[next]);
        next += 1;
    }
    all
};

read_as_word! { Reason as "a reason" }

/// The user that the upstream names.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// Where it and its keys stand.
    pub place: MapSpans,
    /// Where the name comes from.
    pub source: Source,
    /// How it is compared; `exact` when left out.
    pub r#match: Option<Spanned<Match>>,
}

keys! {
    /// A source with the way of comparing.
    pub struct IdentityKeys as "an identity" {
        /// Where the name comes from.
        source: Flat<Source>,
        /// How it is compared with the name sent; exact when left out.
        r#match: Option<Spanned<Match>>,
    }
}

words! {
    /// How names are compared.
    pub enum Match as "a way of comparing" {
        /// Byte for byte.
        Exact = "exact",
        /// ASCII letters folded.
        IgnoreCase = "ignore_case",
        /// Not compared; it becomes the accept's subject.
        Report = "report",
    }
}

impl FromNode for Identity {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        if !matches!(node.value, NodeValue::Map(_)) {
            let (place, source) = bare(node, diagnostics)?;
            return Some(Self { place, source, r#match: None });
        }
        let keys: IdentityKeys = read_keyed(node, diagnostics)?;
        Some(Self { place: keys.place, source: keys.source.0, r#match: keys.r#match })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }
}

definition! {
    Identity: |generator| string_or::<IdentityKeys>(
        "The user that the upstream names: a source, and how it is compared. A bare string is a field; of a list the first \
         that is there.", generator,
    )
}

/// A value kept for later steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Capture {
    /// Where it and its keys stand.
    pub place: MapSpans,
    /// Where the value comes from.
    pub source: Source,
    /// Whether it may be missing.
    pub optional: Option<Spanned<bool>>,
    /// Whether a trace may show it.
    pub public: Option<Spanned<bool>>,
}

keys! {
    /// A source with what is said about the capture.
    pub struct CaptureKeys as "a capture" {
        /// Where the value comes from.
        source: Flat<Source>,
        /// Whether it may be missing; false when left out.
        optional: Option<Spanned<bool>>,
        /// Whether a trace may show it; false when left out.
        public: Option<Spanned<bool>>,
    }
}

impl FromNode for Capture {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        if !matches!(node.value, NodeValue::Map(_)) {
            let (place, source) = bare(node, diagnostics)?;
            return Some(Self { place, source, optional: None, public: None });
        }
        let keys: CaptureKeys = read_keyed(node, diagnostics)?;
        Some(Self { place: keys.place, source: keys.source.0, optional: keys.optional, public: keys.public })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }
}

definition! {
    Capture: |generator| string_or::<CaptureKeys>(
        "A value kept for later steps: a source, and what is said about it. A bare string is a field; of a list the \
         first that is there.", generator,
    )
}

record! {
    /// Which parts of a reply go back to the console; a bare string is a field.
    pub struct Mapping as "a mapping" {
        /// The upstream's own code.
        error_code: Option<Source>,
        /// The upstream's message.
        error_message: Option<Source>,
        /// Data for the app.
        extension: Option<Extension>,
        /// Attributes of the user, by name.
        attributes: Dict<Source>,
    }
}

/// Data for the app.
#[derive(Debug, Clone, PartialEq)]
pub enum Extension {
    /// One value, whole.
    Whole(Source),
    /// `{ object: { token: result.token } }`: an object of several parts.
    Object(Dict<Source>),
}

record! {
    /// An object of several parts.
    pub struct ExtensionObject as "an extension" {
        /// Name to source.
        object: Dict<Source>,
    }
}

impl FromNode for Extension {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            NodeValue::Map(entries) if entries.iter().any(|entry| entry.key == "object") => {
                ExtensionObject::read(node, diagnostics).map(|extension| Self::Object(extension.object))
            }
            _ => Source::read(node, diagnostics).map(Self::Whole),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let (whole, object) = (Source::schema(generator), ExtensionObject::schema(generator));
        json_schema!({ "anyOf": [whole, object] })
    }
}
