//! A forward proxy on loopback, through which Chromium reaches what the guard lets it reach, and nothing else.
//!
//! **Authority**: the [`AddressGuard`]; the proxy connects to the addresses that it has checked.
//!
//! ```text
//!  Chromium ─→ CONNECT host:443      ─→ guard ─→ a connection, then bytes in both directions
//!           └→ GET http://host/path  ─→ guard ─→ a client for this hop, then its answer
//! ```
//!
//! Invariants:
//! - One proxy a page or session, owned by whoever drives it: it serves while [`Proxy::run`] is polled, and dropping that
//!   closes every connection. There is no service that could be wedged, and no page can use up another one's bytes.
//! - What passes on all its connections together is limited, and so is the time of each.
//! - Only what is asked of a proxy is answered: a page in somebody's browser cannot ask it for anything.
//!
//! Not done here: a password. Chromium takes none on its command line, and what the proxy gives to another program of this
//! machine, for as long as a page is read and at a port that nobody is told, is less than that program has without it. Nor are
//! secure connections looked into; so of them only the host is known.

mod connection;
mod meter;
mod serve;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::{Instrument, debug};

use super::address::AddressGuard;
use meter::Meter;

/// After a connection could not be accepted, as where too many files are open.
const PAUSE: Duration = Duration::from_millis(100);
/// Refusals that are remembered; a page can cause any number of them.
const REMEMBERED: usize = 16;

/// What a page may take on its way through the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Connections at the same time; further ones wait. Default 128.
    pub(crate) connections: usize,
    /// For a lookup and a connection together. Default 10 s.
    pub(crate) connect: Duration,
    /// How long nothing may pass on a connection before it is closed. Default 30 s.
    pub(crate) idle: Duration,
    /// How long a connection may last, whatever passes. Default 120 s.
    pub(crate) total: Duration,
    /// Bytes in both directions, of all connections together; after them each is closed. Default 50 MiB.
    pub(crate) bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 128,
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            total: Duration::from_secs(120),
            bytes: 50 << 20,
        }
    }
}

/// What has gone through it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Requests, those refused included.
    pub(crate) requests: u64,
    /// Requests that the guard refused.
    pub(crate) refused: u64,
    /// Bytes in both directions since [`Proxy::begin`].
    pub(crate) bytes: u64,
    /// All the bytes that it may take were taken, and the page is not whole.
    pub(crate) is_used_up: bool,
    /// What was refused first since [`Proxy::begin`], 16 at most: the host, and why.
    pub(crate) refusals: Vec<String>,
}

/// A proxy that listens; [`run`](Self::run) serves.
pub(crate) struct Proxy {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What its connections have in common.
struct Shared {
    guard: AddressGuard,
    limits: Limits,
    meter: Arc<Meter>,
    counts: Mutex<Counts>,
}

impl Proxy {
    /// Takes a free port of 127.0.0.1.
    ///
    /// # Errors
    /// Where there is none.
    pub(crate) async fn bind(guard: AddressGuard, limits: Limits) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Ok(Self {
            address: listener.local_addr()?,
            listener,
            shared: Arc::new(Shared {
                guard,
                limits,
                meter: Arc::new(Meter::new(limits.bytes)),
                counts: Mutex::default(),
            }),
        })
    }

    /// For `--proxy-server=http://ADDRESS`, together with `--proxy-bypass-list=<-loopback>`: Chromium would otherwise go to
    /// loopback without it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has gone through it until now.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = self.shared.counts().clone();
        counts.bytes = self.shared.meter.passed();
        counts.is_used_up = self.shared.meter.is_used_up();
        counts
    }

    /// Forgets refusals, and gives all bytes anew: for another page in the same browser.
    pub(crate) fn begin(&self) {
        self.shared.counts().refusals.clear();
        self.shared.meter.begin();
    }

    /// Serves for ever.
    ///
    /// # Cancel safety
    /// Dropping it closes every connection, and is how it ends. What comes after waits for the next call of it.
    pub(crate) async fn run(&self) -> ! {
        let places = Arc::new(Semaphore::new(self.shared.limits.connections));
        let mut connections = JoinSet::new();
        loop {
            let accepted = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (self.listener.accept().await, place)
            };
            let (accepted, place) = tokio::select! {
                Some(_) = connections.join_next() => continue,
                accepted = accepted => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let serving = connection::serve(stream, Arc::clone(&self.shared));
                    let task = async move {
                        serving.await;
                        drop(place);
                    };
                    connections.spawn(task.in_current_span());
                }
                Err(error) => {
                    debug!(%error, "a connection to the proxy could not be accepted");
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

impl Shared {
    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_request(&self) {
        self.counts().requests += 1;
    }

    fn count_refusal(&self, why: &str) {
        let mut counts = self.counts();
        counts.refused += 1;
        if counts.refusals.len() < REMEMBERED {
            counts.refusals.push(why.to_owned());
        }
    }
}
