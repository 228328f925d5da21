//! The poller: long polls, commits, confirms.

use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use super::backoff::Backoff;
use super::sequence::Sequence;
use super::split::split;
use super::{CallError, Client, Identity};
use crate::lifecycle::{ExitKind, Failure, Service, ServiceContext};
use crate::store::{Lease, RawBatch, Scope, Store, StoreError};

/// A call that is not a long poll is answered within this time.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// What a long poll may take longer than the server was asked to wait.
const POLL_MARGIN: Duration = Duration::from_secs(10);
/// An empty answer that comes sooner than this was not waited for.
const TOO_SOON: Duration = Duration::from_millis(500);
/// The last, confirming call delays the stop by no more than this.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(1);
/// Between two tries while another poller is in the way.
const CONFLICT_WAIT: Duration = Duration::from_secs(3);

/// How a bot is polled.
#[derive(Clone, Debug)]
pub struct PollerConfig {
    /// How long the server holds a call open while there is no update. 1 to 50 s; the server cuts more to 50 s.
    /// Short polls cost traffic, long ones nothing: a stop does not wait for them.
    pub timeout: Duration,
    /// Updates in one answer at most: 1 to 100.
    pub limit: u8,
    /// Kinds of updates to ask for, by the Bot API's names. An empty list means every kind but `chat_member`,
    /// `message_reaction` and `message_reaction_count`, which must be named. Sent with every call.
    pub allowed_updates: Vec<String>,
    /// How long an unreachable server is tried at start before the start fails.
    pub start_patience: Duration,
}

impl Default for PollerConfig {
    /// 30 s, 100 updates, the server's default kinds, 10 s of patience.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            limit: 100,
            allowed_updates: Vec::new(),
            start_patience: Duration::from_secs(10),
        }
    }
}

/// The service that polls one bot.
pub struct Poller {
    client: Client,
    store: Store,
    identity: Identity,
    config: PollerConfig,
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
        }
    }
}

impl Service for Poller {
    async fn run(&mut self, cx: ServiceContext) -> Result<(), Failure> {
        let lease = self
            .store
            .acquire(Scope::Poll(self.client.token().bot()))
            .await
            .map_err(stored)?;
        let cursor = self.store.cursor(&lease).await.map_err(stored)?;
        let mut polling = Polling {
            poller: self,
            cx: &cx,
            lease,
            sequence: Sequence::new(cursor),
            sent_offset: None,
            backoff: Backoff::default(),
            troubled_since: None,
            conflict_since: None,
            webhook_removed: false,
            warned_no_wait: false,
            is_ready: false,
            received: 0,
        };
        let ended = tokio::select! {
            biased;
            () = cx.draining() => Ok(()),
            ended = polling.run() => ended,
        };
        cx.fact("received", polling.received);
        ended?;
        debug!("long poll dropped, intake closed");
        cx.drained().await;
        debug!("poll released");
        polling.confirm().await;
        Ok(())
    }
}

fn stored(error: StoreError) -> Failure {
    Failure::fatal(error.exit_kind(), error)
}

/// The polling of one bot from start to stop.
struct Polling<'a> {
    poller: &'a Poller,
    cx: &'a ServiceContext,
    lease: Lease,
    sequence: Sequence,
    /// The offset that the server has been sent last.
    sent_offset: Option<i64>,
    backoff: Backoff,
    /// Since when no call has succeeded.
    troubled_since: Option<Instant>,
    conflict_since: Option<Instant>,
    webhook_removed: bool,
    warned_no_wait: bool,
    is_ready: bool,
    received: u64,
}

impl Polling<'_> {
    /// Polls until it is dropped or cannot go on.
    ///
    /// # Cancel safety
    /// Dropped while a call is open, nothing is lost: the call's updates were not confirmed. Dropped during an
    /// append, the batch and its cursor are stored together or not at all.
    async fn run(&mut self) -> Result<(), Failure> {
        self.cx.status("asking who I am");
        loop {
            match self
                .poller
                .client
                .call::<Value>("getMe", &json!({}), CALL_TIMEOUT)
                .await
            {
                Ok(me) => {
                    info!(
                        username = me["username"].as_str(),
                        bot_id = me["id"].as_i64(),
                        "the token is accepted"
                    );
                    self.poller.identity.set(me);
                    self.recovered();
                    break;
                }
                Err(error) => self.wait_after(error).await?,
            }
        }
        loop {
            let asked_at = Instant::now();
            // The first call does not wait: it says at once whether polling works.
            let wait = if self.is_ready {
                self.poller.config.timeout
            } else {
                Duration::ZERO
            };
            match self.poll(wait).await {
                Ok(batch) => {
                    let stored = self.take_in(batch).await?;
                    let answered_too_soon = asked_at.elapsed() < TOO_SOON && !wait.is_zero();
                    self.succeeded();
                    if stored == 0 && answered_too_soon {
                        self.pace().await;
                    }
                }
                Err(error) => self.wait_after(error).await?,
            }
        }
    }

    async fn poll(&mut self, wait: Duration) -> Result<Vec<Box<RawValue>>, CallError> {
        let config = &self.poller.config;
        let offset = self.sequence.cursor().next_offset;
        let parameters = json!({
            "offset": offset,
            "limit": config.limit,
            "timeout": wait.as_secs(),
            "allowed_updates": config.allowed_updates,
        });
        self.sent_offset = Some(offset);
        self.poller
            .client
            .call("getUpdates", &parameters, wait + POLL_MARGIN)
            .await
    }

    /// Stores what is new of a batch; returns how much that was.
    async fn take_in(&mut self, batch: Vec<Box<RawValue>>) -> Result<usize, Failure> {
        let arrived = batch.len();
        let updates: Vec<_> = batch.iter().filter_map(|raw| split(raw)).collect();
        if updates.len() < arrived {
            warn!(
                count = arrived - updates.len(),
                "updates without an update_id arrived; they cannot be handled"
            );
        }
        let placed = self.sequence.place(updates);
        if placed.was_reset {
            warn!("the server restarted its update ids; following them");
        }
        if placed.repeated > 0 {
            warn!(
                count = placed.repeated,
                "the server repeated updates that were confirmed; they are not handled again"
            );
        }
        if placed.updates.is_empty() {
            return Ok(0);
        }
        let batch = RawBatch {
            updates: placed.updates,
            cursor: self.sequence.cursor(),
        };
        let stored = self
            .poller
            .store
            .append(&self.lease, batch)
            .await
            .map_err(stored)?;
        self.received += u64::try_from(stored).unwrap_or(u64::MAX);
        debug!(
            count = stored,
            next_offset = self.sequence.cursor().next_offset,
            "updates stored"
        );
        Ok(stored)
    }

    fn recovered(&mut self) {
        if self.troubled_since.take().is_some() {
            info!("the Bot API answers again");
        }
        self.backoff.reset();
        self.conflict_since = None;
    }

    fn succeeded(&mut self) {
        self.recovered();
        if !self.is_ready {
            self.is_ready = true;
            self.cx.ready();
            self.cx.status("polling");
        }
    }

    /// Keeps a server that does not hold calls open from being asked without end.
    async fn pace(&mut self) {
        if !self.warned_no_wait {
            self.warned_no_wait = true;
            warn!(
                "the server answers getUpdates at once instead of waiting as long polling does; it is asked twice a second"
            );
        }
        sleep(TOO_SOON).await;
    }

    /// Waits as the error demands, or gives up where waiting does not help.
    async fn wait_after(&mut self, error: CallError) -> Result<(), Failure> {
        let wait = match &error {
            CallError::Api {
                code: 401 | 404, ..
            } => return Err(refused(&error)),
            CallError::Api {
                code: 409,
                description,
                ..
            } if is_webhook(description) && !self.webhook_removed => {
                return self.remove_webhook().await;
            }
            CallError::Api { code: 409, .. } => self.conflict(&error)?,
            CallError::Api {
                retry_after: Some(wait),
                ..
            } => *wait,
            _ => self.backoff.next(),
        };
        let since = *self.troubled_since.get_or_insert_with(Instant::now);
        if !self.is_ready && since.elapsed() >= self.poller.config.start_patience {
            return Err(unreachable(&error, self.poller.config.start_patience));
        }
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        if self.conflict_since.is_none() {
            warn!(%error, wait_ms, "the Bot API cannot be used now; trying again");
        }
        self.cx
            .status(format!("{error}; next try in {:.1} s", wait.as_secs_f64()));
        sleep(wait).await;
        if self.is_ready {
            self.cx.status("polling");
        }
        Ok(())
    }

    /// Another poller is in the way. It may be our predecessor on its way out, whose last poll can live on for one
    /// poll's length; longer than that and somebody else runs this bot.
    fn conflict(&mut self, error: &CallError) -> Result<Duration, Failure> {
        let grace = self.poller.config.timeout + POLL_MARGIN;
        match self.conflict_since {
            None => {
                self.conflict_since = Some(Instant::now());
                warn!(%error, grace_s = grace.as_secs(), "another instance polls this bot; waiting for it to end");
            }
            Some(since) if since.elapsed() > grace => {
                let text = format!(
                    "another instance still polls this bot after {} s ({error}); stop it, then start this one",
                    grace.as_secs()
                );
                return Err(Failure::fatal(ExitKind::Temporary, text));
            }
            Some(_) => {}
        }
        // The start waits for the other one too.
        self.troubled_since = Some(Instant::now());
        Ok(CONFLICT_WAIT)
    }

    async fn remove_webhook(&mut self) -> Result<(), Failure> {
        self.webhook_removed = true;
        warn!(
            "a webhook is set for this bot, which excludes polling; removing it (waiting updates are kept)"
        );
        let removed = self
            .poller
            .client
            .call::<Value>("deleteWebhook", &json!({}), CALL_TIMEOUT)
            .await;
        if let Err(error) = removed {
            warn!(%error, "the webhook could not be removed");
        }
        Ok(())
    }

    /// Confirms what is stored, where the server has not been told yet. Not being heard costs nothing: the next
    /// start sends the same offset first.
    async fn confirm(&mut self) {
        let offset = self.sequence.cursor().next_offset;
        if offset == 0 || self.sent_offset == Some(offset) {
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
}

fn is_webhook(description: &str) -> bool {
    description.contains("webhook is active")
}

fn refused(error: &CallError) -> Failure {
    Failure::fatal(
        ExitKind::Config,
        format!(
            "Telegram refused the token ({error}); check that it is whole and has not been revoked by @BotFather"
        ),
    )
}

fn unreachable(error: &CallError, patience: Duration) -> Failure {
    Failure::fatal(
        ExitKind::Unavailable,
        format!(
            "the Bot API could not be used for {} s ({error}); check the network and the API's address",
            patience.as_secs()
        ),
    )
}
