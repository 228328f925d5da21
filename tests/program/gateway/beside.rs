//! What others notice of providers that are silent.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{Gateway, Setup};
use crate::support::Server;

const STALLED: usize = 200;
const PINGS: i64 = 50;
/// Nothing here takes nearly as long, unless it waits for those that are silent.
const BOUND: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_silent_completions_hold_up_nobody() {
    let server = Server::start().await;
    let gateway = Gateway::start_as(&Setup {
        ping_every: "10s",
        up: "models = ['stall']\nfirst_token_timeout = '1h'\ntotal_timeout = '1h'",
        assistant: "model = 'eliza'",
        bot_at: Some(&server),
        ..Setup::default()
    });
    let alone = pings(&server, 1_000).await;
    let mut held = JoinSet::new();
    for n in 0..STALLED {
        let request = gateway.request("stall", n % 2 == 0);
        held.spawn(async move { request.send().await.is_ok() });
    }
    gateway.upstream.wait_until(|seen| seen.open == STALLED);
    let beside = pings(&server, 2_000).await;
    let question = timed(async {
        server.say(3_000, "I am tired of slow bots.").await;
        // A place for the answer comes first.
        while server.answers(3_000).await.iter().all(|text| text == "…") {
            sleep(Duration::from_millis(1)).await; // between two looks at a condition
        }
    });
    let question = question.await;
    let health = timed(async {
        let response = gateway.client.get(format!("{}/health", gateway.url)).send();
        assert_eq!(response.await.unwrap().status(), 200);
    });
    let health = health.await;
    let completion = timed(async {
        let body = json!({
            "model": "eliza", "provider": "spare",
            "messages": [{ "role": "user", "content": "hello" }],
        });
        let response = gateway.post(&body).send().await.unwrap();
        assert_eq!(response.headers()["x-sundown-provider"], "spare");
        assert!(response.text().await.unwrap().contains("chat.completion"));
    });
    let completion = completion.await;
    assert_eq!(gateway.upstream.seen().open, STALLED, "they are still held");
    println!("/ping alone: {alone}\n/ping beside {STALLED} that are silent: {beside}");
    println!("a question: {question:?}, /health: {health:?}, a completion: {completion:?}");
}

/// How long it takes, which is not long.
async fn timed(what: impl Future<Output = ()>) -> Duration {
    let began = Instant::now();
    timeout(BOUND, what).await.expect("it takes too long");
    began.elapsed()
}

/// The times from what somebody writes to what they read, of fifty people one after another.
async fn pings(server: &Server, first: i64) -> String {
    let mut times = Vec::new();
    for person in first..first + PINGS {
        let ping = timed(async {
            server.say(person, "/ping").await;
            while server.answers(person).await.is_empty() {
                sleep(Duration::from_millis(1)).await; // between two looks at a condition
            }
        });
        times.push(ping.await);
        sleep(Duration::from_millis(40)).await; // stays below the bot's own 30 messages a second
    }
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    format!("p50 {:?}, p99 {:?}, longest {:?}", at(50), at(99), at(100))
}
