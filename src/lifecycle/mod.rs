//! The generic core: starts services in order, stops them in reverse, always within a budget.
//!
//! It knows nothing of Telegram. **Authority**: the [`Supervisor`] alone decides; its decisions are a pure machine
//! and a thin driver carries them out. Everybody else requests: the timer, the signal listeners, services that
//! end, and whoever holds a [`Handle`] ask for a stop through one shared token that only the supervisor observes.
//! It then tells the services, each through tokens of its own.
//!
//! ```text
//!  SIGTERM, SIGINT ─┐                        ┌─ draining: take no new work, finish what runs
//!  run_for timer ───┤   stop      Supervisor ├─ released: hooks have run, you may go
//!  a service ended ─┼─ requested ──→ │ ─────→└─ killed:   your time is over
//!  a Handle ────────┘                │
//!                                    └──→ hard deadline: an OS thread ends the process, whatever hangs
//!
//!  Init → Starting → Running → Draining → Stopping → Finalizing → Stopped
//!          on_start              on_drain              on_stopped
//! ```
//!
//! Invariants:
//! - Tiers start left to right, each when the one before it is ready; they stop right to left.
//! - Only what started is stopped; what was started and did not get ready counts as started.
//! - `on_drain` hooks run after the last tier has closed its intake and before it is released.
//! - `on_stopped` hooks run once, after the services have ended, also after a failed start.
//! - A service that ends is restarted as its policy says, and never once a stop has begun.
//! - The first reason to stop is kept; the mode of the stop only rises.
//! - Every wait while stopping has an end, and what was cut off is named in the [`Report`].
//!
//! Not done here: anything that knows what a service is for.

#[cfg(feature = "polling")]
mod crash;
mod deadline;
mod dedicated;
mod driver;
mod dump;
mod failure;
mod handle;
mod hook;
mod last_words;
mod machine;
mod panics;
mod phase;
#[cfg(feature = "program")]
mod process_group;
mod reason;
mod remarks;
mod report;
mod restart;
mod service;
mod signals;
mod supervisor;
mod systemd;
mod tasks;
mod telling;
#[cfg(test)]
mod tests;

/// Longer is for ever; sums of it do not overflow.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(366 * 86_400);

#[cfg(feature = "polling")]
pub(crate) use crash::{crash_point, hang_point};
pub use dedicated::{CallError, Caller, DedicatedThread};
pub use dump::Dump;
pub use failure::Failure;
pub use handle::Handle;
pub use hook::HookSpec;
pub use last_words::LastWords;
pub use machine::{RestartRefused, Stage};
pub use panics::Panic;
#[cfg(feature = "polling")]
pub(crate) use panics::caught;
use phase::Mode;
pub use phase::{Phase, ServiceSnapshot, ServiceState, Snapshot, StopSnapshot};
#[cfg(feature = "program")]
pub(crate) use process_group::ProcessGroup;
pub use reason::{ExitKind, StopReason};
pub use remarks::{Said, Work};
pub use report::{HookOutcome, HookReport, Report, ServiceOutcome, ServiceReport};
pub use restart::{PolicyError, Restart, RestartPolicy};
pub use service::{Service, ServiceContext, ServiceSpec};
pub use signals::prepare as prepare_signals;
pub use supervisor::{Builder, Supervisor};
#[cfg(feature = "program")]
pub(crate) use systemd::notify_refused_start;
pub use tasks::Closed;
