//! What is asked of a store whose disk is full is asked again, until there is space or the lanes drain.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::store::StoreError;

/// How often. It is the same moment for everybody who waits, so that the store writes them together.
const AGAIN: Duration = Duration::from_secs(1);

/// Shared by all who wait; cloned freely.
#[derive(Clone)]
pub(super) struct Patience {
    began: Instant,
    over: CancellationToken,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            over: CancellationToken::new(),
        }
    }
}

impl Patience {
    /// A stop does not wait for space: who waits tries once more and then gives up.
    pub(super) fn end(&self) {
        self.over.cancel();
    }

    /// Does it until there was space for it.
    ///
    /// # Errors
    /// What the store says that waiting does not help with, and [`StoreError::Full`] once patience has ended.
    pub(super) async fn with<T, F>(&self, ask: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        loop {
            let is_last = self.over.is_cancelled();
            match ask().await {
                Err(error) if error.may_pass() && !is_last => self.wait().await,
                answer => return answer,
            }
        }
    }

    async fn wait(&self) {
        let times = self.began.elapsed().as_secs() / AGAIN.as_secs() + 1;
        let next = self.began + AGAIN * u32::try_from(times).unwrap_or(u32::MAX);
        tokio::select! {
            () = sleep_until(next) => {}
            () = self.over.cancelled() => {}
        }
    }
}
