//! The addresses that are not public, by IANA's registries of special-purpose addresses (RFC 6890), as of 2025.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// IPv4: everything is public that is not listed.
const V4: &[(Ipv4Net, &str)] = &[
    (v4([0, 0, 0, 0], 8), "this network's"),
    (v4([10, 0, 0, 0], 8), "a private"),
    (v4([100, 64, 0, 0], 10), "a provider's internal"),
    (v4([127, 0, 0, 0], 8), "a loopback"),
    // Azure gives its machines their configuration here, although the address is public.
    (v4([168, 63, 129, 16], 32), "a cloud's internal"),
    (v4([169, 254, 0, 0], 16), "a link-local"),
    (v4([172, 16, 0, 0], 12), "a private"),
    (v4([192, 0, 0, 0], 24), "a reserved"),
    (v4([192, 0, 2, 0], 24), "a documentation"),
    (v4([192, 88, 99, 0], 24), "a 6to4"),
    (v4([192, 168, 0, 0], 16), "a private"),
    (v4([198, 18, 0, 0], 15), "a benchmarking"),
    (v4([198, 51, 100, 0], 24), "a documentation"),
    (v4([203, 0, 113, 0], 24), "a documentation"),
    (v4([224, 0, 0, 0], 4), "a multicast"),
    (v4([255, 255, 255, 255], 32), "the broadcast"),
    (v4([240, 0, 0, 0], 4), "a reserved"),
];

/// IPv6: the first that holds an address says what it is; outside [`GLOBAL_UNICAST`] nothing is public, listed or not.
const V6: &[(Ipv6Net, &str)] = &[
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), "the unspecified"),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), "a loopback"),
    // Addresses with an IPv4 address in them, which some stack or gateway would connect to instead.
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 96), "an IPv4-compatible"),
    (v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96), "an IPv4-mapped"),
    (v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96), "a NAT64"),
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), "a NAT64"),
    (v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), "a discard-only"),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), "a Teredo"),
    (v6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48), "a benchmarking"),
    (v6([0x2001, 0x10, 0, 0, 0, 0, 0, 0], 28), "an ORCHID"),
    (v6([0x2001, 0x20, 0, 0, 0, 0, 0, 0], 28), "an ORCHID"),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "a reserved"),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "a documentation"),
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), "a 6to4"),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "a documentation"),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), "a private"),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "a link-local"),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), "a private"),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "a multicast"),
];

/// All that IANA has given out for hosts.
const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// What kind of address it is, with its article, where it is not a public one.
pub(super) fn blocked(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => {
            let holds = V4.iter().find(|(net, _)| net.contains(&address));
            holds.map(|(_, class)| *class)
        }
        IpAddr::V6(address) => {
            let holds = V6.iter().find(|(net, _)| net.contains(&address));
            let is_given_out = GLOBAL_UNICAST.contains(&address);
            let otherwise = (!is_given_out).then_some("a reserved");
            holds.map(|(_, class)| *class).or(otherwise)
        }
    }
}

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), length)
}
