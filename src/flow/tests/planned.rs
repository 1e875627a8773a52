//! The real flow over a plan: its steps compiled, its replies given without a network.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use tokio::time::Instant;

use super::plan::{Body, PlannedStep};
use crate::condition::{Condition, Leaf, Operand, Operator, RejectRow, StepRules, Test, ValueSource};
use crate::connector::ask::{Ask, AskField, AskType};
use crate::connector::{Connector, ConnectorKind, Input, Needs, ResponsePlan, Role, Step};
use crate::context::Variable;
use crate::document::{Number, Object, Path, Value};
use crate::flow::progress::Progress;
use crate::flow::{
    Action, Exchange, InMemoryStore, Login, Ports, Report, Resumption, SavedLogin, authenticate, resume,
};
use crate::mapping::MapPlan;
use crate::request::CompileOptions;
use crate::request::tests::compile_text;
use crate::response::source::Source;
use crate::response::{Decoding, Format};
use crate::secret::Secret;
use crate::template::Language;
use crate::upstream::{Gate, Outgoing, Reply, SendFault, Timings};
use crate::verdict::{Cause, Otherwise, Reason, Verdict};

pub(super) struct Planned<'a> {
    pub connector_steps: &'a [PlannedStep],
    pub ran: AtomicUsize,
}

impl Exchange for Planned<'_> {
    fn send<'a>(&'a self, request: &'a Outgoing, _: Instant) -> BoxFuture<'a, Result<Reply, SendFault>> {
        self.ran.fetch_add(1, Ordering::Relaxed);
        let index: usize = request.url.path().trim_start_matches('/').parse().unwrap();
        let reply = self.connector_steps[index].reply;
        let result = if reply.fails {
            Err(SendFault { cause: Cause::Connect, written: false, explain: "refused".to_owned(), word: None })
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

pub(super) fn equals(source: ValueSource, value: Value) -> Condition {
    let test = Test::Compare(source, Operator::Equals(Operand::Literal(value)));
    Condition::Leaf(Box::new(Leaf { test, text: "leaf".to_owned(), literal: true }))
}

fn field_is_one(name: &str) -> Condition {
    let field = ValueSource::Reply(Source::Field(Path::parse(name).unwrap()));
    equals(field, Value::Number(Number::parse("1").unwrap()))
}

fn status_is(status: u16) -> Condition {
    Condition::Leaf(Box::new(Leaf { test: Test::Status(vec![status]), text: "status".to_owned(), literal: true }))
}

fn ask() -> Ask {
    Ask {
        kind: AskType::Custom,
        message: None,
        fields: vec![AskField { name: "code".to_owned(), label: None, echo: true, pattern: None }],
        url: None,
        returns: Vec::new(),
        image: None,
        expires_in: Duration::from_mins(5),
        attempts: 1,
        resend: None,
        poll_after: None,
    }
}

fn step(index: usize, planned: &PlannedStep) -> Step {
    let keys = format!("{{ method: POST, url: \"https://4a.example.com/{index}\" }}");
    let when = planned.when.filter(|_| index > 0).map(|(earlier, word)| {
        let variable = Variable::parse(&format!("steps.s{}.outcome", earlier % index)).unwrap();
        equals(ValueSource::Variable(variable), Value::from(word))
    });
    let success = if planned.named {
        Condition::Any(vec![Condition::All(vec![status_is(302), field_is_one("s")]), field_is_one("s")])
    } else {
        field_is_one("s")
    };
    let success = if planned.negated {
        Condition::All(vec![success, Condition::Not(Box::new(field_is_one("r")))])
    } else {
        success
    };
    let reject = RejectRow { when: field_is_one("r"), reason: Reason::AccountLocked, message: None };
    Step {
        name: format!("s{index}"),
        role: if planned.factor { Role::Factor } else { Role::Helper },
        when,
        ask: planned.asks.then(ask),
        variables: None,
        request: Some(compile_text(&keys, CompileOptions::new(&Language::default())).unwrap()),
        auth: None,
        variables_read: BTreeSet::new(),
        carries_credential: planned.factor,
        response: ResponsePlan {
            decrypt: None,
            jwt: None,
            decoding: Decoding {
                format: if planned.declared { Format::Json } else { Format::Auto },
                ..Decoding::default()
            },
            preprocess: None,
            rules: StepRules {
                reject: if planned.rejects { vec![reject] } else { Vec::new() },
                unavailable: None,
                more: planned.mores.then(|| field_is_one("m")),
                pending: None,
                success: Some(success),
                otherwise: Otherwise::Reject(Reason::InvalidCredentials),
                declared: planned.declared,
            },
            waived: BTreeSet::new(),
            named_statuses: if planned.named { vec![302] } else { Vec::new() },
            identity: None,
            captures: Vec::new(),
            map: MapPlan::default(),
        },
        retry: 0,
        cache: None,
        invalidates: Vec::new(),
        public: Vec::new(),
        sends_code_to: None,
        needs: Needs::default(),
        proven_elsewhere: false,
        compares_for: Vec::new(),
    }
}

pub(super) fn connector(steps: &[PlannedStep]) -> Connector {
    Connector {
        id: "planned".to_owned(),
        title: None,
        kind: ConnectorKind::Authentication,
        revision: "1".to_owned(),
        input: Input::default(),
        secrets: std::sync::Arc::default(),
        timeout: std::time::Duration::from_secs(5),
        time_zone: jiff::tz::TimeZone::UTC,
        proof_fields: crate::connector::NameSet::default(),
        settings_from_env: Vec::new(),
        secret_env: std::sync::Arc::default(),
        typed_name: false,
        traceparent: false,
        identity_required: false,
        nodes: None,
        decoders: Gate::new(1, 0),
        delivery: None,
        pattern_bytes: 0,
        max_document: crate::response::Most::default(),
        steps: steps.iter().enumerate().map(|(index, planned)| step(index, planned)).collect(),
    }
}

pub(super) fn login() -> Login {
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
pub(super) fn run(steps: &[PlannedStep]) -> Report {
    let exchange = Planned { connector_steps: steps, ran: AtomicUsize::new(0) };
    let (progress, store) = (Progress::default(), InMemoryStore::default());
    let ports = Ports { challenges: &store, ..Ports::bare(&exchange, &progress) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let connector = connector(steps);
        let mut report = authenticate(&connector, ports, login()).await;
        while let Verdict::Challenge(challenge) = &report.verdict {
            let id = challenge.id.clone();
            let saved = SavedLogin::read(&store.take(&id).unwrap()).unwrap();
            let action = Action::Answer([("code".to_owned(), Secret::new("1"))].into());
            report = resume(&connector, ports, Resumption { id, saved, action, deadline: None, trace: true }).await;
        }
        report
    })
}
