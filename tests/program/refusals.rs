//! Starts that cannot succeed: one paragraph that helps, and the exit code of the table.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::support::{Ended, Process, Server, TOKEN};

fn run_with_token(arguments: &[&str]) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sundown"));
    command
        .arg("run")
        .args(arguments)
        .env("TELOXIDE_TOKEN", TOKEN)
        .env("RUST_LOG", "trace");
    Process::start(&mut command)
}

#[track_caller]
fn assert_refused(ended: &Ended, code: i32, parts: &[&str]) {
    ended.assert_code(code);
    // Trying to reach a server is given up after 10 s; everything else is known at once.
    let patience = Duration::from_secs(if code == 69 { 20 } else { 5 });
    assert!(ended.took < patience, "it took {:?}", ended.took);
    let last = ended
        .stderr
        .lines()
        .rev()
        .take(4)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect::<Vec<_>>()
        .join("\n");
    for part in parts {
        assert!(last.contains(part), "no {part:?} in\n{last}");
    }
}

fn state() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state").to_str().unwrap().to_owned();
    (dir, path)
}

#[test]
fn no_token_is_78_and_says_where_one_is_looked_for() {
    let ended = Process::sundown(["run"]).end();
    assert_refused(
        &ended,
        78,
        &[
            "sundown: no bot token",
            "--token-file",
            "bot-token",
            "TELOXIDE_TOKEN",
            "--sandbox",
        ],
    );
    ended.assert_hooks(&[]);
}

#[test]
fn a_text_that_is_no_token_is_78_and_is_not_repeated() {
    let (dir, state) = state();
    let file = dir.path().join("token");
    fs::write(&file, "hunter2").unwrap();
    let ended = Process::sundown([
        "run",
        "--state-dir",
        &state,
        "--token-file",
        file.to_str().unwrap(),
    ])
    .end();
    assert_refused(&ended, 78, &["token: this is no bot token", "@BotFather"]);
    assert!(!ended.stderr.contains("hunter2"));
}

#[tokio::test]
async fn a_refused_token_is_78() {
    let (server, (_dir, state)) = (Server::start().await, state());
    server
        .fault(json!({ "method": "getMe", "fault": "status", "code": 401, "times": 9 }))
        .await;
    let ended = run_with_token(&["--api-url", &server.url, "--state-dir", &state]).end();
    assert_refused(
        &ended,
        78,
        &["Telegram refused the token", "401", "@BotFather"],
    );
    ended.assert_hooks(&["on_start   open the store: done"]);
}

#[test]
fn an_unreachable_api_is_69() {
    let (_dir, state) = state();
    // Port 9 on this machine: nobody listens there.
    let ended = run_with_token(&["--api-url", "http://127.0.0.1:9", "--state-dir", &state]).end();
    assert_refused(&ended, 69, &["127.0.0.1:9", "refused", "check the network"]);
    ended.assert_hooks(&["on_start   open the store: done"]);
}

#[test]
fn a_malformed_configuration_is_78_with_file_and_line() {
    let (dir, _) = state();
    let file = dir.path().join("bot.toml");
    fs::write(&file, "handlers = 4\nrun_for = \"0s\"\n").unwrap();
    let ended = Process::sundown(["run", "--sandbox", "--config", file.to_str().unwrap()]).end();
    assert_refused(
        &ended,
        78,
        &[
            "bot.toml:2:11: `0s` is 0s; it must be from 1ms to 1year",
            "2 | run_for = \"0s\"",
        ],
    );
    ended.assert_hooks(&[]);
}

#[test]
fn a_configuration_that_is_not_there_is_78() {
    let ended = Process::sundown(["run", "--sandbox", "--config", "/nonexistent/bot.toml"]).end();
    assert_refused(
        &ended,
        78,
        &["cannot read the configuration /nonexistent/bot.toml"],
    );
}

#[test]
fn a_wrong_flag_is_64() {
    let ended = Process::sundown(["run", "--run-for", "0s"]).end();
    assert_refused(&ended, 64, &["--help"]);
    ended.assert_hooks(&[]);
    assert!(
        ended
            .stderr
            .contains("`0s` is 0s; it must be from 1ms to 1year"),
        "{}",
        ended.stderr
    );
    Process::sundown(["walk"]).end().assert_code(64);
    Process::sundown(["--help"]).end().assert_code(0);
}

#[test]
fn a_state_directory_that_cannot_be_made_is_74() {
    let (dir, _) = state();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("state");
    let ended = run_with_token(&["--state-dir", below.to_str().unwrap()]).end();
    assert_refused(
        &ended,
        74,
        &["cannot make the state directory", "Not a directory"],
    );
    ended.assert_hooks(&["on_start   open the store: failed (cannot make the state directory"]);
}

#[test]
fn a_state_directory_without_permission_is_77() {
    let (dir, _) = state();
    let closed = dir.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sundown"));
    command
        .args(["run", "--state-dir", closed.join("state").to_str().unwrap()])
        .env("TELOXIDE_TOKEN", TOKEN);
    if nix::unistd::geteuid().is_root() {
        // Root may write everywhere; nobody may not. The program must be where nobody can run it.
        let program = dir.path().join("sundown");
        fs::copy(env!("CARGO_BIN_EXE_sundown"), &program).unwrap();
        for path in [dir.path(), &closed] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        command = Command::new(&program);
        command
            .args(arguments)
            .env("TELOXIDE_TOKEN", TOKEN)
            .uid(65_534);
    }
    let ended = Process::start(&mut command).end();
    assert_refused(
        &ended,
        77,
        &["cannot make the state directory", "Permission denied"],
    );
    ended.assert_hooks(&["on_start   open the store: failed (cannot make the state directory"]);
}

#[test]
fn a_sandbox_beyond_this_machine_is_64() {
    let ended = Process::sundown(["sandbox", "--listen", "0.0.0.0:0"]).end();
    assert_refused(&ended, 64, &["listens on loopback only"]);
}

#[test]
fn a_token_in_the_credentials_directory_is_found() {
    let (dir, state) = state();
    fs::write(dir.path().join("bot-token"), TOKEN).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sundown"));
    command
        .args([
            "run",
            "--api-url",
            "http://127.0.0.1:9",
            "--state-dir",
            &state,
        ])
        .env("CREDENTIALS_DIRECTORY", dir.path())
        .env_remove("TELOXIDE_TOKEN");
    let bot = Process::start(&mut command);
    bot.wait_for("the Bot API cannot be used now");
}

#[test]
fn a_token_that_was_typed_as_a_flag_is_not_repeated() {
    let url = format!("https://api.telegram.org/bot{TOKEN}");
    // The end of a process is where its output is searched for the token.
    Process::sundown(["run", "--api-url", &url])
        .end()
        .assert_code(64);
    Process::sundown(["run", TOKEN]).end().assert_code(64);
    let mut help = Command::new(env!("CARGO_BIN_EXE_sundown"));
    Process::start(help.args(["run", "--help"]).env("SUNDOWN_API_URL", &url))
        .end()
        .assert_code(0);
}

#[test]
fn a_service_manager_is_told_of_a_start_that_was_refused() {
    let dir = tempfile::tempdir().unwrap();
    let manager = std::os::unix::net::UnixDatagram::bind(dir.path().join("notify")).unwrap();
    let file = dir.path().join("bot.toml");
    std::fs::write(&file, "handlres = 4\n").unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sundown"));
    command
        .args(["run", "--config"])
        .arg(&file)
        .env("NOTIFY_SOCKET", dir.path().join("notify"));
    let process = Process::start(&mut command);
    manager
        .set_read_timeout(Some(std::time::Duration::from_secs(20)))
        .unwrap();
    let mut bytes = [0; 4096];
    let count = manager.recv(&mut bytes).unwrap();
    let told = String::from_utf8_lossy(&bytes[..count]).into_owned();
    assert!(
        told.contains("STATUS=") && told.contains("handlres"),
        "{told}"
    );
    assert!(told.ends_with("ERRNO=22\n"), "{told}");
    process.end().assert_code(78);
}
