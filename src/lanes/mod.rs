//! One handler at a time for a lane, many lanes at a time.
//!
//! ```text
//!  store.next ──→ admission: by bot ──→ board: a queue per lane ──→ handlers, at most `concurrency` ──→ store.complete
//!  store.fetch ────────────────────────────↑ what a long queue left on disk
//! ```
//!
//! Invariants:
//! - Updates of one lane are handled one after another, in the order they were stored.
//! - A lane whose handler takes long holds up nobody else: what piles up behind it stays on disk; lanes with work take
//!   turns.
//! - No handler of a bot starts before the gate has let the bot in; a bot that is not let in holds up nobody else.
//! - Memory is bounded: about 10,000 updates, 5,000 ends that are not on disk yet beside those of the handlers that run,
//!   and a number for each of at most four million updates that wait behind others.
//! - A handler that changed documents or timers holds its lane until that is committed, so that the next one sees it.
//! - While the disk is full, ends and changes that cannot be recorded are kept and tried again each second, and not their
//!   handlers. A stop does not wait for space: it says what is not recorded.
//! - A handler that panics, fails or takes too long parks its update; the lane goes on.
//! - Of the updates that were handled when the process died, one at a time is tried again, so that the guilty one is found.
//! - Draining starts no handler: what waits stays in the store for the next start.
//!
//! Not done here: deciding what an update means.

mod admission;
mod board;
#[cfg(test)]
mod disk_tests;
mod ends;
mod handling;
mod intake;
mod patience;
mod retries;
mod running;
#[cfg(test)]
mod tests;
mod work;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::sync::watch;

use crate::lifecycle::{Failure, Service, ServiceContext};
use crate::store::{BotId, Change, Entry, Scope, Store, StoreError};
use work::Work;

/// Handles one update; it resolves when the update is over.
pub type Handler = Arc<dyn Fn(Entry) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// The bots whose updates are handled, each said when its first handler may start; made anew for each run of the lanes. The
/// updates of a bot that is not said wait in the store.
pub type Gate = Arc<dyn Fn() -> BoxStream<'static, BotId> + Send + Sync>;

/// How a handler's work on an update ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is over.
    Done,
    /// It is over, and these changes are committed together with that. Where a document has been changed meanwhile, the
    /// handler runs again, ten times at most.
    DoneWith(Vec<Change>),
    /// It is to be handled again, at the earliest after this time. Its lane waits for it; a stop does not, and the next
    /// start tries it at once.
    Retry {
        /// The least wait.
        after: Duration,
    },
    /// It is over, although nothing was done.
    Discard {
        /// Why, for people.
        reason: String,
    },
    /// It failed: it is parked, kept with the error, and not handled again by itself.
    Failed {
        /// What went wrong, for people.
        error: String,
    },
}

/// How lanes are run.
#[derive(Clone, Copy, Debug)]
pub struct LanesConfig {
    /// Handlers that run at the same time, over all lanes: 1 or more. Each takes about 35 kB and a connection while it calls
    /// the Bot API; where all may do that at once, mind the process's limit of open files.
    pub concurrency: usize,
    /// A handler that takes longer is cut off at an await, and its update parked. None: it may take for ever, and holds
    /// its lane up for so long.
    pub handler_timeout: Option<Duration>,
    /// Asks for a stop when so many updates have been taken up. They are finished; no further one is started.
    pub max_updates: Option<u64>,
    /// Asks for a stop when nothing has come or run for so long, counted from ready.
    pub until_idle: Option<Duration>,
}

impl Default for LanesConfig {
    /// 1,500 handlers of 5 minutes at most, no other limits.
    fn default() -> Self {
        Self {
            concurrency: 1_500,
            handler_timeout: Some(Duration::from_secs(300)),
            max_updates: None,
            until_idle: None,
        }
    }
}

/// The service that takes updates from the store and has them handled.
pub struct Lanes {
    store: Store,
    handler: Handler,
    gate: Gate,
    config: watch::Receiver<LanesConfig>,
}

impl Lanes {
    /// Handles what this store holds with this handler, of the bots that the gate lets in.
    #[must_use]
    pub fn new(store: Store, handler: Handler, gate: Gate, config: LanesConfig) -> Self {
        Self {
            store,
            handler,
            gate,
            config: watch::channel(config).1,
        }
    }

    /// Takes the configuration from here instead, also while they run: `concurrency` and `handler_timeout` as they change,
    /// for handlers that start from then on.
    #[must_use]
    pub fn following(mut self, config: watch::Receiver<LanesConfig>) -> Self {
        self.config = config;
        self
    }
}

impl Service for Lanes {
    async fn run(&mut self, cx: ServiceContext) -> Result<(), Failure> {
        let part = self.store.acquire(Scope::Part(0)).await.map_err(fatal)?;
        cx.ready();
        let (store, handler) = (Arc::clone(&self.store), Arc::clone(&self.handler));
        let mut work = Work::new(store, handler, self.config.clone(), part);
        let running = work.running();
        cx.show_work(move || running.work());
        for fact in ["handled", "failed"] {
            cx.fact(fact, 0_u64);
        }
        work.run(&cx, (self.gate)()).await.map_err(fatal)
    }
}

fn fatal(error: StoreError) -> Failure {
    Failure::fatal(error.exit_kind(), error)
}
