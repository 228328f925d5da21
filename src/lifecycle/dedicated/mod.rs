//! A host for what must not share the runtime: a library that blocks, or one that wants a thread and an event loop for
//! itself.
//!
//! ```text
//!  Caller::call ─→ queue ─→ host, a service ─ one command at a time ─→ a thread of its own
//!     ↑ answer, or CallError            │                              current-thread runtime, LocalSet,
//!                                       │                              the component (need not be Send)
//!                                       └─ at the deadline: cancels; a thread that does not come back
//!                                          is left, and the service's restart policy opens a new one
//! ```
//!
//! **Authority**: the host alone decides when a command is over. Invariants:
//! - A command runs at most once, one at a time, in the order of the calls.
//! - A command ends at its deadline, or when its caller goes: it is dropped at its next await, and its result goes
//!   nowhere. One whose deadline passed while it waited does not begin.
//! - A command that blocks past its deadline costs the thread, never the callers behind it: they are served by the
//!   next one.
//! - A stop lets accepted commands finish while there is time; nothing waits for a thread for ever.
//!
//! Not done here: running commands side by side (a component may spawn local tasks of its own), and ending a blocked
//! thread, which no operating system does safely.

mod caller;
mod queue;
#[cfg(test)]
mod tests;
mod thread;

use std::fmt;
use std::future::{Future, pending};
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::panics::Panic;
use super::service::Place;
use super::{Failure, Service, ServiceContext, Work};
use caller::Job;
pub use caller::{CallError, Caller};
use queue::Queue;
use thread::{Event, Thread};

/// What a command, once cancelled, or the component's end, once killed, may take to reach an await. After that its
/// thread counts as blocked.
const BLOCKED_AFTER: Duration = Duration::from_millis(500);

type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
type Open<C> = Box<dyn Fn() -> LocalFuture<'static, Result<C, Failure>> + Send + Sync>;
type Close<C> = Box<dyn Fn(C) -> LocalFuture<'static, ()> + Send + Sync>;

/// A service that keeps a component on a thread of its own, with an event loop of its own. Cheap to clone; the clones
/// are the same host, of which one supervisor runs one at a time.
///
/// ```
/// use std::{rc::Rc, time::Duration};
/// use sundown::lifecycle::{DedicatedThread, Restart, RestartPolicy, ServiceContext, ServiceSpec, Supervisor};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// // An Rc cannot leave its thread; here it never has to.
/// let host = DedicatedThread::new(async || Ok(Rc::new(String::from("browser"))));
/// let browser = host.caller();
/// let spec = ServiceSpec::new("browser").restart(RestartPolicy::new(Restart::Transient));
/// let report = Supervisor::builder("demo")
///     .signals(false)
///     .service(spec, move || host.clone())
///     .service("user", move || {
///         let browser = browser.clone();
///         move |cx: ServiceContext| {
///             let browser = browser.clone();
///             async move {
///                 cx.ready();
///                 let size = browser.call("size", Duration::from_secs(5), async |name| name.len()).await?;
///                 cx.request_stop(format!("the answer is {size}").as_str());
///                 Ok(())
///             }
///         }
///     })
///     .run()
///     .await;
/// assert_eq!(report.reasons[0].to_string(), "the answer is 7");
/// # }
/// ```
pub struct DedicatedThread<C> {
    shared: Arc<Shared<C>>,
}

struct Shared<C> {
    open: Open<C>,
    close: Option<Close<C>>,
    queue: Queue<C>,
    /// Held by the life that runs.
    life: tokio::sync::Mutex<()>,
    /// Where the service of the latest life can be looked at.
    host: watch::Sender<Option<Place>>,
    /// The command that runs: its name, and since when.
    current: Mutex<Option<(&'static str, Instant)>>,
}

impl<C: 'static> DedicatedThread<C> {
    /// A host for what `open` makes. `open` runs on the thread, once for every life of the service; the service is ready
    /// when it has succeeded.
    pub fn new<F>(open: F) -> Self
    where
        F: AsyncFn() -> Result<C, Failure> + Clone + Send + Sync + 'static,
    {
        let shared = Shared {
            open: Box::new(move || {
                let open = open.clone();
                Box::pin(async move { open().await })
            }),
            close: None,
            queue: Queue::default(),
            life: tokio::sync::Mutex::default(),
            host: watch::Sender::new(None),
            current: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Runs on the thread when the service stops, with what `open` made: a place to say goodbye to another process. A
    /// component that crashed or blocks its thread is not closed.
    ///
    /// # Panics
    /// Once the host was cloned or has a caller: say it first.
    #[must_use]
    pub fn on_close<F>(mut self, close: F) -> Self
    where
        F: AsyncFn(C) + Clone + Send + Sync + 'static,
    {
        let shared =
            Arc::get_mut(&mut self.shared).expect("on_close comes before clone and caller");
        shared.close = Some(Box::new(move |component| {
            let close = close.clone();
            Box::pin(async move { close(component).await })
        }));
        self
    }

    /// A way to send commands to the component. What is sent before it is open, and while it is opened anew after a crash,
    /// waits; from its draining until its next life, if there is one, commands are refused.
    #[must_use]
    pub fn caller(&self) -> Caller<C> {
        Caller::new(Arc::clone(&self.shared))
    }
}

impl<C> Clone for DedicatedThread<C> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<C> fmt::Debug for DedicatedThread<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DedicatedThread").finish_non_exhaustive()
    }
}

impl<C: 'static> Service for DedicatedThread<C> {
    async fn run(&mut self, cx: ServiceContext) -> Result<(), Failure> {
        let _one_at_a_time = self.shared.life.lock().await;
        let shared = Arc::downgrade(&self.shared);
        cx.show_work(move || {
            shared
                .upgrade()
                .map(|shared| shared.work())
                .unwrap_or_default()
        });
        self.shared.queue.open();
        self.shared.host.send_replace(Some(cx.place()));
        let mut life = Life {
            shared: &self.shared,
            thread: Thread::start(Arc::clone(&self.shared), &cx)?,
            cx: &cx,
            is_draining: false,
        };
        if !life.open().await? {
            return life.thread.end_now(&cx).await;
        }
        cx.ready();
        while let Some(job) = life.next_job().await? {
            if !life.run_job(job).await? {
                return Ok(());
            }
        }
        life.thread.end(&cx).await
    }
}

/// One life of the service, with a thread of its own.
struct Life<'a, C> {
    shared: &'a Shared<C>,
    thread: Thread<C>,
    cx: &'a ServiceContext,
    is_draining: bool,
}

impl<C: 'static> Life<'_, C> {
    /// Whether the component is open; it is not where a stop came first.
    async fn open(&mut self) -> Result<bool, Failure> {
        tokio::select! {
            biased;
            () = self.cx.draining() => {
                self.close_intake();
                Ok(false)
            }
            event = self.thread.next_event() => match event {
                Event::Opened(result) => result.map(|()| true),
                Event::Panicked(panic) => pass_on(panic),
                Event::Done | Event::Ended => Err(thread_is_gone()),
            },
        }
    }

    /// The next command; none when no further one comes, or there is no time for it.
    async fn next_job(&mut self) -> Result<Option<Job<C>>, Failure> {
        loop {
            tokio::select! {
                biased;
                () = self.cx.killed() => return Ok(None),
                () = self.cx.draining(), if !self.is_draining => self.close_intake(),
                event = self.thread.next_event() => match event {
                    Event::Panicked(panic) => return pass_on(panic),
                    _ => return Err(thread_is_gone()),
                },
                job = self.shared.queue.pop() => return Ok(job),
            }
        }
    }

    /// Has a command run, and waits until the thread is free again. False where it does not get free any more, and is not
    /// to be replaced because the service is to end.
    async fn run_job(&mut self, job: Job<C>) -> Result<bool, Failure> {
        let Job {
            name,
            command,
            deadline,
            cancel,
            fate,
        } = job;
        let _current = self.shared.occupy(name);
        self.thread.send(name, command, cancel.clone());
        let blocked = is_blocked(name, deadline, &cancel, self.cx);
        let mut blocked = pin!(blocked);
        loop {
            tokio::select! {
                biased;
                () = self.cx.draining(), if !self.is_draining => self.close_intake(),
                event = self.thread.next_event() => match event {
                    Event::Done => return Ok(true),
                    Event::Panicked(panic) => {
                        let _ = fate.send(CallError::Crashed(panic.to_string()));
                        return pass_on(panic);
                    }
                    Event::Opened(_) | Event::Ended => return Err(thread_is_gone()),
                },
                () = &mut blocked => {
                    error!(command = name, "the thread is blocked; left behind");
                    if self.is_draining {
                        return Ok(false);
                    }
                    return Err(Failure::permanent(format!(
                        "the command {name} blocks its thread: it did not end within {BLOCKED_AFTER:?} of being cancelled"
                    )));
                }
            }
        }
    }

    fn close_intake(&mut self) {
        self.is_draining = true;
        self.shared.queue.close();
        self.cx.intake_closed();
    }
}

impl<C> Drop for Life<'_, C> {
    /// However a life ends that was to be the last one: the callers that still wait are told.
    fn drop(&mut self) {
        if self.cx.is_draining() {
            let waiting = self.shared.queue.clear();
            if waiting > 0 {
                let what = format!("{waiting} commands that waited for their turn");
                self.cx.unfinished(what);
            }
        }
    }
}

/// Cancels a command when its time is over; resolves when that should long have been noticed.
async fn is_blocked(
    name: &str,
    deadline: Instant,
    cancel: &CancellationToken,
    cx: &ServiceContext,
) {
    tokio::select! {
        () = sleep_until(deadline) => {}
        () = cancel.cancelled() => {}
        () = cx.killed() => cx.unfinished(format!("the command {name}")),
    }
    cancel.cancel();
    tokio::select! {
        () = sleep(BLOCKED_AFTER) => {}
        () = last_moment(cx) => {}
    }
}

/// Resolves when a service that was killed should return at the latest, to be asked for its report rather than aborted.
async fn last_moment(cx: &ServiceContext) {
    cx.killed().await;
    if let Some(abort_at) = cx.aborts_at() {
        let left = abort_at.saturating_duration_since(Instant::now());
        sleep(BLOCKED_AFTER.min(left / 2)).await;
    }
}

/// The component's panic becomes its service's.
fn pass_on<T>(panic: Panic) -> Result<T, Failure> {
    resume_unwind(Box::new(panic))
}

fn thread_is_gone() -> Failure {
    Failure::permanent("the component's thread ended by itself")
}

impl<C> Shared<C> {
    fn current(&self) -> MutexGuard<'_, Option<(&'static str, Instant)>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) -> Work {
        let current = *self.current();
        Work {
            running: usize::from(current.is_some()),
            oldest: current.map(|(name, since)| (name.to_owned(), since.elapsed())),
        }
    }

    /// Resolves when the service has ended and will not be started again.
    async fn is_over(&self) {
        let mut host = self.host.subscribe();
        loop {
            let place = host.borrow_and_update().clone();
            tokio::select! {
                _ = host.changed() => {} // Its sender is ours.
                () = has_ended(place) => return,
            }
        }
    }

    /// Shows a command as running for as long as the guard lives.
    fn occupy(&self, name: &'static str) -> Occupied<'_, C> {
        *self.current() = Some((name, Instant::now()));
        Occupied(self)
    }
}

/// Resolves where there is a service, and it has ended for good.
async fn has_ended(place: Option<Place>) {
    match place {
        Some(place) => place.has_ended().await,
        None => pending().await,
    }
}

struct Occupied<'a, C>(&'a Shared<C>);

impl<C> Drop for Occupied<'_, C> {
    fn drop(&mut self) {
        *self.0.current() = None;
    }
}
