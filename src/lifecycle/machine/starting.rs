//! Coming up: start hooks one by one, then the tiers from left to right.

use super::{HookResult, Machine, Phase, ServiceId, ServiceState, Stage, StopReason};

impl Machine {
    pub(super) fn advance_start(&mut self) -> bool {
        if self.has_dependants_down() {
            return false;
        }
        if let Some(name) = self.failed_start_hook() {
            self.reasons.push(StopReason::StartFailed(name));
            return true;
        }
        if !self.hooks_are_over(Stage::OnStart) {
            return self.advance_hooks(Stage::OnStart, None);
        }
        let Some(tier) = self.tiers.get(self.starting_tier).cloned() else {
            self.reached_running = true;
            self.enter(Phase::Running);
            return true;
        };
        let pending = |id: &ServiceId| self.services[id.0].state == ServiceState::Pending;
        if tier.iter().any(pending) {
            self.spawn(&tier);
            return true;
        }
        // Without an optional service that did not come up, at its first try, the process goes on.
        let is_up = |id: &ServiceId| {
            let service = &self.services[id.0];
            let comes_back = service.state == ServiceState::Backoff || service.state.is_live();
            // What would be taken down with it had better not start before it is back.
            let is_there = service.state == ServiceState::Ready || !service.restart.rest_for_one;
            (service.ready_at.is_some() && (is_there || !comes_back)) || self.is_not_waited_for(*id)
        };
        if tier.iter().all(is_up) {
            self.starting_tier += 1;
            return true;
        }
        self.check_start_timeouts(&tier)
    }

    fn spawn(&mut self, tier: &[ServiceId]) {
        for &id in tier {
            self.start(id);
        }
    }

    /// Gives up on a service that takes too long to be ready.
    fn check_start_timeouts(&mut self, tier: &[ServiceId]) -> bool {
        for &id in tier {
            let service = &self.services[id.0];
            let is_new = service.state == ServiceState::Starting && service.life == 1;
            let until = service.since + service.start_timeout;
            if is_new && !service.given_up && self.is_due(until) {
                self.give_up_start(id, StopReason::StartFailed);
                return true;
            }
        }
        false
    }

    fn failed_start_hook(&mut self) -> Option<String> {
        let failed = self
            .hooks
            .iter()
            .filter(|hook| hook.id.stage == Stage::OnStart)
            .find(|hook| {
                hook.result
                    .as_ref()
                    .is_some_and(|end| *end != HookResult::Done)
            })?;
        Some(failed.name.clone())
    }
}
