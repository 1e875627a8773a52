//! What replies take of the memory that a connector has, and where large ones are judged.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use crate::budget::Budget;
use crate::connector::Connector;
use crate::document::Object;
use crate::flow::decode::tests::{unavailable, written};
use crate::flow::progress::Progress;
use crate::flow::{Exchange, InMemoryStore, Login, Ports, Report, authenticate};
use crate::secret::Secret;
use crate::upstream::{Outgoing, Reply, SendFault, Timings};
use crate::verdict::{Cause, Verdict};

/// An upstream that gives these bodies, one after the other, each with a header `x-note`.
struct CannedReply {
    bodies: Mutex<VecDeque<String>>,
    note: String,
}

impl CannedReply {
    fn new(bodies: &[&str]) -> Self {
        Self { bodies: Mutex::new(bodies.iter().map(|&body| body.to_owned()).collect()), note: "short".to_owned() }
    }
}

impl Exchange for CannedReply {
    fn send<'a>(&'a self, _: &'a Outgoing, _: Instant) -> BoxFuture<'a, Result<Reply, SendFault>> {
        let note = HeaderValue::from_str(&self.note).unwrap();
        let headers = HeaderMap::from_iter([(HeaderName::from_static("x-note"), note)]);
        let body = self.bodies.lock().unwrap().pop_front().unwrap_or_default().into();
        Box::pin(std::future::ready(Ok(Reply { status: 200, headers, body, timings: Timings::default() })))
    }
}

/// Nine bytes on the wire are half a kilobyte here.
fn braces(count: usize) -> String {
    format!(r#"{{"code":0,"data":[{}{{}}]}}"#, r#"{"a":{}},"#.repeat(count))
}

fn connector(response: &str) -> Connector {
    written(&format!(
        r#"
version: 1
steps:
  - name: login
    request: {{ method: POST, url: "https://4a.example.com/login", body: {{ form: {{ u: "{{{{user.username}}}}", p: "{{{{user.userPassword}}}}" }} }} }}
    response:
      format: json
{response}
"#
    ))
}

const READS: &str = "      success: { field: code, equals: 0 }";

async fn login(connector: &Connector, says: &CannedReply, budget: Option<&Arc<Budget>>) -> Report {
    let login = Login {
        username: "zhangsan".to_owned(),
        password: Secret::new("123456"),
        client_ip: None,
        attributes: Object::new(),
        request_id: "r1".to_owned(),
        deadline: None,
        trace: false,
    };
    let (progress, store) = (Progress::default(), InMemoryStore::default());
    let ports = Ports { replies: budget, challenges: &store, ..Ports::bare(says, &progress) };
    authenticate(connector, ports, login).await
}

#[tokio::test]
async fn a_document_counts_as_what_it_takes_and_is_given_back() {
    let (connector, body) = (connector(READS), braces(10_000));
    let budget = Budget::new(2 << 20);
    let report = login(&connector, &CannedReply::new(&[&body]), Some(&budget)).await;
    assert_eq!(unavailable(&report), Some(Cause::Overloaded), "{}", report.explain);
    assert!(report.explain.contains("limits.connector_reply_memory"), "{}", report.explain);
    assert_eq!(budget.held(), 0);
    let budget = Budget::new(16 << 20);
    let report = login(&connector, &CannedReply::new(&[&body]), Some(&budget)).await;
    assert!(matches!(report.verdict, Verdict::Accept(_)), "{}", report.explain);
    assert_eq!(budget.held(), 0);
}

#[tokio::test]
async fn a_document_that_takes_too_much_is_too_large_whatever_its_length() {
    let report = login(&connector(READS), &CannedReply::new(&[&braces(20_000)]), None).await;
    assert_eq!(unavailable(&report), Some(Cause::ResponseTooLarge), "{}", report.explain);
    assert!(report.explain.contains("transport.max_document"), "{}", report.explain);
    let none = format!("version: 1\ntransport: {{ max_document: 32MiB }}{}", connector_text());
    let report = login(&written(&none), &CannedReply::new(&[&braces(20_000)]), None).await;
    assert!(matches!(report.verdict, Verdict::Accept(_)), "{}", report.explain);
}

fn connector_text() -> &'static str {
    r#"
steps:
  - name: login
    request: { url: "https://4a.example.com/login", body: { form: { u: "{{user.username}}", p: "{{user.userPassword}}" } } }
    response: { format: json, success: { field: code, equals: 0 } }
"#
}

/// Each part may be as large as a document, and all of them together, too.
#[tokio::test]
async fn what_a_login_keeps_of_replies_is_bounded_as_one_document_is() {
    let keeps = connector(&format!("{READS}\n      capture: {{ data: data }}\n      map: {{ extension: data }}"));
    let report = login(&keeps, &CannedReply::new(&[&braces(4_000)]), None).await;
    assert!(matches!(report.verdict, Verdict::Accept(_)), "{}", report.explain);
    let report = login(&keeps, &CannedReply::new(&[&braces(12_000)]), None).await;
    assert_eq!(unavailable(&report), Some(Cause::ResponseTooLarge), "{}", report.explain);
    assert!(report.explain.contains("what this login retains of replies"), "{}", report.explain);
}

/// A login that waits for a later step holds what it captured, and no more.
#[tokio::test]
async fn captures_are_held_and_the_rest_of_a_reply_is_not() {
    struct Looks<'b>(CannedReply, &'b Arc<Budget>, Mutex<Vec<usize>>);
    impl Exchange for Looks<'_> {
        fn send<'a>(&'a self, request: &'a Outgoing, deadline: Instant) -> BoxFuture<'a, Result<Reply, SendFault>> {
            self.2.lock().unwrap().push(self.1.held());
            self.0.send(request, deadline)
        }
    }
    let connector = written(
        r#"
version: 1
steps:
  - name: login
    request: { url: "https://4a.example.com/login", body: { form: { u: "{{user.username}}", p: "{{user.userPassword}}" } } }
    response: { format: json, success: { field: code, equals: 0 }, capture: { data: "data[0]" } }
  - name: profile
    request: { url: "https://4a.example.com/profile" }
    response: { format: json, success: { field: code, equals: 0 } }
"#,
    );
    let budget = Budget::new(64 << 20);
    let large = format!(r#"{{"code":0,"data":[{},{}]}}"#, braces(2000), braces(8000));
    let says = Looks(CannedReply::new(&[&large, r#"{"code":0}"#]), &budget, Mutex::default());
    let progress = Progress::default();
    let ports = Ports { replies: Some(&budget), ..Ports::bare(&says, &progress) };
    let input = Login {
        username: "zhangsan".to_owned(),
        password: Secret::new("123456"),
        client_ip: None,
        attributes: Object::new(),
        request_id: "r1".to_owned(),
        deadline: None,
        trace: false,
    };
    let report = authenticate(&connector, ports, input).await;
    assert!(matches!(report.verdict, Verdict::Accept(_)), "{}", report.explain);
    let held = says.2.into_inner().unwrap();
    assert_eq!(held[0], 0);
    assert!((512 << 10..2 << 20).contains(&held[1]), "{held:?}");
    assert_eq!(budget.held(), 0);
}

/// The body is small and read in place; what is large is a header, so what is done elsewhere is the judging. The only
/// other thread is busy until this one was seen to wait.
#[test]
fn a_large_reply_is_judged_on_another_thread() {
    let rule = "      success: { all: [ { field: code, equals: 0 }, { header: x-note, matches: '^[a-z]+$' } ] }";
    let connector = connector(rule);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let small = CannedReply::new(&[r#"{"code":0}"#]);
        let report = login(&connector, &small, None).now_or_never().expect("nothing to wait for");
        assert!(matches!(report.verdict, Verdict::Accept(_)), "{}", report.explain);
        let (free, busy) = std::sync::mpsc::sync_channel::<()>(1);
        let occupied = tokio::task::spawn_blocking(move || busy.recv());
        let large = CannedReply { note: "x".repeat(9000), ..CannedReply::new(&[r#"{"code":0}"#]) };
        let mut judged = pin!(login(&connector, &large, None));
        assert!(judged.as_mut().now_or_never().is_none(), "the thread gets away");
        free.send(()).unwrap();
        let report = judged.await;
        assert!(matches!(report.verdict, Verdict::Accept(_)), "{}", report.explain);
        occupied.await.unwrap().unwrap();
    });
}

/// A refusal mid-way leaves the run what it lent: the line of explanation is masked with it, and the challenge is kept
/// from it.
#[tokio::test]
async fn what_was_lent_comes_back() {
    let connector = written(
        r#"
version: 1
steps:
  - name: login
    request: { url: "https://4a.example.com/login", body: { form: { u: "{{user.username}}", p: "{{user.userPassword}}" } } }
    response: { format: json, more: { field: code, equals: 0 }, success: { field: code, equals: 1 }, capture: { t: t } }
  - name: code
    ask: { type: sms, fields: [ { name: code } ], message: "to {{steps.login.t}}" }
    request: { url: "https://4a.example.com/code", body: { form: { c: "{{answer.code}}", t: "{{steps.login.t}}" } } }
    response: { format: json, success: { field: code, equals: 0 } }
"#,
    );
    let body = format!(r#"{{"code":0,"t":"token-of-login","pad":"{}"}}"#, "x".repeat(9000));
    let report = login(&connector, &CannedReply::new(&[&body]), None).await;
    let Verdict::Challenge(challenge) = &report.verdict else { panic!("{}", report.explain) };
    assert_eq!(challenge.message.as_deref(), Some("to token-of-login"));
}

/// Megabytes are not copied, sealed and refused: they are refused.
#[tokio::test]
async fn a_challenge_keeps_no_more_than_a_state_may_have() {
    let connector = written(
        r#"
version: 1
steps:
  - name: login
    request: { url: "https://4a.example.com/login", body: { form: { u: "{{user.username}}", p: "{{user.userPassword}}" } } }
    response: { format: json, more: { field: code, equals: 0 }, success: { field: code, equals: 1 }, map: { extension: data } }
  - name: code
    ask: { type: sms, fields: [ { name: code } ] }
    request: { url: "https://4a.example.com/code", body: { form: { c: "{{answer.code}}" } } }
    response: { format: json, success: { field: code, equals: 0 } }
"#,
    );
    for (count, fits) in [(1000, true), (8000, false)] {
        struct Store(Mutex<Vec<usize>>);
        impl crate::flow::ChallengeStore for Store {
            fn put<'a>(
                &'a self,
                _: &'a str,
                crate::state::ChallengeState { bytes: state, .. }: crate::state::ChallengeState<'a>,
                _: std::time::Duration,
                _: Instant,
            ) -> BoxFuture<'a, Result<(), String>> {
                self.0.lock().unwrap().push(state.len());
                Box::pin(std::future::ready(Ok(())))
            }
        }
        let (says, progress, store) =
            (CannedReply::new(&[&braces(count)]), Progress::default(), Store(Mutex::default()));
        let ports = Ports { challenges: &store, ..Ports::bare(&says, &progress) };
        let input = Login {
            username: "zhangsan".to_owned(),
            password: Secret::new("123456"),
            client_ip: None,
            attributes: Object::new(),
            request_id: "r1".to_owned(),
            deadline: None,
            trace: false,
        };
        authenticate(&connector, ports, input).await;
        let [length] = store.0.into_inner().unwrap()[..] else { panic!("one state is kept") };
        assert_eq!(length <= crate::state::MAX_BYTES, fits, "{length}");
        assert!(length <= crate::state::MAX_BYTES + 1, "{length}");
    }
}
