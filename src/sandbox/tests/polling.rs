//! getUpdates: what is confirmed, and which of two pollers wins.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, timeout};

use super::*;

#[tokio::test]
async fn updates_come_again_until_an_offset_confirms_them() {
    let fixture = fixture().await;
    fixture.say("one").await;
    fixture.say("two").await;
    let first = fixture.updates(json!({})).await;
    assert_eq!(texts(&first), ["one", "two"]);
    let second_id = first[1]["update_id"].as_i64().unwrap();
    assert_eq!(
        texts(&fixture.updates(json!({ "offset": second_id })).await),
        ["two"]
    );
    fixture.say("three").await;
    assert_eq!(
        texts(
            &fixture
                .updates(json!({ "offset": second_id + 1, "limit": 1 }))
                .await
        ),
        ["three"]
    );
    assert_eq!(
        fixture.ok("getWebhookInfo", json!({})).await["pending_update_count"],
        json!(1)
    );
}

#[tokio::test]
async fn a_long_poll_is_answered_as_soon_as_something_comes() {
    let fixture = fixture().await;
    let (updates, _) = tokio::join!(fixture.updates(json!({ "timeout": 50 })), async {
        // The poll is open when the server has counted it.
        loop {
            let calls = fixture.control_state().await;
            if calls["calls"]["getupdates"] == json!(1) {
                break;
            }
        }
        fixture.say("here I am").await
    });
    assert_eq!(texts(&updates), ["here I am"]);
}

#[tokio::test]
async fn an_empty_poll_lasts_as_long_as_it_was_asked_to() {
    let fixture = fixture().await;
    let began = Instant::now();
    assert!(
        fixture
            .updates(json!({ "timeout": 1, "offset": 0 }))
            .await
            .is_empty()
    );
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn the_newest_poller_wins() {
    let fixture = fixture().await;
    let old = fixture.error("getUpdates", json!({ "timeout": 50 }));
    let new = async {
        while fixture.control_state().await["calls"]["getupdates"] != json!(1) {}
        fixture.updates(json!({ "timeout": 1, "offset": 0 })).await
    };
    let (old, new) = timeout(Duration::from_secs(20), async { tokio::join!(old, new) })
        .await
        .unwrap();
    assert_eq!(old.0, 409);
    assert!(
        old.1
            .starts_with("Conflict: terminated by other getUpdates request"),
        "{}",
        old.1
    );
    assert!(new.is_empty());
}

#[tokio::test]
async fn a_webhook_excludes_polling_until_it_is_deleted() {
    let fixture = fixture().await;
    fixture
        .ok("setWebhook", json!({ "url": "https://bot.example/hook" }))
        .await;
    assert_eq!(
        fixture.ok("getWebhookInfo", json!({})).await["url"],
        json!("https://bot.example/hook")
    );
    let (code, text) = fixture.error("getUpdates", json!({})).await;
    assert_eq!(code, 409);
    assert!(
        text.contains("can't use getUpdates method while webhook is active"),
        "{text}"
    );
    fixture.say("waiting").await;
    fixture
        .ok("deleteWebhook", json!({ "drop_pending_updates": true }))
        .await;
    assert!(fixture.updates(json!({})).await.is_empty());
}

#[tokio::test]
async fn kinds_are_remembered_from_the_last_call_that_named_some() {
    let fixture = fixture().await;
    fixture
        .updates(json!({ "allowed_updates": ["callback_query"] }))
        .await;
    fixture.updates(json!({ "offset": 1 })).await;
    fixture.say("unheard").await;
    assert!(fixture.updates(json!({ "offset": 2 })).await.is_empty());
    fixture
        .updates(json!({ "offset": 3, "allowed_updates": [] }))
        .await;
    fixture.say("heard").await;
    assert_eq!(
        texts(&fixture.updates(json!({ "offset": 4 })).await),
        ["heard"]
    );
}
