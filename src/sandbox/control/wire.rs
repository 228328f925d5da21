//! What goes wrong between the bot and the server, and the server's numbers and time.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::answer::{Answer, ApiError};
use super::super::faults::Fault;
use super::super::world::World;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnyUpdate {
    kind: String,
    payload: Value,
}

pub(super) fn update(world: &mut World, update: AnyUpdate) -> Answer {
    let id = world.queue.push_any(&update.kind, &update.payload);
    world.bell.notify_waiters();
    Ok(json!(id))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ids {
    next: i64,
}

pub(super) fn ids(world: &mut World, ids: Ids) -> Answer {
    if !(1..=1 << 30).contains(&ids.next) {
        return Err(ApiError::bad_request("next is an id from 1 to 2^30"));
    }
    world.queue.continue_at(ids.next);
    Ok(json!(true))
}

pub(super) fn fault(world: &mut World, fault: Fault) -> Answer {
    world.faults.add(fault);
    Ok(json!(true))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Clock {
    advance: u64,
}

pub(super) fn clock(world: &mut World, clock: Clock) -> Answer {
    world.clock.advance(clock.advance);
    Ok(json!(world.clock.now()))
}
