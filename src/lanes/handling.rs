//! One handler's run on one update: begun in the store, bounded in time, its panic caught.

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;
use tracing::{error, warn};

use super::{Handler, Outcome};
use crate::lifecycle::{caught, crash_point};
use crate::store::{Entry, Lease, Store, StoreError};

/// What all handlers have in common; cloned freely.
#[derive(Clone)]
pub(super) struct Handling {
    pub(super) store: Store,
    pub(super) part: Lease,
    pub(super) handler: Handler,
    pub(super) timeout: Option<Duration>,
}

impl Handling {
    /// Handles an update, and says how that ended, whichever way it did.
    pub(super) async fn handle(self, entry: Entry) -> Result<Outcome, StoreError> {
        // First of all: where the process dies of this update, the next start must know.
        let pos = entry.pos;
        self.store.begin(&self.part, pos).await?;
        crash_point("before the handler");
        let handler = self.handler;
        // The call is inside: a handler may panic before it has a future.
        let handled = caught(async { handler(entry).await });
        let handled = within(self.timeout, handled).await;
        crash_point("after the handler");
        Ok(match handled {
            Some(Ok(outcome)) => {
                if matches!(outcome, Outcome::Done | Outcome::Discard { .. }) {
                    // At once: its completion waits for others to share a flush with.
                    self.store.end(&self.part, pos).await?;
                }
                outcome
            }
            Some(Err(panic)) => {
                let backtrace = &panic.backtrace;
                error!(backtrace, "the handler panicked: {panic}");
                failed(format!("the handler panicked: {panic}"))
            }
            None => {
                let time = self.timeout.unwrap_or_default();
                warn!("the handler took longer than {time:?} and is cut off");
                failed(format!(
                    "the handler took longer than {time:?} and was cut off"
                ))
            }
        })
    }
}

async fn within<F: Future>(time: Option<Duration>, future: F) -> Option<F::Output> {
    match time {
        Some(time) => timeout(time, future).await.ok(),
        None => Some(future.await),
    }
}

pub(super) fn failed(error: String) -> Outcome {
    Outcome::Failed { error }
}
