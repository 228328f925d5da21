//! Why an address is not reached.

use std::io;

/// Why an address is not reached, in words for whoever asked for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Refused {
    /// Neither `http` nor `https`.
    #[error("`{0}:` addresses are not read; give one that begins with http:// or https://")]
    Scheme(String),
    /// A name or a password before the host, which is how one address is made to look like another.
    #[error(
        "addresses with a user name or a password in them are not read; leave out what is before the @"
    )]
    UserInfo,
    /// Nothing to connect to.
    #[error("the address has no host")]
    NoHost,
    /// A port that web pages do not use.
    #[error("port {port} of {host} is not read; the ports 80 and 443 are")]
    Port {
        /// As it was asked for.
        host: String,
        /// As it was asked for.
        port: u16,
    },
    /// Not a public address. Its number is not told.
    #[error("{host} has {class} address, which is not read: it is not on the public internet")]
    Address {
        /// As it was asked for.
        host: String,
        /// What kind of address it is, with its article: `a loopback`.
        class: &'static str,
    },
    /// The name leads nowhere, or the name server has not answered.
    #[error("{host} was not found; is it spelt right?")]
    Unknown {
        /// As it was asked for.
        host: String,
    },
}

impl Refused {
    /// What the resolver says is the operator's to read: it may name their servers.
    pub(super) fn unknown(host: &str, error: &io::Error) -> Self {
        tracing::debug!(%error, "a name was not found");
        let host = host.to_owned();
        Self::Unknown { host }
    }
}
