//! Tasks that belong to a service: it has ended when they have, and they end with it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tracing::Instrument;

use super::Failure;
use super::panics::{Panic, caught};

/// The service is draining or has ended: it starts nothing new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the service is draining and starts nothing new")
    }
}

impl std::error::Error for Closed {}

type TaskSet = JoinSet<Result<(), Panic>>;

/// The tasks of one life of a service; cloned freely.
#[derive(Clone, Debug, Default)]
pub(super) struct Tasks(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    grown: Notify,
}

#[derive(Debug, Default)]
struct State {
    tasks: TaskSet,
    is_closed: bool,
}

impl Tasks {
    pub(super) fn spawn<F>(&self, future: F) -> Result<AbortHandle, Closed>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut state = self.state();
        if state.is_closed {
            return Err(Closed);
        }
        let task = state.tasks.spawn(caught(future.in_current_span()));
        self.0.grown.notify_one();
        Ok(task)
    }

    /// Runs a service together with its tasks: until both have ended, or one of them has panicked.
    ///
    /// # Cancel safety
    /// Dropped, it aborts the tasks.
    pub(super) async fn accompany<F>(&self, service: F) -> Result<Result<(), Failure>, Panic>
    where
        F: Future<Output = Result<(), Failure>>,
    {
        let _abort = AbortOnDrop(self.clone());
        let result = tokio::select! {
            biased;
            result = caught(service) => result?,
            panic = self.first_panic() => return Err(panic),
        };
        self.state().is_closed = true;
        if result.is_ok() {
            while let Some(end) = self.next_end().await {
                end?;
            }
        }
        Ok(result)
    }

    /// Aborts what is left and resolves when all of it has ended.
    pub(super) async fn end(&self) {
        self.abort();
        while self.next_end().await.is_some() {}
    }

    pub(super) fn have_ended(&self) -> bool {
        let mut state = self.state();
        while state.tasks.try_join_next().is_some() {}
        state.tasks.is_empty()
    }

    fn abort(&self) {
        let mut state = self.state();
        state.is_closed = true;
        state.tasks.abort_all();
    }

    async fn first_panic(&self) -> Panic {
        loop {
            match self.next_end().await {
                Some(Err(panic)) => return panic,
                Some(Ok(())) => {}
                None => self.0.grown.notified().await,
            }
        }
    }

    /// The next task's end; none where no task is left.
    async fn next_end(&self) -> Option<Result<(), Panic>> {
        let end = poll_fn(|cx| self.state().tasks.poll_join_next(cx)).await?;
        Some(end.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(payload) => Err(Panic::of(payload.as_ref())),
            Err(_) => Ok(()), // It was aborted by whoever holds its handle.
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct AbortOnDrop(Tasks);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
