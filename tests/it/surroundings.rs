//! What the surroundings of the process decide: which roots are trusted where a connector names no CA, and nothing else.
//! Each test is a process of its own, because an environment is.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::support::certs::Authority;
use crate::support::fault_server::FaultServer;
use crate::support::tls_server::{TlsServer, TlsSettings};

const REPLY: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{\"code\":0}";

/// What `doorward test --json` prints about a login at `origin`, with `files` beside the connector and `environment` (in its
/// values `{folder}` is where the files are).
pub async fn send_test(origin: &str, tls: &str, files: &[(&str, &[u8])], environment: &[(&str, &str)]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let connector = format!(
        "version: 1\ntransport: {{ tls: {{ {tls} }} }}\nsteps:\n  - name: login\n    request:\n      \
         url: \"{origin}/login\"\n      \
         body: {{ form: {{ u: \"{{{{user.username}}}}\", p: \"{{{{user.userPassword}}}}\" }} }}\n    \
         response: {{ success: {{ field: code, equals: 0 }} }}\n"
    );
    let file = folder.path().join("portal.yaml");
    std::fs::write(&file, connector).unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.arg("test").arg(&file).args(["--username", "zhangsan", "--password-stdin", "--json"]);
    for (name, value) in environment {
        command.env(name, value.replace("{folder}", folder.path().to_str().unwrap()));
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"123456\n").await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// The roots in `roots.pem`, and no others.
pub const ROOTS: [(&str, &str); 2] = [("SSL_CERT_FILE", "{folder}/roots.pem"), ("SSL_CERT_DIR", "{folder}")];

#[tokio::test]
async fn the_systems_roots_count_where_a_connector_names_no_ca() {
    let (ours, theirs) = (Authority::new("our CA"), Authority::new("their CA"));
    let good = theirs.good(&["127.0.0.1"]);
    let server = TlsServer::start(TlsSettings::new(&good)).await;
    let origin = format!("https://{}", server.addr);
    let roots: (&str, &[u8]) = ("roots.pem", &theirs.pem);
    let shown = send_test(&origin, "", &[roots], &ROOTS).await;
    // It is past TLS: the server answers, and what it says is no JSON.
    assert_eq!((&shown["verdict"]["cause"], server.requests()), (&"unexpected_reply".into(), 1), "{shown}");
    // With a CA of its own the connector trusts that one only, whatever the system does.
    let shown = send_test(&origin, "ca_file: ca.pem", &[roots, ("ca.pem", &ours.pem)], &ROOTS).await;
    assert_eq!((&shown["verdict"]["cause"], server.requests()), (&"tls".into(), 1), "{shown}");
    let shown = send_test(&origin, "ca_file: ca.pem", &[("ca.pem", &theirs.pem)], &[]).await;
    assert_eq!((&shown["verdict"]["cause"], server.requests()), (&"unexpected_reply".into(), 2), "{shown}");
}

#[tokio::test]
async fn proxy_variables_are_not_read() {
    let (proxy, server) = (FaultServer::always(REPLY).await, FaultServer::always(REPLY).await);
    let proxy_url = proxy.url("/").to_string();
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let environment: Vec<(&str, &str)> = names.map(|name| (name, proxy_url.as_str())).into();
    let shown = send_test(&format!("http://{}", server.addr), "", &[], &environment).await;
    assert_eq!(shown["verdict"]["verdict"], "accept", "{shown}");
    assert_eq!((server.requests(), proxy.connections()), (1, 0));
}

#[tokio::test]
async fn doorward_pin_shows_what_to_compare_and_paste() {
    let ca = Authority::new("our CA");
    let good = ca.good(&["127.0.0.1", "4a.test"]);
    let server = TlsServer::start(TlsSettings::new(&good)).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    let output = command.args(["pin", &format!("https://{}", server.addr)]).output().await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}");
    let pin = doorward::upstream::pin_text(&good.pin);
    for shown in [pin.as_str(), "127.0.0.1, 4a.test", "2020-01-02 to 4000-01-02", "CN=our CA"] {
        assert!(printed.contains(shown), "{shown} is not in:\n{printed}");
    }
    // The pin as it is pasted is one that the connector takes, and nobody else's server has.
    let origin = format!("https://{}", server.addr);
    let shown = send_test(&origin, &format!("pin_sha256: \"{pin}\""), &[], &[]).await;
    assert_eq!((&shown["verdict"]["cause"], server.requests()), (&"unexpected_reply".into(), 1), "{shown}");
    let other = TlsServer::start(TlsSettings::new(&ca.good(&["127.0.0.1"]))).await;
    let shown = send_test(&format!("https://{}", other.addr), &format!("pin_sha256: \"{pin}\""), &[], &[]).await;
    assert_eq!((&shown["verdict"]["cause"], other.requests()), (&"tls".into(), 0), "{shown}");
}
