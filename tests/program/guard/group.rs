//! A group that administrators set the guard of.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::support::{Bot, Server};

/// Who made every group of the sandbox.
pub(super) const OWNER: i64 = 7_999_999_999;
/// What the bot's number is, by its token.
pub(super) const BOT: i64 = 123_456_789;

/// A group with a bot that guards it, or is asked to.
pub(super) struct Group {
    pub(super) bot: Bot,
    pub(super) chat: i64,
}

impl Group {
    pub(super) async fn new(chat: i64, kind: &str) -> Self {
        let bot = Bot::start().await;
        let group = json!({ "chat_id": chat, "title": "Tea room", "kind": kind });
        bot.server.post("group", group).await;
        Self { bot, chat }
    }

    pub(super) fn server(&self) -> &Server {
        &self.bot.server
    }

    /// Somebody writes in the group.
    pub(super) async fn say(&self, user: i64, text: &str) {
        self.say_to(user, text, None).await;
    }

    pub(super) async fn say_to(&self, user: i64, text: &str, reply_to: Option<i64>) {
        let said = json!({ "user": person(user), "chat_id": self.chat, "text": text, "reply_to": reply_to });
        self.server().post("message", said).await;
    }

    pub(super) async fn join(&self, user: i64) {
        let join = json!({ "user": person(user), "chat_id": self.chat });
        self.server().post("join", join).await;
    }

    /// Presses a button under a message, and says what was answered.
    pub(super) async fn press(&self, user: i64, message: &Value, data: &str) -> Value {
        let press = json!({ "user": person(user), "chat_id": self.chat, "message_id": message["message_id"], "data": data });
        let id = self.server().post("press", press).await;
        self.wait("an answer to the press", async || {
            let answers = self.server().get("answers").await;
            let mut answers = answers.as_array().unwrap().iter();
            answers.find(|answer| answer["id"] == id).cloned()
        })
        .await
    }

    /// What the bot says in the group now.
    pub(super) async fn said(&self) -> Vec<Value> {
        let call = format!("messages?chat_id={}", self.chat);
        let messages = self.server().get(&call).await;
        let mut messages = messages.as_array().cloned().unwrap_or_default();
        messages.retain(|message| message["from"]["id"] == json!(BOT));
        messages
    }

    /// Waits for a message of the bot with this in its text or on its buttons.
    pub(super) async fn wait_for(&self, text: &str) -> Value {
        self.wait(text, async || {
            let said = self.said().await;
            said.into_iter()
                .find(|message| message.to_string().contains(text))
        })
        .await
    }

    pub(super) async fn member(&self, user: i64) -> Value {
        let call = format!("members?chat_id={}", self.chat);
        let members = self.server().get(&call).await;
        let mut members = members.as_array().into_iter().flatten();
        let member = members.find(|member| member["user"]["id"] == json!(user));
        member.cloned().unwrap_or_default()
    }

    /// Waits until somebody's place in the group is this.
    pub(super) async fn wait_for_status(&self, user: i64, status: &str) {
        self.wait(&format!("{user} {status}"), async || {
            let member = self.member(user).await;
            (member["status"] == json!(status)).then_some(())
        })
        .await;
    }

    /// Waits until somebody who was muted may write.
    pub(super) async fn wait_until_free(&self, user: i64) {
        self.wait(&format!("{user} may write"), async || {
            let member = self.member(user).await;
            let may =
                member["status"] == json!("member") || member["can_send_messages"] == json!(true);
            may.then_some(())
        })
        .await;
    }

    pub(super) async fn wait<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let give_up = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(
                Instant::now() < give_up,
                "no {what}; the bot said {:#?}",
                self.said().await
            );
            sleep(Duration::from_millis(20)).await; // between two looks at a condition
        }
    }
}

pub(super) fn person(user: i64) -> Value {
    json!({ "id": user, "first_name": format!("Person {user}") })
}
