//! Private chats: whom a bot may write to.

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_bot_does_not_begin_a_conversation() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    let hello = json!({ "chat_id": 5, "text": "hello" });
    assert_eq!(
        fixture.error("sendMessage", hello.clone()).await,
        (
            403,
            "Forbidden: bot can't initiate conversation with a user".to_owned()
        )
    );
    fixture.say("/start").await;
    fixture.ok("sendMessage", hello).await;
}

#[tokio::test]
async fn a_bot_that_was_blocked_is_told_so() {
    let fixture = fixture().await;
    fixture.say("hi").await;
    fixture.control("block", json!({ "user": ada() })).await;
    let hello = json!({ "chat_id": 5, "text": "hello" });
    assert_eq!(
        fixture.error("sendMessage", hello.clone()).await,
        (403, "Forbidden: bot was blocked by the user".to_owned())
    );
    fixture
        .control("block", json!({ "user": ada(), "blocked": false }))
        .await;
    fixture.ok("sendMessage", hello).await;
    let own = fixture.told("my_chat_member").await;
    let statuses = own
        .iter()
        .map(|change| &change["new_chat_member"]["status"]);
    assert_eq!(statuses.collect::<Vec<_>>(), ["kicked", "member"]);
}

#[tokio::test]
async fn whoever_writes_has_let_the_bot_in_again() {
    let fixture = fixture().await;
    fixture.control("block", json!({ "user": ada() })).await;
    fixture.say("/start v_abc").await;
    fixture
        .ok("sendMessage", json!({ "chat_id": 5, "text": "hello" }))
        .await;
}
