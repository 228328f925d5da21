//! What the assistant has still to do, as timers: kept with the decision that asked for it, done in a lane, and forgotten with
//! its result.
//!
//! ```text
//!  lane                            what is done there, one after another
//!  the chat's                      decisions: questions, commands, buttons, results
//!  assistant/answer/CHAT/THREAD    the model is asked, and previews are shown
//!  assistant/say/CHAT              what must arrive in the chat
//!  assistant/spent/USER            what was spent is counted
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::conversation::Place;
use super::machine::Event;
use super::outbox::Parcel;
use crate::bot::State;
use crate::store::{LaneKey, StoreError};

/// One piece of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Work {
    /// Something has happened in a conversation.
    Event { at: Place, event: Event },
    /// The place of an answer is to be made; `tries` have failed.
    Show { at: Place, id: u64, tries: u32 },
    /// The model is to be asked; the process was killed `tries` times while it was.
    Answer {
        at: Place,
        id: u64,
        #[serde(default)]
        tries: u32,
    },
    /// Something is to arrive in the chat. The same `what` is the same thing.
    Deliver {
        at: Place,
        what: String,
        parcel: Parcel,
    },
    /// Those who wait are to see how many are before them.
    Positions { at: Place },
    /// Whether the question in hand has been left by whoever should answer it; so it seemed already.
    Look {
        at: Place,
        id: u64,
        is_suspect: bool,
    },
    /// A conversation may have been quiet for long.
    Quiet { at: Place },
    /// So much was spent for somebody.
    Spend {
        user: i64,
        at: Place,
        id: u64,
        tokens: u64,
    },
    /// A new day has begun, and what somebody has spent on the one before means nothing.
    Midnight { user: i64 },
}

impl Work {
    pub(super) fn after(&self, state: &State, time: Duration) -> Result<(), StoreError> {
        state
            .in_lane(self.lane())
            .set_timer(&self.name(), time, self)
    }

    /// Has it done as soon as what is decided now is kept.
    pub(super) fn now(&self, state: &State) -> Result<(), StoreError> {
        self.after(state, Duration::ZERO)
    }

    fn lane(&self) -> LaneKey {
        match self {
            Self::Event { at, .. } | Self::Look { at, .. } | Self::Quiet { at } => LaneKey(at.chat),
            Self::Answer { at, .. } => LaneKey::named(&format!("assistant/answer/{}", at.name())),
            Self::Show { at, .. } | Self::Deliver { at, .. } | Self::Positions { at } => {
                LaneKey::named(&format!("assistant/say/{}", at.chat))
            }
            Self::Spend { user, .. } | Self::Midnight { user } => {
                LaneKey::named(&format!("assistant/spent/{user}"))
            }
        }
    }

    /// The same name is the same piece of work, which is done once.
    fn name(&self) -> String {
        let (at, what) = match self {
            Self::Event { at, event } => (at, event_name(event)),
            Self::Show { at, id, .. } => (at, format!("show/{id}")),
            Self::Answer { at, id, .. } => (at, format!("answer/{id}")),
            Self::Deliver { at, what, .. } => (at, format!("deliver/{what}")),
            Self::Positions { at } => (at, "positions".to_owned()),
            Self::Look { at, .. } => (at, "look".to_owned()),
            Self::Quiet { at } => (at, "quiet".to_owned()),
            Self::Spend { at, id, .. } => (at, format!("spend/{id}")),
            Self::Midnight { user } => return format!("assistant/midnight/{user}"),
        };
        format!("assistant/{}/{what}", at.name())
    }
}

/// Only results come as timers; what people do is decided at once.
fn event_name(event: &Event) -> String {
    match event {
        Event::Shown { id, .. } => format!("shown/{id}"),
        Event::Unreachable { id } => format!("unreachable/{id}"),
        Event::Answered { id, .. } => format!("answered/{id}"),
        _ => "event".to_owned(),
    }
}
