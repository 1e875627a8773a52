//! Doors: where their files are, and listeners of their own.

use ipnet::IpNet;

use super::check::Check;
use super::raw::{Daemon, RawDoors};
use super::{Config, Doors};

impl Check<'_> {
    pub(super) fn doors(&mut self, raw: &RawDoors) -> Doors {
        let own = match raw {
            RawDoors::Directory(text) => return Doors { directory: self.path(text), ..Doors::default() },
            RawDoors::Own(own) => own,
        };
        let listen = own.listen.iter().flat_map(|list| list.iter());
        let listen = listen.filter_map(|text| self.parsed("listen-address", text)).collect::<Vec<_>>();
        if let (Some(tls), true) = (&own.tls, own.listen.is_none()) {
            let help = "write listen: beside it, or take it away: the API's listeners have the key `tls`";
            self.wrong("doors-listen", &tls.place.span, "this TLS is of listeners that are not there", help);
        }
        let mut proxies = Vec::new();
        for text in &own.proxies {
            let one = || text.as_str().parse::<std::net::IpAddr>().map(IpNet::from);
            if let Ok(network) = text.as_str().parse::<IpNet>().or_else(|_| one()) {
                proxies.push(network);
            } else {
                let help = "write 10.0.0.0/8, 2001:db8::/32 or one address";
                self.wrong("doors-proxies", &text.span, "this is no network", help);
            }
        }
        Doors { directory: self.path(&own.directory), listen, tls: own.tls.as_ref().map(|tls| self.tls(tls)), proxies }
    }

    /// As for the API: no password in clear off loopback.
    pub(super) fn doors_in_clear(&mut self, raw: &Daemon, config: &Config) {
        let Some(RawDoors::Own(own)) = &raw.doors else { return };
        let covered = config.doors.as_ref().is_some_and(|doors| doors.tls.is_some()) || config.tls.is_some();
        if !covered && !config.insecure_listen {
            self.no_open_address(own.listen.iter().flat_map(|list| list.iter()));
        }
    }
}
