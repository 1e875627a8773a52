//! `GET /openapi.json`: the API as OpenAPI 3.1, its schemas generated from the very types that are written and read.
//!
//! The paths stand here by hand, beside the router's. docs/openapi.json is this document, committed; a test refuses a
//! stale one.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::body_schema::{LoginWire, TestWire, UtilityWire};
use super::call;
use super::challenge_body::ChallengeWire;
use super::connector_pages::{Entry, List};
use super::health::Readiness;
use super::problem::Wire;
use super::reply::{ExtensionBody, Traced, VerdictBody};
use crate::attempt::App;
use crate::attempt::connectors::Reloaded;

/// The endpoint.
pub(crate) async fn get(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    // Strings only: this cannot fail.
    call::read(&app, &request, "application/json", |_| serde_json::to_vec(&document()).unwrap_or_default())
}

/// The whole document.
pub fn document() -> Value {
    // OpenAPI 3.1 schemas are JSON Schema 2020-12 (OpenAPI 3.1.0, section 4.8.24).
    let mut generator =
        SchemaSettings::draft2020_12().with(|s| s.definitions_path = "/components/schemas".into()).into_generator();
    let mut paths = Paths { generator: &mut generator, paths: Map::new() };
    paths.logins();
    paths.utilities();
    paths.readings();
    paths.open();
    let paths = paths.paths;
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Doorward console API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Only accept is 2xx. Every verdict carries the header Doorward-Verdict; faults of the call \
                            never do and are application/problem+json (RFC 9457).",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }, { "certificate": [] }],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "certificate": { "type": "mutualTLS" },
            },
        },
    })
}

struct Paths<'a> {
    generator: &'a mut SchemaGenerator,
    paths: Map<String, Value>,
}

impl Paths<'_> {
    fn schema<T: JsonSchema>(&mut self) -> Value {
        self.generator.subschema_for::<T>().into()
    }

    fn logins(&mut self) {
        let verdict = self.schema::<VerdictBody<'static>>();
        let asked = self.schema::<LoginWire>();
        let mut responses = verdicts(&verdict);
        answerable(&mut responses);
        self.problems(&mut responses, &[400, 401, 404, 408, 413, 415, 422, 429]);
        self.add(
            "/v1/connectors/{id}/authenticate",
            "post",
            operation("authenticate", "One login", Some(&asked), responses),
        );

        let asked = self.schema::<ChallengeWire>();
        let mut responses = verdicts(&verdict);
        answerable(&mut responses);
        self.problems(&mut responses, &[400, 401, 408, 413, 415, 422, 429]);
        let summary = "An answer to a challenge, a poll, a resend, or its end";
        self.add("/v1/challenges", "post", operation("answerChallenge", summary, Some(&asked), responses));

        let traced = self.schema::<Traced<'static>>();
        let asked = self.schema::<TestWire>();
        let mut responses = verdicts(&traced);
        self.problems(&mut responses, &[400, 401, 404, 408, 409, 413, 415, 422, 429]);
        let summary = "A login for real that shows every stage; counts as an attempt";
        self.add("/v1/connectors/{id}/test", "post", operation("sendTest", summary, Some(&asked), responses));
    }

    fn utilities(&mut self) {
        let given = self.schema::<ExtensionBody<'static>>();
        let asked = self.schema::<UtilityWire>();
        let mut responses = Map::new();
        responses.insert("200".into(), body("What the connector maps; no verdict", "application/json", &given));
        self.problems(&mut responses, &[400, 401, 404, 408, 413, 415, 422, 429, 500, 503]);
        let summary = "One call before a login: a captcha, a code that is sent, a version check";
        self.add("/v1/utilities/{id}", "post", operation("callUtility", summary, Some(&asked), responses));
    }

    fn readings(&mut self) {
        let list = self.schema::<List>();
        self.reading("/v1/connectors", "get", "listConnectors", "The connectors of this client", &list, &[401]);
        let entry = self.schema::<Entry>();
        let summary = "A connector and the inputs it wants";
        self.reading("/v1/connectors/{id}", "get", "getConnector", summary, &entry, &[401, 404]);
        let reloaded = self.schema::<Reloaded>();
        self.reading("/v1/reload", "post", "reload", "Read the connectors again", &reloaded, &[401]);
        self.reading("/openapi.json", "get", "getApi", "This document", &json!({ "type": "object" }), &[401]);
        let mut responses = Map::new();
        responses.insert("200".into(), text("Metrics", crate::metrics::CONTENT_TYPE));
        self.problems(&mut responses, &[401]);
        self.add("/metrics", "get", operation("getMetrics", "Metrics for Prometheus", None, responses));
    }

    fn open(&mut self) {
        let mut responses = Map::new();
        responses.insert("200".into(), text("The process answers", "text/plain; charset=utf-8"));
        let mut health = operation("getHealth", "Whether the process answers", None, responses);
        health["security"] = json!([]);
        self.add("/healthz", "get", health);
        let readiness = self.schema::<Readiness>();
        let mut responses = Map::new();
        responses.insert("200".into(), body("Send logins", "application/json", &readiness));
        responses.insert("503".into(), body("Send logins elsewhere", "application/json", &readiness));
        let mut ready = operation("getReadiness", "Whether the daemon should get logins", None, responses);
        ready["security"] = json!([]);
        self.add("/readyz", "get", ready);
    }

    fn reading(&mut self, path: &str, method: &str, id: &str, summary: &str, schema: &Value, problems: &[u16]) {
        let mut responses = Map::new();
        responses.insert("200".into(), body(summary, "application/json", schema));
        self.problems(&mut responses, problems);
        self.add(path, method, operation(id, summary, None, responses));
    }

    /// 401 is a problem here, and on a login beside the challenge, told apart by the content type.
    fn problems(&mut self, responses: &mut Map<String, Value>, statuses: &[u16]) {
        let schema = self.schema::<Wire<'static>>();
        for status in statuses {
            let problem = body("A fault of the call; no verdict", "application/problem+json", &schema);
            match responses.get_mut(&status.to_string()) {
                Some(response) => {
                    response["content"]["application/problem+json"] =
                        problem["content"]["application/problem+json"].clone();
                }
                None => drop(responses.insert(status.to_string(), problem)),
            }
        }
    }

    fn add(&mut self, path: &str, method: &str, operation: Value) {
        let item = self.paths.entry(path).or_insert_with(|| {
            if path.contains("{id}") {
                let id = json!({ "type": "string", "pattern": "^[a-z0-9-]+$" });
                json!({ "parameters": [{ "name": "id", "in": "path", "required": true, "schema": id }] })
            } else {
                json!({})
            }
        });
        item[method] = operation;
    }
}

/// Where the id of a challenge is good for.
fn answerable(responses: &mut Map<String, Value>) {
    responses["401"]["links"] = json!({
        "answer": {
            "operationId": "answerChallenge",
            "requestBody": { "challenge": "$response.body#/challenge/id" },
            "description": "With the answers, or with an action.",
        },
    });
}

fn verdicts(schema: &Value) -> Map<String, Value> {
    [
        ("200", "accept"),
        ("403", "reject"),
        ("401", "challenge (with Doorward-Verdict), or a fault of the call (without)"),
        ("503", "unavailable"),
        ("500", "misconfigured"),
    ]
    .into_iter()
    .map(|(status, description)| {
        let mut response = body(description, "application/json", schema);
        // A 401 that is a fault has no such header, and a panic outside a login has none either.
        let required = !matches!(status, "401" | "500");
        response["headers"] =
            json!({ "Doorward-Verdict": { "required": required, "schema": { "type": "string", "enum": VERDICTS } } });
        (status.to_owned(), response)
    })
    .collect()
}

const VERDICTS: [&str; 5] = ["accept", "reject", "challenge", "unavailable", "misconfigured"];

fn operation(id: &str, summary: &str, asked: Option<&Value>, responses: Map<String, Value>) -> Value {
    let mut operation = json!({ "operationId": id, "summary": summary });
    operation["responses"] = responses.into();
    if let Some(schema) = asked {
        operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    operation
}

fn body(description: &str, content_type: &str, schema: &Value) -> Value {
    json!({ "description": description, "content": { content_type: { "schema": schema } } })
}

fn text(description: &str, content_type: &str) -> Value {
    body(description, content_type, &json!({ "type": "string" }))
}
