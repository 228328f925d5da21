//! A configuration that is read again on SIGHUP.

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;

use super::support::{Process, Server, TOKEN};

fn start(server: &Server, dir: &Path) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sundown"));
    command
        .args(["run", "--api-url", &server.url, "--config"])
        .arg(dir.join("bot.toml"))
        .arg("--state-dir")
        .arg(dir.join("state"))
        .env("TELOXIDE_TOKEN", TOKEN)
        .env_remove("RUST_LOG");
    let process = Process::start(&mut command);
    process.wait_for("phase=running");
    process
}

#[tokio::test]
async fn what_can_change_changes_and_what_cannot_is_named() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let file = dir.path().join("bot.toml");
    fs::write(&file, "log_level = 'info'\n").unwrap();
    let bot = start(&server, dir.path());
    server.say(1, "/ping").await;
    server.wait_for_answers(1, 1).await;
    assert_eq!(bot.count("update handled"), 0);

    fs::write(
        &file,
        "log_level = 'debug'\noperator_chat = 1\npoll_timeout = '7s'\nhandlers = 3\n",
    )
    .unwrap();
    bot.signal(Signal::SIGHUP);
    bot.wait_for("in force now changed=\"handlers, operator_chat, log_level\"");
    bot.wait_for("not in force before the next start changed=\"poll_timeout\"");
    bot.wait_for("reloaded");
    server.say(1, "/ping").await;
    bot.wait_for("update handled");
    bot.signal(Signal::SIGHUP);
    bot.wait_for("nothing changes");
    bot.signal(Signal::SIGTERM);
    bot.end().assert_code(0);
    let told = server.wait_for_answers(1, 3).await;
    assert!(told[2].starts_with("I am stopping"), "{told:?}");
}

#[tokio::test]
async fn a_broken_file_leaves_what_was_in_force_and_says_what_is_wrong_with_it() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let file = dir.path().join("bot.toml");
    fs::write(&file, "handlers = 3\n").unwrap();
    let bot = start(&server, dir.path());
    let broken = [
        ("handlers = 3\nhandlres = 4\n", "handlres"),
        ("log_level = 'sundown=loud'\nhandlers = 4\n", "no log level"),
        ("= 4\n", "bot.toml"),
    ];
    for (nth, (text, named)) in (1..).zip(broken) {
        fs::write(&file, text).unwrap();
        bot.signal(Signal::SIGHUP);
        bot.wait_for_count("not reloaded", nth);
        bot.wait_for(named);
    }
    fs::remove_file(&file).unwrap();
    bot.signal(Signal::SIGHUP);
    bot.wait_for_count("not reloaded", 4);
    server.say(1, "/ping").await;
    server.wait_for_answers(1, 1).await;
    fs::write(&file, "handlers = 4\n").unwrap();
    bot.signal(Signal::SIGHUP);
    bot.wait_for("in force now changed=\"handlers\"");
    bot.signal(Signal::SIGTERM);
    let ended = bot.end();
    ended.assert_code(0);
    ended.assert_says("handled 1, failed 0");
}
