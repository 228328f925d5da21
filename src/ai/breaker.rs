//! When a provider is asked, and when it is let alone: a circuit breaker without a clock and without a task.
//!
//! ```text
//!            429, 401/402/403, three failures in a row
//!   Closed ──────────────────────────────────────────→ Open until …
//!     ↑                                                 │ the time is over, and somebody asks
//!     └──── the probe answers ────── HalfOpen ←─────────┘
//!                                      └── the probe fails ──→ Open; given up by its caller: the next one is the probe
//! ```
//!
//! While half-open, one request is under way, the probe; others are refused until it has its first token.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row that open it.
const LIMIT: u32 = 3;
/// How long it is open after failures.
const FAILING: Duration = Duration::from_secs(60);
/// How long after a refusal that only the operator can mend: a key, a bill.
const DENIED: Duration = Duration::from_secs(600);
/// How long where the provider asks for patience and does not say how much.
const LIMITED: Duration = Duration::from_secs(10);
/// The longest patience that a provider is granted.
pub(super) const LONGEST: Duration = Duration::from_secs(3600);
/// What somebody is told to wait while the probe is under way.
const PROBING: Duration = Duration::from_secs(1);

/// Why a provider is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It does not answer, breaks off, or answers what is no answer.
    Failing,
    /// It was asked too often, and may have said for how long it wants peace.
    Limited(Option<Duration>),
    /// It refuses whoever runs this: the key, the bill.
    Denied,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failing => "it fails",
            Self::Limited(_) => "it is asked too often",
            Self::Denied => "it refuses the key, or the account has nothing left",
        })
    }
}

/// What somebody holds whose request was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: State,
    failures: u32,
    tickets: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Open {
        until: Instant,
    },
    HalfOpen {
        probe: Ticket,
    },
}

impl Breaker {
    /// How long nobody is let through; none where somebody would be now.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        match self.state {
            State::Closed => None,
            State::Open { until } => Some(until.saturating_duration_since(now)),
            State::HalfOpen { .. } => Some(PROBING),
        }
        .filter(|wait| !wait.is_zero())
    }

    /// Lets a request through, or says how long to wait.
    pub(super) fn admit(&mut self, now: Instant) -> Result<Ticket, Duration> {
        if let Some(wait) = self.wait(now) {
            return Err(wait);
        }
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        if let State::Open { .. } = self.state {
            self.state = State::HalfOpen { probe: ticket };
        }
        Ok(ticket)
    }

    /// The provider has begun to answer. Its failures are forgotten only with the end of an answer: one more, and it is
    /// open again.
    pub(super) fn begun(&mut self, ticket: Ticket) {
        if self.is_probe(ticket) {
            self.state = State::Closed;
        }
    }

    /// The provider has done its part.
    pub(super) fn succeeded(&mut self, ticket: Ticket) {
        self.begun(ticket);
        self.failures = 0;
    }

    /// The provider is at fault. Says for how long it is put aside, where that begins now.
    pub(super) fn failed(
        &mut self,
        ticket: Ticket,
        fault: Fault,
        now: Instant,
    ) -> Option<Duration> {
        let pause = match fault {
            Fault::Limited(patience) => patience.unwrap_or(LIMITED).min(LONGEST),
            Fault::Denied => DENIED,
            Fault::Failing => {
                self.failures = self.failures.saturating_add(1);
                if self.failures < LIMIT && !self.is_probe(ticket) {
                    return None;
                }
                FAILING
            }
        };
        let until = now + pause;
        match self.state {
            // A request that was let through earlier has been overtaken: the longer pause counts, and is known already.
            State::Open { until: earlier } => {
                self.state = State::Open {
                    until: earlier.max(until),
                };
                None
            }
            State::Closed | State::HalfOpen { .. } => {
                self.state = State::Open { until };
                Some(pause)
            }
        }
    }

    /// Nobody will say how it went: whoever asked has hung up.
    pub(super) fn released(&mut self, ticket: Ticket, now: Instant) {
        if self.is_probe(ticket) {
            self.state = State::Open { until: now };
        }
    }

    fn is_probe(&self, ticket: Ticket) -> bool {
        self.state == State::HalfOpen { probe: ticket }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn admit(breaker: &mut Breaker, now: Instant) -> Ticket {
        breaker.admit(now).unwrap()
    }

    fn fail(breaker: &mut Breaker, fault: Fault, now: Instant) -> Option<Duration> {
        let ticket = admit(breaker, now);
        breaker.failed(ticket, fault, now)
    }

    #[test]
    fn three_failures_in_a_row_open_it_for_a_minute() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        assert_eq!(fail(&mut breaker, Fault::Failing, now), None);
        assert_eq!(fail(&mut breaker, Fault::Failing, now), None);
        assert_eq!(fail(&mut breaker, Fault::Failing, now), Some(FAILING));
        assert_eq!(breaker.admit(now + 59 * SECOND), Err(SECOND));
        assert!(breaker.admit(now + 60 * SECOND).is_ok());
    }

    #[test]
    fn a_success_between_failures_starts_the_count_again() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..5 {
            assert_eq!(fail(&mut breaker, Fault::Failing, now), None);
            assert_eq!(fail(&mut breaker, Fault::Failing, now), None);
            let ticket = admit(&mut breaker, now);
            breaker.succeeded(ticket);
        }
    }

    #[test]
    fn patience_is_as_long_as_asked_ten_seconds_otherwise_and_an_hour_at_most() {
        let now = Instant::now();
        for (asked, pause) in [
            (Some(7 * SECOND), 7 * SECOND),
            (None, LIMITED),
            (Some(LONGEST * 24), LONGEST),
        ] {
            let mut breaker = Breaker::default();
            assert_eq!(fail(&mut breaker, Fault::Limited(asked), now), Some(pause));
            assert_eq!(breaker.wait(now), Some(pause));
        }
    }

    #[test]
    fn a_refused_key_keeps_it_open_for_ten_minutes() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        assert_eq!(fail(&mut breaker, Fault::Denied, now), Some(DENIED));
        assert_eq!(breaker.admit(now + DENIED - SECOND), Err(SECOND));
    }

    #[test]
    fn half_open_lets_one_through_and_its_first_token_lets_in_the_others() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        fail(&mut breaker, Fault::Denied, now);
        let later = now + DENIED;
        let probe = admit(&mut breaker, later);
        assert_eq!(breaker.admit(later), Err(PROBING));
        breaker.begun(probe);
        assert!(breaker.admit(later).is_ok());
    }

    #[test]
    fn a_failed_probe_opens_it_again_at_once() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        fail(&mut breaker, Fault::Limited(None), now);
        assert_eq!(
            fail(&mut breaker, Fault::Failing, now + LIMITED),
            Some(FAILING)
        );
    }

    #[test]
    fn a_probe_that_is_given_up_makes_the_next_one_the_probe() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        fail(&mut breaker, Fault::Denied, now);
        let later = now + DENIED;
        let probe = admit(&mut breaker, later);
        breaker.released(probe, later);
        let next = admit(&mut breaker, later);
        // Said twice, or said late, it changes nothing for the next one.
        breaker.released(probe, later);
        assert_eq!(breaker.admit(later), Err(PROBING));
        breaker.succeeded(next);
        assert!(breaker.admit(later).is_ok());
    }

    #[test]
    fn what_was_asked_before_it_opened_neither_closes_nor_shortens_it() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        let (slow, slower) = (admit(&mut breaker, now), admit(&mut breaker, now));
        fail(&mut breaker, Fault::Denied, now);
        breaker.succeeded(slow);
        assert_eq!(breaker.failed(slower, Fault::Limited(None), now), None);
        assert_eq!(breaker.wait(now), Some(DENIED));
    }
}
