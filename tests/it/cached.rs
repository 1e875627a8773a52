//! `cache` of a step: one asks and all get it, for as long as it is good; nothing of a user goes in or comes out.

mod apart;

use std::future::Future as _;
use std::pin::pin;
use std::sync::Mutex;

use doorward::clock::System;
use doorward::connector::Live;
use doorward::diagnostic::{Style, render};
use doorward::document::Object;
use doorward::flow::progress::Progress;
use doorward::flow::report::{CacheTrace, Report};
use doorward::flow::{Exchange, Login, Ports, authenticate};
use doorward::upstream::{Outgoing, Reply, SendFault, Timings};
use doorward::verdict::{Cause, Verdict};
use futures_util::future::BoxFuture;
use futures_util::future::join_all;
use http::header::{CONTENT_TYPE, HeaderMap, SET_COOKIE};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::support::loader::loader;

/// What the upstream does with a token, and how often it gave one.
#[derive(Default)]
struct Behaviour {
    /// Tokens given so far: t1, t2, …
    given: u32,
    /// The reply of the token step beside its token.
    life: Option<&'static str>,
    /// Tokens up to this number are refused by who gets them.
    revoked: u32,
    /// The token step fails so.
    fails: Option<Cause>,
    /// Hosts that cannot be connected to.
    dead: Vec<&'static str>,
}

/// An upstream in this process: it records what it is asked, and can hold its tokens back.
struct Upstream {
    asked: Mutex<Vec<Outgoing>>,
    behaviour: Mutex<Behaviour>,
    open: watch::Sender<bool>,
}

impl Upstream {
    fn new() -> Self {
        let behaviour = Behaviour { life: Some("\"expires_in\":7200,"), ..Behaviour::default() };
        Self { asked: Mutex::default(), behaviour: Mutex::new(behaviour), open: watch::channel(true).0 }
    }

    fn set(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.behaviour.lock().unwrap());
    }

    /// The paths that were asked since the last look, with the token that came along.
    fn asked(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.iter().map(|request| format!("{}{}", request.url.path(), token(request))).collect()
    }

    fn answer(&self, request: &Outgoing) -> Result<Reply, SendFault> {
        let mut behaviour = self.behaviour.lock().unwrap();
        let fault = |cause| SendFault { cause, written: false, explain: "made up".to_owned(), word: None };
        if behaviour.dead.contains(&request.url.host_str().unwrap()) {
            return Err(fault(Cause::Connect));
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
        let mut status = 200;
        let body = match request.url.path() {
            "/token" => {
                if let Some(cause) = behaviour.fails {
                    return Err(fault(cause));
                }
                behaviour.given += 1;
                headers.insert(SET_COOKIE, "app=1; Path=/".parse().unwrap());
                format!("{{{}\"token\":\"t{}\"}}", behaviour.life.unwrap_or_default(), behaviour.given)
            }
            "/ticket" => format!("{{\"ticket\":\"of{}\"}}", token(request)),
            "/start" => {
                headers.insert(SET_COOKIE, "session=user; Path=/".parse().unwrap());
                "{}".to_owned()
            }
            _ => {
                let number: u32 = token(request).trim_start_matches(" t").parse().unwrap_or(u32::MAX);
                if number <= behaviour.revoked {
                    status = 401;
                    "{\"errcode\":40001}".to_owned()
                } else {
                    "{\"errcode\":0}".to_owned()
                }
            }
        };
        Ok(Reply { status, headers, body: body.into(), timings: Timings::default() })
    }
}

/// The token of a request, with a space before it.
fn token(request: &Outgoing) -> String {
    let found = request.url.query_pairs().find(|(name, _)| name == "token");
    found.map(|(_, value)| format!(" {value}")).unwrap_or_default()
}

impl Exchange for Upstream {
    fn send<'a>(&'a self, request: &'a Outgoing, deadline: Instant) -> BoxFuture<'a, Result<Reply, SendFault>> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(request.clone());
            if request.url.path() == "/token" {
                let mut open = self.open.subscribe();
                let opened = tokio::time::timeout_at(deadline, open.wait_for(|open| *open)).await.is_ok();
                if !opened {
                    return Err(SendFault {
                        cause: Cause::Timeout,
                        written: true,
                        explain: "made up".to_owned(),
                        word: None,
                    });
                }
            }
            self.answer(request)
        })
    }
}

const TOKEN: &str = r#"  - name: token
    cache: { for: { field: expires_in }, drop_when: { field: errcode, in: [ 40001, 42001 ] } }
    request: { url: "${base}/token", query: { id: app, secret: "{{secret.app}}", at: "{{time.unix_ms}}" } }
    response: { capture: { token: { field: token } } }
"#;

/// A helper with the token.
const SEND: &str = r#"  - name: send
    request: { method: POST, url: "${base}/send", query: { token: "{{steps.token.token}}" } }
    response: { unavailable: { field: errcode, equals: 40001 }, success: { field: errcode, equals: 0 } }
"#;

/// A factor with the token.
const LOGIN: &str = r#"  - name: login
    request:
      url: "${base}/login"
      query: { token: "{{steps.token.token}}" }
      body: { json: { user: "{{user.username}}", password: "{{user.userPassword}}" } }
    response: { unavailable: { field: errcode, equals: 40001 }, success: { field: errcode, equals: 0 } }
"#;

async fn load(settings: &str, steps: &[&str]) -> Live {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.yaml");
    let text = format!(
        "version: 1\nsettings: {{ base: {settings} }}\nsecrets: {{ app: {{ env: APP }} }}\nsteps:\n{}",
        steps.concat()
    );
    std::fs::write(&path, text).unwrap();
    let loader = loader();
    let outcome = loader.load(&[path]).await.pop().unwrap();
    outcome.live.unwrap_or_else(|| panic!("{}", render(&outcome.diagnostics, Style::Plain)))
}

const BASE: &str = "\"https://4a.example.com\"";

async fn log_in(live: &Live, upstream: &Upstream) -> Report {
    log_in_by(live, upstream, None).await
}

async fn log_in_by(live: &Live, upstream: &Upstream, deadline: Option<Instant>) -> Report {
    let login = Login {
        username: "zhangsan".to_owned(),
        password: "right".into(),
        client_ip: None,
        attributes: Object::new(),
        request_id: "r".to_owned(),
        deadline,
        trace: true,
    };
    let progress = Progress::default();
    let ports = Ports { exchange: upstream, ..Ports::of(live, &System, &progress) };
    authenticate(&live.connector, ports, login).await
}

fn accepted(report: &Report) -> bool {
    matches!(report.verdict, Verdict::Accept(_))
}

fn cause(report: &Report) -> Cause {
    match &report.verdict {
        Verdict::Unavailable(unavailable) => unavailable.cause,
        other => panic!("{other:?}: {}", report.explain),
    }
}

/// What each step that ran had to do with the cache.
fn cache(report: &Report) -> Vec<(&str, &[CacheTrace])> {
    report.steps.iter().map(|step| (step.name.as_str(), &step.trace.as_ref().unwrap().cache[..])).collect()
}

#[tokio::test]
async fn what_one_login_asked_for_serves_the_next() {
    let (live, upstream) = (load(BASE, &[TOKEN, LOGIN]).await, Upstream::new());
    let first = log_in(&live, &upstream).await;
    assert!(accepted(&first), "{}", first.explain);
    assert_eq!(upstream.asked(), ["/token", "/login t1"]);
    let CacheTrace::Kept(span) = &cache(&first)[0].1[0] else { panic!("{:?}", cache(&first)) };
    assert!(span.as_secs() <= 7140, "a minute less than the upstream says");
    let next = log_in(&live, &upstream).await;
    assert!(accepted(&next), "{}", next.explain);
    assert_eq!(upstream.asked(), ["/login t1"]);
    assert_eq!(cache(&next), [("token", &[CacheTrace::Hit][..]), ("login", &[])]);
    assert_eq!(next.steps[0].status, None, "nothing was sent");
    assert_eq!(next.steps[0].trace.as_ref().unwrap().captures.len(), 1);
    // Another revision, or the same one read again, begins anew.
    let again = load(BASE, &[TOKEN, LOGIN]).await;
    log_in(&again, &upstream).await;
    assert_eq!(upstream.asked(), ["/token", "/login t2"]);
}

#[tokio::test]
async fn a_hundred_logins_at_once_make_one_request() {
    let (live, upstream) = (load(BASE, &[TOKEN, LOGIN]).await, Upstream::new());
    upstream.open.send_replace(false);
    let mut all = pin!(join_all((0..100).map(|_| log_in(&live, &upstream))));
    // Each has come as far as it can.
    assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(all.as_mut().poll(cx))).await.is_pending());
    assert_eq!(upstream.asked(), ["/token"]);
    upstream.open.send_replace(true);
    let reports = all.await;
    assert!(reports.iter().all(accepted));
    assert_eq!(reports.iter().filter(|report| cache(report)[0].1 == [CacheTrace::Shared]).count(), 99);
    assert_eq!(upstream.asked(), vec!["/login t1"; 100]);
}

#[tokio::test]
async fn who_waits_hears_of_the_failure_and_who_comes_later_asks_again() {
    let (live, upstream) = (load(BASE, &[TOKEN, LOGIN]).await, Upstream::new());
    upstream.open.send_replace(false);
    upstream.set(|behaviour| behaviour.fails = Some(Cause::Connect));
    let mut all = pin!(join_all((0..100).map(|_| log_in(&live, &upstream))));
    assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(all.as_mut().poll(cx))).await.is_pending());
    upstream.open.send_replace(true);
    for report in all.await {
        assert_eq!(cause(&report), Cause::Connect, "{}", report.explain);
    }
    assert_eq!(upstream.asked(), ["/token"], "no login was sent and no second token asked for");
    upstream.set(|behaviour| behaviour.fails = None);
    assert!(accepted(&log_in(&live, &upstream).await));
}

#[tokio::test]
async fn who_goes_away_leaves_nobody_waiting() {
    let (live, upstream) = (load(BASE, &[TOKEN, LOGIN]).await, Upstream::new());
    upstream.open.send_replace(false);
    let mut first = Box::pin(log_in(&live, &upstream));
    let mut others = pin!(join_all((0..10).map(|_| log_in(&live, &upstream))));
    assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(first.as_mut().poll(cx))).await.is_pending());
    assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(others.as_mut().poll(cx))).await.is_pending());
    assert_eq!(upstream.asked(), ["/token"]);
    // Its caller has hung up.
    drop(first);
    assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(others.as_mut().poll(cx))).await.is_pending());
    assert_eq!(upstream.asked(), ["/token"], "one of the others asks");
    upstream.open.send_replace(true);
    assert!(others.await.iter().all(accepted));
}

#[tokio::test]
async fn a_deadline_of_one_login_is_not_that_of_another() {
    let (live, upstream) = (load(BASE, &[TOKEN, LOGIN]).await, Upstream::new());
    upstream.open.send_replace(false);
    let hasty = log_in_by(&live, &upstream, Some(Instant::now()));
    let mut patient = Box::pin(log_in(&live, &upstream));
    let mut hasty = Box::pin(hasty);
    // The hasty one asks first.
    let mut hurried = None;
    while hurried.is_none() {
        hurried = std::future::poll_fn(|cx| {
            let done = match hasty.as_mut().poll(cx) {
                std::task::Poll::Ready(report) => Some(report),
                std::task::Poll::Pending => None,
            };
            assert!(patient.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(done)
        })
        .await;
        tokio::task::yield_now().await;
    }
    assert_eq!(cause(&hurried.unwrap()), Cause::Timeout);
    upstream.open.send_replace(true);
    assert!(accepted(&patient.await));
}

#[tokio::test]
async fn what_has_no_time_to_live_is_kept_for_nobody() {
    let (live, upstream) = (load(BASE, &[TOKEN, LOGIN]).await, Upstream::new());
    for life in [None, Some("\"expires_in\":0,"), Some("\"expires_in\":\"soon\",")] {
        upstream.set(|behaviour| behaviour.life = life);
        for _ in 0..2 {
            let report = log_in(&live, &upstream).await;
            assert!(accepted(&report), "{}", report.explain);
            assert!(matches!(cache(&report)[0].1, [CacheTrace::NotKept(_)]), "{:?}", cache(&report));
        }
        let asked = upstream.asked();
        assert_eq!(asked.iter().filter(|path| *path == "/token").count(), 2, "{life:?}: {asked:?}");
    }
    // Nor does anybody get it who waits.
    upstream.open.send_replace(false);
    let mut all = pin!(join_all((0..5).map(|_| log_in(&live, &upstream))));
    assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(all.as_mut().poll(cx))).await.is_pending());
    upstream.open.send_replace(true);
    assert!(all.await.iter().all(accepted));
    let mut logins: Vec<String> = upstream.asked().into_iter().filter(|path| path.starts_with("/login")).collect();
    logins.dedup();
    assert_eq!(logins.len(), 5, "each with its own: {logins:?}");
}

#[tokio::test]
async fn a_helper_whose_token_was_revoked_runs_once_more_with_a_new_one() {
    let (live, upstream) = (load(BASE, &[TOKEN, SEND, LOGIN]).await, Upstream::new());
    assert!(accepted(&log_in(&live, &upstream).await));
    assert_eq!(upstream.asked(), ["/token", "/send t1", "/login t1"]);
    upstream.set(|behaviour| behaviour.revoked = 1);
    let report = log_in(&live, &upstream).await;
    assert!(accepted(&report), "{}", report.explain);
    assert_eq!(upstream.asked(), ["/send t1", "/token", "/send t2", "/login t2"]);
    let names: Vec<&str> = report.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["token", "send", "token", "send", "login"], "a trace shows all of it, in order");
    assert_eq!(cache(&report)[1].1, [CacheTrace::Dropped("token".to_owned())]);
    // The new one serves others.
    log_in(&live, &upstream).await;
    assert_eq!(upstream.asked(), ["/send t2", "/login t2"]);
}

#[tokio::test]
async fn a_new_token_that_is_refused_too_is_not_asked_for_again() {
    let (live, upstream) = (load(BASE, &[TOKEN, SEND, LOGIN]).await, Upstream::new());
    upstream.set(|behaviour| behaviour.revoked = 100);
    assert_eq!(cause(&log_in(&live, &upstream).await), Cause::UpstreamError);
    assert_eq!(upstream.asked(), ["/token", "/send t1"], "it was new");
    upstream.set(|behaviour| behaviour.revoked = 0);
    log_in(&live, &upstream).await;
    assert_eq!(upstream.asked(), ["/token", "/send t2", "/login t2"], "what was refused is not kept");
    upstream.set(|behaviour| behaviour.revoked = 100);
    assert_eq!(cause(&log_in(&live, &upstream).await), Cause::UpstreamError);
    assert_eq!(upstream.asked(), ["/send t2", "/token", "/send t3"]);
}
