//! The lanes at work: reads, starts handlers, records their ends.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{BoxStream, StreamExt};
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{Instrument, debug, error, error_span, info};

use super::board::{Board, lane_of};
use super::ends::Ends;
use super::handling::{End, Handling, failed};
use super::intake::{Arrival, HELD_MAX, Intake};
use super::patience::Patience;
use super::retries::Retries;
use super::running::{Job, Running};
use super::{Handler, LanesConfig, Outcome};
use crate::lifecycle::{Phase, ServiceContext, StopReason};
use crate::store::{BotId, Completion, Entry, Fate, Lease, Store, StoreError};

/// Entries of one lane held in memory at most, where there is room for it beside all lanes that can be busy.
const LANE_MAX: usize = 32;
/// Completions that are not on disk yet at most; then no handler starts before some are.
const UNWRITTEN_MAX: usize = 5_000;
/// What cancelled handlers may take to end at their next await.
const CUT_OFF: Duration = Duration::from_millis(200);
/// A retry that is so far away that its time cannot be told.
const FAR: Duration = Duration::from_secs(60);

type Ended = Result<(Id, Result<End, StoreError>), JoinError>;

pub(super) struct Work {
    config: LanesConfig,
    /// What changes of it meanwhile.
    changes: watch::Receiver<LanesConfig>,
    handling: Handling,
    intake: Intake,
    board: Board,
    retries: Retries,
    tasks: JoinSet<Result<End, StoreError>>,
    running: Running,
    ends: Ends,
    is_draining: bool,
    is_hurried: bool,
    started: u64,
    counts: Counts,
    /// When something last came or ended.
    active: Instant,
    /// Why the store cannot be read or written any more.
    trouble: Option<StoreError>,
    /// Ends that could not be recorded before a stop, because the disk is full.
    unrecorded: usize,
}

#[derive(Default)]
struct Counts {
    handled: u64,
    failed: u64,
    discarded: u64,
    retried: u64,
}

impl Work {
    pub(super) fn new(
        store: Store,
        handler: Handler,
        mut changes: watch::Receiver<LanesConfig>,
        part: Lease,
    ) -> Self {
        let config = *changes.borrow_and_update();
        let handling = Handling {
            store: Arc::clone(&store),
            part,
            handler,
            timeout: config.handler_timeout,
            patience: Patience::default(),
        };
        let lane_max = (HELD_MAX / 2 / config.concurrency.max(1)).clamp(1, LANE_MAX);
        Self {
            ends: Ends::new(handling.clone()),
            intake: Intake::new(store, part),
            config,
            changes,
            handling,
            board: Board::new(lane_max),
            retries: Retries::default(),
            tasks: JoinSet::new(),
            running: Running::default(),
            is_draining: false,
            is_hurried: false,
            started: 0,
            counts: Counts::default(),
            active: Instant::now(),
            trouble: None,
            unrecorded: 0,
        }
    }

    /// The running handlers, for whoever looks.
    pub(super) fn running(&self) -> Running {
        self.running.clone()
    }

    pub(super) async fn run(
        &mut self,
        cx: &ServiceContext,
        gate: BoxStream<'static, BotId>,
    ) -> Result<(), StoreError> {
        let (mut gate, mut is_running) = (gate.fuse(), false);
        loop {
            if self.is_draining {
                self.ends.tell();
            }
            if self.is_draining && self.running.is_empty() && self.ends.is_empty() {
                return self.over(cx);
            }
            if !self.is_draining {
                self.start_handlers(cx);
            }
            if !self.is_draining && self.trouble.is_none() {
                self.intake.ask(&mut self.board);
            }
            self.hurry_the_last();
            let idle_at = self.idle_at().filter(|_| is_running && !self.is_draining);
            let retry_at = self.retries.next_at().filter(|_| !self.is_draining);
            tokio::select! {
                biased;
                () = cx.draining(), if !self.is_draining => {
                    self.is_draining = true;
                    self.handling.patience.end();
                    self.intake.close();
                    cx.intake_closed();
                    cx.status(format!("finishing {} updates", self.running.len()));
                }
                () = cx.killed(), if self.is_draining => return self.give_up(cx).await,
                Some((count, answer)) = self.ends.answer() => self.answered(count, answer, cx),
                Some(end) = self.tasks.join_next_with_id() => {
                    self.finished(end, cx);
                    self.finish_others(cx);
                }
                arrival = self.intake.arrival() => match arrival {
                    Ok(Arrival::New(entries)) => self.take_in(entries),
                    Ok(Arrival::Wanted(lanes, entries)) => self.board.feed(&lanes, entries),
                    Err(error) => self.answered(0, Err(error), cx),
                },
                Ok(()) = self.changes.changed() => {
                    let newer = *self.changes.borrow_and_update();
                    self.config.concurrency = newer.concurrency;
                    self.handling.timeout = newer.handler_timeout;
                }
                () = sleep_until(retry_at.unwrap_or(self.active)), if retry_at.is_some() => {
                    while let Some(entry) = self.retries.take_due(Instant::now()) {
                        // It has been taken up once already.
                        self.started -= 1;
                        self.board.put_back(entry);
                    }
                }
                Some(bot) = gate.next() => self.intake.admit(bot),
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

    /// A store that fails leaves nothing to do but to finish what runs; the poller cannot go on without it either.
    /// `count` is how many ends it is about.
    fn answered(&mut self, count: usize, answer: Result<(), StoreError>, cx: &ServiceContext) {
        let Err(error) = answer else { return };
        if error.may_pass() {
            self.unrecorded += count;
        }
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
        let (bot_id, update_id, lane) = (entry.bot.0, entry.update_id(), entry.lane.0);
        let span = error_span!("update", bot_id, update_id, lane);
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
            Err(error) => self.answered(1, Err(error), cx),
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
        let (bot_id, update_id) = (job.entry.bot.0, job.entry.update_id());
        let wait_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        info!(bot_id, update_id, wait_ms, "update is handled again later");
        self.ends.put_back(job.entry.pos);
        let now = Instant::now();
        let at = now.checked_add(after).unwrap_or(now + FAR);
        self.retries.add(at, job.entry);
    }

    /// Counts and tells an end that is final.
    fn judge(&mut self, job: &Job, outcome: Outcome, cx: &ServiceContext) -> Fate {
        let (bot_id, update_id) = (job.entry.bot.0, job.entry.update_id());
        let elapsed_ms = u64::try_from(job.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match outcome {
            Outcome::Failed { error } => {
                self.counts.failed += 1;
                cx.fact("failed", self.counts.failed);
                error!(
                    bot_id,
                    update_id, elapsed_ms, error, "update parked: its handler failed"
                );
                Fate::Parked { error }
            }
            Outcome::Discard { reason } => {
                self.counts.discarded += 1;
                cx.fact("discarded", self.counts.discarded);
                info!(bot_id, update_id, elapsed_ms, reason, "update discarded");
                Fate::Done
            }
            Outcome::Done | Outcome::DoneWith(_) | Outcome::Retry { .. } => {
                self.counts.handled += 1;
                cx.fact("handled", self.counts.handled);
                debug!(bot_id, update_id, elapsed_ms, "update handled");
                Fate::Done
            }
        }
    }

    fn take_in(&mut self, entries: Vec<Entry>) {
        if !entries.is_empty() {
            self.active = Instant::now();
        }
        for entry in entries {
            self.board.add(entry);
        }
    }

    /// When the lanes will have been idle for long enough; none while something runs or waits.
    fn idle_at(&self) -> Option<Instant> {
        let waits = !self.board.is_empty() || !self.retries.is_empty() || self.intake.is_behind();
        let quiet = self.running.is_empty() && self.ends.is_empty() && !waits;
        self.config
            .until_idle
            .filter(|_| quiet)
            .map(|time| self.active + time)
    }

    /// The time for finishing is over: says what still runs, and cancels it.
    async fn give_up(&mut self, cx: &ServiceContext) -> Result<(), StoreError> {
        self.finish_others(cx);
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
        // What ended by itself meanwhile is not among them any more.
        for job in self.running.by_age() {
            let (origin, ran) = (&job.entry.origin, job.began.elapsed().as_secs_f64());
            cx.unfinished(format!(
                "the handler of {origin}, after {ran:.1} s; it runs again at the next start"
            ));
            // It was cut off on purpose: that is no attempt that failed.
            let put_back = self.handling.put_back(job.entry.pos).await;
            self.answered(0, put_back, cx);
        }
        self.ends.tell();
        while let Some((count, answer)) = self.ends.answer().await {
            self.answered(count, answer, cx);
        }
        self.over(cx)
    }

    /// The end of the lanes' work.
    fn over(&mut self, cx: &ServiceContext) -> Result<(), StoreError> {
        if self.unrecorded > 0 {
            cx.unfinished(format!(
                "the ends of {} handlers could not be recorded; of those that ended well and changed nothing it is noted \
                 that they are over, and the others run again at the next start",
                self.unrecorded
            ));
        }
        self.trouble.take().map_or(Ok(()), Err)
    }
}
