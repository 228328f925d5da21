//! What is refused before anything starts.

use std::fs;
use std::process::Command;

use crate::support::Process;

#[test]
fn a_public_address_without_a_key_is_refused() {
    let process = Process::sundown(["run", "--sandbox", "--listen", "0.0.0.0:0"]);
    let ended = process.end();
    ended.assert_code(78);
    assert!(ended.stderr.contains("gateway.key"), "{}", ended.stderr);
}

#[test]
fn an_address_that_is_taken_is_refused() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let process = Process::sundown(["run", "--sandbox", "--listen", &address]);
    let ended = process.end();
    ended.assert_code(69);
    assert!(ended.stderr.contains("--listen"), "{}", ended.stderr);
}

#[test]
fn two_keys_with_the_same_secret_are_refused_by_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sundown.toml");
    let key = |name: &str| format!("[[gateway.key]]\nname = '{name}'\nkey_env = 'SHARED_KEY'\n");
    fs::write(&file, key("ada") + &key("grace")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sundown"));
    command
        .args(["run", "--sandbox", "--listen", "127.0.0.1:0", "--config"])
        .arg(&file)
        .env("SHARED_KEY", "sk-shared-by-two")
        .env_remove("TELOXIDE_TOKEN");
    let ended = Process::start(&mut command).end();
    ended.assert_code(78);
    assert!(
        ended.stderr.contains("`ada` and `grace`"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("sk-shared"), "{}", ended.stderr);
}
