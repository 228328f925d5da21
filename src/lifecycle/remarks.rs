//! What services say about themselves while they run.
//!
//! Each service has one slot that it overwrites, so that one which talks without pause fills neither memory nor the
//! supervisor's queue.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::machine::ServiceId;

/// The slots of all services; cloned freely.
#[derive(Clone, Debug)]
pub(super) struct Remarks(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    slots: Mutex<Vec<Remark>>,
    changed: Notify,
}

/// What one service has said.
#[derive(Clone, Debug, Default)]
pub(super) struct Remark {
    pub(super) status: String,
    pub(super) facts: Vec<(&'static str, u64)>,
    pub(super) unfinished: Vec<String>,
    /// Something of it still runs although it has ended.
    pub(super) left_behind: bool,
}

impl Remarks {
    pub(super) fn new(services: usize) -> Self {
        Self(Arc::new(Shared {
            slots: Mutex::new(vec![Remark::default(); services]),
            changed: Notify::new(),
        }))
    }

    pub(super) fn status(&self, id: ServiceId, text: String) {
        self.slots()[id.0].status = text;
        self.0.changed.notify_one();
    }

    pub(super) fn fact(&self, id: ServiceId, key: &'static str, value: u64) {
        let facts = &mut self.slots()[id.0].facts;
        match facts.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => facts.push((key, value)),
        }
    }

    pub(super) fn unfinished(&self, id: ServiceId, what: String) {
        self.slots()[id.0].unfinished.push(what);
    }

    pub(super) fn left_behind(&self, id: ServiceId, what: String) {
        let slot = &mut self.slots()[id.0];
        slot.unfinished.push(what);
        slot.left_behind = true;
    }

    /// Resolves when a status has changed since the last call resolved.
    pub(super) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    pub(super) fn all(&self) -> Vec<Remark> {
        self.slots().clone()
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Remark>> {
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
