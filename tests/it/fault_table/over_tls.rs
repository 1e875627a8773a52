//! The lines of the table that are about TLS, and those for which a server needs it.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use doorward::upstream::{SendFault, TlsConfig, TlsVersion, TransportConfig};
use doorward::verdict::Cause;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::FaultSeen;
use super::plays::{HEAD, LONG, alone, asked};
use crate::faults::{SHORT, ask};
use crate::support::certs::{Authority, Identity};
use crate::support::client;
use crate::support::fault_server::FaultServer;
use crate::support::tls_server::{TlsServer, TlsSettings};
use crate::surroundings::{ROOTS, send_test};
use crate::tls::{self, NAME, pinned, trusting};

/// Lines of TLS; none for a line that is not about it.
pub async fn over_tls(what: &str) -> Vec<FaultSeen> {
    let (ours, theirs) = (Authority::new("our CA"), Authority::new("their CA"));
    let good = ours.good(&[NAME]);
    let own = Identity::self_signed(NAME);
    let tls12: &[_] = &[&rustls::version::TLS12];
    let mut cases: Vec<(TlsConfig, Identity, TlsSettingsOf)> = Vec::new();
    let plain: TlsSettingsOf = |identity, _| TlsSettings::new(identity);
    match what {
        "expired, not yet valid" => {
            cases.push((trusting(&ours), ours.issue(&[NAME], (2020, 2021)), plain));
            cases.push((trusting(&ours), ours.issue(&[NAME], (3000, 4000)), plain));
        }
        "another host's certificate" => cases.push((trusting(&ours), ours.good(&["mail.test"]), plain)),
        "unknown CA" => cases.push((trusting(&ours), theirs.good(&[NAME]), plain)),
        "self-signed" => cases.push((trusting(&ours), own, plain)),
        "a CA's certificate used by a server" => cases.push((trusting(&ours), ours.as_server(), plain)),
        "wrong pin" => cases.push((pinned(&[[7; 32]]), own, plain)),
        "key not held" => {
            let forged: TlsSettingsOf =
                |identity, other| TlsSettings { forged_key: Some(other), ..TlsSettings::new(identity) };
            cases.push((pinned(&[own.pin]), own, forged));
        }
        "version or cipher" => {
            let strict = TlsConfig { min_version: TlsVersion::V1_3, ..trusting(&ours) };
            let server = TlsServer::start(TlsSettings { versions: tls12, ..TlsSettings::new(&good) }).await;
            return vec![alone(tls::ask(strict, &server).await.unwrap_err()), an_old_server().await];
        }
        "client certificate wanted (TLS 1.3)" | "client certificate refused" => {
            return client_certificates(what, &ours, &theirs, &good).await;
        }
        "handshake stalls, breaks" | "no TLS on the port" => return no_handshake(what).await,
        _ => {}
    }
    let mut outcomes = Vec::new();
    let other = Identity::self_signed(NAME);
    for (trust, identity, settings) in cases {
        let server = TlsServer::start(settings(&identity, &other)).await;
        outcomes.push(alone(tls::ask(trust, &server).await.unwrap_err()));
    }
    outcomes
}

/// The settings of a server that shows an identity; the second one is another's.
type TlsSettingsOf = for<'a> fn(&'a Identity, &'a Identity) -> TlsSettings<'a>;

async fn client_certificates(what: &str, ours: &Authority, theirs: &Authority, good: &Identity) -> Vec<FaultSeen> {
    let clients = Authority::new("client CA");
    let stranger = theirs.good(&["doorward"]);
    let as_stranger = TlsConfig {
        client_cert_pem: Some(stranger.cert_pem.clone()),
        client_key_pem: Some(stranger.key_pem.clone()),
        ..trusting(ours)
    };
    let (trust, versions): (TlsConfig, &[_]) = match what {
        "client certificate refused" => (as_stranger, &[&rustls::version::TLS12, &rustls::version::TLS13]),
        _ => (trusting(ours), &[&rustls::version::TLS13]),
    };
    let mut outcomes = Vec::new();
    for version in versions {
        let versions = [*version];
        let wants = TlsSettings { clients_of: Some(&clients), versions: &versions, ..TlsSettings::new(good) };
        let server = TlsServer::start(wants).await;
        let fault = tls::ask(trust.clone(), &server).await.unwrap_err();
        // In TLS 1.3 the client learns of it only after it may have written.
        assert_eq!(fault.written, version.version == rustls::ProtocolVersion::TLSv1_3, "{}", fault.explain);
        outcomes.push(alone(fault));
    }
    outcomes
}

/// One that answers in TLS 1.0, as servers do that know of nothing else.
async fn an_old_server() -> FaultSeen {
    let server = FaultServer::play(|_, mut wire| async move {
        let mut hello = [0; 4096];
        let _ = wire.tcp.read(&mut hello).await;
        let head = [0x16, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
        // Random, no session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression (RFC 2246 section 7.4.1.3).
        wire.say([&head[..], &[7; 32], &[0, 0, 0x2f, 0]].concat()).await;
        wire.hang().await;
    })
    .await;
    let url = Url::parse(&format!("https://{NAME}:{}/", server.addr.port())).unwrap();
    asked(&client(&tls::config(TlsConfig::default()), &[&url]), &url, LONG).await
}

async fn no_handshake(what: &str) -> Vec<FaultSeen> {
    let silent = FaultServer::play(|_, mut wire| async move { wire.hang().await }).await;
    let closing = FaultServer::play(|_, mut wire| async move {
        let mut hello = [0; 4096];
        let _ = wire.tcp.read(&mut hello).await;
    })
    .await;
    let plain = FaultServer::play(|_, mut wire| async move {
        wire.say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
        wire.hang().await;
    })
    .await;
    let servers = if what == "no TLS on the port" { vec![plain] } else { vec![silent, closing] };
    let mut outcomes = Vec::new();
    for server in servers {
        let url = Url::parse(&format!("https://{NAME}:{}/", server.addr.port())).unwrap();
        let config = TransportConfig { connect_timeout: SHORT, ..tls::config(TlsConfig::default()) };
        outcomes.push(asked(&client(&config, &[&url]), &url, LONG).await);
    }
    outcomes
}

/// The reply ends with the connection, and nothing in TLS says that this is its end.
pub async fn cut_off_tls() -> FaultSeen {
    let ca = Authority::new("our CA");
    let good = ca.good(&[NAME]);
    let acceptor = TlsAcceptor::from(Arc::new(TlsSettings::new(&good).config()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("https://{NAME}:{}/", listener.local_addr().unwrap().port())).unwrap();
    let serve = async move {
        let mut tls = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
        assert!(tls.read(&mut [0; 4096]).await.unwrap() > 0, "the request came");
        tls.write_all(format!("{HEAD}\r\nok").as_bytes()).await.unwrap();
        tls.flush().await.unwrap();
        let (mut tcp, _) = tls.into_inner();
        tcp.shutdown().await.unwrap();
        let _ = tcp.read(&mut [0; 16]).await;
    };
    let client = client(&tls::config(trusting(&ca)), &[&url]);
    let (fault, ()) = tokio::join!(ask(&client, &url, LONG), serve);
    alone(fault.unwrap_err())
}

/// The end of the connection comes in one packet with the end of the handshake, before a request can be written.
pub async fn closed_after_the_handshake() -> FaultSeen {
    let ca = Authority::new("our CA");
    let good = ca.good(&[NAME]);
    let versions = [&rustls::version::TLS12];
    let settings = Arc::new(TlsSettings { versions: &versions, ..TlsSettings::new(&good) }.config());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("https://{NAME}:{}/", listener.local_addr().unwrap().port())).unwrap();
    let serve = tokio::task::spawn_blocking(move || {
        let (mut tcp, _) = listener.accept().unwrap();
        let mut tls = rustls::ServerConnection::new(settings).unwrap();
        while tls.is_handshaking() {
            while tls.wants_write() {
                tls.write_tls(&mut tcp).unwrap();
            }
            tls.read_tls(&mut tcp).unwrap();
            tls.process_new_packets().unwrap();
        }
        tls.send_close_notify();
        let mut last = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut last).unwrap();
        }
        tcp.write_all(&last).unwrap();
        tcp.shutdown(std::net::Shutdown::Write).unwrap();
        let _ = tcp.read_to_end(&mut Vec::new());
    });
    let outcome = asked(&client(&tls::config(trusting(&ca)), &[&url]), &url, LONG).await;
    serve.await.unwrap();
    outcome
}

/// In a process of its own, whose roots are an empty file.
pub async fn without_roots() -> FaultSeen {
    let good = Authority::new("our CA").good(&["127.0.0.1"]);
    let server = TlsServer::start(TlsSettings::new(&good)).await;
    let origin = format!("https://{}", server.addr);
    let shown = send_test(&origin, "", &[("roots.pem", b"")], &ROOTS).await;
    assert_eq!(shown["verdict"]["cause"], "tls", "{shown}");
    let explain = shown["explain"].as_str().unwrap().strip_prefix("login: ").unwrap();
    let explain = explain.replace(&server.addr.to_string(), "4a.test");
    alone(SendFault { cause: Cause::Tls, written: server.requests() > 0, explain, word: None })
}
