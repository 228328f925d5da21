//! What follows when a service ends while the process is to run: another start, a stop, or a process without it.

use std::time::Duration;

use super::{Action, Exit, LONGEST, Machine, Phase, ServiceId, ServiceState, StopReason};
use crate::lifecycle::Restart;

impl Machine {
    /// Decides about a service that has just ended, outside a stop.
    pub(super) fn after_exit(&mut self, id: ServiceId, exit: &Exit) {
        let service = &self.services[id.0];
        if service.given_up {
            self.services[id.0].taken_down = false;
            return;
        }
        let has_failed = *exit != Exit::Finished;
        // A wrong configuration is as wrong at the next try.
        let is_final = matches!(exit, Exit::Failed { kind: Some(_), .. });
        // Before its turn to go down came, its end is its own.
        let was_told = service.drained_at.is_some();
        if service.taken_down && was_told && !is_final {
            self.services[id.0].restart_at = Some(self.now);
            self.set_state(id, ServiceState::Backoff);
            // Of one that goes down on request; what a sweep took down is right of its origin, and so are these.
            if self.services[id.0].restart.rest_for_one {
                self.take_down_dependants(id);
            }
            return;
        }
        if service.is_coming_back && has_failed && !is_final {
            let wait = self.wait_before_restart(id);
            return self.back_off(id, wait, exit);
        }
        let again = match service.restart.restart {
            Restart::Permanent => !is_final,
            Restart::Transient => has_failed && !is_final,
            Restart::Temporary => false,
        };
        // What has never been ready has not started; trying again is the service manager's.
        if service.ready_at.is_none() && !(again && self.is_tried_again(id)) {
            return self.give_up(id, StopReason::StartFailed);
        }
        if !again {
            let reason = if has_failed {
                StopReason::ServiceFailed
            } else {
                StopReason::Completed
            };
            return self.give_up(id, reason);
        }
        match self.next_restart(id) {
            Some(wait) => self.back_off(id, wait, exit),
            None => self.give_up(id, StopReason::RestartsExhausted),
        }
    }

    /// Has it wait for its next life, as long as its own failure asks for at least.
    fn back_off(&mut self, id: ServiceId, wait: Duration, exit: &Exit) {
        let wait = wait.max(retry_after(exit).min(LONGEST));
        self.services[id.0].restart_at = Some(self.now + wait);
        self.set_state(id, ServiceState::Backoff);
        if self.services[id.0].restart.rest_for_one {
            self.take_down_dependants(id);
        }
    }

    /// Without a critical service there is no process; without an optional one there is less of it.
    fn give_up(&mut self, id: ServiceId, reason: fn(String) -> StopReason) {
        let service = &mut self.services[id.0];
        service.taken_down = false;
        if self.is_dispensable(id) {
            return;
        }
        let service = &self.services[id.0];
        if let Some(Exit::Failed { kind, .. }) = service.exit {
            self.failure_kind = self.failure_kind.or(kind);
        }
        self.reasons.push(reason(service.name.clone()));
    }

    /// How long to wait before another start; none where there have been too many.
    fn next_restart(&mut self, id: ServiceId) -> Option<Duration> {
        let now = self.now;
        let service = &mut self.services[id.0];
        let policy = service.restart;
        if service
            .ready_since
            .is_some_and(|since| now >= since + policy.reset_after)
        {
            service.restarts_in_row = 0;
            service.recent_restarts.clear();
        }
        service
            .recent_restarts
            .retain(|at| now < *at + policy.window);
        if service.recent_restarts.len() >= policy.max_restarts as usize {
            return None;
        }
        service.recent_restarts.push_back(now);
        Some(self.wait_before_restart(id))
    }

    /// Drawn below a limit that doubles with every restart in a row.
    fn wait_before_restart(&mut self, id: ServiceId) -> Duration {
        let drawn = self.draw();
        let service = &mut self.services[id.0];
        let limit = service.restart.limit(service.restarts_in_row);
        service.restarts_in_row = service.restarts_in_row.saturating_add(1);
        limit.mul_f64(drawn)
    }

    /// Gives up on what does not get ready again, and starts again what has waited long enough. In this order: what comes
    /// too late may stop the process, and then nothing starts.
    pub(super) fn advance_restarts(&mut self) -> bool {
        for index in 0..self.services.len() {
            let service = &self.services[index];
            let is_new = service.state == ServiceState::Starting && service.life > 1;
            let until = service.since + service.start_timeout;
            if is_new && !service.given_up && self.is_due(until) {
                let reason = if self.services[index].ready_at.is_some() {
                    StopReason::ServiceFailed
                } else {
                    StopReason::StartFailed
                };
                self.give_up_start(ServiceId(index), reason);
                return true;
            }
        }
        for index in 0..self.services.len() {
            let (id, service) = (ServiceId(index), &self.services[index]);
            let (waits, at) = (service.state == ServiceState::Backoff, service.restart_at);
            if waits && self.may_restart(id) && at.is_some_and(|at| self.is_due(at)) {
                self.start(id);
                return true;
            }
        }
        false
    }

    /// A service that does not get ready. It still runs: a critical one is stopped with everything else, and without
    /// an optional one the process goes on.
    pub(super) fn give_up_start(&mut self, id: ServiceId, reason: fn(String) -> StopReason) {
        self.services[id.0].given_up = true;
        if self.is_dispensable(id) {
            self.abort(id);
        } else {
            self.reasons.push(reason(self.services[id.0].name.clone()));
        }
    }

    /// Nothing is restarted any more: what waited for it has ended.
    pub(super) fn cancel_restarts(&mut self) {
        for index in 0..self.services.len() {
            if self.services[index].state == ServiceState::Backoff {
                // One that was taken down ended as it was told; others ended by themselves.
                let service = &mut self.services[index];
                service.was_waiting = !service.taken_down || service.drained_at.is_none();
                self.set_state(ServiceId(index), ServiceState::Stopped);
            }
        }
    }

    pub(super) fn start(&mut self, id: ServiceId) {
        let service = &mut self.services[id.0];
        service.started_at.get_or_insert(self.now);
        service.restarts += u32::from(service.life > 0);
        service.life += 1;
        service.intake_closed = false;
        service.drained = false;
        service.exit = None;
        service.ended_at = None;
        service.ready_since = None;
        service.drained_at = None;
        service.killed = false;
        service.aborted = false;
        service.taken_down = false;
        service.waits_for_left = false;
        service.promise = None;
        self.set_state(id, ServiceState::Starting);
        self.actions.push(Action::Spawn(id));
    }

    /// A number from 0 to 1, from a generator of the machine's own (SplitMix64), so that a run can be repeated.
    fn draw(&mut self) -> f64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let fraction = (z >> 11) as f64 / (1_u64 << 53) as f64;
        fraction
    }

    pub(super) fn may_run(&self) -> bool {
        self.stop.is_none() && matches!(self.phase, Phase::Starting | Phase::Running)
    }
}

fn retry_after(exit: &Exit) -> Duration {
    match exit {
        Exit::Failed { retry_after, .. } => *retry_after,
        _ => Duration::ZERO,
    }
}
