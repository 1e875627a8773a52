//! Loading texts: to be checked with samples, or to be tested with the connector's own secrets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::catalog::bounds::Bounds;
use crate::catalog::{FileText, LoadedFile, Loader};
use crate::connector::Live;
use crate::connector::check::{Compiled, Console, LoadContext, SecretsFrom};
use crate::diagnostic::{Diagnostic, Severity};
use crate::golden;
use crate::script::{Limits, Worker};
use crate::upstream::{Client, Egress, EgressError, EgressRules};

use super::imported::{ImportWanted, Imported};
use super::trust::TrustSet;

/// Looks an environment variable up.
pub type Variables = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Makes the text of a connector of what somebody pasted, or says why not.
pub type Importer = fn(&ImportWanted) -> Result<Imported, String>;

/// What loading needs of the process.
pub struct Surroundings {
    /// How a script worker is started.
    pub worker: Worker,
    /// Environment variables.
    pub env: Variables,
    /// The console of a daemon, if cookies are delivered to one.
    pub console: Option<Console>,
    /// Where texts that are saved over are kept; nowhere without it.
    pub history: Option<PathBuf>,
    /// Makes a connector of a curl command line or a file with requests.
    pub import: Importer,
}

/// What stands in for a variable that a draft names and nobody has trusted yet.
const UNREAD: &str = "https://unread.invalid";

/// A text that was checked and whose golden cases were run.
pub(super) struct TriedText {
    /// `None` when it does not load; then no case was run.
    pub live: Option<Live>,
    pub diagnostics: Vec<Diagnostic>,
    pub cases: Option<Cases>,
}

impl Surroundings {
    /// Loads texts with samples for secrets; `trusted` bounds which files and variables are read.
    pub(super) async fn checked(
        &self,
        texts: Vec<FileText>,
        trusted: &Trusted,
    ) -> Result<Vec<LoadedFile>, EgressError> {
        let (loader, directory) = (self.loader(trusted)?, trusted.directory.clone());
        let may_read = |path: &Path| match &trusted.names {
            None => true,
            Some(names) => names.names_file(&directory, path),
        };
        Ok(loader.load_texts(texts, &may_read).await)
    }

    /// One text with its golden cases, which need neither network nor secrets.
    pub(super) async fn tried(&self, text: FileText, trusted: &Trusted) -> Result<TriedText, EgressError> {
        let mut loaded = self.checked(vec![text], trusted).await?;
        let mut tried = TriedText { live: None, diagnostics: Vec::new(), cases: None };
        let Some(LoadedFile { live, diagnostics, .. }) = loaded.pop() else { return Ok(tried) };
        (tried.live, tried.diagnostics) = (live, diagnostics);
        if let Some(live) = &tried.live {
            let golden = golden::run(live, &self.loader(trusted)?).await;
            tried.cases = Some(Cases { run: golden.cases, passed: golden.passed });
            tried.diagnostics.extend(golden.diagnostics);
        }
        Ok(tried)
    }

    /// Where a saved connector leads, as it would be tested.
    pub(super) fn origins(&self, live: &Live, trusted: &Trusted) -> Vec<String> {
        let Ok(loader) = self.loader(trusted) else { return Vec::new() };
        let compiled = live.again(loader.load_context()).map(|compiled| compiled.origins).unwrap_or_default();
        compiled.iter().map(ToString::to_string).collect()
    }

    fn loader(&self, trusted: &Trusted) -> Result<Loader, EgressError> {
        let (env, names) = (Arc::clone(&self.env), trusted.names.clone());
        let named = move |name: &str| match &names {
            Some(names) if !names.names_variable(name) => Some(UNREAD.to_owned()),
            _ => env(name),
        };
        Ok(Loader {
            worker: self.worker.clone(),
            limits: Limits::default(),
            egress: egress(true)?,
            bounds: Bounds::default(),
            env: Box::new(named),
            settings: BTreeMap::new(),
            secrets: BTreeMap::new(),
            secrets_from: SecretsFrom::Samples,
            console: self.console.clone(),
        })
    }

    /// A loaded connector with its real secrets, and with connections that may reach loopback only if it says so itself. The text
    /// must name nothing that is not trusted.
    pub(super) fn with_secrets(&self, live: Live) -> Result<Live, Vec<Diagnostic>> {
        let trusted = Trusted { names: None, directory: PathBuf::new() };
        let refused = |error: String| vec![without_place(error)];
        let loader = self.loader(&trusted).map_err(|error| refused(error.to_string()))?;
        let load = LoadContext { secrets_from: SecretsFrom::Environment, ..loader.load_context() };
        let Compiled { connector, transport, origins } = live.again(load)?;
        let egress = egress(origins.iter().any(|origin| origin.host().is_loopback()));
        let egress = egress.map_err(|error| refused(error.to_string()))?;
        let client = Client::new(&transport, egress, &origins).map_err(|error| refused(error.to_string()))?;
        Ok(Live { connector, client, ..live })
    }
}

/// How golden cases went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub(super) struct Cases {
    run: usize,
    passed: usize,
}

impl Cases {
    /// One that passes.
    pub(super) fn with_one_more(self) -> Self {
        Self { run: self.run + 1, passed: self.passed + 1 }
    }
}

/// Which files and variables a text may have read.
pub(super) struct Trusted {
    /// `None`: all that it names.
    pub names: Option<Arc<TrustSet>>,
    /// Where the connector stands.
    pub directory: PathBuf,
}

/// A command's bound: the person who runs it may reach what the machine reaches. What is never dialled at all stays so.
fn egress(allow_loopback: bool) -> Result<Arc<Egress>, EgressError> {
    let rules = EgressRules { allow_loopback, any_proxy: true, ..EgressRules::default() };
    Egress::new(&rules).map(Arc::new)
}

fn without_place(message: String) -> Diagnostic {
    Diagnostic { severity: Severity::Error, code: "transport", message, at: None, label: None, help: Vec::new() }
}
