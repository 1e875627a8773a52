//! An origin (RFC 6454): scheme, host and port in one canonical spelling, so that comparing is comparing bytes.
//!
//! Lower case, punycode, no trailing dot; every spelling of an address (`127.1`, `0x7f.1`) is the address. It says
//! nothing about whether an origin may be reached: that is `egress`.

use std::fmt;
use std::net::IpAddr;

use rustls::pki_types::ServerName;
use url::Url;

/// The two schemes of upstream URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// In clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// As written in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// A canonical host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A DNS name: lower case, punycode, no trailing dot.
    Name(String),
    /// An address, whatever its spelling was.
    Addr(IpAddr),
}

impl Host {
    /// Whether it is this machine: a loopback address, or a name that RFC 6761 section 6.3 keeps for it.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Addr(addr) => addr.is_loopback(),
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }

    /// Reads a host as a browser does (WHATWG URL, "host parsing"). IPv6 with or without brackets.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        if let Ok(addr) = text.parse::<IpAddr>() {
            return Ok(Self::Addr(addr));
        }
        let host = url::Host::parse(text).map_err(|_| OriginError::Host { text: text.to_owned() })?;
        Self::of(host).ok_or_else(|| OriginError::Host { text: text.to_owned() })
    }

    fn of<S: AsRef<str>>(host: url::Host<S>) -> Option<Self> {
        Some(match host {
            url::Host::Ipv4(addr) => Self::Addr(addr.into()),
            url::Host::Ipv6(addr) => Self::Addr(addr.into()),
            url::Host::Domain(name) => {
                let name = name.as_ref();
                let name = name.strip_suffix('.').unwrap_or(name);
                if name.is_empty() || name.ends_with('.') {
                    return None;
                }
                Self::Name(name.to_ascii_lowercase())
            }
        })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Addr(IpAddr::V4(addr)) => addr.fmt(f),
            Self::Addr(IpAddr::V6(addr)) => write!(f, "[{addr}]"),
        }
    }
}

/// Scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    scheme: Scheme,
    host: Host,
    port: u16,
}

/// Why a text is no origin.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum OriginError {
    /// Not a URL at all.
    #[error("\"{text}\" is not a URL: {why}")]
    Url {
        /// What was written.
        text: String,
        /// What the parser says.
        why: url::ParseError,
    },
    /// Another scheme.
    #[error("scheme \"{scheme}\" is not http or https")]
    Scheme {
        /// What was written.
        scheme: String,
    },
    /// No host, or one that is none.
    #[error("\"{text}\" is no host name and no address")]
    Host {
        /// What was written.
        text: String,
    },
}

impl Origin {
    /// The origin of a URL's text; path and query are ignored.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let url = Url::parse(text).map_err(|why| OriginError::Url { text: text.to_owned(), why })?;
        Self::of(&url)
    }

    /// The origin of a URL.
    pub fn of(url: &Url) -> Result<Self, OriginError> {
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(OriginError::Scheme { scheme: other.to_owned() }),
        };
        let no_host = || OriginError::Host { text: url.host_str().unwrap_or_default().to_owned() };
        let host = url.host().and_then(Host::of).ok_or_else(no_host)?;
        Ok(Self { scheme, host, port: url.port().unwrap_or(scheme.default_port()) })
    }

    /// Whether a URL lies in this origin, without building the URL's own.
    pub fn contains(&self, url: &Url) -> bool {
        let same_host = match (&self.host, url.host()) {
            (Host::Name(mine), Some(url::Host::Domain(other))) => {
                other.strip_suffix('.').unwrap_or(other).eq_ignore_ascii_case(mine)
            }
            (Host::Addr(IpAddr::V4(mine)), Some(url::Host::Ipv4(other))) => *mine == other,
            (Host::Addr(IpAddr::V6(mine)), Some(url::Host::Ipv6(other))) => *mine == other,
            _ => false,
        };
        same_host && url.scheme() == self.scheme.as_str() && url.port_or_known_default() == Some(self.port)
    }

    /// http or https.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The canonical host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, written or the scheme's own.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What the server's certificate must be for; `None` for a name that no certificate can have.
    pub(super) fn server_name(&self) -> Option<ServerName<'static>> {
        match &self.host {
            Host::Addr(addr) => Some(ServerName::IpAddress((*addr).into())),
            Host::Name(name) => ServerName::try_from(name.clone()).ok(),
        }
    }

    /// `host`, or `host:port` when the port is not the scheme's own: the `Host` header and the `:authority`.
    pub fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_origin_are_one() {
        for (written, canonical) in [
            ("https://4A.Example.COM/x?y", "https://4a.example.com"),
            ("https://4a.example.com.", "https://4a.example.com"),
            ("https://4a.example.com:443/", "https://4a.example.com"),
            ("http://4a.example.com:80", "http://4a.example.com"),
            ("https://统一.example.com", "https://xn--4gq540j.example.com"),
            ("https://user:pw@4a.example.com:8443", "https://4a.example.com:8443"),
            ("http://127.1", "http://127.0.0.1"),
            ("http://0x7f.1:8080", "http://127.0.0.1:8080"),
            ("http://2130706433", "http://127.0.0.1"),
            ("http://127.0.0.1.", "http://127.0.0.1"),
            ("http://[0:0::1]", "http://[::1]"),
        ] {
            let origin = Origin::parse(written).unwrap();
            assert_eq!(origin.to_string(), canonical, "{written}");
            assert!(origin.contains(&Url::parse(written).unwrap()), "{written}");
        }
    }

    #[test]
    fn other_origins_are_others() {
        let origin = Origin::parse("https://4a.example.com").unwrap();
        for other in
            ["http://4a.example.com", "https://4a.example.com:444", "https://b.example.com", "https://10.0.0.1"]
        {
            assert!(!origin.contains(&Url::parse(other).unwrap()), "{other}");
        }
    }

    #[test]
    fn no_origin() {
        for text in ["ftp://x", "4a.example.com", "data:x", "https://a..", "https://"] {
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }
}
