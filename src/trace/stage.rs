//! One step of a run, stage by stage.

use serde::Serialize;

use super::outline::Outline;
use super::redactor::{RedactedValue, Redactor, is_public};
use super::request::Request;
use crate::context::Variable;
use crate::cookies::{self, MAX_SET_COOKIES, SetCookie};
use crate::document::Value;
use crate::flow::report::{
    AskTrace, CacheTrace, IdentityTrace, LeafTrace, MapTrace, ReplyTrace, RuleTrace, StepReport, StepTrace, Tells,
};
use crate::verdict::Truth;

/// One step. A stage that did not come about is null or empty.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    #[serde(rename = "step")]
    pub(super) name: String,
    /// `factor` or `helper`.
    pub(super) role: &'static str,
    /// `success`, `more`, `skipped`, `asked`, `pending`, `ended`, `rendered`.
    pub(super) outcome: &'static str,
    pub(super) status: Option<u16>,
    pub(super) ms: f64,
    pub(super) when: Option<Rule>,
    pub(super) ask: Option<Ask>,
    pub(super) variables: Vec<Named>,
    pub(super) request: Option<Request>,
    pub(super) reply: Option<Reply>,
    pub(super) document: Option<Outline>,
    pub(super) rules: Vec<Rule>,
    /// What it had to do with captures that are kept for other logins.
    pub(super) cache: Vec<String>,
    pub(super) captures: Vec<Named>,
    pub(super) identity: Option<Identity>,
    pub(super) map: Vec<Named>,
    pub(super) timings: Vec<Timing>,
}

/// A value with its name.
#[derive(Debug, Serialize)]
pub(super) struct Named {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) shown: RedactedValue,
}

/// What the user is asked. The message is the user's to read and may hold anything that a connector puts there.
#[derive(Debug, Serialize)]
pub(super) struct Ask {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) message: Option<RedactedValue>,
    pub(super) fields: Vec<String>,
    pub(super) attempts_left: u32,
    /// Seconds.
    pub(super) expires_in: u64,
}

/// What came back, without its body.
#[derive(Debug, Serialize)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// `JSON`, `an HTML page titled "Sign in"`, or why it could not be read.
    pub(super) read_as: String,
    pub(super) body_bytes: usize,
    pub(super) headers: Vec<Named>,
    pub(super) cookies: Vec<Cookie>,
    /// Those of them that later requests do not carry.
    pub(super) dropped_cookies: Vec<Dropped>,
}

/// A cookie that came to nothing.
#[derive(Debug, Serialize)]
pub(super) struct Dropped {
    /// Empty when it has none.
    pub(super) name: String,
    pub(super) because: String,
}

/// A cookie that the upstream set.
#[derive(Debug, Serialize)]
pub(super) struct Cookie {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) shown: RedactedValue,
    pub(super) domain: Option<String>,
    pub(super) path: Option<String>,
    pub(super) secure: bool,
    pub(super) http_only: bool,
}

/// One rule with its leaves.
#[derive(Debug, Serialize)]
pub(super) struct Rule {
    #[serde(rename = "rule")]
    pub(super) name: String,
    pub(super) truth: &'static str,
    pub(super) leaves: Vec<Leaf>,
}

/// One comparison.
#[derive(Debug, Serialize)]
pub(super) struct Leaf {
    #[serde(rename = "leaf")]
    pub(super) text: String,
    pub(super) truth: &'static str,
    pub(super) decisive: bool,
    /// What was found; null when nothing was.
    pub(super) found: Option<RedactedValue>,
    /// Why nothing was.
    pub(super) because: Option<String>,
}

/// The comparison of names.
#[derive(Debug, Serialize)]
pub(super) struct Identity {
    pub(super) source: String,
    pub(super) found: Option<RedactedValue>,
    /// Null when the names were not compared.
    pub(super) same: Option<bool>,
}

/// The time of a stage.
#[derive(Debug, Serialize)]
pub(super) struct Timing {
    pub(super) stage: &'static str,
    pub(super) ms: f64,
}

impl Step {
    pub(super) fn of(report: &StepReport, redactor: &Redactor) -> Self {
        let empty = StepTrace::default();
        let trace = report.trace.as_deref().unwrap_or(&empty);
        let (public, reply) = (&trace.public, trace.reply.as_ref());
        let captures = trace.captures.iter();
        Self {
            name: report.name.clone(),
            role: if report.factor { "factor" } else { "helper" },
            outcome: report.end.as_str(),
            status: report.status,
            ms: milliseconds(report.took),
            when: trace.when.as_ref().map(|rule| Rule::of(rule, redactor)),
            ask: trace.ask.as_ref().map(|ask| Ask::of(ask, redactor)),
            variables: trace.env.iter().map(|(name, value)| env(name, value, public, redactor)).collect(),
            request: trace.request.as_ref().map(|sent| Request::of(sent, public, redactor)),
            reply: reply.map(|reply| Reply::of(reply, &trace.dropped_cookies, redactor)),
            document: reply.and_then(|reply| Some(Outline::of(reply.document.as_ref()?, reply.preprocessed, redactor))),
            rules: trace.rules.iter().map(|rule| Rule::of(rule, redactor)).collect(),
            cache: trace.cache.iter().map(|what| redactor.text(&kept(what))).collect(),
            captures: captures
                .map(|c| named(&c.name, c.value.as_ref().unwrap_or(&Value::Null), c.public, redactor))
                .collect(),
            identity: trace.identity.as_ref().map(|identity| Identity::of(identity, redactor)),
            map: trace.map.as_ref().map(|map| mapped(map, redactor)).unwrap_or_default(),
            timings: timings(trace),
        }
    }
}

impl Step {
    /// The step whose request was not sent.
    pub(super) fn rehearsed(&mut self) {
        self.outcome = "rendered";
        self.timings.retain(|timing| timing.stage != "send");
    }
}

fn named(name: &str, value: &Value, allowed: bool, redactor: &Redactor) -> Named {
    Named { name: redactor.text(name), shown: redactor.value(value, allowed) }
}

fn env(name: &str, value: &Value, public: &[String], redactor: &Redactor) -> Named {
    let variable = Variable::Env(name.to_owned());
    named(&variable.to_string(), value, is_public(&variable, public), redactor)
}

fn kept(what: &CacheTrace) -> String {
    match what {
        CacheTrace::Hit => "from the cache".to_owned(),
        CacheTrace::Shared => "from another login, which asked at the same time".to_owned(),
        CacheTrace::Kept(span) => format!("kept for {} s", span.as_secs()),
        CacheTrace::NotKept(why) => format!("not kept: {why}"),
        CacheTrace::Dropped(step) => format!("the captures of {step} are no longer good: dropped"),
    }
}

/// Code and message are what the caller gets to read; extension and attributes are the user's data.
fn mapped(map: &MapTrace, redactor: &Redactor) -> Vec<Named> {
    let text =
        |name: &str, text: &Option<String>| text.as_deref().map(|text| named(name, &text.into(), !map.kept, redactor));
    let mut list: Vec<Named> = text("error_code", &map.error_code).into_iter().collect();
    list.extend(text("error_message", &map.error_message));
    list.extend(map.extension.as_ref().map(|extension| named("extension", extension, false, redactor)));
    list.extend(
        map.attributes.iter().map(|(name, value)| named(&format!("attributes.{name}"), value, false, redactor)),
    );
    list
}

fn timings(trace: &StepTrace) -> Vec<Timing> {
    // A stage that the step does not have takes no time worth a word.
    let idle = |stage: &str| match stage {
        "variables" => trace.env.is_empty(),
        "preprocess" => !trace.reply.as_ref().is_some_and(|reply| reply.preprocessed),
        _ => false,
    };
    let ran = trace.timings.iter().filter(|(stage, _)| !idle(stage));
    ran.map(|(stage, took)| Timing { stage, ms: milliseconds(*took) }).collect()
}

impl Ask {
    fn of(ask: &AskTrace, redactor: &Redactor) -> Self {
        Self {
            kind: ask.kind.clone(),
            message: ask.message.as_ref().map(|message| redactor.value(&message.as_str().into(), false)),
            fields: ask.fields.clone(),
            attempts_left: ask.attempts_left,
            expires_in: ask.expires_in.as_secs(),
        }
    }
}

impl Reply {
    fn of(reply: &ReplyTrace, dropped: &[cookies::Dropped], redactor: &Redactor) -> Self {
        let headers = reply.headers.iter().filter(|(name, _)| name != "set-cookie");
        let cookies = reply.headers.iter().filter(|(name, _)| name == "set-cookie").take(MAX_SET_COOKIES);
        Self {
            status: reply.status,
            read_as: redactor.text(&reply.read_as),
            body_bytes: reply.body_bytes,
            headers: headers
                .map(|(name, value)| Named { name: redactor.name(name), shown: redactor.bytes(value, false) })
                .collect(),
            // The clock only matters for when a cookie ends, which is not shown.
            cookies: cookies
                .filter_map(|(_, value)| SetCookie::parse(value, 0).ok())
                .map(|c| Cookie::of(&c, redactor))
                .collect(),
            dropped_cookies: dropped
                .iter()
                .map(|dropped| Dropped {
                    name: redactor.name(&dropped.name),
                    because: redactor.text(&dropped.why.to_string()),
                })
                .collect(),
        }
    }
}

impl Cookie {
    fn of(cookie: &SetCookie, redactor: &Redactor) -> Self {
        Self {
            name: redactor.name(&cookie.name),
            shown: redactor.value(&cookie.value.as_str().into(), false),
            domain: cookie.domain.as_deref().map(|domain| redactor.text(domain)),
            path: cookie.path.as_deref().map(|path| redactor.text(path)),
            secure: cookie.secure,
            http_only: cookie.http_only,
        }
    }
}

impl Rule {
    fn of(rule: &RuleTrace, redactor: &Redactor) -> Self {
        Self {
            name: rule.name.clone(),
            truth: word(rule.truth),
            leaves: rule.leaves.iter().map(|leaf| Leaf::of(leaf, redactor)).collect(),
        }
    }
}

impl Leaf {
    fn of(leaf: &LeafTrace, redactor: &Redactor) -> Self {
        Self {
            text: redactor.text(&leaf.text),
            truth: word(leaf.truth),
            decisive: leaf.decisive,
            found: leaf.found.as_ref().map(|found| redactor.value(found, tells(leaf, found))),
            because: leaf.because.as_deref().map(|because| redactor.text(because)),
        }
    }
}

/// Whether what a leaf found may be seen: it was compared with a literal, and it is a number or boolean, or it is what the
/// literal says.
fn tells(leaf: &LeafTrace, found: &Value) -> bool {
    match leaf.tells {
        Tells::Part | Tells::All if matches!(found, Value::Number(_) | Value::Bool(_)) => true,
        Tells::Nothing | Tells::Part => false,
        Tells::All => leaf.truth == Truth::True && found.scalar_text().is_some(),
    }
}

impl Identity {
    fn of(identity: &IdentityTrace, redactor: &Redactor) -> Self {
        Self {
            source: redactor.text(&identity.source),
            found: identity.said.as_ref().map(|said| redactor.value(&said.as_str().into(), false)),
            same: identity.same,
        }
    }
}

/// Milliseconds with three digits behind the point.
pub(super) fn milliseconds(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

fn word(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "true",
        Truth::False => "false",
        Truth::Unknown => "unknown",
    }
}
