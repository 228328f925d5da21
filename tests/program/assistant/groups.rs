//! Questions in groups: to whom the bot listens, and who may stop what.

use serde_json::{Value, json};

use super::talk::Talk;

const GROUP: i64 = -1_001_000_000_777;
const ADA: i64 = 71;
const BEN: i64 = 72;

async fn writes(talk: &Talk, person: i64, text: &str, reply_to: Option<&Value>) {
    let user = json!({ "id": person, "first_name": format!("Person {person}") });
    let reply_to = reply_to.map(|message| &message["message_id"]);
    let said = json!({ "user": user, "chat_id": GROUP, "text": text, "reply_to": reply_to });
    talk.server.post("message", said).await;
}

async fn group() -> Talk {
    let talk = Talk::new("").await;
    let group = json!({ "chat_id": GROUP, "title": "Tea room" });
    talk.server.post("group", group).await;
    talk
}

#[tokio::test]
async fn a_group_is_answered_where_the_bot_is_meant_and_nowhere_else() {
    let talk = group().await;
    let _bot = talk.bot();
    let me = talk.server.call("getMe", json!({})).await["result"]["username"].clone();
    let me = me.as_str().unwrap();
    writes(&talk, ADA, "say nothing of this", None).await;
    writes(&talk, ADA, &format!("@{me} say by name"), None).await;
    talk.hears_only(GROUP, &["by name"]).await;
    writes(&talk, BEN, "/ask say by command", None).await;
    talk.hears_only(GROUP, &["by name", "by command"]).await;
    let answer = talk.messages(GROUP).await[0].clone();
    writes(&talk, BEN, "say by reply", Some(&answer)).await;
    talk.hears(GROUP, "by reply").await;
    let heard = talk.model.heard();
    assert_eq!(heard.len(), 5, "what everybody has asked: {heard:?}");
    assert!(heard.iter().all(|text| !text.contains("nothing of this")));
}

#[tokio::test]
async fn in_a_group_only_who_has_asked_stops_an_answer() {
    let talk = group().await;
    let _bot = talk.bot();
    writes(&talk, ADA, "/ask never", None).await;
    talk.hears_only(GROUP, &["…"]).await;
    talk.presses(GROUP, BEN, "Stop").await;
    writes(&talk, BEN, "/stop", None).await;
    talk.hears(GROUP, "Only who has asked can stop that.").await;
    assert_eq!(talk.said(GROUP).await[0], "…");
    talk.presses(GROUP, ADA, "Stop").await;
    talk.hears(GROUP, "Stopped.").await;
}
