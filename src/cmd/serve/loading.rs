//! What is made of a configuration at the start, and again at each reload: limits that fit, the means to load connectors.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use doorward::attempt::{ConfigurationSource, Prepared};
use doorward::catalog::Loader;
use doorward::catalog::bounds::Bounds;
use doorward::config::{self, Config, Loaded};
use doorward::connector::check::{Console, SecretsFrom};
use doorward::http::descriptors::{self, TooFew};
use doorward::script::{Limits, Worker};
use doorward::upstream::Egress;

use crate::cmd::load;

/// The file that the daemon was started with.
pub struct ConfigurationFile(pub PathBuf);

impl ConfigurationSource for ConfigurationFile {
    fn read(&self) -> Loaded {
        config::load(&self.0, &load::environment)
    }

    fn prepare(&self, config: Config) -> Result<Prepared, String> {
        let config = fit(config).map_err(|error| error.to_string())?;
        let loader = loader(&config).map_err(|error| format!("{error:#}"))?;
        Ok(Prepared { config, loader })
    }
}

/// Loads connectors as the daemon does.
pub fn loader(config: &Config) -> anyhow::Result<Loader> {
    let console = Console { public_url: config.public_url.clone(), reserved_cookies: config.reserved_cookies.clone() };
    Ok(Loader {
        worker: Worker::current_exe()
            .context("the path of the running executable, from which script workers start, cannot be read")?,
        limits: limits(config),
        egress: Arc::new(Egress::new(&config.egress)?),
        bounds: Bounds::of(&config.limits),
        env: Box::new(load::environment),
        settings: std::collections::BTreeMap::new(),
        secrets: std::collections::BTreeMap::new(),
        secrets_from: SecretsFrom::Environment,
        console: Some(console),
    })
}

fn limits(config: &Config) -> Limits {
    let usual = Limits::default();
    let scripts = config.scripts;
    Limits {
        workers: scripts.workers.unwrap_or(usual.workers),
        cpu: scripts.cpu,
        wall: scripts.wall,
        memory: scripts.memory,
        ..usual
    }
}

/// As many open files as the system allows: each connection is one, and the usual soft limit is 1024. What does not fit into
/// them is made smaller here, where it can be said, rather than found out by logins that cannot connect.
pub fn fit(mut config: Config) -> Result<Config, TooFew> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%error, "RLIMIT_NOFILE cannot be raised");
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let scripts = limits(&config);
    // Listeners of doors have as many connections of their own.
    let ways = if config.doors.as_ref().is_some_and(|doors| !doors.listen.is_empty()) { 2 } else { 1 };
    let asked = config::Limits { connections: config.limits.connections * ways, ..config.limits };
    let fitted = descriptors::fit(asked, scripts.workers + scripts.isolation, files)?;
    let fitted = config::Limits { connections: fitted.connections / ways, ..fitted };
    if fitted != config.limits {
        tracing::warn!(
            files,
            connections = fitted.connections,
            in_flight = fitted.in_flight,
            "limits.connections and limits.in_flight are more than the files that this process may open; these are used \
             (LimitNOFILE= of systemd raises the limit)"
        );
        config.limits = fitted;
    }
    Ok(config)
}
