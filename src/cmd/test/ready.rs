//! Loads the one connector of a send test, with secrets that go to the connector's own origins only (docs/security.md, failure 10).
//!
//! A `--set` that leads to another origin leaves the connector's secrets unread: a person who can edit a URL must not get to
//! see what would be sent there. The file is understood twice, first with samples, to learn where it leads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use doorward::catalog::LoadedFile;
use doorward::catalog::Loader;
use doorward::connector::Live;
use doorward::connector::check::{Compiled, LoadContext, SecretsFrom};
use doorward::diagnostic::{Diagnostic, Severity};
use doorward::upstream::{Client, Origin};

use super::given::{Overrides, meant};
use crate::cmd::load;

/// A connector that cannot run, and why.
#[derive(Debug)]
pub struct Broken {
    /// Its id.
    pub id: String,
    /// At least one of them is an error.
    pub diagnostics: Vec<Diagnostic>,
}

/// The connector of `file`, ready to run. An error is the caller's mistake, `Broken` the file's.
pub async fn load(file: &Path, given: &Overrides) -> anyhow::Result<Result<Live, Broken>> {
    let files = [PathBuf::from(file)];
    let loader = load::loader(given.settings.clone(), given.secrets.clone())?;
    let Some(LoadedFile { id, live, diagnostics, .. }) = loader.load(&files).await.into_iter().next() else {
        anyhow::bail!("{} gave no connector", file.display());
    };
    let Some(live) = live else { return Ok(Err(Broken { id, diagnostics })) };
    declared(&live, given)?;
    let foreign = foreign(&live, &loader);
    if let Some(origin) = &foreign {
        let withheld = withheld(&live, given, origin);
        if !withheld.is_empty() {
            return Ok(Err(Broken { id, diagnostics: withheld }));
        }
    }
    with_secrets(live, &loader)
}

/// Every `--secret-from` must be one of the connector's.
fn declared(live: &Live, given: &Overrides) -> anyhow::Result<()> {
    let known = || live.raw.secrets.iter().map(|(name, _)| name.value.as_str());
    match given.secrets.keys().find(|name| known().all(|known| known != name.as_str())) {
        Some(name) => anyhow::bail!("the connector {} has no secret {name}{}", live.connector.id, meant(name, known())),
        None => Ok(()),
    }
}

/// An origin that `--set` leads to and that the connector itself does not name. When it is not known which ones the
/// connector names, every origin is foreign.
fn foreign(live: &Live, loader: &Loader) -> Option<Origin> {
    let led_to = live.again(loader.load_context()).map(|compiled| compiled.origins).unwrap_or_default();
    let own = if loader.settings.is_empty() {
        led_to.clone()
    } else {
        let load = LoadContext { settings: &BTreeMap::new(), ..loader.load_context() };
        live.again(load).map(|compiled| compiled.origins).unwrap_or_default()
    };
    led_to.into_iter().find(|origin| !own.contains(origin))
}

/// A diagnostic for every secret that is not given for the other origin.
fn withheld(live: &Live, given: &Overrides, origin: &Origin) -> Vec<Diagnostic> {
    let missing = live.raw.secrets.iter().filter(|(name, _)| !given.secrets.contains_key(&name.value));
    let diagnostic = |name: &str, span| {
        Diagnostic::error("secret-withheld", &live.file, span, format!("the secret `{name}` is not sent to {origin}"))
            .label("it belongs to the connector's own origins")
            .help(format!("--set leads to another origin; give a secret for that one: --secret-from {name}=FILE"))
    };
    missing.map(|(name, secret)| diagnostic(&name.value, secret.span.clone())).collect()
}

/// The connector with its real secrets and with connections that may reach loopback only if it says so itself.
fn with_secrets(live: Live, loader: &Loader) -> anyhow::Result<Result<Live, Broken>> {
    let id = live.connector.id.clone();
    let load = LoadContext { secrets_from: SecretsFrom::Environment, ..loader.load_context() };
    let Compiled { connector, transport, origins } = match live.again(load) {
        Ok(again) => again,
        Err(diagnostics) => return Ok(Err(Broken { id, diagnostics })),
    };
    let egress = load::egress(origins.iter().any(|origin| origin.host().is_loopback()))?;
    let client = match Client::new(&transport, egress, &origins) {
        Ok(client) => client,
        Err(error) => return Ok(Err(Broken { id, diagnostics: vec![unreachable(&error.to_string())] })),
    };
    Ok(Ok(Live { connector, client, ..live }))
}

fn unreachable(why: &str) -> Diagnostic {
    let message = why.to_owned();
    Diagnostic { severity: Severity::Error, code: "transport", message, at: None, label: None, help: Vec::new() }
}
