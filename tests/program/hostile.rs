//! The poller against a server that is broken or means ill: it says so once, goes on, loses nothing, and handles
//! nothing twice.

use std::fs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use sundown::store::sqlite::Sqlite;
use sundown::store::{BotId, Engine, Scope};

use super::support::{Bot, Ended, Server, TOKEN};

/// After a trouble people are answered within 2 s, and on a machine that is busy with tests within this.
const SOON: Duration = Duration::from_secs(5);
/// The poll's own second, the margin of 10, and something for a busy machine.
const CALL_ENDS_WITHIN: Duration = Duration::from_secs(15);

/// A bot whose server does one thing after another to it.
struct Victim {
    bot: Bot,
    /// People who have written, each once.
    people: i64,
}

impl Victim {
    async fn start() -> Self {
        Self {
            bot: Bot::start().await,
            people: 0,
        }
    }

    /// Somebody new writes; returns who.
    async fn somebody_writes(&mut self) -> i64 {
        self.people += 1;
        self.bot.server.say(self.people, "/ping").await;
        self.people
    }

    /// One person's message ends the poll that is open, and the next call is struck. What a second one writes
    /// meanwhile is answered as soon as the line was logged that says what is wrong.
    async fn survives(&mut self, fault: Value, says: &str) {
        let server = &self.bot.server;
        let struck = server.count_in_log("fault=true");
        server.fault(fault).await;
        self.somebody_writes().await;
        self.bot.server.wait_for_log("fault=true", struck + 1);
        let began = Instant::now();
        let second = self.somebody_writes().await;
        let said = struck + 1;
        self.bot.process.wait_for_count("trying again", said);
        let took = began.elapsed();
        assert!(took < CALL_ENDS_WITHIN, "{says:?} took {took:?}");
        let line = self.bot.process.wait_for_count("trying again", said);
        assert!(line.contains(says), "no {says:?} in {line}");
        self.bot.server.answered_soon(second).await;
    }

    /// Everybody was answered once, and every update handled once.
    async fn end(self) -> Ended {
        for person in 1..=self.people {
            let answers = self.bot.server.wait_for_answers(person, 1).await;
            assert_eq!(answers.len(), 1, "person {person} got {answers:?}");
        }
        self.bot.process.signal(Signal::SIGTERM);
        let ended = self.bot.process.end();
        ended.assert_code(0);
        ended.assert_says(&format!("received {}", self.people));
        ended.assert_says(&format!("handled {}, failed 0", self.people));
        ended
    }
}

impl Server {
    async fn answered_soon(&self, person: i64) {
        let answer = tokio::time::timeout(SOON, self.wait_for_answers(person, 1)).await;
        assert!(
            answer.is_ok(),
            "person {person} was not answered in {SOON:?}"
        );
    }
}

fn warnings(ended: &Ended, text: &str) -> usize {
    let lines = ended.stderr.lines();
    lines
        .filter(|line| line.contains(" WARN ") && line.contains(text))
        .count()
}

/// A call that would not end by itself is given up in its time, with its connection and all others.
async fn a_call_without_an_end(fault: Value) {
    let mut victim = Victim::start().await;
    victim
        .survives(fault, "getUpdates: no whole answer from 127.0.0.1")
        .await;
    victim.bot.server.wait_for_log("the caller hung up", 1);
    victim.bot.process.wait_for("the HTTP client is made anew");
    let ended = victim.end().await;
    assert_eq!(warnings(&ended, ""), 1, "{}", ended.stderr);
}

#[tokio::test]
async fn a_call_that_hangs_is_given_up_with_its_connection() {
    a_call_without_an_end(json!({ "fault": "hang", "seconds": 600 })).await;
}

#[tokio::test]
async fn an_answer_that_trickles_without_end_is_given_up_with_its_connection() {
    a_call_without_an_end(json!({ "fault": "trickle" })).await;
}

#[tokio::test]
async fn an_endless_answer_is_cut_off_before_it_fills_the_memory() {
    let mut victim = Victim::start().await;
    victim
        .survives(
            json!({ "fault": "oversize", "mebibytes": 100_000 }),
            "answered with more than 64 MiB, which is cut off",
        )
        .await;
    // Where there is no such file, this machine cannot tell.
    let status = fs::read_to_string(format!("/proc/{}/status", victim.bot.process.pid()));
    let peak = status.ok().and_then(|status| {
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    assert!(
        peak.is_none_or(|kib| kib < 400 << 10),
        "it took {peak:?} KiB of memory"
    );
    let ended = victim.end().await;
    assert_eq!(warnings(&ended, ""), 1, "{}", ended.stderr);
}

#[tokio::test]
async fn an_answer_that_is_larger_than_the_bot_apis_is_taken() {
    let server = Server::start().await;
    server.say(1, "/ping").await;
    for number in 1..=6 {
        let text = "x".repeat(1 << 20);
        server
            .update("message", message(number, now(), &text))
            .await;
    }
    let padding = json!({ "fault": "oversize", "mebibytes": 6 });
    server.fault(padding).await;
    // The assistant would answer each of them, and what it has to do is counted too.
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), "assistant = { enabled = false }").unwrap();
    let bot = Bot::start_at(server, &["--config", config.path().to_str().unwrap()]);
    bot.process.wait_for("updates stored count=7");
    assert_eq!(bot.server.wait_for_answers(1, 7).await.len(), 7);
    let ended = bot.prove_well().await;
    ended.assert_says("handled 8, failed 0");
    assert_eq!(warnings(&ended, ""), 0, "{}", ended.stderr);
}

#[tokio::test]
async fn text_that_is_no_answer_is_survived_whatever_it_is() {
    let mut victim = Victim::start().await;
    let deep = "[".repeat(1_000_000);
    let cases = [
        ("", "0 bytes that are no envelope"),
        ("🦀 not JSON at all", "are no envelope"),
        (
            r#"{"ok":true,"result":[{"update_id":1,}]}"#,
            "are no envelope",
        ),
        (
            r#"{"ok":true,"result":{"update_id":1}}"#,
            "a result of an unexpected form",
        ),
        (r#"{"ok":"yes","result":[]}"#, "are no envelope"),
        (r#"{"ok":false,"error_code":-1}"#, "are no envelope"),
        (
            r#"{"ok":false,"error_code":429,"parameters":{"retry_after":-5}}"#,
            "are no envelope",
        ),
        (deep.as_str(), "1000000 bytes that are no envelope"),
    ];
    for (text, says) in cases {
        victim
            .survives(json!({ "fault": "body", "text": text }), says)
            .await;
    }
    let ended = victim.end().await;
    assert_eq!(warnings(&ended, "trying again"), cases.len());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let mut victim = Victim::start().await;
    let elsewhere = Server::start().await;
    let to = format!("{}/bot{TOKEN}/getUpdates", elsewhere.url);
    victim
        .survives(
            json!({ "fault": "redirect", "to": to }),
            "not the Bot API's: HTTP 302",
        )
        .await;
    let calls = elsewhere.state().await["calls"].clone();
    assert_eq!(calls, json!({}), "nobody else is asked");
    victim.end().await;
}

#[tokio::test]
async fn updates_that_were_confirmed_and_come_again_are_handled_once() {
    let mut victim = Victim::start().await;
    for _ in 0..3 {
        let person = victim.somebody_writes().await;
        victim.bot.server.answered_soon(person).await;
    }
    victim
        .bot
        .server
        .fault(json!({ "fault": "repeat", "times": 3 }))
        .await;
    let person = victim.somebody_writes().await;
    victim.bot.server.wait_for_log("fault=true", 3);
    victim.bot.server.answered_soon(person).await;
    let person = victim.somebody_writes().await;
    victim.bot.server.answered_soon(person).await;
    let ended = victim.end().await;
    assert_eq!(warnings(&ended, "the server repeats updates"), 1);
}

#[tokio::test]
async fn elements_that_are_no_updates_do_not_keep_good_ones_from_being_handled() {
    let bot = Bot::start().await;
    bot.server.say(1, "/ping").await;
    bot.server.wait_for_answers(1, 1).await;
    let id = bot.server.state().await["next_update_id"].as_i64().unwrap();
    let good = json!({ "update_id": id, "message": message(9, now(), "/ping") });
    let last = json!({ "update_id": id + 2, "message": message(10, now(), "/ping") });
    // Its id is fine, and what it says nests deeper than anybody reads.
    let deep = format!(
        r#"{{"update_id":{},"message":{}{}}}"#,
        id + 1,
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    let text = format!(
        r#"{{"ok":true,"result":[17,null,"x",{{"message":{{}}}},{good},{{"update_id":"7"}},{deep},{{"update_id":-5}},{last}]}}"#
    );
    bot.server.next_id(id + 3).await;
    bot.server
        .fault(json!({ "fault": "body", "text": text }))
        .await;
    bot.process.wait_for("updates without a usable update_id");
    bot.process.wait_for("update parked");
    assert_eq!(bot.server.wait_for_answers(1, 3).await.len(), 3);
    let ended = bot.prove_well().await;
    ended.assert_says("received 5");
    ended.assert_says("left 0, parked 1");
    assert_eq!(warnings(&ended, "updates without a usable update_id"), 1);
}

#[tokio::test]
async fn the_program_asks_for_what_its_features_take() {
    let bot = Bot::start().await;
    let info = bot.server.call("getWebhookInfo", json!({})).await;
    let asked = info["result"]["allowed_updates"].as_array().unwrap();
    let kinds = [
        "message",
        "callback_query",
        "chat_member",
        "my_chat_member",
        "chat_join_request",
    ];
    assert!(
        kinds.iter().all(|kind| asked.contains(&json!(kind))),
        "{asked:?}"
    );
    assert_eq!(asked.len(), kinds.len(), "{asked:?}");
    bot.prove_well().await;
}

#[tokio::test]
async fn what_waits_at_the_start_and_is_too_old_is_confirmed_and_not_handled() {
    let server = Server::start().await;
    let hour = 3_600;
    server.say(1, "/ping").await;
    for age in [3 * hour, 2 * hour, 60] {
        server
            .update("message", message(9, now() - age, "/ping"))
            .await;
    }
    server.update("callback_query", json!({ "id": "1" })).await;
    let bot = Bot::start_at(
        server,
        &["--drop-older-than", "1h", "--drop-kinds", "callback_query"],
    );
    let line = bot.process.wait_for("updates that waited at the start");
    assert!(line.contains("count=3"), "{line}");
    assert_eq!(bot.server.wait_for_answers(1, 2).await.len(), 2);
    // It did not wait at the start.
    let late = message(10, now() - 2 * hour, "/ping");
    bot.server.update("message", late).await;
    bot.server.wait_for_answers(1, 3).await;
    let server = &bot.server;
    assert_eq!(server.answers(1).await.len(), 3);
    bot.process.signal(Signal::SIGTERM);
    let ended = bot.process.end();
    ended.assert_code(0);
    ended.assert_says("received 3");
    ended.assert_says("dropped 3");
    ended.assert_says("handled 3, failed 0");
    let said = ended.stderr.matches("updates that waited at the start");
    assert_eq!(said.count(), 1, "said once");
    assert_eq!(bot.server.state().await["pending_update_count"], json!(0));
}

/// An offset that was sent and not committed would be sent for a second time by the next start, from further back.
#[tokio::test]
async fn what_is_dropped_is_committed_also_where_nothing_else_waits() {
    let server = Server::start().await;
    server
        .update("message", message(9, now() - 7_200, "/ping"))
        .await;
    let next = server.state().await["next_update_id"].as_i64().unwrap();
    let bot = Bot::start_at(server, &["--drop-older-than", "1h"]);
    bot.process.wait_for("updates that waited at the start");
    bot.process.signal(Signal::SIGTERM);
    let ended = bot.process.end();
    ended.assert_code(0);
    ended.assert_says("received 0, dropped 1");
    let store = Sqlite::open(&bot.state.path().join("state")).unwrap();
    let number = TOKEN.split_once(':').unwrap().0.parse().unwrap();
    let lease = store.acquire(Scope::Poll(BotId(number))).await.unwrap();
    assert_eq!(store.cursor(&lease).await.unwrap().next_offset, next);
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap().as_secs()
}

/// What person 1 writes in their chat.
fn message(number: u64, date: u64, text: &str) -> Value {
    let length = text.len().min(64);
    json!({
        "message_id": 1_000 + number,
        "date": date,
        "from": { "id": 1, "is_bot": false, "first_name": "Person 1" },
        "chat": { "id": 1, "type": "private", "first_name": "Person 1" },
        "text": text,
        "entities": if text.starts_with('/') {
            json!([{ "type": "bot_command", "offset": 0, "length": length }])
        } else {
            json!([])
        },
    })
}
