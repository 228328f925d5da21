//! The store as a service: it has no work of its own, and is closed after everybody who uses it.

use super::{Store, StoreError};
use crate::lifecycle::{Failure, Service, ServiceContext};

/// Keeps a store open until its users have stopped, then flushes and closes it.
pub struct StoreService(Store);

impl StoreService {
    /// Takes care of this store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self(store)
    }
}

impl Service for StoreService {
    async fn run(&mut self, cx: ServiceContext) -> Result<(), Failure> {
        let failed = |error: StoreError| Failure::fatal(error.exit_kind(), error);
        let at_start = self.0.counts().await.map_err(failed)?;
        cx.status(format!(
            "{} queued, {} parked",
            at_start.queued, at_start.parked
        ));
        if at_start.queued > 0 {
            tracing::info!(
                queued = at_start.queued,
                "updates left by an earlier run are handled now"
            );
        }
        cx.ready();
        cx.draining().await;
        let left = self.0.counts().await;
        // Also where it cannot be read.
        self.0.close().await.map_err(failed)?;
        let left = left.map_err(failed)?;
        cx.fact("left", left.queued);
        cx.fact("parked", left.parked);
        Ok(())
    }
}
