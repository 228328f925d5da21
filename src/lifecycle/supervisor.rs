//! The supervisor as its user sees it: say what there is, then run it.

use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::BuildHasher;
use std::time::Duration;

use tokio::sync::watch;

use super::driver::{self, Cast};
use super::hook::{ReloadHook, StageHooks};
use super::machine::{Machine, Plan, ServicePlan};
use super::service::{RunService, erase};
use super::systemd::Notifier;
use super::{Failure, Handle, HookSpec, LONGEST, Phase, Report, Service, ServiceSpec, Snapshot};

/// Runs services and hooks in order, and stops them in reverse within a budget.
///
/// See the [module](super) for the whole picture.
#[derive(Debug)]
pub struct Supervisor;

impl Supervisor {
    /// Begins a supervisor; the name stands in its log lines and its report.
    pub fn builder(name: impl Into<String>) -> Builder {
        let idle = Snapshot {
            phase: Phase::Init,
            since: Duration::ZERO,
            services: Vec::new(),
            hook: None,
            stop: None,
        };
        let (snapshots, receiver) = watch::channel(idle);
        Builder {
            handle: Handle::new(name.into(), receiver),
            tiers: Vec::new(),
            hooks: StageHooks::default(),
            run_for: None,
            stop_timeout: Duration::from_secs(25),
            signals: true,
            notifier: Manager::OfEnvironment,
            reload: None,
            progress_every: Some(Duration::from_secs(5)),
            snapshots,
        }
    }
}

/// Who is told how the process is.
enum Manager {
    None,
    OfEnvironment,
    #[cfg(test)]
    Known(Box<Notifier>),
}

/// Collects what a [`Supervisor`] is to run.
#[must_use = "a supervisor does nothing until it is run"]
pub struct Builder {
    tiers: Vec<Vec<(ServiceSpec, RunService)>>,
    hooks: StageHooks,
    run_for: Option<Duration>,
    stop_timeout: Duration,
    signals: bool,
    notifier: Manager,
    reload: Option<ReloadHook>,
    progress_every: Option<Duration>,
    handle: Handle,
    snapshots: watch::Sender<Snapshot>,
}

impl Builder {
    /// Adds a service in a tier of its own, right of those before it: it starts when they are ready and stops
    /// before they do.
    ///
    /// What takes work in belongs into the last tier, where the drain hooks run.
    pub fn service<F, S>(mut self, spec: impl Into<ServiceSpec>, factory: F) -> Self
    where
        F: FnMut() -> S + Send + 'static,
        S: Service + 'static,
    {
        self.tiers.push(vec![(spec.into(), erase(factory))]);
        self
    }

    /// Adds a service to the tier of the one before it: they start and stop together.
    pub fn beside<F, S>(mut self, spec: impl Into<ServiceSpec>, factory: F) -> Self
    where
        F: FnMut() -> S + Send + 'static,
        S: Service + 'static,
    {
        if self.tiers.is_empty() {
            self.tiers.push(Vec::new());
        }
        if let Some(tier) = self.tiers.last_mut() {
            tier.push((spec.into(), erase(factory)));
        }
        self
    }

    /// Runs before the first service. Start hooks run one by one in the order they were added; one that fails or
    /// takes too long stops the start.
    pub fn on_start<F, Fut>(mut self, spec: impl Into<HookSpec>, hook: F) -> Self
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.hooks.on_start.push(spec.into(), hook);
        self
    }

    /// Runs when intake is closed and before the last tier is released: clients still work, and running work is
    /// being finished meanwhile. Not run where the start did not succeed.
    pub fn on_drain<F, Fut>(mut self, spec: impl Into<HookSpec>, hook: F) -> Self
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.hooks.on_drain.push(spec.into(), hook);
        self
    }

    /// Runs after every service has ended; also where the start failed.
    pub fn on_stopped<F, Fut>(mut self, spec: impl Into<HookSpec>, hook: F) -> Self
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.hooks.on_stopped.push(spec.into(), hook);
        self
    }

    /// Stops the process this long after everything is ready; a year at most. Default: never.
    pub fn run_for(mut self, time: Duration) -> Self {
        self.run_for = Some(time.min(LONGEST));
        self
    }

    /// Runs on SIGHUP and on [`Handle::request_reload`], one at a time, while everything runs. Where it fails, that is logged
    /// and the process goes on as it was: change nothing before you know that you can. Without this, SIGHUP ends the process
    /// by its default action.
    pub fn on_reload<F, Fut>(mut self, spec: impl Into<HookSpec>, mut hook: F) -> Self
    where
        F: FnMut() -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.reload = Some(ReloadHook {
            spec: spec.into(),
            run: Box::new(move || Box::pin(hook())),
        });
        self
    }

    /// The budget of the whole stop, hooks included. Two seconds after it the process is ended from outside the
    /// runtime with exit code 81. Default 25 s.
    pub fn stop_timeout(mut self, budget: Duration) -> Self {
        self.stop_timeout = budget.min(LONGEST);
        self
    }

    /// Whether SIGTERM and SIGINT stop the process: the first gracefully, a second at least 300 ms later by
    /// cancelling what runs (hooks still run), a third at once; and whether SIGUSR1 writes a
    /// [dump](Handle::dump) to the log. Default true.
    pub fn signals(mut self, listen: bool) -> Self {
        self.signals = listen;
        self
    }

    /// Whether the service manager that `$NOTIFY_SOCKET` names is told how the process is (`sd_notify(3)`): ready when every
    /// service is, what it does, that it stops and how long that may take; and, where it watches (`WatchdogSec=`), that
    /// every [promise](super::ServiceContext::alive_for) is kept. A broken one then makes the manager end the process at
    /// once, instead of the stop with [`StopReason::Stale`](super::StopReason::Stale). Default true; without a manager
    /// nothing happens. One supervisor a process should do this.
    pub fn systemd(mut self, notify: bool) -> Self {
        self.notifier = if notify {
            Manager::OfEnvironment
        } else {
            Manager::None
        };
        self
    }

    /// The same with a manager of a test's own.
    #[cfg(test)]
    pub(super) fn manager(mut self, address: &std::ffi::OsStr, watchdog: Option<Duration>) -> Self {
        self.notifier = Manager::Known(Box::new(Notifier::at(address, watchdog)));
        self
    }

    /// How often a log line says what a stop still waits for; none where something else shows that. At least 10 ms.
    /// Default 5 s.
    pub fn progress_every(mut self, time: Option<Duration>) -> Self {
        self.progress_every = time.map(|time| time.max(Duration::from_millis(10)).min(LONGEST));
        self
    }

    /// The supervisor's handle, for whoever wants to look at it or to stop it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Runs everything until it has stopped.
    ///
    /// # Cancel safety
    /// Not cancel safe: with the future everything is aborted, and no hook runs. Ask for a stop instead.
    ///
    /// # Panics
    /// Outside a Tokio runtime with time and IO enabled.
    pub async fn run(self) -> Report {
        let service = |(spec, _): &(ServiceSpec, _)| ServicePlan {
            name: spec.name.clone(),
            start_timeout: spec.start_timeout,
            weight: spec.weight,
            restart: spec.restart,
            is_optional: spec.is_optional,
            group: spec.group.clone(),
            is_restartable: spec.is_restartable(),
        };
        let notifier = match self.notifier {
            Manager::None => None,
            Manager::OfEnvironment => Notifier::from_environment(),
            #[cfg(test)]
            Manager::Known(notifier) => Some(*notifier),
        };
        let machine = Machine::new(Plan {
            on_start: self.hooks.on_start.plan(),
            tiers: self
                .tiers
                .iter()
                .map(|tier| tier.iter().map(service).collect())
                .collect(),
            on_drain: self.hooks.on_drain.plan(),
            on_stopped: self.hooks.on_stopped.plan(),
            stop_timeout: self.stop_timeout,
            seed: RandomState::new().hash_one(self.handle.name()),
            watchdog: notifier.as_ref().and_then(Notifier::watchdog),
        });
        let cast = Cast {
            factories: self
                .tiers
                .into_iter()
                .flatten()
                .map(|(_, run)| run)
                .collect(),
            hooks: self.hooks,
            run_for: self.run_for,
            stop_timeout: self.stop_timeout,
            signals: self.signals,
            notifier,
            reload: self.reload,
            progress_every: self.progress_every,
            handle: self.handle,
            snapshots: self.snapshots,
        };
        driver::run(machine, cast).await
    }
}
