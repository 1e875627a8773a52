//! A step: one exchange with what surrounds it.

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::diagnostic::Diagnostics;
use crate::yaml::{Node, NodeValue};

use super::amount::TimeSpan;
use super::ask::Ask;
use super::condition::Condition;
use super::read::FromNode;
use super::record::{record, words};
use super::request::Request;
use super::response::Response;
use super::scalar::{Spanned, Text};
use super::script::ScriptUse;
use super::source::Source;

record! {
    /// One exchange with the upstream, with what surrounds it. In this order: when, ask, variables, request, response.
    pub struct Step as "a step" {
        /// A name, unique in the connector, for `steps.<name>.*`.
        name: Text,
        /// `factor` claims that this step proves the user although its request does not carry what the user typed; `helper` says
        /// that it does not. Found out from the request when left out.
        role: Option<Spanned<Role>>,
        /// Whether the step runs: a condition over earlier steps.
        when: Option<Condition>,
        /// A pause that asks the user for more.
        ask: Option<Ask>,
        /// JavaScript before the request; fills `env.*`. The text, or `{ script: name }` for one of `scripts`.
        variables: Option<ScriptUse>,
        /// The same as a file, relative to the connector.
        variables_file: Option<Text>,
        /// What is sent.
        request: Option<Request>,
        /// How the reply is read.
        response: Option<Response>,
        /// Helpers only: how often the request is made again on connect errors, 502, 503 and 504; 0 when left out.
        retry: Option<Spanned<u32>>,
        /// Keeps the captures of this step for other logins.
        cache: Option<Cache>,
        /// Names of variables of this step whose values a trace may show.
        public: Vec<Text>,
        /// The step makes the upstream send a code, which counts against the daemon's send quota. The variable that says to whom
        /// (`user.username`, an attribute, a capture), or that with the rule by which the reply says that one went out.
        sends_code_to: Option<SendsCode>,
    }
}

/// The receiver of a code.
#[derive(Debug, Clone, PartialEq)]
pub struct SendsCode {
    /// The variable that names the receiver.
    pub to: Text,
    /// When the reply says that one went out.
    pub when: Option<Condition>,
}

record! {
    /// The receiver of a code, and the reply that says that one went out.
    pub struct SendsCodeKeys as "a sends_code_to" {
        /// The variable that names the receiver.
        to: Text,
        /// When the reply says that one went out. Left out: the step is `more`; a step without `more` succeeded.
        when: Option<Condition>,
    }
}

impl FromNode for SendsCode {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            NodeValue::Map(_) => {
                SendsCodeKeys::read(node, diagnostics).map(|keys| Self { to: keys.to, when: keys.when })
            }
            _ => Text::read(node, diagnostics).map(|to| Self { to, when: None }),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let (text, keys) = (Text::schema(generator), SendsCodeKeys::schema(generator));
        json_schema!({ "anyOf": [text, keys] })
    }
}

words! {
    /// What a step can prove.
    pub enum Role as "a role" {
        /// It proves the user.
        Factor = "factor",
        /// It proves nothing.
        Helper = "helper",
    }
}

record! {
    /// Keeps the captures of a step for other logins; only where the request uses nothing of a user.
    pub struct Cache as "a cache" {
        /// How long: a time span, or a source of the reply that gives a number of seconds or the date of the end (seconds or
        /// milliseconds since 1970, or ISO 8601).
        r#for: CacheTime,
        /// The reply of a later step that says the kept captures are no longer good.
        drop_when: Option<Condition>,
    }
}

/// How long captures are kept.
#[derive(Debug, Clone, PartialEq)]
pub enum CacheTime {
    /// This long.
    Fixed(Spanned<TimeSpan>),
    /// As the reply says.
    Reply(Source),
}

impl FromNode for CacheTime {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            NodeValue::Map(_) => Source::read(node, diagnostics).map(Self::Reply),
            _ => Spanned::read(node, diagnostics).map(Self::Fixed),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let (fixed, reply) = (TimeSpan::schema(generator), Source::schema(generator));
        json_schema!({ "anyOf": [fixed, reply] })
    }
}
