//! A bot that dies, hangs, or is cut off from the network.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::instance::{Instance, wait_for_calls};
use crate::lab::{DEBUG_PROGRAM, lab};
use crate::support::Server;

/// Restarted at once, so that a test need not wait.
const SOON: &str = "RestartSec=100ms";

#[tokio::test]
async fn a_bot_that_is_killed_is_restarted_and_nothing_is_lost() {
    let Some(lab) = lab("a_bot_that_is_killed_is_restarted_and_nothing_is_lost") else {
        return;
    };
    let server = Server::start().await;
    let bot = Instance::new(lab, "killed", &server.url, "");
    bot.drop_in(SOON);
    bot.start();
    let slow = json!({ "method": "sendMessage", "fault": "hang", "seconds": 600, "times": 10 });
    server.fault(slow).await;
    for person in 1..=10 {
        server.say(person, "/ping").await;
    }
    wait_for_calls(&server, "sendMessage", 10).await;
    bot.systemctl(&["kill", "--kill-who=main", "--signal=KILL"]);
    for person in 1..=10 {
        server.wait_for_answers(person, 1).await;
    }
    assert_eq!(bot.restarts(), 1);
    bot.wait_for_state("active running");
}

#[tokio::test]
async fn a_poll_loop_that_hangs_is_ended_by_the_watchdog_and_restarted() {
    let Some(lab) = lab("a_poll_loop_that_hangs_is_ended_by_the_watchdog_and_restarted") else {
        return;
    };
    let server = Server::start().await;
    let bot = Instance::new(lab, "poll-hangs", &server.url, "");
    bot.drop_in(&format!(
        "{SOON}\nEnvironment=SUNDOWN_HANG_AT=poll:2\nExecPaths={DEBUG_PROGRAM}\n\
         ExecStart=\nExecStart={DEBUG_PROGRAM} run --config %E/sundown/%i.toml"
    ));
    bot.start();
    // A poll that was promised to be over after 10 s is given a minute more.
    bot.wait_long(Duration::from_secs(100), "watchdog", || bot.restarts() == 1);
    bot.assert_in_journal("Watchdog");
    bot.assert_in_journal("result 'watchdog'");
    bot.wait_for_state("active running");
}

#[tokio::test]
async fn a_process_that_stands_still_is_ended_by_the_watchdog_and_restarted() {
    let Some(lab) = lab("a_process_that_stands_still_is_ended_by_the_watchdog_and_restarted")
    else {
        return;
    };
    let server = Server::start().await;
    let bot = Instance::new(lab, "stands-still", &server.url, "");
    bot.drop_in(&format!("{SOON}\nWatchdogSec=3s"));
    bot.start();
    bot.systemctl(&["kill", "--kill-who=main", "--signal=STOP"]);
    bot.wait("restart", || bot.restarts() == 1);
    bot.assert_in_journal("result 'watchdog'");
    bot.wait_for_state("active running");
}

#[tokio::test]
async fn an_outage_of_many_watchdog_periods_restarts_nothing() {
    let Some(lab) = lab("an_outage_of_many_watchdog_periods_restarts_nothing") else {
        return;
    };
    let server = Server::start().await;
    let bot = Instance::new(lab, "outage", &server.url, "");
    bot.drop_in(&format!("{SOON}\nWatchdogSec=5s"));
    bot.start();
    let pid = bot.property("MainPID");
    // Connections are still taken, and nobody answers, as behind a router that lost its way. The last promise before it is
    // for 71 s: who did not renew it would be ended.
    server.process.signal(Signal::SIGSTOP);
    tokio::time::sleep(Duration::from_secs(80)).await;
    assert_eq!(bot.state(), "active running");
    server.process.signal(Signal::SIGCONT);
    server.say(7, "/ping").await;
    server.wait_for_answers(7, 1).await;
    assert_eq!((bot.property("MainPID"), bot.restarts()), (pid, 0));
}
