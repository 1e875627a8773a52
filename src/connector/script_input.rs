//! The parameters of a script as JSON text (docs/contract.md section 3): what its text says that it reads, and no more.
//!
//! A script that uses a parameter in a way that its text does not tell gets all of that parameter. Integers that JavaScript
//! cannot hold exactly become strings when the worker reads them (`script::engine`).

use std::borrow::Cow;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, SET_COOKIE};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::context::{Context, StepFacts};
use crate::document::{Shape, Value};
use crate::response::{BodyKind, Decoded, Most};
use crate::script::{Input, Names, Reads, ScriptId};
use crate::upstream::Reply;

/// A script of a step.
#[derive(Debug, Clone)]
pub struct Script {
    /// Its number in the generation.
    pub id: ScriptId,
    /// What it reads.
    pub reads: Reads,
    /// The settings that it reads, the same in every call.
    pub settings: Arc<[(String, String)]>,
}

impl Script {
    /// Parameters of a variables script.
    pub fn variables(&self, context: &Context) -> Input {
        self.input(context, None)
    }

    /// Parameters of a preprocess script: the same, the raw reply and the document (`{}` for text).
    pub fn preprocess(&self, context: &Context, reply: &Reply, decoded: &Decoded) -> Input {
        self.input(context, Some((reply, decoded)))
    }

    /// Takes the document that a preprocess script left. One that reads XML inside of another format leaves elements of XML, and
    /// rules read them so.
    pub fn made(&self, document: Value, decoded: &mut Decoded, most: Most) {
        decoded.replace(document, most);
        if wanted(&self.reads.code_util, "parseXml") {
            decoded.shape = Shape::Xml;
        }
    }

    fn input(&self, context: &Context, reply: Option<(&Reply, &Decoded)>) -> Input {
        let parameters = Parameters { reads: &self.reads, settings: &self.settings, context, reply };
        // Strings, numbers and our own values into memory: serialising cannot fail. An empty text is an error in the worker.
        Input::new(serde_json::to_string(&parameters).unwrap_or_default())
    }
}

/// Everything that one call gets.
struct Parameters<'a> {
    reads: &'a Reads,
    settings: &'a [(String, String)],
    context: &'a Context,
    reply: Option<(&'a Reply, &'a Decoded)>,
}

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { reads, settings, context, reply } = self;
        let mut all = serializer.serialize_map(None)?;
        if !reads.user.is_empty() {
            all.serialize_entry("user", &User(self))?;
        }
        // What a variables script leaves in `env` is the whole of it, so what earlier ones left goes in.
        let env = |name: &str| reply.is_none() || wanted(&reads.env_read, name);
        if context.env.keys().any(|name| env(name)) {
            all.serialize_entry("env", &Members(context.env.iter().filter(|(name, _)| env(name))))?;
        }
        if reads.steps_all || !reads.steps.is_empty() {
            let steps = context.steps.iter().filter_map(|(name, facts)| {
                let names = reads.steps.get(name).filter(|_| !reads.steps_all);
                (reads.steps_all || names.is_some()).then_some((name, StepValues { facts, names }))
            });
            all.serialize_entry("steps", &Members(steps))?;
        }
        // The script of this login is where the connector computes with its credentials.
        if !reads.secret.is_empty() {
            let secrets = context.secrets.iter().filter(|(name, _)| wanted(&reads.secret, name));
            all.serialize_entry("secret", &Members(secrets.map(|(name, secret)| (name, secret.expose()))))?;
        }
        if !settings.is_empty() {
            all.serialize_entry("settings", &Members(settings.iter().map(|(name, value)| (name, value))))?;
        }
        if !reads.answer.is_empty() {
            let answers = context.answers.iter().filter(|(name, _)| wanted(&reads.answer, name));
            all.serialize_entry("answer", &Members(answers.map(|(name, answer)| (name, answer.expose()))))?;
        }
        all.serialize_entry("time", &Time(self))?;
        if !reads.random.is_empty() {
            let drawn = &context.step.texts;
            let random = [("hex16", &drawn.hex16), ("uuid", &drawn.uuid), ("digits6", &drawn.digits6)];
            all.serialize_entry("random", &Members(random.into_iter()))?;
        }
        if !reads.request.is_empty() {
            all.serialize_entry("request", &Members([("id", &context.request_id)].into_iter()))?;
        }
        if let Some((reply, decoded)) = reply {
            if !reads.response.is_empty() {
                all.serialize_entry("response", &Response { reply, decoded })?;
            }
            // It is what the script leaves, whether it reads it or not.
            match (decoded.kind, &decoded.document) {
                (BodyKind::Text, _) | (_, Err(_)) => {}
                (_, Ok(document)) => all.serialize_entry("result", document)?,
            }
        }
        all.end()
    }
}

fn wanted(names: &Names, name: &str) -> bool {
    names.all || names.has(name)
}

/// An object of these members.
struct Members<I>(I);

impl<K: Serialize, V: Serialize, I: Iterator<Item = (K, V)> + Clone> Serialize for Members<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.clone())
    }
}

struct User<'a>(&'a Parameters<'a>);

impl Serialize for User<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Parameters { reads, context, .. } = self.0;
        let (user, wants) = (&context.user, |name: &str| wanted(&reads.user, name));
        let mut all = serializer.serialize_map(None)?;
        if wants("username") {
            all.serialize_entry("username", &user.username)?;
        }
        if wants("userPassword") {
            all.serialize_entry("userPassword", user.password.expose())?;
        }
        if wants("fields") {
            let field = |name: &str| reads.user.all || wanted(&reads.user_fields, name);
            let fields = user.fields.iter().filter(|(name, _)| field(name));
            all.serialize_entry("fields", &Members(fields.map(|(name, value)| (name, value.expose()))))?;
        }
        if let Some(ip) = user.client_ip.filter(|_| wants("clientIp")) {
            all.serialize_entry("clientIp", &ip)?;
        }
        for (name, value) in user.attributes.iter().filter(|(name, _)| wants(name)) {
            all.serialize_entry(name, value)?;
        }
        all.end()
    }
}

/// `None`: a script reads `steps` in a way that its text does not tell.
struct StepValues<'a> {
    facts: &'a StepFacts,
    names: Option<&'a Names>,
}

impl Serialize for StepValues<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_map(None)?;
        let wants = |name: &str| self.names.is_none_or(|names| wanted(names, name));
        for (name, value) in self.facts.captures.iter().filter(|(name, _)| wants(name)) {
            all.serialize_entry(name, value.as_ref().unwrap_or(&Value::Null))?;
        }
        all.serialize_entry("outcome", self.facts.outcome.as_str())?;
        all.serialize_entry("status", &self.facts.status)?;
        all.end()
    }
}

/// `unix_ms` is the script's own clock too.
struct Time<'a>(&'a Parameters<'a>);

impl Serialize for Time<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (now, reads) = (&self.0.context.step, &self.0.reads.time);
        let mut all = serializer.serialize_map(None)?;
        all.serialize_entry("unix_ms", &now.unix_ms)?;
        if wanted(reads, "unix") {
            all.serialize_entry("unix", &now.unix)?;
        }
        if wanted(reads, "iso8601") {
            all.serialize_entry("iso8601", &now.texts.iso8601)?;
        }
        if wanted(reads, "compact") {
            all.serialize_entry("compact", &now.texts.compact)?;
        }
        all.end()
    }
}

/// `response` of a preprocess script.
struct Response<'a> {
    reply: &'a Reply,
    decoded: &'a Decoded,
}

impl Serialize for Response<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_map(Some(2))?;
        all.serialize_entry("statusCode", &self.reply.status)?;
        all.serialize_entry("data", &Data(self))?;
        all.end()
    }
}

struct Data<'a>(&'a Response<'a>);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_map(Some(2))?;
        all.serialize_entry("headers", &Headers(&self.0.reply.headers))?;
        all.serialize_entry("body", self.0.decoded.text.as_deref().unwrap_or_default())?;
        all.end()
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.keys().map(|name| (name.as_str(), Header(self.0, name))))
    }
}

/// The values of one header: a text, or a list where there are several, and always of `set-cookie`.
struct Header<'a>(&'a HeaderMap, &'a HeaderName);

impl Serialize for Header<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut texts: Vec<Cow<'_, str>> =
            self.0.get_all(self.1).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        match texts.pop() {
            Some(text) if texts.is_empty() && *self.1 != SET_COOKIE => text.serialize(serializer),
            last => serializer.collect_seq(texts.into_iter().chain(last)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::User;
    use crate::document::{Number, from_json};
    use crate::script::ScriptPosition;

    fn names(names: &[&str]) -> Names {
        let at = ScriptPosition { line: 1, column: 1 };
        Names { names: names.iter().map(|name| ((*name).to_owned(), at)).collect(), all: false }
    }

    fn all() -> Names {
        Names { all: true, ..Names::default() }
    }

    fn context() -> Context {
        let field = |name: &str| (name.to_owned(), "f".into());
        let user = User {
            username: "u".into(),
            password: "p".into(),
            fields: [field("a"), field("b")].into_iter().collect(),
            client_ip: Some([192, 0, 2, 1].into()),
            attributes: [("device".to_owned(), Value::from("d"))].into_iter().collect(),
        };
        let mut context = Context { user, request_id: "r".into(), ..Context::default() };
        context.env.insert("old".into(), Value::Number(Number::parse("12345678901234567890").unwrap()));
        context.secrets = std::sync::Arc::new(["k", "other"].map(|name| (name.to_owned(), "s".into())).into());
        context.answers.insert("code".into(), "c".into());
        context.step.unix_ms = 5;
        context
    }

    fn script(reads: Reads) -> Script {
        Script { id: ScriptId(0), reads, settings: Arc::default() }
    }

    fn variables(reads: Reads) -> String {
        script(reads).variables(&context()).json().to_owned()
    }

    #[test]
    fn what_no_line_names_stays_here() {
        // What a variables script leaves in `env` is all of it, and `time.unix_ms` is its clock.
        let always = r#""env":{"old":12345678901234567890}"#;
        assert_eq!(variables(Reads::default()), format!(r#"{{{always},"time":{{"unix_ms":5}}}}"#));
        let some = Reads {
            user: names(&["userPassword", "fields"]),
            user_fields: names(&["b"]),
            secret: names(&["k"]),
            request: names(&["id"]),
            ..Reads::default()
        };
        assert_eq!(
            variables(some),
            format!(
                r#"{{"user":{{"userPassword":"p","fields":{{"b":"f"}}}},{always},"secret":{{"k":"s"}},"time":{{"unix_ms":5}},"request":{{"id":"r"}}}}"#
            )
        );
    }

    #[test]
    fn a_parameter_that_is_passed_on_is_there_as_a_whole() {
        let reads = Reads { user: all(), secret: all(), answer: all(), time: all(), random: all(), ..Reads::default() };
        let input = from_json(variables(reads).as_bytes()).unwrap();
        let keys = |name: &str| match input.get(name) {
            Some(Value::Object(object)) => object.keys().cloned().collect::<Vec<_>>().join(" "),
            _ => String::new(),
        };
        assert_eq!(keys("user"), "username userPassword fields clientIp device");
        assert_eq!(input.get("user").unwrap().get("fields"), Some(&from_json(br#"{"a":"f","b":"f"}"#).unwrap()));
        assert_eq!(keys("secret"), "k other");
        assert_eq!(keys("answer"), "code");
        assert_eq!(keys("time"), "unix_ms unix iso8601 compact");
        assert_eq!(keys("random"), "hex16 uuid digits6");
    }

    #[test]
    fn the_steps_that_are_named_with_what_is_named_of_them() {
        let mut context = context();
        for step in ["login", "other"] {
            let captures = ["token", "more"].map(|name| (name.to_owned(), Some(Value::from("t"))));
            let (captures, page) = (captures.into_iter().collect(), crate::context::PageFacts::default());
            let outcome = crate::context::StepOutcome::Success;
            context.steps.insert(step.into(), StepFacts { outcome, status: Some(200), captures, page });
        }
        let steps = |reads: Reads| {
            let input = script(reads).variables(&context);
            to_text(from_json(input.json().as_bytes()).unwrap().get("steps"))
        };
        let ended = r#""outcome":"success","status":200"#;
        let named: std::collections::BTreeMap<_, _> = [("login".to_owned(), names(&["token"]))].into();
        let one = Reads { steps: named.clone(), ..Reads::default() };
        assert_eq!(steps(one), format!(r#"{{"login":{{"token":"t",{ended}}}}}"#));
        let whole = format!(r#"{{"token":"t","more":"t",{ended}}}"#);
        let any = Reads { steps: named, steps_all: true, ..Reads::default() };
        assert_eq!(steps(any), format!(r#"{{"login":{whole},"other":{whole}}}"#));
    }

    #[test]
    fn settings_that_a_script_reads() {
        let settings = [("base".to_owned(), "https://4a.example.com".to_owned())].into();
        let input = Script { id: ScriptId(0), reads: Reads::default(), settings }.variables(&context());
        assert!(input.json().contains(r#""settings":{"base":"https://4a.example.com"}"#), "{}", input.json());
        assert!(!variables(Reads { settings: all(), ..Reads::default() }).contains("settings"));
    }

    fn to_text(value: Option<&Value>) -> String {
        value.map(crate::document::to_json).unwrap_or_default()
    }
}
