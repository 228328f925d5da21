//! The poller against a server in trouble: it says so, goes on, and loses nothing.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::support::Bot;

async fn goes_on_after(fault: Value, says: &str) {
    let bot = Bot::start().await;
    bot.server.fault(fault).await;
    bot.server.say(7, "/ping").await;
    bot.process.wait_for(says);
    bot.server.wait_for_answers(7, 1).await;
    assert_eq!(bot.server.answers(7).await.len(), 1, "answered once");
    bot.prove_well().await;
}

#[tokio::test]
async fn it_goes_on_after_server_errors() {
    goes_on_after(
        json!({ "fault": "status", "code": 500, "times": 3 }),
        "500 Internal Server Error",
    )
    .await;
}

#[tokio::test]
async fn it_goes_on_after_a_proxys_page() {
    goes_on_after(
        json!({ "fault": "html", "code": 502 }),
        "not the Bot API's: HTTP 502",
    )
    .await;
}

#[tokio::test]
async fn it_goes_on_after_a_reset_in_the_middle_of_an_answer() {
    goes_on_after(json!({ "fault": "reset" }), "no answer from 127.0.0.1").await;
}

#[tokio::test]
async fn it_goes_on_after_half_an_answer() {
    goes_on_after(json!({ "fault": "malformed" }), "are no envelope").await;
}

#[tokio::test]
async fn it_goes_on_after_an_ok_without_a_result() {
    goes_on_after(json!({ "fault": "empty" }), "ok without a result").await;
}

#[tokio::test]
async fn it_waits_as_long_as_a_429_demands() {
    goes_on_after(
        json!({ "fault": "status", "code": 429, "retry_after": 1 }),
        "wait_ms=1000",
    )
    .await;
}

#[tokio::test]
async fn it_outlasts_a_passing_conflict() {
    goes_on_after(
        json!({ "fault": "status", "code": 409 }),
        "another instance polls this bot",
    )
    .await;
}

#[tokio::test]
async fn another_instance_that_stays_ends_it_with_75() {
    let bot = Bot::start().await;
    bot.server
        .fault(json!({ "fault": "status", "code": 409, "times": 99 }))
        .await;
    let ended = bot.process.end();
    ended.assert_code(75);
    ended.assert_hooks(&["on_start   open the store: done"]);
    assert!(ended.took < Duration::from_secs(30), "{:?}", ended.took);
    let said = ended
        .stderr
        .matches("another instance polls this bot")
        .count();
    assert_eq!(said, 1, "said once");
    assert!(
        ended
            .stderr
            .contains("another instance still polls this bot after 11 s"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn a_webhook_in_the_way_is_removed() {
    let bot = Bot::start().await;
    bot.server
        .call("setWebhook", json!({ "url": "https://bot.example/hook" }))
        .await;
    bot.process.wait_for("a webhook is set for this bot");
    bot.prove_well().await;
}

#[tokio::test]
async fn a_webhook_that_cannot_be_removed_at_once_is_removed_later() {
    let bot = Bot::start().await;
    bot.server
        .fault(json!({ "method": "deleteWebhook", "fault": "status", "code": 500 }))
        .await;
    bot.server
        .call("setWebhook", json!({ "url": "https://bot.example/hook" }))
        .await;
    bot.process.wait_for("the webhook could not be removed");
    bot.prove_well().await;
}

#[tokio::test]
async fn a_flood_wait_of_a_message_is_waited_for_and_the_person_answered() {
    let bot = Bot::start().await;
    bot.server
        .fault(json!({ "method": "sendMessage", "fault": "status", "code": 429, "retry_after": 1 }))
        .await;
    bot.prove_well().await;
}

#[tokio::test]
async fn a_gap_in_the_ids_is_nothing() {
    let bot = Bot::start().await;
    let next = bot.server.state().await["next_update_id"].as_i64().unwrap();
    bot.server.next_id(next + 1_000).await;
    bot.prove_well().await;
}

#[tokio::test]
async fn a_restart_of_the_ids_is_followed() {
    let bot = Bot::start().await;
    bot.server.say(7, "/ping").await;
    bot.server.wait_for_answers(7, 1).await;
    bot.server.next_id(5).await;
    bot.server.say(7, "/ping").await;
    bot.process.wait_for("the server restarted its update ids");
    bot.server.wait_for_answers(7, 2).await;
    bot.prove_well().await;
}

#[tokio::test]
async fn an_update_that_nobody_understands_is_kept_and_blocks_nobody() {
    let bot = Bot::start().await;
    bot.server
        .update("tea_time", json!({ "chat": { "id": 7 } }))
        .await;
    bot.server
        .update("message", json!({ "chat": { "id": 7 }, "nonsense": true }))
        .await;
    bot.process.wait_for_count("update parked", 2);
    bot.server.say(7, "/ping").await;
    bot.server.wait_for_answers(7, 1).await;
    bot.process.signal(Signal::SIGTERM);
    let ended = bot.process.end();
    ended.assert_code(0);
    assert!(
        ended.stdout.contains("left 0, parked 2"),
        "{}",
        ended.stdout
    );
}
