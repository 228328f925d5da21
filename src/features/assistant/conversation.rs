//! What is kept of a conversation: of a chat, or of one topic of a forum.

use serde::{Deserialize, Serialize};

use super::moment::Moment;

/// Where a conversation is. The thread is 0 outside of a forum's topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) chat: i64,
    pub(super) thread: i32,
}

impl Place {
    /// Whether one person alone talks with the bot there.
    pub(super) fn is_private(self) -> bool {
        self.chat > 0
    }

    /// As a part of the names of what is kept about it.
    pub(super) fn name(self) -> String {
        format!("{}/{}", self.chat, self.thread)
    }
}

/// The document of a conversation. It is written in the chat's own lane alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Conversation {
    /// What was asked and answered, oldest first.
    pub(super) turns: Vec<Turn>,
    /// The first question is in hand, the others wait.
    pub(super) queue: Vec<Question>,
    /// The question that was over last, for another try.
    pub(super) last: Option<Question>,
    /// The model that was chosen here.
    pub(super) model: Option<String>,
    /// The number of the next question. It never begins anew, so that a button of long ago means nothing else today.
    pub(super) next: u64,
    /// The answers to earlier questions do not get into the history: it was forgotten after they were asked.
    pub(super) fresh_from: u64,
    /// When something was last asked or answered.
    pub(super) active: Moment,
}

/// A question with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Turn {
    pub(super) id: u64,
    /// As it was put to the model.
    pub(super) asked: String,
    pub(super) answered: String,
    /// The answer was stopped, or cut off.
    #[serde(default)]
    pub(super) is_partial: bool,
}

/// A question that is not over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Question {
    pub(super) id: u64,
    pub(super) user: i64,
    /// The message that asks it.
    pub(super) message: i32,
    pub(super) text: String,
    /// What it replies to.
    #[serde(default)]
    pub(super) quoted: Option<String>,
    /// The turn that its answer is to take the place of.
    #[serde(default)]
    pub(super) replaces: Option<u64>,
    /// Others were before it.
    #[serde(default)]
    pub(super) has_waited: bool,
    #[serde(default)]
    pub(super) shown: Shown,
    /// The model is being asked, or about to be.
    #[serde(default)]
    pub(super) is_begun: bool,
    #[serde(default)]
    pub(super) is_stopped: bool,
}

/// Where people see that a question is being answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shown {
    /// That is still to be shown.
    #[default]
    NotYet,
    /// It could not be.
    Nowhere,
    /// In this message.
    In(i32),
}

impl Shown {
    pub(super) fn message(self) -> Option<i32> {
        match self {
            Self::In(message) => Some(message),
            Self::NotYet | Self::Nowhere => None,
        }
    }
}

impl Conversation {
    pub(super) fn position(&self, id: u64) -> Option<usize> {
        self.queue.iter().position(|question| question.id == id)
    }

    /// The question in hand, where it is this one.
    pub(super) fn in_hand(&self, id: u64) -> Option<&Question> {
        self.queue.first().filter(|question| question.id == id)
    }
}

impl Question {
    /// As it is put to the model.
    pub(super) fn asked(&self) -> String {
        match &self.quoted {
            None => self.text.clone(),
            Some(quoted) => {
                let quoted: Vec<_> = quoted.lines().map(|line| format!("> {line}")).collect();
                format!("In reply to:\n{}\n\n{}", quoted.join("\n"), self.text)
            }
        }
    }
}
