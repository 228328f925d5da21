//! Hooks: short pieces of work at fixed points of the process's life.

use std::future::Future;
use std::time::Duration;

use super::Failure;
use super::machine::{HookPlan, Stage};
use super::service::BoxFuture;

/// A hook's name and how long it may take.
#[derive(Clone, Debug)]
pub struct HookSpec {
    pub(super) name: String,
    pub(super) timeout: Duration,
}

impl HookSpec {
    /// A hook of this name that may take 10 s.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            timeout: Duration::from_secs(10),
        }
    }

    /// How long it may take; it is cut off then. While stopping, the stop budget bounds it too. Default 10 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl From<&str> for HookSpec {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

type RunHook = Box<dyn FnOnce() -> BoxFuture<Result<(), Failure>> + Send>;

/// The hooks of one stage, in the order they were added.
#[derive(Default)]
pub(super) struct Hooks(Vec<(HookSpec, Option<RunHook>)>);

impl Hooks {
    pub(super) fn push<F, Fut>(&mut self, spec: HookSpec, hook: F)
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.0.push((spec, Some(Box::new(|| Box::pin(hook())))));
    }

    pub(super) fn plan(&self) -> Vec<HookPlan> {
        let plan = |(spec, _): &(HookSpec, _)| HookPlan {
            name: spec.name.clone(),
            timeout: spec.timeout,
        };
        self.0.iter().map(plan).collect()
    }

    /// The hook's closure, once.
    pub(super) fn take(&mut self, index: usize) -> Option<RunHook> {
        self.0.get_mut(index)?.1.take()
    }
}

/// What reads the configuration again, as often as it is asked to.
pub(super) struct ReloadHook {
    pub(super) spec: HookSpec,
    pub(super) run: Box<dyn FnMut() -> BoxFuture<Result<(), Failure>> + Send>,
}

/// The hooks of every stage.
#[derive(Default)]
pub(super) struct StageHooks {
    pub(super) on_start: Hooks,
    pub(super) on_drain: Hooks,
    pub(super) on_stopped: Hooks,
}

impl StageHooks {
    pub(super) fn of(&mut self, stage: Stage) -> &mut Hooks {
        match stage {
            Stage::OnStart => &mut self.on_start,
            Stage::OnDrain => &mut self.on_drain,
            Stage::OnStopped => &mut self.on_stopped,
        }
    }
}
