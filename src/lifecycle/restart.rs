//! When a service that has ended is run again, and when that is given up.

use std::time::Duration;

/// Which ends make a service start again. The words are Erlang/OTP's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Always, also after it has completed.
    Permanent,
    /// After an error or a panic.
    Transient,
    /// Never.
    Temporary,
}

/// How a service is restarted: after which ends, how long afterwards, how often.
///
/// The wait before a restart is drawn between nothing and a limit ("full jitter") that doubles with every restart,
/// from `first` to `longest`. More than `max_restarts` within `window` are given up. After `reset_after` of being
/// ready, a service counts as healthy, and its next failure as the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    pub(super) restart: Restart,
    pub(super) first: Duration,
    pub(super) longest: Duration,
    pub(super) max_restarts: u32,
    pub(super) window: Duration,
    pub(super) reset_after: Duration,
    pub(super) rest_for_one: bool,
}

/// A policy that would never give up, although it says that it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyError {
    waits: Duration,
    window: Duration,
}

impl std::fmt::Display for PolicyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the restarts that are allowed can take {:?} of waiting, which does not fit into their window of {:?}: they would never be used up; allow fewer restarts, wait less between them, or make the window longer",
            self.waits, self.window
        )
    }
}

impl std::error::Error for PolicyError {}

impl RestartPolicy {
    /// 5 restarts in 2 minutes, after waits of up to 0.5 s that double up to 60 s, forgotten after 5 healthy minutes.
    #[must_use]
    pub const fn new(restart: Restart) -> Self {
        Self {
            restart,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(60),
            max_restarts: 5,
            window: Duration::from_secs(120),
            reset_after: Duration::from_secs(300),
            rest_for_one: false,
        }
    }

    /// What depends on the service is restarted with it: the services in the tiers right of it are stopped first, in
    /// reverse order and within the stop budget, and started again once it is ready, in order (OTP's *rest_for_one*).
    /// Otherwise they go on without it in the meantime (*one_for_one*).
    ///
    /// Unlike in OTP a [`Temporary`](Restart::Temporary) service comes back too where it was taken down in this way:
    /// the word is about ends of its own.
    #[must_use]
    pub const fn rest_for_one(mut self) -> Self {
        self.rest_for_one = true;
        self
    }

    /// Waits of up to `first` that double up to `longest`.
    ///
    /// # Errors
    /// Where the waits of all allowed restarts do not fit into the window.
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Result<Self, PolicyError> {
        self.first = first;
        self.longest = longest;
        self.checked()
    }

    /// Gives up when more than `max_restarts` are needed within `window`.
    ///
    /// # Errors
    /// Where the waits of all allowed restarts do not fit into the window.
    pub fn intensity(mut self, max_restarts: u32, window: Duration) -> Result<Self, PolicyError> {
        self.max_restarts = max_restarts;
        self.window = window;
        self.checked()
    }

    /// How long a service must be ready for its earlier failures to be forgotten.
    #[must_use]
    pub fn reset_after(mut self, healthy: Duration) -> Self {
        self.reset_after = healthy;
        self
    }

    /// The longest wait before the restart that follows so many others.
    pub(super) fn limit(&self, restarts: u32) -> Duration {
        self.first
            .saturating_mul(1 << restarts.min(20))
            .min(self.longest)
    }

    fn checked(self) -> Result<Self, PolicyError> {
        // Beyond a thousand the sum is dominated by `longest`; no need to add them one by one.
        let counted = self.max_restarts.min(1_000);
        let waits = (0..counted)
            .map(|restarts| self.limit(restarts))
            .fold(Duration::ZERO, Duration::saturating_add);
        let rest = self.longest.saturating_mul(self.max_restarts - counted);
        let waits = waits.saturating_add(rest);
        if waits > self.window {
            return Err(PolicyError {
                waits,
                window: self.window,
            });
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_can_be_used_up() {
        assert!(RestartPolicy::new(Restart::Permanent).checked().is_ok());
    }

    #[test]
    fn a_policy_whose_waits_do_not_fit_its_window_is_refused() {
        let policy = RestartPolicy::new(Restart::Transient);
        let refused = policy.intensity(10, Duration::from_secs(60)).unwrap_err();
        assert!(
            refused.to_string().contains("would never be used up"),
            "{refused}"
        );
        assert!(policy.intensity(3, Duration::from_secs(10)).is_ok());
        assert!(policy.intensity(u32::MAX, Duration::from_secs(60)).is_err());
        assert!(
            policy
                .backoff(Duration::from_secs(60), Duration::from_secs(600))
                .is_err()
        );
    }
}
