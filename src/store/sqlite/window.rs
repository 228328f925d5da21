//! The newest entries in memory, so that the hot path does not read back what it has just written.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{Entry, Pos};

/// Every committed entry behind `floor` is in it; what is at or before `floor` is on disk only.
pub(super) struct Window {
    capacity: usize,
    inner: Mutex<Inner>,
    grown: Notify,
}

struct Inner {
    floor: Pos,
    /// The newest entry that was ever committed.
    last: Pos,
    entries: VecDeque<Entry>,
}

impl Window {
    /// An empty window behind the last entry that is on disk.
    pub(super) fn new(capacity: usize, floor: Pos) -> Self {
        Self {
            capacity,
            inner: Mutex::new(Inner {
                floor,
                last: floor,
                entries: VecDeque::new(),
            }),
            grown: Notify::new(),
        }
    }

    /// Takes committed entries in, and lets the oldest go where they do not fit.
    pub(super) fn push(&self, entries: Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        let mut inner = self.lock();
        inner.last = entries.last().map_or(inner.last, |entry| entry.pos);
        inner.entries.extend(entries);
        while inner.entries.len() > self.capacity {
            inner.drop_first();
        }
        drop(inner);
        self.grown.notify_waiters();
    }

    /// Entries behind `after`, or the floor where the disk has to be asked. What is at or before `after` has been
    /// read by its only reader, and is let go.
    pub(super) fn read(&self, after: Pos, max: usize) -> Result<Vec<Entry>, Pos> {
        let mut inner = self.lock();
        if after < inner.floor {
            return Err(inner.floor);
        }
        while inner
            .entries
            .front()
            .is_some_and(|first| first.pos <= after)
        {
            inner.drop_first();
        }
        Ok(inner.entries.iter().take(max).cloned().collect())
    }

    /// Resolves when there is something behind `after`.
    pub(super) async fn grown(&self, after: Pos) {
        loop {
            // Registered before the look, so that no push between the two is missed.
            let grown = self.grown.notified();
            let mut grown = std::pin::pin!(grown);
            grown.as_mut().enable();
            let has_more = self
                .lock()
                .entries
                .back()
                .is_some_and(|last| last.pos > after);
            if has_more {
                return;
            }
            grown.await;
        }
    }

    /// The disk had nothing behind `after` when the floor was at `floor`: the next read starts in memory, unless
    /// the window has let entries go since.
    pub(super) fn lower(&self, floor: Pos, after: Pos) {
        let mut inner = self.lock();
        if inner.floor == floor {
            inner.floor = after;
        }
    }

    /// Forgets everything: a new reader begins with what the disk has.
    pub(super) fn reset(&self) {
        let mut inner = self.lock();
        inner.floor = inner.last;
        inner.entries.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn drop_first(&mut self) {
        if let Some(first) = self.entries.pop_front() {
            self.floor = self.floor.max(first.pos);
        }
    }
}
