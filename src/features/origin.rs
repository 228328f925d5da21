//! Where a message came from, for whoever answers it.

use teloxide::Bot;
use teloxide::types::{ChatId, MessageId, ReplyParameters, ThreadId};

use crate::telegram::outgoing::Outgoing;

/// A message with the bot that has received it.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(super) bot: Bot,
    pub(super) outgoing: Outgoing,
    pub(super) chat: i64,
    /// A forum's topic, or 0.
    pub(super) thread: i32,
    pub(super) message: i32,
}

impl Origin {
    pub(super) fn chat_id(&self) -> ChatId {
        ChatId(self.chat)
    }

    pub(super) fn thread_id(&self) -> Option<ThreadId> {
        (self.thread != 0).then_some(ThreadId(MessageId(self.thread)))
    }

    /// An answer to the message, or to nothing where it is deleted.
    pub(super) fn reply(&self) -> ReplyParameters {
        ReplyParameters::new(MessageId(self.message)).allow_sending_without_reply()
    }
}
