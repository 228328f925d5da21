//! How a teloxide handler says more than "done" and "failed".

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::lanes::Outcome;

/// What is to become of the update that a handler has in hand: a dependency that every handler may ask for.
///
/// The last word counts, and only where the handler then returns `Ok`: an error parks the update.
///
/// ```no_run
/// use std::time::Duration;
/// use sundown::bot::Verdict;
/// use teloxide::prelude::*;
///
/// # async fn is_open() -> bool { true }
/// let handler = Update::filter_message().endpoint(async |verdict: Verdict| {
///     if !is_open().await {
///         // The chat's next updates wait behind it.
///         verdict.retry_after(Duration::from_secs(60));
///     }
///     respond(())
/// });
/// # sundown::polling(Bot::from_env(), handler);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Verdict(Arc<Mutex<Option<Outcome>>>);

impl Verdict {
    /// The update is to be handled again from the beginning, at the earliest after this time. Its chat waits for it. A stop
    /// does not, and the next start tries it at once.
    pub fn retry_after(&self, time: Duration) {
        self.say(Outcome::Retry { after: time });
    }

    /// The update is over, although nothing was done; `reason` stands in the log.
    pub fn discard(&self, reason: impl Into<String>) {
        let reason = reason.into();
        self.say(Outcome::Discard { reason });
    }

    /// What was said, if anything was.
    pub(super) fn take(&self) -> Option<Outcome> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn say(&self, outcome: Outcome) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }
}
