//! One connection of Chromium's, from its first byte to its last.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tracing::debug;

use super::Shared;
use super::meter::Metered;
use super::serve::answer;

/// A tunnel that was promised with the answer to CONNECT. It begins when that answer has gone out.
pub(super) struct Tunnel {
    pub(super) client: OnUpgrade,
    pub(super) server: TcpStream,
}

/// Where the answer to CONNECT leaves it.
pub(super) type Promised = Arc<Mutex<Option<Tunnel>>>;

/// Serves a connection until one of the two sides closes it, or one of the limits does.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let limits = shared.limits;
    let (stream, life) = Metered::new(stream, Arc::clone(&shared.meter));
    tokio::select! {
        end = exchange(stream, shared) => if let Err(error) = end {
            debug!(%error, "a connection of the proxy ended badly");
        },
        () = life.until_idle_for(limits.idle) => debug!("a connection of the proxy was idle"),
        () = sleep(limits.total) => debug!("a connection of the proxy has lasted too long"),
    }
}

async fn exchange(stream: Metered<TcpStream>, shared: Arc<Shared>) -> io::Result<()> {
    let promised = Promised::default();
    let head = shared.limits.idle;
    let service = service_fn(|request| {
        let (shared, promised) = (Arc::clone(&shared), Arc::clone(&promised));
        async move { Ok::<_, Infallible>(answer(request, &shared, &promised).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    connection.await.map_err(io::Error::other)?;
    let promised = promised
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let Some(Tunnel { client, mut server }) = promised else {
        return Ok(());
    };
    let client = client.await.map_err(io::Error::other)?;
    copy_bidirectional(&mut TokioIo::new(client), &mut server).await?;
    Ok(())
}

/// Connects to the first of these addresses that answers; each gets its part of the time.
pub(super) async fn dial(addresses: &[SocketAddr], shared: &Shared) -> io::Result<TcpStream> {
    let parts = u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    let part = shared.limits.connect / parts;
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        let connecting = tokio::time::timeout(part, TcpStream::connect(address));
        match connecting.await.unwrap_or_else(|error| Err(error.into())) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
