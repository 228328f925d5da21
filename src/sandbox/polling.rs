//! getUpdates: which call wins, how long it is held, what it confirms.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::Shared;
use super::answer::{Answer, ApiError};
use super::args::Args;
use super::world::World;

const MAX_WAIT: i64 = 50;
/// Asking the same again sooner than this makes the server slow down.
const SAME_OFFSET: Duration = Duration::from_secs(3);
const SAME_OFFSET_AT_ONCE: Duration = Duration::from_millis(500);
/// Conflicts that follow each other sooner than this are answered this late.
const CONFLICT_DELAY: Duration = Duration::from_secs(3);

struct Poll {
    number: u64,
    limit: usize,
    until: Instant,
}

/// Answers with updates as soon as there are any, else with none when the time is over.
pub(super) async fn get_updates(shared: &Shared, token: &str, args: &Args) -> Answer {
    let (poll, bell) = {
        let mut worlds = shared.lock();
        let world = worlds.of_token(token)?;
        (begin(world, args)?, world.bell.clone())
    };
    loop {
        let rung = bell.notified();
        let mut rung = std::pin::pin!(rung);
        // Registered before the look, so that no update between the two is missed.
        rung.as_mut().enable();
        let found = look(shared, token, &poll)?;
        match found {
            Look::Answer(updates) => return Ok(Value::Array(updates)),
            Look::Lost { delay } => {
                if delay {
                    sleep(CONFLICT_DELAY).await;
                }
                return Err(ApiError::new(
                    409,
                    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
                ));
            }
            Look::Wait => {
                // Either way there is something to look at.
                let _ = timeout_at(poll.until, rung).await;
            }
        }
    }
}

fn begin(world: &mut World, args: &Args) -> Result<Poll, ApiError> {
    if world.webhook.is_some() {
        return Err(ApiError::new(
            409,
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
        ));
    }
    let offset = args.int("offset").unwrap_or(0);
    let mut limit = args.int("limit").unwrap_or(100);
    if !(1..=100).contains(&limit) {
        limit = 100;
    }
    let mut wait = args.int("timeout").unwrap_or(0).clamp(0, MAX_WAIT);
    let now = Instant::now();
    if let Some((last_offset, at)) = world.last_poll
        && last_offset == offset
        && wait < 3
        && now < at + SAME_OFFSET
    {
        wait = 3;
        if now < at + SAME_OFFSET_AT_ONCE {
            limit = 1;
        }
    }
    world.last_poll = Some((offset, now));
    if let Some(kinds) = args
        .json("allowed_updates")
        .and_then(|kinds| serde_json::from_value(kinds).ok())
    {
        world.queue.allow(kinds);
    }
    world.queue.confirm(offset);
    world.polls += 1;
    // Whoever polls already has lost.
    world.bell.notify_waiters();
    Ok(Poll {
        number: world.polls,
        limit: usize::try_from(limit).unwrap_or(100),
        until: now + Duration::from_secs(wait.unsigned_abs()),
    })
}

enum Look {
    Answer(Vec<Value>),
    Lost { delay: bool },
    Wait,
}

fn look(shared: &Shared, token: &str, poll: &Poll) -> Result<Look, ApiError> {
    let mut worlds = shared.lock();
    let world = worlds.of_token(token)?;
    let now = Instant::now();
    if world.webhook.is_some() {
        return Err(ApiError::new(
            409,
            "Conflict: terminated by setWebhook request",
        ));
    }
    if world.polls != poll.number {
        let delay = world
            .last_conflict
            .is_some_and(|at| now < at + CONFLICT_DELAY);
        world.last_conflict = Some(now);
        return Ok(Look::Lost { delay });
    }
    let updates = world.queue.head(poll.limit);
    Ok(if updates.is_empty() && now < poll.until {
        Look::Wait
    } else {
        Look::Answer(updates)
    })
}
