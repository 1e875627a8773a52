//! docs/connector.schema.json: not stale, and true: what the reader takes it takes, what the reader refuses it refuses.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use doorward::connector::check::{Draft, LoadContext};
use doorward::connector::{schema, schema_text};
use doorward::diagnostic::{Diagnostics, SourceFile};
use doorward::yaml::{Core, Node, NodeValue};
use serde_json::Value;

use crate::golden;
use crate::support::loader::loader;

/// The file as `doorward check` reads it; every file that it names is there, and empty.
fn draft(source: &SourceFile) -> Draft {
    let loader = loader();
    let load = LoadContext { read_file: &|_| Ok(Vec::new()), ..loader.load_context() };
    Draft::read(&source.path, source.text.clone(), load)
}

fn source(path: &Path) -> Arc<SourceFile> {
    Arc::new(SourceFile { path: path.into(), text: std::fs::read_to_string(path).unwrap() })
}

/// The file as JSON, as an editor with the schema sees it; `None` when its syntax is wrong.
fn as_json(source: Arc<SourceFile>) -> Option<Value> {
    let mut diagnostics = Diagnostics::new(source);
    let node = doorward::yaml::parse(&mut diagnostics)?;
    (!diagnostics.has_errors()).then(|| value(&node))
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

/// The committed schema, compiled.
struct Validator {
    schemas: boon::Schemas,
    index: boon::SchemaIndex,
}

impl Validator {
    fn new() -> Self {
        let mut schemas = boon::Schemas::new();
        let mut compiler = boon::Compiler::new();
        compiler.add_resource("connector.schema.json", schema()).unwrap();
        let index = compiler.compile("connector.schema.json", &mut schemas).unwrap();
        Self { schemas, index }
    }

    fn refuses(&self, instance: &Value) -> Option<String> {
        self.schemas.validate(instance, self.index).err().map(|error| format!("{error:#}"))
    }
}

#[test]
fn the_committed_schema_is_not_stale() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/connector.schema.json");
    assert_eq!(golden::compare(&path, &schema_text()), None);
}

#[test]
fn connectors_that_are_read_are_valid() {
    let validator = Validator::new();
    for path in golden::files(&golden::folder("connectors"), &["yaml", "json"]) {
        let draft = draft(&source(&path));
        let diagnostics = draft.diagnostics();
        assert!(draft.written().is_some() && diagnostics.is_empty(), "{}: {diagnostics:?}", path.display());
        let refused = validator.refuses(&as_json(source(&path)).unwrap());
        assert_eq!(refused, None, "{}", path.display());
    }
}

/// So that no key can be added without being read somewhere.
#[test]
fn the_sample_of_every_key_has_every_key() {
    fn keys(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(key, member)| {
                found.insert(key.clone());
                keys(member, found);
            }),
            Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
            _ => {}
        }
    }
    let mut written = BTreeSet::new();
    keys(&as_json(source(&golden::folder("connectors").join("every-key.yaml"))).unwrap(), &mut written);
    let mut missing = BTreeSet::new();
    properties(&schema(), "", &mut |path, key, _| {
        if !written.contains(key) {
            missing.insert(format!("{path}.{key}"));
        }
    });
    assert_eq!(missing, BTreeSet::new());
}

/// Mistakes of spelling only, which a JSON value no longer shows.
const BEYOND_A_SCHEMA: [&str; 3] = ["quote-it", "quote-braces", "empty-value"];

#[test]
fn connectors_that_are_refused_are_invalid() {
    let validator = Validator::new();
    for case in golden::cases(&golden::folder("diagnostics")) {
        let source = Arc::new(SourceFile { path: case.name.as_str().into(), text: case.text });
        let draft = draft(&source);
        let Some(instance) = as_json(source) else { continue };
        if draft.diagnostics().iter().any(|mistake| !BEYOND_A_SCHEMA.contains(&mistake.code)) {
            assert!(validator.refuses(&instance).is_some(), "{} is valid to the schema", case.name);
        }
    }
}

#[test]
fn every_key_has_a_description() {
    let mut bare = Vec::new();
    properties(&schema(), "", &mut |path, key, property| {
        if property.get("description").is_none() {
            bare.push(format!("{path}.{key}"));
        }
    });
    assert_eq!(bare, [""; 0]);
}

/// Calls `each` with the path, name and schema of every key of every map.
fn properties(schema: &Value, path: &str, each: &mut dyn FnMut(&str, &str, &Value)) {
    for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        each(path, key, property);
    }
    match schema {
        Value::Object(members) => {
            members.iter().for_each(|(key, member)| properties(member, &format!("{path}.{key}"), each));
        }
        Value::Array(items) => items.iter().for_each(|item| properties(item, path, each)),
        _ => {}
    }
}
