//! What an IP address really is: the addresses that hide in it, and the ranges that are never dialled.
//!
//! Pure functions over bits; `egress` alone decides which address may be dialled.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses under which a packet to `addr` may arrive: itself and the IPv4 addresses that are written in it.
///
/// IPv4-mapped and -compatible (RFC 4291 2.5.5), -translated (RFC 2765), NAT64 (RFC 6052), 6to4 (RFC 3056),
/// Teredo (RFC 4380: server, and client inverted), ISATAP (RFC 5214).
pub(super) fn embedded_addresses(addr: IpAddr) -> impl Iterator<Item = IpAddr> {
    let embedded = match addr {
        IpAddr::V4(_) => [None, None],
        IpAddr::V6(v6) => embedded(v6),
    };
    std::iter::once(addr).chain(embedded.into_iter().flatten().map(IpAddr::V4))
}

fn embedded(addr: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let s = addr.segments();
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    let last = v4(s[6], s[7]);
    match s {
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => [None, None],
        [0, 0, 0, 0, 0, 0 | 0xffff, ..]
        | [0, 0, 0, 0, 0xffff, 0, ..]
        | [0x64, 0xff9b, 0, 0, 0, 0, ..]
        | [_, _, _, _, 0 | 0x200, 0x5efe, ..] => [last, None],
        [0x2002, ..] => [v4(s[1], s[2]), None],
        [0x2001, 0, ..] => [v4(s[2], s[3]), v4(!s[6], !s[7])],
        _ => [None, None],
    }
}

/// Cloud metadata services outside the link-local ranges. A process that reaches one holds the machine's identity.
const METADATA: [IpAddr; 7] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), // Alibaba Cloud
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),   // Azure's wire server
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),     // Oracle Cloud
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)), // AWS
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)), // Google Cloud
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42)), // Scaleway
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe)), // Oracle Cloud
];

/// The kind of an address that is never dialled, whatever the rules say; looks at this address only, not at the ones embedded in it.
pub(super) fn forbidden_kind(addr: IpAddr) -> Option<&'static str> {
    if METADATA.contains(&addr) {
        return Some("a cloud metadata service");
    }
    match addr {
        IpAddr::V4(v4) => match v4.octets() {
            [0, ..] => Some("an unspecified address"), // RFC 791 "this network"; Linux dials 0.0.0.0 to itself
            [169, 254, ..] => Some("a link-local address"),
            [224..=239, ..] => Some("a multicast address"),
            [240..=255, ..] => Some("a reserved or broadcast address"),
            _ => None,
        },
        IpAddr::V6(v6) => match v6.segments() {
            [0, 0, 0, 0, 0, 0, 0, 0] => Some("an unspecified address"),
            [0xfe80..=0xfebf, ..] => Some("a link-local address"),
            [0xff00..=0xffff, ..] => Some("a multicast address"),
            // RFC 8215: where the IPv4 address stands is the site's secret, so it cannot be checked.
            [0x64, 0xff9b, 1, ..] => Some("a local NAT64 address, whose target cannot be checked"),
            _ => None,
        },
    }
}
