//! docs/connector.schema.json: not stale, and true: what the reader takes it takes, what the reader refuses it refuses.

use std::path::Path;
use std::sync::Arc;

use doorward::connector::{raw, schema, schema_text};
use doorward::diagnostic::{Mistakes, SourceFile};
use doorward::yaml::{Core, Node, NodeValue};
use serde_json::{Value, json};

use crate::golden;

fn source(path: &Path) -> Arc<SourceFile> {
    Arc::new(SourceFile { path: path.into(), text: std::fs::read_to_string(path).unwrap() })
}

/// The file as JSON, as an editor with the schema sees it; `None` when its syntax is wrong.
fn as_json(path: &Path) -> Option<Value> {
    let mut mistakes = Mistakes::new(source(path));
    let node = doorward::yaml::parse(&mut mistakes)?;
    (!mistakes.has_errors()).then(|| value(&node))
}

fn value(node: &Node) -> Value {
    match &node.value {
        NodeValue::Broken => Value::Null,
        NodeValue::List(items) => items.iter().map(value).collect(),
        NodeValue::Map(entries) => {
            Value::Object(entries.iter().map(|entry| (entry.key.clone(), value(&entry.value))).collect())
        }
        NodeValue::Scalar(scalar) => match scalar.core() {
            Core::Absent | Core::Null => Value::Null,
            Core::Bool(flag) => flag.into(),
            Core::Number(number) => serde_json::from_str(number.as_str()).unwrap(),
            Core::OddNumber | Core::Text => scalar.text.clone().into(),
        },
    }
}

#[test]
fn the_committed_schema_is_not_stale() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/connector.schema.json");
    assert_eq!(golden::compare(&path, &schema_text()), None);
}

#[test]
fn connectors_that_are_read_are_valid() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for path in golden::files(&golden::folder("connectors"), &["yaml", "json"]) {
        let (connector, mistakes) = raw::parse(source(&path));
        assert!(connector.is_some() && mistakes.is_empty(), "{}: {mistakes:?}", path.display());
        let errors: Vec<String> = validator
            .iter_errors(&as_json(&path).unwrap())
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
    }
}

/// Mistakes of spelling only, which a JSON value no longer shows.
const BEYOND_A_SCHEMA: [&str; 2] = ["quote-it", "quote-braces"];

#[test]
fn connectors_that_are_refused_are_invalid() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for path in golden::files(&golden::folder("diagnostics"), &["yaml", "json"]) {
        let (_, mistakes) = raw::parse(source(&path));
        let Some(instance) = as_json(&path) else { continue };
        if mistakes.iter().any(|mistake| !BEYOND_A_SCHEMA.contains(&mistake.code)) {
            assert!(!validator.is_valid(&instance), "{} is valid to the schema", path.display());
        }
    }
}

#[test]
fn every_key_has_a_description() {
    fn walk(schema: &Value, path: &str, bare: &mut Vec<String>) {
        for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if property.get("description").is_none() {
                bare.push(format!("{path}.{key}"));
            }
        }
        match schema {
            Value::Object(members) => {
                members.iter().for_each(|(key, member)| walk(member, &format!("{path}.{key}"), bare))
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, path, bare)),
            _ => {}
        }
    }
    let mut bare = Vec::new();
    walk(&schema(), "", &mut bare);
    assert_eq!(json!(bare), json!([]));
}
