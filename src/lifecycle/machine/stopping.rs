//! Going down: the tiers from right to left inside one budget, with hooks on the way.

use std::time::Duration;

use super::{
    Action, Machine, Mode, Notice, Phase, SIGNAL_DEBOUNCE, ServiceId, ServiceState, Stage,
};

/// How long a tier that is reached in [`Mode::Fast`] still has before it is cancelled: enough to flush, not to work.
const FAST_GRACE: Duration = Duration::from_millis(500);
/// Drain hooks wait at most this long for services that do not say that their intake is closed.
const INTAKE_GRACE: Duration = Duration::from_secs(1);

/// A stop under way.
pub(super) struct Stop {
    pub(super) began: Duration,
    pub(super) mode: Mode,
    pub(super) deadline: Duration,
    /// Where the services' part of the budget ends and the last hooks' reserve begins.
    services_until: Duration,
    /// Tiers still to be stopped, the next one last.
    tiers: Vec<Vec<ServiceId>>,
    pub(super) current: Option<TierStop>,
}

/// The tier that is being stopped.
pub(super) struct TierStop {
    pub(super) services: Vec<ServiceId>,
    intake_by: Duration,
    pub(super) kill_at: Duration,
    pub(super) abort_at: Duration,
    abandon_at: Duration,
    pub(super) killed: bool,
    aborted: bool,
    released: bool,
}

impl Machine {
    pub(super) fn begin_stop(&mut self) {
        let began = self.now;
        let deadline = began + self.plan.stop_timeout;
        let wanted = self
            .plan
            .on_stopped
            .iter()
            .map(|hook| hook.timeout)
            .fold(Duration::ZERO, Duration::saturating_add);
        let reserve = wanted.min(self.plan.stop_timeout / 5);
        let started = |id: &ServiceId| self.services[id.0].started_at.is_some();
        let mut tiers: Vec<Vec<ServiceId>> = self
            .tiers
            .iter()
            .filter(|tier| tier.iter().any(started))
            .cloned()
            .collect();
        if tiers.is_empty() {
            // The drain hooks need a tier to run in, also where there is no service.
            tiers.push(Vec::new());
        }
        self.stop = Some(Stop {
            began,
            mode: Mode::Graceful,
            deadline,
            services_until: deadline - reserve,
            tiers,
            current: None,
        });
        // First of all, before a log line that may block.
        self.actions.insert(0, Action::ArmDeadline(deadline));
        self.sweep = None;
        self.requested.clear();
        self.cancel_restarts();
        self.close_hooks(Stage::OnStart);
        if !self.reached_running {
            // Nobody was ever served: there is nothing to say goodbye to.
            self.close_hooks(Stage::OnDrain);
        }
        self.enter(Phase::Draining);
    }

    /// A second signal: what works is cancelled now, hooks still run.
    pub(super) fn escalate(&mut self) {
        let now = self.now;
        let Some(stop) = self.stop.as_mut() else {
            return;
        };
        if stop.mode == Mode::Fast {
            return;
        }
        stop.mode = Mode::Fast;
        if let Some(tier) = stop.current.as_mut() {
            tier.kill_at = tier.kill_at.min(now);
        }
        self.arm_immediate_at = Some(now + SIGNAL_DEBOUNCE);
        self.actions.push(Action::Note(Notice::Fast));
    }

    pub(super) fn advance_stop(&mut self) -> bool {
        let Some(mut stop) = self.stop.take() else {
            return false;
        };
        let moved = match stop.current.as_mut() {
            Some(tier) => self.advance_tier(tier, stop.mode),
            None => false,
        };
        let done = match &stop.current {
            Some(tier) => {
                self.live(&tier.services).is_empty() && self.hooks_are_over(Stage::OnDrain)
            }
            None => true,
        };
        let moved = if moved || !done {
            moved
        } else if let Some(services) = stop.tiers.pop() {
            let left = stop.services_until.saturating_sub(self.now);
            let share = self.share_of(&services, &stop.tiers, left);
            stop.current = Some(self.drain_tier(services, share, stop.mode));
            true
        } else {
            self.enter(Phase::Finalizing);
            true
        };
        self.stop = Some(stop);
        moved
    }

    pub(super) fn advance_finalizing(&mut self) -> bool {
        let deadline = self.stop.as_ref().map(|stop| stop.deadline);
        if self.hooks_are_over(Stage::OnStopped) {
            self.enter(Phase::Stopped);
            return true;
        }
        self.advance_hooks(Stage::OnStopped, deadline)
    }

    /// A tier's part of the time that is left: by weight among the tiers that are left, so time that one does not use
    /// flows on to the next.
    pub(super) fn share_of(
        &self,
        tier: &[ServiceId],
        others: &[Vec<ServiceId>],
        left: Duration,
    ) -> Duration {
        let weight_of = |tier: &[ServiceId]| {
            let weights = tier.iter().map(|id| self.services[id.0].weight);
            weights.max().unwrap_or(1).max(1)
        };
        let own = weight_of(tier);
        let rest: u32 = others.iter().map(|tier| weight_of(tier)).sum();
        left * own / (own + rest)
    }

    /// Tells a tier to take no new work, and sets the marks of its share of the time.
    pub(super) fn drain_tier(
        &mut self,
        services: Vec<ServiceId>,
        share: Duration,
        mode: Mode,
    ) -> TierStop {
        let kill_at = match mode {
            Mode::Graceful => self.now + share * 8 / 10,
            Mode::Fast => self.now + (share * 8 / 10).min(FAST_GRACE),
        };
        for id in self.live(&services) {
            if self.services[id.0].drained_at.is_some() {
                continue; // The stop came while it was taken down.
            }
            self.services[id.0].drained_at = Some(self.now);
            self.set_state(id, ServiceState::Draining);
            self.actions.push(Action::Drain(id));
        }
        TierStop {
            services,
            intake_by: self.now + (share / 10).min(INTAKE_GRACE),
            kill_at,
            abort_at: self.now + share * 9 / 10,
            abandon_at: self.now + share,
            killed: false,
            aborted: false,
            released: false,
        }
    }

    fn advance_tier(&mut self, tier: &mut TierStop, mode: Mode) -> bool {
        if self.cut_what_is_late(tier) {
            return true;
        }
        let live = self.live(&tier.services);
        if !self.hooks_are_over(Stage::OnDrain) {
            // Hooks get the time that graceful work gets; a second signal does not take theirs away.
            let until = match mode {
                Mode::Graceful => tier.kill_at,
                Mode::Fast => tier.abandon_at,
            };
            let closed = |id: &ServiceId| self.services[id.0].intake_closed;
            return (live.iter().all(closed) || self.is_due(tier.intake_by))
                && self.advance_hooks(Stage::OnDrain, Some(until));
        }
        self.release_what_is_drained(tier)
    }

    /// Kills, aborts and at last abandons what is still there at the marks of the tier's share.
    pub(super) fn cut_what_is_late(&mut self, tier: &mut TierStop) -> bool {
        let live = self.live(&tier.services);
        if live.is_empty() {
            return false;
        }
        if !tier.killed && self.is_due(tier.kill_at) {
            tier.killed = true;
            self.kill(&live);
            return true;
        }
        if !tier.aborted && self.is_due(tier.abort_at) {
            tier.aborted = true;
            self.abort_late(&live, tier.released);
            return true;
        }
        if self.is_due(tier.abandon_at) {
            for id in live {
                self.abort(id);
                self.services[id.0].ended_at = Some(self.now);
                self.set_state(id, ServiceState::Abandoned);
            }
            return true;
        }
        false
    }

    /// Lets a tier go in which everybody's work is finished, or will not be.
    pub(super) fn release_what_is_drained(&mut self, tier: &mut TierStop) -> bool {
        let live = self.live(&tier.services);
        let needs_nobody = |id: &ServiceId| {
            let service = &self.services[id.0];
            service.drained || service.aborted
        };
        if tier.released || !live.iter().all(needs_nobody) {
            return false;
        }
        tier.released = true;
        let drained = live.into_iter().filter(|id| self.services[id.0].drained);
        let drained: Vec<_> = drained.collect();
        self.release(&drained);
        true
    }

    // What has finished its work and waits to be released is neither killed nor aborted: it holds what the hooks
    // and its neighbours need, and goes when they are over.

    fn kill(&mut self, live: &[ServiceId]) {
        for &id in live {
            let service = &mut self.services[id.0];
            if !service.drained && !service.killed {
                service.killed = true;
                self.actions.push(Action::Kill(id));
            }
        }
    }

    fn abort_late(&mut self, live: &[ServiceId], released: bool) {
        for &id in live {
            if released || !self.services[id.0].drained {
                self.abort(id);
            }
        }
    }

    /// Aborts a service, once in each of its lives.
    pub(super) fn abort(&mut self, id: ServiceId) {
        if !std::mem::replace(&mut self.services[id.0].aborted, true) {
            self.actions.push(Action::Abort(id));
        }
    }

    fn release(&mut self, live: &[ServiceId]) {
        if self.phase == Phase::Draining {
            self.enter(Phase::Stopping);
        }
        for &id in live {
            if self.services[id.0].state != ServiceState::Stopping {
                self.set_state(id, ServiceState::Stopping);
                self.actions.push(Action::Release(id));
            }
        }
    }
}
