//! Services that promised to be heard of, and were not.

use std::time::Duration;

use super::{Action, LONGEST, Machine, Notice, ServiceId, ServiceState, StopReason};

/// A tick that comes so much later than it was asked for means that the whole process stood still: it was stopped by a
/// signal, or its machine was suspended.
const STANDSTILL: Duration = Duration::from_secs(5);

impl Machine {
    /// A service says that it will have been heard of by then. Taken in before the next event.
    pub(in crate::lifecycle) fn promise(&mut self, id: ServiceId, until: Duration) {
        self.services[id.0].promise = Some(until.min(self.now + LONGEST));
    }

    /// Moves every promise by the time in which nobody could keep one, and a moment more to catch up.
    pub(super) fn excuse_standstill(&mut self) {
        let late = self
            .wake
            .map_or(Duration::ZERO, |wake| self.now.saturating_sub(wake));
        if late > STANDSTILL {
            for service in &mut self.services {
                service.promise = service.promise.map(|promise| promise + late + STANDSTILL);
            }
        }
    }

    /// Acts on broken promises: a critical service stops the process, an optional one is aborted, and its policy says what
    /// follows.
    pub(super) fn advance_promises(&mut self) -> bool {
        if let Some((name, at)) = self.stale.clone()
            && self.is_due(at)
        {
            self.stale = None;
            self.plan.watchdog = None;
            self.reasons.push(StopReason::Stale(name));
            return true;
        }
        for index in 0..self.services.len() {
            let service = &self.services[index];
            let works = matches!(service.state, ServiceState::Starting | ServiceState::Ready);
            let Some(promise) = service.promise else {
                continue;
            };
            if works && !service.given_up && self.is_due(promise) {
                let service = &mut self.services[index];
                service.promise = None;
                if service.is_optional {
                    self.abort(ServiceId(index));
                } else {
                    self.goes_stale(ServiceId(index));
                }
                return true;
            }
        }
        false
    }

    /// A critical service has broken its promise. Where a service manager watches, it is to end the process; the process does
    /// that itself where there is none, or where that does not.
    fn goes_stale(&mut self, id: ServiceId) {
        let name = self.services[id.0].name.clone();
        match self.plan.watchdog {
            None => self.reasons.push(StopReason::Stale(name)),
            Some(time) => {
                self.stale.get_or_insert((name, self.now + time));
                self.actions.push(Action::Note(Notice::Stale(id)));
            }
        }
    }

    /// Whether every promise of a critical service is kept.
    pub(in crate::lifecycle) fn is_well(&self) -> bool {
        self.stale.is_none()
    }
}
