//! How systemd ends a bot.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::instance::{Instance, wait_for_calls};
use crate::lab::lab;
use crate::support::Server;

/// A bot whose handlers are all in the middle of sending an answer.
async fn busy(
    lab: &'static crate::lab::Lab,
    name: &'static str,
    people: i64,
    fault: serde_json::Value,
) -> (Server, Instance) {
    let server = Server::start().await;
    server.fault(fault).await;
    let bot = Instance::new(lab, name, &server.url, "stop_timeout = \"4s\"");
    bot.start();
    for person in 1..=people {
        server.say(person, "/ping").await;
    }
    wait_for_calls(&server, "sendMessage", people.try_into().unwrap()).await;
    (server, bot)
}

#[tokio::test]
async fn a_stop_lets_a_hundred_handlers_finish() {
    let Some(lab) = lab("a_stop_lets_a_hundred_handlers_finish") else {
        return;
    };
    let slow = json!({ "method": "sendMessage", "fault": "late", "seconds": 2, "times": 100 });
    let (server, bot) = busy(lab, "hundred", 100, slow).await;
    bot.systemctl(&["stop"]);
    bot.assert_ended("inactive dead", "success", "0");
    for person in 1..=100 {
        assert_eq!(server.answers(person).await.len(), 1, "person {person}");
    }
    bot.assert_nothing_left();
}

#[tokio::test]
async fn a_handler_that_never_ends_is_left_in_time_and_named() {
    let Some(lab) = lab("a_handler_that_never_ends_is_left_in_time_and_named") else {
        return;
    };
    let stuck = json!({ "method": "sendMessage", "fault": "hang", "seconds": 600 });
    let (_server, bot) = busy(lab, "never-ends", 1, stuck).await;
    let began = Instant::now();
    bot.systemctl(&["stop"]);
    let took = began.elapsed();
    // Cancelled at four fifths of the budget.
    assert!(
        took < Duration::from_millis(4_500),
        "the stop took {took:?}"
    );
    bot.assert_ended("failed failed", "exit-code", "80");
    assert_eq!(bot.restarts(), 0);
    bot.assert_in_journal("left unfinished: the handler of update ");
}

#[tokio::test]
async fn a_stop_that_goes_on_gets_more_time_than_the_unit_gives() {
    let Some(lab) = lab("a_stop_that_goes_on_gets_more_time_than_the_unit_gives") else {
        return;
    };
    let stuck = json!({ "method": "sendMessage", "fault": "hang", "seconds": 600 });
    let (_server, bot) = busy(lab, "long-stop", 1, stuck).await;
    // Less than the four fifths of 4 s after which the handler is cancelled.
    bot.drop_in("TimeoutStopSec=2s");
    // A systemd that reads its units again counts the two seconds from the start of the stop, as if none had been added.
    let _kept = lab.keeping_units();
    bot.systemctl(&["stop"]);
    bot.assert_ended("failed failed", "exit-code", "80");
    bot.assert_in_journal("left unfinished: the handler of update ");
}

#[tokio::test]
async fn a_second_signal_cancels_what_still_runs() {
    let Some(lab) = lab("a_second_signal_cancels_what_still_runs") else {
        return;
    };
    let stuck = json!({ "method": "sendMessage", "fault": "hang", "seconds": 600 });
    let (_server, bot) = busy(lab, "kill-twice", 1, stuck).await;
    // Of the longest stop there is nothing left to wait for after the second signal.
    bot.configure("");
    let began = Instant::now();
    let kill = ["kill", "--kill-who=main", "--signal=TERM"];
    bot.systemctl(&kill);
    bot.wait_for_journal("draining");
    // A second signal counts from 300 ms after the first.
    std::thread::sleep(Duration::from_millis(350));
    bot.systemctl(&kill);
    bot.wait_for_state("failed failed");
    let took = began.elapsed();
    assert!(
        took < Duration::from_millis(2_500),
        "the stop took {took:?}"
    );
    bot.assert_ended("failed failed", "exit-code", "80");
    assert_eq!(bot.restarts(), 0);
}
