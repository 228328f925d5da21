//! Messages that change: their text, their caption, their buttons.

use serde_json::json;

use super::*;

#[tokio::test]
async fn html_is_read_in_what_is_sent_and_edited() {
    let fixture = fixture().await;
    fixture.say("hi").await;
    let text = r#"Hello, <a href="tg://user?id=5">Ada</a> &amp; <a href="tg://user?id=99">you</a>"#;
    let message = json!({ "chat_id": 5, "text": text, "parse_mode": "HTML" });
    let sent = fixture.ok("sendMessage", message).await;
    assert_eq!(sent["text"], json!("Hello, Ada & you"));
    let entities = sent["entities"].as_array().unwrap();
    assert_eq!(entities.len(), 1, "nobody knows 99: {sent}");
    assert_eq!(entities[0]["user"]["first_name"], json!("Ada"));

    let edit = |text: &str| json!({ "chat_id": 5, "message_id": sent["message_id"], "text": text, "parse_mode": "HTML" });
    let edited = fixture
        .ok("editMessageText", edit("Hello, <i>Ada</i>"))
        .await;
    assert_eq!(edited["entities"][0]["type"], json!("italic"));
    let plain = fixture.ok("editMessageText", edit("Hello, Ada")).await;
    assert_eq!(plain.get("entities"), None);
    assert_eq!(
        fixture
            .error("editMessageText", edit("Hello, <b>Ada"))
            .await
            .1,
        "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\""
    );
}

#[tokio::test]
async fn buttons_are_taken_away_and_a_text_has_no_caption() {
    let fixture = fixture().await;
    fixture.say("hi").await;
    let keys = json!({ "inline_keyboard": [[{ "text": "Go", "callback_data": "go" }]] });
    let message = json!({ "chat_id": 5, "text": "?", "reply_markup": keys });
    let id = fixture.ok("sendMessage", message).await["message_id"].clone();
    let edit = json!({ "chat_id": 5, "message_id": id });
    let edited = fixture.ok("editMessageReplyMarkup", edit.clone()).await;
    assert_eq!(edited.get("reply_markup"), None);
    assert!(
        fixture
            .error("editMessageReplyMarkup", edit)
            .await
            .1
            .contains("message is not modified")
    );
    let caption = json!({ "chat_id": 5, "message_id": id, "caption": "x" });
    assert_eq!(
        fixture.error("editMessageCaption", caption).await.1,
        "Bad Request: there is no caption in the message to edit"
    );
    let photo = json!({ "chat_id": 5, "photo": "photo1", "caption": "a cat" });
    let id = fixture.ok("sendPhoto", photo).await["message_id"].clone();
    let caption = json!({ "chat_id": 5, "message_id": id, "caption": "two cats" });
    let edited = fixture.ok("editMessageCaption", caption).await;
    assert_eq!(edited["caption"], json!("two cats"));
}
