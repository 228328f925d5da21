//! What a bot of the sandbox can see: people, chats, messages, and the queue of its updates.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::info;

use super::answer::ApiError;
use super::faults::Faults;
use super::queue::UpdateQueue;

/// Which tokens are accepted.
pub(super) enum Tokens {
    Any,
    Only(Vec<String>),
}

/// A world for every token.
pub(super) struct Worlds {
    tokens: Tokens,
    by_token: HashMap<String, World>,
}

impl Worlds {
    pub(super) fn new(tokens: Tokens) -> Self {
        let known = match &tokens {
            Tokens::Any => Vec::new(),
            Tokens::Only(tokens) => tokens.clone(),
        };
        let by_token = known
            .into_iter()
            .map(|token| (token.clone(), World::new(bot_id(&token).unwrap_or(1))))
            .collect();
        Self { tokens, by_token }
    }

    /// The world of this token; a well-formed token makes one where every token is accepted.
    pub(super) fn of_token(&mut self, token: &str) -> Result<&mut World, ApiError> {
        let id = bot_id(token).ok_or_else(|| ApiError::new(404, "Not Found"))?;
        if let Tokens::Any = self.tokens {
            return Ok(self
                .by_token
                .entry(token.to_owned())
                .or_insert_with(|| World::new(id)));
        }
        self.by_token
            .get_mut(token)
            .ok_or_else(|| ApiError::new(401, "Unauthorized"))
    }

    /// The world of this bot, or of the only one there is.
    pub(super) fn of_bot(&mut self, bot: Option<i64>) -> Result<&mut World, ApiError> {
        let count = self.by_token.len();
        let mut worlds = self.by_token.values_mut();
        match bot {
            Some(id) => worlds
                .find(|world| world.bot_id == id)
                .ok_or_else(|| ApiError::bad_request("no such bot has called yet")),
            None if count == 1 => worlds
                .next()
                .ok_or_else(|| ApiError::bad_request("there is no bot")),
            None if count == 0 => Err(ApiError::bad_request(
                "no bot has called yet; make one with POST /control/bot",
            )),
            None => Err(ApiError::bad_request(&format!(
                "there are {count} bots; say which one with \"bot\", its number"
            ))),
        }
    }
}

fn bot_id(token: &str) -> Option<i64> {
    let (number, secret) = token.split_once(':')?;
    (secret.len() >= 3).then_some(())?;
    number.parse().ok().filter(|id| *id > 0)
}

/// A person, or the bot itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) is_bot: bool,
    #[serde(default = "nameless")]
    pub(super) first_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) language_code: Option<String>,
}

fn nameless() -> String {
    "Somebody".to_owned()
}

/// Somebody's place in a chat. `status` is one of the Bot API's words.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) user: User,
    pub(super) status: &'static str,
    /// What a restricted member may do.
    pub(super) permissions: Value,
    pub(super) until: i64,
}

/// A private chat or a group.
#[derive(Debug)]
pub(super) struct Chat {
    pub(super) id: i64,
    /// Set for a group.
    pub(super) title: Option<String>,
    pub(super) members: BTreeMap<i64, Member>,
    pub(super) messages: BTreeMap<i64, Value>,
    pub(super) requests: BTreeMap<i64, User>,
    next_message: i64,
}

/// One bot's world.
pub(super) struct World {
    pub(super) bot_id: i64,
    pub(super) queue: UpdateQueue,
    pub(super) chats: BTreeMap<i64, Chat>,
    pub(super) faults: Faults,
    pub(super) webhook: Option<String>,
    pub(super) commands: Value,
    /// Callback queries that were not answered.
    pub(super) callbacks: Vec<String>,
    /// How often each method was called.
    pub(super) calls: BTreeMap<String, u64>,
    /// Counts getUpdates calls: the newest one wins.
    pub(super) polls: u64,
    pub(super) last_poll: Option<(i64, Instant)>,
    pub(super) last_conflict: Option<Instant>,
    /// Rung when something changes that an open getUpdates waits for.
    pub(super) bell: Arc<Notify>,
}

impl World {
    fn new(bot_id: i64) -> Self {
        Self {
            bot_id,
            queue: UpdateQueue::new(fastrand::i64(100_000_000..900_000_000)),
            chats: BTreeMap::new(),
            faults: Faults::default(),
            webhook: None,
            commands: json!([]),
            callbacks: Vec::new(),
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

    pub(super) fn chat(&mut self, id: i64) -> Result<&mut Chat, ApiError> {
        self.chats
            .get_mut(&id)
            .ok_or_else(|| ApiError::bad_request("chat not found"))
    }

    /// The private chat with a person, who has opened it.
    pub(super) fn private_chat(&mut self, person: &User) -> &mut Chat {
        let bot = self.bot();
        self.chats.entry(person.id).or_insert_with(|| {
            let mut chat = Chat::new(person.id, None);
            chat.set_member(person.clone(), "member");
            chat.set_member(bot, "member");
            chat
        })
    }

    /// A group with the bot as its administrator.
    pub(super) fn group(&mut self, id: i64, title: &str) -> &mut Chat {
        let bot = self.bot();
        self.chats.entry(id).or_insert_with(|| {
            let mut chat = Chat::new(id, Some(title.to_owned()));
            chat.set_member(bot, "administrator");
            chat
        })
    }

    pub(super) fn push(&mut self, kind: &str, payload: &Value) -> Option<i64> {
        let id = self.queue.push(kind, payload);
        self.bell.notify_waiters();
        id
    }

    /// A person says something: the message, and the update that tells the bot.
    pub(super) fn say(
        &mut self,
        chat_id: i64,
        person: &User,
        text: &str,
        reply_to: Option<i64>,
    ) -> Result<Value, ApiError> {
        let chat = if chat_id == person.id {
            self.private_chat(person)
        } else {
            self.chat(chat_id)?
        };
        chat.let_speak(person)?;
        let mut message = chat.new_message(person);
        message["text"] = json!(text);
        if let Some(length) = command_length(text) {
            message["entities"] = json!([{ "type": "bot_command", "offset": 0, "length": length }]);
        }
        chat.set_reply(&mut message, reply_to)?;
        chat.keep(message.clone());
        chat.narrate(&person.first_name, text);
        self.push("message", &message);
        Ok(message)
    }

    /// Gives somebody another place in a chat, and tells a bot that asked for `chat_member`.
    pub(super) fn change_member(
        &mut self,
        chat_id: i64,
        by: &User,
        member: Member,
    ) -> Result<(), ApiError> {
        let chat = self.chat(chat_id)?;
        let nobody = Member {
            status: "left",
            permissions: json!({}),
            until: 0,
            user: member.user.clone(),
        };
        let old = chat
            .members
            .insert(member.user.id, member.clone())
            .unwrap_or(nobody);
        let payload = json!({
            "chat": chat.as_json(),
            "from": by,
            "date": now(),
            "old_chat_member": old.as_json(),
            "new_chat_member": member.as_json(),
        });
        self.push("chat_member", &payload);
        Ok(())
    }
}

impl Chat {
    fn new(id: i64, title: Option<String>) -> Self {
        Self {
            id,
            title,
            members: BTreeMap::new(),
            messages: BTreeMap::new(),
            requests: BTreeMap::new(),
            next_message: 1,
        }
    }

    fn set_member(&mut self, user: User, status: &'static str) {
        self.members.insert(user.id, Member::new(user, status));
    }

    /// Whoever speaks in a group is a member of it, and whoever was muted or banned cannot.
    fn let_speak(&mut self, person: &User) -> Result<(), ApiError> {
        let member = self
            .members
            .entry(person.id)
            .or_insert_with(|| Member::new(person.clone(), "member"));
        match member.status {
            "kicked" => Err(ApiError::new(
                403,
                "Forbidden: this person is banned from the chat",
            )),
            "restricted" if member.permissions["can_send_messages"] != json!(true) => Err(
                ApiError::new(403, "Forbidden: this person may not write in the chat"),
            ),
            "left" => {
                member.status = "member";
                Ok(())
            }
            _ => Ok(()),
        }
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
            Some(title) => json!({ "id": self.id, "type": "supergroup", "title": title }),
            None => {
                let person = self.members.get(&self.id).map(|member| &member.user);
                json!({
                    "id": self.id,
                    "type": "private",
                    "first_name": person.map_or("Somebody", |person| person.first_name.as_str()),
                })
            }
        }
    }

    /// A message with all but its content; [`keep`](Self::keep) puts it into the chat.
    pub(super) fn new_message(&mut self, from: &User) -> Value {
        let id = self.next_message;
        self.next_message += 1;
        json!({ "message_id": id, "from": from, "chat": self.as_json(), "date": now() })
    }

    pub(super) fn keep(&mut self, message: Value) {
        if let Some(id) = message["message_id"].as_i64() {
            self.messages.insert(id, message);
        }
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

impl Member {
    pub(super) fn new(user: User, status: &'static str) -> Self {
        Self {
            user,
            status,
            permissions: json!({}),
            until: 0,
        }
    }

    pub(super) fn as_json(&self) -> Value {
        let mut member = json!({ "user": self.user, "status": self.status });
        match self.status {
            "restricted" => {
                let all = [
                    "can_send_messages",
                    "can_send_audios",
                    "can_send_documents",
                    "can_send_photos",
                    "can_send_videos",
                    "can_send_video_notes",
                    "can_send_voice_notes",
                    "can_send_polls",
                    "can_send_other_messages",
                    "can_add_web_page_previews",
                    "can_change_info",
                    "can_invite_users",
                    "can_pin_messages",
                    "can_manage_topics",
                ];
                for name in all {
                    member[name] = json!(self.permissions[name].as_bool().unwrap_or(false));
                }
                member["is_member"] = json!(true);
                member["until_date"] = json!(self.until);
            }
            "kicked" => member["until_date"] = json!(self.until),
            "administrator" => {
                let rights = [
                    "can_be_edited",
                    "is_anonymous",
                    "can_manage_chat",
                    "can_delete_messages",
                    "can_manage_video_chats",
                    "can_restrict_members",
                    "can_promote_members",
                    "can_change_info",
                    "can_invite_users",
                    "can_post_stories",
                    "can_edit_stories",
                    "can_delete_stories",
                    "can_pin_messages",
                    "can_manage_topics",
                ];
                for name in rights {
                    member[name] = json!(!matches!(
                        name,
                        "can_be_edited" | "is_anonymous" | "can_promote_members"
                    ));
                }
            }
            "creator" => member["is_anonymous"] = json!(false),
            _ => {}
        }
        member
    }
}

/// Length of the command a text begins with, in UTF-16 units as the Bot API counts (commands are ASCII).
fn command_length(text: &str) -> Option<usize> {
    let word = text.split_whitespace().next()?;
    (word.len() > 1 && text.starts_with('/')).then_some(word.len())
}

/// Now, as the Bot API says it: seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}
