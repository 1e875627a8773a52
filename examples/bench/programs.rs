//! The programs that are measured, each started as its user would start it, with its files in a directory of its own.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use doorward::config::TokenHash;

/// The bench's own token.
pub const TOKEN: &str = "dwt_bench";

/// Of the console at a door.
pub const DOOR_TOKEN: &str = "dwt_door";

/// Longer than any of them takes to start on a busy machine.
const START: Duration = Duration::from_secs(30);

/// A running program; it ends when dropped.
pub struct Program {
    child: Child,
    pub address: SocketAddr,
    /// From the start of the process to its word that it listens.
    pub ready: Duration,
    _home: tempfile::TempDir,
}

impl Program {
    pub fn pid(&self) -> u32 {
        self.child.id()
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
    let mut command = Command::new(binary("handwritten")?);
    command.arg(format!("http://{upstream}")).stdout(Stdio::piped());
    let begun = Instant::now();
    let mut child = command.spawn()?;
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

/// nginx with the njs module of the distribution; `None` when it is not installed.
pub fn nginx(upstream: SocketAddr) -> Result<Option<Program>> {
    const MODULE: &str = "/usr/lib/nginx/modules/ngx_http_js_module.so";
    if !Path::new(MODULE).exists() || Command::new("nginx").arg("-v").stderr(Stdio::null()).status().is_err() {
        return Ok(None);
    }
    let home = tempfile::tempdir()?;
    let at = home.path().display();
    // Nobody else takes a port that was free a moment ago on a machine that benches.
    let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let mut config = format!(
        "load_module {MODULE};\ndaemon off;\nworker_processes auto;\npid {at}/pid;\nerror_log {at}/error.log;\n\
         events {{ worker_connections 1024; }}\n"
    );
    let _ = write!(
        config,
        "http {{
           access_log off;
           client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/fastcgi;
           uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;
           js_path {at}; js_import login from login.js;
           keepalive_requests 100000000;
           upstream foura {{ server {upstream}; keepalive 64; keepalive_requests 100000000; }}
           server {{
             listen {address};
             location = /login {{ js_content login.login; }}
             location = /foura {{
               internal; proxy_pass http://foura/api/login; proxy_http_version 1.1;
               proxy_set_header Connection \"\"; proxy_set_header Content-Type application/json;
             }}
           }}
         }}"
    );
    std::fs::write(home.path().join("nginx.conf"), config)?;
    std::fs::write(home.path().join("login.js"), include_str!("login.js"))?;
    let begun = Instant::now();
    let mut command = Command::new("nginx");
    command.arg("-p").arg(home.path()).arg("-c").arg(home.path().join("nginx.conf"));
    let mut child = command.spawn()?;
    while TcpStream::connect(address).is_err() {
        if begun.elapsed() > START || child.try_wait()?.is_some() {
            let log = std::fs::read_to_string(home.path().join("error.log")).unwrap_or_default();
            bail!("nginx does not start: {log}");
        }
        thread::park_timeout(Duration::from_millis(5));
    }
    Ok(Some(Program { child, address, ready: begun.elapsed(), _home: home }))
}
