//! What the command line of a send test gives: the connector's file, attributes, settings, secrets from files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context as _;
use doorward::catalog::files;
use doorward::connector::Connector;
use doorward::diagnostic::did_you_mean;
use doorward::document::{Object, Value};

/// A secret file larger than this is not a secret but a mistake; the connector's own files have the same bound.
const SECRET_BYTES: u64 = 64 * 1024;

macro_rules! pair {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name {
            name: String,
            value: String,
        }

        impl FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let (name, value) = text.split_once('=').ok_or("it is written NAME=VALUE")?;
                if name.is_empty() {
                    return Err("nothing stands before the =");
                }
                Ok(Self { name: name.to_owned(), value: value.to_owned() })
            }
        }
    };
}

pair! {
    /// `--attribute device_id=d1`
    Attribute
}

pair! {
    /// `--answer code=123456`
    Answer
}

impl Answer {
    /// The name of the field.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is answered.
    pub fn value(&self) -> &str {
        &self.value
    }
}

pair! {
    /// `--set base=http://127.0.0.1:8080`
    Setting
}

pair! {
    /// `--secret-from app_key=file`
    SecretFile
}

/// Settings and secrets by name.
#[derive(Default)]
pub struct Overrides {
    /// `--set`
    pub settings: BTreeMap<String, String>,
    /// `--secret-from`, read.
    pub secrets: BTreeMap<String, String>,
}

impl Overrides {
    /// Reads the secrets' files. One thing given twice is a mistake.
    pub fn collect(settings: &[Setting], secrets: &[SecretFile]) -> anyhow::Result<Self> {
        let mut given = Self::default();
        for Setting { name, value } in settings {
            let before = given.settings.insert(name.clone(), value.clone());
            anyhow::ensure!(before.is_none(), "--set {name} is given twice");
        }
        for SecretFile { name, value } in secrets {
            let before = given.secrets.insert(name.clone(), secret(name, Path::new(value))?);
            anyhow::ensure!(before.is_none(), "--secret-from {name} is given twice");
        }
        Ok(given)
    }
}

/// The text of a secret's file without one line end at its end.
fn secret(name: &str, path: &Path) -> anyhow::Result<String> {
    let about = || format!("the secret {name} cannot be read from {}", path.display());
    let size = std::fs::metadata(path).with_context(about)?.len();
    anyhow::ensure!(size <= SECRET_BYTES, "{}: it is larger than 64 KiB", about());
    let text = String::from_utf8(std::fs::read(path).with_context(about)?);
    let text = text.map_err(|_| anyhow::anyhow!("{}: it is not UTF-8", about()))?;
    let text = super::password::without_line_end(&text);
    anyhow::ensure!(!text.is_empty(), "{}: it is empty", about());
    Ok(text.to_owned())
}

/// Attributes whose declaration is with the daemon, which refuses another.
pub fn undeclared(given: &[Attribute]) -> anyhow::Result<Object> {
    let mut attributes = Object::new();
    for Attribute { name, value } in given {
        let before = attributes.insert(name.clone(), Value::from(value.as_str()));
        anyhow::ensure!(before.is_none(), "--attribute {name} is given twice");
    }
    Ok(attributes)
}

/// The declared attributes; another one is a mistake, because nothing would read it.
pub fn attributes(given: &[Attribute], connector: &Connector) -> anyhow::Result<Object> {
    let declared = || connector.input.attributes.iter().map(|attribute| attribute.name.as_str());
    for Attribute { name, .. } in given {
        if !declared().any(|known| known == name) {
            anyhow::bail!("the connector {} declares no attribute {name}{}", connector.id, meant(name, declared()));
        }
    }
    undeclared(given)
}

/// The file of a connector: itself, or the one in `directory` with this id.
pub fn connector_file(connector: &str, directory: &Path) -> anyhow::Result<PathBuf> {
    let path = Path::new(connector);
    if path.is_file() {
        return Ok(path.to_owned());
    }
    let looks_like_a_file = connector.contains(std::path::MAIN_SEPARATOR) || path.extension().is_some();
    anyhow::ensure!(!looks_like_a_file, "there is no file {connector}");
    let found = files(directory).with_context(|| format!("connectors are looked for in {}", directory.display()))?;
    let id = |file: &Path| file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let mut same = found.iter().filter(|file| id(file) == connector);
    match (same.next(), same.next()) {
        (Some(file), None) => Ok(file.clone()),
        (Some(_), Some(_)) => anyhow::bail!("two files in {} have the id {connector}", directory.display()),
        (None, _) => {
            let ids: Vec<String> = found.iter().map(|file| id(file)).collect();
            let meant = meant(connector, ids.iter().map(String::as_str));
            anyhow::bail!("there is no connector {connector} in {}{meant}", directory.display())
        }
    }
}

/// `; did you mean x?`, or nothing.
pub fn meant<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    did_you_mean(name, known).map(|near| format!("; did you mean {near}?")).unwrap_or_default()
}
