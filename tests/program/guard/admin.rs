//! What administrators tell the guard.

use serde_json::json;

use super::group::{BOT, Group, OWNER, person};

#[tokio::test]
async fn only_administrators_are_heard() {
    let group = Group::new(-1_001, "supergroup").await;
    group.say(5, "/guard on").await;
    group.say(OWNER, "/guard@other_bot on").await;
    group.say(OWNER, "/stats@sandbox_bot").await;
    group.wait_for("Verification so far").await;
    assert_eq!(group.said().await.len(), 1, "nobody else was answered");

    group.say(OWNER, "/guard").await;
    let menu = group.wait_for("Verification: off").await;
    let answer = group.press(5, &menu, "guard:menu:switch").await;
    assert_eq!(answer["text"], json!("Only administrators can do that."));
    let answer = group.press(OWNER, &menu, "guard:menu:switch").await;
    assert_eq!(answer["text"], json!("Verification: on"));
    let shown = group.wait_for("Verification: on").await;
    assert_eq!(
        shown["message_id"], menu["message_id"],
        "in the same message"
    );

    // An anonymous administrator writes in the name of the group.
    let chat = json!({ "id": group.chat, "type": "supergroup", "title": "Tea room" });
    let anonymous = json!({
        "message_id": 9_000, "date": 1_700_000_000, "chat": chat, "sender_chat": chat, "text": "/guard warnings 5",
        "from": { "id": 1_087_968_824, "is_bot": true, "first_name": "Group", "username": "GroupAnonymousBot" },
    });
    group.server().update("message", anonymous).await;
    group.wait_for("Warnings: 5").await;
    group.bot.prove_well().await;
}

#[tokio::test]
async fn settings_are_typed_and_what_is_no_value_is_explained() {
    let group = Group::new(-1_001, "supergroup").await;
    group.say(OWNER, "/guard deadline 10m").await;
    group.wait_for("Time to answer: 10 minutes").await;
    group.say(OWNER, "/guard zone Europe/Berln").await;
    group.wait_for("Europe/Berln is no value for zone").await;
    group.say(OWNER, "/guard colour blue").await;
    group.wait_for("There is no setting colour").await;
    group.say(OWNER, "/guard language zh").await;
    group.wait_for("语言：中文").await;
    group.bot.prove_well().await;
}

#[tokio::test]
async fn a_basic_group_is_told_to_become_a_supergroup() {
    let group = Group::new(-1_001, "group").await;
    group.say(OWNER, "/guard on").await;
    group.wait_for("This is a basic group").await;
    group.join(5).await;
    group.say(OWNER, "/pending@sandbox_bot").await;
    group.wait_for("Nobody is waiting").await;
    group.bot.prove_well().await;
}

#[tokio::test]
async fn an_administrator_who_may_not_restrict_members_decides_nothing() {
    let group = Group::new(-1_001, "supergroup").await;
    for (user, restricts) in [(5, false), (6, true)] {
        let rights = json!({
            "user": person(user), "chat_id": group.chat, "status": "administrator",
            "rights": { "can_restrict_members": restricts, "can_delete_messages": true },
        });
        group.server().post("member", rights).await;
    }
    group.say(5, "/guard").await;
    group.say(6, "/guard").await;
    let menu = group.wait_for("Verification: off").await;
    assert_eq!(group.said().await.len(), 1, "one of them is answered");
    let answer = group.press(5, &menu, "guard:menu:switch").await;
    assert_eq!(answer["text"], json!("Only administrators can do that."));
    let answer = group.press(6, &menu, "guard:menu:switch").await;
    assert_eq!(answer["text"], json!("Verification: on"));
    group.bot.prove_well().await;
}

#[tokio::test]
async fn a_guard_that_is_off_hears_its_own_command_alone_and_scans_nobody() {
    let group = Group::new(-1_001, "supergroup").await;
    for text in ["/stats", "/pending", "/scan", "/approve all"] {
        group.say(OWNER, text).await;
    }
    let forwarded = json!({
        "message_id": 9_000, "date": 1_700_000_000, "text": "/guard on",
        "chat": { "id": group.chat, "type": "supergroup", "title": "Tea room" },
        "from": { "id": OWNER, "is_bot": false, "first_name": "Owner" },
        "forward_origin": { "type": "hidden_user", "sender_user_name": "Somebody", "date": 1_600_000_000 },
    });
    group.server().update("message", forwarded).await;
    group.say(OWNER, "/scan@sandbox_bot").await;
    group.wait_for("the group is not known").await;
    assert_eq!(group.said().await.len(), 1, "nothing else was answered");
    group.say(OWNER, "/guard").await;
    group.wait_for("Verification: off").await;
    group.bot.prove_well().await;
}

/// Another administrator changes what the bot may do.
async fn give_rights(group: &Group, restrict: bool) {
    let rights = json!({
        "user": { "id": BOT }, "chat_id": group.chat, "status": "administrator",
        "rights": { "can_restrict_members": restrict, "can_delete_messages": true, "can_invite_users": true },
    });
    group.server().post("member", rights).await;
}

async fn wait_for_complaint(group: &Group) {
    group
        .wait("word in private", async || {
            let told = group.server().answers(OWNER).await;
            let complains = |text: &String| text.contains("I lack rights in Tea room");
            told.iter().any(complains).then_some(())
        })
        .await;
}

#[tokio::test]
async fn a_right_that_is_missing_or_taken_away_is_named() {
    let group = Group::new(-1_001, "supergroup").await;
    group.server().say(OWNER, "/start").await;
    give_rights(&group, false).await;
    group.say(OWNER, "/guard on").await;
    group.wait_for("Ban users").await;
    give_rights(&group, true).await;
    group.join(5).await;
    group.wait_for_status(5, "restricted").await;
    give_rights(&group, false).await;
    wait_for_complaint(&group).await;

    let gone = json!({ "user": { "id": BOT }, "chat_id": group.chat, "status": "left" });
    group.server().post("member", gone).await;
    give_rights(&group, true).await;
    group.say(OWNER, "/guard").await;
    group.wait_for("Verification: off").await;
    group.say(OWNER, "/stats@sandbox_bot").await;
    group.wait_for("Waiting: 0").await;
    group.bot.prove_well().await;
}

#[tokio::test]
async fn what_is_refused_for_want_of_a_right_is_told_once() {
    let group = Group::new(-1_001, "supergroup").await;
    group.server().say(OWNER, "/start").await;
    give_rights(&group, false).await;
    group.say(OWNER, "/guard on").await;
    group.wait_for("Verification: on").await;
    group.join(5).await;
    wait_for_complaint(&group).await;
    let told = group.server().answers(OWNER).await.len();
    group.join(6).await;
    let process = &group.bot.process;
    process.wait_for("the administrators have been told lately");
    assert_eq!(group.server().answers(OWNER).await.len(), told);
    group.bot.prove_well().await;
}

#[tokio::test]
async fn people_are_approved_rejected_and_trusted() {
    let group = Group::new(-1_001, "supergroup").await;
    group.say(OWNER, "/guard on").await;
    group.wait_for("Verification: on").await;
    for user in 5..=9 {
        group.join(user).await;
        group.wait_for_status(user, "restricted").await;
    }
    group.say(OWNER, "/pending").await;
    let list = group.wait_for("5 people have not verified yet").await;
    group.say(OWNER, "/approve 5").await;
    group.wait_until_free(5).await;
    group.say(OWNER, "/trust 6").await;
    group.wait_until_free(6).await;
    group.press(OWNER, &list, "guard:approve:7").await;
    group.wait_until_free(7).await;
    group.press(OWNER, &list, "guard:reject:8").await;
    group.wait_for_status(8, "kicked").await;
    let stale = group.press(OWNER, &list, "guard:reject:5").await;
    assert_eq!(stale["text"], json!("This no longer counts."));

    group.say(OWNER, "/reject 4711").await;
    group.wait_for("Nobody like that is waiting").await;
    group.say(OWNER, "/stats").await;
    group.wait_for("Waiting: 1").await;

    let leave = json!({ "user": person(6), "chat_id": group.chat });
    group.server().post("leave", leave).await;
    group.join(6).await;
    group.say(OWNER, "/guard off").await;
    group
        .wait_for("1 person who had not verified may write now")
        .await;
    group.wait_until_free(9).await;
    group.bot.prove_well().await;
}

#[tokio::test]
async fn a_group_keeps_what_is_known_of_it_under_a_new_number() {
    let mut group = Group::new(-1_001, "group").await;
    group.say(OWNER, "/trust@sandbox_bot 5").await;
    group.wait_for("is trusted").await;
    group.say(OWNER, "/guard warnings 5").await;
    group.wait_for("Warnings: 5").await;
    let to = json!({ "chat_id": group.chat, "to": -1_001_001 });
    group.server().post("migrate", to).await;
    group.chat = -1_001_001;
    group.bot.process.wait_for("the group has another number");
    group.say(OWNER, "/guard on").await;
    group.wait_for("Warnings: 5").await;
    group.join(5).await;
    group.join(6).await;
    group.wait_for_status(6, "restricted").await;
    assert_eq!(group.member(5).await["status"], json!("member"), "trusted");
    group.bot.prove_well().await;
}

#[tokio::test]
async fn those_who_wait_wait_on_under_the_new_number() {
    let mut group = Group::new(-1_001, "supergroup").await;
    group.say(OWNER, "/guard on").await;
    group.wait_for("Verification: on").await;
    group.join(5).await;
    group.wait_for_status(5, "restricted").await;

    let to = json!({ "chat_id": -1_002, "title": "Tea house", "members": [person(5)] });
    group.server().post("group", to).await;
    let moved = json!({
        "message_id": 9_000, "date": 1_700_000_000, "migrate_to_chat_id": -1_002, "from": { "id": OWNER, "is_bot": false, "first_name": "Owner" },
        "chat": { "id": -1_001, "type": "supergroup", "title": "Tea room" },
    });
    group.server().update("message", moved).await;
    group.chat = -1_002;
    group.wait_for_status(5, "restricted").await;
    group.wait_for("Welcome, Person 5").await;
    // The link that was sent before.
    group.server().say(5, "/start v_-1001").await;
    group
        .wait("a challenge", async || {
            let asked = group.server().answers(5).await;
            asked
                .iter()
                .any(|text| text.contains("To enter"))
                .then_some(())
        })
        .await;
    group.say(OWNER, "/approve all").await;
    group.wait_until_free(5).await;
    group.bot.prove_well().await;
}

#[tokio::test]
async fn a_dry_run_says_what_it_does_not_do() {
    let group = Group::new(-1_001, "supergroup").await;
    group.say(OWNER, "/guard dryrun on").await;
    group.wait_for("Dry run: on").await;
    group.say(OWNER, "/guard on").await;
    group.wait_for("Verification: on").await;
    group.join(5).await;
    group.join(6).await;
    group.wait_for("would mute Person 5 and Person 6").await;
    assert_eq!(group.member(5).await["status"], json!("member"));
    group.say(OWNER, "/reject 5").await;
    group.wait_for("would remove Person 5").await;
    assert_eq!(group.member(5).await["status"], json!("member"));
    group.bot.prove_well().await;
}
