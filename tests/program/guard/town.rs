//! Groups with a guard, and what happens in them.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sundown::store::sqlite::Sqlite;
use sundown::store::{Change, Engine, Expected, Key, Scope};

use crate::support::{Process, Server, TOKEN};

/// A group that is there in every town.
pub(super) const TEA: i64 = -1_001_000_000_777;
const BOT: &str = "123456789";

/// A sandbox with groups whose guard is on, and the bot's state directory.
pub(super) struct Town {
    pub(super) server: Server,
    state: tempfile::TempDir,
}

pub(super) fn user(id: i64) -> Value {
    json!({ "id": id, "first_name": format!("Person {id}") })
}

impl Town {
    /// With the one group, guarded with these settings.
    pub(super) async fn new(settings: Value) -> Self {
        Self::with_groups(&[TEA], settings).await
    }

    pub(super) async fn with_groups(chats: &[i64], settings: Value) -> Self {
        let server = Server::start().await;
        let state = tempfile::tempdir().unwrap();
        let mut documents = Vec::new();
        for chat in chats {
            let title = format!("Group {chat}");
            let group = json!({ "chat_id": chat, "title": title });
            server.post("group", group).await;
            let mut settings = settings.clone();
            settings["is_on"] = json!(true);
            let body = json!({ "title": title, "settings": settings }).to_string();
            documents.push((format!("{BOT}/guard/group/{chat}"), body));
        }
        keep(&state.path().join("state"), documents).await;
        Self { server, state }
    }

    /// The bot, running.
    pub(super) fn bot(&self) -> Process {
        let bot = self.bot_that(&[]);
        bot.wait_for("phase=running");
        bot
    }

    /// The bot with something in its environment.
    pub(super) fn bot_that(&self, environment: &[(&str, &str)]) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sundown"));
        command
            .args(["run", "--poll-timeout", "1s", "--api-url", &self.server.url])
            .arg("--state-dir")
            .arg(self.state.path().join("state"))
            .env("TELOXIDE_TOKEN", TOKEN)
            .env("RUST_LOG", "debug")
            .envs(environment.iter().copied());
        Process::start(&mut command)
    }

    /// What an operator is told who attaches for one command.
    pub(super) fn attached(&self, command: &str) -> String {
        let mut attach = Command::new(env!("CARGO_BIN_EXE_sundown"));
        attach.args(["attach", "--state-dir"]);
        attach.arg(self.state.path().join("state"));
        let ended = Process::start(attach.args(["--", command])).end();
        ended.assert_code(0);
        ended.stdout
    }

    pub(super) async fn joins(&self, chat: i64, person: i64) {
        let who = json!({ "chat_id": chat, "user": user(person) });
        self.server.post("join", who).await;
    }

    /// A press of the button with this label, wherever it is in the chat.
    pub(super) async fn presses(&self, chat: i64, person: i64, label: &str) {
        let (message, button) = self.button(chat, label).await;
        let press = json!({
            "user": user(person), "chat_id": chat, "message_id": message, "data": button["callback_data"],
        });
        self.server.post("press", press).await;
    }

    /// The newest button with this label, with its message.
    async fn button(&self, chat: i64, label: &str) -> (i64, Value) {
        let messages = self.messages(chat).await;
        let found = messages.iter().rev().find_map(|message| {
            let rows = message["reply_markup"]["inline_keyboard"].as_array()?;
            let buttons = rows.iter().filter_map(Value::as_array).flatten();
            let button = buttons.into_iter().find(|button| button["text"] == label)?;
            Some((message["message_id"].as_i64()?, button.clone()))
        });
        found.unwrap_or_else(|| panic!("no button {label:?} in {messages:#?}"))
    }

    /// Follows the link of the button in the group.
    pub(super) async fn follows_the_link(&self, chat: i64, person: i64) {
        let (_, button) = self.button(chat, "Verify").await;
        let link = button["url"].as_str().unwrap();
        let payload = link.split("?start=").nth(1).unwrap();
        self.server.say(person, &format!("/start {payload}")).await;
    }

    pub(super) async fn messages(&self, chat: i64) -> Vec<Value> {
        let messages = self.server.get(&format!("messages?chat_id={chat}")).await;
        messages.as_array().cloned().unwrap_or_default()
    }

    /// What the bot has written in a chat and not deleted.
    pub(super) async fn said(&self, chat: i64) -> Vec<String> {
        let messages = self.messages(chat).await;
        let of_bot = messages
            .iter()
            .filter(|message| message["from"]["is_bot"] == json!(true));
        let text = |message: &Value| {
            let text = message["text"].as_str().or(message["caption"].as_str());
            text.unwrap_or_default().to_owned()
        };
        of_bot.map(text).collect()
    }

    /// Waits until the bot has said something with these words, and returns all of it.
    pub(super) async fn hears(&self, chat: i64, words: &str) -> String {
        let said = async || {
            let said = self.said(chat).await;
            let found = said.iter().rev().find(|text| text.contains(words));
            found.cloned().ok_or(format!("{said:#?}"))
        };
        eventually(&format!("{words:?} in {chat}"), said).await
    }

    /// Waits until nothing with these words is in the chat any more.
    pub(super) async fn forgets(&self, chat: i64, words: &str) {
        let is_gone = async || {
            let said = self.said(chat).await;
            let is_there = said.iter().any(|text| text.contains(words));
            if is_there {
                Err(format!("{said:#?}"))
            } else {
                Ok(())
            }
        };
        eventually(&format!("no {words:?} in {chat}"), is_gone).await;
    }

    /// Somebody's place in a group, as the Bot API says it.
    pub(super) async fn member(&self, chat: i64, person: i64) -> Value {
        let who = json!({ "chat_id": chat, "user_id": person });
        self.server.call("getChatMember", who).await["result"].clone()
    }

    /// Waits until somebody has this status in a group; a restricted one is one who may not write.
    pub(super) async fn becomes(&self, chat: i64, person: i64, status: &str) {
        let has_status = async || {
            let member = self.member(chat, person).await;
            let may_write = member["can_send_messages"].as_bool() != Some(false);
            let is_it = member["status"] == status && may_write != (status == "restricted");
            if is_it {
                Ok(())
            } else {
                Err(member.to_string())
            }
        };
        eventually(&format!("{person} {status} in {chat}"), has_status).await;
    }

    /// A document of the guard's in the store as it is now, under a running bot.
    pub(super) async fn document(&self, name: &str) -> Option<Value> {
        let copy = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(self.state.path().join("state")).unwrap() {
            let file = file.unwrap();
            if !file.file_type().unwrap().is_file() {
                continue; // where operators attach
            }
            std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
        let store = Sqlite::open(copy.path()).unwrap();
        let key = Key::new(format!("{BOT}/guard/{name}")).unwrap();
        let document = store.read(&key).await.unwrap()?;
        Some(serde_json::from_str(&document.body).unwrap())
    }
}

/// Looks until there is something to see, instead of what is there now.
pub(super) async fn eventually<T>(
    what: &str,
    mut look: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let give_up = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let there = match look().await {
            Ok(seen) => return seen,
            Err(there) => there,
        };
        assert!(
            tokio::time::Instant::now() < give_up,
            "never {what}: {there}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await; // between two looks at a condition
    }
}

async fn keep(dir: &Path, documents: Vec<(String, String)>) {
    let store = Sqlite::open(dir).unwrap();
    let part = store.acquire(Scope::Part(0)).await.unwrap();
    let put = |(name, body): (String, String)| Change::Put {
        key: Key::new(name).unwrap(),
        body: Arc::from(body),
        expected: Expected::Anything,
    };
    let changes = documents.into_iter().map(put).collect();
    store.change(&part, changes).await.unwrap();
    store.close().await.unwrap();
}
