//! What the process can do without: optional services, and of a group of them all but one.

use super::{Machine, Phase, ServiceId, ServiceRecord, ServiceState};

impl Machine {
    /// Whether the process goes on where this service is over. While it starts, one that failed at its first try and waits
    /// for another is nobody to rely on: a process in which none of a group has been ready has not started.
    pub(super) fn is_dispensable(&self, id: ServiceId) -> bool {
        let has_started = self.phase == Phase::Running;
        let is_relied_on = |other: &ServiceRecord| {
            let is_hopeful = other.ready_at.is_some() || other.state != ServiceState::Backoff;
            goes_on(other) && (has_started || is_hopeful)
        };
        self.services[id.0].is_optional && self.has_another(id, is_relied_on)
    }

    /// Whether a service that has failed before it was ever ready is tried again here. Where the process does not start
    /// without it, that is the service manager's.
    pub(super) fn is_tried_again(&self, id: ServiceId) -> bool {
        let is_optional = self.services[id.0].is_optional;
        is_optional && (self.phase == Phase::Running || self.is_dispensable(id))
    }

    /// Whether the start goes on although this service is not ready: it has had its try, and of its group somebody else is
    /// ready, or comes later.
    pub(super) fn is_not_waited_for(&self, id: ServiceId) -> bool {
        let service = &self.services[id.0];
        let had_its_try = service.ended_at.is_some() || service.given_up || service.life > 1;
        let is_there = |other: &ServiceRecord| {
            goes_on(other) && (other.ready_at.is_some() || other.state == ServiceState::Pending)
        };
        service.is_optional && had_its_try && self.has_another(id, is_there)
    }

    /// Whether another one of its group is like this, or it has no group.
    fn has_another(&self, id: ServiceId, is_so: impl Fn(&ServiceRecord) -> bool) -> bool {
        let group = &self.services[id.0].group;
        let others = self.services.iter().enumerate();
        let mut others = others.filter(|(index, other)| *index != id.0 && other.group == *group);
        group.is_none() || others.any(|(_, other)| is_so(other))
    }
}

/// Whether a service runs, or is to run.
fn goes_on(service: &ServiceRecord) -> bool {
    let waits = matches!(service.state, ServiceState::Pending | ServiceState::Backoff);
    !service.given_up && (waits || service.state.is_live())
}
