//! Scans: one list, a warning after it, removals at the end; faults, a cancellation, the schedule, and SIGKILL.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use sundown::store::sqlite::Sqlite;
use sundown::store::{BotId, Change, Engine, Expected, Key, LaneKey, Scope, Timer};

use crate::support::{Process, Server, TOKEN};

const OPERATOR: i64 = 7;
/// Who made every group of the sandbox.
const OWNER: i64 = 7_999_999_999;
const A: i64 = -1_001;
const B: i64 = -1_002;
const ADA: i64 = 11;
const BEN: i64 = 12;
const CLEO: i64 = 13;
const DORA: i64 = 14;

/// Groups with people who have not verified, as an earlier life of the bot has left them.
struct Town {
    server: Server,
    dir: tempfile::TempDir,
    seeds: Vec<Change>,
}

impl Town {
    async fn new() -> Self {
        let server = Server::start().await;
        // The operator's chat is open.
        server.say(OPERATOR, "hello").await;
        Self {
            server,
            dir: tempfile::tempdir().unwrap(),
            seeds: Vec::new(),
        }
    }

    /// A group and its people, each with the warnings that they have left.
    async fn group(&mut self, chat: i64, title: &str, settings: Value, people: &[(i64, u8)]) {
        let member = |(id, _): &(i64, u8)| json!({ "id": id, "first_name": format!("P{id}") });
        let members: Vec<Value> = people.iter().map(member).collect();
        let group = json!({ "chat_id": chat, "title": title, "members": members });
        self.server.post("group", group).await;
        let group = json!({ "title": title, "settings": settings, "scanned": 1 });
        self.seed(&format!("guard/group/{chat}"), &group);
        let opened = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let opened = u64::try_from(opened.as_millis()).unwrap();
        for (user, warnings) in people {
            // The one who has just come.
            let ago = if *user == DORA { 0 } else { 3_600_000 };
            let opened = opened - ago;
            let case = json!({
                "chat": chat, "user": user, "name": format!("P{user}"), "status": "pending", "route": "joined",
                "opened": opened, "allowance": { "secs": 86_400, "nanos": 0 }, "warnings": warnings, "attempts": 3,
                "challenge": null, "asked": null, "is_unreachable": false, "is_muted": false, "ending": null, "ended": null,
            });
            self.seed(&format!("guard/case/{chat}/{user}"), &case);
            self.seed(&format!("guard/person/{user}/{chat}"), &json!({}));
        }
    }

    fn seed(&mut self, name: &str, document: &Value) {
        self.seeds.push(Change::Put {
            key: key(name),
            body: document.to_string().into(),
            expected: Expected::Anything,
        });
    }

    /// The schedule's timer, due now.
    fn schedule(&mut self) {
        self.seeds.push(Change::SetTimer(Timer {
            bot: bot(),
            lane: LaneKey::named("guard"),
            due: SystemTime::now(),
            body: json!({ "scan": "ring" }).to_string().into(),
            key: key("guard/schedule"),
        }));
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    async fn start(&mut self) -> Process {
        self.start_until(None).await
    }

    /// The bot, which kills itself at a point of the scan.
    async fn start_until(&mut self, point: Option<&str>) -> Process {
        let store = Sqlite::open(&self.state()).unwrap();
        let lease = store.acquire(Scope::Part(0)).await.unwrap();
        let seeds = std::mem::take(&mut self.seeds);
        store.change(&lease, seeds).await.unwrap();
        store.close().await.unwrap();
        drop(store);
        let mut command = Command::new(env!("CARGO_BIN_EXE_sundown"));
        command
            .args(["run", "--poll-timeout", "1s", "--api-url", &self.server.url])
            .args(["--operator-chat", &OPERATOR.to_string()])
            .arg("--state-dir")
            .arg(self.state())
            .env("TELOXIDE_TOKEN", TOKEN)
            .env("RUST_LOG", "debug");
        if let Some(point) = point {
            command.env("SUNDOWN_CRASH_AT", point);
        }
        let process = Process::start(&mut command);
        process.wait_for("phase=running");
        process
    }

    /// Somebody writes in a group.
    async fn say_in(&self, chat: i64, person: i64, text: &str) {
        let user = json!({ "id": person, "first_name": "Somebody" });
        let message = json!({ "user": user, "chat_id": chat, "text": text });
        self.server.post("message", message).await;
    }

    /// What stands in a chat from the bot, in order, when one of its messages has this text in it.
    async fn wait_for(&self, chat: i64, text: &str) -> Vec<String> {
        let give_up = tokio::time::Instant::now() + Duration::from_secs(45);
        loop {
            let said = self.server.answers(chat).await;
            if said.iter().any(|message| message.contains(text)) {
                return said;
            }
            assert!(
                tokio::time::Instant::now() < give_up,
                "no {text:?} in {chat}: {said:#?}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await; // between two looks at a condition
        }
    }

    /// The message with a button to cancel the scan, and the button's data.
    async fn wait_for_button(&self, chat: i64) -> (i64, String) {
        self.wait_for(chat, "Scanning").await;
        let messages = self.server.get(&format!("messages?chat_id={chat}")).await;
        let button = |message: &Value| {
            let data = &message["reply_markup"]["inline_keyboard"][0][0]["callback_data"];
            let data = data.as_str()?.to_owned();
            Some((message["message_id"].as_i64()?, data))
        };
        messages
            .as_array()
            .unwrap()
            .iter()
            .find_map(button)
            .unwrap()
    }

    async fn press(&self, person: i64, chat: i64, (message, data): &(i64, String)) {
        let user = json!({ "id": person, "first_name": "Somebody" });
        let press = json!({ "user": user, "chat_id": chat, "message_id": message, "data": data });
        self.server.post("press", press).await;
    }

    /// A person's place in a group.
    async fn place(&self, chat: i64, person: i64) -> String {
        let members = self.server.get(&format!("members?chat_id={chat}")).await;
        let is = |member: &&Value| member["user"]["id"] == json!(person);
        let member = members.as_array().unwrap().iter().find(is).unwrap().clone();
        member["status"].as_str().unwrap().to_owned()
    }

    /// Ends the bot and reads what it keeps.
    async fn end(&self, process: Process, names: &[String]) -> Vec<Value> {
        process.signal(Signal::SIGTERM);
        process.end().assert_code(0);
        let store = Sqlite::open(&self.state()).unwrap();
        let mut documents = Vec::new();
        for name in names {
            let document = store.read(&key(name)).await.unwrap();
            let document = document.map(|document| serde_json::from_str(&document.body).unwrap());
            documents.push(document.unwrap_or(Value::Null));
        }
        assert_eq!(store.counts().await.unwrap().parked, 0);
        documents
    }
}

fn bot() -> BotId {
    BotId(TOKEN.split(':').next().unwrap().parse().unwrap())
}

fn key(name: &str) -> Key {
    Key::new(format!("{}/{name}", bot().0)).unwrap()
}

fn case(chat: i64, user: i64) -> String {
    format!("guard/case/{chat}/{user}")
}

fn past(chat: i64, user: i64) -> String {
    format!("guard/past/{chat}/{user}")
}

/// Scanned by nobody but the tests.
fn on() -> Value {
    json!({ "is_on": true, "scan_every": null })
}

fn with<'a>(said: &'a [String], text: &str) -> Vec<&'a String> {
    said.iter()
        .filter(|message| message.contains(text))
        .collect()
}

const LIST: &str = "not verified yet";
const FINAL: &str = "will be removed now";
const SUMMARY: &str = "Scan finished";

#[tokio::test]
async fn all_are_in_one_list_and_warned_by_it_and_who_has_no_warning_left_is_removed_at_the_end() {
    let mut town = Town::new().await;
    town.group(A, "Gamers", on(), &[(ADA, 3), (BEN, 1), (CLEO, 0)])
        .await;
    let bot = town.start().await;
    town.say_in(A, CLEO, "/scan").await;
    town.say_in(A, OWNER, "/scan@sandbox_bot").await;
    let said = town.wait_for(A, SUMMARY).await;
    let place = |text| {
        said.iter()
            .position(|message| message.contains(text))
            .unwrap()
    };
    let lists = with(&said, LIST);
    assert_eq!(lists.len(), 1, "{said:#?}");
    assert!(
        lists[0].contains("P11") && lists[0].contains("2 warnings left"),
        "{said:#?}"
    );
    assert!(
        lists[0].contains("P12") && lists[0].contains("0 warnings left"),
        "{said:#?}"
    );
    assert!(with(&said, FINAL)[0].contains("P13"), "{said:#?}");
    assert!(place(LIST) < place(FINAL), "{said:#?}");
    let summary = &said[place(SUMMARY)];
    assert!(
        summary.contains("3 unverified, 2 warned, 1 removed"),
        "{summary}"
    );
    assert_eq!(town.place(A, ADA).await, "restricted");
    assert_eq!(town.place(A, CLEO).await, "kicked");
    let kept = town
        .end(bot, &[case(A, ADA), case(A, BEN), past(A, CLEO)])
        .await;
    assert_eq!(
        (&kept[0]["warnings"], &kept[1]["warnings"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(kept[2]["status"], "kicked");
}

#[tokio::test]
async fn a_group_that_always_fails_says_why_in_its_line_and_the_other_is_scanned() {
    let mut town = Town::new().await;
    town.group(A, "Gamers", on(), &[(ADA, 3)]).await;
    town.group(B, "Broken", on(), &[(BEN, 3)]).await;
    let fault = json!({
        "fault": "status", "code": 400, "description": "Bad Request: not enough rights", "method": "*", "chat_id": B,
        "times": 1_000_000,
    });
    town.server.fault(fault).await;
    let bot = town.start().await;
    town.server.say(OPERATOR, "/scan").await;
    let said = town.wait_for(OPERATOR, SUMMARY).await;
    let summary = with(&said, SUMMARY)[0];
    let line = |title| summary.lines().find(|line| line.contains(title)).unwrap();
    assert!(
        line("Gamers").ends_with("1 unverified, 1 warned, 0 removed"),
        "{summary}"
    );
    assert!(
        line("Broken").contains("1 unverified, 0 warned, 0 removed; failed:"),
        "{summary}"
    );
    assert!(line("Broken").contains("not enough rights"), "{summary}");
    let kept = town.end(bot, &[case(A, ADA), case(B, BEN)]).await;
    assert_eq!(
        (&kept[0]["warnings"], &kept[1]["warnings"]),
        (&json!(2), &json!(3))
    );
}

#[tokio::test]
async fn a_scan_is_cancelled_by_those_who_may_and_does_nothing_more() {
    let mut town = Town::new().await;
    town.group(A, "Gamers", on(), &[(ADA, 3), (CLEO, 0)]).await;
    let late =
        json!({ "fault": "late", "seconds": 4, "method": "restrictChatMember", "times": 10 });
    town.server.fault(late).await;
    let bot = town.start().await;
    town.say_in(A, OWNER, "/scan").await;
    let button = town.wait_for_button(A).await;
    town.press(ADA, A, &button).await;
    let give_up = tokio::time::Instant::now() + Duration::from_secs(20);
    while town
        .server
        .get("answers")
        .await
        .as_array()
        .unwrap()
        .is_empty()
    {
        assert!(tokio::time::Instant::now() < give_up);
        tokio::time::sleep(Duration::from_millis(20)).await; // between two looks at a condition
    }
    let answers = town.server.get("answers").await;
    assert_eq!(answers[0]["text"], "Only administrators can do that.");
    town.say_in(A, OWNER, "/scan").await;
    town.wait_for(A, "A scan is already running.").await;
    town.press(OWNER, A, &button).await;
    let said = town.wait_for(A, "Scan cancelled").await;
    assert!(
        with(&said, LIST).is_empty() && with(&said, FINAL).is_empty(),
        "{said:#?}"
    );
    let kept = town.end(bot, &[case(A, ADA), case(A, CLEO)]).await;
    assert_eq!(
        (&kept[0]["warnings"], &kept[1]["ending"]),
        (&json!(3), &Value::Null)
    );
}

#[tokio::test]
async fn the_schedule_scans_who_is_due_once_and_tells_the_operator() {
    let mut town = Town::new().await;
    let hourly =
        json!({ "is_on": true, "scan_every": { "secs": 3_600, "nanos": 0 }, "quiet": null });
    let off = json!({ "is_on": false, "scan_every": { "secs": 3_600, "nanos": 0 }, "quiet": null });
    town.group(A, "Gamers", hourly, &[(ADA, 3), (DORA, 0)])
        .await;
    town.group(B, "Sleepers", off, &[(BEN, 3)]).await;
    town.schedule();
    let bot = town.start().await;
    let said = town.wait_for(OPERATOR, SUMMARY).await;
    assert!(
        with(&said, SUMMARY)[0].contains("1 unverified, 1 warned"),
        "{said:#?}"
    );
    assert!(!with(&said, SUMMARY)[0].contains("Sleepers"), "{said:#?}");
    assert_eq!(with(&town.server.answers(A).await, LIST).len(), 1);
    let group = format!("guard/group/{A}");
    let kept = town.end(bot, &[case(A, ADA), group]).await;
    assert_eq!(kept[0]["warnings"], 2);
    assert!(kept[1]["scanned"].as_u64().unwrap() > 1);
}

#[tokio::test]
async fn a_dry_run_says_what_it_would_do_and_does_nothing() {
    let mut town = Town::new().await;
    let dry = json!({ "is_on": true, "scan_every": null, "dry_run": true });
    town.group(A, "Gamers", dry, &[(ADA, 3), (CLEO, 0)]).await;
    let bot = town.start().await;
    town.server.say(OPERATOR, "/scan").await;
    let said = town.wait_for(OPERATOR, SUMMARY).await;
    let summary = with(&said, SUMMARY)[0];
    assert!(
        summary.contains("2 unverified, 0 warned, 0 removed"),
        "{summary}"
    );
    assert!(
        summary.contains("would warn") && summary.contains("would remove"),
        "{summary}"
    );
    assert!(town.server.answers(A).await.is_empty());
    assert_eq!(town.place(A, ADA).await, "member");
    let kept = town.end(bot, &[case(A, ADA)]).await;
    assert_eq!(kept[0]["warnings"], 3);
}

#[tokio::test]
async fn a_scan_goes_on_after_a_stop_in_its_middle() {
    let mut town = Town::new().await;
    town.group(A, "Gamers", on(), &[(ADA, 3), (CLEO, 0)]).await;
    let late = json!({ "fault": "late", "seconds": 1, "method": "restrictChatMember" });
    town.server.fault(late).await;
    let bot = town.start().await;
    town.server.say(OPERATOR, "/scan").await;
    town.wait_for_button(OPERATOR).await;
    town.end(bot, &[]).await;
    assert!(town.server.answers(A).await.is_empty());
    let bot = town.start().await;
    let said = town.wait_for(OPERATOR, SUMMARY).await;
    let summary = with(&said, SUMMARY)[0];
    assert!(
        summary.contains("2 unverified, 1 warned, 1 removed"),
        "{summary}"
    );
    let kept = town.end(bot, &[case(A, ADA), past(A, CLEO)]).await;
    assert_eq!(
        (&kept[0]["warnings"], &kept[1]["status"]),
        (&json!(2), &json!("kicked"))
    );
}

/// Killed at a point of a scan, the next life ends it as an undisturbed one would; the message that was on its way may
/// stand there twice.
async fn killed_at(point: &str, lists: usize, notices: usize) {
    let mut town = Town::new().await;
    town.group(A, "Gamers", on(), &[(ADA, 3), (BEN, 1), (CLEO, 0)])
        .await;
    let bot = town.start_until(Some(point)).await;
    town.server.say(OPERATOR, "/scan").await;
    let ended = bot.end();
    assert_eq!(
        ended.signal,
        Some(Signal::SIGKILL as i32),
        "{}",
        ended.stderr
    );
    let bot = town.start().await;
    let said = town.wait_for(OPERATOR, SUMMARY).await;
    let summary = with(&said, SUMMARY)[0];
    assert!(
        summary.contains("3 unverified, 2 warned, 1 removed"),
        "{point}: {summary}"
    );
    let said = town.server.answers(A).await;
    assert_eq!(with(&said, LIST).len(), lists, "{point}: {said:#?}");
    assert_eq!(with(&said, FINAL).len(), notices, "{point}: {said:#?}");
    assert_eq!(town.place(A, ADA).await, "restricted");
    assert_eq!(town.place(A, CLEO).await, "kicked");
    let kept = town
        .end(bot, &[case(A, ADA), case(A, BEN), past(A, CLEO)])
        .await;
    assert_eq!(
        (&kept[0]["warnings"], &kept[1]["warnings"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(kept[2]["status"], "kicked", "{point}");
}

#[tokio::test]
async fn killed_around_the_list_nobody_loses_two_warnings() {
    killed_at("guard-before-scan-list:1", 1, 1).await;
    killed_at("guard-after-scan-list:1", 2, 1).await;
}

#[tokio::test]
async fn killed_around_the_final_notice_the_removals_follow_it_once() {
    killed_at("guard-before-final-notice:1", 1, 1).await;
    killed_at("guard-after-final-notice:1", 1, 2).await;
}

#[tokio::test]
async fn killed_around_a_removal_it_is_done_and_counted() {
    // The first three deeds are mutes.
    killed_at("guard-before-deed:4", 1, 1).await;
    killed_at("guard-after-deed:4", 1, 1).await;
}
