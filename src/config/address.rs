//! Where the daemon listens: an IP address with a port, or a Unix socket.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// One address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// TCP. Port 0 takes any free one.
    Tcp(SocketAddr),
    /// A Unix socket, which file permissions protect.
    Unix(PathBuf),
}

/// Not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address to listen on: write 127.0.0.1:8080, [::1]:8080 or unix:/run/doorward/doorward.sock")]
pub struct AddressError;

impl Address {
    /// Whether what is sent there stays on this machine.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.starts_with('/') { Ok(Self::Unix(PathBuf::from(path))) } else { Err(AddressError) };
        }
        if let Some(port) = text.strip_prefix("localhost:") {
            let port = port.parse().map_err(|_| AddressError)?;
            return Ok(Self::Tcp((Ipv4Addr::LOCALHOST, port).into()));
        }
        text.parse().map(Self::Tcp).map_err(|_| AddressError)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_where_they_lead() {
        for (text, local) in [
            ("127.0.0.1:8080", true),
            ("127.8.0.1:1", true),
            ("localhost:8080", true),
            ("[::1]:0", true),
            ("[::ffff:127.0.0.1]:80", true),
            ("unix:/run/x.sock", true),
            ("0.0.0.0:8080", false),
            ("[::]:8080", false),
            ("10.0.0.1:8080", false),
            ("[::ffff:10.0.0.1]:80", false),
        ] {
            assert_eq!(text.parse::<Address>().map(|address| address.is_local()), Ok(local), "{text}");
        }
        for text in ["", "8080", ":8080", "127.0.0.1", "unix:", "unix:x.sock", "example.com:80", "127.0.0.1:70000"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
