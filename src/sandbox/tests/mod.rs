//! The protocol, over real HTTP.

mod faults;
mod members;
mod messages;
mod polling;
mod protocol;

use std::net::Ipv4Addr;

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
