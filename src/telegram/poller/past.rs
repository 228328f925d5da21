//! What the lives of one poller have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

/// What a poller's earlier lives have done. Clones are the same past.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// When the first life was to begin.
    began: SystemTime,
    /// Nothing waits from before the start any more.
    is_backlog_over: AtomicBool,
    received: AtomicU64,
    dropped: AtomicU64,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            began: SystemTime::now(),
            is_backlog_over: AtomicBool::new(false),
            received: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }
}

impl Past {
    pub(super) fn began(&self) -> SystemTime {
        self.0.began
    }

    pub(super) fn is_backlog_over(&self) -> bool {
        self.0.is_backlog_over.load(Ordering::Relaxed)
    }

    pub(super) fn end_backlog(&self) {
        self.0.is_backlog_over.store(true, Ordering::Relaxed);
    }

    pub(super) fn receive(&self, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.0.received.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn received(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }

    pub(super) fn drop_one(&self) {
        self.0.dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }
}
