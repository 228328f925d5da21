//! How far the listener's stop has come, for whoever serves requests.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::watch;

/// Tells those who serve requests that the listener stops. Cheap to clone; all clones say the same.
#[derive(Clone)]
pub struct Drain(Arc<watch::Sender<Stage>>);

/// How far the stop has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Open,
    Draining,
    Ending,
    Closing,
}

impl Drain {
    /// Of a listener that has not begun to stop.
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Stage::Open)))
    }

    /// Whether no new request is taken.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        *self.0.borrow() >= Stage::Draining
    }

    /// Resolves when no new request is taken any more.
    ///
    /// # Cancel safety
    /// Level-triggered.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + use<> {
        self.reached(Stage::Draining)
    }

    /// Whether the time for finishing is over.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        *self.0.borrow() >= Stage::Ending
    }

    /// Resolves when the time for finishing is over: a stream writes its last word now, and ends.
    ///
    /// # Cancel safety
    /// Level-triggered.
    pub fn ending(&self) -> impl Future<Output = ()> + Send + use<> {
        self.reached(Stage::Ending)
    }

    pub(super) fn reached(&self, stage: Stage) -> impl Future<Output = ()> + Send + use<> {
        let stages = Arc::clone(&self.0);
        async move {
            // The sender is held here, so that there is an end to wait for.
            let _ = stages.subscribe().wait_for(|now| *now >= stage).await;
        }
    }

    pub(super) fn set(&self, stage: Stage) {
        self.0.send_replace(stage);
    }
}

impl fmt::Debug for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Drain").field(&*self.0.borrow()).finish()
    }
}
