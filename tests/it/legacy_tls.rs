//! Servers that speak nothing newer than TLS 1.0 to 1.2 with CBC and RSA key exchange, played by `openssl s_server`: what the feature
//! `legacy-tls` reaches, that it trusts nobody else for it, and what the usual TLS says of such a server (`make test-legacy`).

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use doorward::upstream::{Reply, SendFault, TlsConfig};
use doorward::verdict::Cause;
use tokio::time::Instant;
use url::Url;

use crate::support::{client, get};
use crate::tls::{NAME, config};

/// An authority, and a server of RSA keys that it vouches for.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.openssl(&[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=our CA",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        ]);
        files.openssl(&[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=old",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-addext",
            "subjectAltName=DNS:4a.test",
            "-keyout",
            "old.key",
            "-out",
            "old.pem",
        ]);
        std::fs::write(
            files.0.path().join("login"),
            "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nright",
        )
        .unwrap();
        files
    }

    fn openssl(&self, arguments: &[&str]) {
        let ran = Command::new("openssl").args(arguments).current_dir(self.0.path()).output().unwrap();
        assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.path().join(name)).unwrap()
    }

    /// Whoever `ca.pem` vouches for, by old TLS.
    fn trusting(&self) -> TlsConfig {
        TlsConfig { ca_pem: Some(self.read("ca.pem")), legacy: true, ..TlsConfig::default() }
    }
}

/// Ends with the test, by its process id.
struct OldServer {
    process: Child,
    port: u16,
}

impl Drop for OldServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl OldServer {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut process = Command::new("openssl")
            .args(["s_server", "-accept", "0", "-cert", "old.pem", "-key", "old.key", "-HTTP"])
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        // `ACCEPT 0.0.0.0:43211` or `ACCEPT [::]:43211`
        let port = loop {
            let line = lines.next().expect("s_server listens").unwrap();
            if let Some(address) = line.strip_prefix("ACCEPT ") {
                break address.rsplit(':').next().unwrap().parse().unwrap();
            }
        };
        // What it prints later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, port }
    }

    async fn ask(&self, host: &str, tls: TlsConfig) -> Result<Reply, SendFault> {
        let url = Url::parse(&format!("https://{host}:{}/login", self.port)).unwrap();
        let client = client(&config(tls), &[&url]);
        client.send(&get(&url), Instant::now() + Duration::from_secs(8)).await
    }
}

/// Java 7 by default, Windows Server 2012 R2 by its older suites: a version, and its RSA key exchange with CBC.
const OLD: [[&str; 3]; 4] = [
    ["-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"],
    ["-tls1_1", "-cipher", "AES256-SHA:@SECLEVEL=0"],
    ["-tls1_2", "-cipher", "AES128-SHA256:@SECLEVEL=0"],
    ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA:@SECLEVEL=0"],
];

#[tokio::test]
async fn servers_of_that_age_are_reached() {
    let files = Files::new();
    for arguments in OLD {
        let server = OldServer::start(files.0.path(), &arguments);
        let reply = server.ask(NAME, files.trusting()).await.unwrap_or_else(|fault| panic!("{arguments:?}: {fault}"));
        assert_eq!((reply.status, &reply.body[..]), (200, &b"right"[..]), "{arguments:?}");
    }
}

/// Names, chains and pins by the verifier of every other connection, before a byte of a request.
#[tokio::test]
async fn nobody_else_is_trusted_for_it() {
    let files = Files::new();
    let server = OldServer::start(files.0.path(), &OLD[0]);
    let other = crate::support::certs::Authority::new("their CA");
    let pinned = |pin| TlsConfig { pin_sha256: vec![pin], legacy: true, ..TlsConfig::default() };
    for (host, tls, why) in [
        (NAME, TlsConfig { ca_pem: Some(other.pem.clone()), ..files.trusting() }, "not a trusted CA"),
        (NAME, TlsConfig { legacy: true, ..TlsConfig::default() }, "not a trusted CA"),
        ("127.0.0.1", files.trusting(), "is for 4a.test, not for 127.0.0.1"),
        (NAME, pinned([7; 32]), "which is not in transport.tls.pin_sha256"),
        (NAME, TlsConfig { pin_sha256: vec![[7; 32]], ..files.trusting() }, "which is not in transport.tls.pin_sha256"),
    ] {
        let fault = server.ask(host, tls).await.unwrap_err();
        assert_eq!((fault.cause, fault.written), (Cause::Tls, false), "{}", fault.explain);
        assert!(fault.explain.contains(why), "\"{}\" lacks \"{why}\"", fault.explain);
    }
    files.openssl(&["x509", "-in", "old.pem", "-noout", "-pubkey", "-out", "old.pub"]);
    files.openssl(&["pkey", "-pubin", "-in", "old.pub", "-outform", "DER", "-out", "old.der"]);
    let pin = <sha2::Sha256 as sha2::Digest>::digest(files.read("old.der"));
    assert_eq!(
        server.ask("127.0.0.1", pinned(pin.into())).await.unwrap().status,
        200,
        "a pin alone replaces chain and name"
    );
}

/// Export ciphers, RC4 and NULL are not spoken to anybody.
#[tokio::test]
async fn what_is_worse_is_refused() {
    let files = Files::new();
    let server = OldServer::start(files.0.path(), &["-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"]);
    let fault = server.ask(NAME, files.trusting()).await.unwrap_err();
    assert_eq!((fault.cause, fault.written), (Cause::Tls, false), "{}", fault.explain);
    assert!(fault.explain.contains("the handshake failed"), "{}", fault.explain);
}

/// The usual TLS says what to look for.
#[tokio::test]
async fn without_it_the_line_names_the_cause() {
    let files = Files::new();
    for arguments in OLD {
        let server = OldServer::start(files.0.path(), &arguments);
        let fault = server.ask(NAME, TlsConfig { legacy: false, ..files.trusting() }).await.unwrap_err();
        assert_eq!(fault.cause, Cause::Tls, "{arguments:?}: {}", fault.explain);
        assert!(fault.explain.contains("TLS 1.0 or 1.1, RSA key exchange or CBC"), "{arguments:?}: {}", fault.explain);
    }
}

/// Whatever is written as the reason, `check` warns.
#[test]
fn it_is_warned_of() {
    let text = "version: 1\ntransport: { tls: { legacy: Windows Server 2012 R2 } }\nsteps:\n  - name: login\n    request: { method: POST, \
                url: \"https://4a.example.com/\", body: { form: { u: \"{{user.username}}\", p: \"{{user.userPassword}}\" } } }\n    \
                response: { format: json, success: { field: code, equals: 200 } }\n";
    let found = crate::check::check_text(Path::new("old.yaml"), text.to_owned());
    let codes: Vec<_> =
        found.iter().map(|one| (one.code, one.severity == doorward::diagnostic::Severity::Error)).collect();
    assert_eq!(codes, [("legacy-tls", false)]);
}
