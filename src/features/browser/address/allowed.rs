//! An operator's own hosts.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use url::Host;

/// What may be reached although it is not public. As text:
///
/// | text | what it allows |
/// |---|---|
/// | `wiki.lan` | that name, wherever it leads, at the ports 80 and 443 |
/// | `wiki.lan:8080` | the same at that port only |
/// | `*.lan`, `*.lan:8080` | every name below it, not `lan` itself |
/// | `10.0.0.5` | that address, written out, at the ports 80 and 443 |
/// | `10.0.0.5:8080`, `[fd00::5]:8080` | that address, written out, at that port only |
/// | `10.0.0.0/24`, `fd00::/64` | every address of that net, written out, at the ports 80 and 443 |
///
/// A name that leads to an allowed address has to be allowed as a name, for anybody can have a name lead anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allowed {
    place: Place,
    /// None: 80 and 443.
    port: Option<u16>,
}

/// Names are in lower case, in ASCII, and without the root's dot.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Name(String),
    Below(String),
    Net(IpNet),
}

/// A text that names no host, address or net.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no host: write `wiki.lan`, `wiki.lan:8080`, `*.lan`, `10.0.0.5`, `[fd00::5]:8080` or `10.0.0.0/24`"
)]
pub(crate) struct NotAnAddress(String);

impl Allowed {
    /// Whether it allows this name at this port, wherever it leads.
    pub(super) fn names(&self, name: &str, port: u16) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name);
        let is_it = match &self.place {
            Place::Name(allowed) => name == allowed,
            Place::Below(allowed) => name
                .strip_suffix(allowed.as_str())
                .is_some_and(|below| below.len() > 1 && below.ends_with('.')),
            Place::Net(_) => false,
        };
        is_it && self.opens(port)
    }

    /// Whether it allows this address at this port, where it is written out.
    pub(super) fn holds(&self, address: IpAddr, port: u16) -> bool {
        matches!(&self.place, Place::Net(net) if net.contains(&address)) && self.opens(port)
    }

    fn opens(&self, port: u16) -> bool {
        match self.port {
            Some(allowed) => port == allowed,
            None => matches!(port, 80 | 443),
        }
    }
}

impl FromStr for Allowed {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || NotAnAddress(text.to_owned());
        if let Ok(net) = text.parse::<IpNet>() {
            let place = Place::Net(net.trunc());
            return Ok(Self { place, port: None });
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            let place = Place::Net(address.into());
            return Ok(Self { place, port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| fail())?)),
            None => (text, None),
        };
        let (host, is_below) = match host.strip_prefix("*.") {
            Some(host) => (host, true),
            None => (host, false),
        };
        // It reads a name as a URL's host is read, so that the two can be compared.
        let place = match (Host::parse(host).map_err(|_| fail())?, is_below) {
            (Host::Domain(name), _) if is_odd(&name) => return Err(fail()),
            (Host::Domain(name), true) => Place::Below(bare(&name)),
            (Host::Domain(name), false) => Place::Name(bare(&name)),
            (_, true) => return Err(fail()),
            (Host::Ipv4(address), false) => Place::Net(IpAddr::from(address).into()),
            (Host::Ipv6(address), false) => Place::Net(IpAddr::from(address).into()),
        };
        Ok(Self { place, port })
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.place, self.port) {
            (Place::Name(name), _) => write!(f, "{name}")?,
            (Place::Below(name), _) => write!(f, "*.{name}")?,
            (Place::Net(net), Some(_)) => match net.addr() {
                IpAddr::V4(address) => write!(f, "{address}")?,
                IpAddr::V6(address) => write!(f, "[{address}]")?,
            },
            (Place::Net(net), None) if net.prefix_len() == net.max_prefix_len() => {
                write!(f, "{}", net.addr())?;
            }
            (Place::Net(net), None) => write!(f, "{net}")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

fn bare(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_owned()
}

/// A star in the middle would be taken literally, and a name without letters allows nothing.
fn is_odd(name: &str) -> bool {
    name.contains('*') || bare(name).is_empty()
}
