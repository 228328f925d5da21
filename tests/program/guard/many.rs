//! Many groups at once, with a server that has had enough now and then, and a group in which nothing works.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::town::{Town, eventually};

const GROUPS: i64 = 50;
const JOINS: i64 = 40;
/// Nothing works in this one; the others have the numbers below.
const BROKEN: i64 = -1_002_000_000_000;
const PROMPT: &str = "press the button and answer";
/// What the bot allows itself in any second.
const PACE: u64 = 30;
const PATIENCE: Duration = Duration::from_secs(240);

/// How a course with so many groups went; times are from the first join.
struct Figures {
    first: Duration,
    last: Duration,
    calls: u64,
    refused: usize,
    /// Calls in the busiest second that was seen.
    busiest: u64,
}

#[tokio::test]
async fn many_groups_take_no_longer_than_the_pace_and_one_that_fails_disturbs_none() {
    let alone = course(&[BROKEN - 1]).await;
    eprintln!("one group: {}", alone.told());
    let chats: Vec<i64> = (0..GROUPS).map(|group| BROKEN - group).collect();
    let many = course(&chats).await;
    eprintln!("{GROUPS} groups, one of them broken: {}", many.told());

    // Each was held up by its own 429s alone: one after another they would have taken the sum.
    let sum = alone.last * u32::try_from(GROUPS - 1).unwrap();
    assert!(many.last < sum, "{:?} of {sum:?}", many.last);
    // Of what starts the bot, a few calls are not among those that are paced.
    let most = PACE * (many.last.as_secs() + 2) + 20;
    assert!(many.calls <= most, "{} calls, not {most}", many.calls);
}

/// Everybody joins all of these groups at the same time, in which the bot's every tenth call is refused for a second.
async fn course(chats: &[i64]) -> Figures {
    let town = Town::with_groups(chats, json!({ "captcha": "code" })).await;
    let forbidden = json!({
        "method": "*", "chat_id": BROKEN, "fault": "status", "code": 403, "times": u32::MAX,
        "description": "Forbidden: bot was kicked from the supergroup chat",
    });
    let busy = json!({ "method": "*", "fault": "status", "code": 429, "retry_after": 1, "every": 10, "times": u32::MAX });
    let bot = town.bot();
    town.server.fault(forbidden).await;
    town.server.fault(busy).await;
    let all_join = join_all(chats.iter().map(|chat| join_one_by_one(&town, *chat)));
    let whole = chats.iter().copied().filter(|chat| *chat != BROKEN);
    let (_, figures) = tokio::join!(all_join, until_complete(&town, whole.collect()));

    for chat in chats.iter().filter(|chat| **chat != BROKEN) {
        has_one_prompt(&town, *chat).await;
    }
    if chats.contains(&BROKEN) {
        assert_eq!(town.said(BROKEN).await, [""; 0], "nothing was said there");
        assert_eq!(muted(&town, BROKEN).await, 0, "nobody was muted there");
    }
    let refused = bot.count("too many messages for the server");
    Figures { refused, ..figures }
}

async fn join_one_by_one(town: &Town, chat: i64) {
    for person in 1..=JOINS {
        town.joins(chat, person).await;
    }
}

async fn until_complete(town: &Town, mut waiting: Vec<i64>) -> Figures {
    let begun = Instant::now();
    let before = calls(town).await;
    let (mut first, mut samples) = (None, Vec::new());
    while !waiting.is_empty() {
        assert!(begun.elapsed() < PATIENCE, "never complete: {waiting:?}");
        samples.push((begun.elapsed(), calls(town).await));
        let mut incomplete = Vec::new();
        for chat in waiting {
            if muted(town, chat).await < JOINS {
                incomplete.push(chat);
            } else {
                first.get_or_insert(begun.elapsed());
            }
        }
        waiting = incomplete;
        sleep(Duration::from_millis(100)).await; // between two looks at a condition
    }
    Figures {
        first: first.unwrap_or_default(),
        last: begun.elapsed(),
        calls: calls(town).await - before,
        refused: 0,
        busiest: busiest(&samples),
    }
}

/// How many have the place of somebody who may not write.
async fn muted(town: &Town, chat: i64) -> i64 {
    let members = town.server.get(&format!("members?chat_id={chat}")).await;
    let is_muted = |member: &&Value| {
        member["status"] == "restricted" && member["can_send_messages"] == json!(false)
    };
    let muted = members.as_array().unwrap().iter().filter(is_muted);
    i64::try_from(muted.count()).unwrap()
}

/// All that the bot has called but getUpdates.
async fn calls(town: &Town) -> u64 {
    let state = town.server.state().await;
    let calls = state["calls"].as_object().unwrap().iter();
    let others = calls.filter(|(method, _)| !method.eq_ignore_ascii_case("getUpdates"));
    others.filter_map(|(_, count)| count.as_u64()).sum()
}

fn busiest(samples: &[(Duration, u64)]) -> u64 {
    const SECOND: Duration = Duration::from_secs(1);
    let in_the_second_from = |(at, before): &(Duration, u64)| {
        let within = samples.iter().rev().find(|(then, _)| *then <= *at + SECOND);
        within.map_or(0, |(_, after)| after - before)
    };
    samples.iter().map(in_the_second_from).max().unwrap_or(0)
}

/// Raids are on in all groups by now, or have just ended: there is one message of the bot, and it is the prompt.
async fn has_one_prompt(town: &Town, chat: i64) {
    let is_there = async || match town.said(chat).await.as_slice() {
        [prompt] if prompt.contains(PROMPT) => Ok(()),
        said => Err(format!("{said:#?}")),
    };
    eventually(&format!("one prompt in {chat}"), is_there).await;
}

impl Figures {
    fn told(&self) -> String {
        let Self {
            first,
            last,
            calls,
            refused,
            busiest,
        } = self;
        format!(
            "the first complete after {first:.1?}, the last after {last:.1?}; {calls} calls, {refused} answered 429, {busiest} in the busiest second"
        )
    }
}
