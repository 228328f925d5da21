//! Handlers that ask for a retry, or discard their update.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use sundown::bot::Verdict;
use sundown::lanes::LanesConfig;
use sundown::lifecycle::{ExitKind, Phase, Report};
use teloxide::prelude::*;

use super::support::server;

/// Runs a bot until nothing has come for a while; somebody has written to it once.
async fn handle_one<F, Fut>(decide: F) -> Report
where
    F: Fn(Verdict) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let dir = tempfile::tempdir().unwrap();
    let (server, url, token) = server();
    let server_handle = server.handle();
    let bot = Bot::new(&token).set_api_url(url.parse().unwrap());
    let handler = Update::filter_message().endpoint(move |verdict: Verdict| {
        let decided = decide(verdict);
        async move {
            decided.await;
            respond(())
        }
    });
    let polling = sundown::polling(bot, handler)
        .state_dir(dir.path())
        .lanes(LanesConfig {
            until_idle: Some(Duration::from_millis(300)),
            ..LanesConfig::default()
        })
        .supervised(|builder| builder.signals(false));
    let course = async {
        server_handle.reached(Phase::Running).await;
        let message = json!({ "user": { "id": 1, "first_name": "Ada" }, "text": "hello" });
        let said = reqwest::Client::new()
            .post(format!("{url}/control/message"))
            .json(&message);
        let said: Value = said.send().await.unwrap().json().await.unwrap();
        assert_eq!(said["ok"], json!(true));
        let report = polling.run().await;
        server_handle.request_stop("seen enough");
        report
    };
    let (_, report) = tokio::join!(server.run(), course);
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    report
}

#[tokio::test]
async fn a_handler_that_asks_for_a_retry_is_run_again() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let report = handle_one(move |verdict| {
        if counted.fetch_add(1, Ordering::SeqCst) < 2 {
            verdict.retry_after(Duration::from_millis(10));
        }
        async {}
    })
    .await;
    assert_eq!(runs.load(Ordering::SeqCst), 3);
    assert_eq!(
        (report.fact("retried"), report.fact("handled")),
        (2, 1),
        "{report}"
    );
}

#[tokio::test]
async fn what_a_handler_discards_is_over_and_counted() {
    let report = handle_one(|verdict| {
        verdict.discard("too old");
        async {}
    })
    .await;
    assert_eq!(
        (
            report.fact("discarded"),
            report.fact("handled"),
            report.fact("left")
        ),
        (1, 0, 0),
        "{report}"
    );
}
