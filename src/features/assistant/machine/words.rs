//! What the machine is told, and what it says.

use serde::{Deserialize, Serialize};

use super::{Conversation, Question};
use crate::features::assistant::Settings;
use crate::features::assistant::moment::Moment;

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum Event {
    /// Somebody has asked something.
    Asked(Asked),
    /// The question that was over last is asked again: this one, if it still is that.
    Again { by: i64, id: Option<u64> },
    /// A question's answer has a place, or none.
    Shown { id: u64, message: Option<i32> },
    /// Nothing can be written to the chat.
    Unreachable { id: u64 },
    /// What came of asking the model.
    Answered {
        id: u64,
        text: String,
        how: How,
        tokens: u64,
    },
    /// A question is to be stopped, or all; those of one person, or whoever's they are.
    Stop { by: Option<i64>, id: Option<u64> },
    /// The history is to be forgotten.
    Forget,
    /// A model is chosen; none: the usual one.
    Choose { model: Option<String> },
    /// It may have been quiet for so long that the history is forgotten.
    Quiet,
}

/// A question as it comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Asked {
    pub(in super::super) user: i64,
    pub(in super::super) message: i32,
    pub(in super::super) text: String,
    pub(in super::super) quoted: Option<String>,
    /// The bot itself has said that.
    pub(in super::super) quotes_us: bool,
}

/// How an answer has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum How {
    Complete,
    /// By somebody who has had enough.
    Stopped,
    /// By the bot's own stop.
    GoingDown,
    /// By something else, which is said in words for people.
    CutOff(String),
    /// Nothing has come, for this reason in words for people.
    Failed(String),
}

/// What is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Effect {
    /// A place for the answer is to be made.
    Show { id: u64 },
    /// The model is to be asked.
    Answer { id: u64 },
    /// Whoever writes the answer is to end.
    Cut { id: u64 },
    /// The answer goes into the chat.
    Deliver {
        question: Box<Question>,
        text: String,
        how: How,
    },
    /// A message that said that something would be answered is to say that it will not be.
    Withdraw { message: i32 },
    /// Those who wait are to see how many are before them.
    Positions,
    /// A question is over.
    Over { id: u64 },
    /// So much was spent for somebody.
    Spend { user: i64, id: u64, tokens: u64 },
    /// `Quiet` is to be said when the conversation has been.
    WakeWhenQuiet,
}

/// What is to be said at once to whoever has caused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Reply {
    /// Nothing: it is done, or what is done says it.
    Ok,
    /// Too many wait.
    Full,
    /// Something is being stopped, and so many that waited are cancelled.
    Stopping { cancelled: usize },
    /// There is nothing to stop.
    NothingToStop,
    /// There is nothing to ask again, or no longer.
    NothingToRepeat,
    /// Another one was asked since.
    NotTheLast,
    /// It is somebody else's.
    NotYours,
}

/// What a decision rests on beside the conversation.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Context<'a> {
    pub(in super::super) now: Moment,
    pub(in super::super) settings: &'a Settings,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Step {
    pub(in super::super) conversation: Conversation,
    pub(in super::super) effects: Vec<Effect>,
    pub(in super::super) reply: Reply,
}
