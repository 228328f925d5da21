//! The protocol, over real HTTP.

use std::net::Ipv4Addr;
use std::time::Duration;

use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::*;
use crate::lifecycle::{Handle, Report, Supervisor};

const GROUP: i64 = -100_123;

/// A sandbox that serves until it is dropped.
struct Fixture {
    url: String,
    token: String,
    http: Client,
    handle: Handle,
    running: JoinHandle<Report>,
}

async fn fixture() -> Fixture {
    let (sandbox, token) = Sandbox::with_bot((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let url = sandbox.url();
    let supervisor = Supervisor::builder("test")
        .signals(false)
        .service("sandbox", move || sandbox.clone());
    let handle = supervisor.handle();
    #[expect(
        clippy::disallowed_methods,
        reason = "the test's own server, stopped by its end"
    )]
    let running = tokio::spawn(supervisor.run());
    Fixture {
        url,
        token,
        http: Client::new(),
        handle,
        running,
    }
}

impl Fixture {
    async fn response(&self, method: &str, body: &Value) -> Response {
        let url = format!("{}/bot{}/{method}", self.url, self.token);
        self.http.post(url).json(body).send().await.unwrap()
    }

    /// The whole envelope.
    async fn call(&self, method: &str, body: Value) -> Value {
        self.response(method, &body).await.json().await.unwrap()
    }

    /// The result of a call that succeeds.
    #[track_caller]
    fn ok(&self, method: &str, body: Value) -> impl Future<Output = Value> {
        let method = method.to_owned();
        async move {
            let answer = self.call(&method, body).await;
            assert_eq!(answer["ok"], json!(true), "{method}: {answer}");
            answer["result"].clone()
        }
    }

    /// Code and description of a call that fails.
    async fn error(&self, method: &str, body: Value) -> (u64, String) {
        let response = self.response(method, &body).await;
        let status = u64::from(response.status().as_u16());
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["ok"], json!(false), "{method}: {answer}");
        assert_eq!(answer["error_code"], json!(status), "status and code agree");
        (status, answer["description"].as_str().unwrap().to_owned())
    }

    async fn control(&self, call: &str, body: Value) -> Value {
        let url = format!("{}/control/{call}", self.url);
        let answer: Value = self
            .http
            .post(url)
            .json(&body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(answer["ok"], json!(true), "{call}: {answer}");
        answer["result"].clone()
    }

    async fn say(&self, text: &str) -> Value {
        self.control("message", json!({ "user": ada(), "text": text }))
            .await
    }

    async fn updates(&self, body: Value) -> Vec<Value> {
        self.ok("getUpdates", body)
            .await
            .as_array()
            .unwrap()
            .clone()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.handle.request_stop("the test is over");
        self.running.abort();
    }
}

fn ada() -> Value {
    json!({ "id": 5, "first_name": "Ada" })
}

fn texts(updates: &[Value]) -> Vec<&str> {
    updates
        .iter()
        .filter_map(|update| update["message"]["text"].as_str())
        .collect()
}

#[tokio::test]
async fn method_names_are_taken_in_any_case_and_by_get_too() {
    let fixture = fixture().await;
    for method in ["getMe", "GetMe", "GETME"] {
        assert_eq!(fixture.ok(method, json!({})).await["is_bot"], json!(true));
    }
    let url = format!("{}/bot{}/getme", fixture.url, fixture.token);
    let answer: Value = fixture
        .http
        .get(url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(answer["ok"], json!(true));
}

#[tokio::test]
async fn arguments_are_taken_from_query_json_form_and_multipart() {
    let fixture = fixture().await;
    fixture.say("hi").await;
    let url = format!("{}/bot{}/sendMessage", fixture.url, fixture.token);
    let pairs = [
        ("chat_id", "5"),
        ("text", "hello"),
        ("reply_markup", r#"{"inline_keyboard":[]}"#),
    ];
    let form = pairs
        .iter()
        .fold(reqwest::multipart::Form::new(), |form, (name, value)| {
            form.text(*name, *value)
        });
    let requests = [
        fixture.http.get(&url).query(&pairs),
        fixture.http.post(&url).form(&pairs),
        fixture.http.post(&url).multipart(form),
        fixture.http.post(&url).json(
            &json!({ "chat_id": 5, "text": "hello", "reply_markup": { "inline_keyboard": [] } }),
        ),
    ];
    for request in requests {
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["result"]["text"], json!("hello"), "{answer}");
        assert_eq!(
            answer["result"]["reply_markup"],
            json!({ "inline_keyboard": [] }),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_photo_is_uploaded_by_multipart() {
    let fixture = fixture().await;
    fixture.say("hi").await;
    let url = format!("{}/bot{}/sendPhoto", fixture.url, fixture.token);
    let part = reqwest::multipart::Part::bytes(vec![0xff; 1_000]).file_name("cat.png");
    let form = reqwest::multipart::Form::new()
        .text("chat_id", "5")
        .text("caption", "a cat")
        .part("photo", part);
    let answer: Value = fixture
        .http
        .post(url)
        .multipart(form)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(answer["result"]["caption"], json!("a cat"), "{answer}");
    assert_eq!(
        answer["result"]["photo"][0]["file_size"],
        json!(1_000),
        "{answer}"
    );
}

#[tokio::test]
async fn a_foreign_token_is_401_and_no_token_at_all_is_404() {
    let fixture = fixture().await;
    for (token, code) in [("1:abcdefgh", 401), ("nonsense", 404), ("x:abcdefgh", 404)] {
        let url = format!("{}/bot{token}/getMe", fixture.url);
        let answer: Value = fixture
            .http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(answer["error_code"], json!(code), "{token}");
    }
    assert_eq!(
        fixture.error("getTea", json!({})).await,
        (404, "Not Found: method not found".to_owned())
    );
}

#[tokio::test]
async fn updates_come_again_until_an_offset_confirms_them() {
    let fixture = fixture().await;
    fixture.say("one").await;
    fixture.say("two").await;
    let first = fixture.updates(json!({})).await;
    assert_eq!(texts(&first), ["one", "two"]);
    let second_id = first[1]["update_id"].as_i64().unwrap();
    assert_eq!(
        texts(&fixture.updates(json!({ "offset": second_id })).await),
        ["two"]
    );
    fixture.say("three").await;
    assert_eq!(
        texts(
            &fixture
                .updates(json!({ "offset": second_id + 1, "limit": 1 }))
                .await
        ),
        ["three"]
    );
    assert_eq!(
        fixture.ok("getWebhookInfo", json!({})).await["pending_update_count"],
        json!(1)
    );
}

#[tokio::test]
async fn a_long_poll_is_answered_as_soon_as_something_comes() {
    let fixture = fixture().await;
    let (updates, _) = tokio::join!(fixture.updates(json!({ "timeout": 50 })), async {
        // The poll is open when the server has counted it.
        loop {
            let calls = fixture.control_state().await;
            if calls["calls"]["getupdates"] == json!(1) {
                break;
            }
        }
        fixture.say("here I am").await
    });
    assert_eq!(texts(&updates), ["here I am"]);
}

impl Fixture {
    async fn control_state(&self) -> Value {
        let url = format!("{}/control/state", self.url);
        let answer: Value = self
            .http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        answer["result"].clone()
    }
}

#[tokio::test]
async fn an_empty_poll_lasts_as_long_as_it_was_asked_to() {
    let fixture = fixture().await;
    let began = Instant::now();
    assert!(
        fixture
            .updates(json!({ "timeout": 1, "offset": 0 }))
            .await
            .is_empty()
    );
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn the_newest_poller_wins() {
    let fixture = fixture().await;
    let old = fixture.error("getUpdates", json!({ "timeout": 50 }));
    let new = async {
        while fixture.control_state().await["calls"]["getupdates"] != json!(1) {}
        fixture.updates(json!({ "timeout": 1, "offset": 0 })).await
    };
    let (old, new) = timeout(Duration::from_secs(20), async { tokio::join!(old, new) })
        .await
        .unwrap();
    assert_eq!(old.0, 409);
    assert!(
        old.1
            .starts_with("Conflict: terminated by other getUpdates request"),
        "{}",
        old.1
    );
    assert!(new.is_empty());
}

#[tokio::test]
async fn a_webhook_excludes_polling_until_it_is_deleted() {
    let fixture = fixture().await;
    fixture
        .ok("setWebhook", json!({ "url": "https://bot.example/hook" }))
        .await;
    assert_eq!(
        fixture.ok("getWebhookInfo", json!({})).await["url"],
        json!("https://bot.example/hook")
    );
    let (code, text) = fixture.error("getUpdates", json!({})).await;
    assert_eq!(code, 409);
    assert!(
        text.contains("can't use getUpdates method while webhook is active"),
        "{text}"
    );
    fixture.say("waiting").await;
    fixture
        .ok("deleteWebhook", json!({ "drop_pending_updates": true }))
        .await;
    assert!(fixture.updates(json!({})).await.is_empty());
}

#[tokio::test]
async fn kinds_are_remembered_from_the_last_call_that_named_some() {
    let fixture = fixture().await;
    fixture
        .updates(json!({ "allowed_updates": ["callback_query"] }))
        .await;
    fixture.updates(json!({ "offset": 1 })).await;
    fixture.say("unheard").await;
    assert!(fixture.updates(json!({ "offset": 2 })).await.is_empty());
    fixture
        .updates(json!({ "offset": 3, "allowed_updates": [] }))
        .await;
    fixture.say("heard").await;
    assert_eq!(
        texts(&fixture.updates(json!({ "offset": 4 })).await),
        ["heard"]
    );
}

#[tokio::test]
async fn messages_are_sent_edited_and_deleted_by_the_rules() {
    let fixture = fixture().await;
    assert_eq!(
        fixture
            .error("sendMessage", json!({ "chat_id": 5, "text": "hi" }))
            .await
            .1,
        "Bad Request: chat not found"
    );
    fixture.say("hi").await;
    let sent = fixture
        .ok("sendMessage", json!({ "chat_id": 5, "text": "hello" }))
        .await;
    let id = sent["message_id"].as_i64().unwrap();
    assert_eq!(
        fixture
            .error("sendMessage", json!({ "chat_id": 5, "text": " " }))
            .await
            .1,
        "Bad Request: message text is empty"
    );
    // UTF-16 units count: 2,049 of these are 4,098.
    let long = "𝄞".repeat(2_049);
    assert_eq!(
        fixture
            .error("sendMessage", json!({ "chat_id": 5, "text": long }))
            .await
            .1,
        "Bad Request: message is too long"
    );

    let edit = |text: &str| json!({ "chat_id": 5, "message_id": id, "text": text });
    assert!(
        fixture
            .error("editMessageText", edit("hello"))
            .await
            .1
            .contains("message is not modified")
    );
    assert_eq!(
        fixture.ok("editMessageText", edit("bye")).await["text"],
        json!("bye")
    );
    fixture
        .ok("deleteMessage", json!({ "chat_id": 5, "message_id": id }))
        .await;
    assert_eq!(
        fixture.error("editMessageText", edit("x")).await.1,
        "Bad Request: message to edit not found"
    );
    assert_eq!(
        fixture
            .error("deleteMessage", json!({ "chat_id": 5, "message_id": id }))
            .await
            .1,
        "Bad Request: message to delete not found"
    );
    fixture
        .ok(
            "deleteMessages",
            json!({ "chat_id": 5, "message_ids": [1, 2, 3] }),
        )
        .await;
    fixture
        .ok(
            "sendChatAction",
            json!({ "chat_id": 5, "action": "typing" }),
        )
        .await;
}

#[tokio::test]
async fn a_button_is_answered_once() {
    let fixture = fixture().await;
    fixture.say("hi").await;
    let markup = json!({ "inline_keyboard": [[{ "text": "Go", "callback_data": "go" }]] });
    let sent = fixture
        .ok(
            "sendMessage",
            json!({ "chat_id": 5, "text": "?", "reply_markup": markup }),
        )
        .await;
    fixture
        .control(
            "press",
            json!({ "user": ada(), "chat_id": 5, "message_id": sent["message_id"], "data": "go" }),
        )
        .await;
    let updates = fixture.updates(json!({})).await;
    let query = &updates[1]["callback_query"];
    assert_eq!(
        (&query["data"], &query["message"]["text"]),
        (&json!("go"), &json!("?"))
    );
    let answer = json!({ "callback_query_id": query["id"] });
    fixture.ok("answerCallbackQuery", answer.clone()).await;
    assert!(
        fixture
            .error("answerCallbackQuery", answer)
            .await
            .1
            .contains("query ID is invalid")
    );
}

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

#[tokio::test]
async fn commands_are_kept() {
    let fixture = fixture().await;
    let commands = json!([{ "command": "ping", "description": "pong" }]);
    fixture
        .ok("setMyCommands", json!({ "commands": commands }))
        .await;
    assert_eq!(fixture.ok("getMyCommands", json!({})).await, commands);
}

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
