//! The programs that are measured, each started as its user would start it, with its files in a directory of its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use doorward::config::TokenHash;
use tempfile::TempDir;

/// The bench's own token.
pub const TOKEN: &str = "dwt_bench";

/// Of the console at a door.
pub const DOOR_TOKEN: &str = "dwt_door";

/// A running program; it ends when dropped.
pub struct Program {
    child: Child,
    pub address: SocketAddr,
    /// From the start of the process to its word that it listens; zero where it says none.
    pub ready: Duration,
    _home: TempDir,
}

impl Program {
    /// A program that listens at `address`, with its files in `home`.
    pub fn start(command: &mut Command, address: SocketAddr, home: TempDir) -> Result<Self> {
        Ok(Self { child: command.spawn()?, address, ready: Duration::ZERO, _home: home })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SIGTERM, so that nginx and the daemon take their workers along.
        let _ = Command::new("kill").arg(self.pid().to_string()).status();
        let _ = self.child.wait();
    }
}

/// `target/release/NAME`, beside this example.
pub fn binary(name: &str) -> Result<PathBuf> {
    let example = std::env::current_exe()?;
    let path = example.parent().context("no directory")?.join(name);
    anyhow::ensure!(path.exists(), "{} is missing: build it with --release first", path.display());
    Ok(path)
}

/// The program that somebody wrote by hand.
pub fn handwritten(upstream: SocketAddr) -> Result<Program> {
    first_line(Command::new(binary("handwritten")?).arg(format!("http://{upstream}")))
}

/// A program whose first line is its address.
pub fn first_line(command: &mut Command) -> Result<Program> {
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    let address = lines.next().context("it ended")??.parse()?;
    Ok(Program { child, address, ready: begun.elapsed(), _home: tempfile::tempdir()? })
}

/// The daemon with these connectors and doors (id and text), configured as it is shipped.
pub fn doorward(connectors: &[(String, String)], doors: &[(&str, &str)]) -> Result<Program> {
    let home = tempfile::tempdir()?;
    let config = format!(
        "listen: \"127.0.0.1:0\"\nconnectors: connectors\ndoors: doors\negress: {{ allow: [ 127.0.0.0/8 ] }}\n\
         clients:\n  - {{ name: bench, token: \"{}\", scopes: [ authenticate ] }}\n  \
         - {{ name: door, token: \"{}\", scopes: [ door ] }}\n",
        TokenHash::of(TOKEN),
        TokenHash::of(DOOR_TOKEN)
    );
    std::fs::write(home.path().join("doorward.yaml"), config)?;
    lay_out(home.path(), connectors)?;
    std::fs::create_dir(home.path().join("doors"))?;
    for (id, text) in doors {
        std::fs::write(home.path().join("doors").join(format!("{id}.yaml")), text)?;
    }
    let mut command = Command::new(binary("../doorward")?);
    command.arg("serve").arg("--config").arg(home.path().join("doorward.yaml")).stderr(Stdio::piped());
    let begun = Instant::now();
    let mut child = command.spawn()?;
    let mut log = BufReader::new(child.stderr.take().context("no log")?).lines();
    let address = loop {
        let line = log.next().context("the daemon ended")??;
        let line: serde_json::Value = serde_json::from_str(&line).with_context(|| line.clone())?;
        if line["message"] == "listening" {
            break line["address"].as_str().context("no address")?.parse()?;
        }
    };
    let ready = begun.elapsed();
    // Somebody reads the log, as somebody does in real life.
    thread::spawn(move || log.for_each(drop));
    Ok(Program { child, address, ready, _home: home })
}

/// Writes connector files below `home`, and the script that the shipped one of them looks for beside its directory.
pub fn lay_out(home: &Path, connectors: &[(String, String)]) -> Result<()> {
    for directory in ["connectors", "scripts"] {
        std::fs::create_dir_all(home.join(directory))?;
    }
    for (id, text) in connectors {
        std::fs::write(home.join("connectors").join(format!("{id}.yaml")), text)?;
    }
    std::fs::write(home.join("scripts/md5-password.js"), include_str!("../../scripts/md5-password.js"))?;
    Ok(())
}
