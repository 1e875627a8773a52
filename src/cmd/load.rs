//! What commands need to load connectors outside the daemon: the files, a loader, a runtime.
//!
//! Nothing here is bounded by an operator's `egress`: a user who runs a command on this machine may reach what the machine
//! reaches. What is never dialled at all (link-local, metadata) stays so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use doorward::catalog::bounds::Bounds;
use doorward::catalog::{Loader, files};
use doorward::connector::check::SecretsFrom;
use doorward::script::{Limits, Worker};
use doorward::upstream::{Egress, EgressRules};

/// A loader that needs no real secret: every one that is not in `secrets` is a sample.
pub fn loader(settings: BTreeMap<String, String>, secrets: BTreeMap<String, String>) -> anyhow::Result<Loader> {
    Ok(Loader {
        worker: Worker::current_exe()
            .context("the path of the running executable, from which script workers start, cannot be read")?,
        limits: Limits::default(),
        egress: egress(true)?,
        bounds: Bounds::default(),
        env: Box::new(environment),
        settings,
        secrets,
        secrets_from: SecretsFrom::Samples,
        console: None,
    })
}

/// The bound of a command: any proxy that a file names, and loopback if asked for. The daemon's operator has to list the
/// proxies; a command's user did by naming the file.
pub fn egress(allow_loopback: bool) -> anyhow::Result<Arc<Egress>> {
    let rules = EgressRules { allow_loopback, any_proxy: true, ..EgressRules::default() };
    Ok(Arc::new(Egress::new(&rules)?))
}

/// An environment variable as a connector names it; one that is not Unicode is as good as not set.
#[expect(
    clippy::disallowed_methods,
    reason = "the loader of commands is the place where settings and secrets are read"
)]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The connector files of `path`, a file or a directory with at least one.
pub fn connector_files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let found = files(path).with_context(|| format!("{} cannot be read", path.display()))?;
    anyhow::ensure!(!found.is_empty(), "there is no connector (.yaml, .yml, .json) in {}", path.display());
    Ok(found)
}

/// The runtime of one command.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads from the system")
}
