//! Buttons, and what is answered to who presses one.

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_button_is_answered_once() {
    let fixture = fixture().await;
    fixture.say("hi").await;
    let markup = json!({ "inline_keyboard": [[{ "text": "Go", "callback_data": "go" }]] });
    let sent = fixture
        .ok(
            "sendMessage",
            json!({ "chat_id": 5, "text": "?", "reply_markup": markup }),
        )
        .await;
    fixture
        .control(
            "press",
            json!({ "user": ada(), "chat_id": 5, "message_id": sent["message_id"], "data": "go" }),
        )
        .await;
    let updates = fixture.updates(json!({})).await;
    let query = &updates[1]["callback_query"];
    assert_eq!(
        (&query["data"], &query["message"]["text"]),
        (&json!("go"), &json!("?"))
    );
    let answer = json!({ "callback_query_id": query["id"] });
    fixture.ok("answerCallbackQuery", answer.clone()).await;
    assert!(
        fixture
            .error("answerCallbackQuery", answer)
            .await
            .1
            .contains("query ID is invalid")
    );
}

#[tokio::test]
async fn only_a_button_that_is_there_can_be_pressed_and_answers_are_kept() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    let keys = json!([[
        { "text": "Go", "callback_data": "go" }, { "text": "Site", "url": "https://t.me/sandbox_bot?start=x" }
    ]]);
    let question =
        json!({ "chat_id": GROUP, "text": "?", "reply_markup": { "inline_keyboard": keys } });
    let id = fixture.ok("sendMessage", question).await["message_id"].clone();
    let press =
        |data: &str| json!({ "user": ada(), "chat_id": GROUP, "message_id": id, "data": data });
    for data in ["stop", ""] {
        assert_eq!(
            fixture.control_error("press", press(data)).await.1,
            "Bad Request: no button of this message has that data"
        );
    }
    let pressed = fixture.control("press", press("go")).await;
    let answer = json!({ "callback_query_id": pressed, "text": "Not for you", "show_alert": true });
    fixture.ok("answerCallbackQuery", answer).await;
    let answers = fixture.see("answers").await;
    assert_eq!(
        answers,
        json!([{ "id": pressed, "text": "Not for you", "show_alert": true, "url": null }])
    );
}

#[tokio::test]
async fn a_button_holds_64_bytes() {
    let fixture = fixture().await;
    fixture.say("hi").await;
    for (data, is_taken) in [("x".repeat(64), true), ("x".repeat(65), false)] {
        let keys = json!({ "inline_keyboard": [[{ "text": "Go", "callback_data": data }]] });
        let message = json!({ "chat_id": 5, "text": "?", "reply_markup": keys });
        assert_eq!(
            fixture.call("sendMessage", message).await["ok"],
            json!(is_taken)
        );
    }
}
