//! What a service is, and what it is told.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::machine::{Event, ServiceId};
use super::remarks::{Remains, Remarks};
use super::tasks::Tasks;
use super::{
    Closed, Failure, Handle, LONGEST, Restart, RestartPolicy, ServiceState, Snapshot, StopReason,
    Work,
};

/// Something that runs for as long as the process does: a poller, a server, a writer.
///
/// `run` is called once on each fresh value from the service's factory. It says [`ready`](ServiceContext::ready)
/// when it can do its work, and ends soon after [`draining`](ServiceContext::draining).
///
/// A closure that takes a [`ServiceContext`] is a service too. One that captures something clones it for each run:
/// `move |cx: ServiceContext| { let pool = pool.clone(); async move { … } }`.
///
/// ```
/// # use sundown::lifecycle::{ServiceContext, Supervisor};
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let report = Supervisor::builder("clock")
///     .signals(false)
///     .service("tick", || async |cx: ServiceContext| {
///         cx.ready();
///         cx.request_stop("seen enough");
///         cx.draining().await;
///         Ok(())
///     })
///     .run()
///     .await;
/// assert_eq!(report.exit_kind().code(), 0);
/// # }
/// ```
pub trait Service: Send {
    /// Does the service's work until it is over or the service is told to end.
    ///
    /// # Cancel safety
    /// The future is dropped at an await where the service overstays its time after
    /// [`killed`](ServiceContext::killed). What must not be lost then belongs on disk.
    ///
    /// # Errors
    /// An error, like a panic, ends this life of the service; its [`RestartPolicy`] says what follows.
    fn run(&mut self, cx: ServiceContext) -> impl Future<Output = Result<(), Failure>> + Send;
}

impl<F, Fut> Service for F
where
    F: FnMut(ServiceContext) -> Fut + Send,
    Fut: Future<Output = Result<(), Failure>> + Send,
{
    fn run(&mut self, cx: ServiceContext) -> impl Future<Output = Result<(), Failure>> + Send {
        self(cx)
    }
}

/// A service's name and its part of the time.
#[derive(Clone, Debug)]
pub struct ServiceSpec {
    pub(super) name: String,
    pub(super) start_timeout: Duration,
    pub(super) weight: u32,
    pub(super) restart: RestartPolicy,
    pub(super) is_optional: bool,
    pub(super) group: Option<String>,
    on_request: bool,
}

impl ServiceSpec {
    /// A critical service of this name that is not restarted, with 30 s to be ready and weight 1.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            start_timeout: Duration::from_secs(30),
            weight: 1,
            restart: RestartPolicy::new(Restart::Temporary),
            is_optional: false,
            group: None,
            on_request: false,
        }
    }

    /// How long it may take to be ready; the start fails when it takes longer. Default 30 s.
    #[must_use]
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.start_timeout = timeout;
        self
    }

    /// When and how often it is started again after it has been ready and has ended; an optional service also where it
    /// failed before it was ready. Its factory makes a new value for every start. Default: never.
    #[must_use]
    pub fn restart(mut self, policy: RestartPolicy) -> Self {
        self.restart = policy;
        self
    }

    /// It can be started again on [request](super::Handle::request_restart) although no end of its own does that. What has a
    /// policy that restarts it can be in any case. Default: no.
    #[must_use]
    pub fn restarts_on_request(mut self) -> Self {
        self.on_request = true;
        self
    }

    pub(super) fn is_restartable(&self) -> bool {
        self.on_request || self.restart.restart != Restart::Temporary
    }

    /// The process goes on without it where it has ended for good. Default: critical, the process stops then.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.is_optional = true;
        self
    }

    /// Makes it optional as long as another service of this group goes on: the last one that ends for good stops the
    /// process as a critical one does, with its failure's exit code. The start waits for each of the group to be ready or
    /// to fail, and fails where none of them gets ready.
    #[must_use]
    pub fn one_of(mut self, group: impl Into<String>) -> Self {
        self.is_optional = true;
        self.group = Some(group.into());
        self
    }

    /// Its tier's part of the stop budget, relative to the tiers that are still to stop (the largest weight in a
    /// tier counts). Default 1; 0 counts as 1.
    #[must_use]
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }
}

impl From<&str> for ServiceSpec {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

/// The three things a service is told, each once and for good.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens {
    pub(super) draining: CancellationToken,
    pub(super) released: CancellationToken,
    pub(super) killed: CancellationToken,
    /// What the service itself has said already; once is enough.
    said: Arc<AtomicU8>,
    /// When it will be told the last one, and when it will be aborted; known once it has been told the first.
    pub(super) ends_at: Arc<watch::Sender<Option<(Instant, Instant)>>>,
}

/// A service among those of its supervisor.
#[derive(Clone, Debug)]
pub(super) struct Place {
    id: ServiceId,
    handle: Handle,
}

impl Place {
    /// Resolves when the service has ended for good.
    ///
    /// # Cancel safety
    /// Level-triggered.
    pub(super) async fn has_ended(&self) {
        let mut snapshots = self.handle.watch();
        let is_over = |snapshot: &Snapshot| {
            let service = snapshot.services.get(self.id.0);
            service.is_some_and(|service| {
                matches!(
                    service.state,
                    ServiceState::Stopped | ServiceState::Abandoned
                )
            })
        };
        // A supervisor that is gone has ended all its services.
        let _ = snapshots.wait_for(is_over).await;
    }
}

/// What the supervisor is told, and by which life of which service.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) from: Option<(ServiceId, u32)>,
    pub(super) event: Event,
}

/// A service's line to its supervisor.
#[derive(Clone, Debug)]
pub struct ServiceContext {
    pub(super) id: ServiceId,
    pub(super) tokens: Tokens,
    /// Which of the service's lives this is: what an earlier one says does not count.
    pub(super) life: u32,
    pub(super) events: mpsc::UnboundedSender<Message>,
    pub(super) tasks: Tasks,
    pub(super) handle: Handle,
}

impl ServiceContext {
    /// Says that the service can do its work. The next tier starts when all of this one have said so; once
    /// ready, never un-ready.
    pub fn ready(&self) {
        self.say(1, Event::Ready(self.id));
    }

    /// Resolves when the service is to take no new work and to finish what it has.
    ///
    /// # Cancel safety
    /// Level-triggered: once it has resolved, it resolves at once for ever after.
    pub async fn draining(&self) {
        self.tokens.draining.cancelled().await;
    }

    /// Whether [`draining`](Self::draining) has come.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.tokens.draining.is_cancelled()
    }

    /// Says that no new work is taken in. Drain hooks wait for this; a service that ends, or calls
    /// [`drained`](Self::drained), has said it too.
    pub fn intake_closed(&self) {
        self.say(2, Event::IntakeClosed(self.id));
    }

    /// Says that the service's work is finished, and resolves when nobody needs the service any more: the drain
    /// hooks have run and the other services of its tier have finished too.
    ///
    /// Only a service that holds something the others still use, such as a connection, needs this; another one
    /// just returns.
    ///
    /// # Cancel safety
    /// Level-triggered, like [`draining`](Self::draining).
    pub async fn drained(&self) {
        self.say(4, Event::Drained(self.id));
        self.tokens.released.cancelled().await;
    }

    /// Resolves when the time for finishing is over: drop what runs, say what was
    /// [`left unfinished`](Self::unfinished), and return.
    ///
    /// # Cancel safety
    /// Level-triggered, like [`draining`](Self::draining).
    pub async fn killed(&self) {
        self.tokens.killed.cancelled().await;
    }

    /// When [`killed`](Self::killed) will come: known from [`draining`](Self::draining) on. A second signal makes it
    /// come earlier.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.tokens.ends_at.borrow().map(|(kill, _)| kill)
    }

    /// When it will be aborted if it has not returned.
    pub(super) fn aborts_at(&self) -> Option<Instant> {
        self.tokens.ends_at.borrow().map(|(_, abort)| abort)
    }

    /// Where this service can be looked at from outside.
    pub(super) fn place(&self) -> Place {
        Place {
            id: self.id,
            handle: self.handle.clone(),
        }
    }

    /// Runs a task as a part of the service: the service has ended when its tasks have, a task's panic is the service's
    /// panic, and what cuts the service off cuts its tasks off. A task outlives [`draining`](Self::draining) until it
    /// returns: give it a clone of the context to hear of that.
    ///
    /// # Errors
    /// [`Closed`] once the service is draining or has ended: it takes no new work then.
    pub fn spawn<F>(&self, task: F) -> Result<AbortHandle, Closed>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if self.is_draining() {
            return Err(Closed);
        }
        self.tasks.spawn(task)
    }

    /// Promises to be heard of again within this time, by another call of this. Breaking a promise stops the process with
    /// [`StopReason::Stale`] (exit 70); an optional service is aborted instead, and its restart policy says what follows.
    /// A stop and a new life of the service forget it. Default: no promise.
    ///
    /// Promise where work makes progress, an outage that is being waited out included, and not from a task that only ticks:
    /// it would go on while the work is stuck.
    pub fn alive_for(&self, time: Duration) {
        let now = Instant::now();
        let until = now.checked_add(time).unwrap_or(now + LONGEST);
        self.remarks().promise(self.id, self.life, until);
    }

    /// Shows what the service has in hand whenever somebody asks: the line that tells how a stop proceeds, and the dump
    /// on SIGUSR1. `look` is called from other threads and must not wait for long; keep it to a short look behind a lock.
    pub fn show_work(&self, look: impl Fn() -> Work + Send + Sync + 'static) {
        self.remarks().show_work(self.id, self.life, look);
    }

    /// One line for people about what the service is doing now.
    pub fn status(&self, text: impl Into<String>) {
        self.remarks().status(self.id, text.into());
    }

    /// A fact for the final report, such as `("updates received", 12)`. The last value of a key counts, whichever life of the
    /// service has said it: what is to be counted over all lives is kept outside of them.
    pub fn fact(&self, key: &'static str, value: impl Into<u64>) {
        self.remarks().fact(self.id, key, value.into());
    }

    /// Names work that was cut off, for the report. It makes the exit code 80, unless the service is started again after it.
    pub fn unfinished(&self, what: impl Into<String>) {
        let what = what.into();
        warn!(what, "left unfinished");
        self.remarks().unfinished(self.id, what);
    }

    /// Names work that could not be cut off and still runs, because it blocks its thread. It is unfinished too, and
    /// the hard deadline stays armed, so that it does not hold up the end of the process.
    pub fn left_behind(&self, what: impl Into<String>) {
        let what = what.into();
        error!(what, "left behind, still running");
        self.remarks().left_behind(self.id, what);
    }

    /// The same for what may end by itself: it counts where it is not over when the report is made.
    pub(super) fn left_behind_unless_over(&self, remains: Arc<Remains>) {
        self.remarks().left_behind_unless_over(self.id, remains);
    }

    /// The service's name.
    #[must_use]
    pub fn name(&self) -> String {
        let snapshot = self.handle.snapshot();
        let service = snapshot.services.get(self.id.0);
        service.map_or_else(String::new, |service| service.name.clone())
    }

    /// Asks for the process to stop.
    pub fn request_stop(&self, reason: impl Into<StopReason>) {
        self.handle.request_stop(reason);
    }

    /// The supervisor's handle: the state of the process, and stop requests.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    fn remarks(&self) -> &Remarks {
        &self.handle.remarks
    }

    fn say(&self, bit: u8, event: Event) {
        if self.tokens.said.fetch_or(bit, Ordering::Relaxed) & bit != 0 {
            return;
        }
        // Nobody listens only when all is over.
        let from = Some((self.id, self.life));
        let _ = self.events.send(Message { from, event });
    }
}

pub(super) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
pub(super) type RunService =
    Box<dyn FnMut(ServiceContext) -> BoxFuture<Result<(), Failure>> + Send>;

/// Hides a service's type behind a closure that makes and runs it.
pub(super) fn erase<F, S>(mut factory: F) -> RunService
where
    F: FnMut() -> S + Send + 'static,
    S: Service + 'static,
{
    Box::new(move |cx| {
        let mut service = factory();
        Box::pin(async move { service.run(cx).await })
    })
}
