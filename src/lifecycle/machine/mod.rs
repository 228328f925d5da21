//! The supervisor's decisions: `step(event, now) → actions`, without a clock, a task or a lock.
//!
//! The driver feeds it what happened and carries out what it decides; the machine alone knows where the process
//! is. It is level-triggered: an event only records a fact, and then everything that the facts allow goes
//! forward. So an event that comes early, late or twice does no harm. `now` is the time since the supervisor
//! began.
//!
//! ```text
//!             ┌ start hooks, one by one ┐  ┌ tiers left to right, each waits for ready ┐
//! Init ──────→ Starting ─────────────────────────────────────────────────────────────────→ Running
//!                 │ stop requested, or something did not come up                              │ stop requested
//!                 ▼                                                                           ▼
//!              Draining   last tier first: close intake → drain hooks, while running work is finished
//!                 ▼
//!              Stopping   release that tier, join it; then the tier left of it drains, is released, is joined …
//!                 ▼
//!              Finalizing last hooks, one by one
//!                 ▼
//!              Stopped
//! ```
//!
//! Every wait of the stop has an end: a tier gets a share of the budget that is left; at 80 % of it what still
//! works is cancelled, at 90 % it is aborted, at its end it is abandoned and named in the report.

mod dependants;
mod groups;
mod promises;
mod record;
mod requested;
mod restarting;
mod starting;
mod stopping;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::{ExitKind, LONGEST, Mode, Panic, Phase, RestartPolicy, ServiceState, StopReason};
pub(super) use record::{HookRecord, HookResult, ServiceRecord};
pub use requested::RestartRefused;

/// A second signal that comes sooner than this is taken for the same one (a terminal's Ctrl-C reaches the whole
/// process group, and a wrapper may pass it on again).
pub(super) const SIGNAL_DEBOUNCE: Duration = Duration::from_millis(300);

/// Reasons to stop that are kept; the first one decides.
const MANY_REASONS: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ServiceId(pub(super) usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct HookId {
    pub(super) stage: Stage,
    pub(super) index: usize,
}

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Before the first service.
    OnStart,
    /// When intake is closed and before the last tier is released.
    OnDrain,
    /// After every service has ended.
    OnStopped,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::OnStart => "on_start",
            Self::OnDrain => "on_drain",
            Self::OnStopped => "on_stopped",
        })
    }
}

#[derive(Clone, Debug)]
pub(super) struct HookPlan {
    pub(super) name: String,
    pub(super) timeout: Duration,
}

#[derive(Clone, Debug)]
pub(super) struct ServicePlan {
    pub(super) name: String,
    pub(super) start_timeout: Duration,
    pub(super) weight: u32,
    pub(super) restart: RestartPolicy,
    pub(super) is_optional: bool,
    /// The optional services of which one at least is needed.
    pub(super) group: Option<String>,
    /// Whether it is started again where somebody asks for that.
    pub(super) is_restartable: bool,
}

/// What the machine is to run: fixed before it begins.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) on_start: Vec<HookPlan>,
    pub(super) tiers: Vec<Vec<ServicePlan>>,
    pub(super) on_drain: Vec<HookPlan>,
    pub(super) on_stopped: Vec<HookPlan>,
    pub(super) stop_timeout: Duration,
    /// Where the waits before restarts are drawn from.
    pub(super) seed: u64,
    /// A service manager ends the process that says that a promise is broken, within this time.
    pub(super) watchdog: Option<Duration>,
}

#[derive(Debug)]
pub(super) enum Event {
    Begin,
    HookEnded(HookId, HookResult),
    Ready(ServiceId),
    IntakeClosed(ServiceId),
    Drained(ServiceId),
    Exited(ServiceId, Exit),
    StopRequested(StopReason),
    /// Somebody wants this service to be started again.
    RestartRequested(ServiceId),
    /// Time has passed; see [`Machine::wake_at`].
    Tick,
}

/// How a service's future ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    Finished,
    Failed {
        message: String,
        kind: Option<ExitKind>,
        retry_after: Duration,
    },
    Panicked(Panic),
    Aborted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    RunHook(HookId),
    CancelHook(HookId),
    Spawn(ServiceId),
    Drain(ServiceId),
    Release(ServiceId),
    Kill(ServiceId),
    Abort(ServiceId),
    /// From now on the process ends at the latest at this time, whatever hangs.
    ArmDeadline(Duration),
    /// The next signal ends the process at once.
    ArmImmediate,
    /// Nothing to do, but worth telling.
    Note(Notice),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    Phase(Phase),
    Service(ServiceId, ServiceState),
    Hook(HookId),
    StopAppended(StopReason),
    /// A second signal has come.
    Fast,
    /// A critical service was not heard of, and the service manager is to end the process.
    Stale(ServiceId),
}

pub(super) struct Machine {
    plan: Plan,
    now: Duration,
    phase: Phase,
    phase_since: Duration,
    services: Vec<ServiceRecord>,
    tiers: Vec<Vec<ServiceId>>,
    hooks: Vec<HookRecord>,
    /// Tier that is coming up; the number of tiers once all are ready.
    starting_tier: usize,
    reached_running: bool,
    reasons: Vec<StopReason>,
    /// Exit code that a failure carried, the first one's.
    failure_kind: Option<ExitKind>,
    last_signal: Option<Duration>,
    /// When a further signal is no echo of the second any more, and ends the process.
    arm_immediate_at: Option<Duration>,
    stop: Option<stopping::Stop>,
    sweep: Option<dependants::Sweep>,
    /// Services on their way down because somebody wants them to be started again.
    requested: Vec<stopping::TierStop>,
    wake: Option<Duration>,
    /// Who was not heard of, and when that becomes a reason to stop although a service manager watches.
    stale: Option<(String, Duration)>,
    seed: u64,
    actions: Vec<Action>,
}

const HEAVIEST: u32 = 1_000;

impl Plan {
    /// Takes what users mean by `Duration::MAX` to what the arithmetic can bear.
    fn clamp(&mut self) {
        let hooks = [&mut self.on_start, &mut self.on_drain, &mut self.on_stopped];
        for hook in hooks.into_iter().flatten() {
            hook.timeout = hook.timeout.min(LONGEST);
        }
        for service in self.tiers.iter_mut().flatten() {
            service.start_timeout = service.start_timeout.min(LONGEST);
            service.weight = service.weight.clamp(1, HEAVIEST);
            let restart = &mut service.restart;
            for time in [
                &mut restart.longest,
                &mut restart.window,
                &mut restart.reset_after,
            ] {
                *time = (*time).min(LONGEST);
            }
        }
        self.stop_timeout = self.stop_timeout.min(LONGEST);
    }
}

impl Machine {
    pub(super) fn new(mut plan: Plan) -> Self {
        plan.clamp();
        let mut services = Vec::new();
        let mut tiers = Vec::new();
        for tier in &plan.tiers {
            tiers.push(
                (services.len()..services.len() + tier.len())
                    .map(ServiceId)
                    .collect(),
            );
            services.extend(tier.iter().map(ServiceRecord::new));
        }
        let (hooks, seed) = (record::hooks_of(&plan), plan.seed);
        Self {
            plan,
            now: Duration::ZERO,
            phase: Phase::Init,
            phase_since: Duration::ZERO,
            services,
            tiers,
            hooks,
            starting_tier: 0,
            reached_running: false,
            reasons: Vec::new(),
            failure_kind: None,
            last_signal: None,
            arm_immediate_at: None,
            stop: None,
            sweep: None,
            requested: Vec::new(),
            wake: None,
            stale: None,
            seed,
            actions: Vec::new(),
        }
    }

    /// Takes in one event and returns what is to be done, in order.
    pub(super) fn step(&mut self, event: Event, now: Duration) -> Vec<Action> {
        self.now = self.now.max(now);
        self.excuse_standstill();
        self.wake = None;
        self.record(event);
        while self.advance() {}
        std::mem::take(&mut self.actions)
    }

    /// When the machine wants [`Event::Tick`] at the latest.
    pub(super) fn wake_at(&self) -> Option<Duration> {
        self.wake
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    fn record(&mut self, event: Event) {
        match event {
            Event::Begin => {
                if self.phase == Phase::Init {
                    self.enter(Phase::Starting);
                }
            }
            Event::Tick => {}
            Event::HookEnded(id, result) => self.end_hook(id, result),
            Event::Ready(id) => {
                if self.services[id.0].state == ServiceState::Starting
                    && !self.services[id.0].given_up
                {
                    self.services[id.0].ready_at.get_or_insert(self.now);
                    self.services[id.0].ready_since = Some(self.now);
                    self.services[id.0].is_coming_back = false;
                    self.set_state(id, ServiceState::Ready);
                }
            }
            Event::IntakeClosed(id) => self.services[id.0].intake_closed = true,
            Event::Drained(id) => {
                self.services[id.0].intake_closed = true;
                self.services[id.0].drained = true;
            }
            Event::Exited(id, exit) => self.record_exit(id, exit),
            Event::StopRequested(reason) => self.record_request(reason),
            Event::RestartRequested(id) => self.record_restart_request(id),
        }
    }

    fn record_exit(&mut self, id: ServiceId, exit: Exit) {
        let service = &mut self.services[id.0];
        if !service.state.is_live() {
            return;
        }
        service.exit = Some(exit.clone());
        service.ended_at = Some(self.now);
        self.set_state(id, ServiceState::Stopped);
        if self.may_run() {
            self.after_exit(id, &exit);
        } else if let Exit::Failed { kind, .. } = &exit
            && !self.services[id.0].is_optional
        {
            self.failure_kind = self.failure_kind.or(*kind);
        }
    }

    fn record_request(&mut self, reason: StopReason) {
        let is_signal = matches!(reason, StopReason::Signal { .. });
        let escalates = is_signal
            && self
                .last_signal
                .is_some_and(|at| self.now >= at + SIGNAL_DEBOUNCE);
        if is_signal && (self.last_signal.is_none() || escalates) {
            self.last_signal = Some(self.now);
        }
        if self.stop.is_some() {
            self.actions
                .push(Action::Note(Notice::StopAppended(reason.clone())));
        }
        if self.reasons.len() < MANY_REASONS {
            self.reasons.push(reason);
        }
        if escalates {
            self.escalate();
        }
    }

    /// One move forward; false when there is none.
    fn advance(&mut self) -> bool {
        if self.stop.is_none() && !self.reasons.is_empty() {
            self.begin_stop();
            return true;
        }
        if let Some(at) = self.arm_immediate_at
            && self.is_due(at)
        {
            self.arm_immediate_at = None;
            self.actions.push(Action::ArmImmediate);
        }
        match self.phase {
            Phase::Init | Phase::Stopped => false,
            Phase::Running => self.advance_services(),
            Phase::Starting => self.advance_services() || self.advance_start(),
            Phase::Draining | Phase::Stopping => self.advance_stop(),
            Phase::Finalizing => self.advance_finalizing(),
        }
    }

    /// What goes on while the process is to run: broken promises, services on their way down, restarts.
    fn advance_services(&mut self) -> bool {
        self.advance_promises()
            || self.advance_requested()
            || self.advance_dependants()
            || self.advance_restarts()
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.phase_since = self.now;
        self.actions.push(Action::Note(Notice::Phase(phase)));
    }

    fn set_state(&mut self, id: ServiceId, state: ServiceState) {
        self.services[id.0].state = state;
        self.services[id.0].since = self.now;
        self.actions.push(Action::Note(Notice::Service(id, state)));
    }

    /// Whether `at` has come; asks to be woken then where it has not.
    fn is_due(&mut self, at: Duration) -> bool {
        if self.now >= at {
            return true;
        }
        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
        false
    }

    fn live(&self, ids: &[ServiceId]) -> Vec<ServiceId> {
        ids.iter()
            .copied()
            .filter(|id| self.services[id.0].state.is_live())
            .collect()
    }
}
