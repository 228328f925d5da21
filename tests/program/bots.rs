//! Several bots in one process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::json;

use super::support::{Process, Server, TOKEN};

const OTHER: i64 = 987_654_321;

/// A token of another bot, with the same secret, which no output may hold.
fn other_token() -> String {
    let secret = TOKEN.split_once(':').unwrap().1;
    format!("{OTHER}:{secret}")
}

fn token_file(dir: &Path, name: &str, token: &str) -> PathBuf {
    let file = dir.join(name);
    fs::write(&file, token).unwrap();
    file
}

fn command(dir: &Path, url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sundown"));
    command
        .args(["run", "--api-url", url, "--state-dir"])
        .arg(dir.join("state"))
        .env("RUST_LOG", "trace")
        .env_remove("TELOXIDE_TOKEN");
    command
}

#[tokio::test]
async fn one_bots_refused_token_is_told_once_and_leaves_the_other_working() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    server.post("bot", json!({ "token": other_token() })).await;
    for method in ["getMe", "sendMessage"] {
        let refusal = json!({ "bot": OTHER, "method": method, "fault": "status", "code": 401 });
        server.fault(refusal).await;
    }
    let mut command = command(dir.path(), &server.url);
    for (name, token) in [("refused", other_token().as_str()), ("good", TOKEN)] {
        let file = token_file(dir.path(), name, token);
        command.arg("--token-file").arg(file);
    }
    let bot = Process::start(command.args(["--operator-chat", "7"]));
    bot.wait_for("phase=running");
    let user = json!({ "id": 7, "first_name": "Ada" });
    let message = json!({ "bot": 123_456_789, "user": user, "text": "/ping" });
    server.post("message", message).await;
    let line = bot.wait_for("update handled");
    assert!(line.contains("bot_id=123456789"), "{line}");
    bot.signal(Signal::SIGTERM);
    let ended = bot.end();
    ended.assert_code(0);
    ended.assert_says("poller-987654321 failed (Telegram refused the token");
    ended.assert_says("poller-123456789 stopped");
    let errors = ended.stderr.lines().filter(|line| line.contains("ERROR"));
    assert_eq!(errors.count(), 1, "{}", ended.stderr);
    let of_poller = ended
        .stderr
        .lines()
        .find(|line| line.contains("the token is accepted"));
    assert!(
        of_poller.unwrap().contains("bot_id=123456789"),
        "{of_poller:?}"
    );
    let said = server.get("messages?chat_id=7&bot=123456789").await;
    assert!(said.to_string().contains("I am stopping"), "{said}");
}

#[test]
fn two_files_with_one_bots_token_are_78_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = command(dir.path(), "http://127.0.0.1:9");
    for name in ["one", "two"] {
        command
            .arg("--token-file")
            .arg(token_file(dir.path(), name, TOKEN));
    }
    let ended = Process::start(&mut command).end();
    ended.assert_code(78);
    ended.assert_says("/one and ");
    ended.assert_says("/two hold tokens of the same bot, 123456789");
}

#[tokio::test]
async fn every_token_among_the_credentials_is_a_bot() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let credentials = dir.path().join("credentials");
    fs::create_dir(&credentials).unwrap();
    token_file(&credentials, "bot-token", TOKEN);
    token_file(&credentials, "bot-token-other", &other_token());
    token_file(&credentials, "password", "hunter2");
    let mut command = command(dir.path(), &server.url);
    let bot = Process::start(command.env("CREDENTIALS_DIRECTORY", credentials));
    bot.wait_for("phase=running");
    bot.signal(Signal::SIGTERM);
    let ended = bot.end();
    ended.assert_code(0);
    ended.assert_says("poller-123456789 stopped");
    ended.assert_says("poller-987654321 stopped");
}
