//! How a bot comes up under systemd, or does not.

use std::net::TcpListener;

use serde_json::json;

use crate::instance::{Instance, calls};
use crate::lab::lab;
use crate::support::Server;

/// An address on loopback at which nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn it_is_active_only_after_the_first_poll() {
    let Some(lab) = lab("it_is_active_only_after_the_first_poll") else {
        return;
    };
    let server = Server::start().await;
    let fails = json!({ "method": "getUpdates", "fault": "status", "code": 502, "times": 3 });
    server.fault(fails).await;
    let bot = Instance::new(lab, "first-poll", &server.url, "");
    bot.systemctl(&["start", "--no-block"]);
    loop {
        let state = bot.state();
        // Asked after the state: what has not been called now had not been then.
        if calls(&server, "getUpdates").await > 3 {
            break;
        }
        assert!(
            state == "activating start" || state == "inactive dead",
            "{state} without a poll"
        );
    }
    bot.wait_for_state("active running");
    assert!(bot.property("StatusText").starts_with("running"));
}

#[tokio::test]
async fn a_start_waits_for_an_api_that_comes_up() {
    let Some(lab) = lab("a_start_waits_for_an_api_that_comes_up") else {
        return;
    };
    let address = nobody();
    let bot = Instance::new(lab, "api-late", &format!("http://{address}"), "");
    bot.systemctl(&["start", "--no-block"]);
    bot.wait_for_journal("the Bot API cannot be used now");
    assert_eq!(bot.state(), "activating start");
    let server = Server::start_at(&address).await;
    bot.wait_for_state("active running");
    assert_eq!(bot.restarts(), 0);
    server.say(7, "/ping").await;
    server.wait_for_answers(7, 1).await;
}

#[tokio::test]
async fn a_start_that_waited_long_enough_ends_with_69_and_is_tried_again() {
    let Some(lab) = lab("a_start_that_waited_long_enough_ends_with_69_and_is_tried_again") else {
        return;
    };
    let address = nobody();
    let patience = "start_patience = \"1s\"\n";
    let bot = Instance::new(lab, "api-down", &format!("http://{address}"), patience);
    bot.systemctl(&["start", "--no-block"]);
    bot.wait_for_state("activating auto-restart");
    assert_eq!(bot.property("ExecMainStatus"), "69");
    assert_eq!(bot.property("StatusErrno"), "111");
    let _server = Server::start_at(&address).await;
    bot.wait_for_state("active running");
    assert!(bot.restarts() >= 1);
}

#[tokio::test]
async fn a_bot_that_somebody_else_polls_ends_with_75_and_is_tried_again() {
    let Some(lab) = lab("a_bot_that_somebody_else_polls_ends_with_75_and_is_tried_again") else {
        return;
    };
    let server = Server::start().await;
    let text = "Conflict: terminated by other getUpdates request";
    let taken = json!({
        "method": "getUpdates", "fault": "status", "code": 409, "description": text, "times": 1_000,
    });
    server.fault(taken).await;
    let bot = Instance::new(lab, "taken", &server.url, "");
    bot.systemctl(&["start", "--no-block"]);
    bot.wait_for_state("activating auto-restart");
    assert_eq!(bot.property("ExecMainStatus"), "75");
    bot.systemctl(&["stop"]);
}

#[tokio::test]
async fn entries_in_the_journal_are_found_by_their_service() {
    let Some(lab) = lab("entries_in_the_journal_are_found_by_their_service") else {
        return;
    };
    let server = Server::start().await;
    let bot = Instance::new(lab, "journal", &server.url, "");
    bot.start();
    bot.wait_for_journal("the token is accepted");
    let words = [
        "journalctl",
        "--unit",
        "sundown@journal",
        "SERVICE=poller",
        "PRIORITY=6",
    ];
    let found = lab.run(&[&words[..], &["--output", "cat"]].concat());
    assert!(found.contains("the token is accepted"), "{found}");
    assert!(!found.contains("hook done"), "{found}");
}

#[tokio::test]
async fn a_refused_token_ends_with_78_and_is_not_tried_again() {
    let Some(lab) = lab("a_refused_token_ends_with_78_and_is_not_tried_again") else {
        return;
    };
    let server = Server::start().await;
    let refuses = json!({ "method": "getMe", "fault": "status", "code": 401 });
    server.fault(refuses).await;
    let bot = Instance::new(lab, "bad-token", &server.url, "");
    bot.systemctl(&["start", "--no-block"]);
    bot.wait_for_state("failed failed");
    bot.assert_ended("failed failed", "exit-code", "78");
    assert_eq!(bot.restarts(), 0);
    bot.assert_in_journal("refused the token");
    // The reason is in `systemctl status`, too.
    let status = bot.property("StatusText");
    assert!(status.contains("refused the token"), "{status}");
}

#[tokio::test]
async fn two_instances_run_side_by_side() {
    let Some(lab) = lab("two_instances_run_side_by_side") else {
        return;
    };
    let servers = [Server::start().await, Server::start().await];
    let [left, right] = [
        Instance::new(lab, "left", &servers[0].url, ""),
        Instance::new(lab, "right", &servers[1].url, ""),
    ];
    left.start();
    right.start();
    assert_ne!(left.property("UID"), right.property("UID"));
    for server in &servers {
        server.say(7, "/ping").await;
        server.wait_for_answers(7, 1).await;
    }
    left.systemctl(&["stop"]);
    left.assert_ended("inactive dead", "success", "0");
    servers[1].say(7, "/ping").await;
    servers[1].wait_for_answers(7, 2).await;
}
