//! A stop and a kill while a browser is busy.

use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use super::reading::Reading;

const ADA: i64 = 81;

#[tokio::test]
async fn a_stop_waits_for_no_page_leaves_no_browser_and_the_next_start_goes_on() {
    let Some(reading) = Reading::with_chromium("a_stop_waits_for_no_page", "").await else {
        return;
    };
    let bot = reading.bot();
    reading.asks(ADA, "/shot", "/loop").await;
    reading.wait_for_browsers(true).await;
    bot.signal(Signal::SIGTERM);
    let ended = bot.end();
    ended.assert_code(0);
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
    reading.wait_for_browsers(false).await;
    assert_eq!(reading.messages(ADA).await.len(), 0);
    let _bot = reading.bot();
    let text = reading.text(ADA).await;
    assert!(
        text.starts_with("Sorry: "),
        "the deadline has its say: {text}"
    );
}

#[tokio::test]
async fn a_page_that_is_open_and_frozen_delays_no_stop() {
    let Some(reading) = Reading::with_chromium("a_page_that_is_open_and_frozen", "").await else {
        return;
    };
    let bot = reading.bot();
    reading.asks(ADA, "/open", "/freezes").await;
    assert!(reading.text(ADA).await.contains("Freeze"));
    let busy = async || reading.server.state().await["calls"]["sendchataction"].as_u64();
    let before = busy().await;
    reading.server.say(ADA, "/click 1").await;
    let give_up = Instant::now() + Duration::from_secs(60);
    while busy().await == before {
        assert!(Instant::now() < give_up, "the step is not begun");
        sleep(Duration::from_millis(20)).await; // between two looks at a condition
    }
    bot.signal(Signal::SIGTERM);
    let ended = bot.end();
    ended.assert_code(0);
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
    reading.wait_for_browsers(false).await;
}

#[tokio::test]
async fn a_kill_leaves_no_browser_and_what_was_asked_for_is_done_after_all() {
    let Some(reading) = Reading::with_chromium("a_kill_leaves_no_browser", "").await else {
        return;
    };
    let bot = reading.bot();
    reading.asks(ADA, "/shot", "/loop").await;
    reading.wait_for_browsers(true).await;
    bot.signal(Signal::SIGKILL);
    assert_eq!(bot.end().signal, Some(9));
    reading.wait_for_browsers(false).await;
    let _bot = reading.bot();
    let text = reading.text(ADA).await;
    assert!(text.starts_with("Sorry: "), "{text}");
}

#[tokio::test]
async fn a_command_that_was_sent_and_not_noted_is_answered_once_more_and_not_for_ever() {
    let reading = Reading::new("").await;
    reading.asks(ADA, "/read", "/article").await;
    for _ in 0..2 {
        let bot = reading.bot_that(&[("SUNDOWN_CRASH_AT", "browser-after-send:1")]);
        assert_eq!(bot.end().signal, Some(9));
    }
    let _bot = reading.bot();
    let last = super::reading::text_of(&reading.answer(ADA, 3).await);
    assert!(last.contains("ended twice"), "{last}");
}
