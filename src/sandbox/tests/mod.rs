//! The protocol, over real HTTP.

mod bans;
mod buttons;
mod documents;
mod edits;
mod entities;
mod faults;
mod groups;
mod members;
mod messages;
mod photos;
mod polling;
mod private;
mod protocol;
mod requests;
mod rights;
mod topics;

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicI64, Ordering};

use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::*;
use crate::lifecycle::{Handle, Report, Supervisor};

const GROUP: i64 = -100_123;

/// A sandbox that serves until it is dropped.
struct Fixture {
    url: String,
    token: String,
    http: Client,
    looks: AtomicI64,
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
        looks: AtomicI64::new(1),
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
        let answer = self.control_answer(call, body).await;
        assert_eq!(answer["ok"], json!(true), "{call}: {answer}");
        answer["result"].clone()
    }

    async fn control_error(&self, call: &str, body: Value) -> (u64, String) {
        let answer = self.control_answer(call, body).await;
        assert_eq!(answer["ok"], json!(false), "{call}: {answer}");
        let description = answer["description"].as_str().unwrap();
        (
            answer["error_code"].as_u64().unwrap(),
            description.to_owned(),
        )
    }

    async fn control_answer(&self, call: &str, body: Value) -> Value {
        let url = format!("{}/control/{call}", self.url);
        let sent = self.http.post(url).json(&body).send().await.unwrap();
        sent.json().await.unwrap()
    }

    /// What a look at the control surface shows.
    async fn see(&self, look: &str) -> Value {
        let url = format!("{}/control/{look}", self.url);
        let answer: Value = self
            .http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(answer["ok"], json!(true), "{look}: {answer}");
        answer["result"].clone()
    }

    async fn control_state(&self) -> Value {
        self.see("state").await
    }

    /// A supergroup, and a bot that hears of its members. Ada is one of them.
    async fn tea_room(&self) {
        let kinds = json!([
            "message",
            "callback_query",
            "chat_member",
            "my_chat_member",
            "chat_join_request"
        ]);
        self.updates(json!({ "allowed_updates": kinds })).await;
        let group = json!({ "chat_id": GROUP, "title": "Tea room", "members": [ada()] });
        self.control("group", group).await;
    }

    /// The bot's own place in the tea room, as an administrator makes it.
    async fn place_bot(&self, place: Value) {
        let mut body = json!({ "chat_id": GROUP, "user": { "id": BOT } });
        for (name, value) in place.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.control("member", body).await;
    }

    /// What the bot is told of Ada in the tea room.
    async fn ada_in_group(&self) -> Value {
        self.ok("getChatMember", about_ada(json!({}))).await
    }

    /// All updates of this kind that wait.
    async fn told(&self, kind: &str) -> Vec<Value> {
        // Asking twice for the same offset would get one update: each look has another, below every id.
        let offset = self.looks.fetch_add(1, Ordering::Relaxed);
        let updates = self.updates(json!({ "offset": offset })).await;
        let told = updates.iter().filter_map(|update| update.get(kind));
        told.cloned().collect()
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

/// A call about Ada in the tea room.
fn about_ada(more: Value) -> Value {
    let mut body = json!({ "chat_id": GROUP, "user_id": 5 });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// A control call about Ada in the tea room.
fn ada_there() -> Value {
    json!({ "user": ada(), "chat_id": GROUP })
}

/// Seconds since 1970 so much ahead.
fn ahead(seconds: u64) -> u64 {
    super::clock::Clock::default().now() + seconds
}

fn texts(updates: &[Value]) -> Vec<&str> {
    updates
        .iter()
        .filter_map(|update| update["message"]["text"].as_str())
        .collect()
}
