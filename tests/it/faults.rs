//! Every failure has its cause and its line, within the deadline: a server that plays each of them.

mod bytes;

use std::time::Duration;

use doorward::upstream::{Client, Reply, SendFault, TransportConfig};
use doorward::verdict::Cause;
use tokio::net::TcpSocket;
use tokio::time::Instant;
use url::Url;

use crate::support::fault_server::{FaultServer, Wire};
use crate::support::{client, nobody, post};

/// The time that a test gives to an exchange which is expected to run into its deadline.
pub const SHORT: Duration = Duration::from_millis(300);

/// What a loaded test machine gets beyond the deadline each time; `fault_table` shows that it takes 50 ms at most.
const SLACK: Duration = Duration::from_millis(500);

pub const CAP: usize = 64 * 1024;

pub fn config() -> TransportConfig {
    TransportConfig { max_response: CAP, ..TransportConfig::default() }
}

pub async fn ask(client: &Client, url: &Url, within: Duration) -> Result<Reply, SendFault> {
    ask_timed(client, url, within).await.0
}

/// The same with how long after the deadline it ended.
pub async fn ask_timed(client: &Client, url: &Url, within: Duration) -> (Result<Reply, SendFault>, Duration) {
    let deadline = Instant::now() + within;
    let answer = client.send(&post(url, "password=hunter2"), deadline).await;
    let late = Instant::now().saturating_duration_since(deadline);
    assert!(late < SLACK, "later than the deadline by {late:?}");
    (answer, late)
}

/// Plays `reply` after one request and then closes, and returns how the exchange failed.
async fn fault_of(reply: impl Into<Vec<u8>>) -> SendFault {
    let server = closing(reply).await;
    let client = client(&config(), &[&server.url("/")]);
    let fault = ask(&client, &server.url("/login?token=canary"), Duration::from_secs(8)).await.unwrap_err();
    assert!(!fault.explain.contains("canary") && !fault.explain.contains("hunter2"), "{}", fault.explain);
    assert_eq!(server.requests(), 1, "sent once: {}", fault.explain);
    fault
}

pub async fn closing(reply: impl Into<Vec<u8>>) -> FaultServer {
    let reply: Vec<u8> = reply.into();
    FaultServer::play(move |_, mut wire| {
        let reply = reply.clone();
        async move {
            wire.request().await;
            wire.say(&reply).await;
        }
    })
    .await
}

/// Runs `play` after the request of every connection; the exchange has `within`.
async fn fault_when<F, Fut>(within: Duration, play: F) -> SendFault
where
    F: Fn(Wire) -> Fut + Send + Sync + Copy + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let server = FaultServer::play(move |_, mut wire| async move {
        wire.request().await;
        play(wire).await;
    })
    .await;
    let client = client(&config(), &[&server.url("/")]);
    let fault = ask(&client, &server.url("/"), within).await.unwrap_err();
    assert!(fault.written, "{}", fault.explain);
    fault
}

#[track_caller]
fn expect(fault: &SendFault, cause: Cause, explain: &str) {
    assert_eq!(fault.cause, cause, "{}", fault.explain);
    assert!(whole(&fault.explain).contains(explain), "\"{}\" lacks \"{explain}\"", fault.explain);
}

/// The line with the whole of [`SHORT`] for what was left of it: on a busy machine some of it is over before the exchange
/// begins.
fn whole(explain: &str) -> String {
    let Some((before, (left, after))) =
        explain.split_once("within ").and_then(|(before, rest)| Some((before, rest.split_once(" ms")?)))
    else {
        return explain.to_owned();
    };
    match left.parse::<u128>() {
        Ok(left) if (1..SHORT.as_millis()).contains(&left) => {
            format!("{before}within {} ms{after}", SHORT.as_millis())
        }
        _ => explain.to_owned(),
    }
}

#[tokio::test]
async fn replies_whose_framing_is_in_doubt() {
    let not_http = "not well-formed HTTP/1.1";
    let cases: &[(&str, &str)] = &[
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "both Content-Length",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", not_http),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", "more than one Content-Length"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", "more than one Content-Length"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok", not_http),
        ("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", not_http),
        ("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", not_http),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nok", not_http),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nok", not_http),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "other than \"chunked\""),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "other than \"chunked\"",
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\nok", "other than \"chunked\""),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", not_http),
        ("HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 2\r\n\r\nok", not_http),
        ("HTTP/1.1 200 OK\rContent-Length: 2\r\r\nok", not_http),
        ("HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\nok", not_http),
        ("HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok", not_http),
        ("HTTP/1.1 200 OK\r\nX\0: a\r\nContent-Length: 2\r\n\r\nok", not_http),
        ("HTTP/1.1 200 O\0K\r\nContent-Length: 2\r\n\r\nok", not_http),
        ("HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 2\r\n\r\nok", not_http),
        ("HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", not_http),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\nok", not_http),
        ("HTTP/1.1 2x0 OK\r\n\r\n", not_http),
        ("HTTP/1.1 20\r\n\r\n", not_http),
        ("HTTP/3.0 200 OK\r\n\r\n", not_http),
        ("<html>hello</html>\r\n\r\n", not_http),
        ("ICY 200 OK\r\n\r\n", not_http),
        ("SSH-2.0-OpenSSH_9.6\r\n", not_http),
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "switched protocols"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n", "chunked framing"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n", "chunked framing"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n", "chunked framing"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n", "chunked framing"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nok\r\n0\r\n\r\n",
            "chunked framing",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            "more bytes follow",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\n", "more bytes follow"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n!", "more bytes follow"),
        ("HTTP/1.1 204 No Content\r\n\r\n!", "more bytes follow"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n!", "more bytes follow"),
    ];
    for (reply, explain) in cases {
        let fault = fault_of(*reply).await;
        assert_eq!(fault.cause, Cause::UnexpectedReply, "{reply:?}: {}", fault.explain);
        assert!(fault.explain.contains(explain), "{reply:?}: {}", fault.explain);
        assert!(fault.written, "{reply:?}");
    }
}

#[tokio::test]
async fn replies_that_only_look_odd() {
    for (reply, status, body) in [
        ("HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 200, "ok"),
        ("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200, "ok"),
        ("HTTP/1.0 200 OK\r\n\r\nok", 200, "ok"),
        ("HTTP/1.1 200 OK\r\n\r\nok", 200, "ok"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nT: t\r\n\r\n", 200, "ok"),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
            403,
            "",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\r\n", 200, "ok"),
        ("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", 302, ""),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", 200, "ok"),
    ] {
        let server = closing(reply).await;
        let client = client(&config(), &[&server.url("/")]);
        let got = ask(&client, &server.url("/"), Duration::from_secs(8)).await.unwrap();
        assert_eq!((got.status, &got.body[..]), (status, body.as_bytes()), "{reply:?}");
        assert_eq!(server.requests(), 1);
    }
}

#[tokio::test]
async fn connections_that_break() {
    expect(&fault_of("").await, Cause::Connect, "closed the connection after the request was sent");
    expect(&fault_of("HTTP/1.1 200 OK\r\nContent-Le").await, Cause::Connect, "closed the connection after the request");
    expect(&fault_of("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok").await, Cause::Connect, "after 2 bytes of it");
    let cut = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n";
    expect(&fault_of(cut).await, Cause::Connect, "after 2 bytes of it");
}

#[tokio::test]
async fn resets_at_each_stage() {
    let within = Duration::from_secs(8);
    expect(&fault_when(within, |wire| async { wire.reset() }).await, Cause::Connect, "the server reset the connection");
    let in_head = fault_when(within, |mut wire| async {
        wire.say("HTTP/1.1 200 OK\r\nX").await;
        wire.reset();
    });
    expect(&in_head.await, Cause::Connect, "the server reset the connection");
    let in_body = fault_when(within, |mut wire| async {
        wire.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok").await;
        wire.reset();
    });
    expect(&in_body.await, Cause::Connect, "the connection broke in the reply's body");

    let server = FaultServer::play(|_, wire| async { wire.reset() }).await;
    let client = client(&config(), &[&server.url("/")]);
    let fault = ask(&client, &server.url("/"), within).await.unwrap_err();
    expect(&fault, Cause::Connect, "the");
    assert_eq!(server.connections(), 1, "a new connection is not tried twice");
}

#[tokio::test]
async fn silence_runs_into_the_deadline() {
    let silent = fault_when(SHORT, |mut wire| async move { wire.hang().await }).await;
    expect(&silent, Cause::Timeout, "no reply within 300 ms (the request was sent; the server did not respond)");
    let half_a_head = fault_when(SHORT, |mut wire| async move {
        wire.say("HTTP/1.1 200 OK\r\n").await;
        wire.hang().await;
    });
    expect(
        &half_a_head.await,
        Cause::Timeout,
        "the reply's headers did not end within 300 ms (17 bytes of a reply came)",
    );
    let half_a_body = fault_when(SHORT, |mut wire| async move {
        wire.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok").await;
        wire.hang().await;
    });
    expect(&half_a_body.await, Cause::Timeout, "the reply's body did not end within 300 ms (2 bytes of it came)");
}

#[tokio::test]
async fn a_byte_at_a_time_runs_into_the_deadline() {
    async fn drip(mut wire: Wire) {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        while wire.say("x").await {
            ticks.tick().await;
        }
    }
    let head = fault_when(SHORT, |mut wire| async move {
        wire.say("HTTP/1.1 200 OK\r\nX: ").await;
        drip(wire).await;
    });
    expect(&head.await, Cause::Timeout, "the reply's headers did not end");
    let body = fault_when(SHORT, |mut wire| async move {
        wire.say("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n").await;
        drip(wire).await;
    });
    expect(&body.await, Cause::Timeout, "the reply's body did not end");
}

#[tokio::test]
async fn a_kept_connection_that_went_dead() {
    let server = FaultServer::play(|_, mut wire| async move {
        wire.request().await;
        wire.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        wire.hang().await;
    })
    .await;
    let client = client(&config(), &[&server.url("/")]);
    ask(&client, &server.url("/"), Duration::from_secs(8)).await.unwrap();
    let fault = ask(&client, &server.url("/"), SHORT).await.unwrap_err();
    expect(&fault, Cause::Timeout, "sent on a kept connection");
    assert!(fault.written);
}

#[tokio::test]
async fn a_request_that_meets_a_closing_connection_is_not_repeated() {
    let server = FaultServer::play(|_, mut wire| async move {
        wire.request().await;
        wire.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        wire.request().await;
    })
    .await;
    let client = client(&config(), &[&server.url("/")]);
    ask(&client, &server.url("/"), Duration::from_secs(8)).await.unwrap();
    let fault = ask(&client, &server.url("/"), Duration::from_secs(8)).await.unwrap_err();
    expect(&fault, Cause::Connect, "closed the connection after the request was sent");
    assert_eq!((server.connections(), server.requests(), client.credential_sends()), (1, 2, 2));
}

#[tokio::test]
async fn nobody_listens() {
    let url = nobody();
    let addr = format!("127.0.0.1:{}", url.port().unwrap());
    let client = client(&config(), &[&url]);
    let fault = ask(&client, &url, Duration::from_secs(8)).await.unwrap_err();
    expect(&fault, Cause::Connect, &format!("connecting to {addr} was refused: nothing listens there"));
    assert!(!fault.written);
    assert_eq!(client.credential_sends(), 0);
}

#[tokio::test]
async fn a_black_hole() {
    // A listener that accepts nothing and whose queue is full drops what comes.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let addr = listener.local_addr().unwrap();
    let mut fill = Vec::new();
    while let Ok(Ok(tcp)) = tokio::time::timeout(SHORT, tokio::net::TcpStream::connect(addr)).await {
        fill.push(tcp);
    }
    let url = Url::parse(&format!("http://{addr}/")).unwrap();
    let by_connect_timeout = TransportConfig { connect_timeout: SHORT, ..config() };
    let fault = ask(&client(&by_connect_timeout, &[&url]), &url, Duration::from_secs(8)).await.unwrap_err();
    expect(&fault, Cause::Connect, &format!("connecting to {addr} got no answer within 300 ms"));
    assert!(!fault.written);
    let fault = ask(&client(&config(), &[&url]), &url, SHORT).await.unwrap_err();
    expect(&fault, Cause::Timeout, &format!("connecting to {addr} got no answer within 300 ms"));
    assert!(!fault.written);
}
