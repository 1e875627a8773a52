//! `GET /openapi.json`: the API as OpenAPI 3.1, its schemas generated from the very types that are written and read.
//!
//! Each endpoint describes itself in its file (`describe`). docs/openapi.json is this document, committed; a test refuses a
//! stale one.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::description::Description;
use super::{authenticate, call, challenges, connector_pages, health, jwks, login_page, metrics, reload};
use super::{send_test, sessions, status, test_challenge, utility};
use crate::attempt::App;

/// The endpoint.
pub(super) async fn get(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    // Strings only: this cannot fail.
    call::read(&app, &request, "application/json", |_| serde_json::to_vec(&document()).unwrap_or_default())
}

/// The whole document.
pub fn document() -> Value {
    // OpenAPI 3.1 schemas are JSON Schema 2020-12 (OpenAPI 3.1.0, section 4.8.24).
    let mut generator =
        SchemaSettings::draft2020_12().with(|s| s.definitions_path = "/components/schemas".into()).into_generator();
    let mut api = Description { generator: &mut generator, paths: Map::new() };
    let all = [
        authenticate::describe,
        challenges::describe,
        send_test::describe,
        test_challenge::describe,
        utility::describe,
        sessions::describe,
        jwks::describe,
        connector_pages::describe,
        login_page::describe,
        reload::describe,
        status::describe,
        describe,
        metrics::describe,
        health::describe,
    ];
    for describe in all {
        describe(&mut api);
    }
    let paths = api.paths;
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

fn describe(api: &mut Description) {
    api.reading("/openapi.json", "get", "getApi", "This document", &json!({ "type": "object" }), &[401]);
}
