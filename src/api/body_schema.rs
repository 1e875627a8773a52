//! The bodies of `authenticate`, `test` and utilities for the API's description. What reads them is `body`, by hand, because all
//! mistakes are told at once; the table test of the server holds the two together.

use std::borrow::Cow;
use std::net::IpAddr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// The body of `authenticate` for the API's description; `body` is what reads it.
#[derive(JsonSchema)]
#[schemars(rename = "Login", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct LoginWire {
    /// The user name, byte for byte.
    username: String,
    /// The password, byte for byte; required unless the connector takes none (`GET /v1/connectors/{id}`, `inputs.password`).
    #[schemars(default)]
    password: String,
    /// The address of the user's device.
    #[schemars(with = "Option<AddressWire>")]
    client_ip: Option<IpAddr>,
    /// The attributes that the connector declares: strings, numbers or booleans.
    #[schemars(with = "Option<std::collections::BTreeMap<String, ScalarWire>>")]
    attributes: Option<()>,
    /// An id of the caller's for logs; drawn when absent.
    #[schemars(regex(pattern = "^[!-~]{1,128}$"))]
    request_id: Option<String>,
    /// An earlier end than the connector's own timeout.
    #[schemars(range(min = 1))]
    timeout_ms: Option<u64>,
}

/// The body of a utility call for the API's description.
#[derive(JsonSchema)]
#[schemars(rename = "UtilityCall", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct UtilityWire {
    /// The inputs that the connector declares: strings, numbers or booleans.
    #[schemars(with = "Option<std::collections::BTreeMap<String, ScalarWire>>")]
    inputs: Option<()>,
    /// The user name; required where the utility reads it (`GET /v1/connectors/{id}`, `inputs.username`).
    username: Option<String>,
    /// The address of the user's device.
    #[schemars(with = "Option<AddressWire>")]
    client_ip: Option<IpAddr>,
    /// An id of the caller's for logs; drawn when absent.
    #[schemars(regex(pattern = "^[!-~]{1,128}$"))]
    request_id: Option<String>,
    /// An earlier end than the connector's own timeout.
    #[schemars(range(min = 1))]
    timeout_ms: Option<u64>,
}

/// An address as text.
struct AddressWire;

impl JsonSchema for AddressWire {
    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }] })
    }
}

/// What an attribute may be.
struct ScalarWire;

impl JsonSchema for ScalarWire {
    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

/// The body of `test`: a login's, with a mode.
pub(crate) struct TestWire;

impl JsonSchema for TestWire {
    fn schema_name() -> Cow<'static, str> {
        "SendTest".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = LoginWire::json_schema(generator);
        let mode = json_schema!({
            "enum": ["send", "render", null],
            "description": "`render`: stop before sending; `send` when absent",
        });
        if let Some(properties) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
            properties.insert("mode".to_owned(), mode.into());
        }
        schema
    }
}
