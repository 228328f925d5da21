//! A request's turn: a place among those that run, and a key that may still ask.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::Shared;
use super::door::Caller;
use super::error::Problem;
use super::ledger::Over;

const SOON: Duration = Duration::from_secs(1);

/// Takes a place, and counts the request.
pub(super) fn take(shared: &Shared, caller: Caller) -> Result<OwnedSemaphorePermit, Problem> {
    let inner = &shared.gateway.0;
    let place = Arc::clone(&inner.places).try_acquire_owned().map_err(|_| {
        let text = format!(
            "{} requests are being answered, and there is no place for more; ask again soon",
            inner.settings.concurrent
        );
        let problem = Problem::new(429, "requests", text);
        problem.code("rate_limit_exceeded").retry_after(SOON)
    })?;
    if let Some(key) = caller.0 {
        let admitted = inner.ledger.admit(key, Instant::now(), SystemTime::now());
        admitted.map_err(over)?;
    }
    Ok(place)
}

fn over(over: Over) -> Problem {
    match over {
        Over::Minute(wait) => {
            let text = format!(
                "your key has had its requests of this minute; ask again in {} s",
                wait.as_secs() + 1
            );
            Problem::new(429, "requests", text)
                .code("rate_limit_exceeded")
                .retry_after(wait)
        }
        Over::Day(wait) => Problem::new(
            429,
            "insufficient_quota",
            "your key has had its tokens of this day; the next one begins at midnight UTC",
        )
        .code("insufficient_quota")
        .retry_after(wait)
        .finally(),
    }
}
