//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tracing::debug;

use super::drain::Stage;
use super::socket::{Socket, hung_up};
use super::traffic::Traffic;

/// What a connection may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at the same time; further ones wait to be accepted. Default 1,024.
    pub connections: usize,
    /// For the head of a request, and between two requests. Default 30 s.
    pub head: Duration,
    /// How long what was written may go unread before the connection is cut. Default 60 s.
    pub unread: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            head: Duration::from_secs(30),
            unread: Duration::from_secs(60),
        }
    }
}

/// Serves a connection until one of the two sides closes it.
pub(super) async fn serve(
    stream: TcpStream,
    router: Router,
    traffic: Arc<Traffic>,
    limits: Limits,
) {
    prepare(&stream, limits);
    let stream = Arc::new(stream);
    let closing = traffic.drain.reached(Stage::Closing);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let answer = Arc::clone(&traffic).answer(router.clone(), request.map(Body::new));
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .serve_connection(TokioIo::new(Socket(Arc::clone(&stream))), service);
    let mut connection = std::pin::pin!(connection);
    let end = tokio::select! {
        biased;
        // First, so that what can be answered at once is, also to a client that says no more.
        end = connection.as_mut() => end,
        () = closing => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                biased;
                end = connection.as_mut() => end,
                () = hung_up(&stream) => return,
            }
        }
        () = hung_up(&stream) => return,
    };
    if let Err(error) = end {
        debug!(%error, "a connection ended badly");
    }
}

/// Tokens go out as they come, and a client that has stopped reading does not keep its connection.
fn prepare(stream: &TcpStream, limits: Limits) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "a connection delays small packets");
    }
    #[cfg(target_os = "linux")]
    {
        let unread_ms = u32::try_from(limits.unread.as_millis()).unwrap_or(u32::MAX);
        if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(stream, unread_ms) {
            debug!(%error, "a connection has no limit on what goes unread");
        }
    }
}
