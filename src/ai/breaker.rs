//! When a provider is asked, and when it is let alone: a circuit breaker without a clock and without a task.
//!
//! ```text
//!            429, 401/402/403, three failures in a row
//!   Closed ──────────────────────────────────────────→ Open until …
//!     ↑ ↑                                               │ the time is over, and somebody asks
//!     │ └───────────── it was a 429 ────────────────────┤
//!     └──── a probe begins to answer ── HalfOpen ←──────┘
//!                                         └── a probe fails ──→ Open
//! ```
//!
//! While half-open, one request is under way, the probe; others are refused until it has its first token, or its whole
//! answer. Because that can take minutes, a further probe is let through every 10 s, and at once where the last one was given
//! up by its caller.
//!
//! Tickets have numbers. What is said about a request that was let through before the breaker opened, or before the probe
//! that closed it, is about a time that is over: it changes nothing any more, except that a pause may become longer.

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
/// How long a probe is the only one.
const ALONE: Duration = Duration::from_secs(10);

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
    /// The last ticket of a time that is over.
    outdated: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Open {
        until: Instant,
        /// Whether somebody has to try it first: not where it has said itself when to come again.
        is_doubtful: bool,
    },
    HalfOpen {
        first: Ticket,
        last: Ticket,
        /// When a further probe is let through.
        next: Instant,
    },
}

impl Breaker {
    /// How long nobody is let through; none where somebody would be now.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        match self.state {
            State::Closed => None,
            State::Open { until, .. } => Some(until.saturating_duration_since(now)),
            State::HalfOpen { next, .. } => Some(next.saturating_duration_since(now).min(PROBING)),
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
        let probing = |first| State::HalfOpen {
            first,
            last: ticket,
            next: now + ALONE,
        };
        self.state = match self.state {
            State::Open {
                is_doubtful: true, ..
            } => probing(ticket),
            State::HalfOpen { first, .. } => probing(first),
            State::Open { .. } | State::Closed => State::Closed,
        };
        Ok(ticket)
    }

    /// The provider has begun to answer. Its failures are forgotten only with the end of an answer: one more, and it is
    /// open again.
    pub(super) fn begun(&mut self, ticket: Ticket) {
        if self.is_probe(ticket) {
            self.state = State::Closed;
            self.outdated = self.outdated.max(ticket.0 - 1);
        }
    }

    /// The provider has done its part.
    pub(super) fn succeeded(&mut self, ticket: Ticket) {
        self.begun(ticket);
        if !self.is_outdated(ticket) {
            self.failures = 0;
        }
    }

    /// The provider is at fault. Says for how long it is put aside, where that begins now.
    pub(super) fn failed(
        &mut self,
        ticket: Ticket,
        fault: Fault,
        now: Instant,
    ) -> Option<Duration> {
        if self.is_outdated(ticket) {
            self.prolong(fault, now);
            return None;
        }
        if fault == Fault::Failing {
            self.failures = self.failures.saturating_add(1);
            if self.failures < LIMIT && !self.is_probe(ticket) {
                return None;
            }
        }
        let pause = pause(fault);
        self.state = State::Open {
            until: now + pause,
            is_doubtful: !matches!(fault, Fault::Limited(_)),
        };
        self.outdated = self.tickets;
        Some(pause)
    }

    /// A request that was let through earlier is refused while nobody is let through: the longer pause counts.
    fn prolong(&mut self, fault: Fault, now: Instant) {
        if let State::Open { until, is_doubtful } = &mut self.state
            && fault != Fault::Failing
        {
            *until = (*until).max(now + pause(fault));
            *is_doubtful |= fault == Fault::Denied;
        }
    }

    /// Nobody will say how it went: whoever asked has hung up.
    pub(super) fn released(&mut self, ticket: Ticket, now: Instant) {
        if let State::HalfOpen { last, next, .. } = &mut self.state
            && *last == ticket
        {
            *next = now;
        }
    }

    fn is_probe(&self, ticket: Ticket) -> bool {
        matches!(self.state, State::HalfOpen { first, .. } if ticket.0 >= first.0)
    }

    fn is_outdated(&self, ticket: Ticket) -> bool {
        ticket.0 <= self.outdated
    }
}

fn pause(fault: Fault) -> Duration {
    match fault {
        Fault::Limited(patience) => patience.unwrap_or(LIMITED).min(LONGEST),
        Fault::Denied => DENIED,
        Fault::Failing => FAILING,
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
        fail(&mut breaker, Fault::Denied, now);
        assert_eq!(
            fail(&mut breaker, Fault::Failing, now + DENIED),
            Some(FAILING)
        );
    }

    #[test]
    fn patience_that_is_over_needs_no_probe() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        fail(&mut breaker, Fault::Limited(None), now);
        let later = now + LIMITED;
        admit(&mut breaker, later);
        assert!(breaker.admit(later).is_ok());
        assert_eq!(fail(&mut breaker, Fault::Failing, later), None);
    }

    #[test]
    fn a_probe_that_takes_long_is_not_the_only_one() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        fail(&mut breaker, Fault::Denied, now);
        let later = now + DENIED;
        let slow = admit(&mut breaker, later);
        assert_eq!(breaker.admit(later + ALONE - SECOND / 2), Err(SECOND / 2));
        let second = admit(&mut breaker, later + ALONE);
        assert_eq!(breaker.admit(later + ALONE), Err(PROBING));
        // The first being given up does not make way: the second is under way.
        breaker.released(slow, later + ALONE);
        assert_eq!(breaker.admit(later + ALONE), Err(PROBING));
        breaker.begun(second);
        assert!(breaker.admit(later + ALONE).is_ok());
    }

    #[test]
    fn each_probe_can_close_it_and_each_can_open_it() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        fail(&mut breaker, Fault::Denied, now);
        let later = now + DENIED;
        let (slow, quick) = (
            admit(&mut breaker, later),
            admit(&mut breaker, later + ALONE),
        );
        let mut other = Breaker { ..breaker };
        breaker.succeeded(slow);
        assert_eq!(breaker.wait(later + ALONE), None);
        assert_eq!(
            other.failed(slow, Fault::Failing, later + ALONE),
            Some(FAILING)
        );
        // It was asked before the other one failed.
        other.succeeded(quick);
        assert_eq!(other.wait(later + ALONE), Some(FAILING));
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

    #[test]
    fn what_was_asked_before_it_opened_ends_no_probe() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        let old: Vec<_> = (0..4).map(|_| admit(&mut breaker, now)).collect();
        fail(&mut breaker, Fault::Denied, now);
        let later = now + DENIED;
        let probe = admit(&mut breaker, later);
        for (ticket, fault) in [(old[0], Fault::Failing), (old[1], Fault::Limited(None))] {
            assert_eq!(breaker.failed(ticket, fault, later), None);
            assert_eq!(breaker.wait(later), Some(PROBING));
        }
        breaker.begun(probe);
        assert_eq!(breaker.wait(later), None);
        // The probe has begun; what failed long ago says nothing about that.
        for (ticket, fault) in [(old[2], Fault::Failing), (old[3], Fault::Denied)] {
            assert_eq!(breaker.failed(ticket, fault, later), None);
            assert_eq!(breaker.wait(later), None);
        }
        assert_eq!(breaker.failed(probe, Fault::Denied, later), Some(DENIED));
    }

    #[test]
    fn a_late_failure_does_not_lengthen_a_pause_and_a_late_refusal_does() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        let old = [admit(&mut breaker, now), admit(&mut breaker, now)];
        fail(&mut breaker, Fault::Limited(Some(7 * SECOND)), now);
        assert_eq!(breaker.failed(old[0], Fault::Failing, now), None);
        assert_eq!(breaker.wait(now), Some(7 * SECOND));
        let longer = Fault::Limited(Some(9 * SECOND));
        assert_eq!(breaker.failed(old[1], longer, now), None);
        assert_eq!(breaker.wait(now), Some(9 * SECOND));
    }
}
