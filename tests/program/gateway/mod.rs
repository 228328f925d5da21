//! The gateway as its clients meet it: in front of an upstream that fails in every way.

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

use super::support::{Process, Upstream};

/// A program that serves the gateway, and its upstream.
struct Gateway {
    process: Process,
    upstream: Upstream,
    url: String,
    client: Client,
    _dir: tempfile::TempDir,
}

impl Gateway {
    fn start() -> Self {
        Self::start_with("")
    }

    /// One that lets in only who has the key.
    fn start_for(key: &str) -> Self {
        Self::start_at(
            "",
            "[[gateway.key]]\nname = 'ada'\nkey_env = 'ADAS_KEY'\n",
            key,
        )
    }

    /// With these lines at the beginning of the configuration, before its tables.
    fn start_with(lines: &str) -> Self {
        Self::start_at(lines, "", "")
    }

    fn start_at(lines: &str, tables: &str, key: &str) -> Self {
        let (upstream, dir) = (Upstream::start(), tempfile::tempdir().unwrap());
        let file = dir.path().join("sundown.toml");
        let config = format!(
            "listen = '127.0.0.1:0'\nsandbox = true\n{lines}\n\
             [gateway]\nping_every = '500ms'\n\
             [[provider]]\nname = 'up'\nbase_url = '{}'\nfirst_token_timeout = '3s'\nidle_timeout = '3s'\n\
             aliases = {{ nickname = 'ok-2' }}\n\
             [[provider]]\nname = 'spare'\nkind = 'offline'\n{tables}",
            upstream.url
        );
        fs::write(&file, config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sundown"));
        command
            .args(["run", "--config"])
            .arg(&file)
            .env("RUST_LOG", "sundown=debug")
            .env("ADAS_KEY", key)
            .env_remove("TELOXIDE_TOKEN");
        let process = Process::start(&mut command);
        let line = process.wait_for("HTTP is served here");
        let url = line.split("url=").nth(1).unwrap();
        let url = url.split(' ').next().unwrap().trim_matches('"').to_owned();
        process.wait_for("phase=running");
        let client = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(30));
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
