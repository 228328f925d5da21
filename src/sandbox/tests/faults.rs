//! Faults on demand.

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_fault_strikes_as_often_as_it_was_told() {
    let fixture = fixture().await;
    let fault =
        json!({ "method": "getMe", "fault": "status", "code": 429, "retry_after": 3, "times": 2 });
    fixture.control("fault", fault).await;
    for _ in 0..2 {
        let answer = fixture.call("getMe", json!({})).await;
        assert_eq!(answer["parameters"]["retry_after"], json!(3), "{answer}");
    }
    fixture.ok("getMe", json!({})).await;
}

#[tokio::test]
async fn a_fault_about_a_chat_strikes_calls_about_that_chat_alone() {
    let fixture = fixture().await;
    for person in [5, 6] {
        let user = json!({ "id": person, "first_name": "Ada" });
        let message = json!({ "user": user, "text": "hi" });
        fixture.control("message", message).await;
    }
    let fault = json!({ "method": "sendMessage", "chat_id": 5, "fault": "status", "code": 429 });
    fixture.control("fault", fault).await;
    let to = |chat: i64| json!({ "chat_id": chat, "text": "hello" });
    fixture.ok("sendMessage", to(6)).await;
    let refused = fixture.call("sendMessage", to(5)).await;
    assert_eq!(refused["error_code"], json!(429), "{refused}");
    fixture.ok("sendMessage", to(5)).await;
}

#[tokio::test]
async fn a_reset_breaks_the_answer_off() {
    let fixture = fixture().await;
    fixture
        .control("fault", json!({ "method": "getMe", "fault": "reset" }))
        .await;
    let broken = fixture.response("getMe", &json!({})).await.bytes().await;
    assert!(broken.is_err());
    fixture.ok("getMe", json!({})).await;
}

#[tokio::test]
async fn a_late_call_is_carried_out() {
    let fixture = fixture().await;
    let fault = json!({ "method": "getMe", "fault": "late", "seconds": 0 });
    fixture.control("fault", fault).await;
    fixture.ok("getMe", json!({})).await;
}

#[tokio::test]
async fn a_fault_strikes_every_tenth_call_of_any_method() {
    let fixture = fixture().await;
    let fault =
        json!({ "method": "*", "fault": "status", "code": 429, "every": 10, "times": 1_000_000 });
    fixture.control("fault", fault).await;
    let mut refused = Vec::new();
    for number in 1..=25 {
        let method = ["getMe", "getMyCommands"][number % 2];
        if fixture.call(method, json!({})).await["ok"] == json!(false) {
            refused.push(number);
        }
        // Polling goes on, and does not count.
        fixture.updates(json!({ "offset": number })).await;
    }
    assert_eq!(refused, [10, 20]);
}

#[tokio::test]
async fn one_group_fails_whatever_is_asked() {
    let fixture = fixture().await;
    fixture.tea_room().await;
    fixture.say("hi").await;
    let fault = json!({
        "method": "*", "chat_id": GROUP, "fault": "status", "code": 403, "description": "Forbidden: no", "times": 1_000_000
    });
    fixture.control("fault", fault).await;
    for method in ["getChat", "getChatMember", "sendMessage"] {
        let call = about_ada(json!({ "text": "hello" }));
        let refused = (403, "Forbidden: no".to_owned());
        assert_eq!(fixture.error(method, call).await, refused);
    }
    fixture
        .ok("sendMessage", json!({ "chat_id": 5, "text": "hello" }))
        .await;
}
