//! What is said of the browser when a bot starts.

use std::process::Command;

use nix::sys::signal::Signal;

use crate::support::{Process, Server, TOKEN};

#[tokio::test]
async fn a_program_that_is_no_browser_is_told_of_at_the_start() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let config = dir.path().join("config.toml");
    std::fs::write(&config, "[browser]\nchromium = \"/nowhere/chromium\"\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sundown"));
    command
        .args(["run", "--poll-timeout", "1s", "--api-url", &server.url])
        .arg("--config")
        .arg(config)
        .arg("--state-dir")
        .arg(dir.path().join("state"))
        .env("TELOXIDE_TOKEN", TOKEN);
    let bot = Process::start(&mut command);
    let line = bot.wait_for("`/nowhere/chromium`, which is to be Chromium");
    assert!(line.contains("WARN"), "{line}");
    bot.wait_for("phase=running");
    bot.signal(Signal::SIGTERM);
    bot.end().assert_code(0);
}
