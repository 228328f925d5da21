//! A single service that somebody wants to be started again while everything else goes on.

use std::fmt;

use super::{Machine, Mode, Phase, ServiceId, ServiceState};

/// Why a service is not started again on request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestartRefused {
    /// There is no service of this name; these there are.
    Unknown {
        /// The name that was asked for.
        name: String,
        /// Every service, in start order.
        known: Vec<String>,
    },
    /// It is made to run once: its spec allows no restart.
    NotRestartable(String),
    /// It is on its way down or up already, or did not end when it was told to.
    Busy(String, ServiceState),
    /// The process does not run: it starts, or it stops.
    NotRunning(Phase),
}

impl fmt::Display for RestartRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name, known } => {
                write!(
                    f,
                    "there is no service `{name}`; there are {}",
                    known.join(", ")
                )
            }
            Self::NotRestartable(name) => write!(
                f,
                "{name} cannot be restarted by itself: others rely on the one there is; restart the process"
            ),
            Self::Busy(name, ServiceState::Abandoned) => write!(
                f,
                "{name} did not end when it was told to, and is not started beside itself; restart the process"
            ),
            Self::Busy(name, state) => {
                write!(f, "{name} is {state}; look again when that is over")
            }
            Self::NotRunning(phase) => {
                write!(f, "nothing is restarted while the process is {phase}")
            }
        }
    }
}

impl std::error::Error for RestartRefused {}

impl Machine {
    /// Whether a request to restart this service would be followed.
    pub(in crate::lifecycle) fn may_be_restarted(
        &self,
        id: ServiceId,
    ) -> Result<(), RestartRefused> {
        let service = &self.services[id.0];
        if !self.may_run() || self.phase != Phase::Running {
            return Err(RestartRefused::NotRunning(self.phase));
        }
        if !service.is_restartable {
            return Err(RestartRefused::NotRestartable(service.name.clone()));
        }
        match service.state {
            ServiceState::Ready | ServiceState::Backoff | ServiceState::Stopped
                if !service.taken_down =>
            {
                Ok(())
            }
            state => Err(RestartRefused::Busy(service.name.clone(), state)),
        }
    }

    /// Takes it down gracefully, within the stop budget, and starts it again; one that is down already is started now.
    /// What fails often enough to be given up is given all its tries again. What worked until somebody asked is tried until
    /// it works again: the life that was taken down might have borne what the next one finds.
    pub(super) fn record_restart_request(&mut self, id: ServiceId) {
        if self.may_be_restarted(id).is_err() {
            return;
        }
        let now = self.now;
        let service = &mut self.services[id.0];
        service.given_up = false;
        service.restarts_in_row = 0;
        service.recent_restarts.clear();
        if service.state != ServiceState::Ready {
            service.restart_at = Some(now);
            return self.set_state(id, ServiceState::Backoff);
        }
        service.taken_down = true;
        service.is_coming_back = true;
        let budget = self.plan.stop_timeout;
        let tier = self.drain_tier(vec![id], budget, Mode::Graceful);
        self.requested.push(tier);
    }

    pub(super) fn advance_requested(&mut self) -> bool {
        let mut requested = std::mem::take(&mut self.requested);
        let mut moved = false;
        requested.retain_mut(|tier| {
            let is_live = !self.live(&tier.services).is_empty();
            moved |= is_live && (self.cut_what_is_late(tier) || self.release_what_is_drained(tier));
            self.stop_without(&tier.services);
            is_live
        });
        self.requested = requested;
        moved
    }
}
