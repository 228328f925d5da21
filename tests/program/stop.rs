//! Stops by signal: idle, busy, twice.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;

use super::support::{Process, Server, TOKEN, example};

/// A bot that is in the middle of a long poll with nothing to do.
async fn idle_bot(server: &Server, state: &tempfile::TempDir) -> Process {
    let token_file = state.path().join("token");
    std::fs::write(&token_file, format!("{TOKEN}\n")).unwrap();
    let state_dir = state.path().join("state");
    let arguments = [
        "run",
        "--api-url",
        &server.url,
        "--state-dir",
        state_dir.to_str().unwrap(),
        "--token-file",
        token_file.to_str().unwrap(),
    ];
    let bot = Process::sundown(arguments);
    bot.wait_for("phase=running");
    // The first call asks for no wait; the second is the long poll.
    server.wait_for_log("call method=\"getUpdates\"", 2);
    bot
}

async fn stops_at_once_by(signal: Signal) {
    let (server, state) = (Server::start().await, tempfile::tempdir().unwrap());
    let bot = idle_bot(&server, &state).await;
    bot.signal(signal);
    let ended = bot.end();
    ended.assert_code(0);
    ended.assert_hooks(&["on_start   open the store: done"]);
    assert!(
        ended
            .stdout
            .contains(&format!("stopped: {signal} from process")),
        "{}",
        ended.stdout
    );
    // The poll would have lasted 30 s.
    assert!(
        ended.took < Duration::from_secs(2),
        "it took {:?}",
        ended.took
    );
}

#[tokio::test]
async fn sigterm_ends_a_long_poll_at_once_with_exit_code_0() {
    stops_at_once_by(Signal::SIGTERM).await;
}

#[tokio::test]
async fn sigint_ends_a_long_poll_at_once_with_exit_code_0() {
    stops_at_once_by(Signal::SIGINT).await;
}

#[tokio::test]
async fn handlers_that_run_finish_and_hooks_run_before_the_poll_is_released() {
    let (server, state) = (Server::start().await, tempfile::tempdir().unwrap());
    let bot = Process::example("slow_handlers", &server.url, state.path());
    for person in 1..=100 {
        server.say(person, "hello").await;
    }
    bot.wait_for_count("handler started", 100);
    bot.signal(Signal::SIGTERM);
    let ended = bot.end();
    ended.assert_code(0);
    assert!(
        ended.stdout.contains("handled 100, failed 0"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("left 0, parked 0"),
        "{}",
        ended.stdout
    );
    ended.assert_order(&[
        "draining",
        "intake closed",
        "goodbye",
        "handler finished",
        "poll released",
        "finalizing",
    ]);
    for person in 1..=100 {
        assert_eq!(
            server.answers(person).await,
            ["You said hello"],
            "person {person}"
        );
    }
    // The last batch was confirmed on the way out.
    assert_eq!(server.state().await["pending_update_count"], json!(0));
}

#[tokio::test]
async fn what_waits_behind_a_running_handler_is_kept_for_the_next_start() {
    let (server, state) = (Server::start().await, tempfile::tempdir().unwrap());
    let bot = Process::example("slow_handlers", &server.url, state.path());
    for text in ["one", "two", "three"] {
        server.say(1, text).await;
    }
    bot.wait_for("handler started");
    bot.wait_for("next_offset");
    bot.signal(Signal::SIGTERM);
    let ended = bot.end();
    ended.assert_code(0);
    let first_part = server.answers(1).await.len();
    assert!(
        (1..3).contains(&first_part),
        "{first_part} of 3 were handled before the stop"
    );

    let bot = Process::example("slow_handlers", &server.url, state.path());
    let answers = server.wait_for_answers(1, 3).await;
    assert_eq!(answers, ["You said one", "You said two", "You said three"]);
    bot.signal(Signal::SIGTERM);
    bot.end().assert_code(0);
}

#[tokio::test]
async fn a_second_signal_cancels_handlers_and_says_which_with_exit_code_80() {
    let (server, state) = (Server::start().await, tempfile::tempdir().unwrap());
    let bot = Process::example("slow_handlers", &server.url, state.path());
    // An answer that never comes keeps the handler.
    server
        .fault(json!({ "method": "sendMessage", "fault": "hang", "seconds": 60 }))
        .await;
    server.say(1, "hello").await;
    server.wait_for_log("call method=\"SendMessage\" fault=true", 1);
    bot.signal(Signal::SIGTERM);
    bot.wait_for("goodbye");
    // Longer than the debounce after the first: a person's second thought.
    tokio::time::sleep(Duration::from_millis(400)).await;
    bot.signal(Signal::SIGTERM);
    let ended = bot.end();
    ended.assert_code(80);
    ended.assert_hooks(&[
        "on_start   open the store: done",
        "on_drain   say goodbye: done",
    ]);
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
    assert!(
        ended
            .stdout
            .contains("left unfinished: the handler of update"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("cut short by a second signal"),
        "{}",
        ended.stdout
    );
}

#[tokio::test]
async fn a_stop_while_the_api_is_not_reachable_is_as_quick() {
    let state = tempfile::tempdir().unwrap();
    let bot = Process::example("slow_handlers", "http://127.0.0.1:9", state.path());
    bot.wait_for("the Bot API cannot be used now");
    bot.signal(Signal::SIGTERM);
    let ended = bot.end();
    ended.assert_code(0);
    assert!(
        ended.took < Duration::from_secs(2),
        "it took {:?}",
        ended.took
    );
}

#[tokio::test]
async fn a_stop_while_a_429_is_waited_for_is_as_quick() {
    let (server, state) = (Server::start().await, tempfile::tempdir().unwrap());
    let bot = idle_bot(&server, &state).await;
    server
        .fault(
            json!({ "method": "getUpdates", "fault": "status", "code": 429, "retry_after": 600 }),
        )
        .await;
    // It ends the long poll; the next one meets the fault.
    server.say(1, "hello").await;
    bot.wait_for("wait_ms=600000");
    bot.signal(Signal::SIGTERM);
    let ended = bot.end();
    ended.assert_code(0);
    assert!(ended.took < Duration::from_secs(3), "{:?}", ended.took);
}

#[test]
fn a_service_that_blocks_the_runtime_is_ended_by_the_hard_deadline_with_81() {
    let ended = Process::start(&mut Command::new(example("blocked_stop"))).end();
    ended.assert_code(81);
    assert!(ended.took < Duration::from_secs(6), "{:?}", ended.took);
    assert!(
        ended
            .stderr
            .contains("blocked: the hard deadline is reached"),
        "{}",
        ended.stderr
    );
}

#[test]
fn the_hard_deadline_does_not_wait_for_a_full_standard_error() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut command = Command::new(example("blocked_stop"));
    // Nobody reads, and there is no room for another byte.
    let full = nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_GETPIPE_SZ).unwrap();
    writer
        .write_all(&vec![b'x'; full.try_into().unwrap()])
        .unwrap();
    let mut child = command
        .stderr(writer)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(81));
    drop(reader);
}

#[test]
fn sigterm_ends_a_process_whose_runtime_is_wedged_with_81() {
    let mut child = Command::new(example("wedged_runtime"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // Both workers, and whatever runs `main`, are gone for good.
    for _ in 0..2 {
        assert_eq!(lines.next().unwrap().unwrap(), "blocking");
    }
    let pid = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
    nix::sys::signal::kill(pid, Signal::SIGTERM).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(81));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("wedged: the hard deadline is reached")
    );
}
