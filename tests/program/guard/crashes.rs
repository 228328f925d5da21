//! The process is killed at every boundary of what the guard does, and started again: all ends as if nothing had happened.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::town::{TEA, Town, eventually, user};
use crate::support::Process;

const PASSES: i64 = 71;
const FAILS: i64 = 72;
const STAYS: i64 = 73;
const ASKS: i64 = 74;

const PROMPT: &str = "Please press the button and answer";

/// Where the guard can be killed: before a call, and after it was answered and before that was noted. How often each is
/// passed in a course: six deeds, and so on.
const POINTS: [(&str, u32); 10] = [
    ("guard-before-deed", 6),
    ("guard-after-deed", 6),
    ("guard-before-prompt", 1),
    ("guard-after-prompt", 1),
    ("guard-before-ask", 3),
    ("guard-after-ask", 3),
    ("guard-before-write", 3),
    ("guard-after-write", 3),
    ("guard-before-notice", 1),
    ("guard-after-notice", 1),
];

/// A bot that is killed somewhere and started again by whoever looks after it.
struct Course {
    town: Town,
    bot: Process,
    kills: usize,
}

impl Course {
    async fn new(point: &str, count: u32) -> Self {
        let town = Town::new(json!({ "captcha": "code", "attempts": 1 })).await;
        let at = format!("{point}:{count}");
        let bot = town.bot_that(&[("SUNDOWN_CRASH_AT", &at)]);
        // Before its first poll Telegram does not know that it wants to hear of members.
        bot.wait_for("phase=running");
        let kills = 0;
        Self { town, bot, kills }
    }

    fn look_after(&mut self) {
        if self.bot.wait_a_moment() {
            self.kills += 1;
            self.bot = self.town.bot_that(&[]);
        }
    }

    /// Waits, with a bot that is started again wherever it was killed.
    async fn until(&mut self, what: &str, mut is_so: impl AsyncFnMut(&Town) -> Result<(), String>) {
        let look = async || {
            self.look_after();
            is_so(&self.town).await
        };
        eventually(what, look).await;
    }

    async fn becomes(&mut self, person: i64, status: &str) {
        let is_so = async |town: &Town| {
            let member = town.member(TEA, person).await;
            if member["status"] == status {
                Ok(())
            } else {
                Err(member.to_string())
            }
        };
        self.until(&format!("{person} {status}"), is_so).await;
    }

    async fn hears(&mut self, chat: i64, words: &str) {
        let is_so = async |town: &Town| {
            let said = town.said(chat).await;
            let is_there = said.iter().any(|text| text.contains(words));
            if is_there {
                Ok(())
            } else {
                Err(format!("{said:#?}"))
            }
        };
        self.until(&format!("{words:?} in {chat}"), is_so).await;
    }

    /// One asks to join and is let in, one passes, one fails, one does nothing.
    async fn run(&mut self) {
        let who = json!({ "chat_id": TEA, "user": user(ASKS) });
        self.town.server.post("request", who).await;
        self.hears(ASKS, "send me this code").await;
        let code = self.town.hears(ASKS, "send me this code").await;
        self.town.server.say(ASKS, &code).await;
        self.becomes(ASKS, "member").await;
        self.hears(ASKS, "was approved").await;
        for person in [PASSES, FAILS, STAYS] {
            self.town.joins(TEA, person).await;
            self.becomes(person, "restricted").await;
        }
        self.hears(TEA, "Person 71").await;
        for person in [PASSES, FAILS] {
            self.town.follows_the_link(TEA, person).await;
            self.hears(person, "send me this code").await;
        }
        let code = self.town.hears(PASSES, "send me this code").await;
        self.town.server.say(PASSES, &code).await;
        self.becomes(PASSES, "member").await;
        self.hears(PASSES, "you may write in").await;
        self.town.server.say(FAILS, "000000").await;
        self.becomes(FAILS, "kicked").await;
        self.hears(FAILS, "the last attempt").await;
        // Both are told in the group, and the prompt names the third alone.
        self.hears(TEA, "has verified").await;
        self.hears(TEA, "Removed without verification").await;
        let is_so = async |town: &Town| {
            let said = town.said(TEA).await;
            let prompts = said.iter().filter(|text| text.contains(PROMPT));
            let names_one = prompts.clone().count() > 0
                && prompts.clone().all(|text| !text.contains("Person 71"));
            if names_one {
                Ok(())
            } else {
                Err(format!("{said:#?}"))
            }
        };
        self.until("a prompt for one", is_so).await;
    }

    /// What the server has taken can be seen before whoever has sent it is dead.
    async fn is_killed(&mut self, point: &str) {
        let give_up = Instant::now() + Duration::from_secs(30);
        while self.kills == 0 {
            assert!(Instant::now() < give_up, "{point} was not passed");
            self.look_after();
        }
        assert_eq!(self.kills, 1, "{point}");
    }

    /// How it went, as somebody was told. Of a message that Telegram has taken and that could not be noted nothing can be
    /// known, and so it is sent again: it may be there twice.
    async fn told(&self, person: i64) -> Vec<String> {
        let mut told = self.town.said(person).await;
        told.retain(|text| !text.contains("send me this code"));
        told.dedup();
        told
    }

    /// What is to be the same however often the bot was killed.
    async fn end(self) -> Value {
        let members = self
            .town
            .server
            .get(&format!("members?chat_id={TEA}"))
            .await;
        let members: Vec<Value> = members
            .as_array()
            .unwrap()
            .iter()
            .map(|member| {
                json!([
                    member["user"]["id"],
                    member["status"],
                    member["can_send_messages"],
                    member["is_member"]
                ])
            })
            .collect();
        let group = self.town.document(&format!("group/{TEA}")).await.unwrap();
        let waiting = self
            .town
            .document(&format!("case/{TEA}/{STAYS}"))
            .await
            .unwrap();
        let said = self.town.said(TEA).await;
        let prompts = said.iter().filter(|text| text.contains(PROMPT)).count();
        json!({
            "members": members,
            "stats": group["stats"],
            "warnings": waiting["warnings"],
        "told": [self.told(PASSES).await, self.told(FAILS).await, self.told(ASKS).await],
            "prompts": prompts,
        })
    }
}

#[tokio::test]
async fn a_kill_at_any_boundary_changes_nothing_in_the_end() {
    let mut undisturbed = Course::new("nowhere", 1).await;
    undisturbed.run().await;
    assert_eq!(undisturbed.kills, 0);
    let wanted = undisturbed.end().await;
    for (point, times) in POINTS {
        for count in 1..=times {
            let mut course = Course::new(point, count).await;
            course.run().await;
            course.is_killed(&format!("{point}:{count}")).await;
            let ended = course.end().await;
            assert_eq!(ended, wanted, "killed at {point}:{count}");
        }
    }
}
