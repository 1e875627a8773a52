//! Reading `doorward.yaml`: text to tree to what was typed to what runs.

use std::path::Path;
use std::sync::Arc;

use schemars::generate::SchemaSettings;

use super::Config;
use super::check::Check;
use super::raw::Daemon;
use crate::diagnostic::{Diagnostic, Mistakes, Severity, SourceFile};
use crate::files;
use crate::reading::FromNode;

/// What a file came to.
#[derive(Debug)]
pub struct Loaded {
    /// What runs; `None` when there is an error among the mistakes.
    pub config: Option<Config>,
    /// Every mistake, in the order of the file.
    pub mistakes: Vec<Diagnostic>,
}

/// Reads the file at `path`. Environment variables that it names come from `env`.
pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Loaded {
    match files::read_text(path, files::MOST) {
        Ok(text) => parse(SourceFile { path: path.to_owned(), text }, env),
        Err(why) => Loaded {
            config: None,
            mistakes: vec![Diagnostic {
                severity: Severity::Error,
                code: "unreadable",
                message: format!("{} cannot be read: {why}", path.display()),
                at: None,
                label: None,
                help: vec!["name the configuration with --config".to_owned()],
            }],
        },
    }
}

/// Reads a file's text.
pub fn parse(file: SourceFile, env: &dyn Fn(&str) -> Option<String>) -> Loaded {
    let base = file.path.parent().unwrap_or(Path::new("")).to_owned();
    let mut mistakes = Mistakes::new(Arc::new(file));
    let raw = crate::yaml::parse(&mut mistakes).and_then(|node| Daemon::read(&node, &mut mistakes));
    let config = raw.map(|raw| Check { mistakes: &mut mistakes, base, env }.daemon(&raw));
    let good = !mistakes.has_errors();
    Loaded { config: config.filter(|_| good), mistakes: mistakes.into_diagnostics() }
}

/// The JSON Schema of the file, for editors.
pub fn schema() -> serde_json::Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let root = <Daemon as FromNode>::schema(&mut generator);
    let mut schema = root.to_value();
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["$defs"] = serde_json::Value::Object(generator.take_definitions(true));
    schema
}
