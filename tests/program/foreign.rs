//! Against a Bot API server that nobody here wrote: `telegram-test-api` from npm.
//!
//! It does no long polling, leaves fields out of getMe and answers an edit with nothing; messages that are posted
//! through its client surface are real input.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::support::{Process, TOKEN, skip};

/// Where `npm install telegram-test-api` has put it: in the project, or where the environment says.
fn module() -> Option<PathBuf> {
    let given = env::var_os("SUNDOWN_NODE_MODULES").map(PathBuf::from);
    let dir = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("node_modules"));
    let has_node = Command::new("node").arg("--version").output().is_ok();
    let module = dir.join("telegram-test-api");
    (has_node && module.exists()).then_some(module)
}

/// Starts it on a free port, and says which.
const SERVE: &str = "
    const TelegramServer = require(process.argv[1]);
    const probe = require('net').createServer().listen(0, '127.0.0.1', async () => {
        const { port } = probe.address();
        probe.close(async () => {
            await new TelegramServer({ host: '127.0.0.1', port }).start();
            console.error(`serving on ${port}`);
        });
    });
";

#[tokio::test]
async fn a_server_of_other_people_is_polled_answered_and_left() {
    let Some(module) = module() else {
        return skip(
            "a_server_of_other_people_is_polled_answered_and_left",
            "node and telegram-test-api (npm install telegram-test-api)",
        );
    };
    let server = Process::start(Command::new("node").args(["-e", SERVE]).arg(module));
    let port = server
        .wait_for("serving on")
        .rsplit(' ')
        .next()
        .unwrap()
        .to_owned();
    let url = format!("http://127.0.0.1:{port}");

    let state = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sundown"));
    command
        .args([
            "run",
            "--api-url",
            &url,
            "--state-dir",
            state.path().to_str().unwrap(),
        ])
        .env("TELOXIDE_TOKEN", TOKEN)
        .env("RUST_LOG", "trace");
    let bot = Process::start(&mut command);
    bot.wait_for("phase=running");
    bot.wait_for("answers getUpdates at once instead of waiting");

    let http = reqwest::Client::new();
    let post = async |path: &str, body: Value| -> Value {
        let answer = http
            .post(format!("{url}/{path}"))
            .json(&body)
            .send()
            .await
            .unwrap();
        answer.json().await.unwrap()
    };
    let person = json!({ "id": 1, "first_name": "Eve", "username": "eve", "is_bot": false });
    let chat = json!({ "id": 1, "first_name": "Eve", "username": "eve", "type": "private" });
    let message = json!({ "botToken": TOKEN, "from": person, "chat": chat, "date": 1_700_000_000, "text": "/ping" });
    post("sendMessage", message).await;

    let give_up = tokio::time::Instant::now() + Duration::from_secs(30);
    let answer = loop {
        let updates = post("getUpdates", json!({ "token": TOKEN, "chatId": 1 })).await;
        if let Some(answer) = updates["result"].get(0) {
            break answer["message"]["text"].as_str().unwrap().to_owned();
        }
        assert!(tokio::time::Instant::now() < give_up, "no answer came");
        tokio::time::sleep(Duration::from_millis(20)).await; // between two looks at a condition
    };
    assert!(answer.starts_with("pong"), "{answer}");

    bot.signal(Signal::SIGTERM);
    let ended = bot.end();
    ended.assert_code(0);
    assert!(
        ended
            .stderr
            .contains("getMe answered without fields that the Bot API promises"),
        "{}",
        ended.stderr
    );
    assert!(ended.stdout.contains("received 1"), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("handled 1, failed 0"),
        "{}",
        ended.stdout
    );
}
