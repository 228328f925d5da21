//! Commands, from those who want something of a component.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{LocalFuture, Shared};

/// Sends commands to a [`DedicatedThread`](super::DedicatedThread); cloned freely.
pub struct Caller<C> {
    shared: Arc<Shared<C>>,
}

/// Why a command has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// It was not over within its time, the wait for its turn included.
    TimedOut(&'static str, Duration),
    /// It panicked; the component is opened anew where its service's restart policy says so.
    Crashed(String),
    /// The component has stopped or is stopping, or stopped while the command waited or ran.
    Closed,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut(name, time) => {
                write!(f, "the command {name} was not over within {time:?}")
            }
            Self::Crashed(panic) => write!(f, "the command panicked: {panic}"),
            Self::Closed => write!(f, "the component has stopped"),
        }
    }
}

impl std::error::Error for CallError {}

pub(super) type Command<C> = Box<dyn for<'a> FnOnce(&'a mut C) -> LocalFuture<'a, ()> + Send>;

/// A command on its way.
pub(super) struct Job<C> {
    pub(super) name: &'static str,
    pub(super) command: Command<C>,
    pub(super) deadline: Instant,
    /// Cancelled at the deadline, and when the caller has gone.
    pub(super) cancel: CancellationToken,
    /// Tells the caller why there is no result. Dropped without a word: because the component stops.
    pub(super) fate: oneshot::Sender<CallError>,
}

impl<C> Job<C> {
    /// Whether nobody waits for it any more.
    pub(super) fn is_over(&self) -> bool {
        self.cancel.is_cancelled() || Instant::now() >= self.deadline
    }
}

impl<C> Caller<C> {
    pub(super) fn new(shared: Arc<Shared<C>>) -> Self {
        Self { shared }
    }

    /// Runs a command on the component's thread and returns what it returned. `time` counts from now, the wait for its turn
    /// included; `name` stands in log lines and reports.
    ///
    /// A command is dropped at an await when its time is over or this future is dropped: keep the component sound at
    /// every await.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// Dropped, it cancels the command.
    pub async fn call<R, F>(
        &self,
        name: &'static str,
        time: Duration,
        command: F,
    ) -> Result<R, CallError>
    where
        F: for<'a> AsyncFnOnce(&'a mut C) -> R + Send + 'static,
        R: Send + 'static,
        C: 'static,
    {
        let now = Instant::now();
        let deadline = now.checked_add(time).unwrap_or(now + super::super::LONGEST);
        let (reply, mut answer) = oneshot::channel();
        let (fate, told) = oneshot::channel();
        let cancel = CancellationToken::new();
        let _cancel_when_dropped = cancel.clone().drop_guard();
        let job = Job {
            name,
            command: boxed(reply, command),
            deadline,
            cancel,
            fate,
        };
        let answered = async {
            if !self.shared.queue.push(job) {
                return Err(CallError::Closed);
            }
            // A blocked thread keeps its end of `reply`: what the host tells counts too.
            let error = tokio::select! {
                biased;
                Ok(result) = &mut answer => return Ok(result),
                error = told => error,
                // A host that ended for good may never have looked at it.
                () = self.shared.is_over() => Ok(CallError::Closed),
            };
            answer
                .try_recv()
                .map_err(|_| error.unwrap_or(CallError::Closed))
        };
        let timed_out = CallError::TimedOut(name, time);
        match timeout_at(deadline, answered).await {
            // The host cancels at the same moment, and may be the first to be heard.
            Ok(Err(CallError::Closed)) if Instant::now() >= deadline => Err(timed_out),
            Ok(answer) => answer,
            Err(_) => Err(timed_out),
        }
    }
}

fn boxed<C, R, F>(reply: oneshot::Sender<R>, command: F) -> Command<C>
where
    F: for<'a> AsyncFnOnce(&'a mut C) -> R + Send + 'static,
    R: Send + 'static,
    C: 'static,
{
    Box::new(move |component: &mut C| {
        Box::pin(async move {
            // Nobody may wait for it any more.
            let _ = reply.send(command(component).await);
        })
    })
}

impl<C> Clone for Caller<C> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.shared))
    }
}

impl<C> fmt::Debug for Caller<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").finish_non_exhaustive()
    }
}
