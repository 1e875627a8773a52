//! Golden cases of a connector: what the user types, what the upstream answers, what must come out.

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::diagnostic::Diagnostics;
use crate::verdict::{Cause, Reason};
use crate::yaml::{Node, NodeValue};

use super::Tree;
use super::ask::AskType;
use super::read::{FromNode, MapSpans, read_keyed, schema_of_keys};
use super::record::{definition, keys, read_as_word, record, words};
use super::scalar::{Constant, Parameter, Spanned, Text};
use super::shape::{Dict, OneOrMany};
use crate::request::raw::Method;

record! {
    /// A golden case, run by `doorward check` without network and without real secrets.
    pub struct GoldenCase as "a test" {
        /// What it shows.
        name: Text,
        /// Settings of this case instead of the connector's.
        settings: Dict<Parameter>,
        /// Secrets of this case; the others are samples.
        secrets: Dict<Text>,
        /// The time of this case, RFC 3339: `2026-01-02T03:04:05Z`.
        clock: Option<Text>,
        /// What the console sends.
        user: Option<GoldenUser>,
        /// What the user answers to each ask, in order. `{}` polls, `{ resend: "" }` asks for the code once more; a redirect
        /// that names no `state` brings back the right one.
        answers: Vec<Dict<Text>>,
        /// What the upstream answers to each request, in order.
        replies: Vec<GoldenReply>,
        /// What must come out.
        expect: Expect,
    }
}

record! {
    /// What the console sends.
    pub struct GoldenUser as "a user" {
        /// The user name.
        username: Option<Text>,
        /// The password, byte for byte.
        user_password as "userPassword": Option<Text>,
        /// The address of the user's device.
        client_ip as "clientIp": Option<Text>,
        /// Declared attributes.
        attributes: Dict<Text>,
    }
}

record! {
    /// A reply of the upstream, or a failure. At most one of json, xml, html, text, form and base64.
    pub struct GoldenReply as "a reply" {
        /// The HTTP status; 200 when left out.
        status: Option<Spanned<u32>>,
        /// Headers; a list repeats the name. The body's key sets the Content-Type when none is written.
        headers: Dict<OneOrMany<Parameter>>,
        /// A JSON body.
        json: Option<Tree>,
        /// An XML body.
        xml: Option<Text>,
        /// An HTML body.
        html: Option<Text>,
        /// A text body.
        text: Option<Text>,
        /// A form body.
        form: Option<Dict<OneOrMany<Parameter>>>,
        /// A body of any bytes.
        base64: Option<Text>,
        /// No reply at all: the request fails with this cause.
        fail: Option<Spanned<Cause>>,
    }
}

read_as_word! { Cause as "a cause" }

record! {
    /// What must come out; what is left out is not compared.
    pub struct Expect as "an expectation" {
        /// The verdict.
        verdict: Option<Spanned<VerdictWord>>,
        /// The reason of a reject.
        reason: Option<Spanned<Reason>>,
        /// The cause of an unavailable.
        cause: Option<Spanned<Cause>>,
        /// The account that was authenticated.
        subject: Option<Text>,
        /// The mapped code; null when there must be none.
        error_code: Option<Constant>,
        /// The mapped message; null when there must be none.
        error_message: Option<Constant>,
        /// The mapped data.
        extension: Option<Tree>,
        /// The mapped attributes; those not named are not compared.
        attributes: Dict<Tree>,
        /// The challenge that is open at the end.
        challenge: Option<ExpectedChallenge>,
        /// The cookies that are handed over, all of them.
        cookies: Option<Vec<ExpectedCookie>>,
        /// The requests that were sent, all of them, in order.
        requests: Option<Vec<ExpectedRequest>>,
    }
}

words! {
    /// A verdict.
    pub enum VerdictWord as "a verdict" {
        /// The user is who they say they are.
        Accept = "accept",
        /// The user is refused.
        Reject = "reject",
        /// The upstream wants more of the user.
        Challenge = "challenge",
        /// Doorward could not tell.
        Unavailable = "unavailable",
        /// The connector is set up wrong.
        Misconfigured = "misconfigured",
    }
}

record! {
    /// The challenge that is open at the end.
    pub struct ExpectedChallenge as "an expected challenge" {
        /// Its type.
        r#type: Option<Spanned<AskType>>,
        /// Its message.
        message: Option<Text>,
        /// Where the user's browser goes.
        url: Option<Text>,
        /// The picture.
        image: Option<Text>,
        /// How many answers are left.
        attempts_left: Option<Spanned<u32>>,
        /// Why the last answer, or the last resend, did not do.
        error: Option<Spanned<Reason>>,
    }
}

record! {
    /// A request that was sent; what is left out is not compared.
    pub struct ExpectedRequest as "an expected request" {
        /// The method.
        method: Option<Spanned<Method>>,
        /// The whole URL, query included.
        url: Option<Text>,
        /// Parameters of the query; those not named are not compared.
        query: Dict<OneOrMany<Parameter>>,
        /// Headers; those not named are not compared.
        headers: Dict<Parameter>,
        /// Cookies; those not named are not compared.
        cookies: Dict<Parameter>,
        /// The body, decoded: JSON as it is, a form or multipart as name to value, anything else as text.
        body: Option<Tree>,
    }
}

/// A cookie that must be handed over.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedCookie {
    /// Where it and its keys stand.
    pub place: MapSpans,
    /// Its name in the browser.
    pub name: Text,
    /// Its value.
    pub value: Option<Text>,
    /// Its domain.
    pub domain: Option<Text>,
}

keys! {
    /// A cookie with its details.
    pub struct ExpectedCookieKeys as "an expected cookie" {
        /// Its name in the browser.
        name: Text,
        /// Its value.
        value: Option<Text>,
        /// Its domain.
        domain: Option<Text>,
    }
}

impl FromNode for ExpectedCookie {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        if matches!(node.value, NodeValue::Scalar(_)) {
            let name = Text::read(node, diagnostics)?;
            return Some(Self { place: MapSpans::of(node.span.clone()), name, value: None, domain: None });
        }
        let ExpectedCookieKeys { place, name, value, domain } = read_keyed(node, diagnostics)?;
        Some(Self { place, name, value, domain })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }
}

definition! {
    ExpectedCookie: |generator| {
        let keys = schema_of_keys::<ExpectedCookieKeys>("", generator);
        json_schema!({ "description": "A cookie by its name, or with details.", "anyOf": [{ "type": "string" }, keys] })
    }
}
