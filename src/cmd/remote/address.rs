//! Where a daemon listens, as a client writes it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use doorward::upstream::{Host, Origin, Scheme};
use url::Url;

/// The address of a daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// TCP, in clear on this machine only.
    Origin(Origin),
    /// A Unix socket.
    Socket(PathBuf),
}

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.starts_with('/') {
                Ok(Self::Socket(path.into()))
            } else {
                Err("the path of a Unix socket begins with /: unix:/run/doorward/doorward.sock")
            };
        }
        let usual = "write https://host:port, http://127.0.0.1:port or unix:/path";
        let url = Url::parse(text).map_err(|_| usual)?;
        let origin = Origin::of(&url).map_err(|_| usual)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a daemon takes no user and password: its token is read from --token-file");
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err("the address of a daemon has no path: write https://host:port");
        }
        if origin.scheme() == Scheme::Http && !is_loopback(&origin) {
            return Err(
                "the token and the password would cross the network in clear: use https, or run this on the daemon's machine",
            );
        }
        Ok(Self::Origin(origin))
    }
}

fn is_loopback(origin: &Origin) -> bool {
    match origin.host() {
        Host::Addr(address) => address.to_canonical().is_loopback(),
        Host::Name(name) => name == "localhost",
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Origin(origin) => origin.fmt(f),
            Self::Socket(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn addresses_of_daemons() {
        for text in [
            "https://doorward.example.com:8443",
            "https://10.0.0.1",
            "http://127.0.0.1:8080",
            "http://localhost:8080",
            "http://[::1]:8080",
            "unix:/run/doorward/doorward.sock",
        ] {
            assert_eq!(text.parse::<Address>().map(|address| address.to_string()).as_deref(), Ok(text));
        }
        for text in [
            "127.0.0.1:8080",
            "doorward",
            "unix:doorward.sock",
            "ftp://127.0.0.1",
            "http://10.0.0.1:8080",
            "http://doorward.example.com",
            "https://user:password@doorward.example.com",
            "https://doorward.example.com/v1",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
