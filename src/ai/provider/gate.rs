//! The way in to a provider: its breaker, and how many may ask at the same time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tracing::warn;

use crate::ai::breaker::{Breaker, Fault, Ticket};

#[derive(Debug)]
pub(super) struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    provider: String,
    breaker: Mutex<Breaker>,
    seats: Option<Arc<Semaphore>>,
}

impl Gate {
    pub(super) fn new(provider: &str, concurrency: Option<usize>) -> Self {
        let seats = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Self(Arc::new(Inner {
            provider: provider.to_owned(),
            breaker: Mutex::default(),
            seats: concurrency.map(seats),
        }))
    }

    /// Waits for a seat, where seats are limited; says how long to wait where the provider is put aside. The breaker is
    /// looked at on both sides of the wait: nobody queues for what is closed, and much can happen in a queue.
    pub(super) async fn enter(&self) -> Result<Pass, Duration> {
        if let Some(wait) = self.0.breaker().wait(Instant::now()) {
            return Err(wait);
        }
        let seat = match &self.0.seats {
            // Nobody closes the semaphore, and without one there is no limit.
            Some(seats) => Arc::clone(seats).acquire_owned().await.ok(),
            None => None,
        };
        let ticket = self.0.breaker().admit(Instant::now())?;
        Ok(Pass {
            gate: Arc::clone(&self.0),
            ticket,
            is_settled: false,
            _seat: seat,
        })
    }
}

impl Inner {
    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request that was let through, with its seat. Dropped before anything is said about the provider, it says nothing.
#[derive(Debug)]
pub(super) struct Pass {
    gate: Arc<Inner>,
    ticket: Ticket,
    is_settled: bool,
    _seat: Option<OwnedSemaphorePermit>,
}

impl Pass {
    pub(super) fn begun(&self) {
        self.gate.breaker().begun(self.ticket);
    }

    pub(super) fn succeeded(&mut self) {
        self.is_settled = true;
        self.gate.breaker().succeeded(self.ticket);
    }

    /// The status is for the log.
    pub(super) fn failed(&mut self, fault: Fault, status: u16) {
        self.is_settled = true;
        let pause = self
            .gate
            .breaker()
            .failed(self.ticket, fault, Instant::now());
        if let Some(pause) = pause {
            let wait_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
            let provider = &*self.gate.provider;
            warn!(
                provider,
                status, wait_ms, "the provider is put aside: {fault}"
            );
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if !self.is_settled {
            self.gate.breaker().released(self.ticket, Instant::now());
        }
    }
}
