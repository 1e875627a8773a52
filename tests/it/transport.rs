//! Connections: reuse, the wire form of a request, in-flight limits, nodes, proxies.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use doorward::upstream::{
    Client, ClientError, Egress, EgressRules, Nodes, Origin, Outgoing, Refused, TlsConfig, TransportConfig,
};
use doorward::verdict::Cause;
use http::{HeaderName, HeaderValue, Method};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use url::Url;

use crate::support::certs::Authority;
use crate::support::fault_server::FaultServer;
use crate::support::tls_server::{TlsServer, TlsSettings};
use crate::support::{client, get, nobody, post};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\n\r\nok";

fn in_8s() -> Instant {
    Instant::now() + Duration::from_secs(8)
}

/// A server that passes on every request that it reads.
async fn recorder() -> (FaultServer, mpsc::Receiver<String>) {
    let (tell, told) = mpsc::channel(16);
    let server = FaultServer::play(move |_, mut wire| {
        let tell = tell.clone();
        async move {
            while let Some(request) = wire.request().await {
                let _ = tell.send(request).await;
                wire.say(OK).await;
            }
        }
    })
    .await;
    (server, told)
}

#[tokio::test]
async fn one_connection_serves_one_request_after_another() {
    let server = FaultServer::always(OK).await;
    let client = client(&TransportConfig::default(), &[&server.url("/")]);
    for number in 0..5 {
        let reply = client.send(&get(&server.url("/a?b=c")), in_8s()).await.unwrap();
        assert_eq!((reply.status, &reply.body[..]), (200, &b"ok"[..]));
        assert_eq!(reply.headers["set-cookie"], "a=b");
        assert_eq!(reply.timings.connected.is_some(), number == 0);
        assert!(reply.timings.head <= reply.timings.total);
    }
    assert_eq!((server.connections(), server.requests(), client.credential_sends()), (1, 5, 0));
}

#[tokio::test]
async fn a_request_on_the_wire() {
    let (server, mut told) = recorder().await;
    let client = client(&TransportConfig::default(), &[&server.url("/")]);
    let header = |name: &'static str, value| (HeaderName::from_static(name), HeaderValue::from_static(value));
    let request = Outgoing {
        headers: vec![
            header("x-a", "1"),
            header("x-a", "2"),
            header("transfer-encoding", "chunked"),
            header("content-length", "999"),
            header("connection", "upgrade"),
            header("user-agent", "custom"),
        ],
        ..post(&server.url("/p%20a|th?q=%7B'&r=ü"), "a=b")
    };
    client.send(&request, in_8s()).await.unwrap();
    let expected = format!(
        "POST /p%20a|th?q=%7B%27&r=%C3%BC HTTP/1.1\r\nX-A: 1\r\nX-A: 2\r\nUser-Agent: custom\r\nAccept: */*\r\n\
         Accept-Encoding: gzip, deflate, br, zstd\r\nHost: {}\r\nContent-Length: 3\r\n\r\na=b",
        server.addr
    );
    let mut sent: Vec<_> = told.recv().await.unwrap().lines().map(str::to_owned).collect();
    let mut expected: Vec<_> = expected.lines().map(str::to_owned).collect();
    sent.sort();
    expected.sort();
    assert_eq!(sent, expected);
    // The cookie of the first reply is not the client's business, and nothing says where the user came from.
    client.send(&get(&server.url("/")), in_8s()).await.unwrap();
    let second = told.recv().await.unwrap().to_lowercase();
    for absent in ["cookie", "referer", "content-length", "transfer-encoding", "authorization"] {
        assert!(!second.contains(absent), "{second}");
    }
    let empty = Outgoing { method: Method::GET, ..post(&server.url("/"), "") };
    client.send(&empty, in_8s()).await.unwrap();
    assert!(told.recv().await.unwrap().to_lowercase().contains("content-length: 0"));
}

#[tokio::test]
async fn idle_connections_are_closed_when_their_time_is_over() {
    let closed = Arc::new(Notify::new());
    let telling = Arc::clone(&closed);
    let server = FaultServer::play(move |_, mut wire| {
        let telling = Arc::clone(&telling);
        async move {
            while wire.request().await.is_some() {
                wire.say(OK).await;
            }
            telling.notify_one();
        }
    })
    .await;
    let config = TransportConfig { keep_alive: Duration::from_millis(100), ..TransportConfig::default() };
    let client = client(&config, &[&server.url("/")]);
    client.send(&get(&server.url("/")), in_8s()).await.unwrap();
    closed.notified().await;
    client.send(&get(&server.url("/")), in_8s()).await.unwrap();
    assert_eq!(server.connections(), 2);
    drop(client);
    closed.notified().await;
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced_and_the_request_sent_once() {
    let closing = Arc::new(Notify::new());
    let told = Arc::clone(&closing);
    let server = FaultServer::play(move |number, mut wire| {
        let told = Arc::clone(&told);
        async move {
            wire.request().await;
            wire.say(OK).await;
            if number == 0 {
                drop(wire);
                told.notify_one();
            } else {
                wire.hang().await;
            }
        }
    })
    .await;
    let client = client(&TransportConfig::default(), &[&server.url("/")]);
    client.send(&post(&server.url("/"), "a"), in_8s()).await.unwrap();
    closing.notified().await;
    client.send(&post(&server.url("/"), "a"), in_8s()).await.unwrap();
    assert_eq!((server.connections(), server.requests(), client.credential_sends()), (2, 2, 2));
}

/// Each connector (and each revision of one) has a client of its own, and no client uses another's connections, idle as they
/// are: a client certificate or a doubt about a reply stays with the connector that it belongs to (docs/security.md, failure 20).
#[tokio::test]
async fn clients_of_one_origin_share_no_connection() {
    let server = FaultServer::always(OK).await;
    let url = server.url("/");
    let (one, other) = (client(&TransportConfig::default(), &[&url]), client(&TransportConfig::default(), &[&url]));
    for _ in 0..3 {
        one.send(&get(&url), in_8s()).await.unwrap();
        other.send(&get(&url), in_8s()).await.unwrap();
    }
    assert_eq!((server.connections(), server.requests()), (2, 6));
}

#[tokio::test]
async fn replies_that_end_the_connection_are_not_reused() {
    for reply in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: Close\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=1, max=100\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ] {
        let server = FaultServer::always(reply).await;
        let client = client(&TransportConfig::default(), &[&server.url("/")]);
        for _ in 0..2 {
            client.send(&get(&server.url("/")), in_8s()).await.unwrap();
        }
        assert_eq!(server.connections(), 2, "{reply}");
    }
}

#[tokio::test]
async fn beyond_the_places_and_the_queue_a_login_is_told_at_once() {
    let server = FaultServer::play(|_, mut wire| async move { wire.hang().await }).await;
    let config = TransportConfig { max_in_flight: 1, ..TransportConfig::default() };
    let client = client(&config, &[&server.url("/")]);
    let request = post(&server.url("/"), "a");
    let slow = client.send(&request, Instant::now() + Duration::from_millis(600));
    let (first, second, third) = tokio::join!(slow, client.send(&request, in_8s()), client.send(&request, in_8s()));
    assert_eq!(first.unwrap_err().cause, Cause::Timeout);
    let (second, third) = (second.unwrap_err(), third.unwrap_err());
    assert_eq!((second.cause, second.written), (Cause::Overloaded, false));
    assert!(second.explain.contains("none ended within 250 ms"), "{}", second.explain);
    assert_eq!((third.cause, third.written), (Cause::Overloaded, false));
    assert!(third.explain.contains("as many wait"), "{}", third.explain);
    assert_eq!(client.credential_sends(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_the_reply_of_another() {
    let server = FaultServer::play(|_, mut wire| async move {
        while let Some(request) = wire.request().await {
            let body = request.split_once("\r\n\r\n").unwrap().1.to_owned();
            if body.ends_with('7') {
                // Later than anybody waits.
                return wire.hang().await;
            }
            wire.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await;
        }
    })
    .await;
    let config = TransportConfig { max_in_flight: 64, ..TransportConfig::default() };
    let client = Arc::new(client(&config, &[&server.url("/")]));
    let url = server.url("/");
    let logins = (0..40).map(|user| {
        let (client, url) = (Arc::clone(&client), url.clone());
        tokio::spawn(async move {
            for round in 0..25 {
                let body = format!("user={user}&round={round}");
                let late = body.ends_with('7');
                let within = Duration::from_millis(if late { 5 } else { 8000 });
                let request = Outgoing { body: Some(body.clone().into()), ..post(&url, "") };
                match client.send(&request, Instant::now() + within).await {
                    Ok(reply) => assert_eq!(reply.body, body),
                    Err(fault) => assert_eq!((fault.cause, late), (Cause::Timeout, true), "{}", fault.explain),
                }
            }
        })
    });
    for login in logins.collect::<Vec<_>>() {
        login.await.unwrap();
    }
}

#[tokio::test]
async fn a_place_is_free_again_after_every_kind_of_end() {
    let server = FaultServer::play(|number, mut wire| async move {
        wire.request().await;
        match number {
            0 => wire.hang().await,
            1 => wire.reset(),
            _ => drop(wire.say(OK).await),
        }
    })
    .await;
    let config = TransportConfig { max_in_flight: 1, ..TransportConfig::default() };
    let client = client(&config, &[&server.url("/")]);
    let request = get(&server.url("/"));
    assert!(client.send(&request, Instant::now() + Duration::from_millis(100)).await.is_err());
    assert!(client.send(&request, in_8s()).await.is_err());
    assert!(client.send(&request, in_8s()).await.is_ok());
}

#[tokio::test]
async fn the_next_node_is_asked_only_when_connecting_failed() {
    let dead = nobody();
    let mute = FaultServer::play(|_, mut wire| async move { drop(wire.request().await) }).await;
    let good = FaultServer::always(OK).await;
    let origins = [&dead, &mute.url("/"), &good.url("/")].map(|url| Origin::of(url).unwrap());
    let client = client(&TransportConfig::default(), &[&dead, &mute.url("/"), &good.url("/")]);
    let nodes = Nodes::new(origins).unwrap();
    let mut pick = nodes.start();
    let mut asked = Vec::new();
    let fault = loop {
        let url = Url::parse(&pick.origin().to_string()).unwrap();
        asked.push(pick.index());
        let fault = client.send(&post(&url, "a"), in_8s()).await.unwrap_err();
        if !pick.next_after(&fault) {
            break fault;
        }
    };
    // The second node took the request and closed: the third must not get it.
    assert_eq!((asked, fault.written, good.connections()), (vec![0, 1], true, 0));
    assert_eq!(client.credential_sends(), 1);
}

#[tokio::test]
async fn no_time_left_sends_nothing() {
    let server = FaultServer::always(OK).await;
    let client = client(&TransportConfig::default(), &[&server.url("/")]);
    let fault = client.send(&post(&server.url("/"), "a"), Instant::now()).await.unwrap_err();
    assert_eq!((fault.cause, fault.written, server.connections()), (Cause::Timeout, false, 0));
}

fn through(
    proxy: &FaultServer,
    rules: &EgressRules,
    config: TransportConfig,
    origin: &str,
) -> Result<Client, ClientError> {
    let mut url = proxy.url("/");
    url.set_username("door").unwrap();
    url.set_password(Some("p%40ss:")).unwrap();
    let config = TransportConfig { proxy: Some(url), ..config };
    Client::new(&config, Egress::new(rules).unwrap().into(), &[Origin::parse(origin).unwrap()])
}

fn listing(proxy: &FaultServer) -> EgressRules {
    EgressRules { proxies: vec![proxy.url("/").into()], ..EgressRules::default() }
}

const DOOR: &str = "Basic ZG9vcjpwQHNzOg==";

#[tokio::test]
async fn a_plain_request_through_a_listed_proxy() {
    let (proxy, mut told) = recorder().await;
    let client = through(&proxy, &listing(&proxy), TransportConfig::default(), "http://4a.test").unwrap();
    client.send(&get(&Url::parse("http://4a.test/x?y").unwrap()), in_8s()).await.unwrap();
    let request = told.recv().await.unwrap();
    assert!(request.starts_with("GET http://4a.test/x?y HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nHost: 4a.test\r\n"), "{request}");
    assert!(request.contains(&format!("\r\nProxy-Authorization: {DOOR}\r\n")), "{request}");
}

#[tokio::test]
async fn tls_through_a_tunnel() {
    let ca = Authority::new("our CA");
    let good = ca.good(&["4a.test"]);
    let server = TlsServer::start(TlsSettings::new(&good)).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let (counting, target) = (Arc::clone(&asked), server.addr);
    let proxy = FaultServer::play(move |_, mut wire| {
        let counting = Arc::clone(&counting);
        async move {
            let request = wire.request().await.unwrap();
            if request.starts_with("CONNECT 4a.test:443 HTTP/1.1\r\n") && request.contains(DOOR) {
                counting.fetch_add(1, Ordering::SeqCst);
            }
            wire.say("HTTP/1.1 200 Connection established\r\nVia: proxy\r\n\r\n").await;
            let mut upstream = TcpStream::connect(target).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut wire.tcp, &mut upstream).await;
        }
    })
    .await;
    let tls = TlsConfig { ca_pem: Some(ca.pem.clone()), ..TlsConfig::default() };
    let config = TransportConfig { tls, ..TransportConfig::default() };
    let client = through(&proxy, &listing(&proxy), config, "https://4a.test").unwrap();
    let url = Url::parse("https://4a.test/login").unwrap();
    for _ in 0..2 {
        let reply = client.send(&post(&url, "a=b"), in_8s()).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&reply.body), "HTTP/1.1 /login Some(\"4a.test\")");
    }
    assert_eq!((asked.load(Ordering::SeqCst), server.connections()), (1, 1));
}

#[tokio::test]
async fn a_proxy_that_opens_no_tunnel() {
    for (answer, explain) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "wants a user and a password (407)"),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", "forbids 4a.test:443 (403)"),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "opened no tunnel to 4a.test:443 (status 502)"),
        ("HTTP/1.1 200 OK\r\n\r\nand more", "did not answer CONNECT in HTTP/1.1"),
        ("SOCKS?\r\n\r\n", "did not answer CONNECT in HTTP/1.1"),
        ("HTTP/1.1 200", "closed the connection instead of opening a tunnel"),
    ] {
        let proxy = FaultServer::play(move |_, mut wire| async move {
            wire.request().await;
            wire.say(answer).await;
        })
        .await;
        let client = through(&proxy, &listing(&proxy), TransportConfig::default(), "https://4a.test").unwrap();
        let fault = client.send(&post(&Url::parse("https://4a.test").unwrap(), ""), in_8s()).await.unwrap_err();
        assert_eq!((fault.cause, fault.written), (Cause::Connect, false));
        assert!(fault.explain.contains(explain), "\"{}\" lacks \"{explain}\"", fault.explain);
        assert!(!fault.explain.contains("door") && !fault.explain.contains("p@ss"), "{}", fault.explain);
    }
}

#[tokio::test]
async fn what_the_operator_does_not_list_is_no_proxy_and_names_behind_one_are_checked() {
    let proxy = FaultServer::always(OK).await;
    let refused = |rules: EgressRules, origin: &str| match through(&proxy, &rules, TransportConfig::default(), origin) {
        Err(ClientError::Egress { why, .. }) => Some(why),
        _ => None,
    };
    assert!(matches!(refused(EgressRules::default(), "http://4a.test"), Some(Refused::Proxy { .. })));
    let allow = |rule: &str| EgressRules { allow: vec![rule.to_owned()], ..listing(&proxy) };
    let deny = |rule: &str| EgressRules { deny: vec![rule.to_owned()], ..listing(&proxy) };
    assert_eq!(refused(allow("4a.test"), "http://4a.test"), None);
    assert!(matches!(refused(allow("10.0.0.0/8"), "http://4a.test"), Some(Refused::NotAllowed { .. })));
    assert!(matches!(refused(deny("4a.test"), "http://4A.Test."), Some(Refused::DeniedName { .. })));
    assert!(matches!(refused(listing(&proxy), "http://169.254.169.254"), Some(Refused::Never { .. })));
    assert!(matches!(refused(listing(&proxy), "http://127.0.0.1"), Some(Refused::Loopback { .. })));
    for name in ["localhost", "x.localhost", "metadata.google.internal"] {
        assert!(matches!(refused(listing(&proxy), &format!("http://{name}")), Some(Refused::NameBehindProxy { .. })));
    }
    assert_eq!(proxy.connections(), 0);
}
