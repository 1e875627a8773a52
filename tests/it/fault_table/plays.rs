//! A server for each line of the table, under the name that the page gives it.

use std::sync::Arc;
use std::time::Duration;

use doorward::upstream::{Client, Egress, EgressRules, Origin, SendFault, TlsConfig, TransportConfig};
use tokio::net::{TcpSocket, TcpStream};
use url::Url;

use super::FaultSeen;
use super::over_tls::{closed_after_the_handshake, cut_off_tls, over_tls, without_roots};
use crate::faults::{CAP, SHORT, ask, ask_timed, closing, config};
use crate::support::fault_server::{FaultServer, Wire};
use crate::support::lookup::Answers;
use crate::support::{client, nobody};
use crate::tls::{self, NAME};

pub const LONG: Duration = Duration::from_secs(8);
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
pub const HEAD: &str = "HTTP/1.1 200 OK\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// No lines of the table: the deadline comes before `connect_timeout`.
pub const SILENT_NAMES: &str = "deadline while a name is resolved";
pub const SILENT_HANDSHAKE: &str = "deadline in the handshake";

/// Plays the line `what`, each way of it.
pub async fn of(what: &str) -> Vec<FaultSeen> {
    let what = what.trim_end_matches(" (doubt)");
    if let Some(replies) = replies(what) {
        let mut outcomes = Vec::new();
        for reply in replies {
            outcomes.push(against(&closing(reply).await, LONG).await);
        }
        return outcomes;
    }
    match what {
        "the port is closed" => vec![to_nobody().await],
        "black hole, within connect_timeout" => vec![black_hole(SHORT, LONG).await],
        "deadline while connecting" => vec![black_hole(LONG, SHORT).await],
        "address outside the bound" => vec![resolved(&Answers::of(&[&["169.254.169.254"]]), "4a.example.com").await],
        "the connector does not name the origin" => vec![resolved(&Answers::of(&[]), "other.example.com").await],
        "name unknown" => vec![resolved(&Answers::of(&[]), "4a.example.com").await],
        "name without address" => vec![resolved(&Answers::of(&[&[]]), "4a.example.com").await],
        SILENT_NAMES => vec![silent_names().await],
        SILENT_HANDSHAKE => vec![silent_handshake().await],
        "name servers silent" => vec![resolved(&Answers::silent(), "4a.example.com").await],
        "proxy refuses, fails or talks nonsense" => through_proxies().await,
        "closed right after connecting" => vec![closed_after_the_handshake().await],
        "no place" => no_place().await,
        "silence on a kept connection (half-open)" => vec![half_open().await],
        "no system roots" => vec![without_roots().await],
        _ => match over_tls(what).await {
            outcomes if outcomes.is_empty() => on_the_wire(what).await,
            outcomes => outcomes,
        },
    }
}

/// Lines that one reply makes true.
fn replies(what: &str) -> Option<Vec<String>> {
    let with = |head: &str, body: &str| format!("{HEAD}{head}\r\n\r\n{body}");
    let chunks = |body: &str| format!("{CHUNKED}{body}");
    Some(match what {
        "closed after the request" => vec![String::new(), format!("{HEAD}Content-Le")],
        "Content-Length differing, repeated, no number" => {
            ["2\r\nContent-Length: 3", "2\r\nContent-Length: 2", "2, 2", "2, 3", "+2", "0x2"]
                .map(|length| with(&format!("Content-Length: {length}"), "ok"))
                .into()
        }
        "bare CR, NUL, folded header, space before the colon, HTTP/3.0, no HTTP" => vec![
            with("X: a\rb", ""),
            with("X: a\0b", ""),
            with("X: a\r\n folded", ""),
            with("Content-Length : 2", "ok"),
            "HTTP/3.0 200 OK\r\n\r\n".to_owned(),
            "<html>hello</html>\r\n\r\n".to_owned(),
        ],
        "Content-Length with Transfer-Encoding" => {
            vec![with("Content-Length: 2\r\nTransfer-Encoding: chunked", "2\r\nok\r\n0\r\n\r\n")]
        }
        "Transfer-Encoding other than chunked, or twice" => {
            ["gzip, chunked", "xchunked", "chunked\r\nTransfer-Encoding: chunked"]
                .map(|coding| with(&format!("Transfer-Encoding: {coding}"), "0\r\n\r\n"))
                .into()
        }
        "chunk sizes, line ends, extensions, trailers out of order" => vec![
            chunks("zz\r\nok\r\n0\r\n\r\n"),
            chunks("2\nok\r\n0\r\n\r\n"),
            chunks("2\r\nokay\r\n0\r\n\r\n"),
            chunks("fffffffffffffffff\r\nok\r\n0\r\n\r\n"),
            chunks(&format!("1;{}\r\nx\r\n", "e".repeat(20_000))),
            chunks(&format!("0\r\n{}\r\n", "T: t\r\n".repeat(4_000))),
        ],
        "a body that is all chunk headers" => vec![chunks(&"0000000000000001\r\nx\r\n".repeat(CAP))],
        "bytes after the reply, a second reply in the same packet" => {
            vec![with("Content-Length: 2", "ok!"), format!("{OK}{OK}"), chunks("2\r\nok\r\n0\r\n\r\n!")]
        }
        "101" => {
            vec!["HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n".to_owned()]
        }
        "a coding that was not asked for" => vec![with("Content-Encoding: compress\r\nContent-Length: 1", "x")],
        "codings stacked, a bomb in a bomb" => ["gzip, gzip", "gzip\r\nContent-Encoding: br"]
            .map(|coding| with(&format!("Content-Encoding: {coding}\r\nContent-Length: 1"), "x"))
            .into(),
        "encoded body broken, cut off, followed by more" => {
            vec![with("Content-Encoding: gzip\r\nContent-Length: 12", "{\"code\":200}")]
        }
        _ => return None,
    })
}

/// Asks a server that is expected to fail, beside a good one of the same connector.
async fn against(bad: &FaultServer, within: Duration) -> FaultSeen {
    let good = FaultServer::always(OK).await;
    let client = client(&config(), &[&good.url("/"), &bad.url("/")]);
    ask(&client, &good.url("/"), LONG).await.unwrap();
    let outcome = asked(&client, &bad.url("/login?token=canary"), within).await;
    ask(&client, &good.url("/"), LONG).await.unwrap();
    FaultSeen { given_up: Some(good.connections() == 2), ..outcome }
}

/// Asks one server alone, and fails.
pub async fn asked(client: &Client, url: &Url, within: Duration) -> FaultSeen {
    let (answer, late) = ask_timed(client, url, within).await;
    FaultSeen { fault: answer.unwrap_err(), given_up: None, late }
}

pub fn alone(fault: SendFault) -> FaultSeen {
    FaultSeen { fault, given_up: None, late: Duration::ZERO }
}

/// Lines that a server makes true by what it does after the request.
async fn on_the_wire(what: &str) -> Vec<FaultSeen> {
    async fn after<F, Fut>(within: Duration, play: F) -> FaultSeen
    where
        F: Fn(Wire) -> Fut + Send + Sync + Copy + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let server = FaultServer::play(move |_, mut wire| async move {
            wire.request().await;
            play(wire).await;
        });
        against(&server.await, within).await
    }
    async fn once(mut wire: Wire, text: String) {
        wire.say(text).await;
    }
    async fn drip(mut wire: Wire) {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        while wire.say("x").await {
            ticks.tick().await;
        }
    }
    match what {
        "reset after the request, or in the headers" => vec![
            after(LONG, |wire| async { wire.reset() }).await,
            after(LONG, |mut wire| async {
                wire.say(HEAD).await;
                wire.reset();
            })
            .await,
        ],
        "closed or reset in the body, Content-Length too large, chunks cut off, TLS cut off without close_notify" => {
            vec![
                after(LONG, |wire| once(wire, format!("{HEAD}Content-Length: 9\r\n\r\nok"))).await,
                after(LONG, |wire| once(wire, format!("{CHUNKED}2\r\nok\r\n"))).await,
                after(LONG, |mut wire| async move {
                    wire.say(format!("{HEAD}Content-Length: 9\r\n\r\nok")).await;
                    wire.reset();
                })
                .await,
                cut_off_tls().await,
            ]
        }
        "silence after the request" => vec![after(SHORT, |mut wire| async move { wire.hang().await }).await],
        "headers a byte at a time" => vec![
            after(SHORT, |mut wire| async move {
                wire.say(format!("{HEAD}X: ")).await;
                drip(wire).await;
            })
            .await,
        ],
        "body a byte at a time" => vec![
            after(SHORT, |mut wire| async move {
                wire.say(format!("{HEAD}Content-Length: 9000\r\n\r\n")).await;
                drip(wire).await;
            })
            .await,
        ],
        "body over the cap: announced, chunked without end, until close, 10 GB, a bomb" => vec![
            after(LONG, |wire| once(wire, format!("{HEAD}Content-Length: 10000000000\r\n\r\n"))).await,
            after(LONG, |mut wire| async move {
                wire.say(CHUNKED).await;
                while wire.say("8\r\nxxxxxxxx\r\n").await {}
            })
            .await,
            after(LONG, |mut wire| async move {
                wire.say(format!("{HEAD}\r\n")).await;
                while wire.say("x".repeat(8192)).await {}
            })
            .await,
            after(LONG, |mut wire| async move {
                // Stored blocks of zeros (RFC 1951 3.2.4) without end.
                wire.say(format!("{HEAD}Content-Encoding: deflate\r\n\r\n")).await;
                while wire.say([&[0, 0xff, 0xff, 0, 0], &[0; 0xffff][..]].concat()).await {}
            })
            .await,
        ],
        "headers over their limits" => vec![
            after(LONG, |mut wire| async move {
                wire.say(HEAD).await;
                while wire.say(format!("X: {}\r\n", "x".repeat(8000))).await {}
            })
            .await,
            after(LONG, |wire| once(wire, format!("{HEAD}{}\r\n", "X: y\r\n".repeat(101)))).await,
        ],
        "1xx without end" => vec![
            after(
                LONG,
                |mut wire| async move { while wire.say("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n").await {} },
            )
            .await,
        ],
        unknown => panic!("no play for the line \"{unknown}\" of docs/transport.md"),
    }
}

async fn to_nobody() -> FaultSeen {
    let url = nobody();
    asked(&client(&config(), &[&url]), &url, LONG).await
}

/// A listener that accepts nothing and whose queue is full drops what comes.
async fn black_hole(connect_timeout: Duration, within: Duration) -> FaultSeen {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let addr = listener.local_addr().unwrap();
    let mut fill = Vec::new();
    while let Ok(Ok(tcp)) = tokio::time::timeout(SHORT, TcpStream::connect(addr)).await {
        fill.push(tcp);
    }
    let url = Url::parse(&format!("http://{addr}/")).unwrap();
    let config = TransportConfig { connect_timeout, ..config() };
    asked(&client(&config, &[&url]), &url, within).await
}

/// A connector of http://4a.example.com asks `host`, with these answers of DNS.
async fn resolved(answers: &Arc<Answers>, host: &str) -> FaultSeen {
    let config = TransportConfig { connect_timeout: SHORT, ..config() };
    let origin = Origin::parse("http://4a.example.com").unwrap();
    let client =
        Client::with_lookup(&config, Arc::new(Egress::default()), &[origin], Arc::clone(answers) as _).unwrap();
    asked(&client, &Url::parse(&format!("http://{host}/")).unwrap(), LONG).await
}

async fn silent_names() -> FaultSeen {
    let origin = Origin::parse("http://4a.example.com").unwrap();
    let egress = Arc::new(Egress::default());
    let client = Client::with_lookup(&config(), egress, &[origin], Answers::silent()).unwrap();
    asked(&client, &Url::parse("http://4a.example.com/").unwrap(), SHORT).await
}

async fn silent_handshake() -> FaultSeen {
    let server = FaultServer::play(|_, mut wire| async move { wire.hang().await }).await;
    let url = Url::parse(&format!("https://{NAME}:{}/", server.addr.port())).unwrap();
    asked(&client(&tls::config(TlsConfig::default()), &[&url]), &url, SHORT).await
}

async fn through_proxies() -> Vec<FaultSeen> {
    let mut outcomes = Vec::new();
    for answer in
        ["HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "HTTP/1.1 502 Bad Gateway\r\n\r\n", "SOCKS?\r\n\r\n"]
    {
        let proxy = closing(answer).await;
        let rules = EgressRules { proxies: vec![proxy.url("/").into()], ..EgressRules::default() };
        let config = TransportConfig { proxy: Some(proxy.url("/")), ..config() };
        let origin = Origin::parse("https://4a.test").unwrap();
        let client = Client::new(&config, Arc::new(Egress::new(&rules).unwrap()), &[origin]).unwrap();
        outcomes.push(asked(&client, &Url::parse("https://4a.test/").unwrap(), LONG).await);
    }
    outcomes
}

async fn no_place() -> Vec<FaultSeen> {
    let server = FaultServer::play(|_, mut wire| async move { wire.hang().await }).await;
    let client = client(&TransportConfig { max_in_flight: 1, ..config() }, &[&server.url("/")]);
    let url = server.url("/");
    let (_, second, third) = tokio::join!(
        ask(&client, &url, Duration::from_millis(600)),
        ask(&client, &url, LONG),
        ask(&client, &url, LONG)
    );
    vec![alone(second.unwrap_err()), alone(third.unwrap_err())]
}

async fn half_open() -> FaultSeen {
    let server = FaultServer::play(|_, mut wire| async move {
        wire.request().await;
        wire.say(OK).await;
        wire.hang().await;
    })
    .await;
    let client = client(&config(), &[&server.url("/")]);
    ask(&client, &server.url("/"), LONG).await.unwrap();
    asked(&client, &server.url("/"), SHORT).await
}
