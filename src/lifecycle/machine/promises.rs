//! Services that promised to be heard of, and were not.

use super::{Machine, ServiceId, ServiceState, StopReason};

impl Machine {
    /// Acts on broken promises: a critical service stops the process, an optional one is aborted, and its policy says what
    /// follows.
    pub(super) fn advance_promises(&mut self) -> bool {
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
                    self.reasons.push(StopReason::Stale(service.name.clone()));
                }
                return true;
            }
        }
        false
    }
}
