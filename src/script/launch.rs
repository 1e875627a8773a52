//! How a worker process is started.

use std::ffi::OsString;
use std::path::PathBuf;

use super::source::{CompileError, ScriptId};

/// The command line of a script worker: `doorward script-worker`.
#[derive(Debug, Clone)]
pub struct Worker {
    pub program: PathBuf,
    pub args: Vec<OsString>,
}

/// The hidden command of the binary that [`super::worker::main`] serves.
pub const COMMAND: &str = "script-worker";

impl Worker {
    /// A worker of the given `doorward` binary.
    pub fn of(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), args: vec![COMMAND.into()] }
    }

    /// A worker of the running program, which must be the `doorward` binary.
    pub fn current_exe() -> std::io::Result<Self> {
        // After an upgrade the path on disk may be another program; the kernel's link is always the running one.
        let link = PathBuf::from("/proc/self/exe");
        let program = if link.exists() { link } else { std::env::current_exe()? };
        Ok(Self::of(program))
    }

    /// The command; it inherits neither the daemon's environment nor its directory nor its streams.
    pub(crate) fn command(&self) -> std::process::Command {
        use std::process::Stdio;
        let mut command = std::process::Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// Why a pool did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The process could not be started.
    #[error("a script worker cannot be started: {0}")]
    Spawn(#[from] std::io::Error),
    /// The process ended, or was not ready in time.
    #[error("a script worker did not become ready: {0}")]
    NotReady(String),
    /// No worker starts, whatever its scripts.
    #[error("{0}")]
    Nothing(String),
    /// A script does not compile although its inspection passed.
    #[error("script {} does not compile: {mistake}", id.0)]
    Script { id: ScriptId, mistake: CompileError },
}
