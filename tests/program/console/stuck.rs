//! Terminals that do not read, and none at all.

use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::instance::Place;

#[tokio::test]
async fn a_terminal_that_nobody_reads_delays_no_stop_beyond_its_budget() {
    let place = Place::new().await;
    let (pty, pts) = pty_process::blocking::open().unwrap();
    pty.resize(pty_process::Size::new(24, 100)).unwrap();
    let command = place.unread();
    let mut child = command.spawn(pts).unwrap();
    // Far more than a terminal holds comes out of this, and nobody waits for it.
    for person in 0..30 {
        place.server.say(100 + person, "/ping").await;
        place.server.wait_for_answers(100 + person, 1).await;
    }
    kill(
        Pid::from_raw(child.id().try_into().unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > Duration::from_secs(40) {
            let _ = child.kill();
            panic!("it does not end");
        }
        tokio::time::sleep(Duration::from_millis(10)).await; // between two looks at a condition
    };
    // Standard error is the same terminal; whoever writes there hangs until the hard deadline.
    assert!(matches!(status.code(), Some(0 | 81)), "{status:?}");
    drop(pty);
}

#[tokio::test]
async fn a_window_that_is_closed_leaves_the_bot_running() {
    let place = Place::new().await;
    let (pty, pts) = pty_process::blocking::open().unwrap();
    pty.resize(pty_process::Size::new(24, 100)).unwrap();
    let mut child = place.unread().spawn(pts).unwrap();
    place.server.say(7, "/ping").await;
    place.server.wait_for_answers(7, 1).await;
    drop(pty);
    place.server.say(7, "/ping").await;
    place.server.wait_for_answers(7, 2).await;
    assert!(place.told("tail 100").contains("the prompt is gone"));
    place.told("shutdown");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn without_a_terminal_it_says_so_once_and_runs_on() {
    let place = Place::new().await;
    let bot = place.bot_that(|command: &mut Command| command.arg("--console"));
    bot.wait_for("there is no prompt; log lines go to standard error");
    place.server.say(7, "/ping").await;
    place.server.wait_for_answers(7, 1).await;
    bot.signal(Signal::SIGTERM);
    let ended = bot.end();
    ended.assert_code(0);
    assert_eq!(ended.stderr.matches("WARN").count(), 1, "{}", ended.stderr);
}
