//! Updates that are to be handled again after a while.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tokio::time::Instant;

use crate::store::Entry;

/// Entries by the time they are due. Each keeps its lane taken.
#[derive(Default)]
pub(super) struct Retries {
    due: BinaryHeap<Reverse<Due>>,
    /// Keeps what is due at the same time in its order.
    serial: u64,
}

struct Due {
    at: Instant,
    serial: u64,
    entry: Entry,
}

impl Retries {
    pub(super) fn add(&mut self, at: Instant, entry: Entry) {
        self.serial += 1;
        let serial = self.serial;
        self.due.push(Reverse(Due { at, serial, entry }));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse(due)| due.at)
    }

    /// An entry whose time has come.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Entry> {
        self.next_at().filter(|at| *at <= now)?;
        self.due.pop().map(|Reverse(due)| due.entry)
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.serial) == (other.at, other.serial)
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.serial).cmp(&(other.at, other.serial))
    }
}
