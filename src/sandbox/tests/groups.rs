//! Basic groups, and what they become.

use serde_json::json;

use super::*;

const BASIC: i64 = -77;

async fn basic_group(fixture: &Fixture) {
    let group =
        json!({ "chat_id": BASIC, "title": "Tea room", "kind": "group", "members": [ada()] });
    assert_eq!(
        fixture.control("group", group).await["type"],
        json!("group")
    );
}

#[tokio::test]
async fn a_basic_group_cannot_restrict() {
    let fixture = fixture().await;
    basic_group(&fixture).await;
    let mute = json!({ "chat_id": BASIC, "user_id": 5, "permissions": {} });
    assert_eq!(
        fixture.error("restrictChatMember", mute).await,
        (
            400,
            "Bad Request: method is available only for supergroups".to_owned()
        )
    );
    let ban = json!({ "chat_id": BASIC, "user_id": 5 });
    fixture.ok("banChatMember", ban).await;
}

#[tokio::test]
async fn a_group_that_becomes_a_supergroup_leaves_its_new_number_behind() {
    let fixture = fixture().await;
    basic_group(&fixture).await;
    fixture
        .control("migrate", json!({ "chat_id": BASIC, "to": GROUP }))
        .await;
    let moved = fixture.told("message").await;
    assert_eq!(moved[0]["migrate_to_chat_id"], json!(GROUP));
    assert_eq!(moved[0]["chat"]["id"], json!(BASIC));
    assert_eq!(moved[1]["migrate_from_chat_id"], json!(BASIC));
    assert_eq!(moved[1]["chat"]["id"], json!(GROUP));
    assert_eq!(fixture.ada_in_group().await["status"], json!("member"));

    for method in ["sendMessage", "getChatMember", "getChat"] {
        let call = json!({ "chat_id": BASIC, "user_id": 5, "text": "hello" });
        let refused = fixture.call(method, call).await;
        assert_eq!(
            refused["description"],
            json!("Bad Request: group chat was upgraded to a supergroup chat")
        );
        assert_eq!(refused["parameters"]["migrate_to_chat_id"], json!(GROUP));
    }
}

#[tokio::test]
async fn the_clock_dates_what_happens() {
    let fixture = fixture().await;
    let before = fixture.say("now").await["date"].as_u64().unwrap();
    fixture.control("clock", json!({ "advance": 3_600 })).await;
    let after = fixture.say("an hour later").await["date"].as_u64().unwrap();
    assert!((3_600..3_660).contains(&(after - before)));
}
