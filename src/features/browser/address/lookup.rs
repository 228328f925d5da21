//! Looking names up.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::Semaphore;

/// Lookups at the same time; further ones wait.
const LOOKUPS: usize = 32;

/// From a name and a port to addresses.
pub(crate) type Lookup =
    Arc<dyn Fn(String, u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// The system's resolver. Its call cannot be interrupted, so each one has a thread of the runtime until it returns, whoever
/// waits for it still; names of somebody whose name server is silent must not take them all.
pub(super) fn system() -> Lookup {
    let places = Arc::new(Semaphore::new(LOOKUPS));
    Arc::new(move |name, port| {
        let places = Arc::clone(&places);
        Box::pin(async move {
            let place = places.acquire_owned().await.map_err(io::Error::other)?;
            let asking = move || {
                let _place = place;
                let found = (name.as_str(), port).to_socket_addrs()?;
                Ok(found.collect())
            };
            let asked = tokio::task::spawn_blocking(asking).await;
            asked.map_err(io::Error::other)?
        })
    })
}
