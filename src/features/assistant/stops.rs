//! Who is writing which answer in this process, and who of them is to end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::conversation::Place;

/// A question of a conversation.
type Key = (Place, u64);

/// The document says what was stopped; this only wakes whoever is writing. So it may forget everything with the process.
#[derive(Default)]
pub(super) struct Stops(Mutex<HashMap<Key, Entry>>);

#[derive(Default)]
struct Entry {
    stop: CancellationToken,
    is_running: bool,
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

    pub(super) fn is_running(&self, at: Place, id: u64) -> bool {
        let entries = self.entries();
        entries.get(&(at, id)).is_some_and(|entry| entry.is_running)
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

    #[test]
    fn an_answer_is_running_until_it_is_dropped_and_nothing_stays_of_one_that_is_over() {
        let stops = Arc::new(Stops::default());
        let running = stops.begin(AT, 1);
        assert!(stops.is_running(AT, 1));
        drop(running);
        assert!(!stops.is_running(AT, 1));
        stops.forget(AT, 1);
        assert!(stops.entries().is_empty());
    }
}
