//! The handlers that run now, for the lanes and for whoever looks at them from outside.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::Id;
use tokio::time::Instant;

use crate::lifecycle;
use crate::store::Entry;

/// What a running handler works on.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) entry: Entry,
    pub(super) began: Instant,
}

/// Jobs by the task that does them; cloned freely.
#[derive(Clone, Default)]
pub(super) struct Running(Arc<Mutex<HashMap<Id, Job>>>);

impl Running {
    pub(super) fn insert(&self, task: Id, job: Job) {
        self.jobs().insert(task, job);
    }

    pub(super) fn remove(&self, task: Id) -> Option<Job> {
        self.jobs().remove(&task)
    }

    pub(super) fn len(&self) -> usize {
        self.jobs().len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.jobs().is_empty()
    }

    /// Every job, the oldest first.
    pub(super) fn by_age(&self) -> Vec<Job> {
        let mut jobs: Vec<_> = self.jobs().values().cloned().collect();
        jobs.sort_by_key(|job| job.began);
        jobs
    }

    /// The lanes' work in the supervisor's words.
    pub(super) fn work(&self) -> lifecycle::Work {
        let jobs = self.jobs();
        let oldest = jobs.values().min_by_key(|job| job.began);
        let oldest = oldest.map(|job| {
            let name = job.entry.origin.to_string();
            (name, job.began.elapsed())
        });
        lifecycle::Work {
            running: jobs.len(),
            oldest,
        }
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<Id, Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
