//! The kinds of updates that a bot is sent are those that it names.

use serde_json::{Value, json};
use sundown::Polling;
use sundown::lifecycle::{ExitKind, Phase};
use sundown::telegram::PollerConfig;
use teloxide::RequestError;
use teloxide::prelude::*;
use teloxide::types::AllowedUpdate;

use super::support::server;

/// What the server sends a bot after its first call, as getWebhookInfo tells it.
async fn kinds(name: impl FnOnce(Polling<RequestError>) -> Polling<RequestError>) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let (server, url, token) = server();
    let server_handle = server.handle();

    let bot = Bot::new(&token).set_api_url(url.parse().unwrap());
    let handler = dptree::entry().endpoint(async || respond(()));
    let mut bot_handle = None;
    let polling =
        name(sundown::polling(bot, handler).state_dir(dir.path())).supervised(|builder| {
            bot_handle = Some(builder.handle());
            builder.signals(false)
        });
    let bot_handle = bot_handle.unwrap();

    let course = async {
        server_handle.reached(Phase::Running).await;
        bot_handle.reached(Phase::Running).await;
        let info = reqwest::get(format!("{url}/bot{token}/getWebhookInfo"));
        let info: Value = info.await.unwrap().json().await.unwrap();
        bot_handle.request_stop("seen enough");
        bot_handle.reached(Phase::Stopped).await;
        server_handle.request_stop("seen enough");
        info["result"]["allowed_updates"].clone()
    };
    let (_, report, kinds) = tokio::join!(server.run(), polling.run(), course);
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    kinds
}

#[tokio::test]
async fn by_default_they_are_the_servers_own() {
    assert_eq!(kinds(|polling| polling).await, Value::Null);
}

#[tokio::test]
async fn those_that_are_named_are_asked_for_whenever_they_are_named() {
    let named = [AllowedUpdate::Message, AllowedUpdate::ChatMember];
    let expected = json!(["message", "chat_member"]);
    let late = kinds(|polling| {
        let polling = polling.poller(PollerConfig::default());
        polling.allowed_updates(named)
    });
    assert_eq!(late.await, expected);
    let early = kinds(|polling| {
        let polling = polling.allowed_updates(named);
        polling.poller(PollerConfig::default())
    });
    assert_eq!(early.await, expected);
}
