//! Bans: how long they last, and who may join again.

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_ban_that_is_over_lets_the_person_join_again() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    let until = ahead(60);
    let ban = about_ada(json!({ "until_date": until }));
    fixture.ok("banChatMember", ban).await;
    let ada = fixture.ada_in_group().await;
    let ban = (&ada["status"], &ada["until_date"]);
    assert_eq!(ban, (&json!("kicked"), &json!(until)));
    assert_eq!(
        fixture.control_error("join", ada_there()).await,
        (
            403,
            "Forbidden: this person is banned from the chat".to_owned()
        )
    );

    fixture.control("clock", json!({ "advance": 60 })).await;
    assert_eq!(fixture.ada_in_group().await["status"], json!("left"));
    fixture.control("join", ada_there()).await;
    assert_eq!(fixture.ada_in_group().await["status"], json!("member"));
}

#[tokio::test]
async fn a_ban_that_ends_too_soon_or_too_late_never_ends() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    for seconds in [0, 5, 367 * 86_400] {
        let ban = about_ada(json!({ "until_date": ahead(seconds) }));
        fixture.ok("banChatMember", ban).await;
        assert_eq!(fixture.ada_in_group().await["until_date"], json!(0));
        fixture.ok("unbanChatMember", about_ada(json!({}))).await;
    }
}

#[tokio::test]
async fn a_ban_removes_and_says_so_in_the_group() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    for _ in 0..2 {
        fixture.ok("banChatMember", about_ada(json!({}))).await;
    }
    let messages = fixture.told("message").await;
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!(messages[0]["left_chat_member"]["id"], json!(5));
    assert_eq!(messages[0]["from"]["id"], json!(BOT));
    assert_eq!(
        fixture.told("chat_member").await.len(),
        1,
        "the second ban changed nothing"
    );
}

#[tokio::test]
async fn lifting_a_ban_removes_nobody_where_it_is_asked_to() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    let careful = about_ada(json!({ "only_if_banned": true }));
    fixture.ok("unbanChatMember", careful).await;
    assert_eq!(fixture.ada_in_group().await["status"], json!("member"));
    fixture.ok("unbanChatMember", about_ada(json!({}))).await;
    assert_eq!(fixture.ada_in_group().await["status"], json!("left"));
}

#[tokio::test]
async fn only_who_was_never_met_is_unknown() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    let boris = json!({ "user": { "id": 6, "first_name": "Boris" }, "text": "hi" });
    fixture.control("message", boris).await;
    let place = fixture
        .ok("getChatMember", json!({ "chat_id": GROUP, "user_id": 6 }))
        .await;
    assert_eq!(place["status"], json!("left"));
    let nobody = json!({ "chat_id": GROUP, "user_id": 99 });
    assert_eq!(
        fixture.error("getChatMember", nobody).await.1,
        "Bad Request: user not found"
    );
}
