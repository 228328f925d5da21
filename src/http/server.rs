//! The listener as a service.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tracing::{Instrument, debug, error, warn};

use super::connection::{Limits, serve};
use super::drain::{Drain, Stage};
use super::health;
use super::traffic::{Counts, Traffic, nothing_here};
use crate::lifecycle::{Failure, Service, ServiceContext, Work, caught};

/// After a connection could not be accepted for want of open files or memory: at once it would fail again.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest that last words, and then their way out, are given.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// One HTTP/1 listener, and what is mounted on it. Clones are the same listener, so that a service's factory can make it
/// again.
#[derive(Clone)]
pub struct Http {
    /// Bound, and not served yet.
    listener: Arc<Mutex<Option<TcpListener>>>,
    address: SocketAddr,
    router: Router,
    drain: Drain,
    limits: Limits,
    counts: Arc<Counts>,
}

impl Http {
    /// Takes the address, so that one that is taken is an error before anything starts. Port 0 is any free one.
    ///
    /// # Errors
    /// Where the address cannot be bound.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = bound(address)?;
        Ok(Self {
            address: listener.local_addr()?,
            listener: Arc::new(Mutex::new(Some(listener))),
            router: Router::new(),
            drain: Drain::new(),
            limits: Limits::default(),
            counts: Arc::default(),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What those who serve requests ask whether it stops.
    #[must_use]
    pub fn drain(&self) -> Drain {
        self.drain.clone()
    }

    /// Serves these routes too. `/health` is there already.
    ///
    /// # Panics
    /// Where a route is there already, or the routes bring a fallback of their own.
    #[must_use]
    pub fn mount(mut self, routes: Router) -> Self {
        self.router = self.router.merge(routes);
        self
    }

    /// What connections may take, instead of the defaults.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    fn take_listener(&self) -> Option<TcpListener> {
        let listener = self.listener.lock();
        listener.unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

impl Service for Http {
    async fn run(&mut self, cx: ServiceContext) -> Result<(), Failure> {
        // The end of a life closes it, so that nobody waits in its queue for an answer that does not come.
        let listener = self
            .take_listener()
            .map_or_else(|| bound(self.address), Ok)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let routes = health::router(cx.handle().clone()).merge(self.router.clone());
        self.drain.set(Stage::Open);
        let traffic = Arc::new(Traffic::new(self.drain.clone(), Arc::clone(&self.counts)));
        let shown = Arc::clone(&traffic);
        cx.show_work(move || Work {
            running: shown.in_flight(),
            oldest: None,
        });
        let mut running = Running {
            listener,
            routes: routes.fallback(nothing_here),
            places: Arc::new(Semaphore::new(self.limits.connections)),
            limits: self.limits,
            connections: JoinSet::new(),
            traffic,
        };
        cx.status(format!("serving on http://{}", self.address));
        cx.ready();
        running.accept_until(cx.draining()).await;
        running.end(&cx).await;
        cx.fact("requests", self.counts.requests());
        cx.fact("requests refused", self.counts.refused());
        Ok(())
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// One life of the service.
struct Running {
    listener: tokio::net::TcpListener,
    routes: Router,
    places: Arc<Semaphore>,
    limits: Limits,
    connections: JoinSet<()>,
    traffic: Arc<Traffic>,
}

impl Running {
    /// Takes connections until something happens.
    async fn accept_until<T>(&mut self, end: impl Future<Output = T>) -> T {
        let mut end = std::pin::pin!(end);
        loop {
            tokio::select! {
                biased;
                end = end.as_mut() => return end,
                Some(_) = self.connections.join_next() => {}
                (accepted, place) = next(&self.listener, &self.places) => match accepted {
                    Ok(stream) => self.take(stream, place),
                    // That connection is gone, and the next one may be well.
                    Err(error) if !is_short_of_means(&error) => {
                        debug!(%error, "a connection ended before it was accepted");
                    }
                    Err(error) => {
                        warn!(%error, "a connection could not be accepted");
                        tokio::select! {
                            end = end.as_mut() => return end,
                            () = sleep(PAUSE) => {}
                        }
                    }
                },
            }
        }
    }

    fn take(&mut self, stream: tokio::net::TcpStream, place: OwnedSemaphorePermit) {
        let (routes, traffic) = (self.routes.clone(), Arc::clone(&self.traffic));
        let serving = caught(serve(stream, routes, traffic, self.limits));
        let task = async move {
            if let Err(panic) = serving.await {
                error!(%panic, "an answer's body panicked");
            }
            drop(place);
        };
        self.connections.spawn(task.in_current_span());
    }

    /// Connections are still taken while what runs is finished: health answers, and everything else is told to go elsewhere.
    async fn end(&mut self, cx: &ServiceContext) {
        let (drain, began) = (self.traffic.drain.clone(), Instant::now());
        drain.set(Stage::Draining);
        cx.intake_closed();
        let traffic = Arc::clone(&self.traffic);
        let finished = async {
            traffic.is_empty().await;
            cx.drained().await;
        };
        let in_time = async {
            tokio::select! {
                biased;
                () = finished => true,
                () = cx.killed() => false,
            }
        };
        let share = cx.deadline().map_or(Duration::ZERO, |kill| kill - began);
        // Between the end of the time for finishing and the abort there is an eighth of that time, for two steps.
        let moment = (share / 20).min(LAST_WORDS);
        if !self.accept_until(in_time).await {
            let cut = self.traffic.in_flight();
            drain.set(Stage::Ending);
            let _ = timeout(moment, self.traffic.is_empty()).await;
            if cut > 0 {
                cx.unfinished(format!("{cut} requests"));
            }
        }
        drain.set(Stage::Closing);
        let closed = async { while self.connections.join_next().await.is_some() {} };
        let _ = timeout(moment, closed).await;
        self.connections.shutdown().await;
    }
}

/// Whether it is the process or the system that has no more files or memory, and not the connection that is at fault.
fn is_short_of_means(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let scarce = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| scarce.contains(&errno))
}

/// The next connection, as soon as there is a place for it.
///
/// # Cancel safety
/// No connection is lost.
async fn next(
    listener: &tokio::net::TcpListener,
    places: &Arc<Semaphore>,
) -> (io::Result<tokio::net::TcpStream>, OwnedSemaphorePermit) {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.expect("nobody closes it");
    let accepted = listener.accept().await;
    (accepted.map(|(stream, _)| stream), place)
}
