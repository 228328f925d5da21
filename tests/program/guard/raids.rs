//! More people than usual come within a minute.

use serde_json::{Value, json};

use super::group::OWNER;
use super::town::{TEA, Town, eventually};
use crate::support::Process;

const OPERATOR: i64 = 7;
/// More than so many joins within a minute are a raid.
const LIMIT: i64 = 5;
const RAIDERS: i64 = 40;
const BEGUN: &str = "It looks like a raid";

/// A group whose owner, like the operator, has a chat with the bot.
async fn town(settings: Value) -> (Town, Process) {
    let mut all = json!({ "captcha": "code", "raid_limit": LIMIT });
    let more = settings.as_object().unwrap().clone();
    all.as_object_mut().unwrap().extend(more);
    let town = Town::new(all).await;
    let operator = OPERATOR.to_string();
    let bot = town.bot_that(&[("SUNDOWN_OPERATOR_CHAT", &operator)]);
    bot.wait_for("phase=running");
    for person in [OWNER, OPERATOR] {
        town.server.say(person, "/ping").await;
        town.hears(person, "pong").await;
    }
    (town, bot)
}

/// All that the bot has sent and changed.
async fn said_by_calls(town: &Town) -> u64 {
    let calls = &town.server.state().await["calls"];
    let count = |(method, count): (&String, &Value)| {
        let method = method.to_lowercase();
        let is_said = method == "sendmessage" || method == "editmessagetext";
        if is_said { count.as_u64() } else { None }
    };
    calls.as_object().unwrap().iter().filter_map(count).sum()
}

async fn all_join(town: &Town, people: std::ops::RangeInclusive<i64>) {
    for person in people {
        town.joins(TEA, 100 + person).await;
    }
}

#[tokio::test]
async fn a_raid_is_greeted_by_one_prompt_that_counts_and_told_to_those_in_charge() {
    let (town, _bot) = town(json!({})).await;
    let before = said_by_calls(&town).await;
    all_join(&town, 1..=RAIDERS).await;
    for person in 1..=RAIDERS {
        town.becomes(TEA, 100 + person, "restricted").await;
    }
    let prompt = town.hears(TEA, "40 people joined").await;
    assert!(!prompt.contains("Person"), "{prompt}");
    for person in [OWNER, OPERATOR] {
        let told = town.hears(person, BEGUN).await;
        assert!(told.contains("Group -1001000000777"), "{told}");
    }
    assert_eq!(town.said(TEA).await, [prompt], "that is all");

    // The prompt, perhaps once more with those who came while it was sent; and a message to each of the two.
    let said = said_by_calls(&town).await - before;
    assert!(
        said <= 6,
        "{said} messages and changes for {RAIDERS} people"
    );
    for person in [OWNER, OPERATOR] {
        let told = town.said(person).await;
        let times = told.iter().filter(|text| text.contains(BEGUN)).count();
        assert_eq!(times, 1, "{told:#?}");
    }
}

#[tokio::test]
async fn as_many_as_the_limit_are_greeted_by_their_names() {
    let (town, _bot) = town(json!({})).await;
    all_join(&town, 1..=LIMIT).await;
    for person in 1..=LIMIT {
        town.hears(TEA, &format!("Person {}", 100 + person)).await;
    }
    for person in [OWNER, OPERATOR] {
        let told = town.said(person).await;
        assert!(!told.iter().any(|text| text.contains(BEGUN)), "{told:#?}");
    }
}

#[tokio::test]
async fn who_comes_later_is_turned_away_where_the_group_wants_that() {
    let (town, _bot) = town(json!({ "raid_declines": true })).await;
    let before = said_by_calls(&town).await;
    all_join(&town, 1..=LIMIT).await;
    for person in 1..=LIMIT {
        town.becomes(TEA, 100 + person, "restricted").await;
    }
    all_join(&town, LIMIT + 1..=RAIDERS).await;
    let who = json!({ "chat_id": TEA, "user": super::town::user(99) });
    town.server.post("request", who).await;
    for person in LIMIT + 1..=RAIDERS {
        town.becomes(TEA, 100 + person, "kicked").await;
    }
    let is_declined = async || match town.server.state().await["calls"].to_string() {
        calls if calls.to_lowercase().contains("declinechatjoinrequest") => Ok(()),
        calls => Err(calls),
    };
    eventually("a request declined", is_declined).await;
    // Who was there before stays, and has time to answer.
    for person in 1..=LIMIT {
        town.becomes(TEA, 100 + person, "restricted").await;
    }
    // The prompt and its changes, and a word to each of the two; nobody who was removed is named.
    town.hears(TEA, "joined in a short time").await;
    let told = town.said(TEA).await;
    assert!(
        !told.iter().any(|text| text.contains("Removed")),
        "{told:#?}"
    );
    let said = said_by_calls(&town).await - before;
    assert!(
        said <= 12,
        "{said} messages and changes for {RAIDERS} people"
    );
}
