//! TLS: whom a connector trusts, who it is, and what every refusal says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use doorward::upstream::{
    ClientError, Egress, Origin, Reply, SendFault, TlsConfig, TlsVersion, TransportConfig, present,
};
use doorward::verdict::Cause;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::support::certs::{Authority, Identity};
use crate::support::fault_server::FaultServer;
use crate::support::tls_server::{TlsServer, TlsSettings};
use crate::support::{client, post};

pub const NAME: &str = "4a.test";

pub fn config(tls: TlsConfig) -> TransportConfig {
    let resolve = BTreeMap::from([(NAME.to_owned(), [127, 0, 0, 1].into())]);
    TransportConfig { tls, resolve, ..TransportConfig::default() }
}

pub fn trusting(authority: &Authority) -> TlsConfig {
    TlsConfig { ca_pem: Some(authority.pem.clone()), ..TlsConfig::default() }
}

pub fn pinned(pins: &[[u8; 32]]) -> TlsConfig {
    TlsConfig { pin_sha256: pins.to_vec(), ..TlsConfig::default() }
}

pub async fn ask(tls: TlsConfig, server: &TlsServer) -> Result<Reply, SendFault> {
    let url = server.url(NAME);
    let client = client(&config(tls), &[&url]);
    client.send(&post(&url, "password=hunter2"), Instant::now() + Duration::from_secs(8)).await
}

/// The exchange fails with a TLS cause before the request is written.
async fn refused(tls: TlsConfig, settings: TlsSettings<'_>, explain: &str) {
    let server = TlsServer::start(settings).await;
    let fault = ask(tls, &server).await.unwrap_err();
    assert_eq!(fault.cause, Cause::Tls, "{}", fault.explain);
    assert!(fault.explain.contains(explain), "\"{}\" lacks \"{explain}\"", fault.explain);
    assert!(!fault.written, "{}", fault.explain);
    assert_eq!(server.requests(), 0);
}

async fn accepted(tls: TlsConfig, settings: TlsSettings<'_>) {
    let server = TlsServer::start(settings).await;
    let reply = ask(tls, &server).await.unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn an_own_ca_vouches_for_its_servers_and_nobody_else_does() {
    let (ours, theirs) = (Authority::new("our CA"), Authority::new("their CA"));
    let (good, foreign) = (ours.good(&[NAME]), theirs.good(&[NAME]));
    accepted(trusting(&ours), TlsSettings::new(&good)).await;
    let issued = "issued by \"CN=their CA\", which is not a trusted CA";
    refused(trusting(&ours), TlsSettings::new(&foreign), issued).await;
    // The system's roots know neither.
    let unknown = TlsServer::start(TlsSettings::new(&good)).await;
    assert_eq!(ask(TlsConfig::default(), &unknown).await.unwrap_err().cause, Cause::Tls);
}

#[tokio::test]
async fn certificates_that_are_not_good() {
    let ca = Authority::new("our CA");
    let expired = ca.issue(&[NAME], (2020, 2021));
    refused(trusting(&ca), TlsSettings::new(&expired), "the certificate expired on 2021-01-02").await;
    let early = ca.issue(&[NAME], (3000, 4000));
    refused(trusting(&ca), TlsSettings::new(&early), "valid from 3000-01-02 on").await;
    let other = ca.good(&["mail.test", "*.mail.test"]);
    let names = "the certificate is for mail.test, *.mail.test, not for 4a.test";
    refused(trusting(&ca), TlsSettings::new(&other), names).await;
    let alone = Identity::self_signed(NAME);
    refused(trusting(&ca), TlsSettings::new(&alone), "self-signed").await;
    // As `openssl req -x509` makes them: CA and server at once, here given as the CA to trust.
    let both = ca.as_server();
    refused(trusting(&ca), TlsSettings::new(&both), "the certificate is a CA's own").await;
    accepted(pinned(&[both.pin]), TlsSettings::new(&both)).await;
}

#[tokio::test]
async fn a_forged_handshake_fails_in_both_versions() {
    let (shown, held) = (Identity::self_signed(NAME), Identity::self_signed(NAME));
    for versions in [&[&rustls::version::TLS12], &[&rustls::version::TLS13]] {
        let forged = TlsSettings { forged_key: Some(&held), versions, ..TlsSettings::new(&shown) };
        refused(pinned(&[shown.pin]), forged, "signature").await;
    }
}

#[tokio::test]
async fn a_pin_alone_replaces_chain_and_name() {
    let ca = Authority::new("our CA");
    for identity in [Identity::self_signed("other.test"), ca.issue(&["other.test"], (2020, 2021))] {
        accepted(pinned(&[identity.pin]), TlsSettings::new(&identity)).await;
        accepted(pinned(&[[7; 32], identity.pin]), TlsSettings::new(&identity)).await;
        refused(pinned(&[[7; 32]]), TlsSettings::new(&identity), "which is not in transport.tls.pin_sha256").await;
    }
}

#[tokio::test]
async fn a_pin_with_a_ca_means_both() {
    let ca = Authority::new("our CA");
    let good = ca.good(&[NAME]);
    let both = |pin| TlsConfig { pin_sha256: vec![pin], ..trusting(&ca) };
    accepted(both(good.pin), TlsSettings::new(&good)).await;
    refused(both([7; 32]), TlsSettings::new(&good), "pin").await;
    let alone = Identity::self_signed(NAME);
    refused(both(alone.pin), TlsSettings::new(&alone), "self-signed").await;
    let other = ca.good(&["other.test"]);
    refused(both(other.pin), TlsSettings::new(&other), "not for 4a.test").await;
}

#[tokio::test]
async fn a_client_certificate_is_shown_when_it_is_wanted() {
    let (ca, clients, others) = (Authority::new("our CA"), Authority::new("client CA"), Authority::new("other CA"));
    let server = ca.good(&[NAME]);
    for versions in [&[&rustls::version::TLS12], &[&rustls::version::TLS13]] {
        let settings = || TlsSettings { clients_of: Some(&clients), versions, ..TlsSettings::new(&server) };
        let as_client = |client: &Identity| TlsConfig {
            client_cert_pem: Some(client.cert_pem.clone()),
            client_key_pem: Some(client.key_pem.clone()),
            ..trusting(&ca)
        };
        accepted(as_client(&clients.good(&["doorward"])), settings()).await;
        for wrong in [trusting(&ca), as_client(&others.good(&["doorward"]))] {
            let listening = TlsServer::start(settings()).await;
            let fault = ask(wrong, &listening).await.unwrap_err();
            // In TLS 1.3 the client learns of it only after it may have written.
            assert_eq!(fault.cause, Cause::Tls, "{}", fault.explain);
            assert!(fault.explain.contains("client certificate"), "{}", fault.explain);
            assert_eq!(listening.requests(), 0);
        }
    }
}

#[tokio::test]
async fn min_version_is_kept() {
    let ca = Authority::new("our CA");
    let good = ca.good(&[NAME]);
    let versions = [&rustls::version::TLS12];
    let only_12 = || TlsSettings { versions: &versions, ..TlsSettings::new(&good) };
    accepted(trusting(&ca), only_12()).await;
    let strict = TlsConfig { min_version: TlsVersion::V1_3, ..trusting(&ca) };
    refused(strict.clone(), only_12(), "version").await;
    accepted(strict, TlsSettings::new(&good)).await;
}

#[tokio::test]
async fn an_address_in_the_url_is_what_the_certificate_must_name() {
    let ca = Authority::new("our CA");
    let good = ca.good(&["127.0.0.1"]);
    let server = TlsServer::start(TlsSettings::new(&good)).await;
    let url = server.url("127.0.0.1");
    let client = client(&config(trusting(&ca)), &[&url]);
    client.send(&post(&url, ""), Instant::now() + Duration::from_secs(8)).await.unwrap();
}

#[tokio::test]
async fn http2_by_alpn_on_one_connection() {
    let ca = Authority::new("our CA");
    let good = ca.good(&[NAME]);
    let server = TlsServer::start(TlsSettings { h2: true, ..TlsSettings::new(&good) }).await;
    let url = server.url(NAME);
    let client = client(&config(trusting(&ca)), &[&url]);
    for _ in 0..3 {
        let reply = client.send(&post(&url, "a=b"), Instant::now() + Duration::from_secs(8)).await.unwrap();
        let expected = format!("HTTP/2.0 https://4a.test:{}/login?x=y None", server.addr.port());
        assert_eq!(String::from_utf8_lossy(&reply.body), expected);
    }
    assert_eq!((server.connections(), server.requests(), client.credential_sends()), (1, 3, 3));
}

#[tokio::test]
async fn http2_replies_that_are_too_large_or_broken_off() {
    let ca = Authority::new("our CA");
    let good = ca.good(&[NAME]);
    let server = TlsServer::start(TlsSettings { h2: true, ..TlsSettings::new(&good) }).await;
    let client = client(&config(trusting(&ca)), &[&server.url(NAME)]);
    let at = |path| server.url(NAME).join(path).unwrap();
    let within = || Instant::now() + Duration::from_secs(8);
    let fault = client.send(&post(&at("/big"), ""), within()).await.unwrap_err();
    assert_eq!((fault.cause, fault.written), (Cause::ResponseTooLarge, true), "{}", fault.explain);
    let fault = client.send(&post(&at("/fail"), ""), within()).await.unwrap_err();
    assert_eq!((fault.cause, fault.written), (Cause::Connect, true), "{}", fault.explain);
    assert_eq!(client.send(&post(&at("/"), ""), within()).await.unwrap().status, 200);
    assert_eq!((server.requests(), client.credential_sends()), (3, 3));
}

#[tokio::test]
async fn a_dead_http2_connection_is_not_used_again() {
    let ca = Authority::new("our CA");
    let good = ca.good(&[NAME]);
    let server = TlsServer::start(TlsSettings { h2: true, ..TlsSettings::new(&good) }).await;
    let target = server.addr;
    // Everything passes on the first connection until a reply has come; then it goes dead.
    let dead = Arc::new(Notify::new());
    let kill = Arc::clone(&dead);
    let relay = FaultServer::play(move |number, mut wire| {
        let dead = Arc::clone(&dead);
        async move {
            let mut upstream = TcpStream::connect(target).await.unwrap();
            let relayed = tokio::io::copy_bidirectional(&mut wire.tcp, &mut upstream);
            if number > 0 {
                let _ = relayed.await;
            } else {
                tokio::select! { _ = relayed => {}, () = dead.notified() => {} }
                wire.hang().await;
            }
        }
    })
    .await;
    let url = url::Url::parse(&format!("https://{NAME}:{}/", relay.addr.port())).unwrap();
    let client = client(&config(trusting(&ca)), &[&url]);
    let within = |ms| Instant::now() + Duration::from_millis(ms);
    client.send(&post(&url, ""), within(8000)).await.unwrap();
    kill.notify_one();
    assert_eq!(client.send(&post(&url, ""), within(300)).await.unwrap_err().cause, Cause::Timeout);
    client.send(&post(&url, ""), within(8000)).await.unwrap();
    assert_eq!(relay.connections(), 2);
}

#[tokio::test]
async fn handshakes_that_go_wrong() {
    let stalled = FaultServer::play(|_, mut wire| async move { wire.hang().await }).await;
    let closing = FaultServer::play(|_, mut wire| async move {
        let mut hello = [0; 16];
        let _ = tokio::io::AsyncReadExt::read(&mut wire.tcp, &mut hello).await;
    })
    .await;
    let plain = FaultServer::play(|_, mut wire| async move {
        wire.say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
        wire.hang().await;
    })
    .await;
    let within = Duration::from_millis(300);
    for (server, explain) in [
        (&stalled, "did not finish within 300 ms: the server sent no more data"),
        (&closing, "during the handshake"),
        (&plain, "the server does not speak TLS on this port"),
    ] {
        let url = url::Url::parse(&format!("https://{NAME}:{}/", server.addr.port())).unwrap();
        let config = TransportConfig { connect_timeout: within, ..config(TlsConfig::default()) };
        let client = client(&config, &[&url]);
        let fault = client.send(&post(&url, ""), Instant::now() + Duration::from_secs(8)).await.unwrap_err();
        assert_eq!((fault.cause, fault.written), (Cause::Tls, false), "{}", fault.explain);
        assert!(fault.explain.contains(explain), "\"{}\" lacks \"{explain}\"", fault.explain);
    }
}

#[tokio::test]
async fn settings_that_cannot_be_used() {
    let ca = Authority::new("our CA");
    let (one, other) = (ca.good(&[NAME]), ca.good(&[NAME]));
    let empty = TlsConfig { ca_pem: Some(Vec::new()), ..TlsConfig::default() };
    let half = TlsConfig { client_cert_pem: Some(one.cert_pem.clone()), ..TlsConfig::default() };
    let mixed = TlsConfig { client_key_pem: Some(other.key_pem.clone()), ..half.clone() };
    let no_key = TlsConfig { client_key_pem: Some(one.cert_pem.clone()), ..half.clone() };
    for (tls, explain) in [
        (empty, "ca_file holds no PEM certificate"),
        (half, "belong together"),
        (mixed, "do not fit: the certificate belongs to another key"),
        (no_key, "no PEM private key"),
    ] {
        let origin = Origin::parse("https://4a.test").unwrap();
        let error = doorward::upstream::Client::new(&config(tls), Egress::default().into(), &[origin]).err();
        // The override of 4a.test is loopback, but the setting is looked at first.
        assert!(matches!(&error, Some(ClientError::Tls(why)) if why.to_string().contains(explain)), "{error:?}");
    }
}

#[tokio::test]
async fn present_shows_the_pin_of_any_server_that_holds_its_key() {
    let ca = Authority::new("our CA");
    let good = ca.good(&["127.0.0.1", NAME]);
    let within = Duration::from_secs(8);
    for versions in [&[&rustls::version::TLS12], &[&rustls::version::TLS13]] {
        let wants_clients = TlsSettings { clients_of: Some(&ca), versions, ..TlsSettings::new(&good) };
        let server = TlsServer::start(wants_clients).await;
        let origin = Origin::of(&server.url("127.0.0.1")).unwrap();
        let presented = present(&origin, within).await.unwrap();
        assert_eq!(presented.pin, good.pin);
        assert_eq!(presented.issuer, "CN=our CA");
        assert_eq!(presented.names, ["127.0.0.1", NAME]);
        assert_eq!(presented.valid, "2020-01-02 to 4000-01-02");
        assert!(presented.trusted.is_err());
        let held = Identity::self_signed(NAME);
        let forged = TlsSettings { forged_key: Some(&held), versions, ..TlsSettings::new(&good) };
        let server = TlsServer::start(forged).await;
        let origin = Origin::of(&server.url("127.0.0.1")).unwrap();
        assert_eq!(present(&origin, within).await.unwrap_err().cause, Cause::Tls);
    }
}
