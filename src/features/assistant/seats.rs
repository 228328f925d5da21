//! What of the program's handlers answers may use: how many of them, and for how long.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// From the end of an answer's time to the end of its handler's: for the last preview to land, and the distance to it.
const SETTLING: Duration = Duration::from_secs(15);

/// The program's handlers, as they are configured at the moment.
#[derive(Clone, Copy, Debug)]
pub struct Handlers {
    /// So many run at the same time.
    pub count: usize,
    /// One that runs for longer is cut off.
    pub timeout: Duration,
}

/// Half of the handlers, but one at least, for answers that are being written: the others answer commands and what else comes,
/// however slow the models are. The assistants of all bots share them, as bots share the handlers; clones are the same ones.
#[derive(Clone)]
pub struct Seats {
    taken: Arc<AtomicUsize>,
    handlers: Arc<dyn Fn() -> Handlers + Send + Sync>,
}

/// One of them, until it is dropped.
pub(super) struct Seat(Arc<AtomicUsize>);

/// How long a handler may take for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spans {
    /// To have it written.
    pub(super) answer: Duration,
    /// Until nothing of it is on its way any more.
    pub(super) settled: Duration,
}

impl Seats {
    /// Of the handlers that there are whenever this is called: that may change.
    #[must_use]
    pub fn new(handlers: impl Fn() -> Handlers + Send + Sync + 'static) -> Self {
        Self {
            taken: Arc::default(),
            handlers: Arc::new(handlers),
        }
    }

    /// None where all are taken.
    pub(super) fn take(&self) -> Option<Seat> {
        let all = ((self.handlers)().count / 2).max(1);
        let one_more = |taken: usize| (taken < all).then_some(taken + 1);
        let (done, look) = (Ordering::AcqRel, Ordering::Acquire);
        let taken = self.taken.fetch_update(done, look, one_more);
        taken.ok().map(|_| Seat(Arc::clone(&self.taken)))
    }

    /// Of a handler that begins now.
    pub(super) fn spans(&self) -> Spans {
        let timeout = (self.handlers)().timeout;
        let answer = timeout.saturating_sub(SETTLING).max(timeout / 2);
        // A part is left for keeping what came of it.
        let settled = answer + (timeout - answer).mul_f64(0.8);
        Spans { answer, settled }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(count: usize, seconds: u64) -> Seats {
        let timeout = Duration::from_secs(seconds);
        Seats::new(move || Handlers { count, timeout })
    }

    #[test]
    fn half_of_the_handlers_are_for_answers_and_one_at_least() {
        for (count, wanted) in [(1, 1), (2, 1), (5, 2), (8, 4)] {
            let seats = seats(count, 60);
            let mut taken: Vec<_> = (0..count + 1).map_while(|_| seats.take()).collect();
            assert_eq!(taken.len(), wanted, "of {count}");
            taken.pop();
            assert!(seats.take().is_some(), "one that is free is taken again");
        }
    }

    #[test]
    fn an_answer_is_over_and_settled_before_its_handler_is_cut_off() {
        for (timeout, answer, settled) in [(300, 285, 297), (20, 10, 18), (2, 1, 1)] {
            let spans = seats(8, timeout).spans();
            let whole = (spans.answer.as_secs(), spans.settled.as_secs());
            assert_eq!(whole, (answer, settled), "of {timeout} s");
        }
    }
}
