//! No arrangement of steps, `when`, `more`, skips and replies accepts unless a factor's success is true and none is owed.
//!
//! The flow runs beside a reference evaluator that is written as plainly as the rules of DESIGN.md section 4 read.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use proptest::prelude::*;
use tokio::time::Instant;

use super::progress::Progress;
use super::*;
use crate::clock::System;
use crate::condition::{Condition, Leaf, Operand, Operator, RejectRow, StepRules, Test, ValueSource};
use crate::connector::ask::{Ask, AskField, AskType};
use crate::connector::{Connector, Input, Kind, Needs, ResponsePlan, Role, Step};
use crate::context::Variable;
use crate::document::{Number, Path, Value};
use crate::mapping::MapPlan;
use crate::request::{RequestPlan, RequestSpec, Written};
use crate::response::Decoding;
use crate::response::source::Source;
use crate::template::Language;
use crate::upstream::{Gate, Outgoing, Reply, SendFault, Timings};
use crate::verdict::{Cause, Reason, Verdict};

/// What a reply says about one field.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Says {
    Nothing,
    Null,
    Empty,
    Object,
    No,
    Yes,
}

impl Says {
    fn json(self, name: &str) -> Option<String> {
        let value = match self {
            Self::Nothing => return None,
            Self::Null => "null",
            Self::Empty => "\"\"",
            Self::Object => "{}",
            Self::No => "0",
            Self::Yes => "1",
        };
        Some(format!("\"{name}\":{value}"))
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Body {
    Json { reject: Says, more: Says, success: Says },
    Html,
    Nothing,
}

#[derive(Debug, Clone, Copy)]
struct PlannedReply {
    status: u16,
    body: Body,
    fails: bool,
}

#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is one choice that the generator draws")]
struct PlannedStep {
    factor: bool,
    /// Earlier step (index modulo what is there) whose outcome must be this word.
    when: Option<(usize, &'static str)>,
    rejects: bool,
    mores: bool,
    /// `not: { field: reject, equals: 1 }` beside the success, as a careless author writes.
    negated: bool,
    /// A pause before it, with one attempt and always the same answer: what the reply says decides as it does without.
    asks: bool,
    reply: PlannedReply,
}

fn says() -> impl Strategy<Value = Says> {
    use Says::{Empty, No, Nothing, Null, Object, Yes};
    prop_oneof![
        4 => Just(Yes), 3 => Just(No), 2 => Just(Nothing), 1 => Just(Null), 1 => Just(Empty), 1 => Just(Object)
    ]
}

fn planned_step() -> impl Strategy<Value = PlannedStep> {
    let body = prop_oneof![
        8 => (says(), says(), says()).prop_map(|(reject, more, success)| Body::Json { reject, more, success }),
        1 => Just(Body::Html),
        1 => Just(Body::Nothing),
    ];
    let status = prop_oneof![8 => Just(200), 1 => Just(401), 1 => Just(500), 1 => Just(302)];
    let reply = (status, body, prop::bool::weighted(0.05)).prop_map(|(status, body, fails)| PlannedReply {
        status,
        body,
        fails,
    });
    let word = prop_oneof![Just("success"), Just("more"), Just("skipped")];
    let when = prop::option::weighted(0.4, (0usize..4, word));
    let asks = prop::bool::weighted(0.3);
    (any::<bool>(), when, any::<bool>(), prop::bool::weighted(0.4), any::<bool>(), asks, reply).prop_map(
        |(factor, when, rejects, mores, negated, asks, reply)| PlannedStep {
            factor,
            when,
            rejects,
            mores,
            negated,
            asks,
            reply,
        },
    )
}

// ---- the reference: sections 4.1 to 4.4, as plainly as they read ----

/// true, false, unknown
type Kleene = Option<bool>;

fn is_yes(reply: PlannedReply, field: fn(Says, Says, Says) -> Says) -> Kleene {
    match reply.body {
        Body::Json { reject, more, success } => match field(reject, more, success) {
            Says::Yes => Some(true),
            Says::No | Says::Empty | Says::Null => Some(false),
            Says::Nothing | Says::Object => None,
        },
        Body::Html | Body::Nothing => None,
    }
}

#[derive(Debug, PartialEq, Clone, Copy)]
enum Plain {
    Skipped,
    Success,
    More,
    Denied,
}

fn reference_step(step: &PlannedStep, outcomes: &[Plain]) -> Plain {
    if let Some((earlier, word)) = step.when.filter(|_| !outcomes.is_empty()) {
        let was = match outcomes[earlier % outcomes.len()] {
            Plain::Skipped => "skipped",
            Plain::Success => "success",
            Plain::More => "more",
            Plain::Denied => unreachable!("a denial ends the run"),
        };
        if was != word {
            return Plain::Skipped;
        }
    }
    let reply = step.reply;
    if reply.fails || !matches!(reply.status, 200 | 401) {
        return Plain::Denied;
    }
    let readable = matches!(reply.body, Body::Json { .. });
    if step.rejects {
        let row = is_yes(reply, |reject, _, _| reject);
        // A decoded reply that lacks the field does not report the error.
        let absent = matches!(reply.body, Body::Json { reject: Says::Nothing, .. });
        if !(row == Some(false) || (readable && absent)) {
            return Plain::Denied;
        }
    }
    if step.mores {
        match (is_yes(reply, |_, more, _| more), reply.status) {
            (Some(true), 200) => return Plain::More,
            // Not 2xx: false in Kleene's logic, even when the field is unknown.
            (Some(false), _) | (_, 401) => {}
            _ => return Plain::Denied,
        }
    }
    let success = is_yes(reply, |_, _, success| success);
    let negated = if step.negated { is_yes(reply, |reject, _, _| reject).map(|yes| !yes) } else { Some(true) };
    match (success, negated, reply.status) {
        (Some(true), Some(true), 200) => Plain::Success,
        _ => Plain::Denied,
    }
}

fn reference_accepts(steps: &[PlannedStep]) -> bool {
    let (mut outcomes, mut factors, mut owed) = (Vec::new(), 0, false);
    for step in steps {
        let outcome = reference_step(step, &outcomes);
        match outcome {
            Plain::Denied => return false,
            Plain::More => owed = true,
            Plain::Success if step.factor => (factors, owed) = (factors + 1, false),
            Plain::Success | Plain::Skipped => {}
        }
        outcomes.push(outcome);
    }
    factors > 0 && !owed
}

// ---- the real flow over the same plan ----

struct Planned<'a> {
    connector_steps: &'a [PlannedStep],
    ran: AtomicUsize,
}

impl Exchange for Planned<'_> {
    fn send<'a>(&'a self, request: &'a Outgoing, _: Instant) -> Waiting<'a, Result<Reply, SendFault>> {
        self.ran.fetch_add(1, Ordering::Relaxed);
        let index: usize = request.url.path().trim_start_matches('/').parse().unwrap();
        let reply = self.connector_steps[index].reply;
        let result = if reply.fails {
            Err(SendFault { cause: Cause::Connect, written: false, explain: "refused".to_owned() })
        } else {
            let (kind, body) = match reply.body {
                Body::Json { reject, more, success } => {
                    let members: Vec<String> =
                        [reject.json("r"), more.json("m"), success.json("s")].into_iter().flatten().collect();
                    ("application/json", format!("{{{}}}", members.join(",")))
                }
                Body::Html => ("text/html", "<title>Sign in</title>".to_owned()),
                Body::Nothing => ("application/json", String::new()),
            };
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
            Ok(Reply { status: reply.status, headers, body: body.into(), timings: Timings::default() })
        };
        Box::pin(std::future::ready(result))
    }
}

fn equals(source: ValueSource, value: Value) -> Condition {
    let test = Test::Compare(source, Operator::Equals(Operand::Literal(value)));
    Condition::Leaf(Box::new(Leaf { test, text: "leaf".to_owned(), literal: true }))
}

fn field_is_one(name: &str) -> Condition {
    let field = ValueSource::Reply(Source::Field(Path::parse(name).unwrap()));
    equals(field, Value::Number(Number::parse("1").unwrap()))
}

fn ask() -> Ask {
    Ask {
        kind: AskType::Custom,
        message: None,
        fields: vec![AskField { name: "code".to_owned(), label: None, echo: true, pattern: None }],
        url: None,
        image: None,
        expires_in: Duration::from_mins(5),
        attempts: 1,
        resend: None,
        poll_after: None,
    }
}

fn step(index: usize, planned: &PlannedStep) -> Step {
    let written = |text| Written { text, mark: 0 };
    let url = format!("https://4a.example.com/{index}");
    let spec = RequestSpec::new(written("POST"), written(&url));
    let when = planned.when.filter(|_| index > 0).map(|(earlier, word)| {
        let variable = Variable::parse(&format!("steps.s{}.outcome", earlier % index)).unwrap();
        equals(ValueSource::Variable(variable), Value::from(word))
    });
    let success = if planned.negated {
        Condition::All(vec![field_is_one("s"), Condition::Not(Box::new(field_is_one("r")))])
    } else {
        field_is_one("s")
    };
    let reject = RejectRow { when: field_is_one("r"), reason: Reason::AccountLocked, message: None };
    Step {
        name: format!("s{index}"),
        role: if planned.factor { Role::Factor } else { Role::Helper },
        when,
        ask: planned.asks.then(ask),
        variables: None,
        request: Some(RequestPlan::compile(&spec, &Language::default()).unwrap()),
        auth: None,
        variables_read: BTreeSet::new(),
        carries_credential: planned.factor,
        response: ResponsePlan {
            decoding: Decoding::default(),
            preprocess: None,
            rules: StepRules {
                reject: if planned.rejects { vec![reject] } else { Vec::new() },
                unavailable: None,
                more: planned.mores.then(|| field_is_one("m")),
                pending: None,
                success: Some(success),
                failure: Reason::InvalidCredentials,
            },
            status_only: false,
            named_statuses: Vec::new(),
            identity: None,
            captures: Vec::new(),
            map: MapPlan::default(),
        },
        retry: 0,
        cache: None,
        hears_of: Vec::new(),
        public: Vec::new(),
        sends_code_to: None,
        needs: Needs::default(),
        compared_by: Vec::new(),
    }
}

fn connector(steps: &[PlannedStep]) -> Connector {
    Connector {
        id: "planned".to_owned(),
        title: None,
        kind: Kind::Authentication,
        revision: "1".to_owned(),
        input: Input::default(),
        secrets: std::sync::Arc::default(),
        timeout: std::time::Duration::from_secs(5),
        time_zone: jiff::tz::TimeZone::UTC,
        proof_fields: crate::connector::NameSet::default(),
        secret_env: crate::connector::NameSet::default(),
        identity_required: false,
        nodes: None,
        decoders: Gate::new(1, 0),
        delivery: None,
        steps: steps.iter().enumerate().map(|(index, planned)| step(index, planned)).collect(),
    }
}

fn login() -> Login {
    Login {
        username: "zhangsan".to_owned(),
        password: Secret::new("123456"),
        client_ip: None,
        attributes: Object::new(),
        request_id: "r1".to_owned(),
        deadline: None,
        trace: true,
    }
}

/// The whole login, every challenge answered; each pause goes through the bytes that a store would keep.
fn run(steps: &[PlannedStep]) -> Report {
    let exchange = Planned { connector_steps: steps, ran: AtomicUsize::new(0) };
    let (progress, pocket) = (Progress::default(), Pocket::default());
    let tools = Tools {
        exchange: &exchange,
        scripts: &NoScripts,
        ambient: &System,
        progress: &progress,
        sends: &Unbounded,
        pauses: &pocket,
        kept: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let connector = connector(steps);
        let mut report = authenticate(&connector, tools, login()).await;
        while let Verdict::Challenge(challenge) = &report.verdict {
            let id = challenge.id.clone();
            let saved = Saved::read(&pocket.take(&id).unwrap()).unwrap();
            let action = Action::Answer([("code".to_owned(), Secret::new("1"))].into());
            report = resume(&connector, tools, Resumption { id, saved, action, deadline: None, trace: true }).await;
        }
        report
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_accepts_that_the_plain_rules_refuse(steps in prop::collection::vec(planned_step(), 1..5)) {
        let report = run(&steps);
        let accepts = matches!(report.verdict, Verdict::Accept(_));
        prop_assert_eq!(accepts, reference_accepts(&steps), "{}", report.explain);
    }
}

/// One step that a right password satisfies.
fn yes(factor: bool) -> PlannedStep {
    let body = Body::Json { reject: Says::Nothing, more: Says::Nothing, success: Says::Yes };
    let reply = PlannedReply { status: 200, body, fails: false };
    PlannedStep { factor, when: None, rejects: false, mores: false, negated: false, asks: false, reply }
}

fn with_body(body: Body) -> PlannedStep {
    let step = yes(true);
    PlannedStep { reply: PlannedReply { body, ..step.reply }, ..step }
}

fn verdict(steps: &[PlannedStep]) -> String {
    match run(steps).verdict {
        Verdict::Reject(reject) => format!("reject {}", reject.reason),
        Verdict::Unavailable(unavailable) => format!("unavailable {}", unavailable.cause),
        other => other.name().to_owned(),
    }
}

#[test]
fn a_probe_that_skips_the_login_is_misconfigured() {
    let skipped = PlannedStep { when: Some((0, "more")), ..yes(true) };
    assert_eq!(verdict(&[yes(false), skipped]), "misconfigured");
}

#[test]
fn an_unknown_when_is_unavailable() {
    let mut planned = connector(&[yes(false), yes(true)]);
    let variable = Variable::parse("steps.s0.absent").unwrap();
    planned.steps[1].when = Some(equals(ValueSource::Variable(variable), Value::from("x")));
    let steps = [yes(false), yes(true)];
    let exchange = Planned { connector_steps: &steps, ran: AtomicUsize::new(0) };
    let progress = Progress::default();
    let tools = Tools {
        exchange: &exchange,
        scripts: &NoScripts,
        ambient: &System,
        progress: &progress,
        sends: &Unbounded,
        pauses: &NoPauses,
        kept: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let report = runtime.block_on(authenticate(&planned, tools, login()));
    assert!(matches!(report.verdict, Verdict::Unavailable(u) if u.cause == Cause::UnexpectedReply), "{report:?}");
    assert_eq!(exchange.ran.load(Ordering::Relaxed), 1, "the second step must not run");
}

#[test]
fn a_pause_owes_what_was_owed_before_it() {
    let more = Body::Json { reject: Says::Nothing, more: Says::Yes, success: Says::Nothing };
    let more = PlannedStep { mores: true, ..with_body(more) };
    let asked = |factor| PlannedStep { asks: true, ..yes(factor) };
    assert_eq!(verdict(&[more.clone(), asked(true)]), "accept");
    // A helper pays nothing, however often the user is asked; and a pause alone proves nothing.
    assert_eq!(verdict(&[more.clone(), asked(false), asked(false)]), "misconfigured");
    assert_eq!(verdict(&[asked(false)]), "misconfigured");
    assert_eq!(verdict(&[yes(true), asked(false)]), "accept");
}

#[test]
fn success_and_more_both_true_owes_a_factor() {
    let body = Body::Json { reject: Says::Nothing, more: Says::Yes, success: Says::Yes };
    let both = PlannedStep { mores: true, ..with_body(body) };
    assert_eq!(verdict(std::slice::from_ref(&both)), "misconfigured");
    assert_eq!(verdict(&[both, yes(true)]), "accept");
}

#[test]
fn a_token_that_is_null_or_empty_grants_nothing() {
    for says in [Says::Null, Says::Empty] {
        let body = Body::Json { reject: Says::Nothing, more: Says::Nothing, success: says };
        assert_eq!(verdict(&[with_body(body)]), "reject invalid_credentials", "{says:?}");
    }
}

#[test]
fn an_empty_object_and_an_html_page_are_unavailable() {
    let empty = Body::Json { reject: Says::Nothing, more: Says::Nothing, success: Says::Nothing };
    for body in [empty, Body::Html, Body::Nothing] {
        assert_eq!(verdict(&[with_body(body)]), "unavailable unexpected_reply", "{body:?}");
    }
}

#[test]
fn not_over_a_missing_field_grants_nothing() {
    let step = PlannedStep { negated: true, ..yes(true) };
    assert_eq!(verdict(&[step]), "unavailable unexpected_reply");
}

#[test]
fn the_line_names_the_step_and_what_came_instead() {
    let report = run(&[with_body(Body::Html)]);
    assert_eq!(report.explain, "s0: the reply has no field \"s\"; it is an HTML page titled \"Sign in\" (HTTP 200)");
    assert_eq!(report.credential_sends, 1);
}

#[test]
fn an_empty_password_or_user_name_is_never_sent() {
    // To a server that reads up to the first NUL, these are an empty password and the name of somebody else.
    for (username, password) in [("", "x"), ("x", ""), ("x", "\0"), ("x", "\0x"), ("x\0y", "x"), ("\0", "x")] {
        let steps = [yes(true)];
        let exchange = Planned { connector_steps: &steps, ran: AtomicUsize::new(0) };
        let progress = Progress::default();
        let tools = Tools {
            exchange: &exchange,
            scripts: &NoScripts,
            ambient: &System,
            progress: &progress,
            sends: &Unbounded,
            pauses: &NoPauses,
            kept: None,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let login = Login { username: username.to_owned(), password: Secret::new(password), ..login() };
        let report = runtime.block_on(authenticate(&connector(&steps), tools, login));
        assert!(matches!(report.verdict, Verdict::Reject(r) if r.reason == Reason::InvalidInput));
        assert_eq!((exchange.ran.load(Ordering::Relaxed), progress.credential_left()), (0, false));
    }
}
