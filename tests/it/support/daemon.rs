//! The real daemon in its own process, on port 0, with what it logs.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward::config::TokenHash;
use serde_json::Value;

/// Far beyond anything that a test waits for.
const LONG: Duration = Duration::from_mins(1);

pub const TOKEN: &str = "dwt_real";

/// A directory with `doorward.yaml` and `connectors/`.
pub struct Home {
    pub directory: tempfile::TempDir,
}

impl Home {
    pub fn new(more: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("connectors")).unwrap();
        let home = Self { directory };
        home.configure(more);
        home
    }

    /// Writes doorward.yaml with one client that may do everything.
    pub fn configure(&self, more: &str) {
        let text = format!(
            "listen: \"127.0.0.1:0\"\nconnectors: connectors\negress: {{ allow: [ 127.0.0.0/8 ] }}\n\
             clients: [ {{ name: console, token: \"{}\", scopes: [ authenticate, test, read, reload ] }} ]\n{more}\n",
            TokenHash::of(TOKEN)
        );
        std::fs::write(self.path("doorward.yaml"), text).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn connector(&self, id: &str, text: &str) {
        std::fs::write(self.path("connectors").join(format!("{id}.yaml")), text).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
        command.arg("serve").arg("--config").arg(self.path("doorward.yaml")).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts the daemon and waits until it listens.
    pub fn start(&self) -> Daemon {
        Self::start_by(self.command(&[]))
    }

    /// The same in a shell that did something before, such as `ulimit`.
    pub fn start_after(&self, before: &str) -> Daemon {
        Self::start_by(self.shell(before))
    }

    pub fn shell(&self, before: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("{before}; exec \"$0\" serve --config \"$1\""), env!("CARGO_BIN_EXE_doorward")]);
        command.arg(self.path("doorward.yaml"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn start_by(mut command: Command) -> Daemon {
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let (sender, lines) = sync_channel(100_000);
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line.clone());
                let _ = sender.try_send(line);
            }
        });
        let mut daemon = Daemon { child, log, lines: Mutex::new(lines), base: String::new() };
        let line = daemon.wait_for("listening");
        daemon.base = format!("http://{}", line["address"].as_str().unwrap());
        daemon
    }
}

pub struct Daemon {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    lines: Mutex<Receiver<String>>,
    pub base: String,
}

impl Daemon {
    /// The next line of the log with this message.
    pub fn wait_for(&self, message: &str) -> Value {
        loop {
            let line = self.next_line().unwrap_or_else(|_| panic!("no `{message}` in:\n{}", self.log()));
            if let Some(line) = serde_json::from_str(&line).ok().filter(|line: &Value| line["message"] == message) {
                return line;
            }
        }
    }

    fn next_line(&self) -> Result<String, RecvTimeoutError> {
        self.lines.lock().unwrap().recv_timeout(LONG)
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// As `kill -9`, which is what dropping it does.
    pub fn kill(self) {
        drop(self);
    }

    /// SIGTERM, and the end.
    pub fn end(self) -> (ExitStatus, String) {
        self.signal("-TERM");
        self.wait()
    }

    /// The end of a daemon that has its signal: a second one would not let it finish.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        // The reader of the log is at its end when the sender is gone.
        while self.next_line().is_ok() {}
        let log = self.log();
        (status, log)
    }

    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, String) {
        let url = format!("{}{path}", self.base);
        let mut request = client().request(method.parse().unwrap(), url).bearer_auth(TOKEN);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    pub async fn login(&self, connector: &str, username: &str, password: &str) -> (u16, Value) {
        let body = serde_json::json!({ "username": username, "password": password, "client_ip": "192.0.2.7" });
        let (status, text) = self.call("POST", &format!("/v1/connectors/{connector}/authenticate"), Some(body)).await;
        (status, serde_json::from_str(&text).unwrap())
    }
}

/// No test leaves a daemon behind, whether it passes or not.
impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn client() -> reqwest::Client {
    client_builder().build().unwrap()
}

/// The same, with more to be said.
#[expect(clippy::disallowed_methods, reason = "a console, not an upstream's client")]
pub fn client_builder() -> reqwest::ClientBuilder {
    // Nobody else chooses a provider in this process; a second choice is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(LONG)
}

/// A connector that posts JSON to `base` and believes code 200 with a token.
pub fn json_connector(base: &str, more: &str) -> String {
    format!(
        r#"version: 1
transport: {{ timeout: 3s }}
{more}
settings: {{ base: "{base}" }}
steps:
  - name: login
    variables: |
      env.digest = code_util.md5(user.userPassword);
    request:
      method: POST
      url: "${{base}}/login"
      body: {{ json: {{ user: "{{{{user.username}}}}", clear: "{{{{user.userPassword}}}}", md5: "{{{{env.digest}}}}" }} }}
    response:
      format: json
      reject: [ {{ when: {{ field: code, equals: 500 }}, reason: invalid_credentials }} ]
      success: {{ all: [ {{ field: code, equals: 200 }}, {{ field: token, exists: true }} ] }}
      map: {{ error_code: code, error_message: msg, extension: data }}
"#
    )
}

/// Whether `path` holds what `look` wants; tried until it does.
pub fn wait_until(mut look: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !look() {
        assert!(start.elapsed() < LONG, "it never happened");
        std::thread::yield_now();
    }
}

pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
