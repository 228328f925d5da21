//! Entities beside a text, and what is found in people's words.

use serde_json::json;

use super::*;

fn bold(offset: usize, length: usize) -> Value {
    json!({ "type": "bold", "offset": offset, "length": length })
}

#[tokio::test]
async fn entities_are_kept_where_they_lie_in_the_text() {
    let fixture = fixture().await;
    fixture.say("hi").await;
    let send =
        |text: &str, entities: Value| json!({ "chat_id": 5, "text": text, "entities": entities });
    let unsorted = json!([bold(3, 2), bold(0, 2), bold(1, 0)]);
    let sent = fixture.ok("sendMessage", send("𝄞 ab", unsorted)).await;
    assert_eq!(sent["entities"], json!([bold(0, 2), bold(3, 2)]));

    let edit = |entities: Value| json!({ "chat_id": 5, "message_id": sent["message_id"], "text": "𝄞 ab", "entities": entities });
    let same = edit(json!([bold(0, 2), bold(3, 2)]));
    let (_, error) = fixture.error("editMessageText", same).await;
    assert!(error.contains("message is not modified"), "{error}");
    let edited = fixture
        .ok("editMessageText", edit(json!([bold(0, 2)])))
        .await;
    assert_eq!(edited["entities"], json!([bold(0, 2)]));

    let many: Vec<Value> = (0..150).map(|at| bold(at, 1)).collect();
    let sent = fixture
        .ok("sendMessage", send(&"x".repeat(150), json!(many)))
        .await;
    assert_eq!(sent["entities"].as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn entities_that_the_server_would_refuse_are_refused() {
    let fixture = fixture().await;
    fixture.say("hi").await;
    let link = |url: &str| json!({ "type": "text_link", "offset": 0, "length": 1, "url": url });
    for (entity, expected) in [
        (
            bold(4, 1),
            "entity begins after the end of the text at UTF-16 offset 4",
        ),
        (
            bold(2, 9),
            "entity beginning at UTF-16 offset 2 ends after the end of the text at UTF-16 offset 11",
        ),
        (
            bold(3, 1),
            "entity beginning at UTF-16 offset 3 lies in a middle of a UTF-16 symbol",
        ),
        (
            json!({ "type": "blink", "offset": 0, "length": 1 }),
            "can't parse MessageEntity: Unsupported type specified",
        ),
        (
            link("http://localhost/"),
            "entity URL 'http://localhost/' is invalid: Wrong HTTP URL",
        ),
        (
            link("ftp://e.org/"),
            "entity URL 'ftp://e.org/' is invalid: Unsupported URL protocol",
        ),
    ] {
        let message = json!({ "chat_id": 5, "text": "ab𝄞", "entities": [entity] });
        let (code, error) = fixture.error("sendMessage", message).await;
        assert_eq!((code, error), (400, format!("Bad Request: {expected}")));
    }
}

#[tokio::test]
async fn the_bot_sees_mentions_in_what_people_write() {
    let fixture = fixture().await;
    fixture.say("hey @sandbox_bot").await;
    let told = fixture.told("message").await;
    let mention = json!([{ "type": "mention", "offset": 4, "length": 12 }]);
    assert_eq!(told[0]["entities"], mention);
}

#[tokio::test]
async fn what_a_message_has_said_can_be_looked_up() {
    let fixture = fixture().await;
    fixture.say("hi").await;
    let sent = fixture
        .ok("sendMessage", json!({ "chat_id": 5, "text": "…" }))
        .await;
    let id = &sent["message_id"];
    let edit = json!({ "chat_id": 5, "message_id": id, "text": "Hello" });
    fixture.ok("editMessageText", edit.clone()).await;
    // One that changes nothing is none.
    fixture.error("editMessageText", edit).await;
    fixture
        .ok("deleteMessage", json!({ "chat_id": 5, "message_id": id }))
        .await;
    let edits = fixture
        .see(&format!("edits?chat_id=5&message_id={id}"))
        .await;
    let edits = edits.as_array().unwrap();
    let texts: Vec<&Value> = edits.iter().map(|edit| &edit["text"]).collect();
    assert_eq!(texts, ["…", "Hello"]);
    assert!(edits.is_sorted_by_key(|edit| edit["at_ms"].as_u64().unwrap()));
}
