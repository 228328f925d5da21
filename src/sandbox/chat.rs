//! A chat: its members, its messages, and those who ask to join.

use std::collections::BTreeMap;

use axum::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::info;

use super::answer::ApiError;
use super::clock::Clock;
use super::grants::Grants;
use super::members::{Member, Status, User};
use super::photo::Photo;

/// The Bot API's kinds of chats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Private,
    Group,
    Supergroup,
}

/// Somebody who asks to join.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) user: User,
    pub(super) date: u64,
}

/// A private chat or a group.
#[derive(Debug)]
pub(super) struct Chat {
    pub(super) id: i64,
    pub(super) kind: Kind,
    /// Set for a group.
    pub(super) title: Option<String>,
    /// What those members of a group may do who are not restricted.
    pub(super) permissions: Grants,
    pub(super) members: BTreeMap<i64, Member>,
    pub(super) messages: BTreeMap<i64, Value>,
    /// What the bot's messages said, at first and after each edit, by message.
    pub(super) edits: BTreeMap<i64, Vec<Value>>,
    /// What was uploaded, by message.
    pub(super) photos: BTreeMap<i64, Photo>,
    pub(super) documents: BTreeMap<i64, Bytes>,
    pub(super) requests: BTreeMap<i64, Request>,
    /// Whether the person of a private chat has written to the bot.
    pub(super) is_open: bool,
    pub(super) is_blocked: bool,
    /// The supergroup that this group has become.
    pub(super) migrated_to: Option<i64>,
    clock: Clock,
    next_message: i64,
}

impl Chat {
    pub(super) fn new(id: i64, kind: Kind, title: Option<String>, clock: Clock) -> Self {
        Self {
            id,
            kind,
            title,
            permissions: Grants::default_permissions(),
            members: BTreeMap::new(),
            messages: BTreeMap::new(),
            edits: BTreeMap::new(),
            photos: BTreeMap::new(),
            documents: BTreeMap::new(),
            requests: BTreeMap::new(),
            is_open: false,
            is_blocked: false,
            migrated_to: None,
            clock,
            next_message: 1,
        }
    }

    pub(super) fn is_group(&self) -> bool {
        self.kind != Kind::Private
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Ends bans and restrictions whose time is over.
    pub(super) fn settle(&mut self) {
        let now = self.now();
        for member in self.members.values_mut() {
            member.settle(now);
        }
    }

    pub(super) fn set_member(&mut self, user: User, status: Status) {
        self.members.insert(user.id, Member::new(user, status));
    }

    pub(super) fn has(&self, user_id: i64) -> bool {
        self.members.get(&user_id).is_some_and(Member::is_present)
    }

    /// The place that somebody gets who enters. A restriction is still there.
    pub(super) fn entering(&self, user: &User) -> Result<Member, ApiError> {
        match self.members.get(&user.id) {
            Some(member) if member.is_present() => {
                Err(ApiError::bad_request("USER_ALREADY_PARTICIPANT"))
            }
            Some(member) if member.status == Status::Kicked => Err(ApiError::new(
                403,
                "Forbidden: this person is banned from the chat",
            )),
            Some(member) if member.status == Status::Restricted => Ok(Member {
                is_member: true,
                ..member.clone()
            }),
            _ => Ok(Member::new(user.clone(), Status::Member)),
        }
    }

    /// Whoever speaks in a group is a member of it, and whoever was muted or banned cannot.
    pub(super) fn let_speak(&mut self, person: &User) -> Result<(), ApiError> {
        if !self.has(person.id) {
            let member = self.entering(person)?;
            self.members.insert(person.id, member);
        }
        let muted = |member: &Member| {
            member.status == Status::Restricted && !member.grants.allow("can_send_messages")
        };
        let silent = self.is_group()
            && match self.members.get(&person.id) {
                Some(member) if member.is_administrator() => false,
                Some(member) => muted(member) || !self.permissions.allow("can_send_messages"),
                None => true,
            };
        if silent {
            return Err(ApiError::new(
                403,
                "Forbidden: this person may not write in the chat",
            ));
        }
        Ok(())
    }

    /// Quotes the message that is replied to, without what that one replied to: the Bot API nests one level.
    pub(super) fn set_reply(
        &self,
        message: &mut Value,
        reply_to: Option<i64>,
    ) -> Result<(), ApiError> {
        let Some(id) = reply_to else { return Ok(()) };
        let replied = self
            .messages
            .get(&id)
            .ok_or_else(|| ApiError::bad_request("message to be replied not found"))?;
        let mut replied = replied.clone();
        if let Some(fields) = replied.as_object_mut() {
            fields.remove("reply_to_message");
        }
        message["reply_to_message"] = replied;
        Ok(())
    }

    pub(super) fn as_json(&self) -> Value {
        match &self.title {
            Some(title) => json!({ "id": self.id, "type": self.kind, "title": title }),
            None => {
                let person = self.members.get(&self.id).map(|member| &member.user);
                json!({
                    "id": self.id,
                    "type": self.kind,
                    "first_name": person.map_or("Somebody", |person| person.first_name.as_str()),
                })
            }
        }
    }

    /// A message with all but its content; [`keep`](Self::keep) puts it into the chat.
    pub(super) fn new_message(&mut self, from: &User) -> Value {
        let id = self.next_message;
        self.next_message += 1;
        json!({ "message_id": id, "from": from, "chat": self.as_json(), "date": self.now() })
    }

    pub(super) fn keep(&mut self, message: Value) {
        if let Some(id) = message["message_id"].as_i64() {
            self.messages.insert(id, message);
        }
    }

    /// Remembers what a message of the bot's says now.
    pub(super) fn record(&mut self, id: i64, text: &str) {
        let said = json!({ "at_ms": self.clock.now_ms(), "text": text });
        self.edits.entry(id).or_default().push(said);
    }

    /// Tells the conversation to whoever watches. These people are made up, so their words may be logged.
    pub(super) fn narrate(&self, who: &str, text: &str) {
        let place = match (&self.title, self.members.get(&self.id)) {
            (Some(title), _) => title.as_str(),
            (None, Some(person)) if person.user.first_name != who => {
                person.user.first_name.as_str()
            }
            (None, _) => "the bot",
        };
        info!(target: "sundown::conversation", "{who} → {place}: {}", text.replace('\n', " ⏎ "));
    }
}

/// Puts a message into a topic of a forum. Any number is a topic here.
pub(super) fn put_into_topic(message: &mut Value, thread: i64) {
    message["message_thread_id"] = json!(thread);
    message["is_topic_message"] = json!(true);
}
