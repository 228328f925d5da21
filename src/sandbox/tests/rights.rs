//! What takes a right, and what a bot without it is told.

use serde_json::json;

use super::*;

const CANNOT_RESTRICT: &str = "Bad Request: not enough rights to restrict/unrestrict chat member";

#[tokio::test]
async fn restricting_and_banning_take_a_right() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    for place in [
        json!({ "status": "administrator", "rights": { "can_delete_messages": true } }),
        json!({ "status": "member" }),
    ] {
        fixture.place_bot(place).await;
        for method in ["restrictChatMember", "banChatMember", "unbanChatMember"] {
            let call = about_ada(json!({ "permissions": {} }));
            assert_eq!(
                fixture.error(method, call).await,
                (400, CANNOT_RESTRICT.to_owned())
            );
        }
    }
    fixture
        .place_bot(json!({ "status": "administrator", "rights": { "can_restrict_members": true } }))
        .await;
    fixture.ok("banChatMember", about_ada(json!({}))).await;
}

#[tokio::test]
async fn nobody_restricts_administrators_the_owner_or_oneself() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    let mut promoted = ada_there();
    promoted["status"] = json!("administrator");
    fixture.control("member", promoted).await;
    let administrators = fixture
        .ok("getChatAdministrators", json!({ "chat_id": GROUP }))
        .await;
    let owner = &administrators.as_array().unwrap().last().unwrap()["user"]["id"];
    for (id, text) in [
        (json!(5), "user is an administrator of the chat"),
        (owner.clone(), "can't remove chat owner"),
        (json!(BOT), "can't restrict self"),
    ] {
        let ban = json!({ "chat_id": GROUP, "user_id": id });
        let refused = fixture.error("banChatMember", ban).await.1;
        assert_eq!(refused, format!("Bad Request: {text}"));
    }
}

#[tokio::test]
async fn requests_are_for_who_may_invite() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    fixture.control("leave", ada_there()).await;
    fixture
        .place_bot(json!({ "status": "administrator", "rights": { "can_restrict_members": true } }))
        .await;
    fixture.control("request", ada_there()).await;
    assert!(fixture.told("chat_join_request").await.is_empty());
    let refused = fixture
        .error("approveChatJoinRequest", about_ada(json!({})))
        .await;
    assert!(
        refused.1.starts_with("Bad Request: not enough rights"),
        "{}",
        refused.1
    );
}

#[tokio::test]
async fn deleting_what_others_wrote_takes_a_right() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    let words = json!({ "user": ada(), "chat_id": GROUP, "text": "Buy my tea" });
    let hers = fixture.control("message", words).await["message_id"].clone();
    let own = json!({ "chat_id": GROUP, "text": "No." });
    let own = fixture.ok("sendMessage", own).await["message_id"].clone();
    fixture
        .place_bot(json!({ "status": "administrator", "rights": {} }))
        .await;
    let delete = |id: &Value| json!({ "chat_id": GROUP, "message_id": id });
    assert_eq!(
        fixture.error("deleteMessage", delete(&hers)).await.1,
        "Bad Request: message can't be deleted"
    );
    fixture.ok("deleteMessage", delete(&own)).await;
    fixture
        .place_bot(json!({ "status": "administrator" }))
        .await;
    fixture.ok("deleteMessage", delete(&hers)).await;
}

#[tokio::test]
async fn what_is_older_than_two_days_stays() {
    let fixture = fixture().await;
    let hers = fixture.say("hi").await["message_id"].clone();
    fixture
        .control("clock", json!({ "advance": 48 * 3_600 }))
        .await;
    let delete = json!({ "chat_id": 5, "message_id": hers });
    assert_eq!(
        fixture.error("deleteMessage", delete).await.1,
        "Bad Request: message can't be deleted"
    );
}

#[tokio::test]
async fn only_administrators_hear_of_members_and_every_bot_of_itself() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    fixture.place_bot(json!({ "status": "member" })).await;
    fixture.control("leave", ada_there()).await;
    assert!(fixture.told("chat_member").await.is_empty());
    assert_eq!(
        fixture.told("message").await.len(),
        1,
        "the service message"
    );
    fixture
        .place_bot(json!({ "status": "administrator", "rights": { "can_restrict_members": true } }))
        .await;
    fixture.control("join", ada_there()).await;
    assert_eq!(fixture.told("chat_member").await.len(), 1);
    let own = fixture.told("my_chat_member").await;
    let new = own.iter().map(|change| &change["new_chat_member"]);
    let rights: Vec<_> = new
        .map(|new| {
            (
                new["status"].as_str().unwrap(),
                new["can_restrict_members"].as_bool(),
            )
        })
        .collect();
    assert_eq!(rights, [("member", None), ("administrator", Some(true))]);
}

#[tokio::test]
async fn a_bot_that_is_out_hears_nothing_and_is_refused() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    fixture.ok("leaveChat", json!({ "chat_id": GROUP })).await;
    let words = json!({ "user": ada(), "chat_id": GROUP, "text": "Where is it?" });
    fixture.control("message", words).await;
    assert!(fixture.told("message").await.is_empty());
    let hello = json!({ "chat_id": GROUP, "text": "hello" });
    assert_eq!(
        fixture.error("sendMessage", hello.clone()).await,
        (
            403,
            "Forbidden: bot is not a member of the supergroup chat".to_owned()
        )
    );
    fixture.place_bot(json!({ "status": "kicked" })).await;
    assert_eq!(
        fixture.error("sendMessage", hello).await.1,
        "Forbidden: bot was kicked from the supergroup chat"
    );
    assert_eq!(fixture.told("my_chat_member").await.len(), 2);
}

#[tokio::test]
async fn a_bot_that_was_muted_cannot_write() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    fixture.place_bot(json!({ "status": "restricted" })).await;
    let hello = json!({ "chat_id": GROUP, "text": "hello" });
    assert_eq!(
        fixture.error("sendMessage", hello).await.1,
        "Bad Request: not enough rights to send text messages to the chat"
    );
}
