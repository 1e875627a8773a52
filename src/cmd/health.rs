//! `doorward health`: asks the running daemon whether it answers, for the probes of containers and service managers.
//!
//! An image need not hold an HTTP client for that, and a probe need not know the port, or that there is TLS.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use doorward::config::{self, Address, Config};
use doorward::request::Spellings;
use doorward::upstream::{Client, Egress, EgressRules, Origin, Outgoing, TlsConfig, TransportConfig, present};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use super::output::print;
use super::{MISCONFIGURED, language, load};

/// A daemon that takes longer is not well. Docker gives a probe 30 s, Kubernetes as much as the manifest says.
const WITHIN: Duration = Duration::from_secs(4);

/// Exit code of a daemon that does not answer, or answers that it is not ready.
const UNWELL: u8 = 1;

/// `doorward health`
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The configuration of the daemon
    #[arg(long, default_value = "doorward.yaml", value_name = "FILE")]
    config: PathBuf,
    /// Ask whether it should get logins (/readyz), and not only whether it answers (/healthz)
    #[arg(long)]
    ready: bool,
}

/// 0: it is well; 1: it is not, or does not answer; 4: the configuration cannot be read.
pub fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let loaded = config::load(&options.config, &load::environment);
    let Some(config) = loaded.config else {
        anstream::eprint!("{}", language::rendered(&loaded.diagnostics));
        return Ok(ExitCode::from(MISCONFIGURED));
    };
    let path = if options.ready { "/readyz" } else { "/healthz" };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = runtime.block_on(async { tokio::time::timeout(WITHIN, ask(&config, path)).await });
    match asked.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer within {} s", WITHIN.as_secs()))) {
        Ok((status, said)) => {
            print(&format!("{} {}\n", status.as_u16(), String::from_utf8_lossy(&said).trim()))?;
            Ok(if status.is_success() { ExitCode::SUCCESS } else { ExitCode::from(UNWELL) })
        }
        Err(error) => {
            anstream::eprintln!("doorward: the daemon does not answer: {error:#}");
            Ok(ExitCode::from(UNWELL))
        }
    }
}

/// A socket is asked before a port: it needs no TLS and its file mode says which users may probe.
async fn ask(config: &Config, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
    let socket = config.listen.iter().find_map(|address| match address {
        Address::Unix(socket) => Some(socket),
        Address::Tcp(_) => None,
    });
    if let Some(socket) = socket {
        return by_socket(socket, path).await;
    }
    let port = config.listen.iter().find_map(|address| match address {
        Address::Tcp(address) if address.port() != 0 => Some(*address),
        _ => None,
    });
    let address = reachable(port.context("`listen` names no socket and no fixed port")?);
    by_port(address, config.tls.is_some(), path).await
}

/// Where to call what listens everywhere.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

async fn by_socket(socket: &Path, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
    let stream = UnixStream::connect(socket).await.with_context(|| socket.display().to_string())?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let request = Request::get(path).header("Host", "localhost").body(Empty::<Bytes>::new())?;
    let reply = sender.send_request(request).await?;
    let status = reply.status();
    let body = reply.into_body().collect().await?.to_bytes();
    driver.abort();
    Ok((status, body))
}

/// The certificate is not checked: the question holds no secret and the answer grants nothing.
async fn by_port(address: SocketAddr, tls: bool, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
    let origin = Origin::parse(&format!("{}://{address}", if tls { "https" } else { "http" }))?;
    let mut transport = TransportConfig::default();
    if tls {
        let presented = present(&origin, WITHIN).await.map_err(|fault| anyhow::anyhow!("{}", fault.explain))?;
        transport.tls = TlsConfig { pin_sha256: vec![presented.pin], ..TlsConfig::default() };
    }
    let rules = EgressRules { allow_loopback: true, ..EgressRules::default() };
    let client = Client::new(&transport, Arc::new(Egress::new(&rules)?), std::slice::from_ref(&origin))?;
    let request = Outgoing {
        method: Method::GET,
        url: format!("{origin}{path}").parse()?,
        headers: Vec::new(),
        spellings: Spellings::default(),
        body: None,
        carries_credential: false,
        path_template: None,
        own: None,
    };
    let deadline = tokio::time::Instant::now() + WITHIN;
    let reply = client.send(&request, deadline).await.map_err(|fault| anyhow::anyhow!("{}", fault.explain))?;
    Ok((StatusCode::from_u16(reply.status)?, reply.body))
}
