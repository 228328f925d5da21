//! What becomes of a case: `(case, event, context) → (case, effects)`, without a clock, a store or a network.
//!
//! ```text
//!            right answer, approved, un-muted            left
//!  Pending ───────────────────────────────────→ Passed ─────────→ Left
//!   │ │ │                                             └─────────→ Kicked   by somebody else
//!   │ │ └─ left ───────────────────────────────→ Left
//!   │ └─── removed by somebody else ───────────→ Rejected
//!   └───── to be removed, `ending` says as what
//!            └─ once that is done ─────────────→ Rejected, Kicked, Expired
//! ```
//!
//! Invariants:
//! - A case that has ended as anything but `Passed` never changes again; a new join opens a new one.
//! - Nobody who has passed is removed by it, and nobody is removed before the effect that does it has been asked for.
//! - Whatever an event says twice, the second time changes nothing.
//! - An end is what has happened, not what was wanted: a person who is to be removed is pending until they are gone.

mod arrivals;
#[cfg(test)]
mod tests;
mod turn;
mod words;

use std::time::Duration;

use super::case::{Case, Route, Status};
use super::group::Settings;

use arrivals::{joined, requested};
use turn::Turn;
pub(super) use words::{Context, Deed, Effect, Event, Reply, Step, Tell};

/// A removal or the end of a mute that was refused is tried again after this.
const AGAIN: Duration = Duration::from_secs(3_600);
/// For so long an ended case is remembered, so that what becomes of the person later is counted.
pub(super) const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Decides.
pub(super) fn step(case: Option<Case>, event: &Event, cx: &Context<'_>) -> Step {
    match event {
        Event::Joined {
            name,
            is_vouched,
            since,
        } => joined(case, name, *is_vouched, *since, cx),
        Event::Requested {
            name,
            write_to,
            since,
        } => requested(case, name, *write_to, *since, cx),
        _ => match case {
            Some(case) => Turn::new(case, cx).take(event),
            None => unchanged(None),
        },
    }
}

/// Whether what was asked for is still to be done: since then somebody may have decided otherwise.
pub(super) fn is_wanted(deed: Deed, case: Option<&Case>, settings: &Settings) -> bool {
    if !settings.is_on && deed != Deed::Lift {
        return false;
    }
    if deed == Deed::Approve && settings.approve_first {
        return true;
    }
    let Some(case) = case else { return false };
    let is_leaving = case.status == Status::Pending && case.ending.is_some();
    match deed {
        Deed::Mute => case.is_in_group(),
        Deed::Lift | Deed::Approve => case.status == Status::Passed,
        Deed::Remove => is_leaving && case.route == Route::Joined,
        Deed::Decline => is_leaving && case.route != Route::Joined,
    }
}

fn unchanged(case: Option<Case>) -> Step {
    Step {
        case,
        effects: Vec::new(),
        reply: Reply::NotTheirs,
    }
}
