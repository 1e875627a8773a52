//! A real Redis in its own process, on a Unix socket, and a way to it over TCP that can be held up, cut or speak TLS.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use doorward::crypto::encoding::url_encode;
use redis::aio::MultiplexedConnection;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::certs::Identity;

pub struct Redis {
    directory: tempfile::TempDir,
    options: Vec<String>,
    child: Option<Child>,
}

impl Redis {
    /// Starts one with more `options`; `None`, with a line that says so, where there is no Redis.
    pub fn start(options: &[&str]) -> Option<Self> {
        if Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_err() {
            eprintln!("redis-server is not installed: this test is left out");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let mut redis =
            Self { directory, options: options.iter().map(|text| (*text).to_owned()).collect(), child: None };
        redis.resume();
        Some(redis)
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    /// The address for a user, or for the default one.
    pub fn url(&self, credentials: Option<(&str, &str)>) -> String {
        let credentials = credentials.map(|(user, pass)| format!("?user={user}&pass={pass}")).unwrap_or_default();
        format!("unix://{}{credentials}", self.socket().display())
    }

    /// Starts it (again) and waits until it answers.
    pub fn resume(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"]).arg(self.socket());
        command.arg("--dir").arg(self.directory.path()).args(&self.options);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let ready = lines.by_ref().any(|line| line.contains("eady to accept connections"));
        assert!(ready, "redis-server did not start");
        // It stops when nobody reads what it says.
        std::thread::spawn(move || lines.for_each(drop));
        self.child = Some(child);
    }

    /// Ends it as a power failure would.
    pub fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// `-STOP` and `-CONT`.
    pub fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    pub async fn connection(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.url(None)).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    /// One command as its administrator.
    pub async fn run(&self, command: &[&str]) {
        let mut cmd = redis::cmd(command[0]);
        cmd.arg(&command[1..]);
        cmd.exec_async(&mut self.connection().await).await.unwrap();
    }

    /// Every key and its value.
    pub async fn contents(&self) -> Vec<(String, Vec<u8>)> {
        let mut connection = self.connection().await;
        let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
        let mut contents = Vec::new();
        for key in keys {
            let value = redis::cmd("GET").arg(&key).query_async(&mut connection).await.unwrap();
            contents.push((key, value));
        }
        contents
    }
}

/// No key and no value holds any of `canaries`, in clear or in an encoding that somebody might take for a seal.
pub fn hold_nothing_of(contents: &[(String, Vec<u8>)], canaries: &[&str]) {
    for canary in canaries {
        let bytes = canary.as_bytes();
        for form in [
            bytes.to_vec(),
            hex::encode(bytes).into_bytes(),
            hex::encode_upper(bytes).into_bytes(),
            url_encode(bytes).into_bytes(),
            STANDARD_NO_PAD.encode(bytes).into_bytes(),
            URL_SAFE_NO_PAD.encode(bytes).into_bytes(),
        ] {
            for text in contents.iter().flat_map(|(name, value)| [name.as_bytes(), value]) {
                assert!(!text.windows(form.len()).any(|window| window == form), "{canary} lies in Redis");
            }
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A TCP address in front of a Redis.
pub struct Gate {
    pub port: u16,
    held: watch::Sender<bool>,
    cuts: watch::Sender<u64>,
}

impl Gate {
    /// Open; with an identity it speaks TLS.
    pub async fn before(redis: &Redis, identity: Option<&Identity>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (held, holding) = watch::channel(false);
        let (cuts, cutting) = watch::channel(0);
        let socket = redis.socket();
        let acceptor = identity.map(acceptor);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (socket, holding, mut cutting) = (socket.clone(), holding.clone(), cutting.clone());
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let seen = *cutting.borrow();
                    let passed = async {
                        let Ok(inner) = UnixStream::connect(socket).await else { return };
                        match acceptor {
                            None => pass(stream, inner, holding).await,
                            Some(acceptor) => {
                                if let Ok(stream) = acceptor.accept(stream).await {
                                    pass(stream, inner, holding).await;
                                }
                            }
                        }
                    };
                    tokio::select! { () = passed => {}, _ = cutting.wait_for(|cuts| *cuts > seen) => {} }
                });
            }
        });
        Self { port, held, cuts }
    }

    /// From now on replies wait until [`Gate::release`].
    pub fn hold(&self) {
        self.held.send_replace(true);
    }

    pub fn release(&self) {
        self.held.send_replace(false);
    }

    /// Ends every connection that is open.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

async fn pass(outer: impl AsyncRead + AsyncWrite, inner: UnixStream, mut holding: watch::Receiver<bool>) {
    let (mut from, mut to) = tokio::io::split(outer);
    let (mut replies, mut commands) = inner.into_split();
    let there = tokio::io::copy(&mut from, &mut commands);
    let back = async {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = replies.read(&mut buffer).await {
            if holding.wait_for(|held| !held).await.is_err() || to.write_all(&buffer[..length]).await.is_err() {
                return;
            }
            let _ = to.flush().await;
        }
    };
    tokio::select! { _ = there => {}, () = back => {} }
}

fn acceptor(identity: &Identity) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(identity.chain.clone(), identity.key()).unwrap();
    TlsAcceptor::from(Arc::new(config))
}
