//! Answers that are stopped: by who has asked, and by the bot's own stop.

use nix::sys::signal::Signal;

use super::model::drip;
use super::talk::Talk;

const ADA: i64 = 71;

#[tokio::test]
async fn a_stop_keeps_the_part_that_is_there() {
    let talk = Talk::new("").await;
    let _bot = talk.bot();
    talk.server.say(ADA, "drip 1000 50").await;
    talk.hears(ADA, "w3").await;
    talk.server.say(ADA, "/stop").await;
    talk.hears(ADA, "(stopped)").await;
    let said = talk.said(ADA).await;
    assert_eq!(said.len(), 1, "{said:?}");
    let part = said[0].strip_suffix("\n\n(stopped)").unwrap();
    assert!(
        drip(1_000).starts_with(part) && part.contains("w3"),
        "{part}"
    );
    talk.server.say(ADA, "say next").await;
    talk.hears(ADA, "next").await;
    assert_eq!(talk.model.heard()[1], format!("assistant: {part}"));
}

#[tokio::test]
async fn a_button_stops_a_model_that_has_not_said_a_word() {
    let talk = Talk::new("").await;
    let _bot = talk.bot();
    talk.server.say(ADA, "never").await;
    talk.hears_only(ADA, &["…"]).await;
    talk.presses(ADA, ADA, "Stop").await;
    talk.hears_only(ADA, &["Stopped."]).await;
}

#[tokio::test]
async fn questions_wait_in_line_and_see_where_they_are() {
    let talk = Talk::new("queue = 2").await;
    let _bot = talk.bot();
    for question in ["drip 1000 50", "say second", "say third", "say fourth"] {
        talk.server.say(ADA, question).await;
    }
    talk.hears(ADA, "Too many questions wait").await;
    talk.hears(ADA, "2nd in line").await;
    talk.hears(ADA, "3rd in line").await;
    talk.presses(ADA, ADA, "Cancel").await;
    talk.hears(ADA, "Cancelled.").await;
    let model = talk.model.asked().len();
    assert_eq!(model, 1, "one at a time");
    // The button of the first: those of the others are gone with them.
    talk.hears(ADA, "w3").await;
    talk.server.say(ADA, "/stop").await;
    talk.hears(ADA, "(stopped)").await;
    let said = talk.said(ADA).await;
    assert!(said.iter().all(|text| !text.contains("fourth")), "{said:?}");
}

#[tokio::test]
async fn the_next_one_in_line_is_answered_when_the_one_before_is_over() {
    let talk = Talk::new("").await;
    let _bot = talk.bot();
    for question in ["drip 30 50", "say second", "say third"] {
        talk.server.say(ADA, question).await;
    }
    talk.hears_only(ADA, &[&drip(30), "second", "third"]).await;
}

#[tokio::test]
async fn a_stop_of_the_bot_completes_what_it_can_and_keeps_the_rest() {
    let talk = Talk::new("").await;
    let bot = talk.bot();
    for person in 100..110 {
        talk.server.say(person, "drip 60 50").await;
    }
    for person in 110..120 {
        talk.server.say(person, "drip 100000 50").await;
    }
    for person in 100..120 {
        talk.hears(person, "w1").await;
    }
    bot.signal(Signal::SIGTERM);
    bot.end().assert_code(0);
    for person in 100..110 {
        assert_eq!(talk.said(person).await, [drip(60)], "{person}");
    }
    for person in 110..120 {
        let said = talk.said(person).await;
        let part = said[0].strip_suffix("\n\n(stopped: the bot is going down)");
        let part = part.unwrap_or_else(|| panic!("{person}: {said:?}"));
        assert!(drip(100_000).starts_with(part) && said.len() == 1);
    }
    let bot = talk.bot();
    talk.server.say(110, "say again").await;
    talk.hears(110, "again").await;
    let heard = talk.model.heard();
    assert!(heard[1].starts_with("assistant: w1 w2"), "{heard:?}");
    for person in 100..120 {
        let count = talk.said(person).await.len();
        assert_eq!(count, 1 + usize::from(person == 110), "{person}");
    }
    bot.signal(Signal::SIGTERM);
    bot.end().assert_code(0);
}

#[tokio::test]
async fn a_question_of_which_no_word_is_answered_yet_is_asked_again_after_a_restart() {
    let mut talk = Talk::new("").await;
    talk.stop_timeout = "2s";
    let bot = talk.bot();
    talk.server.say(ADA, "later tea").await;
    talk.hears_only(ADA, &["…"]).await;
    talk.model.wait_until_asked().await;
    bot.signal(Signal::SIGTERM);
    bot.end().assert_code(0);
    assert_eq!(talk.said(ADA).await, ["…"], "no failure is said");
    let _bot = talk.bot();
    talk.hears_only(ADA, &["tea"]).await;
}
