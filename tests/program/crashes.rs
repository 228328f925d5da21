//! Processes that are killed at every point of an update's way: nothing is lost, the order is kept, a handler runs again
//! only where the process died while it ran, and what it keeps is kept once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use sundown::store::sqlite::Sqlite;
use sundown::store::{Engine, Key};

use super::support::{Ended, Process, Server, TOKEN, example};

/// Where the process kills itself. Each is passed at least once where somebody has written.
const POINTS: [&str; 7] = [
    "after the response",
    "before the commit",
    "after the commit",
    "before the confirm",
    "before the handler",
    "after the handler",
    "before a completion is recorded",
];
const ROUNDS: usize = 210;
const PEOPLE: i64 = 4;
/// Handlers that can have ended between their last note and their end in the store.
const CONCURRENT: usize = PEOPLE as usize;

struct Town {
    server: Server,
    dir: tempfile::TempDir,
    /// What each person has said, in order.
    said: BTreeMap<i64, Vec<String>>,
}

impl Town {
    async fn new() -> Self {
        Self {
            server: Server::start().await,
            dir: tempfile::tempdir().unwrap(),
            said: BTreeMap::new(),
        }
    }

    async fn say(&mut self, person: i64, text: String) {
        self.server.say(person, &text).await;
        self.said.entry(person).or_default().push(text);
    }

    /// A bot of its own life, with a log of its own.
    fn bot(&self, life: usize, crash_at: Option<String>) -> Process {
        let mut command = Command::new(example("crash_bot"));
        command
            .env("TELOXIDE_TOKEN", TOKEN)
            .env("TELOXIDE_API_URL", &self.server.url)
            .env("STATE_DIRECTORY", self.dir.path().join("state"))
            .env("CRASH_LOG", self.log(life));
        if let Some(crash_at) = crash_at {
            command.env("SUNDOWN_CRASH_AT", crash_at);
        }
        Process::start(&mut command)
    }

    fn log(&self, life: usize) -> std::path::PathBuf {
        self.dir.path().join(format!("life-{life:03}"))
    }

    /// Everybody is answered in order, once the repeated answers are left out. Returns how many have no answer.
    async fn assert_answered(&self) -> usize {
        let mut unanswered = 0;
        for (person, said) in &self.said {
            let last = said.last().unwrap();
            self.server
                .wait_until_answered(*person, &BTreeSet::from([last.clone()]))
                .await;
            let mut seen = BTreeSet::new();
            let mut answers = self.server.answers(*person).await;
            answers.retain(|answer| seen.insert(answer.clone()));
            let answered: Vec<_> = said.iter().filter(|text| seen.contains(*text)).collect();
            assert!(answers.iter().eq(answered), "person {person} in order");
            unanswered += said.len() - answers.len();
        }
        unanswered
    }

    async fn wait_for_all_answers(&self) {
        for (person, said) in &self.said {
            let said: BTreeSet<String> = said.iter().cloned().collect();
            self.server.wait_until_answered(*person, &said).await;
        }
    }

    /// Updates and timers alike.
    fn wait_until_nothing_waits(&self) {
        while !self.inbox(&["stats"]).stdout.starts_with("queued 0\n") {}
    }

    /// Runs `sundown inbox` on the bot's state.
    fn inbox(&self, arguments: &[&str]) -> Ended {
        let dir = self.dir.path().join("state");
        let arguments = [&["inbox", "--state-dir", dir.to_str().unwrap()], arguments].concat();
        Process::sundown(arguments).end()
    }

    /// However often their handlers have run: what was said to be kept is kept once, and its timer has rung once.
    async fn assert_kept_once(&self) {
        let store = Sqlite::open(&self.dir.path().join("state")).unwrap();
        let said = self.said.values().flatten();
        let mut keep: Vec<&String> = said.filter(|text| text.ends_with("keep")).collect();
        keep.sort();
        let bot = TOKEN.split(':').next().unwrap();
        for list in ["kept", "rung"] {
            let key = Key::new(format!("{bot}/{list}")).unwrap();
            let document = store.read(&key).await.unwrap().unwrap();
            let mut texts: Vec<String> = serde_json::from_str(&document.body).unwrap();
            texts.sort();
            assert!(texts.iter().eq(keep.iter().copied()), "{list}: {texts:?}");
        }
    }

    /// Whoever was handled again was being handled when an earlier process died. Returns how often that was.
    fn assert_repeats(&self, lives: usize) -> usize {
        let mut over: BTreeSet<String> = BTreeSet::new();
        let (mut seen, mut repeats) = (BTreeSet::new(), 0);
        for life in 0..=lives {
            let log = fs::read_to_string(self.log(life)).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            for line in &lines {
                if let Some(text) = line.strip_prefix("begin ") {
                    assert!(
                        !over.contains(text),
                        "{text:?} had been over before life {life}"
                    );
                    repeats += usize::from(!seen.insert(text.to_owned()));
                }
            }
            // The last ones may have died between their note and their end in the store.
            let surely = lines.len().saturating_sub(2 * CONCURRENT);
            let ended = lines[..surely]
                .iter()
                .filter_map(|line| line.strip_prefix("end "));
            // What is kept is committed later than its handler's note.
            let ended = ended.filter(|text| !text.ends_with("keep"));
            over.extend(ended.map(str::to_owned));
        }
        repeats
    }
}

#[tokio::test]
async fn two_hundred_kills_lose_nothing_and_repeat_only_what_was_running() {
    let mut town = Town::new().await;
    let mut rng = fastrand::Rng::with_seed(4);
    let mut kills = 0;
    for life in 0..ROUNDS {
        // A fresh store is migrated twice; a long queue of one person is left on disk now and then.
        let (point, count) = match life {
            0 => ("migrate", 1),
            1 => ("migrate", 2),
            _ if life % 20 == 7 => ("during a spill", 1),
            _ if life % 3 == 0 => ("", rng.u32(..)),
            // Where somebody keeps writing, completions ride with what is written.
            _ if life % POINTS.len() == 6 => (POINTS[6], 1),
            _ => (POINTS[life % POINTS.len()], rng.u32(1..3)),
        };
        let messages = if point == "during a spill" { 60 } else { 4 };
        for message in 0..messages {
            let person = if messages > 4 { 1 } else { rng.i64(1..=PEOPLE) };
            let keep = if message % 4 < 2 { " keep" } else { "" };
            town.say(person, format!("{life}.{message}{keep}")).await;
        }
        let signal = if point.is_empty() {
            let bot = town.bot(life, None);
            bot.wait_for("phase=running");
            // At any moment of the next milliseconds.
            tokio::time::sleep(Duration::from_micros(u64::from(count % 30_000))).await;
            bot.signal(Signal::SIGKILL);
            bot.end().signal
        } else {
            let mut bot = town.bot(life, Some(format!("{point}:{count}")));
            // The second time comes only where somebody writes again.
            for more in 0..if count == 2 { 500 } else { 0 } {
                if bot.wait_a_moment() {
                    break;
                }
                town.say(rng.i64(1..=PEOPLE), format!("{life}.more {more}"))
                    .await;
            }
            bot.end().signal
        };
        assert_eq!(signal, Some(9), "life {life} ends at {point:?}");
        kills += 1;
    }
    // The last thing that everybody says meets no kill.
    for person in 1..=PEOPLE {
        town.say(person, "bye".to_owned()).await;
    }
    let last = town.bot(ROUNDS, None);
    let unanswered = town.assert_answered().await;
    town.wait_until_nothing_waits();
    last.signal(Signal::SIGTERM);
    let ended = last.end();
    ended.assert_code(0);
    ended.assert_says("left 0, parked ");
    // What was being handled at three deaths is kept aside, whoever was to blame for them. Tried again, it is answered.
    town.inbox(&["retry", "--all"]).assert_code(0);
    let again = town.bot(ROUNDS + 1, None);
    town.wait_for_all_answers().await;
    town.wait_until_nothing_waits();
    again.signal(Signal::SIGTERM);
    again.end().assert_code(0);
    town.assert_kept_once().await;
    let said: usize = town.said.values().map(Vec::len).sum();
    assert!(
        unanswered < said / 10,
        "{unanswered} of {said} were parked without an answer"
    );
    let repeats = town.assert_repeats(ROUNDS);
    assert!(
        kills >= 200 && repeats > 0,
        "{kills} kills, {repeats} repeats"
    );
}

#[tokio::test]
async fn an_update_that_kills_the_process_three_times_is_parked_and_the_others_are_answered() {
    let mut town = Town::new().await;
    for person in 1..=PEOPLE {
        town.say(person, format!("hello from {person}")).await;
    }
    town.server.say(9, "die").await;
    for life in 0..3 {
        let ended = town.bot(life, None).end();
        assert_eq!(ended.signal, Some(6), "life {life}: {}", ended.stderr);
    }
    let last = town.bot(3, None);
    last.wait_for("the last process died while it handled updates");
    assert_eq!(town.assert_answered().await, 0);
    last.signal(Signal::SIGTERM);
    let ended = last.end();
    ended.assert_code(0);
    ended.assert_says(", parked 1");
    let listed = town.inbox(&["list"]);
    listed.assert_says("attempts 3  the process died 3 times while this update was handled");
}

#[tokio::test]
async fn a_parked_update_is_listed_shown_and_handled_again_by_the_running_bot() {
    let mut town = Town::new().await;
    town.server.say(1, "fail once").await;
    town.say(1, "and go on".to_owned()).await;
    let bot = town.bot(0, None);
    bot.wait_for("update parked");
    town.wait_for_all_answers().await;

    town.wait_until_nothing_waits();
    town.inbox(&["stats"]).assert_says("queued 0\nparked 1\n");
    let listed = town.inbox(&["list"]);
    listed.assert_says("not the first time");
    let position = listed.stdout.split_whitespace().next().unwrap();
    town.inbox(&["show", position])
        .assert_says("\"text\":\"fail once\"");
    town.inbox(&["show", "4711"])
        .assert_says("there is no such update at position 4711");

    town.inbox(&["retry", position])
        .assert_says("1 to be handled again");
    let fail = BTreeSet::from(["fail once".to_owned()]);
    town.server.wait_until_answered(1, &fail).await;
    town.inbox(&["retry", position]).assert_code(69);
    bot.signal(Signal::SIGTERM);
    let ended = bot.end();
    ended.assert_code(0);
    ended.assert_says("left 0, parked 0");
}

#[tokio::test]
async fn a_parked_update_is_dropped_from_a_stopped_bots_store() {
    let town = Town::new().await;
    town.server.say(1, "fail once").await;
    let bot = town.bot(0, None);
    bot.wait_for("update parked");
    bot.signal(Signal::SIGTERM);
    bot.end().assert_code(0);
    town.inbox(&["drop", "--all"]).assert_says("1 deleted");
    town.inbox(&["stats"]).assert_says("queued 0\nparked 0");
    town.inbox(&["retry"]).assert_code(64);
}

#[test]
fn an_inbox_that_is_not_there_is_74() {
    let ended = Process::sundown(["inbox", "stats", "--state-dir", "/nonexistent"]).end();
    ended.assert_code(74);
    ended.assert_says("cannot find a store at /nonexistent/sundown.sqlite");
}
