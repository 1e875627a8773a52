//! The head of a request letter by letter, and how a reply's end is read: what old servers look at and do.

use std::sync::Arc;
use std::time::Duration;

use doorward::request::Spellings;
use doorward::upstream::{Outgoing, TransportConfig};
use http::{HeaderName, HeaderValue, Method};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use crate::support::fault_server::FaultServer;
use crate::support::{client, get, post};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn in_8s() -> Instant {
    Instant::now() + Duration::from_secs(8)
}

/// A server that passes on every request that it reads, and answers with `reply`.
async fn recorder(reply: &'static str) -> (FaultServer, mpsc::Receiver<String>) {
    let (tell, told) = mpsc::channel(16);
    let server = FaultServer::play(move |_, mut wire| {
        let tell = tell.clone();
        async move {
            while let Some(request) = wire.request().await {
                let _ = tell.send(request).await;
                wire.say(reply).await;
            }
        }
    })
    .await;
    (server, told)
}

fn header(name: &'static str) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static(name), HeaderValue::from_static("k1"))
}

/// The names of a head, in order, and the body.
fn names(request: &str) -> (Vec<&str>, &str) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    (head.lines().skip(1).map(|line| line.split(':').next().unwrap()).collect(), body)
}

#[tokio::test]
async fn names_go_out_as_written_in_every_head_of_a_connection() {
    let (server, mut told) = recorder(OK).await;
    let client = client(&TransportConfig::default(), &[&server.url("/")]);
    let body = "Accesstoken: in the body\r\nSoapaction: x\r\n\r\n";
    for written in [["accessToken", "SOAPAction"], ["ACCESSTOKEN", "soapaction"]] {
        let request = Outgoing {
            headers: vec![header("accesstoken"), header("soapaction"), header("x-trace")],
            spellings: Spellings::of(written),
            ..post(&server.url("/Accesstoken"), body)
        };
        client.send(&request, in_8s()).await.unwrap();
        let sent = told.recv().await.unwrap();
        let (mut names, sent_body) = names(&sent);
        names.sort_unstable();
        let mut wanted = written.to_vec();
        wanted.extend(["X-Trace", "Accept", "User-Agent", "Accept-Encoding", "Host", "Content-Length"]);
        wanted.sort_unstable();
        assert_eq!(names, wanted);
        assert_eq!(sent_body, body);
        assert!(sent.starts_with("POST /Accesstoken HTTP/1.1\r\n"), "{sent}");
    }
    // The next one has spellings of its own: none.
    let request = Outgoing { headers: vec![header("accesstoken")], ..get(&server.url("/")) };
    client.send(&request, in_8s()).await.unwrap();
    assert!(told.recv().await.unwrap().contains("\r\nAccesstoken: k1\r\n"));
    assert_eq!(server.connections(), 1);
}

/// A head that the network takes in pieces, and a body that is written with its end.
#[tokio::test]
async fn a_large_head_and_body_arrive_whole() {
    let server = FaultServer::play(|_, mut wire| async move {
        let request = wire.request().await.unwrap();
        let (names, body) = names(&request);
        let own = names.iter().filter(|name| **name == "x-Padding").count();
        let said = format!("{own} {} {}", request.len() - body.len(), body.len());
        wire.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{said}", said.len())).await;
    })
    .await;
    let client = client(&TransportConfig::default(), &[&server.url("/")]);
    let long = HeaderValue::try_from("v".repeat(60_000)).unwrap();
    let request = Outgoing {
        headers: (0..20).map(|_| (HeaderName::from_static("x-padding"), long.clone())).collect(),
        spellings: Spellings::of(["x-Padding"]),
        body: Some("b".repeat(3_000_000).into()),
        ..post(&server.url("/"), "")
    };
    let reply = client.send(&request, in_8s()).await.unwrap();
    let said = String::from_utf8(reply.body.to_vec()).unwrap();
    let parts: Vec<usize> = said.split(' ').map(|part| part.parse().unwrap()).collect();
    assert_eq!((parts[0], parts[2]), (20, 3_000_000), "{said}");
    assert!(parts[1] > 20 * 60_000, "{said}");
}

#[tokio::test]
async fn a_method_that_means_a_body_says_that_there_is_none() {
    let (server, mut told) = recorder(OK).await;
    let client = client(&TransportConfig::default(), &[&server.url("/")]);
    for (method, says) in [
        (Method::POST, true),
        (Method::PUT, true),
        (Method::PATCH, true),
        (Method::GET, false),
        (Method::DELETE, false),
        (Method::HEAD, false),
    ] {
        let request = Outgoing { method: method.clone(), ..get(&server.url("/")) };
        // The reply to HEAD has a body here, which is a doubt of its own.
        let _ = client.send(&request, in_8s()).await;
        let sent = told.recv().await.unwrap();
        assert_eq!(sent.contains("\r\nContent-Length: 0\r\n"), says, "{method}: {sent}");
        assert!(!sent.contains("Transfer-Encoding"), "{method}: {sent}");
    }
}

/// A line end behind the reply: it is taken, its connection is not, and other connections stay.
#[tokio::test]
async fn a_line_end_behind_a_reply_is_no_doubt() {
    let good = FaultServer::always(OK).await;
    for reply in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n\r\n",
    ] {
        let odd = FaultServer::always(reply).await;
        let client = client(&TransportConfig::default(), &[&good.url("/"), &odd.url("/")]);
        client.send(&get(&good.url("/")), in_8s()).await.unwrap();
        let before = good.connections();
        for count in 1..=3 {
            let reply = client.send(&post(&odd.url("/"), "p=x"), in_8s()).await.unwrap();
            assert_eq!(&reply.body[..], b"ok");
            assert_eq!((odd.connections(), odd.requests()), (count, count), "a new connection each time");
        }
        client.send(&get(&good.url("/")), in_8s()).await.unwrap();
        assert_eq!(good.connections(), before, "the other connection is kept");
    }
}

/// The same when it comes late, to a connection that lies idle.
#[tokio::test]
async fn a_line_end_on_an_idle_connection_ends_that_one_only() {
    let dropped = Arc::new(Notify::new());
    let telling = Arc::clone(&dropped);
    let good = FaultServer::always(OK).await;
    let odd = FaultServer::play(move |_, mut wire| {
        let telling = Arc::clone(&telling);
        async move {
            wire.request().await;
            wire.say(OK).await;
            wire.say("\r\n").await;
            wire.hang().await;
            telling.notify_one();
        }
    })
    .await;
    let client = client(&TransportConfig::default(), &[&good.url("/"), &odd.url("/")]);
    client.send(&get(&good.url("/")), in_8s()).await.unwrap();
    // Whether the line end came before the reply was taken or after is a race; either way the connection is closed.
    client.send(&get(&odd.url("/")), in_8s()).await.unwrap();
    dropped.notified().await;
    client.send(&get(&odd.url("/")), in_8s()).await.unwrap();
    assert_eq!((odd.connections(), odd.requests()), (2, 2));
    client.send(&get(&good.url("/")), in_8s()).await.unwrap();
    assert_eq!(good.connections(), 1, "the other connection is kept");
}

#[tokio::test]
async fn any_other_excess_is_a_doubt() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    for excess in
        ["\n", "\r", " ", "\r\n\r\n", "\r\n ", "\r\nx", "\0", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"]
    {
        let odd = FaultServer::always(format!("{head}{excess}")).await;
        let client = client(&TransportConfig::default(), &[&odd.url("/")]);
        let fault = client.send(&get(&odd.url("/")), in_8s()).await.unwrap_err();
        assert_eq!(fault.explain, "more bytes follow the end of the reply", "{excess:?}");
    }
}
