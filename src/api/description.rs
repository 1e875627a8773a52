//! What endpoints describe themselves with: operations, responses and the schemas that they name.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::problem::ProblemBody;

/// The paths so far, and the schemas that they name.
pub(super) struct Description<'a> {
    pub generator: &'a mut SchemaGenerator,
    pub paths: Map<String, Value>,
}

impl Description<'_> {
    pub(super) fn schema<T: JsonSchema>(&mut self) -> Value {
        self.generator.subschema_for::<T>().into()
    }

    /// An endpoint without a body that answers with one schema.
    pub(super) fn reading(
        &mut self,
        path: &str,
        method: &str,
        id: &str,
        summary: &str,
        schema: &Value,
        problems: &[u16],
    ) {
        let mut responses = Map::new();
        responses.insert("200".into(), body(summary, "application/json", schema));
        self.problems(&mut responses, problems);
        self.add(path, method, operation(id, summary, None, responses));
    }

    /// 401 is a problem here, and on a login beside the challenge; the content types differ.
    pub(super) fn problems(&mut self, responses: &mut Map<String, Value>, statuses: &[u16]) {
        let schema = self.schema::<ProblemBody>();
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

    pub(super) fn add(&mut self, path: &str, method: &str, operation: Value) {
        let item = self.paths.entry(path).or_insert_with(|| {
            let parameter = |name: &str, pattern: &str| {
                let schema = json!({ "type": "string", "pattern": pattern });
                json!({ "parameters": [{ "name": name, "in": "path", "required": true, "schema": schema }] })
            };
            if path.contains("{id}") {
                parameter("id", "^[a-z0-9-]+$")
            } else if path.contains("{request_id}") {
                parameter("request_id", "^[!-~]{1,128}$")
            } else if path.contains("{sid}") {
                parameter("sid", "^[0-9a-f]{32}$")
            } else {
                json!({})
            }
        });
        item[method] = operation;
    }
}

/// Where the id of a challenge is good for.
pub(super) fn answerable(responses: &mut Map<String, Value>) {
    responses["401"]["links"] = json!({
        "answer": {
            "operationId": "answerChallenge",
            "requestBody": { "challenge": "$response.body#/challenge/id" },
            "description": "With the answers, or with an action.",
        },
    });
}

pub(super) fn verdicts(schema: &Value) -> Map<String, Value> {
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

pub(super) fn operation(id: &str, summary: &str, asked: Option<&Value>, responses: Map<String, Value>) -> Value {
    let mut operation = json!({ "operationId": id, "summary": summary });
    operation["responses"] = responses.into();
    if let Some(schema) = asked {
        operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    operation
}

pub(super) fn body(description: &str, content_type: &str, schema: &Value) -> Value {
    json!({ "description": description, "content": { content_type: { "schema": schema } } })
}

pub(super) fn text(description: &str, content_type: &str) -> Value {
    body(description, content_type, &json!({ "type": "string" }))
}
