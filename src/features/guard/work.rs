//! What the guard has still to do, as timers: kept with the decision that asked for it, done in a lane, and forgotten with its
//! result.
//!
//! ```text
//!  lane            what is done there, one after another
//!  the group's     decisions: joins, buttons, commands, results, deadlines
//!  guard/do/CHAT   what is done to members
//!  guard/say/CHAT  what is said in the group
//!  guard/to/CHAT   what is said to somebody in private
//!  guard           the pulse and the schedule
//! ```
//!
//! So a decision never waits for Telegram, a mute never waits for a message, and a group that is refused everything holds up
//! nobody but itself.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::admin::View;
use super::machine::{Deed, Event, Tell};
use super::moment::Moment;
use super::scan::Step;
use crate::bot::State;
use crate::store::{LaneKey, StoreError};

/// One piece of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Work {
    /// Something has happened to somebody's case.
    Event { chat: i64, user: i64, event: Event },
    /// A case's time may be over.
    Due { chat: i64, user: i64 },
    /// To be done to somebody; `tries` have failed.
    Do {
        chat: i64,
        user: i64,
        deed: Deed,
        tries: u8,
    },
    /// The challenge of somebody is to be sent.
    Ask {
        chat: i64,
        user: i64,
        to: i64,
        tries: u8,
    },
    /// The challenge is to be taken away.
    TakeBack { chat: i64, to: i64 },
    /// Somebody is to be told how it went.
    Tell { chat: i64, to: i64, tell: Tell },
    /// The prompt is to be as it should be.
    Prompt { chat: i64 },
    /// What there is to say about people is to be said.
    Notices { chat: i64 },
    /// Notices up to this number have been said.
    Noticed { chat: i64, before: u64 },
    /// A message has had its time.
    Delete {
        chat: i64,
        message: i32,
        #[serde(default)]
        tries: u8,
    },
    /// Whether a raid is over.
    Raid { chat: i64 },
    /// The administrators are to be told.
    TellAdministrators { chat: i64, text: String },
    /// One of them, or the operator.
    Write {
        to: i64,
        text: String,
        #[serde(default)]
        tries: u8,
    },
    /// A message with buttons is to be shown, in this message or a new one; `tries` have failed.
    Show {
        chat: i64,
        view: View,
        message: Option<i32>,
        tries: u8,
    },
    /// A command is to be answered.
    Reply { chat: i64, text: String, tries: u8 },
    /// Something was refused, perhaps for want of a right.
    CheckRights { chat: i64 },
    /// It was; the administrators are to be told, unless they have been lately.
    Complain { chat: i64, text: String },
    /// In a dry run this was not done to somebody.
    Skipped { chat: i64, user: i64, deed: Deed },
    /// The group has another number.
    Migrate { chat: i64, to: i64 },
    /// Says that the guard is alive.
    Pulse,
    /// A step of a scan, which says itself where it is done.
    Scan(Step),
}

impl Work {
    pub(super) fn delete(chat: i64, message: i32) -> Self {
        let tries = 0;
        Self::Delete {
            chat,
            message,
            tries,
        }
    }

    pub(super) fn write(to: i64, text: String) -> Self {
        let tries = 0;
        Self::Write { to, text, tries }
    }

    /// Has it done at this time, instead of the same that was to be done at another time.
    pub(super) fn at(self, state: &State, at: Moment, now: Moment) -> Result<(), StoreError> {
        self.after(state, at.since(now))
    }

    pub(super) fn after(self, state: &State, time: Duration) -> Result<(), StoreError> {
        state
            .in_lane(self.lane())
            .set_timer(&self.name(), time, &self)
    }

    /// Has it done as soon as what is decided now is kept.
    pub(super) fn now(self, state: &State) -> Result<(), StoreError> {
        self.after(state, Duration::ZERO)
    }

    fn lane(&self) -> LaneKey {
        match self {
            Self::Event { chat, .. }
            | Self::Due { chat, .. }
            | Self::Noticed { chat, .. }
            | Self::Complain { chat, .. }
            | Self::Skipped { chat, .. }
            | Self::Migrate { chat, .. }
            | Self::Raid { chat } => LaneKey(*chat),
            Self::Do { chat, .. } => LaneKey::named(&format!("guard/do/{chat}")),
            Self::Prompt { chat }
            | Self::Notices { chat }
            | Self::Delete { chat, .. }
            | Self::Show { chat, .. }
            | Self::Reply { chat, .. }
            | Self::CheckRights { chat }
            | Self::TellAdministrators { chat, .. } => LaneKey::named(&format!("guard/say/{chat}")),
            Self::Ask { to, .. }
            | Self::TakeBack { to, .. }
            | Self::Tell { to, .. }
            | Self::Write { to, .. } => LaneKey::named(&format!("guard/to/{to}")),
            Self::Pulse => LaneKey::named("guard"),
            Self::Scan(step) => step.lane(),
        }
    }

    /// The group that it is for, if it is to follow that group to another number. What is about a message does not: it has
    /// another number there, too.
    pub(super) fn follows(&self) -> Option<i64> {
        self.clone().group().copied()
    }

    /// The same for the group under another number.
    pub(super) fn in_group(mut self, to: i64) -> Self {
        if let Some(chat) = self.group() {
            *chat = to;
        }
        self
    }

    fn group(&mut self) -> Option<&mut i64> {
        match self {
            Self::Event { chat, .. }
            | Self::Due { chat, .. }
            | Self::Do { chat, .. }
            | Self::Ask { chat, .. }
            | Self::TakeBack { chat, .. }
            | Self::Tell { chat, .. }
            | Self::Prompt { chat }
            | Self::Notices { chat }
            | Self::Noticed { chat, .. }
            | Self::Raid { chat }
            | Self::TellAdministrators { chat, .. }
            | Self::Show {
                chat,
                message: None,
                ..
            }
            | Self::Reply { chat, .. }
            | Self::CheckRights { chat }
            | Self::Complain { chat, .. }
            | Self::Skipped { chat, .. } => Some(chat),
            // A scan ends where the group was; the next one finds it.
            Self::Scan(_)
            | Self::Delete { .. }
            | Self::Show { .. }
            | Self::Migrate { .. }
            | Self::Write { .. }
            | Self::Pulse => None,
        }
    }

    /// The same name is the same piece of work, which is done once.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Due { chat, user } => due(*chat, *user),
            Self::Do {
                chat, user, deed, ..
            } => format!("guard/do/{chat}/{user}/{deed:?}"),
            Self::Ask { chat, user, .. } => format!("guard/ask/{chat}/{user}"),
            Self::TakeBack { chat, to } => format!("guard/back/{chat}/{to}"),
            Self::Prompt { chat } => format!("guard/prompt/{chat}"),
            Self::Notices { chat } => format!("guard/notices/{chat}"),
            Self::Noticed { chat, .. } => format!("guard/noticed/{chat}"),
            Self::Delete { chat, message, .. } => format!("guard/delete/{chat}/{message}"),
            Self::Raid { chat } => format!("guard/raid/{chat}"),
            Self::Show {
                chat,
                message: Some(message),
                ..
            } => format!("guard/show/{chat}/{message}"),
            Self::CheckRights { chat } => format!("guard/rights/{chat}"),
            Self::Migrate { chat, .. } => format!("guard/migrate/{chat}"),
            Self::Skipped { chat, user, deed } => format!("guard/skipped/{chat}/{user}/{deed:?}"),
            Self::Pulse => "guard/pulse".to_owned(),
            Self::Scan(step) => step.name(),
            // Each of these is one of its own.
            Self::Event { .. }
            | Self::Tell { .. }
            | Self::TellAdministrators { .. }
            | Self::Show { .. }
            | Self::Reply { .. }
            | Self::Complain { .. }
            | Self::Write { .. } => format!("guard/once/{:016x}", fastrand::u64(..)),
        }
    }
}

/// The name of the timer that [`Work::Due`] has.
pub(super) fn due(chat: i64, user: i64) -> String {
    format!("guard/due/{chat}/{user}")
}
