//! Each kind of challenge, passed and failed.

use serde_json::{Value, json};

use super::town::{TEA, Town};

const EVE: i64 = 71;

/// Eve has joined and has followed the link.
async fn eve_at_the_door(captcha: &str) -> (Town, crate::support::Process) {
    let town = Town::new(json!({ "captcha": captcha, "attempts": 2 })).await;
    let bot = town.bot();
    town.joins(TEA, EVE).await;
    town.becomes(TEA, EVE, "restricted").await;
    town.hears(TEA, "Person 71").await;
    town.follows_the_link(TEA, EVE).await;
    town.hears(EVE, "To enter").await;
    (town, bot)
}

/// Eve is in, and nothing of the challenge is left.
async fn eve_is_in(town: &Town) {
    town.becomes(TEA, EVE, "member").await;
    town.hears(EVE, "you may write in").await;
    town.forgets(EVE, "To enter").await;
    town.hears(TEA, "has verified").await;
    town.forgets(TEA, "Please press the button and answer")
        .await;
}

/// The question of Eve's challenge, as it is kept.
async fn question(town: &Town) -> Value {
    let case = town.document(&format!("case/{TEA}/{EVE}")).await;
    case.unwrap()["challenge"]["question"].clone()
}

#[tokio::test]
async fn a_button_in_the_group_is_all_where_the_group_wants_no_more() {
    let town = Town::new(json!({ "captcha": "button" })).await;
    let _bot = town.bot();
    town.joins(TEA, EVE).await;
    town.becomes(TEA, EVE, "restricted").await;
    town.hears(TEA, "Person 71").await;
    // Not everybody's button.
    town.presses(TEA, 72, "✅ I am human").await;
    town.presses(TEA, EVE, "✅ I am human").await;
    town.becomes(TEA, EVE, "member").await;
    let answers = town.server.get("answers").await.to_string();
    let not_hers = answers.find("not for you").unwrap();
    assert!(
        not_hers < answers.find("you may write").unwrap(),
        "{answers}"
    );
}

#[tokio::test]
async fn a_sum_is_passed_by_its_result() {
    let (town, _bot) = eve_at_the_door("arithmetic").await;
    let sum = town.hears(EVE, "what is").await;
    town.presses(EVE, EVE, &result(&sum)).await;
    eve_is_in(&town).await;
}

#[tokio::test]
async fn an_emoji_is_passed_by_its_button() {
    let (town, _bot) = eve_at_the_door("emoji").await;
    let text = town.hears(EVE, "please press the").await;
    let (_, symbol) = THINGS
        .into_iter()
        .find(|(name, _)| text.contains(&format!("press the {name}.")))
        .unwrap_or_else(|| panic!("{text}"));
    town.presses(EVE, EVE, symbol).await;
    eve_is_in(&town).await;
}

#[tokio::test]
async fn a_code_is_passed_by_pasting_the_message_that_holds_it() {
    let (town, _bot) = eve_at_the_door("code").await;
    let message = town.hears(EVE, "send me this code").await;
    town.server.say(EVE, &message).await;
    eve_is_in(&town).await;
}

#[tokio::test]
async fn a_picture_is_passed_by_typing_what_it_shows() {
    let (town, _bot) = eve_at_the_door("image").await;
    let messages = town.messages(EVE).await;
    assert!(messages.iter().any(|message| message["photo"].is_array()));
    // What a person reads in the picture is read in the store here.
    let code = question(&town).await["image"]["code"].clone();
    town.server
        .say(EVE, &code.as_str().unwrap().to_lowercase())
        .await;
    eve_is_in(&town).await;
}

#[tokio::test]
async fn whoever_cannot_see_the_picture_is_asked_in_words() {
    let (town, _bot) = eve_at_the_door("image").await;
    town.presses(EVE, EVE, "I cannot see it").await;
    let sum = town.hears(EVE, "what is").await;
    town.presses(EVE, EVE, &result(&sum)).await;
    eve_is_in(&town).await;
}

#[tokio::test]
async fn whoever_fails_is_removed_and_may_come_back() {
    let (town, _bot) = eve_at_the_door("code").await;
    town.server.say(EVE, "what do you want of me, bot?").await;
    town.server.say(EVE, "000000").await;
    town.hears(EVE, "1 attempt left").await;
    town.server.say(EVE, "111111").await;
    town.hears(TEA, "Removed without verification: ").await;
    town.becomes(TEA, EVE, "kicked").await;
    town.server.post("clock", json!({ "advance": 301 })).await;
    town.joins(TEA, EVE).await;
    town.becomes(TEA, EVE, "restricted").await;
    town.hears(TEA, "Please press the button and answer").await;
}

/// Whoever asks to join is written to before they are in.
#[tokio::test]
async fn a_request_is_approved_by_a_right_answer_and_declined_by_wrong_ones() {
    let town = Town::new(json!({ "captcha": "arithmetic", "attempts": 1 })).await;
    let _bot = town.bot();
    for person in [EVE, 72] {
        let who = json!({ "chat_id": TEA, "user": super::town::user(person) });
        town.server.post("request", who).await;
        town.hears(person, "To enter").await;
    }
    let sum = town.hears(EVE, "what is").await;
    town.presses(EVE, EVE, &result(&sum)).await;
    town.becomes(TEA, EVE, "member").await;
    town.server.say(72, "0").await;
    town.hears(72, "attempt").await;
    let members = town.server.get(&format!("members?chat_id={TEA}")).await;
    assert!(!members.to_string().contains("Person 72"), "{members}");
}

fn result(text: &str) -> String {
    const WORDS: [&str; 21] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ];
    let question = text.split("what is ").nth(1).unwrap();
    let question = question.split('?').next().unwrap();
    let words: Vec<&str> = question.split(' ').collect();
    let number = |word: &str| -> usize {
        let in_words = WORDS.iter().position(|other| *other == word);
        in_words.unwrap_or_else(|| word.parse().unwrap_or_else(|_| panic!("{text}")))
    };
    let (left, right) = (number(words[0]), number(words[2]));
    let result = match words[1] {
        "+" | "plus" => left + right,
        "−" | "minus" => left - right,
        _ => left * right,
    };
    result.to_string()
}

/// What everybody knows.
const THINGS: [(&str, &str); 24] = [
    ("apple", "🍎"),
    ("balloon", "🎈"),
    ("banana", "🍌"),
    ("bell", "🔔"),
    ("bicycle", "🚲"),
    ("camera", "📷"),
    ("car", "🚗"),
    ("carrot", "🥕"),
    ("cat", "🐱"),
    ("dog", "🐶"),
    ("elephant", "🐘"),
    ("fire", "🔥"),
    ("fish", "🐟"),
    ("gift", "🎁"),
    ("guitar", "🎸"),
    ("key", "🔑"),
    ("moon", "🌙"),
    ("mushroom", "🍄"),
    ("rocket", "🚀"),
    ("snail", "🐌"),
    ("star", "⭐"),
    ("tree", "🌲"),
    ("turtle", "🐢"),
    ("umbrella", "☔"),
];
