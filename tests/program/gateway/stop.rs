//! A stop in the middle of many answers.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{Gateway, Setup, frames};
use crate::support::Server;

/// Half of them come to their end when the upstream is told to, and the others never do.
const STREAMS: usize = 50;
const CHATS: i64 = 20;
const ENDLESS: &str = "ok-99999-50";
const BUDGET: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_answers_finish_that_can_and_tells_the_others() {
    let server = Server::start().await;
    let gateway = Gateway::start_as(&Setup {
        lines: "stop_timeout = '20s'",
        up: "models = ['ok-99999-50', 'held']\nfirst_token_timeout = '1min'\nidle_timeout = '1min'",
        assistant: "",
        bot_at: Some(&server),
        ..Setup::default()
    });
    for person in 1..=CHATS {
        if can_finish(person) {
            server.say(person, "/model held").await;
            server.wait_for_answers(person, 1).await;
        }
        server.say(person, "hello").await;
    }
    let mut streams = begin_streams(&gateway);
    let all = STREAMS + usize::try_from(CHATS).unwrap();
    gateway.upstream.wait_until(|seen| seen.open == all);
    for person in 1..=CHATS {
        let begun = async {
            while !last_word(&server, person).await.starts_with("token") {
                sleep(Duration::from_millis(5)).await; // between two looks at a condition
            }
        };
        timeout(BUDGET, begun).await.expect("it has to begin");
    }
    let began = Instant::now();
    gateway.process.signal(Signal::SIGTERM);
    gateway.process.wait_for("phase=draining");
    gateway.upstream.release();
    while let Some(ended) = streams.join_next().await {
        let (model, text) = ended.unwrap();
        let last = *frames(&text).last().unwrap();
        if model == "held" {
            assert_eq!(last, "[DONE]");
        } else {
            let last: Value = serde_json::from_str(last).unwrap();
            assert_eq!(last["error"]["code"], "service_stopping");
        }
    }
    let ended = gateway.process.end();
    let took = began.elapsed();
    ended.assert_code(80);
    assert!(took < BUDGET, "{took:?}");
    assert!(ended.stdout.contains("25 requests"), "{}", ended.stdout);
    for person in 1..=CHATS {
        let said = last_word(&server, person).await;
        if can_finish(person) {
            assert_eq!(said, "token token token", "{person}");
        } else {
            let kept = said.strip_suffix("\n\n(stopped: the bot is going down)");
            assert!(kept.is_some_and(|it| it.starts_with("token")), "{said}");
        }
    }
}

fn can_finish(person: i64) -> bool {
    person % 2 == 0
}

/// All of them at once, each with its model and all that it says.
fn begin_streams(gateway: &Gateway) -> JoinSet<(&'static str, String)> {
    let mut streams = JoinSet::new();
    for n in 0..STREAMS {
        let model = if n % 2 == 0 { "held" } else { ENDLESS };
        let request = gateway.request(model, true);
        streams.spawn(async move {
            let answer = request.send().await.unwrap();
            (model, answer.text().await.unwrap())
        });
    }
    streams
}

/// What the bot's newest message to somebody says now.
async fn last_word(server: &Server, person: i64) -> String {
    server.answers(person).await.pop().unwrap_or_default()
}
