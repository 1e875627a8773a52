//! Reading `doorward.yaml`: text to tree to what was typed to what runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::generate::SchemaSettings;

use super::Config;
use super::check::Check;
use super::raw::Daemon;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, SourceFile};
use crate::files;
use crate::reading::FromNode;
use crate::upstream::EgressRules;

/// What a file came to.
#[derive(Debug)]
pub struct Loaded {
    /// What runs; `None` when there is an error among the mistakes.
    pub config: Option<Config>,
    /// Every mistake, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the file at `path`. Environment variables that it names come from `env`.
pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Loaded {
    match source(path) {
        Ok(file) => parse(file, env),
        Err(mistake) => Loaded { config: None, diagnostics: vec![mistake] },
    }
}

/// The operator's bound alone: neither a secret nor a file that the configuration names is needed for it.
pub fn load_egress(path: &Path) -> Result<EgressRules, Vec<Diagnostic>> {
    let mut diagnostics = Diagnostics::new(Arc::new(source(path).map_err(|mistake| vec![mistake])?));
    let raw = crate::yaml::parse(&mut diagnostics).and_then(|node| Daemon::read(&node, &mut diagnostics));
    let mut check = Check { diagnostics: &mut diagnostics, base: PathBuf::new(), env: &|_| None };
    let rules = raw.and_then(|raw| raw.egress).map(|egress| check.egress(&egress)).unwrap_or_default();
    if diagnostics.has_errors() { Err(diagnostics.into_list()) } else { Ok(rules) }
}

fn source(path: &Path) -> Result<SourceFile, Diagnostic> {
    let text = files::read_text(path, files::MAX_BYTES).map_err(|why| Diagnostic {
        severity: Severity::Error,
        code: "unreadable",
        message: format!("{} cannot be read: {why}", path.display()),
        at: None,
        label: None,
        help: vec!["doorward init DIR makes one; name one that there is with --config".to_owned()],
    })?;
    Ok(SourceFile { path: path.to_owned(), text })
}

/// Reads a file's text.
pub fn parse(file: SourceFile, env: &dyn Fn(&str) -> Option<String>) -> Loaded {
    let base = file.path.parent().unwrap_or(Path::new("")).to_owned();
    let mut diagnostics = Diagnostics::new(Arc::new(file));
    let raw = crate::yaml::parse(&mut diagnostics).and_then(|node| Daemon::read(&node, &mut diagnostics));
    let config = raw.map(|raw| Check { diagnostics: &mut diagnostics, base, env }.daemon(&raw));
    let good = !diagnostics.has_errors();
    Loaded { config: config.filter(|_| good), diagnostics: diagnostics.into_list() }
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
