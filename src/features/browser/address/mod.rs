//! Which addresses may be reached: what is read for a stranger must not be what only this machine can see.
//!
//! **Authority**: [`AddressGuard`] alone. Whoever connects asks it, and connects to what it answered.
//!
//! ```text
//!  URL ─→ check_url: scheme, user info, host, port, literal addresses
//!      ─→ resolve:   one lookup, each address judged ─→ the addresses to connect to, and no second lookup
//! ```
//!
//! Invariants:
//! - An address that is not public is connected to only where the operator has allowed its host: by its name, or where the URL
//!   shows the address itself, by the address or its net. A stranger's name gets nowhere by leading into an allowed net: a page
//!   that is read under it could otherwise lead it there afterwards, and a browser would take both for one site.
//! - A name's addresses are judged, never the name: what `localhost` or `metadata.internal` leads to is refused by what it is.
//! - A refusal names the host as it was asked for, and not its address: who may ask could otherwise map a network by its names.
//!
//! Not done here: public addresses of this machine and of its network are public ones, like any other. What a firewall keeps
//! from the world, but not from this machine, is open to whoever may ask here: let the firewall hold for this machine too, or
//! give it a network namespace of its own.

mod allowed;
mod blocked;
mod lookup;
mod refused;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use url::{Host, Url};

pub(crate) use allowed::Allowed;
pub(crate) use lookup::Lookup;
pub(crate) use refused::Refused;

use blocked::blocked;

/// Judges addresses. Clones are the same guard.
#[derive(Clone)]
pub(crate) struct AddressGuard {
    allowed: Arc<[Allowed]>,
    lookup: Lookup,
    class_of: fn(IpAddr) -> Option<&'static str>,
}

impl AddressGuard {
    /// One that lets public addresses be reached at the ports 80 and 443, and what the operator has allowed. Names are
    /// looked up by the system.
    pub(crate) fn new(allowed: Vec<Allowed>) -> Self {
        Self::with_lookup(allowed, lookup::system())
    }

    /// The same with another way to look names up.
    pub(crate) fn with_lookup(allowed: Vec<Allowed>, lookup: Lookup) -> Self {
        Self {
            allowed: allowed.into(),
            lookup,
            class_of: blocked,
        }
    }

    /// The same where other addresses are public: no test has one of those that are.
    #[cfg(test)]
    pub(crate) fn judging_by(self, class_of: fn(IpAddr) -> Option<&'static str>) -> Self {
        Self { class_of, ..self }
    }

    /// Judges what a URL shows by itself, and looks nothing up: scheme, user info, host, port, and a literal address in
    /// whatever spelling (`url` has made one of `0x7f.1` and of `2130706433`).
    ///
    /// # Errors
    /// [`Refused`] says which of them.
    pub(crate) fn check_url(&self, url: &Url) -> Result<(), Refused> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::UserInfo);
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(Refused::NoHost);
        };
        if !matches!(port, 80 | 443) && !self.is_allowed(&host, port) {
            let host = host.to_string();
            return Err(Refused::Port { host, port });
        }
        match literal(&host) {
            Some(address) => self.judge(&host, address, port),
            None => Ok(()),
        }
    }

    /// Where a URL's host is, as addresses that may be connected to. Connect to these: a second lookup could answer
    /// something else.
    ///
    /// # Errors
    /// Whatever [`check_url`](Self::check_url) refuses, a name that has no address, and one that has no address which may
    /// be reached. Where only some may be, it is those.
    ///
    /// # Cancel safety
    /// Dropping it drops the answer. It has no time-out of its own.
    pub(crate) async fn resolve(&self, url: &Url) -> Result<Vec<SocketAddr>, Refused> {
        self.check_url(url)?;
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(Refused::NoHost);
        };
        if let Some(address) = literal(&host) {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let name = host.to_string();
        let found = (self.lookup)(name.clone(), port).await;
        let found = found.map_err(|error| Refused::unknown(&name, &error))?;
        let mut refusal = Refused::Unknown { host: name };
        let mut reachable = Vec::with_capacity(found.len());
        for address in found {
            match self.judge(&host, address.ip(), port) {
                // The port is the URL's, whatever the lookup says.
                Ok(()) => reachable.push(SocketAddr::new(address.ip(), port)),
                Err(refused) => refusal = refused,
            }
        }
        if reachable.is_empty() {
            return Err(refusal);
        }
        Ok(reachable)
    }

    fn judge(&self, host: &Host<&str>, address: IpAddr, port: u16) -> Result<(), Refused> {
        let Some(class) = (self.class_of)(address) else {
            return Ok(());
        };
        if self.is_allowed(host, port) {
            return Ok(());
        }
        let host = host.to_string();
        Err(Refused::Address { host, class })
    }

    fn is_allowed(&self, host: &Host<&str>, port: u16) -> bool {
        let mut allowed = self.allowed.iter();
        match literal(host) {
            Some(address) => allowed.any(|allowed| allowed.holds(address, port)),
            None => {
                let name = host.to_string();
                allowed.any(|allowed| allowed.names(&name, port))
            }
        }
    }
}

fn literal(host: &Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some((*address).into()),
        Host::Ipv6(address) => Some((*address).into()),
    }
}
