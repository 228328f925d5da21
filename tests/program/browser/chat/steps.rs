//! `/open` and the steps that follow.

use nix::sys::signal::{Signal, kill};

use super::super::chromium::support::browser;
use super::reading::{Reading, text_of};

const ADA: i64 = 81;

#[tokio::test]
async fn a_form_is_filled_and_sent_step_by_step() {
    let Some(reading) = Reading::with_chromium("a_form_is_filled_and_sent", "").await else {
        return;
    };
    let bot = reading.bot();
    reading.server.say(ADA, "/snap").await;
    let text = reading.text(ADA).await;
    assert!(text.contains("no page is open"), "{text}");
    reading.asks(ADA, "/open", "/form").await;
    let shown = text_of(&reading.answer(ADA, 2).await);
    assert!(
        shown.starts_with("Form\n") && shown.contains("[1 field"),
        "{shown}"
    );
    reading.server.say(ADA, "/fill 1 Ada").await;
    reading.answer(ADA, 3).await;
    reading.server.say(ADA, "/click 2").await;
    let shown = text_of(&reading.answer(ADA, 4).await);
    assert!(shown.contains("Hello, Ada"), "{shown}");
    reading.server.say(ADA, "/click 9").await;
    let text = text_of(&reading.answer(ADA, 5).await);
    assert!(text.contains("nothing with the number 9"), "{text}");
    reading.server.say(ADA, "/close").await;
    assert_eq!(
        text_of(&reading.answer(ADA, 6).await),
        "The page is closed."
    );
    reading.wait_for_browsers(false).await;
    drop(bot);
}

#[tokio::test]
async fn a_browser_that_dies_is_told_and_the_next_open_starts_another() {
    let Some(reading) = Reading::with_chromium("a_browser_that_dies_is_told", "").await else {
        return;
    };
    let bot = reading.bot();
    reading.asks(ADA, "/open", "/form").await;
    assert!(reading.text(ADA).await.starts_with("Form\n"));
    kill(browser(reading.folder()), Signal::SIGKILL).unwrap();
    reading.server.say(ADA, "/snap").await;
    let text = text_of(&reading.answer(ADA, 2).await);
    assert!(
        text.contains("the browser failed at that page") || text.contains("no page is open"),
        "{text}"
    );
    reading.asks(ADA, "/open", "/form").await;
    assert!(text_of(&reading.answer(ADA, 3).await).starts_with("Form\n"));
    assert_eq!(
        bot.count("phase=running"),
        1,
        "the bot itself has not ended"
    );
}

#[tokio::test]
async fn an_open_page_goes_nowhere_that_is_not_public() {
    let Some(reading) = Reading::with_chromium("an_open_page_goes_nowhere", "").await else {
        return;
    };
    let _bot = reading.bot();
    reading.asks(ADA, "/open", "/away").await;
    let text = reading.text(ADA).await;
    assert!(
        text.starts_with("Sorry: ") && text.contains("loopback"),
        "{text}"
    );
}
