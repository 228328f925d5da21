//! Reading the configuration again, on SIGHUP or on request.

use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{Instrument, error, info, info_span, warn};

use super::super::hook::ReloadHook;
use super::super::panics::{Panic, catch, caught};
use super::{Driver, Failure, Phase};

/// How a reload ended: in time, without a panic, well.
type End = Result<Result<Result<(), Failure>, Panic>, tokio::time::error::Elapsed>;

/// The reload that runs, and how to run another.
pub(super) struct Reloads {
    hook: Option<ReloadHook>,
    running: JoinSet<End>,
}

impl Reloads {
    pub(super) fn new(hook: Option<ReloadHook>) -> Self {
        Self {
            hook,
            running: JoinSet::new(),
        }
    }

    pub(super) fn are_answered(&self) -> bool {
        self.hook.is_some()
    }

    pub(super) fn can_begin(&self) -> bool {
        self.are_answered() && self.running.is_empty()
    }

    /// None where none runs.
    ///
    /// # Cancel safety
    /// An end is taken only as this resolves.
    pub(super) async fn ended(&mut self) -> Option<End> {
        // One that was aborted belongs to a process that stops.
        self.running.join_next().await?.ok()
    }
}

impl Driver {
    pub(super) fn reload(&mut self) {
        let phase = self.machine.phase();
        let Some(hook) = &mut self.reloads.hook else {
            return;
        };
        if phase != Phase::Running {
            warn!(%phase, "no reload while {phase}");
            return;
        }
        let name = &hook.spec.name;
        info!(hook = name, "reloading");
        if let Some(notifier) = &mut self.notifier {
            notifier.reloading();
        }
        let (span, time) = (info_span!("reload", hook = name), hook.spec.timeout);
        // A panic before it has a future is its own too.
        let run = match catch(|| (hook.run)()) {
            Ok(run) => run,
            Err(panic) => return self.reloaded(Ok(Err(panic))),
        };
        let run = timeout(time, caught(run)).instrument(span);
        self.reloads.running.spawn(run);
    }

    pub(super) fn reloaded(&mut self, end: End) {
        match end {
            Ok(Ok(Ok(()))) => info!("reloaded"),
            Ok(Ok(Err(failure))) => {
                error!(
                    error = failure.message(),
                    "not reloaded; what was in force stays in force"
                );
            }
            Ok(Err(panic)) => error!(error = %panic, "the reload panicked"),
            Err(_) => error!("the reload took too long and was cut off"),
        }
        if self.machine.phase() == Phase::Running
            && let Some(notifier) = &mut self.notifier
        {
            notifier.reloaded(&self.handle.dump());
        }
    }
}
