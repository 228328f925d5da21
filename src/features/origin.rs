//! Where a message came from, and from whom, for whoever answers it.

use teloxide::Bot;
use teloxide::types::{ChatId, Message, MessageId, ReplyParameters, ThreadId, User};

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
    /// Who is to be answered: see [`asker_of`].
    pub(super) user: i64,
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

/// Whose message it is. Those who write in a group's or a channel's name all have the same account, so it is that name's.
pub(super) fn asker_of(message: &Message) -> Option<i64> {
    let name = message.sender_chat.as_ref().map(|chat| chat.id.0);
    name.or_else(|| message.from.as_ref().map(number_of))
}

pub(super) fn number_of(user: &User) -> i64 {
    i64::try_from(user.id.0).unwrap_or(i64::MAX)
}

/// Other bots are not answered, or two of them would talk for ever. Whoever writes in a group's or channel's name is a person.
pub(super) fn is_by_a_person(message: &Message) -> bool {
    let from = message.from.as_ref();
    from.is_some_and(|from| !from.is_bot) || (from.is_some() && message.sender_chat.is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_writes_in_the_name_of_a_group_or_a_channel_asks_as_that() {
        let group = json!({ "id": -1_001, "type": "supergroup", "title": "Tea" });
        let anonymous = json!({ "id": 1_087_968_824, "is_bot": true, "first_name": "Group" });
        let mut message = json!({
            "message_id": 1, "date": 1, "chat": group, "from": anonymous, "text": "why?",
            "sender_chat": { "id": -1_002, "type": "channel", "title": "Milk" },
        });
        let asker = |message: &serde_json::Value| {
            asker_of(&serde_json::from_value(message.clone()).unwrap())
        };
        assert_eq!(asker(&message), Some(-1_002));
        message["sender_chat"].take();
        assert_eq!(asker(&message), Some(1_087_968_824));
    }
}
