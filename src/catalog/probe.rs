//! The pipeline probe (docs/contract.md section 4.6): runs the flow of a factor, from the reply on, on replies that
//! prove nothing. A connector that calls one of them a success, or right so far, is refused and shown the reply.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::clock::System;
use crate::condition::{Condition, Rule, Test, ValueSource};
use crate::connector::evidence::{Evidence, Weakness};
use crate::connector::{Connector, Live, Role, Step, usual};
use crate::context::{Context, PageFacts, StepFacts, StepOutcome, User, Variable};
use crate::document::{Object, Value};
use crate::flow::progress::Progress;
use crate::flow::{Ports, Trial};
use crate::response::source::Source;
use crate::secret::Secret;
use crate::upstream::{Reply, Timings};
use crate::verdict::FactorOutcome;

/// What a probe reply is called in a message, its type, its body.
pub(super) type ProbeReply = (&'static str, &'static str, &'static str);

pub(super) const PAGE: ProbeReply = ("an HTML login page", "text/html; charset=utf-8", LOGIN_PAGE);

pub(super) const MAINTENANCE: ProbeReply = ("a maintenance page", "text/html; charset=utf-8", MAINTENANCE_PAGE);

pub(super) const EMPTY_OBJECT: ProbeReply = ("{}", "application/json", "{}");

/// As gateways in front of a server write it.
pub(super) const GATEWAY: ProbeReply = (
    "a gateway's JSON",
    "application/json",
    r#"{"message":"no Route matched with those values","error":"pool_empty","request_id":"7f1c0a"}"#,
);

/// Every reply that a factor is tried on.
const REPLIES: [ProbeReply; 11] = [
    ("an empty body", "", ""),
    PAGE,
    MAINTENANCE,
    EMPTY_OBJECT,
    GATEWAY,
    ("[]", "application/json", "[]"),
    ("null", "application/json", "null"),
    ("\"x\"", "application/json", "\"x\""),
    ("noise", "application/octet-stream", "\u{1}\u{7f}%PDF-1.4 \u{fffd} 0x00 ,;=&:"),
    (
        "an unknown code and message",
        "application/json",
        r#"{"code":"E-7351","errcode":"E-7351","status":"E-7351","success":"no-such","result":"E-7351","msg":"unknown probe","message":"unknown probe","data":null}"#,
    ),
    ("an unknown code in XML", "application/xml", "<reply><code>E-7351</code><message>unknown probe</message></reply>"),
];

/// Lists of meaningless items, for rules that filter: a filter with only negative conditions selects them.
const ITEMS: [ProbeReply; 2] = [
    ("a list of an unknown code", "application/json", r#"[{"code":"E-7351","message":"unknown probe"}]"#),
    (
        "lists of an unknown code",
        "application/json",
        r#"{"data":[{"code":"E-7351","message":"unknown probe"}],"result":[{"code":"E-7351","message":"unknown probe"}],"list":[{"code":"E-7351","message":"unknown probe"}]}"#,
    ),
];

const LOGIN_PAGE: &str = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Sign in</h1>\
<form id=\"login\" action=\"/login\" method=\"post\"><input type=\"hidden\" name=\"token\" value=\"probe\">\
<input name=\"username\"><input type=\"password\" name=\"password\"><button>OK</button></form>\
<p>success 200 ok true error login failed</p></body></html>";

const MAINTENANCE_PAGE: &str = "<!DOCTYPE html><html><head><title>Maintenance</title></head><body>\
<h1>We will be back soon</h1><p>The service is down for maintenance.</p></body></html>";

/// For one reply; scripts have their ordinary budget within it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A reply that a factor took for a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FalseProof {
    /// The step.
    pub step: String,
    /// The name of the probe reply.
    pub reply: &'static str,
    /// Its status.
    pub status: u16,
    /// Whether it had the header fields and cookies that any page has.
    pub common_headers: bool,
    /// `success` or `more`.
    pub rule: Rule,
}

/// Probes every factor that has a request, but for rules that, as the file acknowledges, rest on what any page has;
/// returns the first reply that each takes for a proof.
pub(super) async fn probe(live: &Live) -> Vec<FalseProof> {
    let (context, progress) = (sample(&live.connector), Progress::default());
    let mut found = Vec::new();
    for step in live.connector.steps.iter().filter(|step| step.role == Role::Factor) {
        if let Some(trial) = trial(live, step, &context, &progress) {
            found.extend(probe_step(step, trial).await);
        }
    }
    found
}

pub(super) fn trial<'a>(
    live: &'a Live,
    step: &'a Step,
    context: &Context,
    progress: &'a Progress,
) -> Option<Trial<'a>> {
    let ports = Ports::of(live, &System, progress);
    Trial::of(&live.connector, step, ports, context.clone(), TIMEOUT)
}

/// 200, and every status that a rule names.
pub(super) fn statuses(step: &Step) -> Vec<u16> {
    let mut statuses = step.response.named_statuses.clone();
    if !statuses.contains(&200) {
        statuses.insert(0, 200);
    }
    statuses
}

async fn probe_step(step: &Step, mut trial: Trial<'_>) -> Option<FalseProof> {
    // The file acknowledges that the rule rests on a status, or on a header of any page: every reply with it is a
    // success.
    let says_so = |rule: &Option<Condition>| {
        let evidence = rule.as_ref().map(|rule| Evidence::of(rule, false)).unwrap_or_default();
        evidence.has(Weakness::Status) || evidence.has(Weakness::UsualHeader)
    };
    let (success, more) = (says_so(&step.response.rules.success), says_so(&step.response.rules.more));
    let statuses = statuses(step);
    let items: &[ProbeReply] = if filters(step) { &ITEMS } else { &[] };
    for &(name, content_type, body) in REPLIES.iter().chain(items) {
        for &status in &statuses {
            for &common_headers in header_variants(step) {
                let rule = match trial.judge(reply(step, status, content_type, body, common_headers)).await {
                    Some(FactorOutcome::Success(_)) if !success => Rule::Success,
                    Some(FactorOutcome::More(_)) if !more => Rule::More,
                    _ => continue,
                };
                return Some(FalseProof { step: step.name.clone(), reply: name, status, common_headers, rule });
            }
        }
    }
    None
}

/// Whether a rule reads a field by a path that filters.
fn filters(step: &Step) -> bool {
    let mut leaves = step.response.rules.conditions().flat_map(|(_, condition)| condition.leaves());
    leaves.any(|(leaf, _)| match &leaf.test {
        Test::Compare(ValueSource::Reply(Source::Field(path)), _) => path.filters(),
        _ => false,
    })
}

/// Whether a reply has the header fields and cookies of any page: without, and with them where a rule reads one.
fn header_variants(step: &Step) -> &'static [bool] {
    let mut sources = step.response.rules.conditions().flat_map(|(_, condition)| condition.leaves());
    let ruled = sources.any(|(leaf, _)| {
        matches!(leaf.test, Test::Compare(ValueSource::Reply(Source::Header { .. } | Source::Cookie(_)), _))
    });
    let scripted = step.response.preprocess.as_ref().is_some_and(|script| !script.reads.response.is_empty());
    if ruled || scripted { &[false, true] } else { &[false] }
}

/// Adds what any page has, except what the file acknowledges as the step's evidence.
fn add_common_headers(step: &Step, status: u16, headers: &mut HeaderMap) {
    if !step.response.waived.contains(&Weakness::UsualHeader) {
        usual::add_headers(headers, (300..400).contains(&status));
    }
    if !step.response.waived.contains(&Weakness::Cookie) {
        let leaves: Vec<_> = step.response.rules.conditions().flat_map(|(_, condition)| condition.leaves()).collect();
        let named = leaves.iter().filter_map(|(leaf, _)| match &leaf.test {
            Test::Compare(ValueSource::Reply(Source::Cookie(name)), _) => Some(name.as_str()),
            _ => None,
        });
        usual::add_cookies(headers, named);
    }
}

pub(super) fn reply(
    step: &Step,
    status: u16,
    content_type: &'static str,
    body: &'static str,
    common_headers: bool,
) -> Reply {
    let mut headers = HeaderMap::new();
    if !content_type.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    if common_headers {
        add_common_headers(step, status, &mut headers);
    }
    Reply { status, headers, body: body.into(), timings: Timings::default() }
}

/// A sample value for every variable that a rule may name.
pub(super) fn sample(connector: &Connector) -> Context {
    let text = |name: &str| Value::Text(format!("sample-{name}"));
    let attributes: Object =
        connector.input.attributes.iter().map(|attribute| (attribute.name.clone(), text(&attribute.name))).collect();
    let mut context = Context {
        user: User {
            username: "sample-user".to_owned(),
            password: Secret::new("sample-password"),
            attributes,
            client_ip: Some(std::net::Ipv4Addr::new(192, 0, 2, 1).into()),
            ..User::default()
        },
        secrets: connector.secrets.clone(),
        request_id: "sample-request".to_owned(),
        ..Context::default()
    };
    for step in connector.steps.iter() {
        let captures = step.response.captures.iter();
        let facts = StepFacts {
            outcome: StepOutcome::Success,
            status: Some(200),
            captures: captures.map(|capture| (capture.name.clone(), Some(text(&capture.name)))).collect(),
            page: PageFacts::default(),
        };
        context.steps.insert(step.name.clone(), facts);
        for variable in step.request.iter().flat_map(crate::request::RequestPlan::variables) {
            match variable {
                Variable::Field(name) => {
                    context.user.fields.insert(name.clone(), Secret::new(format!("sample-{name}")));
                }
                Variable::Answer(name) => {
                    context.answers.insert(name.clone(), Secret::new(format!("sample-{name}")));
                }
                Variable::Env(name) => {
                    context.env.insert(name.clone(), text(&name));
                }
                _ => {}
            }
        }
    }
    context
}
