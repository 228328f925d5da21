//! The gateway as its clients meet it: in front of an upstream that fails in every way.

mod beside;
mod disconnects;
mod faults;
mod openai;
mod refusals;
mod stop;

use std::fs;
use std::process::Command;
use std::time::Duration;

use reqwest::{Client, Response};
use serde_json::{Value, json};

use super::support::{Process, Server, TOKEN, Upstream};

/// A program that serves the gateway, and its upstream.
struct Gateway {
    process: Process,
    upstream: Upstream,
    url: String,
    client: Client,
    _dir: tempfile::TempDir,
}

/// How the program is configured.
struct Setup<'a> {
    /// Before the tables.
    lines: &'a str,
    ping_every: &'a str,
    /// In the upstream's table.
    up: &'a str,
    /// The assistant's table. Without a server for its bot it is turned off: the sandbox's people would have it ask the upstream
    /// beside the test.
    assistant: &'a str,
    /// Behind all others.
    tables: &'a str,
    /// What is in `$ADAS_KEY`.
    key: &'a str,
    /// Where its bot is; none: in a sandbox of its own.
    bot_at: Option<&'a Server>,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self {
            lines: "",
            ping_every: "500ms",
            up: "first_token_timeout = '3s'\nidle_timeout = '3s'\naliases = { nickname = 'ok-2' }",
            assistant: "enabled = false",
            tables: "",
            key: "",
            bot_at: None,
        }
    }
}

impl Gateway {
    fn start() -> Self {
        Self::start_as(&Setup::default())
    }

    /// One that lets in only who has the key.
    fn start_for(key: &str) -> Self {
        Self::start_as(&Setup {
            tables: "[[gateway.key]]\nname = 'ada'\nkey_env = 'ADAS_KEY'\n",
            key,
            ..Setup::default()
        })
    }

    fn start_as(setup: &Setup<'_>) -> Self {
        let (upstream, dir) = (Upstream::start(), tempfile::tempdir().unwrap());
        let file = dir.path().join("sundown.toml");
        fs::write(&file, setup.text(&upstream.url)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sundown"));
        command
            .args(["run", "--config"])
            .arg(&file)
            .env("RUST_LOG", "sundown=debug")
            .env("ADAS_KEY", setup.key)
            .env_remove("TELOXIDE_TOKEN");
        if let Some(server) = setup.bot_at {
            command
                .args(["--poll-timeout", "1s", "--api-url", &server.url])
                .arg("--state-dir")
                .arg(dir.path().join("state"))
                .env("TELOXIDE_TOKEN", TOKEN);
        }
        let process = Process::start(&mut command);
        let line = process.wait_for("HTTP is served here");
        let url = line.split("url=").nth(1).unwrap();
        let url = url.split(' ').next().unwrap().trim_matches('"').to_owned();
        process.wait_for("phase=running");
        let client = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(120));
        Self {
            process,
            upstream,
            url,
            client: client.build().unwrap(),
            _dir: dir,
        }
    }

    fn request(&self, model: &str, is_streamed: bool) -> reqwest::RequestBuilder {
        let body = json!({
            "model": model, "provider": "up", "stream": is_streamed,
            "messages": [{ "role": "user", "content": "hello" }],
        });
        self.post(&body)
    }

    fn post(&self, body: &Value) -> reqwest::RequestBuilder {
        let url = format!("{}/v1/chat/completions", self.url);
        self.client.post(url).json(body)
    }

    async fn ask(&self, model: &str, is_streamed: bool) -> Response {
        self.request(model, is_streamed).send().await.unwrap()
    }
}

impl Setup<'_> {
    /// The configuration. The provider `spare` knows some of the upstream's models by name, and needs no network.
    fn text(&self, upstream: &str) -> String {
        let Self {
            lines,
            ping_every,
            up,
            assistant,
            tables,
            bot_at,
            ..
        } = self;
        format!(
            "listen = '127.0.0.1:0'\nsandbox = {}\n{lines}\n\
             [gateway]\nping_every = '{ping_every}'\n[assistant]\n{assistant}\n\
             [[provider]]\nname = 'up'\nbase_url = '{upstream}'\n{up}\n\
             [[provider]]\nname = 'spare'\nkind = 'offline'\nmodels = ['eliza']\n\
             aliases = {{ '500' = 'eliza', reset = 'eliza' }}\n{tables}",
            bot_at.is_none()
        )
    }
}

/// The frames of a stream without their `data: `, and without pings.
fn frames(text: &str) -> Vec<&str> {
    let frames = text.split_terminator("\n\n");
    frames
        .filter_map(|frame| frame.strip_prefix("data: "))
        .collect()
}

/// What was said in the frames.
fn said(text: &str) -> String {
    let frames = frames(text).into_iter();
    let chunks = frames.filter_map(|frame| serde_json::from_str::<Value>(frame).ok());
    chunks
        .filter_map(|it| Some(it["choices"][0]["delta"]["content"].as_str()?.to_owned()))
        .collect()
}
