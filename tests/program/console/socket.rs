//! The socket itself: who may use it, and what becomes of it.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::process::Command;

use nix::sys::signal::Signal;
use nix::unistd::geteuid;

use super::instance::Place;
use crate::support::{Process, skip};

#[tokio::test]
async fn it_is_its_owners_alone_and_goes_with_the_process() {
    let place = Place::new().await;
    let bot = place.bot();
    let meta = fs::metadata(place.socket()).unwrap();
    assert!(meta.file_type().is_socket());
    assert_eq!(meta.permissions().mode() & 0o7777, 0o600);
    assert_eq!(meta.uid(), geteuid().as_raw());
    let entries = fs::read_dir(place.path("state")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name());
    let scratch = names.filter(|name| name.to_string_lossy().starts_with(".console-"));
    assert_eq!(scratch.count(), 0, "where it was made is gone");
    bot.signal(Signal::SIGTERM);
    bot.end().assert_code(0);
    assert!(!place.socket().exists());
}

#[tokio::test]
async fn what_a_kill_left_behind_is_replaced() {
    let place = Place::new().await;
    let bot = place.bot();
    bot.signal(Signal::SIGKILL);
    bot.end();
    assert!(place.socket().exists(), "nobody could remove it");
    let refused = place.attach("status");
    refused.assert_code(69);
    refused.assert_says("no instance runs there");
    let _bot = place.bot();
    place.told("status");
}

#[tokio::test]
async fn it_is_in_the_runtime_directory_where_there_is_one() {
    let place = Place::new().await;
    let (run, other) = (place.path("run"), place.path("other"));
    let both = format!("{}:{}", run.display(), other.display());
    let _bot = place.bot_that(|command| command.env("RUNTIME_DIRECTORY", &both));
    assert!(run.join("console.sock").exists());
    assert!(!place.socket().exists());
    let mut attach = Command::new(env!("CARGO_BIN_EXE_sundown"));
    attach
        .args(["attach", "--", "status"])
        .env_remove("SUNDOWN_STATE_DIR")
        .env("RUNTIME_DIRECTORY", &both);
    let told = Process::start(&mut attach).end();
    told.assert_code(0);
    told.assert_says("sundown is running");
}

#[tokio::test]
async fn what_is_no_socket_stays_and_the_bot_goes_on_without_operators() {
    let place = Place::new().await;
    fs::create_dir(place.path("state")).unwrap();
    fs::write(place.socket(), "precious").unwrap();
    let bot = place.bot();
    bot.wait_for("nobody can attach");
    assert_eq!(fs::read_to_string(place.socket()).unwrap(), "precious");
    place.server.say(7, "/ping").await;
    place.server.wait_for_answers(7, 1).await;
}

#[tokio::test]
async fn another_user_is_not_let_in_even_where_the_mode_would() {
    let test = "another_user_is_not_let_in";
    if !geteuid().is_root() {
        return skip(test, "the right to be another user (root)");
    }
    let place = Place::new().await;
    let bot = place.bot();
    for folder in [place.path("state"), place.path("")] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let program = place.path("sundown");
    fs::copy(env!("CARGO_BIN_EXE_sundown"), &program).unwrap();
    let as_nobody = || {
        let mut attach = Command::new("setpriv");
        attach
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&program)
            .args(["attach", "--socket"])
            .arg(place.socket())
            .args(["--", "status"]);
        Process::start(&mut attach).end()
    };
    let refused = as_nobody();
    refused.assert_code(77);
    refused.assert_says("it lets in its own user and root");
    fs::set_permissions(place.socket(), fs::Permissions::from_mode(0o666)).unwrap();
    let refused = as_nobody();
    refused.assert_code(69);
    refused.assert_says("only the instance's own user and root may attach");
    assert_eq!(refused.stdout, "");
    bot.wait_for("another user is not let in");
}
