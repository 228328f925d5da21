//! Who is writing which answer in this process, and who of them is to end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::conversation::Place;

/// An answer that waits for a seat tries to begin more often than this.
const LATELY: Duration = Duration::from_secs(60);

/// A question of a conversation.
type Key = (Place, u64);

/// The document says what was stopped; this only wakes whoever is writing. So it may forget everything with the process.
#[derive(Default)]
pub(super) struct Stops(Mutex<HashMap<Key, Entry>>);

#[derive(Default)]
struct Entry {
    stop: CancellationToken,
    is_running: bool,
    ran: Option<Instant>,
}

/// That an answer is being written, as long as this is there.
pub(super) struct Running {
    stops: Arc<Stops>,
    key: Key,
    pub(super) stop: CancellationToken,
}

impl Stops {
    /// Stops it, also where it has not begun yet.
    pub(super) fn stop(&self, at: Place, id: u64) {
        self.entries().entry((at, id)).or_default().stop.cancel();
    }

    pub(super) fn begin(self: &Arc<Self>, at: Place, id: u64) -> Running {
        let mut entries = self.entries();
        let entry = entries.entry((at, id)).or_default();
        entry.is_running = true;
        Running {
            stops: Arc::clone(self),
            key: (at, id),
            stop: entry.stop.clone(),
        }
    }

    /// Whether somebody writes the answer, or has tried to lately.
    pub(super) fn is_in_hand(&self, at: Place, id: u64) -> bool {
        let entries = self.entries();
        let has_run = |entry: &Entry| entry.ran.is_some_and(|ran| ran.elapsed() < LATELY);
        let entry = entries.get(&(at, id));
        entry.is_some_and(|entry| entry.is_running || has_run(entry))
    }

    /// The question is over.
    pub(super) fn forget(&self, at: Place, id: u64) {
        self.entries().remove(&(at, id));
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(entry) = self.stops.entries().get_mut(&self.key) {
            entry.is_running = false;
            entry.ran = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Place = Place { chat: 7, thread: 0 };

    #[test]
    fn a_stop_that_comes_before_the_answer_begins_is_not_lost() {
        let stops = Arc::new(Stops::default());
        stops.stop(AT, 1);
        assert!(stops.begin(AT, 1).stop.is_cancelled());
        assert!(!stops.begin(AT, 2).stop.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_in_hand_while_it_is_written_and_a_minute_longer() {
        let stops = Arc::new(Stops::default());
        let running = stops.begin(AT, 1);
        tokio::time::advance(LATELY * 2).await;
        assert!(stops.is_in_hand(AT, 1));
        drop(running);
        assert!(stops.is_in_hand(AT, 1), "it may try again in a moment");
        tokio::time::advance(LATELY).await;
        assert!(!stops.is_in_hand(AT, 1));
        stops.forget(AT, 1);
        assert!(stops.entries().is_empty());
    }
}
