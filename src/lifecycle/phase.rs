//! Where the process and each of its services are, as published to whoever looks.

use std::fmt;
use std::time::Duration;

/// The process as a whole.
///
/// ```text
/// Init → Starting → Running → Draining → Stopping → Finalizing → Stopped
///            └────────────────────↑  a start that fails or is stopped rolls back
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Nothing has run yet.
    Init,
    /// Start hooks run, then services come up tier by tier.
    Starting,
    /// Every service is ready.
    Running,
    /// No new work is taken in; work that runs is finished and the drain hooks run.
    Draining,
    /// The services are released and joined, in reverse order.
    Stopping,
    /// The services have ended; the last hooks run.
    Finalizing,
    /// All is over.
    Stopped,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Init => "init",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Draining => "draining",
            Self::Stopping => "stopping",
            Self::Finalizing => "finalizing",
            Self::Stopped => "stopped",
        })
    }
}

/// One service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServiceState {
    /// Its tier has not been reached.
    Pending,
    /// It runs, and has not said that it is ready.
    Starting,
    /// It said that it is ready.
    Ready,
    /// It has ended, and waits to be started again.
    Backoff,
    /// It was told to take no new work and to finish what it has.
    Draining,
    /// It was released and is about to return.
    Stopping,
    /// It has ended.
    Stopped,
    /// It did not end in time and was left behind.
    Abandoned,
}

impl ServiceState {
    pub(super) fn is_live(self) -> bool {
        matches!(
            self,
            Self::Starting | Self::Ready | Self::Draining | Self::Stopping
        )
    }
}

impl fmt::Display for ServiceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pending => "pending",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Backoff => "backing off",
            Self::Draining => "draining",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Abandoned => "abandoned",
        })
    }
}

/// How hard the stop is. It only ever rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Mode {
    /// Running work is given its time.
    Graceful,
    /// Running work is cancelled now; hooks still run.
    Fast,
}

/// What the supervisor publishes: always the latest state, never a history.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Phase of the process.
    pub phase: Phase,
    /// Time from the supervisor's begin to the start of this phase.
    pub since: Duration,
    /// Every service in start order.
    pub services: Vec<ServiceSnapshot>,
    /// The hook that runs, by stage and name.
    pub hook: Option<String>,
    /// The stop that is under way, or over.
    pub stop: Option<StopSnapshot>,
}

/// A stop in a [`Snapshot`]. Its times count from the supervisor's begin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StopSnapshot {
    /// When it was requested.
    pub began: Duration,
    /// Whether a second signal has cut it short.
    pub is_fast: bool,
    /// When what runs now will be cancelled; none once it has been.
    pub cancels_at: Option<Duration>,
    /// The end of the budget.
    pub deadline: Duration,
}

/// One service in a [`Snapshot`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceSnapshot {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: ServiceState,
    /// Time from the supervisor's begin to the start of this state.
    pub since: Duration,
    /// How often it was started again.
    pub restarts: u32,
    /// When it will have been heard of, as it [promised](super::ServiceContext::alive_for); from the supervisor's begin.
    /// Whoever watches is not told of each promise that prolongs an earlier one.
    pub promise: Option<Duration>,
    /// The last line it said about itself.
    pub status: String,
}
