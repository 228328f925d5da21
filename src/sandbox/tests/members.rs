//! Members of groups, and those who ask to become one.

use serde_json::json;

use super::*;

#[tokio::test]
async fn members_join_are_restricted_banned_and_come_back() {
    let fixture = fixture().await;
    fixture
        .updates(json!({ "allowed_updates": ["message", "chat_member"] }))
        .await;
    fixture
        .control("group", json!({ "chat_id": GROUP, "title": "Tea room" }))
        .await;
    fixture
        .control("join", json!({ "user": ada(), "chat_id": GROUP }))
        .await;
    let member = json!({ "chat_id": GROUP, "user_id": 5 });
    let status = async || fixture.ok("getChatMember", member.clone()).await["status"].clone();
    assert_eq!(status().await, json!("member"));

    let mute =
        json!({ "chat_id": GROUP, "user_id": 5, "permissions": { "can_send_messages": false } });
    fixture.ok("restrictChatMember", mute).await;
    assert_eq!(status().await, json!("restricted"));
    fixture.ok("banChatMember", member.clone()).await;
    assert_eq!(status().await, json!("kicked"));
    fixture
        .ok(
            "unbanChatMember",
            json!({ "chat_id": GROUP, "user_id": 5, "only_if_banned": true }),
        )
        .await;
    assert_eq!(status().await, json!("left"));

    let administrators = fixture
        .ok("getChatAdministrators", json!({ "chat_id": GROUP }))
        .await;
    assert_eq!(administrators[0]["user"]["is_bot"], json!(true));
    assert_eq!(
        fixture.ok("getChat", json!({ "chat_id": GROUP })).await["title"],
        json!("Tea room")
    );
    let changes = fixture.updates(json!({ "offset": 1 })).await;
    let new = changes
        .iter()
        .filter_map(|update| update["chat_member"]["new_chat_member"]["status"].as_str());
    assert_eq!(
        new.collect::<Vec<_>>(),
        ["member", "restricted", "kicked", "left"]
    );
}

#[tokio::test]
async fn a_join_request_is_approved_or_declined_once() {
    let fixture = fixture().await;
    fixture
        .control("group", json!({ "chat_id": GROUP, "title": "Tea room" }))
        .await;
    let request = json!({ "chat_id": GROUP, "user_id": 5 });
    for (method, status) in [
        ("declineChatJoinRequest", None),
        ("approveChatJoinRequest", Some("member")),
    ] {
        fixture
            .control("request", json!({ "user": ada(), "chat_id": GROUP }))
            .await;
        fixture.ok(method, request.clone()).await;
        assert_eq!(
            fixture.error(method, request.clone()).await.1,
            "Bad Request: HIDE_REQUESTER_MISSING"
        );
        let member = fixture.call("getChatMember", request.clone()).await;
        assert_eq!(member["result"]["status"].as_str(), status);
    }
    let updates = fixture.updates(json!({})).await;
    assert_eq!(updates[0]["chat_join_request"]["user_chat_id"], json!(5));
}
