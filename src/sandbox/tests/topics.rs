//! Topics of a forum, and answers to a message.

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_topic_is_kept_in_what_people_and_the_bot_write() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    let asked = json!({ "user": ada(), "chat_id": GROUP, "text": "milk?", "message_thread_id": 7 });
    let asked = fixture.control("message", asked).await;
    let told = fixture.told("message").await;
    let topic = (&json!(7), &json!(true));
    assert_eq!(
        (&told[0]["message_thread_id"], &told[0]["is_topic_message"]),
        topic
    );

    let reply = json!({ "message_id": asked["message_id"] });
    let answer = json!({ "chat_id": GROUP, "text": "Ada", "message_thread_id": 7, "reply_parameters": reply });
    let answer = fixture.ok("sendMessage", answer).await;
    assert_eq!(
        (&answer["message_thread_id"], &answer["is_topic_message"]),
        topic
    );
    assert_eq!(answer["reply_to_message"]["text"], json!("milk?"));

    let back = json!({ "user": ada(), "chat_id": GROUP, "text": "me?", "reply_to_message_id": answer["message_id"] });
    let back = fixture.control("message", back).await;
    assert_eq!(back["reply_to_message"]["from"]["id"], json!(BOT));
}

#[tokio::test]
async fn an_answer_to_a_message_that_is_gone_needs_leave_to_be_sent() {
    let fixture = fixture().await;
    fixture.say("hi").await;
    let answer = |leave: bool| {
        let reply = json!({ "message_id": 99, "allow_sending_without_reply": leave });
        json!({ "chat_id": 5, "text": "x", "reply_parameters": reply })
    };
    let (_, error) = fixture.error("sendMessage", answer(false)).await;
    assert_eq!(error, "Bad Request: message to be replied not found");
    let sent = fixture.ok("sendMessage", answer(true)).await;
    assert_eq!(sent.get("reply_to_message"), None);
}
