//! What depends on a service that is started again goes down before it and comes up after it (*rest_for_one*).

use std::time::Duration;

use super::stopping::TierStop;
use super::{Machine, Mode, ServiceId, ServiceState, StopReason};

/// Dependants on their way down, from right to left, while the process runs.
pub(super) struct Sweep {
    /// Everything right of this tier goes down.
    origin: usize,
    until: Duration,
    pub(super) current: Option<TierStop>,
}

impl Machine {
    /// Takes down everything right of a service that is about to be started again.
    pub(super) fn take_down_dependants(&mut self, id: ServiceId) {
        let origin = self.tier_of(id);
        for index in 0..self.services.len() {
            let service = &mut self.services[index];
            let runs = service.state.is_live() || service.state == ServiceState::Backoff;
            if runs && !service.given_up && self.tier_of(ServiceId(index)) > origin {
                self.services[index].taken_down = true;
                self.services[index].waits_for_left = true;
            }
        }
        let until = self.now + self.plan.stop_timeout;
        let sweep = self.sweep.get_or_insert(Sweep {
            origin,
            until,
            current: None,
        });
        if origin < sweep.origin {
            // More tiers are to go down: with time of their own.
            (sweep.origin, sweep.until) = (origin, until);
        }
    }

    pub(super) fn advance_dependants(&mut self) -> bool {
        let Some(mut sweep) = self.sweep.take() else {
            return false;
        };
        if let Some(tier) = sweep.current.as_mut()
            && !self.live(&tier.services).is_empty()
        {
            let moved = self.cut_what_is_late(tier) || self.release_what_is_drained(tier);
            self.stop_without(&tier.services);
            self.sweep = Some(sweep);
            return moved;
        }
        let mut tiers: Vec<Vec<ServiceId>> = self.tiers[sweep.origin + 1..]
            .iter()
            .map(|tier| self.live(tier))
            .filter(|tier| !tier.is_empty())
            .collect();
        // With none left the sweep is over.
        if let Some(services) = tiers.pop() {
            let left = sweep.until.saturating_sub(self.now);
            let share = self.share_of(&services, &tiers, left);
            sweep.current = Some(self.drain_tier(services, share, Mode::Graceful));
            self.sweep = Some(sweep);
        }
        true
    }

    /// Whether something that was taken down has not been started again.
    pub(super) fn has_dependants_down(&self) -> bool {
        self.sweep.is_some() || self.services.iter().any(|service| service.taken_down)
    }

    /// Whether a service's turn to be started again may come: after those that go down because of it have ended, and, where
    /// a sweep took it down, after what is left of it is ready.
    pub(super) fn may_restart(&self, id: ServiceId) -> bool {
        let tier = self.tier_of(id);
        let is_up = |id: &ServiceId| {
            let service = &self.services[id.0];
            let is_over = !service.state.is_live() && service.state != ServiceState::Backoff;
            service.state == ServiceState::Ready
                || (service.is_optional && (is_over || service.given_up))
        };
        let waits_for_sweep = self
            .sweep
            .as_ref()
            .is_some_and(|sweep| tier >= sweep.origin);
        let waits_for_left =
            self.services[id.0].waits_for_left && !self.tiers[..tier].iter().flatten().all(is_up);
        !waits_for_sweep && !waits_for_left
    }

    /// What does not go down cannot be started a second time beside itself: without a critical one the process stops.
    pub(super) fn stop_without(&mut self, tier: &[ServiceId]) {
        for id in tier {
            let service = &mut self.services[id.0];
            if service.state == ServiceState::Abandoned && service.taken_down {
                service.taken_down = false;
                if !self.is_dispensable(*id) {
                    let name = self.services[id.0].name.clone();
                    self.reasons.push(StopReason::ServiceFailed(name));
                }
            }
        }
    }

    fn tier_of(&self, id: ServiceId) -> usize {
        self.tiers
            .iter()
            .position(|tier| tier.contains(&id))
            .expect("every service is in a tier")
    }
}
