//! The whole file: the keys at the top, settings and secrets.

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::diagnostic::Diagnostics;
use crate::yaml::{Core, Node, NodeValue};

use super::delivery::CookieDelivery;
use super::golden::GoldenCase;
use super::input::Input;
use super::read::{FromNode, wrong_kind};
use super::record::{one_of, record, words};
use super::scalar::{Parameter, Spanned, Text, scalar_of};
use super::script::NamedScript;
use super::shape::{Dict, NonEmpty};
use super::step::Step;
use super::transport::Transport;

pub use super::input::{Attribute, PackedFields, PackedFormat, Pairs};

record! {
    /// How users are authenticated against one upstream.
    pub struct Connector as "a connector" {
        /// The version of this format: 1.
        version: Spanned<Version>,
        /// A name for people.
        title: Option<Text>,
        /// `authentication` (the default) says accept or reject; `utility` makes pre-login calls and can never say accept.
        kind: Option<Spanned<ConnectorKind>>,
        /// Constants of this installation, read when the connector loads and written `${name}`; the only way to vary
        /// scheme, host and port.
        settings: Dict<Setting>,
        /// Credentials of the connector itself, read when it loads, written `{{secret.name}}`; never a literal.
        secrets: Dict<Secret>,
        /// Scripts that several steps use, by name: the text, or `{ file: path }`; used as `variables: { script: name }`.
        scripts: Dict<NamedScript>,
        /// What the console sends beside user name and password.
        input: Option<Input>,
        /// Time zone of `time.iso8601`, `time.compact` and the `date` filter, such as `Asia/Shanghai`; UTC when left out.
        time_zone: Option<Text>,
        /// How the upstream is reached.
        transport: Option<Transport>,
        /// Lints that are waived, each with its why.
        acknowledge: Dict<Text>,
        /// The exchanges of a login, in order.
        steps: NonEmpty<Step>,
        /// Handing the upstream's cookies to the user's browser.
        cookie_delivery: Option<CookieDelivery>,
        /// Golden cases, run by `doorward check` without network and without real secrets.
        tests: Vec<GoldenCase>,
        /// For editors: where the JSON Schema of this format lies. Says nothing about the connector.
        schema as "$schema": Option<Text>,
    }
}

/// The version of the format: 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version;

impl FromNode for Version {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        match scalar_of(node).map(|scalar| (scalar.core(), scalar.text.as_str())) {
            Some((Core::Number(_), "1")) => {}
            Some((core, _)) if core != Core::Absent => {
                let mistake =
                    diagnostics.error_at("unknown-version", &node.span, "this version of the format is not known");
                diagnostics.add(mistake.label("only 1 is").help("write version: 1"));
            }
            _ => wrong_kind(node, "the version of the format", "write version: 1", diagnostics),
        }
        // The other keys are worth reading whatever stands here.
        Some(Self)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": 1 })
    }
}

words! {
    /// What a connector is for.
    #[derive(Default)]
    pub enum ConnectorKind as "a kind of connector" {
        /// It authenticates users.
        #[default]
        Authentication = "authentication",
        /// It makes calls before a login (captcha, send a code) and can never say accept.
        Utility = "utility",
    }
}

/// A load-time constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    /// `base: https://4a.example.com`
    Literal(Parameter),
    /// `{ env: NAME, default: … }`
    Env(EnvSetting),
    /// `{ nodes: [ … ] }`
    Nodes(NodesSetting),
}

record! {
    /// A setting from the environment.
    pub struct EnvSetting as "a setting" {
        /// The environment variable.
        env: Text,
        /// The value when the variable is not set; without it the variable is required.
        default: Option<Parameter>,
    }
}

record! {
    /// Origins tried in order, a node per login, the next only when connecting failed.
    pub struct NodesSetting as "a setting" {
        /// Origins, `https://host:port`.
        nodes: NonEmpty<Text>,
    }
}

impl FromNode for Setting {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            NodeValue::Map(entries) if entries.iter().any(|entry| entry.key == "nodes") => {
                if let Some(env) = entries.iter().find(|entry| entry.key == "env") {
                    let message = "a setting takes one of `env` and `nodes`, not both";
                    let mistake =
                        diagnostics.error_at("too-many-keys", &env.key_span, message).label("it has `nodes` too");
                    diagnostics.add(mistake.help("keep one of them"));
                    return None;
                }
                NodesSetting::read(node, diagnostics).map(Self::Nodes)
            }
            NodeValue::Map(_) => EnvSetting::read(node, diagnostics).map(Self::Env),
            _ => Parameter::read(node, diagnostics).map(Self::Literal),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let (literal, env, nodes) =
            (Parameter::schema(generator), EnvSetting::schema(generator), NodesSetting::schema(generator));
        json_schema!({ "anyOf": [literal, env, nodes] })
    }
}

one_of! {
    /// Where a secret comes from.
    pub enum SecretSource as "a secret" {
        /// An environment variable.
        env: Env(Text),
        /// A file, relative to the connector; one line end at its end is not part of it.
        file: File(Text),
    }
}

/// Where a secret comes from.
pub type Secret = Spanned<SecretValue>;

/// A [`SecretSource`] that was not written as a literal.
#[derive(Debug, Clone, PartialEq)]
pub struct SecretValue(pub SecretSource);

impl FromNode for SecretValue {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        if matches!(node.value, NodeValue::Scalar(_)) {
            // It may well be the secret, and what is printed here lands in logs.
            diagnostics.hide(&node.span);
            let mistake = diagnostics
                .error_at("literal-secret", &node.span, "a secret is never written in the connector")
                .label("a literal");
            diagnostics.add(mistake.help("write { env: NAME } or { file: path }"));
            return None;
        }
        SecretSource::read(node, diagnostics).map(Self)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        SecretSource::schema(generator)
    }
}
