//! Members that come, go, and are restricted.

use serde_json::{Value, json};

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

const MUTED: &str = r#"{"can_send_messages":false}"#;

#[tokio::test]
async fn a_restriction_outlasts_a_leave() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    let mute = about_ada(json!({ "permissions": MUTED }));
    fixture.ok("restrictChatMember", mute).await;
    for (call, is_member) in [("leave", false), ("join", true)] {
        fixture.control(call, ada_there()).await;
        let ada = fixture.ada_in_group().await;
        let place = (&ada["status"], &ada["is_member"]);
        assert_eq!(place, (&json!("restricted"), &json!(is_member)), "{call}");
    }
    let words = json!({ "user": ada(), "chat_id": GROUP, "text": "Hello?" });
    assert_eq!(fixture.control_error("message", words).await.0, 403);
    let new = fixture.told("chat_member").await;
    let is_member = new
        .iter()
        .map(|change| &change["new_chat_member"]["is_member"]);
    assert_eq!(is_member.collect::<Vec<_>>(), [true, false, true]);
}

#[tokio::test]
async fn whoever_has_left_can_be_restricted() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    fixture.control("leave", ada_there()).await;
    let mute = about_ada(json!({ "permissions": MUTED }));
    fixture.ok("restrictChatMember", mute).await;
    let ada = fixture.ada_in_group().await;
    let place = (&ada["status"], &ada["is_member"]);
    assert_eq!(place, (&json!("restricted"), &json!(false)));
    let lift = about_ada(json!({ "permissions": every_permission() }));
    fixture.ok("restrictChatMember", lift).await;
    assert_eq!(fixture.ada_in_group().await["status"], json!("left"));
}

fn every_permission() -> Value {
    json!({
        "can_send_messages": true, "can_send_audios": true, "can_send_documents": true, "can_send_photos": true,
        "can_send_videos": true, "can_send_video_notes": true, "can_send_voice_notes": true, "can_send_polls": true,
        "can_send_other_messages": true, "can_add_web_page_previews": true, "can_change_info": true,
        "can_invite_users": true, "can_pin_messages": true, "can_manage_topics": true,
    })
}

#[tokio::test]
async fn a_restriction_is_lifted_by_the_groups_own_permissions() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    let mine = json!({ "can_send_messages": true, "can_send_photos": true });
    let group = json!({ "chat_id": GROUP, "title": "Tea room", "permissions": mine });
    fixture.control("group", group).await;
    let permissions =
        fixture.ok("getChat", json!({ "chat_id": GROUP })).await["permissions"].clone();
    assert_eq!(permissions.as_object().unwrap().len(), 14);

    for (permissions, status) in [
        (json!({ "can_send_messages": true }), "restricted"),
        (permissions, "member"),
        (json!({}), "restricted"),
        // Richer messages imply plain ones and pictures ...
        (json!({ "can_send_other_messages": true }), "member"),
    ] {
        let change = about_ada(json!({ "permissions": permissions }));
        fixture.ok("restrictChatMember", change).await;
        assert_eq!(fixture.ada_in_group().await["status"], json!(status));
    }
    // ... but not where permissions are independent.
    let independent = about_ada(json!({
        "permissions": { "can_send_other_messages": true }, "use_independent_chat_permissions": true,
    }));
    fixture.ok("restrictChatMember", independent).await;
    let ada = fixture.ada_in_group().await;
    assert_eq!(ada["can_send_other_messages"], json!(true));
    assert_eq!(ada["can_send_messages"], json!(false));
}

#[tokio::test]
async fn a_restriction_ends_by_the_clock() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    let until = ahead(60);
    let mute = about_ada(json!({ "permissions": MUTED, "until_date": until }));
    fixture.ok("restrictChatMember", mute).await;
    assert_eq!(fixture.ada_in_group().await["until_date"], json!(until));
    fixture.control("clock", json!({ "advance": 60 })).await;
    assert_eq!(fixture.ada_in_group().await["status"], json!("member"));
    assert_eq!(fixture.told("chat_member").await.len(), 1, "nobody is told");
}

#[tokio::test]
async fn an_administrator_changes_places_by_hand() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    let boris = json!({ "id": 6, "first_name": "Boris" });
    for (status, by) in [
        ("restricted", None),
        ("member", Some(&boris)),
        ("administrator", None),
        ("kicked", Some(&boris)),
    ] {
        let mut place = ada_there();
        place["status"] = json!(status);
        if let Some(by) = by {
            place["by"] = by.clone();
        }
        fixture.control("member", place).await;
        assert_eq!(fixture.ada_in_group().await["status"], json!(status));
    }
    let changes = fixture.told("chat_member").await;
    let by = changes.iter().map(|change| &change["from"]["first_name"]);
    assert_eq!(by.collect::<Vec<_>>(), ["Owner", "Boris", "Owner", "Boris"]);
    let members = fixture.see(&format!("members?chat_id={GROUP}")).await;
    let ids = members.as_array().unwrap().iter();
    let ids: Vec<_> = ids.map(|member| member["user"]["id"].as_i64()).collect();
    assert!(ids.is_sorted() && ids.len() == 3, "{members}");
    assert_eq!(members[0]["until_date"], json!(0), "{members}");
}

#[tokio::test]
async fn a_person_is_added_by_another() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    let boris = json!({ "id": 6, "first_name": "Boris" });
    let join = json!({ "user": boris, "chat_id": GROUP, "by": ada() });
    fixture.control("join", join.clone()).await;
    assert_eq!(fixture.told("chat_member").await[0]["from"]["id"], json!(5));
    assert_eq!(fixture.told("message").await[0]["from"]["id"], json!(5));
    assert_eq!(
        fixture.control_error("join", join).await.1,
        "Bad Request: USER_ALREADY_PARTICIPANT"
    );
    let count = json!({ "chat_id": GROUP });
    assert_eq!(fixture.ok("getChatMemberCount", count).await, json!(4));
}
