//! Messages: what may be in them.

use serde_json::json;

use super::*;

#[tokio::test]
async fn messages_are_sent_edited_and_deleted_by_the_rules() {
    let fixture = fixture().await;
    assert_eq!(
        fixture
            .error("sendMessage", json!({ "chat_id": 5, "text": "hi" }))
            .await
            .1,
        "Bad Request: chat not found"
    );
    fixture.say("hi").await;
    let sent = fixture
        .ok("sendMessage", json!({ "chat_id": 5, "text": "hello" }))
        .await;
    let id = sent["message_id"].as_i64().unwrap();
    assert_eq!(
        fixture
            .error("sendMessage", json!({ "chat_id": 5, "text": " " }))
            .await
            .1,
        "Bad Request: message text is empty"
    );
    // UTF-16 units count: 2,049 of these are 4,098.
    let long = "𝄞".repeat(2_049);
    assert_eq!(
        fixture
            .error("sendMessage", json!({ "chat_id": 5, "text": long }))
            .await
            .1,
        "Bad Request: message is too long"
    );

    let edit = |text: &str| json!({ "chat_id": 5, "message_id": id, "text": text });
    assert!(
        fixture
            .error("editMessageText", edit("hello"))
            .await
            .1
            .contains("message is not modified")
    );
    assert_eq!(
        fixture.ok("editMessageText", edit("bye")).await["text"],
        json!("bye")
    );
    fixture
        .ok("deleteMessage", json!({ "chat_id": 5, "message_id": id }))
        .await;
    assert_eq!(
        fixture.error("editMessageText", edit("x")).await.1,
        "Bad Request: message to edit not found"
    );
    assert_eq!(
        fixture
            .error("deleteMessage", json!({ "chat_id": 5, "message_id": id }))
            .await
            .1,
        "Bad Request: message to delete not found"
    );
    fixture
        .ok(
            "deleteMessages",
            json!({ "chat_id": 5, "message_ids": [1, 2, 3] }),
        )
        .await;
    fixture
        .ok(
            "sendChatAction",
            json!({ "chat_id": 5, "action": "typing" }),
        )
        .await;
}
