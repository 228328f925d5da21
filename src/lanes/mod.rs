//! One handler at a time for a lane, many lanes at a time.
//!
//! ```text
//!  store.next ──→ board: a queue per lane ──→ handlers, at most `concurrency` ──→ store.complete
//! ```
//!
//! Invariants:
//! - Updates of one lane are handled one after another, in the order they were stored.
//! - A lane whose handler takes long holds up nobody else, unless more wait behind it than are held in memory (10,000);
//!   lanes with work take turns.
//! - A handler that panics parks its update; the lane goes on.
//! - Draining starts no handler: what waits stays in the store for the next start.
//!
//! Not done here: deciding what an update means, and retrying.

mod board;
mod running;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{Instrument, debug, error, info_span};

use crate::lifecycle::{Failure, Phase, Service, ServiceContext, StopReason, caught};
use crate::store::{Completion, Entry, Lease, Outcome, Pos, Scope, Store, StoreError};
use board::Board;
use running::{Job, Running};

/// Handles one update; it resolves when the update is over.
pub type Handler = Arc<dyn Fn(Entry) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// What must have happened before the first handler starts, made anew for each run of the lanes.
pub type Gate = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// Entries held in memory at most; the rest waits in the store.
const HELD_MAX: usize = 10_000;
/// What cancelled handlers may take to end at their next await.
const CUT_OFF: Duration = Duration::from_millis(200);
/// How long one question to the store waits for an update.
const WAIT: Duration = Duration::from_secs(60);

/// How lanes are run.
#[derive(Clone, Copy, Debug)]
pub struct LanesConfig {
    /// Handlers that run at the same time, over all lanes: 1 or more.
    pub concurrency: usize,
    /// Asks for a stop when so many updates have been taken up. They are finished; no further one is started.
    pub max_updates: Option<u64>,
    /// Asks for a stop when nothing has come or run for so long, counted from ready.
    pub until_idle: Option<Duration>,
}

impl Default for LanesConfig {
    /// 256 handlers, no limits.
    fn default() -> Self {
        Self {
            concurrency: 256,
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
    config: LanesConfig,
}

impl Lanes {
    /// Handles what this store holds with this handler, once the gate is open.
    #[must_use]
    pub fn new(store: Store, handler: Handler, gate: Gate, config: LanesConfig) -> Self {
        Self {
            store,
            handler,
            gate,
            config,
        }
    }
}

impl Service for Lanes {
    async fn run(&mut self, cx: ServiceContext) -> Result<(), Failure> {
        let part = self.store.acquire(Scope::Part(0)).await.map_err(fatal)?;
        cx.ready();
        let mut work = Work {
            store: Arc::clone(&self.store),
            handler: Arc::clone(&self.handler),
            config: self.config,
            part,
            board: Board::default(),
            tasks: JoinSet::new(),
            running: Running::default(),
            acks: FuturesUnordered::new(),
            read: Pos::default(),
            started: 0,
            handled: 0,
            parked: 0,
            active: Instant::now(),
            trouble: None,
        };
        cx.fact("handled", 0_u64);
        cx.fact("failed", 0_u64);
        let running = work.running.clone();
        cx.show_work(move || running.work());
        work.run(&cx, (self.gate)()).await.map_err(fatal)
    }
}

fn fatal(error: StoreError) -> Failure {
    Failure::fatal(error.exit_kind(), error)
}

struct Work {
    store: Store,
    handler: Handler,
    config: LanesConfig,
    part: Lease,
    board: Board,
    tasks: JoinSet<Outcome>,
    running: Running,
    acks: FuturesUnordered<BoxFuture<'static, Result<(), StoreError>>>,
    /// Last position that was read from the store.
    read: Pos,
    started: u64,
    handled: u64,
    parked: u64,
    /// When something last came or ended.
    active: Instant,
    /// Why the store cannot be read or written any more.
    trouble: Option<StoreError>,
}

impl Work {
    async fn run(
        &mut self,
        cx: &ServiceContext,
        mut gate: BoxFuture<'static, ()>,
    ) -> Result<(), StoreError> {
        let mut reading: Option<BoxFuture<'static, Result<Vec<Entry>, StoreError>>> = None;
        let (mut is_open, mut is_running, mut is_draining) = (false, false, false);
        loop {
            if is_draining && self.running.is_empty() && self.acks.is_empty() {
                return self.trouble.take().map_or(Ok(()), Err);
            }
            if is_open && !is_draining {
                self.start_handlers(cx);
            }
            if reading.is_none()
                && !is_draining
                && self.trouble.is_none()
                && self.board.len() < HELD_MAX
            {
                reading = Some(self.read_on());
            }
            let idle_at = self.idle_at().filter(|_| is_running && !is_draining);
            tokio::select! {
                biased;
                () = cx.draining(), if !is_draining => {
                    is_draining = true;
                    reading = None;
                    cx.intake_closed();
                    cx.status(format!("finishing {} updates", self.running.len()));
                }
                () = cx.killed(), if is_draining => return self.give_up(cx).await,
                Some(end) = self.tasks.join_next_with_id() => self.finished(end, cx),
                Some(ack) = self.acks.next() => self.answered(ack, cx),
                read = async { reading.as_mut().expect("guarded").await }, if reading.is_some() => {
                    reading = None;
                    match read {
                        Ok(entries) => self.take_in(entries),
                        Err(error) => self.answered(Err(error), cx),
                    }
                }
                () = &mut gate, if !is_open => is_open = true,
                () = cx.handle().reached(Phase::Running), if !is_running => {
                    is_running = true;
                    self.active = Instant::now();
                }
                () = sleep_until(idle_at.unwrap_or(self.active)), if idle_at.is_some() => {
                    cx.request_stop(StopReason::Idle);
                    self.config.until_idle = None;
                }
            }
        }
    }

    /// A store that fails leaves nothing to do but to finish what runs; the poller cannot go on without it either.
    fn answered(&mut self, ack: Result<(), StoreError>, cx: &ServiceContext) {
        let Err(error) = ack else { return };
        if self.trouble.is_none() {
            cx.request_stop(StopReason::ServiceFailed("store".to_owned()));
            self.trouble = Some(error);
        }
    }

    fn start_handlers(&mut self, cx: &ServiceContext) {
        let max = self.config.max_updates.unwrap_or(u64::MAX);
        while self.trouble.is_none()
            && self.started < max
            && self.running.len() < self.config.concurrency.max(1)
        {
            let Some(entry) = self.board.take() else {
                return;
            };
            self.start(entry);
            if self.started == max {
                cx.request_stop(StopReason::MaxUpdates);
            }
        }
    }

    fn start(&mut self, entry: Entry) {
        let job = Job {
            lane: entry.update.lane,
            pos: entry.pos,
            update_id: entry.update.id.0,
            began: Instant::now(),
        };
        let span = info_span!("update", update_id = job.update_id, lane = job.lane.0);
        let handler = Arc::clone(&self.handler);
        let task = self.tasks.spawn(handled(handler, entry).instrument(span));
        self.running.insert(task.id(), job);
        self.started += 1;
    }

    fn finished(&mut self, end: Result<(Id, Outcome), JoinError>, cx: &ServiceContext) {
        let (id, outcome) = match end {
            Ok(done) => done,
            Err(error) => (error.id(), was_cancelled()),
        };
        let Some(job) = self.running.remove(id) else {
            return;
        };
        self.active = Instant::now();
        self.board.finished(job.lane);
        let elapsed_ms = u64::try_from(job.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &outcome {
            Outcome::Done => {
                self.handled += 1;
                cx.fact("handled", self.handled);
                debug!(update_id = job.update_id, elapsed_ms, "update handled");
            }
            Outcome::Parked { error } => {
                self.parked += 1;
                cx.fact("failed", self.parked);
                error!(
                    update_id = job.update_id,
                    elapsed_ms, error, "update parked: its handler failed"
                );
            }
        }
        let (store, part) = (Arc::clone(&self.store), self.part);
        let done = vec![Completion {
            pos: job.pos,
            outcome,
        }];
        self.acks
            .push(Box::pin(async move { store.complete(&part, done).await }));
    }

    fn read_on(&self) -> BoxFuture<'static, Result<Vec<Entry>, StoreError>> {
        let (store, part, after) = (Arc::clone(&self.store), self.part, self.read);
        let room = HELD_MAX - self.board.len();
        Box::pin(async move { store.next(&part, after, room, WAIT).await })
    }

    fn take_in(&mut self, entries: Vec<Entry>) {
        if let Some(last) = entries.last() {
            self.read = last.pos;
            self.active = Instant::now();
        }
        for entry in entries {
            self.board.add(entry);
        }
    }

    /// When the lanes will have been idle for long enough; none while something runs or waits.
    fn idle_at(&self) -> Option<Instant> {
        let quiet = self.running.is_empty() && self.board.len() == 0;
        self.config
            .until_idle
            .filter(|_| quiet)
            .map(|time| self.active + time)
    }

    /// The time for finishing is over: says what still runs, and cancels it.
    async fn give_up(&mut self, cx: &ServiceContext) -> Result<(), StoreError> {
        while let Some(end) = self.tasks.try_join_next_with_id() {
            self.finished(end, cx);
        }
        for job in self.running.by_age() {
            let (id, ran) = (job.update_id, job.began.elapsed().as_secs_f64());
            cx.unfinished(format!(
                "the handler of update {id}, after {ran:.1} s; it runs again at the next start"
            ));
        }
        self.tasks.abort_all();
        let cut_off = async {
            // One that ended just now is recorded as over; one that was cancelled stays in the store.
            while let Some(end) = self.tasks.join_next_with_id().await {
                if !matches!(&end, Err(error) if error.is_cancelled()) {
                    self.finished(end, cx);
                }
            }
        };
        if timeout(CUT_OFF, cut_off).await.is_err() {
            cx.left_behind(format!(
                "{} handlers that block their thread",
                self.tasks.len()
            ));
            self.tasks.detach_all();
        }
        while let Some(ack) = self.acks.next().await {
            self.answered(ack, cx);
        }
        self.trouble.take().map_or(Ok(()), Err)
    }
}

/// A handler's outcome, also where it panics.
async fn handled(handler: Handler, entry: Entry) -> Outcome {
    // Made inside: a handler may panic before it has a future.
    match caught(async { handler(entry).await }).await {
        Ok(outcome) => outcome,
        Err(panic) => {
            let backtrace = &panic.backtrace;
            error!(backtrace, "the handler panicked: {panic}");
            Outcome::Parked {
                error: format!("the handler panicked: {panic}"),
            }
        }
    }
}

fn was_cancelled() -> Outcome {
    Outcome::Parked {
        error: "the handler was cancelled".to_owned(),
    }
}
