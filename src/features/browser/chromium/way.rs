//! The way out of one browser: a proxy of its own, for as long as it lives.

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::super::address::AddressGuard;
use super::super::proxy::{Limits, Proxy};

/// A proxy that serves. Dropped, it closes its connections.
pub(super) struct Way {
    guard: AddressGuard,
    proxy: Arc<Proxy>,
    _serving: JoinSet<()>,
}

impl Way {
    pub(super) async fn open(guard: AddressGuard) -> io::Result<Self> {
        let proxy = Arc::new(Proxy::bind(guard.clone(), Limits::default()).await?);
        let (serving, mut tasks) = (Arc::clone(&proxy), JoinSet::new());
        tasks.spawn(async move { serving.run().await });
        Ok(Self {
            guard,
            proxy,
            _serving: tasks,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.proxy.address()
    }

    /// Why a page of this address is not to be shown, where it is not: what a browser shows of it is the proxy's refusal.
    pub(super) async fn judge(&self, url: &str) -> Option<String> {
        let url = reqwest::Url::parse(url).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let judged = self.guard.resolve(&url).await;
        judged.err().map(|refused| refused.to_string())
    }

    /// Forgets what was refused and counted until now: the browser goes to another page.
    pub(super) fn begin(&self) {
        self.proxy.begin();
    }

    /// What was refused first since then, where anything was.
    pub(super) fn refusal(&self) -> Option<String> {
        self.proxy.counts().refusals.into_iter().next()
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.proxy.counts().is_used_up
    }
}

impl std::fmt::Debug for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Way").finish_non_exhaustive()
    }
}
