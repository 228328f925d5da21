//! What a crash may cost: nothing.

use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::support::{Process, Server, TOKEN};

#[tokio::test]
async fn after_sigkill_amid_handlers_every_update_is_answered_by_the_next_start() {
    let (server, state) = (Server::start().await, tempfile::tempdir().unwrap());
    let bot = Process::example("slow_handlers", &server.url, state.path());
    for round in ["first", "second"] {
        for person in 1..=50 {
            server.say(person, round).await;
        }
    }
    bot.wait_for_count("handler started", 50);
    bot.signal(Signal::SIGKILL);
    assert_eq!(bot.end().code, None, "it was killed");

    let bot = Process::example("slow_handlers", &server.url, state.path());
    for person in 1..=50 {
        let answers = server.wait_for_answers(person, 2).await;
        // A handler that was running may run again; none is left out, and none comes before its turn.
        let mut order = answers.clone();
        order.dedup();
        assert_eq!(
            order,
            ["You said first", "You said second"],
            "person {person} got {answers:?}"
        );
    }
    bot.signal(Signal::SIGTERM);
    let ended = bot.end();
    ended.assert_code(0);
    assert!(
        ended.stdout.contains("left 0, parked 0"),
        "{}",
        ended.stdout
    );
}

#[tokio::test]
async fn a_second_instance_on_the_same_state_is_refused_and_the_first_unharmed() {
    let (server, state) = (Server::start().await, tempfile::tempdir().unwrap());
    let first = Process::example("slow_handlers", &server.url, state.path());
    first.wait_for("phase=running");

    let second = Process::example("slow_handlers", &server.url, state.path()).end();
    second.assert_code(75);
    second.assert_hooks(&[
        "on_start   open the store: failed",
        "on_drain   say goodbye: not due",
    ]);
    assert!(second.took < Duration::from_secs(5), "{:?}", second.took);
    assert!(
        second.stderr.contains("is in use by process") && second.stderr.contains("--state-dir"),
        "{}",
        second.stderr
    );

    server.say(1, "still there?").await;
    assert_eq!(
        server.wait_for_answers(1, 1).await,
        ["You said still there?"]
    );
    first.signal(Signal::SIGTERM);
    first.end().assert_code(0);
}

#[tokio::test]
async fn what_an_earlier_run_left_does_not_hold_up_a_stop_while_the_api_is_gone() {
    let state = tempfile::tempdir().unwrap();
    {
        let server = Server::start().await;
        let bot = Process::example("slow_handlers", &server.url, state.path());
        server.say(1, "hello").await;
        bot.wait_for("handler started");
        bot.signal(Signal::SIGKILL);
        bot.end();
    }
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
    assert!(
        ended.stdout.contains("left 1, parked 0"),
        "{}",
        ended.stdout
    );
}

#[tokio::test]
async fn updates_of_another_bot_are_not_handled_with_this_ones_token() {
    let (server, state) = (Server::start().await, tempfile::tempdir().unwrap());
    let bot = Process::example("slow_handlers", &server.url, state.path());
    server.say(1, "for the first bot").await;
    bot.wait_for("handler started");
    bot.signal(Signal::SIGKILL);
    bot.end();
    let mut other = Command::new(env!("CARGO_BIN_EXE_sundown"));
    other
        .args([
            "run",
            "--api-url",
            &server.url,
            "--state-dir",
            state.path().to_str().unwrap(),
        ])
        .env("TELOXIDE_TOKEN", TOKEN.replace("123456789", "987654321"));
    let ended = Process::start(&mut other).end();
    ended.assert_code(78);
    assert!(
        ended.stderr.contains("holds updates of bot 123456789"),
        "{}",
        ended.stderr
    );
}
