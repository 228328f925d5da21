//! A stop in the middle of many streams.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;
use tokio::task::JoinSet;

use super::{Gateway, frames};

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_streams_finish_that_can_and_tells_the_others() {
    let gateway = Gateway::start_with("stop_timeout = '6s'");
    let mut streams = JoinSet::new();
    for n in 0..50 {
        let model = if n % 2 == 0 { "ok-30-50" } else { "ok-9999-50" };
        let mut answer = gateway.ask(model, true).await;
        streams.spawn(async move {
            let mut text = Vec::new();
            while let Some(bytes) = answer.chunk().await.unwrap() {
                text.extend_from_slice(&bytes);
            }
            (n % 2 == 0, String::from_utf8(text).unwrap())
        });
    }
    gateway.process.signal(Signal::SIGTERM);
    let streams = streams.join_all().await;
    let ended = gateway.process.end();
    for (can_finish, text) in streams {
        let last = *frames(&text).last().unwrap();
        if can_finish {
            assert_eq!(last, "[DONE]");
        } else {
            let last: Value = serde_json::from_str(last).unwrap();
            assert_eq!(last["error"]["code"], "service_stopping");
        }
    }
    ended.assert_code(80);
    assert!(ended.took < Duration::from_secs(6), "{:?}", ended.took);
    assert!(ended.stdout.contains("25 requests"), "{}", ended.stdout);
}
