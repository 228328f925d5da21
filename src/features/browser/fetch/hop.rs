//! A client for one hop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use reqwest::dns::{Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use url::Url;

/// A client that connects to these addresses, whatever the URL's host leads to by now, and can look nothing up. A literal
/// address is not looked up by anybody; it was checked with the URL.
///
/// One for each hop, because a client's resolver is told a name and not which request it is for. Making one takes
/// ten microseconds.
pub(in super::super) fn client(
    url: &Url,
    addresses: &[SocketAddr],
    connect: Duration,
) -> reqwest::Result<Client> {
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .dns_resolver(Arc::new(Nobody))
        .resolve_to_addrs(url.host_str().unwrap_or_default(), addresses)
        .connect_timeout(connect)
        .pool_max_idle_per_host(0)
        .build()
}

/// Knows no name.
struct Nobody;

impl Resolve for Nobody {
    fn resolve(&self, _: Name) -> Resolving {
        let refused = io::Error::other("only checked addresses are connected to");
        Box::pin(async move { Err(refused.into()) })
    }
}
