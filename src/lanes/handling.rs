//! The handling of one entry: begun in the store, bounded in time, panics caught, and what it changes committed.

use std::future::Future;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tracing::{debug, error, warn};

use super::patience::Patience;
use super::{Handler, Outcome};
use crate::lifecycle::{caught, crash_point};
use crate::store::{Completion, Entry, Fate, Lease, Pos, Store, StoreError};

/// So often a handler runs again because somebody else changed a document that it changes too.
const MOST_COLLISIONS: u32 = 10;
/// The longest pause after the first such time; it doubles.
const COLLISION_PAUSE: Duration = Duration::from_millis(2);

/// What all handlers have in common; cloned freely.
#[derive(Clone)]
pub(super) struct Handling {
    pub(super) store: Store,
    pub(super) part: Lease,
    pub(super) handler: Handler,
    pub(super) timeout: Option<Duration>,
    /// With a disk that is full.
    pub(super) patience: Patience,
}

/// How the handling of an entry ended.
pub(super) enum End {
    /// Like this, and nobody has recorded it yet.
    Open(Outcome),
    /// It is over, and that is committed.
    Recorded,
}

impl Handling {
    /// Handles an entry, and says how that ended, whichever way it did.
    pub(super) async fn handle(self, entry: Entry) -> Result<End, StoreError> {
        // First of all: where the process dies of this update, the next start must know.
        let pos = entry.pos;
        self.patience
            .with(|| self.store.begin(&self.part, pos))
            .await?;
        for collisions in 0..=MOST_COLLISIONS {
            crash_point("before the handler");
            let outcome = self.run(entry.clone()).await;
            crash_point("after the handler");
            let changes = match outcome {
                Outcome::DoneWith(changes) if !changes.is_empty() => changes,
                Outcome::Done | Outcome::DoneWith(_) | Outcome::Discard { .. } => {
                    // At once: its completion waits for others to share a flush with.
                    self.patience
                        .with(|| self.store.end(&self.part, pos))
                        .await?;
                    return Ok(End::Open(outcome));
                }
                Outcome::Retry { .. } | Outcome::Failed { .. } => return Ok(End::Open(outcome)),
            };
            // Not marked as ended before: a death in between must leave neither without the other.
            let fate = Fate::Done;
            let done = Completion { pos, fate, changes };
            match self.record(vec![done]).await {
                Ok(()) => return Ok(End::Recorded),
                Err(error @ StoreError::Changed(_)) => {
                    debug!(collisions, "{error}; the handler runs again");
                    sleep(COLLISION_PAUSE.mul_f64(fastrand::f64()) * (1 << collisions)).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(End::Open(failed(
            "documents that the handler changes were changed by others each time".to_owned(),
        )))
    }

    /// Records ends with their changes. What cannot be recorded, because of a stop or for good, and is not marked as ended, is handled
    /// again by the next start; that is no attempt that failed.
    pub(super) async fn record(&self, done: Vec<Completion>) -> Result<(), StoreError> {
        let record = || self.store.complete(&self.part, done.clone());
        let recorded = self.patience.with(record).await;
        if matches!(&recorded, Err(error) if !matches!(error, StoreError::Changed(_))) {
            let is_marked = |end: &&Completion| end.fate == Fate::Done && end.changes.is_empty();
            for end in done.iter().filter(|end| !is_marked(end)) {
                self.put_back(end.pos).await?;
            }
        }
        recorded
    }

    /// Notes that a handler was broken off on purpose, or is to run again.
    pub(super) async fn put_back(&self, pos: Pos) -> Result<(), StoreError> {
        match self.store.put_back(&self.part, pos).await {
            // It counts as an attempt where the process dies before somebody writes over it. That is harmless.
            Err(error) if error.may_pass() => Ok(()),
            answer => answer,
        }
    }

    async fn run(&self, entry: Entry) -> Outcome {
        // The call is inside: a handler may panic before it has a future.
        let handled = caught(async { (self.handler)(entry).await });
        match within(self.timeout, handled).await {
            Some(Ok(outcome)) => outcome,
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
        }
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
