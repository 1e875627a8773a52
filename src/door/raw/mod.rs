//! A door as it was written: every key, nothing judged. What it means is `door::check`'s.

pub mod case;
pub mod challenge;
pub mod look;
pub mod question;
pub mod source;

use crate::connector::raw::connector::Version;
use crate::diagnostic::Diagnostics;
use crate::reading::record::{record, words};
use crate::reading::{Constant, Dict, FromNode, OneOrMany, Parameter, Spanned, Text, TimeSpan, Tree, read_keyed};
use crate::request::raw::TextBody;
use crate::verdict::{Cause, Reason};
use crate::yaml::{Node, NodeValue};
use schemars::{Schema, SchemaGenerator, json_schema};

use case::RawCase;
use challenge::RawChallenge;
use look::RawReading;
use question::RawQuestion;
use source::RawRequestSource;

record! {
    /// How a console asks that does not speak the API, and the reply that it understands for each verdict.
    pub struct RawDoor as "a door" {
        /// The version of this format: 1.
        version: Spanned<Version>,
        /// A name for people.
        title: Option<Text>,
        /// What the console makes of a reply: the name of a shipped reading, or a reading written out.
        console: RawConsole,
        /// The connector that is asked: its id, or `{ by: login.attributes.realm, VALUE: id }`.
        connector: RawChoice,
        /// Where the console asks.
        at: RawAt,
        /// Who may ask.
        caller: RawCaller,
        /// Where name, password and the rest stand in the request.
        login: RawLogin,
        /// What is answered.
        replies: RawReplies,
        /// How more is asked of the user; left out, a challenge is a refusal.
        challenge: Option<RawChallenge>,
        /// Closed tables, written `{{table.NAME}}` in the reply for accept: `{ of: accept.attributes.group, VALUE: result, else: result }`.
        tables: Dict<Dict<Constant>>,
        /// Constant answers to side questions of the console. No login, no verdict.
        also: Vec<RawAlso>,
        /// The most that a login takes; the console's patience less half a second when left out.
        deadline: Option<Spanned<TimeSpan>>,
        /// How long this console waits, where its configuration says otherwise than its reading.
        patience: Option<Spanned<TimeSpan>>,
        /// Lints that are waived, each with its why.
        acknowledge: Dict<Text>,
        /// Golden cases, run by `doorward check`.
        tests: Vec<RawCase>,
        /// For editors: where the JSON Schema of this format lies. Says nothing about the door.
        schema as "$schema": Option<Text>,
    }
}

/// A reading by its name, or written out.
#[derive(Debug, Clone, PartialEq)]
pub enum RawConsole {
    /// A shipped one.
    Named(Text),
    /// One of the file's own.
    Written(Box<RawReading>),
}

impl FromNode for RawConsole {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            NodeValue::Map(_) => read_keyed(node, diagnostics).map(|reading| Self::Written(Box::new(reading))),
            _ => Text::read(node, diagnostics).map(Self::Named),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let written = RawReading::schema(generator);
        json_schema!({ "anyOf": [{ "type": "string" }, written] })
    }
}

/// One connector, or one of several by an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum RawChoice {
    /// Its id.
    One(Text),
    /// `by`, and an id for each value.
    By(Dict<Text>),
}

impl FromNode for RawChoice {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            NodeValue::Map(_) => Dict::read(node, diagnostics).map(Self::By),
            _ => Text::read(node, diagnostics).map(Self::One),
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, {
            "type": "object", "required": ["by"], "additionalProperties": { "type": "string" }
        }] })
    }
}

record! {
    /// Where a console asks.
    pub struct RawAt as "the key `at`" {
        /// The path, as it stands in the request.
        path: Text,
        /// Every path below it, too. Nothing of it is read.
        below: Option<bool>,
        /// The method; GET when left out.
        method: Option<Spanned<AskMethod>>,
        /// Any method: gateways that pass on the browser's.
        any_method: Option<bool>,
        /// What the body is; `none` when left out, and then it is not read.
        body: Option<Spanned<AskBody>>,
    }
}

words! {
    /// The method of a console's request.
    pub enum AskMethod as "a method of a door" {
        /// Without a body.
        Get = "GET",
        /// With a body.
        Post = "POST",
        /// With a body.
        Put = "PUT",
        /// Headers only.
        Head = "HEAD",
    }
}

words! {
    /// What the body of a console's request is.
    pub enum AskBody as "a body of a request" {
        /// It is not read.
        None = "none",
        /// RFC 8259, without duplicate keys.
        Json = "json",
        /// `application/x-www-form-urlencoded`
        Form = "form",
        /// XML 1.0: `{ root: { child, "@attribute", "#text" } }`.
        Xml = "xml",
        /// A text: `text` is all of it, `lines[0]` its first line.
        Text = "text",
    }
}

record! {
    /// Who may ask.
    pub struct RawCaller as "the key `caller`" {
        /// A client of doorward.yaml with the scope `door`.
        client: Text,
        /// Where its token stands; left out, it shows its certificate.
        token: Option<RawRequestSource>,
        /// Addresses from which it asks, as networks: `10.0.0.0/8`. Alone, without token and certificate, only with `acknowledge: {
        /// network_only: why }`.
        from: Vec<Text>,
    }
}

record! {
    /// Where name, password and the rest stand in the request.
    pub struct RawLogin as "the key `login`" {
        /// The user name.
        username: RawRequestSource,
        /// The password; left out where the connector takes none.
        password: Option<RawRequestSource>,
        /// The address of the user's device.
        client_ip: Option<RawRequestSource>,
        /// The attributes that the connector declares.
        attributes: Dict<RawRequestSource>,
    }
}

record! {
    /// What is answered.
    pub struct RawReplies as "the key `replies`" {
        /// The user is who they say they are.
        accept: RawRows,
        /// The user is refused.
        reject: RawRows,
        /// Undetermined.
        unavailable: RawRows,
        /// The upstream wants more of the user; as `reject` when left out.
        challenge: Option<RawRows>,
        /// Connector or door are set up wrong; as `unavailable` when left out.
        misconfigured: Option<RawRows>,
        /// The request has no user name or no password; as `reject` when left out. No verdict, and nothing is counted.
        anonymous: Option<RawRows>,
        /// The request cannot be read without doubt; as `unavailable` when left out.
        malformed: Option<RawRows>,
        /// The console's own credential is wrong; 401 when left out, where the console refuses on it.
        stranger: Option<RawRows>,
    }
}

/// One reply, or rows of which the first that fits is sent; the last fits always.
#[derive(Debug, Clone, PartialEq)]
pub struct RawRows(pub Vec<RawReply>);

impl FromNode for RawRows {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        OneOrMany::read(node, diagnostics).map(|rows| Self(rows.0))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        OneOrMany::<RawReply>::schema(generator)
    }
}

record! {
    /// A reply.
    pub struct RawReply as "a reply" {
        /// When this row is sent; the last has none.
        when: Option<RawWhen>,
        /// The HTTP status.
        status: Spanned<u32>,
        /// Headers. Identity headers stand with every accept, empty if need be: a header that is not sent stays as a browser forged it.
        headers: Dict<Parameter>,
        /// A body of JSON: a tree whose strings may hold holes.
        json: Option<Tree>,
        /// A body that is a form.
        form: Option<Dict<OneOrMany<Parameter>>>,
        /// A body of XML.
        xml: Option<TextBody>,
        /// A body of text.
        text: Option<TextBody>,
        /// Attributes for FreeRADIUS 3 (rlm_rest).
        radius: Option<RawRadius>,
    }
}

record! {
    /// Attributes of a RADIUS reply. They go out with `do_xlat: false`, and each text ends at 253 bytes.
    pub struct RawRadius as "the key `radius`" {
        /// `"{{challenge.id}}"`: the reply is an Access-Challenge, and this its State.
        challenge: Option<Text>,
        /// Attributes of the reply by name, such as Reply-Message; a list is several.
        reply: Dict<OneOrMany<Parameter>>,
    }
}

record! {
    /// When a row is sent.
    pub struct RawWhen as "the key `when` of a row" {
        /// The reason of the reject is one of these.
        reason: Option<OneOrMany<Spanned<Reason>>>,
        /// The cause of the unavailable is one of these.
        cause: Option<OneOrMany<Spanned<Cause>>>,
    }
}

record! {
    /// A constant answer to a side question.
    pub struct RawAlso as "a side question" {
        /// Where the console asks.
        at: RawAt,
        /// When `text` or `json` is answered; always when left out.
        when: Option<RawQuestion>,
        /// The status; 200 when left out.
        status: Option<Spanned<u32>>,
        /// The answer as text.
        text: Option<Parameter>,
        /// The answer as JSON.
        json: Option<Tree>,
        /// The answer as text when `when` does not hold; the door's reply for `reject` when left out.
        r#else: Option<Parameter>,
    }
}
