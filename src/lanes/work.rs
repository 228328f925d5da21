//! The lanes at work: reads, starts handlers, records their ends.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{Instrument, debug, error, info, info_span};

use super::board::{Board, LaneId, lane_of};
use super::ends::Ends;
use super::handling::{End, Handling, failed};
use super::retries::Retries;
use super::running::{Job, Running};
use super::{Handler, LanesConfig, Outcome};
use crate::lifecycle::{Phase, ServiceContext, StopReason, crash_point};
use crate::store::{Completion, Entry, Fate, Lease, Pos, Store, StoreError};

/// Entries held in memory at most; the rest waits in the store.
const HELD_MAX: usize = 10_000;
/// Entries of one lane held in memory at most, where there is room for it beside all lanes that can be busy.
const LANE_MAX: usize = 32;
/// Entries on disk that are remembered by their position at most; then nothing more is read before some are handled.
const ON_DISK_MAX: usize = 4_000_000;
/// Completions that are not on disk yet at most; then no handler starts before some are.
const UNWRITTEN_MAX: usize = 5_000;
/// The least room that is asked for.
const PAGE: usize = 1_000;
/// Entries read by position at a time.
const FETCH: usize = 1_000;
/// What cancelled handlers may take to end at their next await.
const CUT_OFF: Duration = Duration::from_millis(200);
/// How long one question to the store waits for an update.
const WAIT: Duration = Duration::from_secs(60);

type Reading<T> = Option<BoxFuture<'static, Result<T, StoreError>>>;
type Fetched = (Vec<LaneId>, Vec<Entry>);
type Ended = Result<(Id, Result<End, StoreError>), JoinError>;

pub(super) struct Work {
    store: Store,
    config: LanesConfig,
    part: Lease,
    handling: Handling,
    board: Board,
    retries: Retries,
    tasks: JoinSet<Result<End, StoreError>>,
    running: Running,
    ends: Ends,
    /// New entries on their way from the store.
    reading: Reading<Vec<Entry>>,
    /// Entries of hungry lanes on their way from disk.
    fetching: Reading<Fetched>,
    /// Last position that was read from the store.
    read: Pos,
    is_draining: bool,
    is_hurried: bool,
    started: u64,
    counts: Counts,
    /// When something last came or ended.
    active: Instant,
    /// Why the store cannot be read or written any more.
    trouble: Option<StoreError>,
}

#[derive(Default)]
struct Counts {
    handled: u64,
    failed: u64,
    discarded: u64,
    retried: u64,
}

impl Work {
    pub(super) fn new(store: Store, handler: Handler, config: LanesConfig, part: Lease) -> Self {
        let handling = Handling {
            store: Arc::clone(&store),
            part,
            handler,
            timeout: config.handler_timeout,
        };
        let lane_max = (HELD_MAX / 2 / config.concurrency.max(1)).clamp(1, LANE_MAX);
        Self {
            ends: Ends::new(Arc::clone(&store), part),
            store,
            config,
            part,
            handling,
            board: Board::new(lane_max),
            retries: Retries::default(),
            tasks: JoinSet::new(),
            running: Running::default(),
            reading: None,
            fetching: None,
            read: Pos::default(),
            is_draining: false,
            is_hurried: false,
            started: 0,
            counts: Counts::default(),
            active: Instant::now(),
            trouble: None,
        }
    }

    /// The running handlers, for whoever looks.
    pub(super) fn running(&self) -> Running {
        self.running.clone()
    }

    pub(super) async fn run(
        &mut self,
        cx: &ServiceContext,
        mut gate: BoxFuture<'static, ()>,
    ) -> Result<(), StoreError> {
        let (mut is_open, mut is_running) = (false, false);
        loop {
            if self.is_draining {
                self.ends.tell();
            }
            if self.is_draining && self.running.is_empty() && self.ends.is_empty() {
                return self.trouble.take().map_or(Ok(()), Err);
            }
            if is_open && !self.is_draining {
                self.start_handlers(cx);
            }
            self.ask_the_store();
            self.hurry_the_last();
            let idle_at = self.idle_at().filter(|_| is_running && !self.is_draining);
            let retry_at = self.retries.next_at().filter(|_| !self.is_draining);
            tokio::select! {
                biased;
                () = cx.draining(), if !self.is_draining => {
                    self.is_draining = true;
                    (self.reading, self.fetching) = (None, None);
                    cx.intake_closed();
                    cx.status(format!("finishing {} updates", self.running.len()));
                }
                () = cx.killed(), if self.is_draining => return self.give_up(cx).await,
                Some(answer) = self.ends.answer() => self.answered(answer, cx),
                Some(end) = self.tasks.join_next_with_id() => {
                    self.finished(end, cx);
                    self.finish_others(cx);
                }
                fetched = arrival(&mut self.fetching) => match fetched {
                    Ok((lanes, entries)) => {
                        crash_point("during a spill");
                        self.board.feed(&lanes, entries);
                    }
                    Err(error) => self.answered(Err(error), cx),
                },
                read = arrival(&mut self.reading) => match read {
                    Ok(entries) => self.take_in(entries),
                    Err(error) => self.answered(Err(error), cx),
                },
                () = sleep_until(retry_at.unwrap_or(self.active)), if retry_at.is_some() => {
                    while let Some(entry) = self.retries.take_due(Instant::now()) {
                        self.board.put_back(entry);
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

    /// Once nothing runs any more, the last completions have nobody to wait for.
    fn hurry_the_last(&mut self) {
        if self.is_draining && self.running.is_empty() && !self.ends.is_empty() && !self.is_hurried
        {
            self.is_hurried = true;
            self.ends.hurry();
        }
    }

    /// Asks for what there is room for.
    fn ask_the_store(&mut self) {
        if self.is_draining || self.trouble.is_some() {
            return;
        }
        if self.fetching.is_none() {
            let wanted = self.board.wanted(FETCH);
            if !wanted.is_empty() {
                self.fetching = Some(self.fetch(wanted));
            }
        }
        // In pages: with a full board, a question for each handler that ends would be one for the disk each.
        let has_room = self.board.held() + PAGE <= HELD_MAX && self.board.on_disk() < ON_DISK_MAX;
        if self.reading.is_none() && has_room {
            let (store, part, after) = (Arc::clone(&self.store), self.part, self.read);
            let room = HELD_MAX - self.board.held();
            self.reading = Some(Box::pin(async move {
                store.next(&part, after, room, WAIT).await
            }));
        }
    }

    fn fetch(
        &self,
        wanted: Vec<(LaneId, Vec<Pos>)>,
    ) -> BoxFuture<'static, Result<Fetched, StoreError>> {
        let (store, part) = (Arc::clone(&self.store), self.part);
        Box::pin(async move {
            let (mut lanes, mut all) = (Vec::new(), Vec::new());
            for (lane, positions) in wanted {
                lanes.push(lane);
                all.extend(positions);
            }
            Ok((lanes, store.fetch(&part, all).await?))
        })
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
            && self.ends.unwritten() < UNWRITTEN_MAX
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
        let (update_id, lane) = (entry.update_id(), entry.lane.0);
        let span = info_span!("update", update_id, lane);
        let handled = self.handling.clone().handle(entry.clone()).instrument(span);
        let task = self.tasks.spawn(handled);
        let began = Instant::now();
        self.running.insert(task.id(), Job { entry, began });
        self.started += 1;
    }

    fn finished(&mut self, end: Ended, cx: &ServiceContext) {
        let (id, end) = match end {
            Ok(done) => done,
            Err(error) => (
                error.id(),
                Ok(End::Open(failed("the handler was cancelled".to_owned()))),
            ),
        };
        let Some(job) = self.running.remove(id) else {
            return;
        };
        self.active = Instant::now();
        match end {
            Ok(End::Open(Outcome::Retry { after })) => self.retry(job, after, cx),
            Ok(End::Open(outcome)) => {
                let fate = self.judge(&job, outcome, cx);
                self.board.finished(lane_of(&job.entry));
                self.ends.add(Completion::new(job.entry.pos, fate));
            }
            Ok(End::Recorded) => {
                self.judge(&job, Outcome::Done, cx);
                self.board.finished(lane_of(&job.entry));
            }
            Err(error) => self.answered(Err(error), cx),
        }
    }

    /// Takes in what has ended besides.
    fn finish_others(&mut self, cx: &ServiceContext) {
        while let Some(end) = self.tasks.try_join_next_with_id() {
            self.finished(end, cx);
        }
    }

    fn retry(&mut self, job: Job, after: Duration, cx: &ServiceContext) {
        self.counts.retried += 1;
        cx.fact("retried", self.counts.retried);
        self.board.acquit(lane_of(&job.entry));
        let update_id = job.entry.update_id();
        let wait_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        info!(update_id, wait_ms, "update is handled again later");
        self.ends.put_back(job.entry.pos);
        let now = Instant::now();
        let at = now.checked_add(after).unwrap_or(now + WAIT);
        self.retries.add(at, job.entry);
    }

    /// Counts and tells an end that is final.
    fn judge(&mut self, job: &Job, outcome: Outcome, cx: &ServiceContext) -> Fate {
        let update_id = job.entry.update_id();
        let elapsed_ms = u64::try_from(job.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match outcome {
            Outcome::Failed { error } => {
                self.counts.failed += 1;
                cx.fact("failed", self.counts.failed);
                error!(
                    update_id,
                    elapsed_ms, error, "update parked: its handler failed"
                );
                Fate::Parked { error }
            }
            Outcome::Discard { reason } => {
                self.counts.discarded += 1;
                cx.fact("discarded", self.counts.discarded);
                info!(update_id, elapsed_ms, reason, "update discarded");
                Fate::Done
            }
            Outcome::Done | Outcome::DoneWith(_) | Outcome::Retry { .. } => {
                self.counts.handled += 1;
                cx.fact("handled", self.counts.handled);
                debug!(update_id, elapsed_ms, "update handled");
                Fate::Done
            }
        }
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
        let quiet = self.running.is_empty() && self.board.is_empty() && self.retries.is_empty();
        self.config
            .until_idle
            .filter(|_| quiet)
            .map(|time| self.active + time)
    }

    /// The time for finishing is over: says what still runs, and cancels it.
    async fn give_up(&mut self, cx: &ServiceContext) -> Result<(), StoreError> {
        self.finish_others(cx);
        let cut_off = self.running.by_age();
        for job in &cut_off {
            let (origin, ran) = (&job.entry.origin, job.began.elapsed().as_secs_f64());
            cx.unfinished(format!(
                "the handler of {origin}, after {ran:.1} s; it runs again at the next start"
            ));
        }
        self.tasks.abort_all();
        let ending = async {
            // One that ended just now is recorded as over; one that was cancelled stays in the store.
            while let Some(end) = self.tasks.join_next_with_id().await {
                if !matches!(&end, Err(error) if error.is_cancelled()) {
                    self.finished(end, cx);
                }
            }
        };
        if timeout(CUT_OFF, ending).await.is_err() {
            cx.left_behind(format!(
                "{} handlers that block their thread",
                self.tasks.len()
            ));
            self.tasks.detach_all();
        }
        for job in cut_off {
            // It was cut off on purpose: that is no attempt that failed.
            let put_back = self.store.put_back(&self.part, job.entry.pos).await;
            self.answered(put_back, cx);
        }
        self.ends.tell();
        while let Some(answer) = self.ends.answer().await {
            self.answered(answer, cx);
        }
        self.trouble.take().map_or(Ok(()), Err)
    }
}

/// What was asked of the store; pending where nothing was.
///
/// # Cancel safety
/// The answer is taken out only as this resolves.
async fn arrival<T>(asked: &mut Reading<T>) -> Result<T, StoreError> {
    let Some(future) = asked.as_mut() else {
        return std::future::pending().await;
    };
    let answer = future.await;
    *asked = None;
    answer
}
