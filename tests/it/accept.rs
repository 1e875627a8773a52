//! The accept loop from outside: real sockets, short timers, callers that misbehave.

mod over_tls;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use doorward::api;
use doorward::attempt::App;
use doorward::audit::Trail;
use doorward::config::{Address, Audit, Config, Limits, Tls, UserName, WhenFull};
use doorward::http::listen::{self, ListenError};
use doorward::http::{Server, tls};
use doorward::metrics::Metrics;
use http::Request;
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::made_up::{MadeUp, Shelf};
use crate::server::{TOKEN, config};
use crate::support::daemon::wait_until;

/// Far beyond anything that these tests wait for.
const LONG: Duration = Duration::from_secs(30);

pub struct Running {
    address: Address,
    stop: watch::Sender<bool>,
    task: JoinHandle<bool>,
    pub metrics: Arc<Metrics>,
    app: Arc<App>,
}

pub async fn start(config: &Config, connector: MadeUp) -> Running {
    let metrics = Arc::new(Metrics::new());
    let shelf = Arc::new(Shelf(vec![Arc::new(connector)]));
    let trail = config.audit.as_ref().map(|audit| Trail::open(audit, Arc::clone(&metrics)).unwrap());
    let app = Arc::new(App::new(config, shelf, Arc::clone(&metrics), trail));
    let (stop, stopped) = watch::channel(false);
    let tls = Arc::new(ArcSwapOption::new(config.tls.as_ref().map(|tls| tls::load(tls).unwrap())));
    let listeners = listen::open(config).await.unwrap();
    let address = listeners[0].address().unwrap();
    let (server, logins) = (Server::new(api::served(&app), tls, stopped), Arc::clone(&app));
    let task = tokio::spawn(server.run(listeners, async move { logins.logins_done().await }));
    Running { address, stop, task, metrics, app }
}

pub fn on(address: &str, limits: Limits) -> Config {
    Config { listen: vec![address.parse().unwrap()], limits, ..config() }
}

/// Only the timer in question is short, so that no other can fire first.
fn short(cause: &str) -> Limits {
    let brief = Duration::from_millis(50);
    match cause {
        "idle" => Limits { first_byte: brief, idle: brief, ..Limits::default() },
        _ => Limits { first_byte: brief, header: brief, ..Limits::default() },
    }
}

impl Running {
    fn socket(&self) -> SocketAddr {
        match self.address {
            Address::Tcp(address) => address,
            Address::Unix(_) => panic!("a TCP listener"),
        }
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.socket()).await.unwrap()
    }

    pub fn counted(&self, line: &str) -> bool {
        self.metrics.text().contains(line)
    }
}

pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(LONG, what).await.expect("within the test's patience")
}

/// Everything until the other side closes; a reset counts as closing.
pub async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    let _ = soon(stream.read_to_end(&mut bytes)).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

pub fn login(password: &str) -> String {
    let body = format!(r#"{{"username":"zhangsan","password":"{password}"}}"#);
    format!(
        "POST /v1/connectors/demo/authenticate HTTP/1.1\r\nHost: d\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn who_sends_nothing_or_too_slowly_is_closed() {
    for (sent, cause) in [
        ("", "first_byte"),
        ("G", "header"),
        ("GET /healthz HTTP/1.1\r\nHost:", "header"),
        ("PRI * HTTP/2.0\r\n\r\nSM", "header"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "header"),
        ("GET /healthz HTTP/1.1\r\nHost: d\r\n\r\n", "idle"),
        ("GET /healthz HTTP/1.1\r\nHost: d\r\n\r\nGET /hea", "idle"),
    ] {
        let running = start(&on("127.0.0.1:0", short(cause)), MadeUp::new("demo")).await;
        let mut stream = running.connect().await;
        stream.write_all(sent.as_bytes()).await.unwrap();
        rest(&mut stream).await;
        let line = format!("doorward_connections_closed_total{{cause=\"{cause}\"}} 1");
        assert!(running.counted(&line), "{sent:?}: {}", running.metrics.text());
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408() {
    let limits = Limits { body: Duration::from_millis(50), ..Limits::default() };
    let running = start(&on("127.0.0.1:0", limits), MadeUp::new("demo")).await;
    let mut stream = running.connect().await;
    let half = login("accept");
    stream.write_all(&half.as_bytes()[..half.len() - 5]).await.unwrap();
    let mut head = vec![0; 64];
    let read = soon(stream.read(&mut head)).await.unwrap();
    assert!(String::from_utf8_lossy(&head[..read]).starts_with("HTTP/1.1 408 "));
}

/// Sends a request and waits for the first byte of its answer, which shows that the connection is counted.
async fn answered(stream: &mut TcpStream, request: &str) {
    stream.write_all(request.as_bytes()).await.unwrap();
    soon(stream.read_u8()).await.unwrap();
}

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: d\r\n\r\n";

#[tokio::test]
async fn one_connection_beyond_the_cap_is_closed_at_once() {
    let limits = Limits { connections: 2, ..Limits::default() };
    let mut config = on("127.0.0.1:0", limits);
    // Of several clients none makes all connections its own.
    config.clients.truncate(1);
    let running = start(&config, MadeUp::new("demo")).await;
    let (mut first, mut second) = (running.connect().await, running.connect().await);
    for stream in [&mut first, &mut second] {
        answered(stream, &login("accept")).await;
    }
    assert_eq!(rest(&mut running.connect().await).await, "");
    assert!(running.counted("doorward_shed_total{cause=\"connections\"} 1"));
    assert!(running.counted("doorward_connections 2"));
}

/// `/healthz` wants no token: who only ever asks for that, or for nothing, cannot keep a console out.
#[tokio::test]
async fn callers_that_show_no_token_give_way_to_the_next_one() {
    let limits = Limits { connections: 4, ..Limits::default() };
    let running = start(&on("127.0.0.1:0", limits), MadeUp::new("demo")).await;
    let mut console = running.connect().await;
    answered(&mut console, &login("accept")).await;
    let mut guests = Vec::new();
    for number in 0..20 {
        let mut guest = running.connect().await;
        if number % 2 == 0 {
            answered(&mut guest, HEALTH).await;
        }
        guests.push(guest);
    }
    // The oldest are closed; one of the youngest becomes known and stays, and so does the first console.
    rest(&mut guests[0]).await;
    let mut another = running.connect().await;
    answered(&mut another, &login("accept")).await;
    for _ in 0..20 {
        answered(&mut running.connect().await, HEALTH).await;
    }
    for stream in [&mut console, &mut another] {
        answered(stream, &login("accept")).await;
    }
    assert!(running.counted("doorward_connections_closed_total{cause=\"crowded\"}"), "{}", running.metrics.text());
    assert!(!running.counted("doorward_shed_total{cause=\"connections\"}"), "{}", running.metrics.text());
}

#[tokio::test]
async fn a_caller_that_goes_away_ends_the_login_before_the_credential_left() {
    let (go, waiting) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let connector = MadeUp { go: Some(go), waiting: Some(Arc::clone(&waiting)), ..MadeUp::new("demo") };
    let running = start(&on("127.0.0.1:0", Limits::default()), connector).await;
    let mut stream = running.connect().await;
    stream.write_all(login("hang").as_bytes()).await.unwrap();
    soon(waiting.acquire()).await.unwrap().forget();
    drop(stream);
    soon(running.app.logins_done()).await;
    assert!(running.counted("doorward_callers_gone_total{cause=\"ended\"} 1"));
    assert!(!running.counted("doorward_logins_total{"));
}

#[tokio::test]
async fn a_login_whose_credential_left_is_finished_and_counted() {
    let (go, waiting) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let connector = MadeUp { go: Some(Arc::clone(&go)), waiting: Some(Arc::clone(&waiting)), ..MadeUp::new("demo") };
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("audit.jsonl");
    let audit = Audit {
        file: file.clone(),
        max_size: 1 << 20,
        keep: 1,
        user_name: UserName::Clear,
        when_full: WhenFull::Continue,
    };
    let config = Config { audit: Some(audit), ..on("127.0.0.1:0", Limits::default()) };
    let running = start(&config, connector).await;
    let mut stream = running.connect().await;
    stream.write_all(login("hang sent").as_bytes()).await.unwrap();
    soon(waiting.acquire()).await.unwrap().forget();
    drop(stream);
    while !running.counted("doorward_callers_gone_total{cause=\"finished\"} 1") {
        tokio::task::yield_now().await;
    }
    go.add_permits(1);
    soon(running.app.logins_done()).await;
    assert!(running.counted("doorward_logins_total{connector=\"demo\",verdict=\"accept\",detail=\"\"} 1"));
    let written = || std::fs::read_to_string(&file).unwrap_or_default();
    wait_until(|| written().ends_with('\n'));
    let line: serde_json::Value = serde_json::from_str(&written()).unwrap();
    assert_eq!((&line["verdict"], &line["credential_sends"]), (&"accept".into(), &1.into()), "{line}");
}

#[tokio::test]
async fn an_orderly_end_lets_logins_finish_and_takes_no_new_ones() {
    let (go, waiting) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let connector = MadeUp { go: Some(Arc::clone(&go)), waiting: Some(Arc::clone(&waiting)), ..MadeUp::new("demo") };
    let running = start(&on("127.0.0.1:0", Limits::default()), connector).await;
    let mut busy = running.connect().await;
    let mut idle = running.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: d\r\n\r\n").await.unwrap();
    soon(idle.read_u8()).await.unwrap();
    busy.write_all(login("hang sent").as_bytes()).await.unwrap();
    soon(waiting.acquire()).await.unwrap().forget();
    running.stop.send_replace(true);
    rest(&mut idle).await;
    go.add_permits(1);
    let answer = rest(&mut busy).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    assert!(TcpStream::connect(running.socket()).await.is_err());
    assert!(soon(running.task).await.unwrap(), "all were done");
}

#[tokio::test]
async fn an_end_does_not_wait_for_ever() {
    let waiting = Arc::new(Semaphore::new(0));
    let go = Some(Arc::new(Semaphore::new(0)));
    let connector = MadeUp { go, waiting: Some(Arc::clone(&waiting)), ..MadeUp::new("demo") };
    let limits = Limits { drain: Duration::from_millis(50), ..Limits::default() };
    let running = start(&on("127.0.0.1:0", limits), connector).await;
    let mut busy = running.connect().await;
    busy.write_all(login("hang sent").as_bytes()).await.unwrap();
    soon(waiting.acquire()).await.unwrap().forget();
    running.stop.send_replace(true);
    assert!(!soon(running.task).await.unwrap(), "one was not done");
}

#[tokio::test]
async fn http2_with_many_logins_on_one_connection() {
    let running = start(&on("127.0.0.1:0", Limits::default()), MadeUp::new("demo")).await;
    let io = TokioIo::new(running.connect().await);
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let logins = (0..50).map(|index| {
        let mut sender = sender.clone();
        async move {
            let body = format!(r#"{{"username":"user{index}","password":"accept"}}"#);
            let request = Request::post("http://d/v1/connectors/demo/authenticate")
                .header("authorization", format!("Bearer {TOKEN}"))
                .header("content-type", "application/json")
                .body(Full::<bytes::Bytes>::from(body))
                .unwrap();
            sender.send_request(request).await.unwrap().status().as_u16()
        }
    });
    assert_eq!(soon(futures_util::future::join_all(logins)).await, vec![200; 50]);
}

#[tokio::test]
async fn a_unix_socket_is_replaced_when_stale_and_removed_at_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("d.sock");
    let address = format!("unix:{}", path.display());
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "left behind by a daemon that was killed");
    let running = start(&on(&address, Limits::default()), MadeUp::new("demo")).await;
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream.write_all(login("accept").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(matches!(listen::open(&on(&address, Limits::default())).await, Err(ListenError::InUse(_))));
    running.stop.send_replace(true);
    soon(running.task).await.unwrap();
    assert!(!path.exists());
    std::fs::write(&path, "precious").unwrap();
    assert!(matches!(listen::open(&on(&address, Limits::default())).await, Err(ListenError::InTheWay(_))));
}

#[test]
fn passwords_do_not_cross_a_network_in_clear() {
    let tls = Some(Tls { cert_file: "c".into(), key_file: "k".into(), client_ca_file: None });
    for (address, tls, insecure, may) in [
        ("127.0.0.1:80", &None, false, true),
        ("unix:/run/d.sock", &None, false, true),
        ("0.0.0.0:80", &None, false, false),
        ("[::]:80", &None, false, false),
        ("0.0.0.0:80", &None, true, true),
        ("0.0.0.0:443", &tls, false, true),
    ] {
        let config = Config {
            listen: vec!["127.0.0.1:1".parse().unwrap(), address.parse().unwrap()],
            insecure_listen: insecure,
            tls: tls.clone(),
            ..Config::default()
        };
        assert_eq!(listen::may_listen(&config).is_ok(), may, "{address}");
    }
    let error = listen::may_listen(&on("0.0.0.0:80", Limits::default())).unwrap_err().to_string();
    assert!(error.contains("0.0.0.0:80") && error.contains("insecure_listen"), "{error}");
}

#[tokio::test]
async fn slow_callers_cost_others_nothing() {
    let running = start(&on("127.0.0.1:0", Limits::default()), MadeUp::new("demo")).await;
    let mut slow = Vec::new();
    for _ in 0..300 {
        let mut stream = running.connect().await;
        stream.write_all(b"POST /v1/connectors/demo/authenticate HTTP/1.1\r\nHost: d\r\nX-A: ").await.unwrap();
        slow.push(stream);
    }
    let mut stream = running.connect().await;
    stream.write_all(login("accept").as_bytes()).await.unwrap();
    let mut head = [0; 15];
    soon(stream.read_exact(&mut head)).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    assert_eq!(slow.len(), 300);
}
