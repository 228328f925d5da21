//! What to do after a call that failed: how long to wait, and when to give up.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use super::backoff::Backoff;
use super::conflict::{Conflict, Verdict};
use super::{CallError, POLL_MARGIN, PollerConfig};
use crate::lifecycle::{ExitKind, Failure};

/// Between two tries while another poller is in the way.
const CONFLICT_WAIT: Duration = Duration::from_secs(3);
/// A server that asks for less than this between two calls does not mean it.
const FLOOD_WAIT_MIN: Duration = Duration::from_secs(1);
/// Nor does one that asks for more. The public server's flood waits for polling are seconds.
const FLOOD_WAIT_MAX: Duration = Duration::from_secs(3_600);

/// Before a poller that could not start is started again, where it is.
const NEXT_START: Duration = Duration::from_secs(4);

/// The troubles of a bot's polling.
pub(super) struct Trouble {
    began: Instant,
    start_patience: Duration,
    /// How long another poller, or a webhook that comes back, is put up with.
    grace: Duration,
    backoff: Backoff,
    is_in_trouble: bool,
    pollers: Conflict,
    webhooks: Conflict,
}

/// What to do before the next call.
pub(super) struct Wait {
    pub(super) time: Duration,
    pub(super) remove_webhook: bool,
}

impl Trouble {
    pub(super) fn new(config: &PollerConfig) -> Self {
        // Another poller may be our predecessor on its way out, whose last poll lives on for one poll's length.
        let grace = config.timeout + POLL_MARGIN;
        Self {
            began: Instant::now(),
            start_patience: config.start_patience,
            grace,
            backoff: Backoff::default(),
            is_in_trouble: false,
            pollers: Conflict::new(grace),
            webhooks: Conflict::new(grace),
        }
    }

    /// A call has succeeded.
    pub(super) fn is_over(&mut self) {
        if self.is_in_trouble {
            info!("the Bot API answers again");
        }
        self.is_in_trouble = false;
        self.backoff.reset();
    }

    /// What to do after this error.
    ///
    /// # Errors
    /// Where waiting does not help: a refused token, another instance that stays, a start that takes too long.
    pub(super) fn after(&mut self, error: &CallError, is_ready: bool) -> Result<Wait, Failure> {
        match error {
            CallError::Api {
                code: 401 | 404, ..
            } => return Err(refused(error)),
            CallError::Api {
                code: 409,
                description,
                ..
            } if is_about_webhook(description) => return self.webhook(error),
            CallError::Api { code: 409, .. } => return self.other_poller(error),
            _ => {}
        }
        let time = match error {
            CallError::Api {
                retry_after: Some(wait),
                ..
            } => (*wait).clamp(FLOOD_WAIT_MIN, FLOOD_WAIT_MAX),
            _ => self.backoff.next(),
        };
        let elapsed = self.began.elapsed();
        if !is_ready && elapsed + time > self.start_patience {
            return Err(unreachable(error, elapsed));
        }
        self.is_in_trouble = true;
        let wait_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        warn!(%error, wait_ms, "the Bot API cannot be used now; trying again");
        Ok(Wait {
            time,
            remove_webhook: false,
        })
    }

    fn other_poller(&mut self, error: &CallError) -> Result<Wait, Failure> {
        match self.pollers.met(Instant::now()) {
            Verdict::New => {
                warn!(%error, grace_s = self.grace.as_secs(), "another instance polls this bot; waiting for it to end")
            }
            Verdict::Again => {}
            Verdict::TooLong => {
                let text = format!(
                    "another instance still polls this bot after {} s ({error}); stop it, then start this one",
                    self.grace.as_secs()
                );
                return Err(Failure::fatal(ExitKind::Temporary, text));
            }
        }
        Ok(Wait {
            time: CONFLICT_WAIT,
            remove_webhook: false,
        })
    }

    fn webhook(&mut self, error: &CallError) -> Result<Wait, Failure> {
        if self.webhooks.met(Instant::now()) == Verdict::TooLong {
            let text = format!(
                "a webhook is set for this bot again and again, or cannot be removed, for {} s ({error}); find out who sets it",
                self.grace.as_secs()
            );
            return Err(Failure::fatal(ExitKind::Temporary, text));
        }
        warn!(
            "a webhook is set for this bot, which excludes polling; removing it (waiting updates are kept)"
        );
        Ok(Wait {
            time: self.backoff.next(),
            remove_webhook: true,
        })
    }
}

/// Both texts of the public server: a webhook that was there, and one that was set during a poll.
fn is_about_webhook(description: &str) -> bool {
    description.to_ascii_lowercase().contains("webhook")
}

fn refused(error: &CallError) -> Failure {
    Failure::fatal(
        ExitKind::Config,
        format!(
            "Telegram refused the token ({error}); check that it is whole and has not been revoked by @BotFather"
        ),
    )
}

fn unreachable(error: &CallError, elapsed: Duration) -> Failure {
    Failure::transient(
        format!(
            "the Bot API could not be used in {} s ({error}); check the network and the API's address",
            elapsed.as_secs()
        ),
        NEXT_START,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(code: u16, description: &str, retry_after: Option<u64>) -> CallError {
        CallError::Api {
            method: "getUpdates",
            code,
            description: description.to_owned(),
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    fn trouble() -> Trouble {
        Trouble::new(&PollerConfig::default())
    }

    #[test]
    fn a_flood_wait_is_obeyed_and_never_nothing_or_for_ever() {
        let wait = |seconds| {
            trouble()
                .after(&api(429, "Too Many Requests", Some(seconds)), true)
                .unwrap()
                .time
        };
        assert_eq!(wait(7), Duration::from_secs(7));
        assert_eq!(wait(0), FLOOD_WAIT_MIN);
        assert_eq!(wait(u64::MAX), FLOOD_WAIT_MAX);
    }

    #[test]
    fn a_refused_token_ends_it_with_78() {
        for code in [401, 404] {
            let end = trouble()
                .after(&api(code, "Unauthorized", None), true)
                .err()
                .unwrap();
            assert!(matches!(end, Failure::Fatal(ExitKind::Config, _)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn another_poller_that_stays_ends_it_with_75_though_calls_succeed_in_between() {
        let (mut trouble, began) = (trouble(), Instant::now());
        let conflict = api(
            409,
            "Conflict: terminated by other getUpdates request",
            None,
        );
        let end = loop {
            match trouble.after(&conflict, true) {
                Ok(wait) => tokio::time::sleep(wait.time).await,
                Err(end) => break end,
            }
            trouble.is_over();
        };
        assert!(matches!(end, Failure::Fatal(ExitKind::Temporary, _)));
        assert!(began.elapsed() > trouble.grace);
    }

    #[test]
    fn both_texts_about_a_webhook_are_understood() {
        let texts = [
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
            "Conflict: terminated by setWebhook request",
        ];
        for text in texts {
            assert!(
                trouble()
                    .after(&api(409, text, None), true)
                    .unwrap()
                    .remove_webhook,
                "{text}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_start_has_patience_and_no_more() {
        let mut trouble = trouble();
        let error = api(500, "Internal Server Error", None);
        let end = loop {
            match trouble.after(&error, false) {
                Ok(wait) => tokio::time::sleep(wait.time).await,
                Err(end) => break end,
            }
        };
        assert!(matches!(end, Failure::Transient(_, NEXT_START)));
        let long = api(429, "Too Many Requests", Some(3_600));
        assert!(
            Trouble::new(&PollerConfig::default())
                .after(&long, false)
                .is_err(),
            "longer than the patience"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn once_ready_a_network_that_is_gone_is_waited_for_without_end() {
        let mut trouble = trouble();
        let error = CallError::Network {
            method: "getUpdates",
            host: "x".into(),
            detail: "gone".into(),
        };
        for _ in 0..1_000 {
            let wait = trouble.after(&error, true).unwrap();
            tokio::time::sleep(wait.time).await;
        }
    }
}
