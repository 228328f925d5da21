//! What a bot of the sandbox can see: people, chats, messages, and the queue of its updates.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::answer::ApiError;
use super::chat::{Chat, Kind, put_into_topic};
use super::clock::Clock;
use super::faults::Faults;
use super::marks;
use super::members::{Member, Status, User};
use super::queue::UpdateQueue;

/// Who made every group. The number is above a sandbox bot's, so that lists by number begin with the bot.
const OWNER: i64 = 7_999_999_999;

/// One bot's world.
pub(super) struct World {
    pub(super) bot_id: i64,
    pub(super) clock: Clock,
    pub(super) queue: UpdateQueue,
    pub(super) chats: BTreeMap<i64, Chat>,
    pub(super) faults: Faults,
    pub(super) webhook: Option<String>,
    /// Commands by scope and language, as they were set.
    pub(super) commands: BTreeMap<String, Value>,
    /// Callback queries that were not answered.
    pub(super) callbacks: Vec<String>,
    /// What was answered to the others, in order.
    pub(super) answers: Vec<Value>,
    /// How often each method was called.
    pub(super) calls: BTreeMap<String, u64>,
    /// Counts getUpdates calls: the newest one wins.
    pub(super) polls: u64,
    pub(super) last_poll: Option<(i64, Instant)>,
    pub(super) last_conflict: Option<Instant>,
    /// Rung when something changes that an open getUpdates waits for.
    pub(super) bell: Arc<Notify>,
}

/// How somebody came to another place in a chat.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    pub(super) via_join_request: bool,
    pub(super) invite_link: Option<Value>,
}

/// Where in a chat somebody says something.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct About {
    /// The message that is answered.
    pub(super) reply_to: Option<i64>,
    /// The topic of a forum.
    pub(super) thread: Option<i64>,
}

impl World {
    pub(super) fn new(bot_id: i64) -> Self {
        Self {
            bot_id,
            clock: Clock::default(),
            queue: UpdateQueue::new(fastrand::i64(100_000_000..900_000_000)),
            chats: BTreeMap::new(),
            faults: Faults::default(),
            webhook: None,
            commands: BTreeMap::new(),
            callbacks: Vec::new(),
            answers: Vec::new(),
            calls: BTreeMap::new(),
            polls: 0,
            last_poll: None,
            last_conflict: None,
            bell: Arc::default(),
        }
    }

    pub(super) fn bot(&self) -> User {
        User {
            id: self.bot_id,
            is_bot: true,
            first_name: "Sandbox bot".to_owned(),
            username: Some("sandbox_bot".to_owned()),
            language_code: None,
        }
    }

    /// Somebody whom the bot has met: in a private chat, in a group, or by a request to join one.
    pub(super) fn person(&self, id: i64) -> Option<&User> {
        let met =
            |chat: &'_ Chat| chat.members.contains_key(&id) || chat.requests.contains_key(&id);
        let chat = self.chats.values().find(|chat| met(chat))?;
        let member = chat.members.get(&id).map(|member| &member.user);
        member.or_else(|| chat.requests.get(&id).map(|request| &request.user))
    }

    /// The private chat with a person, whether or not it is open to the bot.
    pub(super) fn private_chat(&mut self, person: &User) -> &mut Chat {
        let (bot, clock) = (self.bot(), self.clock.clone());
        self.chats.entry(person.id).or_insert_with(|| {
            let mut chat = Chat::new(person.id, Kind::Private, None, clock);
            chat.set_member(person.clone(), Status::Member);
            chat.set_member(bot, Status::Member);
            chat
        })
    }

    /// A group with the bot as its administrator.
    pub(super) fn group(&mut self, id: i64, title: &str, kind: Kind) -> &mut Chat {
        let (bot, clock) = (self.bot(), self.clock.clone());
        self.chats.entry(id).or_insert_with(|| {
            let mut chat = Chat::new(id, kind, Some(title.to_owned()), clock);
            chat.set_member(owner(), Status::Creator);
            chat.set_member(bot, Status::Administrator);
            chat
        })
    }

    pub(super) fn push(&mut self, kind: &str, payload: &Value) -> Option<i64> {
        let id = self.queue.push(kind, payload);
        self.bell.notify_waiters();
        id
    }

    /// Tells the bot of something in a chat, where it is in that chat.
    pub(super) fn push_from(&mut self, chat_id: i64, kind: &str, payload: &Value) {
        let bot_id = self.bot_id;
        if self
            .chats
            .get(&chat_id)
            .is_some_and(|chat| chat.has(bot_id))
        {
            self.push(kind, payload);
        }
    }

    /// A person says something: the message, and the update that tells the bot.
    pub(super) fn say(
        &mut self,
        chat_id: i64,
        person: &User,
        text: &str,
        about: About,
    ) -> Result<Value, ApiError> {
        let chat = if chat_id == person.id {
            self.private_chat(person)
        } else {
            self.living(chat_id)?
        };
        chat.let_speak(person)?;
        let mut message = chat.new_message(person);
        message["text"] = json!(text);
        let marks = marks::of(text);
        if !marks.is_empty() {
            message["entities"] = json!(marks);
        }
        if let Some(thread) = about.thread {
            put_into_topic(&mut message, thread);
        }
        chat.set_reply(&mut message, about.reply_to)?;
        chat.keep(message.clone());
        chat.narrate(&person.first_name, text);
        if chat_id == person.id {
            self.block(person, false);
        }
        self.push_from(chat_id, "message", &message);
        Ok(message)
    }

    /// A person blocks the bot, or lets it in; who writes does the latter.
    pub(super) fn block(&mut self, person: &User, is_blocked: bool) {
        let bot = self.bot();
        let chat = self.private_chat(person);
        let status = |is_blocked| {
            if is_blocked {
                Status::Kicked
            } else {
                Status::Member
            }
        };
        let was = std::mem::replace(&mut chat.is_blocked, is_blocked);
        chat.is_open = true;
        if was == is_blocked {
            return;
        }
        let change = json!({
            "chat": chat.as_json(),
            "from": person,
            "date": chat.now(),
            "old_chat_member": Member::new(bot.clone(), status(was)).as_json(),
            "new_chat_member": Member::new(bot, status(is_blocked)).as_json(),
        });
        self.push("my_chat_member", &change);
    }

    /// Gives somebody another place in a chat: the update that tells it to a bot that may know, and the service
    /// message where somebody came or went. Null where there is no such message.
    pub(super) fn change_member(
        &mut self,
        chat_id: i64,
        by: &User,
        member: Member,
        entry: &Entry,
    ) -> Result<Value, ApiError> {
        let chat = self.living(chat_id)?;
        let id = member.user.id;
        let nobody = || Member::new(member.user.clone(), Status::Left);
        let old = chat
            .members
            .insert(id, member.clone())
            .unwrap_or_else(nobody);
        if old == member {
            return Ok(Value::Null);
        }
        let mut change = json!({
            "chat": chat.as_json(),
            "from": by,
            "date": chat.now(),
            "old_chat_member": old.as_json(),
            "new_chat_member": member.as_json(),
        });
        if entry.via_join_request {
            change["via_join_request"] = json!(true);
        }
        if let Some(link) = &entry.invite_link {
            change["invite_link"] = link.clone();
        }
        if member.is_present() {
            chat.requests.remove(&id);
        }
        self.tell_of_member(chat_id, id, &change);
        Ok(self.tell_of_move(chat_id, by, &old, &member))
    }

    /// A bot always learns of itself, and of others as an administrator.
    fn tell_of_member(&mut self, chat_id: i64, id: i64, change: &Value) {
        let bot_id = self.bot_id;
        let bot = |chat: &Chat| {
            chat.members
                .get(&bot_id)
                .is_some_and(Member::is_administrator)
        };
        if id == bot_id {
            self.push("my_chat_member", change);
        } else if self.chats.get(&chat_id).is_some_and(bot) {
            self.push("chat_member", change);
        }
    }

    fn tell_of_move(&mut self, chat_id: i64, by: &User, old: &Member, new: &Member) -> Value {
        let user = &new.user;
        let (field, content, what) = match (old.is_present(), new.is_present()) {
            (false, true) => ("new_chat_members", json!([user]), "(joins)"),
            (true, false) if by == user => ("left_chat_member", json!(user), "(leaves)"),
            (true, false) => ("left_chat_member", json!(user), "(is removed)"),
            _ => return Value::Null,
        };
        let Some(chat) = self.chats.get_mut(&chat_id) else {
            return Value::Null;
        };
        let mut service = chat.new_message(by);
        service[field] = content;
        chat.keep(service.clone());
        chat.narrate(&user.first_name, what);
        self.push_from(chat_id, "message", &service);
        service
    }
}

/// Who made every group of the sandbox.
pub(super) fn owner() -> User {
    User {
        id: OWNER,
        is_bot: false,
        first_name: "Owner".to_owned(),
        username: None,
        language_code: None,
    }
}
