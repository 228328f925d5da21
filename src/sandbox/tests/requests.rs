//! Requests to join, and the five minutes in which they open a private chat.

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_join_request_is_approved_or_declined_once() {
    let fixture = fixture().await;
    fixture
        .control("group", json!({ "chat_id": GROUP, "title": "Tea room" }))
        .await;
    let request = json!({ "chat_id": GROUP, "user_id": 5 });
    for (method, status) in [
        ("declineChatJoinRequest", "left"),
        ("approveChatJoinRequest", "member"),
    ] {
        fixture
            .control("request", json!({ "user": ada(), "chat_id": GROUP }))
            .await;
        fixture.ok(method, request.clone()).await;
        let again = fixture.error(method, request.clone()).await.1;
        let over = match status {
            "member" => "Bad Request: USER_ALREADY_PARTICIPANT",
            _ => "Bad Request: HIDE_REQUESTER_MISSING",
        };
        assert_eq!(again, over);
        let member = fixture.call("getChatMember", request.clone()).await;
        assert_eq!(member["result"]["status"], json!(status));
    }
    let updates = fixture.updates(json!({})).await;
    assert_eq!(updates[0]["chat_join_request"]["user_chat_id"], json!(5));
}

/// What a bot that may write to Ada gets, or the error.
async fn write_to_ada(fixture: &Fixture) -> Result<(), String> {
    let message = json!({ "chat_id": 5, "text": "Which is the tea pot?" });
    let answer = fixture.call("sendMessage", message).await;
    match answer["ok"].as_bool() {
        Some(true) => Ok(()),
        _ => Err(answer["description"].as_str().unwrap().to_owned()),
    }
}

const CLOSED: &str = "Forbidden: bot can't initiate conversation with a user";

#[tokio::test]
async fn a_request_opens_the_private_chat_for_five_minutes() {
    let fixture = fixture().await;
    fixture
        .control("group", json!({ "chat_id": GROUP, "title": "Tea room" }))
        .await;
    fixture.control("request", ada_there()).await;
    assert_eq!(write_to_ada(&fixture).await, Ok(()));
    fixture.control("clock", json!({ "advance": 290 })).await;
    assert_eq!(write_to_ada(&fixture).await, Ok(()));
    fixture.control("clock", json!({ "advance": 10 })).await;
    assert_eq!(write_to_ada(&fixture).await, Err(CLOSED.to_owned()));
    // The request itself is still there.
    fixture
        .ok("approveChatJoinRequest", about_ada(json!({})))
        .await;
}

#[tokio::test]
async fn a_request_that_is_over_closes_the_private_chat_again() {
    let fixture = fixture().await;
    fixture
        .control("group", json!({ "chat_id": GROUP, "title": "Tea room" }))
        .await;
    for method in ["declineChatJoinRequest", "approveChatJoinRequest"] {
        fixture.control("request", ada_there()).await;
        fixture.ok(method, about_ada(json!({}))).await;
        assert_eq!(write_to_ada(&fixture).await, Err(CLOSED.to_owned()));
    }
    fixture.say("/start v_abc").await;
    assert_eq!(write_to_ada(&fixture).await, Ok(()));
}

#[tokio::test]
async fn an_approval_is_told_with_its_reason() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    fixture.control("leave", ada_there()).await;
    let mut request = ada_there();
    request["invite_link"] = json!({ "name": "poster" });
    fixture.control("request", request).await;
    fixture
        .ok("approveChatJoinRequest", about_ada(json!({})))
        .await;
    let requests = fixture.told("chat_join_request").await;
    assert_eq!(requests[0]["invite_link"]["name"], json!("poster"));
    let changes = fixture.told("chat_member").await;
    assert_eq!(changes[0].get("via_join_request"), None);
    assert_eq!(changes[1]["via_join_request"], json!(true));
    assert_eq!(changes[1]["from"]["id"], json!(BOT));
    let messages = fixture.told("message").await;
    let joined = &messages.last().unwrap()["new_chat_members"];
    assert_eq!(joined[0]["id"], json!(5));
}

#[tokio::test]
async fn whoever_is_banned_or_there_already_cannot_ask() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    assert_eq!(
        fixture.control_error("request", ada_there()).await.1,
        "Bad Request: USER_ALREADY_PARTICIPANT"
    );
    fixture.ok("banChatMember", about_ada(json!({}))).await;
    assert_eq!(fixture.control_error("request", ada_there()).await.0, 403);
}
