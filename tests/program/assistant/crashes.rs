//! The process is killed at every boundary of an answer, and started again: the answer arrives, once.

use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::Instant;

use super::model::{drip, long};
use super::talk::Talk;

const ADA: i64 = 71;

/// Asks, while the bot is killed at this point and started again.
async fn ask(point: &str, question: &str, answer: &[String]) {
    let talk = Talk::new("").await;
    let mut bot = talk.bot_that(&[("SUNDOWN_CRASH_AT", point)]);
    bot.wait_for("phase=running");
    talk.server.say(ADA, question).await;
    let mut kills = 0;
    let give_up = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    while talk.said(ADA).await != answer || kills == 0 {
        if bot.wait_a_moment() {
            kills += 1;
            bot = talk.bot();
        }
        let said = talk.said(ADA).await;
        let is_late = tokio::time::Instant::now() > give_up;
        assert!(!is_late, "{point}: {kills} kills, and it said {said:?}");
    }
    assert_eq!(kills, 1, "{point}");
    // Nothing comes after it.
    talk.server.say(ADA, "/ping").await;
    talk.hears(ADA, "pong").await;
    assert_eq!(talk.said(ADA).await.len(), answer.len() + 1, "{point}");
}

#[tokio::test]
async fn an_answer_arrives_once_wherever_the_bot_is_killed() {
    let points = [
        "assistant-before-show:1",
        "assistant-mid-answer:1",
        "assistant-before-part:1",
        "assistant-after-part:1",
    ];
    for point in points {
        ask(point, "say hello", &["hello".to_owned()]).await;
    }
}

#[tokio::test]
async fn a_place_that_was_made_and_not_noted_is_made_again() {
    let answer = ["…".to_owned(), "hello".to_owned()];
    ask("assistant-after-show:1", "say hello", &answer).await;
}

#[tokio::test]
async fn answers_that_were_in_hand_when_the_process_was_killed_are_written_side_by_side_again() {
    let talk = Talk::new("").await;
    let bot = talk.bot();
    let people = 80..86;
    for person in people.clone() {
        talk.server.say(person, "drip 70 100").await;
    }
    for person in people.clone() {
        talk.hears(person, "w3").await;
    }
    bot.signal(Signal::SIGKILL);
    bot.end();
    let _bot = talk.bot();
    let began = Instant::now();
    for person in people {
        talk.hears_only(person, &[&drip(70)]).await;
    }
    // One after another they take 42 s.
    let took = began.elapsed();
    assert!(took < Duration::from_secs(25), "{took:?}");
}

#[tokio::test]
async fn a_question_that_the_process_dies_of_each_time_is_given_up() {
    let talk = Talk::new("").await;
    let dies = [("SUNDOWN_CRASH_AT", "assistant-mid-answer:1")];
    let mut bot = talk.bot_that(&dies);
    bot.wait_for("phase=running");
    talk.server.say(ADA, "say hello").await;
    for _ in 0..2 {
        bot.end();
        bot = talk.bot_that(&dies);
    }
    bot.end();
    let _bot = talk.bot();
    talk.hears(ADA, "I broke off each time").await;
}

#[tokio::test]
async fn an_answer_of_several_parts_goes_on_with_the_one_that_was_not_sent() {
    let all = long(9);
    let paragraphs: Vec<_> = all.split("\n\n").collect();
    let parts: Vec<_> = paragraphs.chunks(4).map(|part| part.join("\n\n")).collect();
    for point in ["assistant-before-part:2", "assistant-after-part:1"] {
        ask(point, "long 9", &parts).await;
    }
}
