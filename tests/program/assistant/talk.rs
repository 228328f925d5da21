//! A bot with an assistant, and those who talk with it.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::model::Model;
use crate::support::{Process, Server, TOKEN};

/// A sandbox, a model, and the bot's state directory and configuration.
pub(super) struct Talk {
    pub(super) server: Server,
    pub(super) model: Model,
    /// Of the bots that are started from now on; half of it is for answers that are being written.
    pub(super) stop_timeout: &'static str,
    /// More options of theirs.
    pub(super) options: &'static [&'static str],
    dir: tempfile::TempDir,
}

impl Talk {
    /// With these lines in the table of the assistant.
    pub(super) async fn new(settings: &str) -> Self {
        Self::with(settings, "").await
    }

    /// A model that is silent for three seconds has failed.
    pub(super) async fn impatient() -> Self {
        Self::with("", "idle_timeout = \"3s\"\nfirst_token_timeout = \"3s\"").await
    }

    /// With a provider for each of these models, beside the model of its own.
    pub(super) async fn beside(url: &str, models: &[&str]) -> Self {
        let provider = |model: &&str| {
            format!(
                "[[provider]]\nname = \"{model}\"\nbase_url = \"{url}\"\nmodels = [\"{model}\"]\nidle_timeout = \"1s\"\n"
            )
        };
        let providers: String = models.iter().map(provider).collect();
        Self::with("", &providers).await
    }

    async fn with(settings: &str, provider: &str) -> Self {
        let (server, model) = (Server::start().await, Model::start());
        let dir = tempfile::tempdir().unwrap();
        let url = &model.url;
        let config = format!(
            "[assistant]\n{settings}\n[[provider]]\nname = \"test\"\nkind = \"openai\"\nbase_url = \"{url}\"\nmodels = [\"tea\", \"milk\"]\n{provider}\n"
        );
        std::fs::write(dir.path().join("config.toml"), config).unwrap();
        let stop_timeout = "25s";
        Self {
            server,
            model,
            stop_timeout,
            options: &[],
            dir,
        }
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
            .args(["--stop-timeout", self.stop_timeout])
            .args(self.options)
            .arg("--config")
            .arg(self.dir.path().join("config.toml"))
            .arg("--state-dir")
            .arg(self.dir.path().join("state"))
            .env("TELOXIDE_TOKEN", TOKEN)
            .env("RUST_LOG", "debug")
            .envs(environment.iter().copied());
        Process::start(&mut command)
    }

    /// What the bot has written in a chat and not deleted.
    pub(super) async fn messages(&self, chat: i64) -> Vec<Value> {
        let messages = self.server.get(&format!("messages?chat_id={chat}")).await;
        let mut messages = messages.as_array().cloned().unwrap_or_default();
        messages.retain(|message| message["from"]["is_bot"] == json!(true));
        messages
    }

    /// The texts of that.
    pub(super) async fn said(&self, chat: i64) -> Vec<String> {
        let text = |message: &Value| message["text"].as_str().unwrap_or_default().to_owned();
        self.messages(chat).await.iter().map(text).collect()
    }

    /// Waits until this is all that the bot has said.
    pub(super) async fn hears_only(&self, chat: i64, wanted: &[&str]) {
        self.eventually(&format!("{wanted:?}"), chat, |said| said == wanted)
            .await;
    }

    /// Waits until the bot has said something with these words.
    pub(super) async fn hears(&self, chat: i64, words: &str) {
        let is_said = |said: &[String]| said.iter().any(|text| text.contains(words));
        self.eventually(words, chat, is_said).await;
    }

    pub(super) async fn eventually(
        &self,
        what: &str,
        chat: i64,
        is_so: impl Fn(&[String]) -> bool,
    ) {
        let give_up = Instant::now() + Duration::from_secs(60);
        loop {
            let said = self.said(chat).await;
            if is_so(&said) {
                return;
            }
            assert!(
                Instant::now() < give_up,
                "never {what} in {chat}: {said:#?}"
            );
            sleep(Duration::from_millis(20)).await; // between two looks at a condition
        }
    }

    /// A press of the newest button with this label.
    pub(super) async fn presses(&self, chat: i64, person: i64, label: &str) {
        let messages = self.messages(chat).await;
        let found = messages.iter().rev().find_map(|message| {
            let rows = message["reply_markup"]["inline_keyboard"].as_array()?;
            let mut buttons = rows.iter().filter_map(Value::as_array).flatten();
            let button = buttons.find(|button| button["text"] == label)?;
            Some((
                message["message_id"].clone(),
                button["callback_data"].clone(),
            ))
        });
        let (message, data) = found.unwrap_or_else(|| panic!("no {label:?} in {messages:#?}"));
        let user = json!({ "id": person, "first_name": format!("Person {person}") });
        let press = json!({ "user": user, "chat_id": chat, "message_id": message, "data": data });
        self.server.post("press", press).await;
    }

    /// What the newest message of the bot in a chat has said one after another, with the times in milliseconds.
    pub(super) async fn edits(&self, chat: i64) -> Vec<(u64, String)> {
        let message = self.messages(chat).await.last().unwrap()["message_id"].clone();
        let call = format!("edits?chat_id={chat}&message_id={message}");
        let edits = self.server.get(&call).await;
        let edit = |edit: &Value| {
            let text = edit["text"].as_str().unwrap().to_owned();
            (edit["at_ms"].as_u64().unwrap(), text)
        };
        edits.as_array().unwrap().iter().map(edit).collect()
    }
}
