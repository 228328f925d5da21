//! Services and hooks in tasks of their own, whose ends come back as events.

use std::future::Future;

use tokio::task::{AbortHandle, JoinError, JoinSet};
use tracing::{Instrument, error_span, info_span};

use super::super::machine::{Event, Exit, HookId, HookResult, ServiceId};
use super::super::panics::{Panic, catch, caught};
use super::super::service::{Message, ServiceContext, Tokens};
use super::super::tasks::Tasks;
use super::{Driver, Failure, Running};

impl Driver {
    pub(super) fn spawn(&mut self, id: ServiceId) {
        let (tokens, tasks) = (Tokens::default(), Tasks::default());
        let life = self.machine.services()[id.0].life;
        self.handle.remarks.begin_life(id, life);
        let cx = ServiceContext {
            id,
            tokens: tokens.clone(),
            life,
            events: self.events.clone(),
            tasks: tasks.clone(),
            handle: self.handle.clone(),
        };
        // At every level: what is logged may become more while it runs, and the field is an interface.
        let span = error_span!("service", service = self.machine.services()[id.0].name);
        let made = catch(|| (self.factories[id.0])(cx));
        let own = tasks.clone();
        let service = async move {
            // A factory's panic is its service's.
            own.accompany(made?).await
        };
        let (from, service) = (Some((id, life)), service.instrument(span));
        let task = self.watch(from, service, tasks.clone(), move |end| {
            Event::Exited(
                id,
                match end {
                    End::Done(Ok(())) => Exit::Finished,
                    End::Done(Err(failure)) => Exit::Failed {
                        message: failure.message(),
                        kind: failure.exit_kind(),
                        retry_after: failure.retry_after(),
                    },
                    End::Panicked(panic) => Exit::Panicked(panic),
                    End::Aborted => Exit::Aborted,
                },
            )
        });
        self.services.insert(
            id,
            Running {
                tokens,
                task,
                tasks,
            },
        );
    }

    pub(super) fn run_hook(&mut self, id: HookId) {
        let Some(hook) = self.hooks.of(id.stage).take(id.index) else {
            return;
        };
        let span = info_span!("hook", hook = self.machine.hook(id).name, stage = %id.stage);
        let hook = caught(async move { hook().await }).instrument(span);
        let task = self.watch(None, hook, Tasks::default(), move |end| {
            Event::HookEnded(
                id,
                match end {
                    End::Done(Ok(())) => HookResult::Done,
                    End::Done(Err(failure)) => HookResult::Failed {
                        message: failure.message(),
                        kind: failure.exit_kind(),
                    },
                    End::Panicked(panic) => HookResult::Panicked(panic),
                    End::Aborted => HookResult::Cancelled,
                },
            )
        });
        self.hook_tasks.insert(id, task);
    }

    /// Runs a future in a task of its own and reports its end, and that of the tasks that belong to it, however it comes,
    /// as an event.
    fn watch<F, E>(
        &mut self,
        from: Option<(ServiceId, u32)>,
        future: F,
        tasks: Tasks,
        event: E,
    ) -> AbortHandle
    where
        F: Future<Output = Result<Result<(), Failure>, Panic>> + Send + 'static,
        E: FnOnce(End) -> Event + Send + 'static,
    {
        while self.tasks.try_join_next().is_some() {} // of earlier lives
        let events = self.events.clone();
        let mut inner = JoinSet::new();
        let task = inner.spawn(future);
        self.tasks.spawn(async move {
            let end = match inner.join_next().await {
                Some(Ok(Ok(result))) => End::Done(result),
                Some(Ok(Err(panic))) => End::Panicked(panic),
                Some(Err(error)) => End::of(error),
                None => End::Aborted,
            };
            // Nothing of this life runs beside the next one.
            tasks.end().await;
            let _ = events.send(Message {
                from,
                event: event(end),
            });
        });
        task
    }
}

/// How a watched future ended.
enum End {
    Done(Result<(), Failure>),
    Panicked(Panic),
    Aborted,
}

impl End {
    fn of(error: JoinError) -> Self {
        match error.try_into_panic() {
            Ok(payload) => Self::Panicked(Panic::of(payload.as_ref())),
            Err(_) => Self::Aborted,
        }
    }
}
