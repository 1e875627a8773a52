//! Networks from which a console asks.

use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderMap;
use ipnet::IpNet;

/// A network or an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let one = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse::<IpNet>().or_else(|_| one()).map(Self).map_err(|_| ())
    }
}

impl Network {
    /// Whether `address` is of it. A socket that listens for both families sees IPv4 addresses as mapped ones (RFC 4291 section 2.5.5.2).
    pub fn holds(self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Whether it is everybody.
    pub fn is_everything(self) -> bool {
        self.0.prefix_len() == 0
    }
}

/// Our own proxies in front of the listener: their word on who asks counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies(pub Vec<Network>);

impl From<Vec<IpNet>> for Proxies {
    fn from(networks: Vec<IpNet>) -> Self {
        Self(networks.into_iter().map(Network).collect())
    }
}

impl Proxies {
    /// Who asks: `peer`, or behind one of these the last address of `X-Forwarded-For` that is none of them. `None` where that cannot be
    /// read.
    pub fn client_of(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let is_proxy = |address: IpAddr| self.0.iter().any(|network| network.holds(address));
        if !is_proxy(peer) {
            return Some(peer);
        }
        let mut chain = Vec::new();
        for value in headers.get_all("x-forwarded-for") {
            chain.extend(value.to_str().ok()?.split(','));
        }
        for item in chain.into_iter().rev() {
            let address = item.trim().parse::<IpAddr>().ok()?;
            if !is_proxy(address) {
                return Some(address);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_our_own_proxies_counts_and_nobody_elses() {
        let proxies = Proxies(vec!["10.0.0.0/8".parse().unwrap()]);
        let client = |peer: &str, chain: &[&str]| {
            let mut headers = HeaderMap::new();
            for one in chain {
                headers.append("x-forwarded-for", one.parse().unwrap());
            }
            proxies.client_of(peer.parse().unwrap(), &headers).map(|address| address.to_string())
        };
        assert_eq!(client("192.0.2.1", &["198.51.100.7"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(client("10.0.0.1", &["198.51.100.7, 192.0.2.9"]).as_deref(), Some("192.0.2.9"));
        assert_eq!(client("10.0.0.1", &["198.51.100.7", "192.0.2.9, 10.1.1.1"]).as_deref(), Some("192.0.2.9"));
        assert_eq!(client("::ffff:10.0.0.1", &["2001:db8::1"]).as_deref(), Some("2001:db8::1"));
        for unclear in [&[][..], &["unknown"], &["10.2.2.2"], &["192.0.2.9, x"], &["192.0.2.9,"]] {
            assert_eq!(client("10.0.0.1", unclear), None, "{unclear:?}");
        }
    }
}
