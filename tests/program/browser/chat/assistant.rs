//! The assistant reads pages by itself, and shows them.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::models::Model;
use super::reading::{Reading, text_of};
use super::web::Web;

const ADA: i64 = 81;
const BEN: i64 = 82;

#[tokio::test]
async fn a_model_reads_a_page_and_is_told_of_sites_that_do_not_want_that() {
    let model = Model::that_calls("read_page").await;
    let reading = Reading::new(&model.settings()).await;
    let _bot = reading.bot();
    for (person, path, says) in [
        (ADA, "/article", "hot water"),
        (BEN, "/private", "robots.txt"),
    ] {
        reading.server.say(person, &reading.web.url(path)).await;
        let answer = |message: &Value| text_of(message).contains("I read: ");
        let answer = the_message(&reading, person, answer).await;
        assert!(text_of(&answer).contains(says), "{path}: {answer}");
    }
    let offered = model.offered();
    assert!(
        offered.contains("read_page") && !offered.contains("search_web"),
        "{offered}"
    );
    // A person may read there.
    reading.asks(83, "/read", "/private").await;
    assert!(reading.text(83).await.contains("Nobody's business"));
}

#[tokio::test]
async fn a_model_shows_a_page_as_an_answer_and_not_one_of_a_site_that_does_not_want_that() {
    let model = Model::that_calls("show_page").await;
    let test = "a_model_shows_a_page_as_an_answer";
    let Some(reading) = Reading::with_chromium(test, &model.settings()).await else {
        return;
    };
    let _bot = reading.bot();
    reading.server.say(ADA, &reading.web.url("/green")).await;
    let picture = the_message(&reading, ADA, |message| message["photo"].is_array()).await;
    assert!(text_of(&picture).starts_with("Green\n"), "{picture}");
    let question = &picture["reply_to_message"];
    assert_eq!(question["text"], json!(reading.web.url("/green")));
    assert!(
        reading
            .file("photo", &picture)
            .await
            .starts_with(b"\x89PNG")
    );
    let says = |words: &'static str| move |message: &Value| text_of(message).contains(words);
    the_message(&reading, ADA, says("The picture is in the chat now")).await;
    // Neither at the address itself, nor where it only leads there.
    for (person, path) in [(BEN, "/private"), (83, "/into-private")] {
        reading.server.say(person, &reading.web.url(path)).await;
        the_message(&reading, person, says("robots.txt")).await;
        let messages = reading.messages(person).await;
        let has_picture = |message: &Value| message["photo"].is_array();
        assert!(!messages.iter().any(has_picture), "{path}: {messages:#?}");
    }
    assert!(model.offered().contains("show_page"));
    reading.wait_for_browsers(false).await;
}

#[tokio::test]
async fn a_model_searches_where_there_is_somebody_to_ask() {
    let model = Model::that_calls("search_web").await;
    let engine = Web::start().await;
    let search = format!(
        "[browser.search]\nkind = \"searxng\"\nurl = \"{}\"",
        engine.url("")
    );
    let reading = Reading::new(&format!("{search}\n{}", model.settings())).await;
    let _bot = reading.bot();
    reading.server.say(ADA, "green tea").await;
    let answer = |message: &Value| text_of(message).contains("I read: ");
    let answer = the_message(&reading, ADA, answer).await;
    assert!(
        text_of(&answer).contains("https://tea.example/on"),
        "{answer}"
    );
}

/// Waits for a message that is so; an answer grows while it is spoken.
async fn the_message(reading: &Reading, chat: i64, is_it: impl Fn(&Value) -> bool) -> Value {
    let give_up = Instant::now() + Duration::from_secs(60);
    loop {
        let messages = reading.messages(chat).await;
        if let Some(message) = messages.iter().find(|message| is_it(message)) {
            return message.clone();
        }
        assert!(Instant::now() < give_up, "in {chat}: {messages:#?}");
        sleep(Duration::from_millis(20)).await; // between two looks at a condition
    }
}
