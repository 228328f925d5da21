//! The two things everybody may do: ask for a stop, and look at the state.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Phase, Snapshot, StopReason};

impl From<&str> for StopReason {
    fn from(text: &str) -> Self {
        Self::Requested(text.to_owned())
    }
}

/// A cheap, cloneable view of a supervisor, also before and after it runs.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
    snapshots: watch::Receiver<Snapshot>,
}

#[derive(Debug)]
struct Shared {
    /// "Stop requested": whoever wants a stop cancels it, the supervisor alone observes it.
    stop: CancellationToken,
    reasons: Mutex<Vec<StopReason>>,
    more: Notify,
    began: Instant,
}

impl Handle {
    pub(super) fn new(snapshots: watch::Receiver<Snapshot>) -> Self {
        let shared = Shared {
            stop: CancellationToken::new(),
            reasons: Mutex::default(),
            more: Notify::new(),
            began: Instant::now(),
        };
        Self {
            shared: Arc::new(shared),
            snapshots,
        }
    }

    /// Asks for a stop. The first reason wins; later ones are appended to the report.
    pub fn request_stop(&self, reason: impl Into<StopReason>) {
        let mut reasons = self.reasons();
        reasons.push(reason.into());
        drop(reasons);
        self.shared.stop.cancel();
        self.shared.more.notify_one();
    }

    /// Resolves when a stop has been requested. It does not mean that your service is to end: its
    /// [`draining`](super::ServiceContext::draining) says that.
    pub async fn stop_requested(&self) {
        self.shared.stop.cancelled().await;
    }

    /// The state of the process as of now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.snapshots.borrow().clone()
    }

    /// The phase of the process as of now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.snapshots.borrow().phase
    }

    /// The states of the process as they come; always the latest one.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Snapshot> {
        self.snapshots.clone()
    }

    /// Resolves when the process has come to this phase or is past it.
    ///
    /// # Cancel safety
    /// Level-triggered.
    pub async fn reached(&self, phase: Phase) {
        let mut snapshots = self.snapshots.clone();
        // A supervisor that is gone publishes nothing more: nothing will be reached.
        if snapshots
            .wait_for(|snapshot| snapshot.phase >= phase)
            .await
            .is_err()
        {
            std::future::pending().await
        }
    }

    /// Time since the supervisor was built.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.shared.began.elapsed()
    }

    /// Reasons that the supervisor has not seen, once there are any.
    ///
    /// # Cancel safety
    /// No reason is lost: they are taken only as the future resolves.
    pub(super) async fn next_requests(&self) -> Vec<StopReason> {
        self.shared.stop.cancelled().await;
        loop {
            let reasons = self.pending_requests();
            if !reasons.is_empty() {
                return reasons;
            }
            self.shared.more.notified().await;
        }
    }

    /// Reasons that the supervisor has not seen.
    pub(super) fn pending_requests(&self) -> Vec<StopReason> {
        std::mem::take(&mut *self.reasons())
    }

    fn reasons(&self) -> std::sync::MutexGuard<'_, Vec<StopReason>> {
        self.shared
            .reasons
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
