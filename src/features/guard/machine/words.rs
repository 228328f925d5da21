//! What the machine is told, and what it says.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::features::guard::case::Case;
use crate::features::guard::group::{NoticeKind, Settings};
use crate::features::guard::moment::Moment;
use crate::features::guard::texts::Person;

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::features::guard) enum Event {
    /// Became a member. Who was let in on request has passed already.
    Joined {
        name: String,
        is_vouched: bool,
        since: Moment,
    },
    /// Asks to become one, since this time.
    Requested {
        name: String,
        write_to: i64,
        since: Moment,
    },
    /// Wants the challenge, by the prompt's link.
    Opened,
    /// Wants a challenge in words instead of a picture.
    Blind,
    /// Typed an answer.
    Typed { text: String },
    /// Pressed one of the challenge's buttons.
    Pressed { challenge: u32, option: usize },
    /// Pressed the button in the group.
    PressedInGroup,
    /// The challenge could not be delivered.
    Unreachable,
    /// An administrator says that they are fine.
    Approved { by: Person },
    /// An administrator says that they are to go.
    Rejected,
    /// An administrator has un-muted them.
    Unmuted { by: Person },
    /// An administrator, or another bot, has restricted them: they are that one's now.
    TakenOver,
    /// The guard is switched off.
    Released,
    /// They went.
    Left,
    /// Somebody else has removed them.
    Removed,
    /// The time that they had may be over, or that for which an ended case is remembered.
    Due,
    /// A scan looks at them.
    Scanned,
    /// A scan has warned them.
    Warned,
    /// A scan removes who has no warnings left.
    LastCall,
    /// What was asked for has been done.
    Done(Deed),
    /// It could not be done, and will not be tried again.
    Failed(Deed),
}

/// What is done to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::features::guard) enum Deed {
    Mute,
    Lift,
    Remove,
    Approve,
    Decline,
}

/// What is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::features::guard) enum Effect {
    Do(Deed),
    /// Sends the challenge.
    Ask,
    /// Takes the challenge that was sent away again.
    TakeBack,
    Tell(Tell),
    /// The group's prompt may name other people now.
    Prompt,
    Notice(NoticeKind),
    /// [`Event::Due`] at this time, instead of any other.
    WakeAt(Moment),
    NeverWake,
}

/// What the person is told in private.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::features::guard) enum Tell {
    Passed,
    LetIn,
    Wrong { left: u8 },
    OutOfAttempts,
    TooLate,
    Expired,
    TurnedAway,
}

/// What whoever caused the event is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::features::guard) enum Reply {
    /// It is done.
    Ok,
    /// There is nothing of theirs that waits for it.
    NotTheirs,
    /// That was not right.
    Wrong,
    /// By the link, not here.
    ElsewherePlease,
}

/// What the decision depends on, besides the case.
#[derive(Clone, Copy, Debug)]
pub(in crate::features::guard) struct Context<'a> {
    pub(in crate::features::guard) chat: i64,
    pub(in crate::features::guard) user: i64,
    pub(in crate::features::guard) now: Moment,
    pub(in crate::features::guard) settings: &'a Settings,
    /// Whether those who come now are turned away.
    pub(in crate::features::guard) declines: bool,
    /// Whether an administrator trusts them.
    pub(in crate::features::guard) is_trusted: bool,
    /// For how long the bot was down since the case was opened.
    pub(in crate::features::guard) downtime: Duration,
    /// What chance there is comes from this.
    pub(in crate::features::guard) seed: u64,
}

/// The outcome of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::features::guard) struct Step {
    pub(in crate::features::guard) case: Option<Case>,
    pub(in crate::features::guard) effects: Vec<Effect>,
    pub(in crate::features::guard) reply: Reply,
}
