//! Opening the addresses of the configuration, and refusing to listen in clear where others could read along.

use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::process::umask;
use tokio::net::{TcpListener, UnixListener, UnixStream};

use crate::config::{Address, Config};

/// Group members may call, others may not: the daemon's group is how an operator admits a console.
const SOCKET_MODE: u32 = 0o660;

/// Why an address cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Passwords would cross a network in clear.
    #[error(
        "refusing to listen on {0} without TLS: passwords would cross the network in clear. \
         Set tls.cert_file and tls.key_file, listen on 127.0.0.1 or a unix: socket behind a proxy that ends TLS, \
         or set insecure_listen: true"
    )]
    InClear(Address),
    /// There is nothing to listen on.
    #[error("no address to listen on: set `listen`, for example 127.0.0.1:8080")]
    Nowhere,
    /// Another process listens on the socket.
    #[error("{0} is in use by another process")]
    InUse(Address),
    /// Something that is not a socket is in the way.
    #[error("{0} exists and is no socket; it is left alone")]
    InTheWay(PathBuf),
    /// The system refused.
    #[error("cannot listen on {address}: {error}")]
    System {
        /// Where.
        address: Address,
        /// What the system said. No source: it would be printed a second time.
        error: io::Error,
    },
}

/// An open address.
#[derive(Debug)]
pub enum Listener {
    /// TCP, under TLS if there is any.
    Tcp(TcpListener),
    /// A Unix socket. Its file is removed when the listener is dropped.
    Unix(UnixListener, SocketFile),
}

/// Removes a socket's file when dropped.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Listener {
    /// The address that was really opened (port 0 became a port).
    pub fn address(&self) -> Option<Address> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok().map(Address::Tcp),
            Self::Unix(_, file) => Some(Address::Unix(file.0.clone())),
        }
    }
}

/// Opens every address of the API, or none.
pub async fn open(config: &Config) -> Result<Vec<Listener>, ListenError> {
    may_listen(config)?;
    open_all(&config.listen).await
}

/// Opens every address that doors have of their own, or none.
pub async fn open_doors(config: &Config) -> Result<Vec<Listener>, ListenError> {
    let Some(doors) = &config.doors else { return Ok(Vec::new()) };
    if doors.tls.is_none() && config.tls.is_none() && !config.insecure_listen {
        not_in_clear(&doors.listen)?;
    }
    open_all(&doors.listen).await
}

async fn open_all(addresses: &[Address]) -> Result<Vec<Listener>, ListenError> {
    let mut listeners = Vec::new();
    for address in addresses {
        listeners.push(match address {
            Address::Tcp(socket) => {
                TcpListener::bind(socket).await.map(Listener::Tcp).map_err(|error| system(address, error))?
            }
            Address::Unix(path) => unix(address, path).await?,
        });
    }
    Ok(listeners)
}

/// The rule of docs/contract.md section 8.
pub fn may_listen(config: &Config) -> Result<(), ListenError> {
    if config.listen.is_empty() {
        return Err(ListenError::Nowhere);
    }
    if config.tls.is_some() || config.insecure_listen {
        return Ok(());
    }
    not_in_clear(&config.listen)
}

fn not_in_clear(addresses: &[Address]) -> Result<(), ListenError> {
    match addresses.iter().find(|address| !address.is_local()) {
        Some(address) => Err(ListenError::InClear(address.clone())),
        None => Ok(()),
    }
}

fn system(address: &Address, error: io::Error) -> ListenError {
    match error.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse(address.clone()),
        _ => ListenError::System { address: address.clone(), error },
    }
}

/// Opens a Unix socket. A file left by a daemon that was killed is replaced: nothing listens on it.
async fn unix(address: &Address, path: &Path) -> Result<Listener, ListenError> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.file_type().is_socket() => return Err(ListenError::InTheWay(path.to_owned())),
        Ok(_) => match UnixStream::connect(path).await {
            Ok(_) => return Err(ListenError::InUse(address.clone())),
            Err(_) => std::fs::remove_file(path).map_err(|error| system(address, error))?,
        },
        Err(_) => {}
    }
    let listener = bind(path).map_err(|error| system(address, error))?;
    Ok(Listener::Unix(listener, SocketFile(path.to_owned())))
}

/// The socket is born with its mode: if it got it afterwards, others could connect before. The mask is the process's, so for
/// this moment files of other threads have it, too; none of them makes directories at the start.
fn bind(path: &Path) -> io::Result<UnixListener> {
    let before = umask(Mode::from_bits_truncate(0o777 & !SOCKET_MODE));
    let bound = UnixListener::bind(path);
    umask(before);
    bound
}
