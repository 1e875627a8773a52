//! A hostile page costs its own login, and no other login's thread.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use tokio::time::Instant;

use crate::connector::Connector;
use crate::connector::check::{Draft, LoadContext, SecretsFrom};
use crate::document::Object;
use crate::flow::progress::Progress;
use crate::flow::{Exchange, Login, Ports, Report, authenticate};
use crate::response::PARSED_HERE;
use crate::secret::Secret;
use crate::upstream::{Outgoing, Reply, SendFault, Timings};
use crate::verdict::{Cause, Verdict};

/// An upstream whose every reply is this page.
struct Page(String);

impl Exchange for Page {
    fn send<'a>(&'a self, _: &'a Outgoing, _: Instant) -> BoxFuture<'a, Result<Reply, SendFault>> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))]);
        let reply = Reply { status: 200, headers, body: self.0.clone().into(), timings: Timings::default() };
        Box::pin(std::future::ready(Ok(reply)))
    }
}

const CONNECTOR: &str = r#"
version: 1
transport: { max_in_flight: 1 }
steps:
  - name: login
    request: { url: "https://4a.example.com/login", body: { form: { u: "{{user.username}}", p: "{{user.userPassword}}" } } }
    response:
      format: html
      reject: [ { when: { css: ".error > p + p", contains: locked }, reason: account_locked } ]
      success: { css: "div div div #welcome", equals: zhangsan }
"#;

fn connector() -> Connector {
    written(CONNECTOR)
}

pub(in crate::flow) fn written(connector: &str) -> Connector {
    let nothing = BTreeMap::new();
    let load = LoadContext {
        env: &|_| None,
        read_file: &|_| Err(std::io::ErrorKind::NotFound.into()),
        settings: &nothing,
        secrets: &nothing,
        secrets_from: SecretsFrom::Samples,
        console: None,
    };
    let draft = Draft::read(Path::new("portal.yaml"), connector.to_owned(), load);
    let checked = draft.finish(load, Vec::new());
    checked.loaded.unwrap_or_else(|| panic!("{:?}", checked.diagnostics)).connector
}

async fn login(connector: &Connector, page: &Page, deadline: Option<Instant>) -> Report {
    let login = Login {
        username: "zhangsan".to_owned(),
        password: Secret::new("123456"),
        client_ip: None,
        attributes: Object::new(),
        request_id: "r1".to_owned(),
        deadline,
        trace: false,
    };
    let progress = Progress::default();
    let ports = Ports::bare(page, &progress);
    authenticate(connector, ports, login).await
}

/// A page of a megabyte that costs as much as the caps allow: it is not given up, and each selector looks at all of it.
fn hostile() -> Page {
    let deep = "<div>".repeat(200);
    let wide = "<p class=error title='a b'>".repeat(15_000);
    Page(format!("<!DOCTYPE html><html>{deep}{wide}<!--{}-->", "x".repeat(500_000)))
}

pub(in crate::flow) fn unavailable(report: &Report) -> Option<Cause> {
    match &report.verdict {
        Verdict::Unavailable(unavailable) => Some(unavailable.cause),
        _ => None,
    }
}

/// What reads `page` takes far longer than this.
fn soon() -> Instant {
    Instant::now() + Duration::from_millis(1)
}

#[tokio::test]
async fn a_hostile_page_is_parsed_and_searched_on_another_thread() {
    let (connector, page) = (connector(), hostile());
    let mut login = pin!(login(&connector, &page, None));
    // The thread gets away before the page is read, and others go on.
    assert!(login.as_mut().now_or_never().is_none());
    let report = login.await;
    assert_eq!(report.explain, "login: the reply has no css \"div div div #welcome\"; it is an HTML page (HTTP 200)");
    assert_eq!(PARSED_HERE.get(), 0);
}

#[tokio::test]
async fn a_page_that_came_instead_of_json_is_read_for_its_title_on_another_thread() {
    let connector = written(&CONNECTOR.replace("format: html", "format: json"));
    let page = Page(hostile().0.replace("<html>", "<html><title>Sign in</title>"));
    let report = login(&connector, &page, None).await;
    assert!(report.explain.contains("it is an HTML page titled \"Sign in\""), "{}", report.explain);
    assert_eq!(PARSED_HERE.get(), 0);
}

#[tokio::test]
async fn an_ordinary_page_is_parsed_once_in_place() {
    let page = Page("<!DOCTYPE html><div><div><div><b id=welcome>zhangsan</b></div></div></div>".to_owned());
    let report = login(&connector(), &page, None).now_or_never().expect("nothing to wait for");
    assert!(matches!(report.verdict, Verdict::Accept(_)), "{}", report.explain);
    assert_eq!(PARSED_HERE.get(), 1);
}

/// One login that gave up leaves a thread busy: its place is free only when that thread is through.
#[tokio::test]
async fn a_login_ends_by_its_deadline_and_its_decoder_keeps_its_place() {
    let (connector, page) = (connector(), hostile());
    let report = login(&connector, &page, Some(soon())).await;
    assert_eq!(unavailable(&report), Some(Cause::Timeout), "{}", report.explain);
    assert_eq!(report.explain, "login: the deadline passed while the reply was decoded");
    let mut free = Vec::new();
    while let Ok(place) = connector.decoders.enter_by(Instant::now()).await {
        free.push(place);
    }
    assert_eq!(free.len(), connector.decoders.places() - 1);
    let all = connector.decoders.enter_by(Instant::now() + Duration::from_mins(10)).await;
    assert!(all.is_ok(), "the thread ends, and its place is free");
}

#[tokio::test]
async fn no_more_large_replies_are_decoded_at_a_time_than_there_are_places() {
    let (connector, page) = (connector(), hostile());
    let mut busy = Vec::new();
    while let Ok(place) = connector.decoders.enter_by(Instant::now()).await {
        busy.push(place);
    }
    let report = login(&connector, &page, Some(soon())).await;
    assert_eq!(unavailable(&report), Some(Cause::Overloaded), "{}", report.explain);
    let line = "login: 4 large replies of this connector are being decoded; none was done before the deadline";
    assert_eq!(report.explain, line);

    // One waits (max_in_flight is 1), the next finds the queue full, and small replies need no place.
    let mut waiting = pin!(login(&connector, &page, None));
    assert!(waiting.as_mut().now_or_never().is_none());
    let report = login(&connector, &page, None).await;
    assert_eq!(unavailable(&report), Some(Cause::Overloaded), "{}", report.explain);
    assert!(report.explain.ends_with("the queue behind them is full"), "{}", report.explain);
    let small = login(&connector, &Page("<html><p>".to_owned()), None).await;
    assert_eq!(unavailable(&small), Some(Cause::UnexpectedReply), "{}", small.explain);
    busy.pop();
    assert_eq!(unavailable(&waiting.await), Some(Cause::UnexpectedReply));
}
