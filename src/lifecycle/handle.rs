//! The two things everybody may do: ask for a stop, and look at the state.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::remarks::Remarks;
use super::{Dump, Phase, RestartRefused, Snapshot, StopReason};

impl From<&str> for StopReason {
    fn from(text: &str) -> Self {
        Self::Requested(text.to_owned())
    }
}

/// Somebody wants a service to be started again, and to be told whether it will be.
#[derive(Debug)]
pub(super) struct RestartRequest {
    pub(super) name: String,
    pub(super) answer: oneshot::Sender<Result<(), RestartRefused>>,
}

/// A cheap, cloneable view of a supervisor, also before and after it runs.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
    snapshots: watch::Receiver<Snapshot>,
    pub(super) remarks: Remarks,
}

#[derive(Debug)]
struct Shared {
    name: String,
    /// "Stop requested": whoever wants a stop cancels it, the supervisor alone observes it.
    stop: CancellationToken,
    reasons: Mutex<Vec<StopReason>>,
    more: Notify,
    reload: Notify,
    restarts: Mutex<Vec<RestartRequest>>,
    restart: Notify,
    /// When the supervisor began to run.
    began: OnceLock<Instant>,
}

impl Handle {
    pub(super) fn new(name: String, snapshots: watch::Receiver<Snapshot>) -> Self {
        let shared = Shared {
            name,
            stop: CancellationToken::new(),
            reasons: Mutex::default(),
            more: Notify::new(),
            reload: Notify::new(),
            restarts: Mutex::default(),
            restart: Notify::new(),
            began: OnceLock::new(),
        };
        Self {
            shared: Arc::new(shared),
            snapshots,
            remarks: Remarks::default(),
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

    /// Asks for the configuration to be read again, as SIGHUP does; nothing happens where nobody has said
    /// [how](super::Builder::on_reload). Requests that come while one is being answered are one.
    pub fn request_reload(&self) {
        self.shared.reload.notify_one();
    }

    /// # Cancel safety
    /// No request is lost.
    pub(super) async fn reload_requested(&self) {
        self.shared.reload.notified().await;
    }

    /// Takes one service down, gracefully and within the stop budget, and starts it again; resolves when that has begun. What
    /// restarts with it as its [policy](super::RestartPolicy::rest_for_one) says goes down too. It does not count against the
    /// policy's restarts, and one that was given up is tried again. One that was ready is tried until it is ready again,
    /// whatever its policy is, unless its failure has an exit code of its own or it takes longer to start than it may.
    ///
    /// # Errors
    /// [`RestartRefused`] where there is no such service, its spec allows no restart, or the process does not run.
    ///
    /// # Cancel safety
    /// Dropped, the request may be followed all the same.
    pub async fn request_restart(&self, name: impl Into<String>) -> Result<(), RestartRefused> {
        if self.phase() != Phase::Running {
            return Err(RestartRefused::NotRunning(self.phase()));
        }
        let (answer, answered) = oneshot::channel();
        let name = name.into();
        self.restarts().push(RestartRequest { name, answer });
        self.shared.restart.notify_one();
        // Nobody answers any more where the supervisor has ended meanwhile.
        let gone = || Err(RestartRefused::NotRunning(Phase::Stopped));
        tokio::select! {
            biased;
            answer = answered => answer.unwrap_or_else(|_| gone()),
            () = self.reached(Phase::Draining) => Err(RestartRefused::NotRunning(self.phase())),
        }
    }

    /// Restarts that were asked for since the last call; resolves once there are any.
    ///
    /// # Cancel safety
    /// They are taken only as the future resolves.
    pub(super) async fn next_restarts(&self) -> Vec<RestartRequest> {
        loop {
            let requests = std::mem::take(&mut *self.restarts());
            if !requests.is_empty() {
                return requests;
            }
            self.shared.restart.notified().await;
        }
    }

    /// Resolves when a stop has been requested, at once where it has been. It does not mean that your service is to end: its
    /// [`draining`](super::ServiceContext::draining) says that.
    ///
    /// # Cancel safety
    /// Level-triggered.
    pub async fn stop_requested(&self) {
        self.shared.stop.cancelled().await;
    }

    /// The state of the process as of now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.snapshots.borrow().clone();
        let promises = self.remarks.new_promises();
        for (service, promise) in snapshot.services.iter_mut().zip(promises) {
            if let (Some(promise), Some(at)) = (&mut service.promise, promise) {
                *promise = at.saturating_duration_since(self.begin());
            }
        }
        snapshot
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

    /// Time since the supervisor began to run; zero before.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.shared
            .began
            .get()
            .map_or(Duration::ZERO, Instant::elapsed)
    }

    /// What the process is doing at this moment, as SIGUSR1 writes it to the log. It needs no runtime: any thread can ask,
    /// also while the runtime is blocked.
    #[must_use]
    pub fn dump(&self) -> Dump {
        Dump {
            name: self.shared.name.clone(),
            uptime: self.uptime(),
            snapshot: self.snapshot(),
            said: self.remarks.said(),
            stuck: self.remarks.stuck(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.shared.name
    }

    /// Sets the time that all others count from.
    pub(super) fn begin(&self) -> Instant {
        *self.shared.began.get_or_init(Instant::now)
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

    fn restarts(&self) -> std::sync::MutexGuard<'_, Vec<RestartRequest>> {
        self.shared
            .restarts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn reasons(&self) -> std::sync::MutexGuard<'_, Vec<StopReason>> {
        self.shared
            .reasons
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
