//! `sundown sandbox` as a process of its own, and its control surface.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::Process;

/// Has the form of a real one.
pub(crate) const TOKEN: &str = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc";

/// A sandbox server that outlives the bots which call it.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) url: String,
    http: reqwest::Client,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_at("127.0.0.1:0").await
    }

    pub(crate) async fn start_at(address: &str) -> Self {
        let process = Process::sundown(["sandbox", "--listen", address]);
        let line = process.wait_for("point a bot's API address here");
        let url = line
            .split("url=")
            .nth(1)
            .unwrap()
            .trim_matches('"')
            .to_owned();
        let server = Self {
            process,
            url,
            http: reqwest::Client::new(),
        };
        server.post("bot", json!({ "token": TOKEN })).await;
        server
    }

    async fn post(&self, call: &str, body: Value) -> Value {
        let url = format!("{}/control/{call}", self.url);
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["ok"], json!(true), "{call} {body}: {answer}");
        answer["result"].clone()
    }

    async fn get(&self, call: &str) -> Value {
        let url = format!("{}/control/{call}", self.url);
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

    /// The person with this number writes to the bot.
    pub(crate) async fn say(&self, person: i64, text: &str) {
        let user = json!({ "id": person, "first_name": format!("Person {person}") });
        self.post("message", json!({ "user": user, "text": text }))
            .await;
    }

    pub(crate) async fn fault(&self, fault: Value) {
        self.post("fault", fault).await;
    }

    pub(crate) async fn update(&self, kind: &str, payload: Value) {
        self.post("update", json!({ "kind": kind, "payload": payload }))
            .await;
    }

    pub(crate) async fn next_id(&self, id: i64) {
        self.post("ids", json!({ "next": id })).await;
    }

    pub(crate) async fn state(&self) -> Value {
        self.get("state").await
    }

    /// Calls a method as the bot does.
    pub(crate) async fn call(&self, method: &str, body: Value) -> Value {
        let url = format!("{}/bot{TOKEN}/{method}", self.url);
        self.http
            .post(url)
            .json(&body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// What the bot has said to this person, in order.
    pub(crate) async fn answers(&self, person: i64) -> Vec<String> {
        let messages = self.get(&format!("messages?chat_id={person}")).await;
        let from_bot = |message: &&Value| message["from"]["is_bot"] == json!(true);
        let text = |message: &Value| message["text"].as_str().map(str::to_owned);
        messages
            .as_array()
            .into_iter()
            .flatten()
            .filter(from_bot)
            .filter_map(text)
            .collect()
    }

    /// Waits until the bot has said so many things to this person.
    pub(crate) async fn wait_for_answers(&self, person: i64, count: usize) -> Vec<String> {
        let give_up = tokio::time::Instant::now() + Duration::from_secs(30);
        loop {
            let answers = self.answers(person).await;
            if answers.len() >= count {
                return answers;
            }
            assert!(
                tokio::time::Instant::now() < give_up,
                "{person} got {answers:?} instead of {count} answers"
            );
            tokio::time::sleep(Duration::from_millis(10)).await; // between two looks at a condition
        }
    }

    /// Waits until the bot has said all of this to this person.
    pub(crate) async fn wait_until_answered(&self, person: i64, wanted: &BTreeSet<String>) {
        let give_up = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let answers = BTreeSet::from_iter(self.answers(person).await);
            if wanted.is_subset(&answers) {
                return;
            }
            let missing: Vec<_> = wanted.difference(&answers).collect();
            assert!(
                tokio::time::Instant::now() < give_up,
                "{person} got no {missing:?}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await; // between two looks at a condition
        }
    }

    /// The server's own log has so many lines with this text.
    pub(crate) fn wait_for_log(&self, text: &str, count: usize) {
        self.process.wait_for_count(text, count);
    }

    /// How many lines of the server's own log have this text by now.
    pub(crate) fn count_in_log(&self, text: &str) -> usize {
        self.process.count(text)
    }
}
