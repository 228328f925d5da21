//! Questions and their answers in private.

use super::model::{drip, long};
use super::talk::Talk;
use crate::support::Upstream;

const ADA: i64 = 71;
const BEN: i64 = 72;

#[tokio::test]
async fn a_question_is_answered_with_what_was_said_before_and_forgotten_when_told() {
    let talk = Talk::new("system = \"Be kind.\"").await;
    let _bot = talk.bot();
    talk.server.say(ADA, "say **Tea** is hot.").await;
    talk.hears_only(ADA, &["Tea is hot."]).await;
    let message = talk.messages(ADA).await[0].clone();
    assert_eq!(message["entities"][0]["type"], "bold", "{message}");
    assert!(message["reply_to_message"].is_object(), "{message}");
    assert!(message.get("reply_markup").is_none(), "the button is gone");
    talk.server.say(ADA, "say And milk is cold.").await;
    talk.hears(ADA, "And milk is cold.").await;
    let heard = [
        "system: Be kind.",
        "user: say **Tea** is hot.",
        "assistant: **Tea** is hot.",
        "user: say And milk is cold.",
    ];
    assert_eq!(talk.model.heard(), heard);
    talk.server.say(ADA, "/new").await;
    talk.hears(ADA, "forgotten").await;
    talk.server.say(ADA, "say anew").await;
    talk.hears(ADA, "anew").await;
    assert_eq!(talk.model.heard(), ["system: Be kind.", "user: say anew"]);
    talk.server.say(ADA, "/usage").await;
    talk.hears(ADA, "Today: 3 questions, 30 tokens.").await;
}

#[tokio::test]
async fn while_one_model_is_silent_other_chats_and_commands_are_answered() {
    let talk = Talk::new("").await;
    let _bot = talk.bot();
    talk.server.say(ADA, "never").await;
    talk.hears_only(ADA, &["…"]).await;
    talk.server.say(BEN, "say hello").await;
    talk.hears_only(BEN, &["hello"]).await;
    talk.server.say(ADA, "/ping").await;
    talk.hears(ADA, "pong").await;
    assert_eq!(talk.said(ADA).await[0], "…", "still unanswered");
}

#[tokio::test]
async fn each_failure_is_said_plainly_and_gets_into_no_history() {
    let talk = Talk::impatient().await;
    let _bot = talk.bot();
    talk.server.say(ADA, "busy").await;
    let busy = "I could not get an answer: the provider is overloaded. Try again in 30 s.";
    talk.hears_only(ADA, &[busy]).await;
    for (person, question, said) in [
        (73, "locked", "I could not get an answer"),
        (74, "never", "I could not get an answer"),
        (75, "stall", "one two\n\n(cut off: the model fell silent)"),
        (
            76,
            "cut",
            "half of it\n\n(cut off: the provider ended it too early)",
        ),
    ] {
        // What is put aside after one person's failure is not what this is about.
        let talk = Talk::impatient().await;
        let bot = talk.bot();
        talk.server.say(person, question).await;
        talk.hears(person, said).await;
        let said = talk.said(person).await;
        assert!(!said[0].contains("SECRET"), "{said:?}");
        assert_eq!(bot.count("SECRET"), 0, "in the log");
    }
}

/// Each upstream has a provider of its own, so that none is put aside for another's faults.
#[tokio::test]
async fn what_an_upstream_does_to_its_stream_is_said_in_the_chat() {
    const BROKE: &str = "token token token\n\n(cut off: the connection to the provider broke)";
    let faults = [
        ("split", "token token token grüße 🌞"),
        ("crlf", "token token token crlf"),
        ("malformed", BROKE),
        ("reset", BROKE),
        (
            "truncated",
            "token token token\n\n(cut off: the provider ended it too early)",
        ),
        (
            "stall-after",
            "token token token\n\n(cut off: the model fell silent)",
        ),
        ("no-usage", "token token token"),
    ];
    let upstream = Upstream::start();
    let talk = Talk::beside(&upstream.url, &faults.map(|(model, _)| model)).await;
    let _bot = talk.bot();
    for (person, (model, _)) in (71..).zip(&faults) {
        talk.server.say(person, &format!("/model {model}")).await;
        talk.server.say(person, "Well?").await;
    }
    for (person, (model, wanted)) in (71..).zip(&faults) {
        talk.hears(person, wanted).await;
        let said = talk.said(person).await;
        assert_eq!(said.last().unwrap(), wanted, "{model}: {said:?}");
    }
}

#[tokio::test]
async fn an_answer_can_be_asked_for_again_and_takes_the_place_of_the_one_before() {
    let talk = Talk::new("").await;
    let _bot = talk.bot();
    talk.server.say(ADA, "cut").await;
    talk.hears(ADA, "half of it").await;
    talk.presses(ADA, ADA, "Retry").await;
    talk.eventually("a second answer", ADA, |said| {
        said.len() == 2 && said[1].contains("half of it")
    })
    .await;
    assert_eq!(talk.model.heard(), ["user: cut"], "not its own answer");
    talk.server.say(ADA, "say third").await;
    talk.hears(ADA, "third").await;
    let heard = ["user: cut", "assistant: half of it", "user: say third"];
    assert_eq!(talk.model.heard(), heard);
}

#[tokio::test]
async fn a_long_answer_comes_in_parts_that_together_are_the_whole() {
    let talk = Talk::new("").await;
    let _bot = talk.bot();
    talk.server.say(ADA, "long 9").await;
    talk.hears(ADA, "9 tea").await;
    let said = talk.said(ADA).await;
    assert_eq!(said.len(), 3, "{:?}", said.iter().map(String::len));
    assert_eq!(said.join("\n\n"), long(9));
}

#[tokio::test]
async fn an_answer_is_shown_while_it_is_written() {
    let talk = Talk::new("").await;
    let _bot = talk.bot();
    talk.server.say(ADA, "drip 60 100").await;
    talk.hears_only(ADA, &[&drip(60)]).await;
    let edits = talk.edits(ADA).await;
    assert!(edits.len() >= 4, "{edits:?}");
    assert!(
        edits
            .windows(2)
            .all(|two| two[1].1.len() > two[0].1.len() || two[0].1 == "…")
    );
    talk.server.say(BEN, "never").await;
    let give_up = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    while talk.server.state().await["calls"]["sendchataction"].is_null() {
        assert!(tokio::time::Instant::now() < give_up, "nobody is typing");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await; // between two looks at a condition
    }
}

#[tokio::test]
async fn a_budget_is_kept_and_a_model_is_chosen() {
    let talk = Talk::new("tokens_per_day = 15").await;
    let _bot = talk.bot();
    talk.server.say(ADA, "/model milk").await;
    talk.hears(ADA, "milk answers here").await;
    for answer in ["one", "two"] {
        talk.server.say(ADA, &format!("say {answer}")).await;
        talk.hears(ADA, answer).await;
    }
    assert_eq!(talk.model.asked()[0]["model"], "milk");
    talk.server.say(ADA, "/usage").await;
    talk.hears(ADA, "2 questions, 20 of 15 tokens").await;
    talk.server.say(ADA, "say three").await;
    talk.hears(ADA, "midnight UTC").await;
    talk.server.say(BEN, "say three").await;
    talk.hears(BEN, "three").await;
}

#[tokio::test]
async fn half_of_the_handlers_are_left_to_others_however_slow_the_models_are() {
    let mut talk = Talk::new("").await;
    talk.options = &["--handlers", "2"];
    let _bot = talk.bot();
    for person in 80..86 {
        talk.server.say(person, "never").await;
        talk.hears_only(person, &["…"]).await;
    }
    talk.server.say(ADA, "/ping").await;
    talk.hears(ADA, "pong").await;
    talk.model.wait_until_asked().await;
    assert_eq!(talk.model.asked().len(), 1, "at a time");
    // The others have their turn, and one that waits for that is stopped at once.
    for person in 80..86 {
        talk.server.say(person, "/stop").await;
        talk.hears_only(person, &["Stopped."]).await;
    }
    talk.server.say(BEN, "say hello").await;
    talk.hears_only(BEN, &["hello"]).await;
}

#[tokio::test]
async fn only_those_whom_the_operator_has_named_are_answered() {
    let talk = Talk::new(&format!("users = [{ADA}]")).await;
    let _bot = talk.bot();
    talk.server.say(BEN, "say hello").await;
    talk.hears(BEN, "Your number is 72").await;
    talk.server.say(ADA, "say hello").await;
    talk.hears_only(ADA, &["hello"]).await;
}
