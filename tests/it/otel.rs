//! Traces for OpenTelemetry: the real daemon, and a collector of ours that reads the protobuf of each batch.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{any, post};
use http::HeaderMap;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message as _;
use serde_json::{Value, json};

use crate::canary;
use crate::support::daemon::{Daemon, Home, TOKEN, client, json_connector};
use crate::support::nobody;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// What a server was sent.
#[derive(Default, Clone)]
struct Seen(Arc<Mutex<Vec<(HeaderMap, Bytes)>>>);

impl Seen {
    fn add(&self, headers: HeaderMap, body: Bytes) {
        self.0.lock().unwrap().push((headers, body));
    }

    fn all(&self) -> Vec<(HeaderMap, Bytes)> {
        self.0.lock().unwrap().clone()
    }

    fn spans(&self) -> Vec<Span> {
        let batches = self.all().into_iter().map(|(_, body)| ExportTraceServiceRequest::decode(body).unwrap());
        let scopes = batches.flat_map(|batch| batch.resource_spans).flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

async fn collector() -> (Seen, String) {
    let seen = Seen::default();
    let kept = seen.clone();
    let take = move |headers: HeaderMap, body: Bytes| {
        kept.add(headers, body);
        std::future::ready(http::StatusCode::OK)
    };
    let base = serve(Router::new().route("/v1/traces", post(take))).await;
    (seen, format!("{base}/v1/traces"))
}

/// An upstream that lets `right` in.
async fn upstream() -> (Seen, String) {
    let seen = Seen::default();
    let kept = seen.clone();
    let answer = move |uri: http::Uri, headers: HeaderMap, body: Bytes| {
        kept.add(headers, body);
        let right = uri.query().is_some_and(|query| query.contains("right"));
        let code = if right { 200 } else { 500 };
        std::future::ready(axum::Json(json!({ "code": code, "token": uri.to_string() })))
    };
    let base = serve(Router::new().fallback(any(answer))).await;
    (seen, base)
}

/// With the user in the path and the password in the query, where no trace may show them.
fn connector(base: &str, tells: bool) -> String {
    format!(
        r#"version: 1
transport: {{ traceparent: {tells} }}
acknowledge: {{ credential_in_url: "a test of what no trace may show" }}
settings: {{ base: "{base}" }}
steps:
  - name: login
    request: {{ method: POST, url: "${{base}}/users/{{{{user.username}}}}/login?p={{{{user.userPassword}}}}" }}
    response:
      reject: [ {{ when: {{ field: code, equals: 500 }}, reason: invalid_credentials }} ]
      success: {{ all: [ {{ field: code, equals: 200 }}, {{ field: token, exists: true }} ] }}
"#
    )
}

fn home(endpoint: &str, more: &str) -> Home {
    Home::new(&format!("guard: {{ enabled: false }}\ntracing: {{ endpoint: \"{endpoint}\"{more} }}"))
}

async fn login(daemon: &Daemon, connector: &str, password: &str, flags: Option<&str>) -> (u16, Value) {
    let body = json!({ "username": "zhang-canary-san", "password": password, "request_id": "r-1" });
    let url = format!("{}/v1/connectors/{connector}/authenticate", daemon.base);
    let mut request = client().post(url).bearer_auth(TOKEN).header("content-type", "application/json");
    if let Some(flags) = flags {
        request = request.header("traceparent", format!("00-{TRACE}-{PARENT}-{flags}")).header("tracestate", "v=1");
    }
    let reply = request.body(body.to_string()).send().await.unwrap();
    (reply.status().as_u16(), serde_json::from_str(&reply.text().await.unwrap()).unwrap())
}

fn attribute(span: &Span, name: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == name)?;
    Some(match found.value.as_ref()?.value.as_ref()? {
        AnyValue::StringValue(text) => text.clone(),
        AnyValue::IntValue(number) => number.to_string(),
        AnyValue::BoolValue(flag) => flag.to_string(),
        other => panic!("{other:?}"),
    })
}

fn of_kind(spans: &[Span], kind: SpanKind) -> Vec<&Span> {
    spans.iter().filter(|span| span.kind == kind as i32).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_its_steps_and_its_requests_are_spans_below_the_callers() {
    let ((traces, endpoint), (asked, base)) = (collector().await, upstream().await);
    let home = home(&endpoint, ", service_name: door-1");
    home.connector("corp", &connector(&base, true));
    let daemon = home.start();
    assert_eq!(login(&daemon, "corp", "right", Some("01")).await.0, 200);
    let (status, log) = daemon.end();
    assert!(status.success(), "{log}");
    let spans = traces.spans();
    assert_eq!(spans.len(), 3, "{spans:?}");
    assert!(spans.iter().all(|span| hex::encode(&span.trace_id) == TRACE));
    let [login] = of_kind(&spans, SpanKind::Server)[..] else { panic!("{spans:?}") };
    let [step] = of_kind(&spans, SpanKind::Internal)[..] else { panic!("{spans:?}") };
    let [call] = of_kind(&spans, SpanKind::Client)[..] else { panic!("{spans:?}") };
    assert_eq!((login.name.as_str(), hex::encode(&login.parent_span_id).as_str()), ("login corp", PARENT));
    assert_eq!((step.name.as_str(), &step.parent_span_id), ("step login", &login.span_id));
    assert_eq!(&call.parent_span_id, &step.span_id);
    assert_eq!(call.name, "POST /users/{{user.username}}/login");
    for (span, name, value) in [
        (login, "doorward.connector", "corp"),
        (login, "doorward.request_id", "r-1"),
        (login, "doorward.client", "console"),
        (login, "doorward.verdict", "accept"),
        (login, "doorward.credential_sends", "1"),
        (step, "doorward.outcome", "success"),
        (step, "http.response.status_code", "200"),
        (call, "http.request.method", "POST"),
        (call, "http.response.status_code", "200"),
        (call, "server.address", "127.0.0.1"),
        (call, "url.template", "/users/{{user.username}}/login"),
        (call, "url.full", &format!("{base}/users/{{{{user.username}}}}/login")),
    ] {
        assert_eq!(attribute(span, name).as_deref(), Some(value), "{name}");
    }
    let within = |inner: &Span, outer: &Span| {
        outer.start_time_unix_nano <= inner.start_time_unix_nano && inner.end_time_unix_nano <= outer.end_time_unix_nano
    };
    assert!(within(step, login) && within(call, step), "{spans:?}");
    // The upstream hears of the request's own span, and what the caller says of the trace.
    let (headers, _) = &asked.all()[0];
    assert_eq!(headers["traceparent"], format!("00-{TRACE}-{}-01", hex::encode(&call.span_id)));
    assert_eq!(headers["tracestate"], "v=1");
    let batch = ExportTraceServiceRequest::decode(traces.all()[0].1.clone()).unwrap();
    let resource = format!("{:?}", batch.resource_spans[0].resource);
    assert!(resource.contains("service.name") && resource.contains("door-1"), "{resource}");
}

/// A user's name, password, path and query stand in no batch, whatever becomes of the login.
#[tokio::test(flavor = "multi_thread")]
async fn spans_hold_no_user_no_password_no_query_and_no_body() {
    let ((traces, endpoint), (_, base)) = (collector().await, upstream().await);
    let echo = canary::Upstream::start().await;
    let home = home(&endpoint, "");
    home.connector("corp", &connector(&base, true));
    home.connector("demo", &json_connector(&echo.base, ""));
    home.connector("away", &json_connector(nobody().as_str().trim_end_matches('/'), ""));
    let daemon = home.start();
    let kinds = ["right", "wrong", "html", "cut", "odd", "500", "302", "huge"];
    let mut passwords = Vec::new();
    for connector in ["corp", "demo", "away"] {
        for kind in kinds {
            let password = format!("{}+/=&%\"\\ä {kind}", uuid::Uuid::new_v4().simple());
            login(&daemon, connector, &password, None).await;
            passwords.push(password);
        }
    }
    let (_, metrics) = daemon.call("GET", "/metrics", None).await;
    assert!(!metrics.contains("doorward_spans_dropped_total{"), "{metrics}");
    daemon.end();
    let spans = traces.spans();
    assert_eq!(of_kind(&spans, SpanKind::Server).len(), passwords.len());
    assert!(of_kind(&spans, SpanKind::Client).len() >= passwords.len());
    let failed = |span: &&&Span| span.status.as_ref().is_some_and(|status| status.code == StatusCode::Error as i32);
    assert!(of_kind(&spans, SpanKind::Client).iter().filter(failed).count() >= kinds.len(), "of `away`");
    let outputs: Vec<(String, String)> = traces
        .all()
        .iter()
        .map(|(headers, body)| ("a batch of spans".to_owned(), format!("{headers:?}{}", String::from_utf8_lossy(body))))
        .collect();
    for (_, batch) in &outputs {
        assert!(!batch.contains("canary-san") && !batch.contains("?p="), "{batch}");
    }
    canary::search(&outputs, &passwords);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_decides_whether_its_trace_is_sampled_and_else_the_ratio_does() {
    let ((traces, endpoint), (asked, base)) = (collector().await, upstream().await);
    let home = home(&endpoint, ", sample_ratio: 0");
    home.connector("corp", &connector(&base, true));
    home.connector("silent", &connector(&base, false));
    let daemon = home.start();
    for (connector, flags) in [("corp", None), ("corp", Some("00")), ("silent", Some("01")), ("corp", Some("zz"))] {
        assert_eq!(login(&daemon, connector, "right", flags).await.0, 200);
    }
    daemon.end();
    let spans = traces.spans();
    assert_eq!(of_kind(&spans, SpanKind::Server).len(), 1, "{spans:?}");
    assert!(spans.iter().all(|span| hex::encode(&span.trace_id) == TRACE));
    let told: Vec<Option<String>> = asked
        .all()
        .iter()
        .map(|(headers, _)| headers.get("traceparent").map(|value| value.to_str().unwrap().to_owned()))
        .collect();
    assert!(told[0].as_ref().is_some_and(|told| told.ends_with("-00") && !told.contains(TRACE)), "{told:?}");
    assert!(told[1].as_ref().is_some_and(|told| told.ends_with("-00") && told.contains(TRACE)), "{told:?}");
    assert!(told[2].is_none(), "the connector does not say so: {told:?}");
    assert!(told[3].as_ref().is_some_and(|told| !told.contains(TRACE)), "one that cannot be read: {told:?}");
}

/// The next call's trace is another span of the same caller.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_section_nothing_is_traced_and_nothing_is_told() {
    let (asked, base) = upstream().await;
    let home = Home::new("");
    home.connector("corp", &connector(&base, true));
    let daemon = home.start();
    assert_eq!(login(&daemon, "corp", "right", Some("01")).await.0, 200);
    assert!(!asked.all()[0].0.contains_key("traceparent"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_costs_spans_and_no_login() {
    let (_, base) = upstream().await;
    let home = home(&format!("{}v1/traces", nobody()), "");
    home.connector("corp", &connector(&base, false));
    let daemon = home.start();
    assert_eq!(login(&daemon, "corp", "right", None).await.0, 200);
    let line = daemon.wait_for("the collector takes no traces; logins go on without");
    assert_eq!(line["level"], "WARN");
    assert!(line["error"].as_str().unwrap().contains("refused"), "{line}");
    assert_eq!(login(&daemon, "corp", "right", None).await.0, 200);
    let (_, metrics) = daemon.call("GET", "/metrics", None).await;
    assert!(metrics.contains("doorward_spans_dropped_total{cause=\"collector\"} 3"), "{metrics}");
}

/// It accepts and never answers: the daemon ends in order and in time all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_keeps_no_login_and_no_end() {
    let (_, base) = upstream().await;
    let hung = serve(Router::new().fallback(any(std::future::pending::<http::StatusCode>))).await;
    let home = home(&format!("{hung}/v1/traces"), "");
    home.connector("corp", &connector(&base, false));
    let daemon = home.start();
    let logins = (0..20).map(|_| login(&daemon, "corp", "right", None));
    for (status, _) in futures_util::future::join_all(logins).await {
        assert_eq!(status, 200);
    }
    let ended = tokio::task::spawn_blocking(move || daemon.end());
    let (status, log) = tokio::time::timeout(Duration::from_secs(30), ended).await.unwrap().unwrap();
    assert!(status.success() && log.contains("the last traces could not be sent in time"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_collector_gets_its_header_and_a_restart_is_asked_for_a_change() {
    let ((traces, endpoint), (_, base)) = (collector().await, upstream().await);
    let home = home(&endpoint, ", headers: { Authorization: { file: key } }");
    std::fs::write(home.path("key"), "Bearer of-the-collector\n").unwrap();
    home.connector("corp", &connector(&base, false));
    let daemon = home.start();
    assert_eq!(login(&daemon, "corp", "wrong", None).await.0, 403);
    home.configure("guard: { enabled: false }");
    let (_, reloaded) = daemon.call("POST", "/v1/reload", None).await;
    let reloaded: Value = serde_json::from_str(&reloaded).unwrap();
    assert_eq!(reloaded["configuration"]["restart"], json!(["tracing"]));
    let (_, log) = daemon.end();
    assert!(!log.contains("of-the-collector"), "{log}");
    assert_eq!(traces.all()[0].0["authorization"], "Bearer of-the-collector");
}
