//! What the browser has still to do for chats, as timers: kept with the command that asked for it, done in a lane, and
//! forgotten with its result.
//!
//! ```text
//!  lane               what is done there, one after another
//!  the chat's         commands are taken, and what is over is crossed out
//!  browser/CHAT       pages are read, and what comes of it is sent
//!  browser/say/CHAT   what needs no page is answered
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::order::Order;
use crate::bot::State;
use crate::features::moment::Moment;
use crate::store::{LaneKey, StoreError};

/// What every timer's name begins with.
pub(super) const OURS: &str = "browser/";

/// Who has asked, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asker {
    pub(super) chat: i64,
    /// A forum's topic, or 0.
    pub(super) thread: i32,
    pub(super) user: i64,
    /// The message with the command.
    pub(super) message: i32,
}

/// What is asked for, and how it has gone so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) by: Asker,
    pub(super) order: Order,
    pub(super) since: Moment,
    /// So often its result could not be sent.
    #[serde(default)]
    pub(super) tries: u32,
}

/// One piece of work.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Work {
    /// An order is to be carried out.
    Do(Job),
    /// It was, or never will be.
    Over { by: Asker },
    /// A text is to be said; `tries` have failed.
    Say {
        by: Asker,
        text: String,
        since: Moment,
        tries: u32,
    },
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
            Self::Do(Job { by, .. }) => LaneKey::named(&format!("browser/{}", by.chat)),
            Self::Over { by } => LaneKey(by.chat),
            Self::Say { by, .. } => LaneKey::named(&format!("browser/say/{}", by.chat)),
        }
    }

    /// The same name is the same piece of work, which is done once.
    fn name(&self) -> String {
        let (what, by) = match self {
            Self::Do(Job { by, .. }) => ("do", by),
            Self::Over { by } => ("over", by),
            Self::Say { by, .. } => ("say", by),
        };
        format!("{OURS}{what}/{}/{}", by.chat, by.message)
    }
}
