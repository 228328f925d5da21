//! A bot that reads pages, and those who ask it to.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::super::chromium::support::{open_folder, processes};
use super::web::Web;
use crate::support::{Process, Server, TOKEN, skip};

/// A sandbox, a web, and the bot's directories and configuration.
pub(super) struct Reading {
    pub(super) server: Server,
    pub(super) web: Web,
    dir: tempfile::TempDir,
}

impl Reading {
    /// With these lines behind those of the table of the browser.
    pub(super) async fn new(settings: &str) -> Self {
        let (server, web) = (Server::start().await, Web::start().await);
        let dir = open_folder();
        let config = format!("[browser]\nallow = [\"{}\"]\n{settings}\n", web.host);
        std::fs::write(dir.path().join("config.toml"), config).unwrap();
        Self { server, web, dir }
    }

    /// The same, or nothing and a loud word where this machine has no browser.
    pub(super) async fn with_chromium(test: &str, settings: &str) -> Option<Self> {
        if sundown::features::browser::chromium::installed().is_none() {
            skip(test, "Chromium");
            return None;
        }
        Some(Self::new(settings).await)
    }

    /// The bot, running. Its browsers' profiles are in a directory of this.
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
            .arg("--config")
            .arg(self.dir.path().join("config.toml"))
            .arg("--state-dir")
            .arg(self.dir.path().join("state"))
            .env("TMPDIR", self.dir.path())
            .env("TELOXIDE_TOKEN", TOKEN)
            .env("RUST_LOG", "debug")
            .envs(environment.iter().copied());
        Process::start(&mut command)
    }

    pub(super) fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Somebody sends a command with one of the web's addresses.
    pub(super) async fn asks(&self, person: i64, command: &str, path: &str) {
        let text = format!("{command} {}", self.web.url(path));
        self.server.say(person, &text).await;
    }

    /// What the bot has written in a chat.
    pub(super) async fn messages(&self, chat: i64) -> Vec<Value> {
        let messages = self.server.get(&format!("messages?chat_id={chat}")).await;
        let mut messages = messages.as_array().cloned().unwrap_or_default();
        messages.retain(|message| message["from"]["is_bot"] == json!(true));
        messages
    }

    /// Waits for the bot's message of this number, from 1, and gives it.
    pub(super) async fn answer(&self, chat: i64, number: usize) -> Value {
        let give_up = Instant::now() + Duration::from_secs(90);
        loop {
            let messages = self.messages(chat).await;
            if let Some(message) = messages.get(number - 1) {
                return message.clone();
            }
            assert!(
                Instant::now() < give_up,
                "no message {number} in {chat}: {messages:#?}"
            );
            sleep(Duration::from_millis(20)).await; // between two looks at a condition
        }
    }

    /// The first answer's text or caption.
    pub(super) async fn text(&self, chat: i64) -> String {
        text_of(&self.answer(chat, 1).await)
    }

    pub(super) async fn file(&self, what: &str, message: &Value) -> Vec<u8> {
        let (chat, id) = (&message["chat"]["id"], &message["message_id"]);
        let place = format!("control/{what}?chat_id={chat}&message_id={id}");
        let file = reqwest::get(format!("{}/{place}", self.server.url)).await;
        let file = file.unwrap();
        assert_eq!(file.status(), 200, "{message}");
        file.bytes().await.unwrap().to_vec()
    }

    /// Waits until a browser of the bot's runs, or until none does.
    pub(super) async fn wait_for_browsers(&self, some: bool) {
        let give_up = Instant::now() + Duration::from_secs(30);
        loop {
            let mut left = processes(self.folder());
            left.retain(|line| line.contains("--type=renderer") || !some);
            // The bot itself has the folder on its command line.
            left.retain(|line| !line.contains(" run --poll-timeout"));
            if left.is_empty() != some {
                return;
            }
            assert!(Instant::now() < give_up, "browsers: {left:#?}");
            sleep(Duration::from_millis(10)).await; // between two looks at a condition
        }
    }
}

pub(super) fn text_of(message: &Value) -> String {
    let text = message["text"].as_str().or(message["caption"].as_str());
    text.unwrap_or_default().to_owned()
}
