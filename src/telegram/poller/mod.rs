//! The poller: long polls, commits, confirms.
//!
//! What is stored is what is confirmed: a stop interrupts calls and waits, and never a commit, so the offset of the
//! last, confirming call is one that the disk has.

mod backlog;
mod backoff;
mod config;
mod conflict;
mod past;
mod sequence;
mod split;
mod trouble;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use tracing::{Instrument, debug, error_span, info, warn};

use super::{CallError, Client, Identity};
use crate::lifecycle::{Failure, Service, ServiceContext, crash_point, hang_point};
use crate::store::{Cursor, Lease, RawBatch, Scope, Store, StoreError};
use backlog::Backlog;
pub use config::PollerConfig;
pub(crate) use past::Past;
use sequence::Sequence;
use split::Element;
use trouble::Trouble;

/// A call that is not a long poll is answered within this time.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// What a long poll may take longer than the server was asked to wait.
const POLL_MARGIN: Duration = Duration::from_secs(10);
/// What a step of the poller may take longer than it is meant to before the poller counts as stuck. An outage is waited
/// out step by step, and breaks no promise.
const STUCK_AFTER: Duration = Duration::from_secs(60);
/// An empty answer that comes sooner than this was not waited for.
const TOO_SOON: Duration = Duration::from_millis(500);
/// A call that has been open for so long has reached the server, also where no answer has come. A stop waits for it
/// where the call confirms something, instead of asking once more.
const SURELY_ARRIVED: Duration = Duration::from_millis(250);
/// How often a batch that the disk has no space for is tried again. It is our own disk: nobody is to be spared.
const SPACE_WAIT: Duration = Duration::from_secs(1);
/// The last, confirming call delays the stop by no more than this.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(1);

/// The service that polls one bot.
pub struct Poller {
    client: Client,
    store: Store,
    identity: Identity,
    config: PollerConfig,
    past: Past,
}

impl Poller {
    /// Polls into this store, and tells `identity` who the bot is.
    #[must_use]
    pub fn new(client: Client, store: Store, identity: Identity, config: PollerConfig) -> Self {
        Self {
            client,
            store,
            identity,
            config,
            past: Past::default(),
        }
    }

    /// Goes on where an earlier life of the same poller has ended: what waited at the start waits once, and what is counted
    /// is counted over all lives.
    #[must_use]
    pub(crate) fn after(mut self, past: Past) -> Self {
        self.past = past;
        self
    }
}

impl Service for Poller {
    async fn run(&mut self, cx: ServiceContext) -> Result<(), Failure> {
        let bot_id = self.client.token().bot().0;
        let span = error_span!("poll", bot_id);
        self.poll(&cx).instrument(span).await
    }
}

impl Poller {
    async fn poll(&self, cx: &ServiceContext) -> Result<(), Failure> {
        let bot = self.client.token().bot();
        let lease = self.store.acquire(Scope::Poll(bot)).await.map_err(stored)?;
        let cursor = self.store.cursor(&lease).await.map_err(stored)?;
        let mut polling = Polling {
            poller: self,
            cx,
            lease,
            sequence: Sequence::new(cursor),
            stored: cursor,
            unstored: None,
            backlog: Backlog::new(&self.config, self.past.clone()),
            told_offset: None,
            trouble: Trouble::new(&self.config),
            warned: BTreeSet::new(),
            is_ready: false,
        };
        match polling.run().await {
            Err(End::Stop) => {}
            Err(End::Failed(failure)) => return Err(failure),
            Ok(never) => match never {},
        }
        polling.backlog.tell();
        debug!("long poll dropped, intake closed");
        cx.drained().await;
        debug!("poll released");
        polling.confirm().await;
        polling.unstored.map_or(Ok(()), |error| Err(stored(error)))
    }
}

fn stored(error: StoreError) -> Failure {
    Failure::fatal(error.exit_kind(), error)
}

/// Why polling ended.
enum End {
    Stop,
    Failed(Failure),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The polling of one bot from start to stop.
struct Polling<'a> {
    poller: &'a Poller,
    cx: &'a ServiceContext,
    lease: Lease,
    sequence: Sequence,
    /// The cursor that the disk has.
    stored: Cursor,
    /// Why it has not that of the last batch; nothing more is asked for then.
    unstored: Option<StoreError>,
    backlog: Backlog,
    /// The offset that the server has surely been told last.
    told_offset: Option<i64>,
    trouble: Trouble,
    /// What has been warned of; a server's habits are not news every half second.
    warned: BTreeSet<&'static str>,
    is_ready: bool,
}

impl Polling<'_> {
    async fn run(&mut self) -> Result<std::convert::Infallible, End> {
        self.identify().await?;
        loop {
            hang_point("poll").await;
            let asked_at = Instant::now();
            // The first call does not wait: it says at once whether polling works. Nor does one for what waited at the
            // start: whether there is more of it is known at once too.
            let wait = if self.is_ready && !self.backlog.is_open() {
                self.poller.config.timeout
            } else {
                Duration::ZERO
            };
            match self.poll(wait).await? {
                Ok(batch) => {
                    crash_point("after the response");
                    let stored = self.take_in(batch).await?;
                    crash_point("before the confirm");
                    self.succeeded();
                    if stored == 0 && !wait.is_zero() && asked_at.elapsed() < TOO_SOON {
                        self.pace().await?;
                    }
                }
                Err(error) => self.wait_after(error).await?,
            }
        }
    }

    /// Whatever may take long, unless a stop comes first.
    ///
    /// # Cancel safety
    /// A call that is dropped has confirmed nothing but what its own offset did.
    async fn unless_stopped<F: Future>(&self, wait: F) -> Result<F::Output, End> {
        tokio::select! {
            biased;
            () = self.cx.draining() => Err(End::Stop),
            output = wait => Ok(output),
        }
    }

    /// Calls a method that takes nothing.
    async fn call(&self, method: &'static str) -> Result<Result<Value, CallError>, End> {
        let nothing = json!({});
        self.cx.alive_for(CALL_TIMEOUT + STUCK_AFTER);
        let call = self.poller.client.call(method, &nothing, CALL_TIMEOUT);
        self.unless_stopped(call).await
    }

    async fn identify(&mut self) -> Result<(), End> {
        self.cx.status("asking who I am");
        loop {
            match self.call("getMe").await? {
                Ok(me) => {
                    info!(username = me["username"].as_str(), "the token is accepted");
                    self.poller.identity.set(me);
                    self.trouble.is_over();
                    return Ok(());
                }
                Err(error) => self.wait_after(error).await?,
            }
        }
    }

    /// One call of getUpdates.
    ///
    /// A stop drops it, and lets it go on a moment before that where the server may not have heard of its offset yet.
    async fn poll(&mut self, wait: Duration) -> Result<Result<Vec<Element>, CallError>, End> {
        let config = &self.poller.config;
        let offset = self.stored.next_offset;
        let parameters = json!({
            "offset": offset,
            "limit": config.limit,
            "timeout": wait.as_secs() + u64::from(wait.subsec_nanos() > 0),
            "allowed_updates": config.allowed_updates,
        });
        let asked_at = Instant::now();
        self.cx.alive_for(wait + POLL_MARGIN + STUCK_AFTER);
        let call = self
            .poller
            .client
            .call("getUpdates", &parameters, wait + POLL_MARGIN);
        let mut call = std::pin::pin!(call);
        let answer = self.unless_stopped(call.as_mut()).await;
        let was_heard = match &answer {
            Ok(answer) => answer.is_ok(),
            Err(_) if self.told_offset == Some(offset) => true,
            Err(_) => {
                // What it brings now is not confirmed, and comes again; but what it confirms must arrive.
                let left = SURELY_ARRIVED.saturating_sub(asked_at.elapsed());
                timeout(left, call)
                    .await
                    .map_or(true, |answer| answer.is_ok())
            }
        };
        if was_heard {
            self.told_offset = Some(offset);
        }
        answer
    }

    /// Stores what is new of a batch; returns how much that was. A stop waits for it: what the cursor has passed must
    /// be on disk before anything is confirmed.
    async fn take_in(&mut self, batch: Vec<Element>) -> Result<usize, End> {
        let arrived = batch.len();
        let updates: Vec<_> = batch
            .into_iter()
            .filter_map(|Element(update)| update)
            .collect();
        if updates.len() < arrived {
            self.warn_once("updates without a usable update_id arrive; they cannot be confirmed, and are not handled");
        }
        let placed = self.sequence.place(updates);
        if placed.was_reset {
            warn!("the server restarted its update ids; following them");
        }
        if placed.repeated > 0 {
            self.warn_once(
                "the server repeats updates that were confirmed; they are not handled again",
            );
        }
        let is_nothing_new = placed.updates.is_empty();
        let updates = self.backlog.sift(placed.updates);
        if is_nothing_new {
            return Ok(0);
        }
        // Also where nothing is kept: what is dropped is confirmed, and an offset is sent only when it is committed.
        let batch = RawBatch {
            updates,
            cursor: self.sequence.cursor(),
        };
        let stored = self.store(batch).await?;
        let past = &self.poller.past;
        past.receive(stored);
        self.cx.fact("received", past.received());
        if past.dropped() > 0 {
            self.cx.fact("dropped", past.dropped());
        }
        debug!(
            count = stored,
            next_offset = self.stored.next_offset,
            "updates stored"
        );
        Ok(stored)
    }

    /// Stores a batch. Where the disk is full nothing more is asked for until there is space; at the start, when nobody
    /// relies on the bot yet, that is the end.
    async fn store(&mut self, batch: RawBatch) -> Result<usize, End> {
        let cursor = batch.cursor;
        loop {
            self.cx.alive_for(STUCK_AFTER);
            match self.poller.store.append(&self.lease, batch.clone()).await {
                Ok(count) => {
                    self.stored = cursor;
                    if self.unstored.take().is_some() {
                        self.cx.status("polling");
                    }
                    return Ok(count);
                }
                Err(error) if error.may_pass() && self.is_ready => self.paused(error, &batch),
                Err(error) => return Err(stored(error).into()),
            }
            self.cx.alive_for(SPACE_WAIT + STUCK_AFTER);
            if let Err(stop) = self.unless_stopped(sleep(SPACE_WAIT)).await {
                let count = batch.updates.len();
                self.cx.unfinished(format!(
                    "{count} updates that had arrived could not be stored; they are not confirmed, and come again"
                ));
                return Err(stop);
            }
        }
    }

    fn paused(&mut self, error: StoreError, batch: &RawBatch) {
        if self.unstored.is_none() {
            let count = batch.updates.len();
            let text = format!("paused with {count} updates that are not confirmed: {error}");
            self.cx.status(text);
        }
        self.unstored = Some(error);
    }

    fn succeeded(&mut self) {
        self.trouble.is_over();
        if !self.is_ready {
            self.is_ready = true;
            // What is said before it is ready is what others hear together with that.
            self.cx.fact("received", self.poller.past.received());
            self.cx.status("polling");
            self.cx.ready();
        }
    }

    /// Keeps a server that does not hold calls open from being asked without end.
    async fn pace(&mut self) -> Result<(), End> {
        self.warn_once("the server answers getUpdates at once instead of waiting as long polling does; it is asked twice a second");
        self.unless_stopped(sleep(TOO_SOON)).await
    }

    async fn wait_after(&mut self, error: CallError) -> Result<(), End> {
        let wait = self.trouble.after(&error, self.is_ready)?;
        self.cx.status(format!(
            "{error}; next try in {:.1} s",
            wait.time.as_secs_f64()
        ));
        if wait.remove_webhook
            && let Err(error) = self.call("deleteWebhook").await?
        {
            warn!(%error, "the webhook could not be removed");
        }
        self.cx.alive_for(wait.time + STUCK_AFTER);
        self.unless_stopped(sleep(wait.time)).await?;
        if self.is_ready {
            self.cx.status("polling");
        }
        Ok(())
    }

    /// Confirms what is stored, where the server has not been told yet. Not being heard costs nothing: the next
    /// start sends the same offset first.
    async fn confirm(&mut self) {
        let offset = self.stored.next_offset;
        if offset == 0 || self.told_offset == Some(offset) {
            return;
        }
        let parameters = json!({ "offset": offset, "limit": 1, "timeout": 0 });
        let call = self
            .poller
            .client
            .call::<Value>("getUpdates", &parameters, CONFIRM_TIMEOUT);
        match timeout(CONFIRM_TIMEOUT, call).await {
            Ok(Ok(_)) => debug!(offset, "the last updates are confirmed"),
            _ => debug!(
                offset,
                "the last updates are not confirmed; the next start does it"
            ),
        }
    }

    fn warn_once(&mut self, text: &'static str) {
        if self.warned.insert(text) {
            warn!("{text}");
        }
    }
}
