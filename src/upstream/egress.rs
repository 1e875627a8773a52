//! The operator's outer bound (docs/contract.md section 9, invariant 2): one function says which address may be dialled.
//!
//! The resolver's answers, `resolve` overrides, literals in URLs and proxies all come through here, and the
//! address it returns is the one that is dialled. Private networks are open by default, because that is where
//! 4A servers live (docs/security.md, failure 9).

use std::net::IpAddr;

use ipnet::IpNet;

use super::address::{embedded_addresses, forbidden_kind};
use super::origin::{Host, Origin, OriginError};

/// What the operator wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EgressRules {
    /// CIDRs, addresses and host names (`*.example.com` for all below); empty allows all that is not denied.
    pub allow: Vec<String>,
    /// The same forms; wins over `allow`.
    pub deny: Vec<String>,
    /// Origins of the HTTP proxies that a connector may name.
    pub proxies: Vec<String>,
    /// Every proxy that a connector names: commands, whose user chose the file.
    pub any_proxy: bool,
    /// Loopback too: the demo, and `doorward test` of a connector whose origin is loopback.
    pub allow_loopback: bool,
}

/// The compiled bound.
#[derive(Debug, Default)]
pub struct Egress {
    allow: Rules,
    deny: Rules,
    proxies: Vec<Origin>,
    any_proxy: bool,
    allow_loopback: bool,
}

/// A rule that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EgressError {
    /// Not a CIDR of its family.
    #[error("\"{rule}\" is no network: write its first address and a prefix length, as 10.0.0.0/8")]
    Cidr {
        /// What was written.
        rule: String,
    },
    /// Not a host name.
    #[error("\"{rule}\" is no CIDR, address or host name")]
    Host {
        /// What was written.
        rule: String,
    },
    /// Not a proxy.
    #[error("proxy \"{rule}\" is no http:// origin")]
    Proxy {
        /// What was written.
        rule: String,
    },
}

/// Why an address may not be dialled.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum Refused {
    /// A range that is never dialled.
    #[error("{addr} is {kind}, which is never dialled")]
    Never {
        /// The address as it came.
        addr: IpAddr,
        /// What it is.
        kind: &'static str,
    },
    /// Loopback without leave.
    #[error("{addr} is a loopback address; egress.allow does not list it")]
    Loopback {
        /// The address as it came.
        addr: IpAddr,
    },
    /// A deny rule for the address.
    #[error("{addr} is denied by egress.deny")]
    DeniedAddr {
        /// The address as it came.
        addr: IpAddr,
    },
    /// A deny rule for the name.
    #[error("{host} is denied by egress.deny")]
    DeniedName {
        /// The canonical name.
        host: String,
    },
    /// No allow rule fits.
    #[error("{target} is not in egress.allow")]
    NotAllowed {
        /// The name and the address, or the name alone behind a proxy.
        target: String,
    },
    /// A name that means the proxy's own machine or a metadata service.
    #[error("{host} is a name for loopback or metadata, which is never asked of a proxy")]
    NameBehindProxy {
        /// The canonical name.
        host: String,
    },
    /// A proxy that the operator does not list.
    #[error("the proxy {proxy} is not in egress.proxies")]
    Proxy {
        /// Its origin.
        proxy: String,
    },
    /// Not a host at all.
    #[error(transparent)]
    Host(#[from] OriginError),
}

impl Egress {
    /// Compiles the rules; the first bad one is the error.
    pub fn new(rules: &EgressRules) -> Result<Self, EgressError> {
        let proxies = rules.proxies.iter().map(|rule| {
            let origin = Origin::parse(rule).ok().filter(|origin| origin.scheme() == super::Scheme::Http);
            origin.ok_or_else(|| EgressError::Proxy { rule: rule.clone() })
        });
        Ok(Self {
            allow: Rules::parse(&rules.allow)?,
            deny: Rules::parse(&rules.deny)?,
            proxies: proxies.collect::<Result<_, _>>()?,
            any_proxy: rules.any_proxy,
            allow_loopback: rules.allow_loopback,
        })
    }

    /// Whether `addr` may be dialled for `host`; the result is the address to dial, in canonical form.
    pub fn permits(&self, host: &str, addr: IpAddr) -> Result<IpAddr, Refused> {
        let host = Host::parse(host)?;
        let dialled = self.not_forbidden(&host, addr)?;
        // A packet to a NAT64 or 6to4 address arrives at the IPv4 address, so a rule for that one counts.
        let listed = embedded_addresses(dialled).any(|face| self.allow.has_addr(face));
        if self.allow.is_empty() || self.allow.has_name(&host) || listed {
            return Ok(dialled);
        }
        Err(Refused::NotAllowed { target: format!("{host} at {addr}") })
    }

    /// Whether a name can have an address that may be dialled; the answer before DNS is asked.
    pub fn permits_some_addr(&self, host: &Host) -> Result<(), Refused> {
        if self.deny.has_name(host) {
            return Err(Refused::DeniedName { host: host.to_string() });
        }
        if self.allow.networks.is_empty() && !self.allow.is_empty() && !self.allow.has_name(host) {
            return Err(Refused::NotAllowed { target: host.to_string() });
        }
        Ok(())
    }

    /// Whether a name may be asked of a proxy, which resolves it out of our sight. With an `allow` list only
    /// a rule for the name helps; a literal is judged as an address.
    pub fn permits_behind_proxy(&self, host: &Host) -> Result<(), Refused> {
        let name = match host {
            Host::Addr(addr) => return self.permits(&host.to_string(), *addr).map(drop),
            Host::Name(name) => name,
        };
        let loopback = name == "localhost" || name.ends_with(".localhost");
        if METADATA_NAMES.contains(&name.as_str()) || (loopback && !self.allow_loopback) {
            return Err(Refused::NameBehindProxy { host: name.clone() });
        }
        if self.deny.has_name(host) {
            return Err(Refused::DeniedName { host: name.clone() });
        }
        if self.allow.is_empty() || self.allow.has_name(host) {
            return Ok(());
        }
        Err(Refused::NotAllowed { target: format!("{name} (behind a proxy)") })
    }

    /// Whether this proxy may be used at all.
    pub fn permits_proxy(&self, proxy: &Origin) -> Result<(), Refused> {
        if self.any_proxy || self.proxies.contains(proxy) {
            Ok(())
        } else {
            Err(Refused::Proxy { proxy: proxy.to_string() })
        }
    }

    /// Whether an address of a listed proxy may be dialled. The operator wrote the proxy down, which stands for a
    /// line in `allow` (loopback too when the proxy is a loopback literal); `deny` and the never ranges hold.
    pub fn permits_proxy_addr(&self, proxy: &Origin, addr: IpAddr) -> Result<IpAddr, Refused> {
        match proxy.host() {
            Host::Addr(literal) if literal.is_loopback() && *literal == addr => Ok(addr),
            host => self.not_forbidden(host, addr),
        }
    }

    fn not_forbidden(&self, host: &Host, addr: IpAddr) -> Result<IpAddr, Refused> {
        let dialled = addr.to_canonical();
        if let Host::Name(name) = host
            && self.deny.has_name(host)
        {
            return Err(Refused::DeniedName { host: name.clone() });
        }
        for face in embedded_addresses(dialled) {
            if let Some(kind) = forbidden_kind(face) {
                return Err(Refused::Never { addr, kind });
            }
            if face.is_loopback() && !self.allow_loopback && !self.allow.has_loopback(face) {
                return Err(Refused::Loopback { addr });
            }
            if self.deny.has_addr(face) {
                return Err(Refused::DeniedAddr { addr });
            }
        }
        Ok(dialled)
    }
}

/// Names under which clouds serve the machine's identity. Directly dialled, their addresses are refused; behind a
/// proxy only the name is seen.
const METADATA_NAMES: [&str; 5] =
    ["metadata", "metadata.goog", "metadata.google.internal", "metadata.tencentyun.com", "instance-data.ec2.internal"];

#[derive(Debug, Default)]
struct Rules {
    networks: Vec<IpNet>,
    names: Vec<String>,
    /// Suffixes with their dot: `.example.com`.
    below: Vec<String>,
}

impl Rules {
    fn parse(written: &[String]) -> Result<Self, EgressError> {
        let mut rules = Self::default();
        for rule in written {
            rules.add(rule.trim())?;
        }
        Ok(rules)
    }

    fn add(&mut self, rule: &str) -> Result<(), EgressError> {
        if let Some((base, bits)) = rule.split_once('/') {
            let network = base.parse().ok().zip(bits.parse().ok());
            let network = network.and_then(|(base, bits)| IpNet::new(base, bits).ok());
            // Bits behind the prefix: what was meant, the network or the address, is not known.
            let network = network.filter(|network| network.addr() == network.network());
            self.networks.push(network.ok_or_else(|| EgressError::Cidr { rule: rule.to_owned() })?);
            return Ok(());
        }
        let suffix = rule.strip_prefix("*.").or_else(|| rule.strip_prefix('.'));
        match (Host::parse(suffix.unwrap_or(rule)), suffix) {
            (Ok(Host::Name(name)), Some(_)) => self.below.push(format!(".{name}")),
            (Ok(Host::Name(name)), None) => self.names.push(name),
            (Ok(Host::Addr(addr)), None) => self.networks.push(addr.to_canonical().into()),
            _ => return Err(EgressError::Host { rule: rule.to_owned() }),
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.networks.is_empty() && self.names.is_empty() && self.below.is_empty()
    }

    fn has_addr(&self, addr: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&addr))
    }

    /// Loopback by a rule that means loopback: `0.0.0.0/0` does not.
    fn has_loopback(&self, addr: IpAddr) -> bool {
        self.networks.iter().any(|network| is_loopback(network) && network.contains(&addr))
    }

    fn has_name(&self, host: &Host) -> bool {
        let Host::Name(name) = host else { return false };
        self.names.contains(name) || self.below.iter().any(|suffix| name.ends_with(suffix.as_str()))
    }
}

/// Whether all of a network lies in loopback space.
fn is_loopback(network: &IpNet) -> bool {
    network.network().is_loopback() && network.broadcast().is_loopback()
}
