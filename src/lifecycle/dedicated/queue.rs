//! What waits for its turn, and whether anything may.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::caller::Job;

/// From so many on, what nobody waits for any more is thrown out before something is added.
const MANY: usize = 64;

/// The queue of a host. It outlives its lives: a crash loses nothing of it, and only a life that drains closes it.
pub(super) struct Queue<C> {
    state: Mutex<State<C>>,
    arrived: Notify,
}

struct State<C> {
    jobs: VecDeque<Job<C>>,
    is_open: bool,
}

impl<C> Default for Queue<C> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                jobs: VecDeque::new(),
                is_open: true,
            }),
            arrived: Notify::new(),
        }
    }
}

impl<C> Queue<C> {
    /// False where it is closed.
    pub(super) fn push(&self, job: Job<C>) -> bool {
        let mut state = self.state();
        if !state.is_open {
            return false;
        }
        if state.jobs.len() >= MANY {
            state.jobs.retain(|job| !job.is_over());
        }
        state.jobs.push_back(job);
        self.arrived.notify_one();
        true
    }

    /// The next job whose caller still waits; none where there is none and none can come.
    ///
    /// # Cancel safety
    /// No job is lost.
    pub(super) async fn pop(&self) -> Option<Job<C>> {
        loop {
            {
                let mut state = self.state();
                while let Some(job) = state.jobs.pop_front() {
                    if !job.is_over() {
                        return Some(job);
                    }
                }
                if !state.is_open {
                    return None;
                }
            }
            self.arrived.notified().await;
        }
    }

    pub(super) fn open(&self) {
        self.state().is_open = true;
    }

    /// Lets nothing more in.
    pub(super) fn close(&self) {
        self.state().is_open = false;
        self.arrived.notify_one();
    }

    /// Closes it and throws out what waits, which tells the callers; how many they were.
    pub(super) fn clear(&self) -> usize {
        self.close();
        let jobs = std::mem::take(&mut self.state().jobs);
        jobs.iter().filter(|job| !job.is_over()).count()
    }

    fn state(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
