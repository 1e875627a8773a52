//! The daemon's configuration with everything that it names, as `doorward serve` would start with it, and without starting.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use doorward::catalog::{Loader, files};
use doorward::config::{self, Client, Config};
use doorward::connector::check::SecretsFrom;
use doorward::diagnostic::{Diagnostic, Severity, did_you_mean};
use doorward::http::tls;
use doorward::state::Challenges;

use crate::cmd::{load, serve};

/// The name that `doorward serve` looks for.
const DEFAULT_NAME: &str = "doorward.yaml";

/// A configuration, as far as it can be checked without starting.
pub(super) struct Whole {
    /// The daemon's own; none where the configuration has a mistake.
    pub(super) loader: Option<Loader>,
    pub(super) connectors: Vec<PathBuf>,
    /// The directory of doors, and who may ask through them.
    pub(super) doors: Option<Doors>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// What doors are checked with.
pub(super) struct Doors {
    pub(super) directory: PathBuf,
    pub(super) clients: Vec<Client>,
}

/// The configuration that `path` means: a directory that has one, a file of that name, or a file that has clients.
pub(super) fn configuration(path: &Path) -> Option<PathBuf> {
    let inside = path.join(DEFAULT_NAME);
    if path.is_dir() {
        return inside.is_file().then_some(inside);
    }
    if path.file_name().is_some_and(|name| name == DEFAULT_NAME) {
        return Some(path.to_owned());
    }
    let text = doorward::files::read_text(path, doorward::files::MAX_BYTES).ok()?;
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    (has("clients:") && !has("steps:")).then(|| path.to_owned())
}

/// Reads the configuration at `path`. Strictly: secrets of connectors come from where the daemon would take them, and not
/// from samples, which do where they are on another machine.
pub(super) fn read(path: &Path, strict: bool) -> anyhow::Result<Whole> {
    let loaded = config::load(path, &load::environment);
    let mut whole = Whole { loader: None, connectors: Vec::new(), doors: None, diagnostics: loaded.diagnostics };
    let Some(config) = loaded.config else { return Ok(whole) };
    whole.diagnostics.extend(startable(&config));
    match files(&config.connectors) {
        Ok(found) => whole.connectors = found,
        Err(error) => {
            let message =
                format!("the directory of connectors, {}, cannot be read: {error}", config.connectors.display());
            whole.diagnostics.push(mistake("unreadable", message, "make it, or name another as `connectors`"));
        }
    }
    whole.diagnostics.extend(unknown_connectors(&config, &whole.connectors));
    let clients = config.clients.clone();
    whole.doors = config.doors.clone().map(|doors| Doors { directory: doors.directory, clients });
    let mut loader = serve::loader(&config)?;
    if !strict {
        loader.secrets_from = SecretsFrom::Samples;
    }
    whole.loader = Some(loader);
    Ok(whole)
}

/// What `doorward serve` would find when it starts, but for what other processes hold.
fn startable(config: &Config) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let of_doors = config.doors.as_ref().and_then(|doors| doors.tls.as_ref());
    for files in config.tls.iter().chain(of_doors) {
        if let Err(error) = tls::load(files) {
            found.push(mistake("tls", error.to_string(), "see tls.cert_file and tls.key_file"));
        }
    }
    if let Err(error) = Challenges::of(&config.state) {
        found.push(mistake("state", error.to_string(), "see `state`"));
    }
    if let Some(audit) = &config.audit {
        found.extend(trail(&audit.file));
    }
    found
}

/// The trail's directory is made at the start; it cannot be where a file stands.
fn trail(file: &Path) -> Option<Diagnostic> {
    let in_the_way = file.ancestors().skip(1).find(|above| above.exists()).filter(|above| !above.is_dir());
    let what = in_the_way.or_else(|| file.is_dir().then_some(file))?;
    let wrong = if what == file { "is a directory" } else { "is no directory" };
    let message = format!("the audit trail {} cannot be written: {} {wrong}", file.display(), what.display());
    Some(mistake("audit", message, "see audit.file"))
}

/// A client that may use a connector which is not there is a typing mistake, or a client whose calls all end with 404.
fn unknown_connectors(config: &Config, connectors: &[PathBuf]) -> Vec<Diagnostic> {
    let known: BTreeSet<&str> = connectors.iter().filter_map(|path| path.file_stem()?.to_str()).collect();
    let mut found = Vec::new();
    for client in &config.clients {
        for id in client.connectors.iter().flatten().filter(|id| !known.contains(id.as_str())) {
            let message = format!("the client `{}` may use the connector `{id}`, which is not there", client.name);
            let near = did_you_mean(id, known.iter().copied());
            let help = near.map_or_else(
                || {
                    format!(
                        "add {}, or take it from the client's `connectors`",
                        config.connectors.join(id).with_extension("yaml").display()
                    )
                },
                |near| format!("did you mean `{near}`?"),
            );
            found.push(Diagnostic { severity: Severity::Warning, ..mistake("unknown-connector", message, &help) });
        }
    }
    found
}

fn mistake(code: &'static str, message: String, help: &str) -> Diagnostic {
    Diagnostic { severity: Severity::Error, code, message, at: None, label: None, help: vec![help.to_owned()] }
}
