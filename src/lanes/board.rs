//! Who is next: a queue for every lane that has work, and the lanes' turns.

use std::collections::{HashMap, VecDeque};

use crate::store::{Entry, LaneKey};

/// Entries that wait, by lane. A lane is known while it has entries or a handler runs for it.
#[derive(Default)]
pub(super) struct Board {
    lanes: HashMap<LaneKey, Lane>,
    /// Lanes with an entry and no running handler, each once, in the order of their turns.
    turns: VecDeque<LaneKey>,
    len: usize,
}

#[derive(Default)]
struct Lane {
    queue: VecDeque<Entry>,
    is_running: bool,
}

impl Board {
    /// Entries that wait.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn add(&mut self, entry: Entry) {
        let key = entry.update.lane;
        let lane = self.lanes.entry(key).or_default();
        if lane.queue.is_empty() && !lane.is_running {
            self.turns.push_back(key);
        }
        lane.queue.push_back(entry);
        self.len += 1;
    }

    /// The next entry whose lane is free; the lane is taken until [`finished`](Self::finished).
    pub(super) fn take(&mut self) -> Option<Entry> {
        let key = self.turns.pop_front()?;
        let lane = self.lanes.get_mut(&key)?;
        let entry = lane.queue.pop_front()?;
        lane.is_running = true;
        self.len -= 1;
        Some(entry)
    }

    /// The handler of this lane has ended.
    pub(super) fn finished(&mut self, key: LaneKey) {
        let Some(lane) = self.lanes.get_mut(&key) else {
            return;
        };
        lane.is_running = false;
        if lane.queue.is_empty() {
            self.lanes.remove(&key);
        } else {
            self.turns.push_back(key);
        }
    }
}
