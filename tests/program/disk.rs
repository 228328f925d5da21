//! A disk that is full, read-only or damaged.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::support::{Ended, Process, Server, TOKEN, Volume, example, skip};

/// Room for the database and its log, which is brought into the database when it has 16 MB.
const MEGABYTES: u32 = 64;
const PEOPLE: i64 = 4;
const PAUSED: &str = "nothing more is confirmed or recorded until there is space";
const RESUMED: &str = "there is space again";
const LACKS: &str = "the right to make mount namespaces (root)";

/// A bot that answers with what it is told, and notes which handler begins and ends.
fn bot(mut command: Command, server: &Server, state: &Path, log: &Path) -> Process {
    command
        .env("TELOXIDE_TOKEN", TOKEN)
        .env("TELOXIDE_API_URL", &server.url)
        .env("STATE_DIRECTORY", state)
        .env("CRASH_LOG", log);
    Process::start(&mut command)
}

/// A bot on a small disk, and what it was told.
struct Town {
    server: Server,
    volume: Volume,
    logs: tempfile::TempDir,
    said: Vec<(i64, String)>,
}

impl Town {
    async fn on_small_disk(test: &str) -> Option<Self> {
        let Some(volume) = Volume::of(MEGABYTES) else {
            skip(test, LACKS);
            return None;
        };
        Some(Self {
            server: Server::start().await,
            volume,
            logs: tempfile::tempdir().unwrap(),
            said: Vec::new(),
        })
    }

    fn bot(&self) -> Process {
        let command = self.volume.command(example("crash_bot"));
        let (state, log) = (self.volume.state(), self.logs.path().join("log"));
        bot(command, &self.server, &state, &log)
    }

    /// So many messages, which are large enough for the space that a log has left to be used up.
    async fn say(&mut self, count: usize) {
        for _ in 0..count {
            let number = self.said.len();
            let person = i64::try_from(number).unwrap() % PEOPLE + 1;
            let text = format!("{number} {}", "x".repeat(3_000));
            self.server.say(person, &text).await;
            self.said.push((person, text));
        }
    }

    /// Everybody has got exactly one answer for each message, in order.
    async fn assert_answered_once(&self) {
        for person in 1..=PEOPLE {
            let said = self.said.iter().filter(|(who, _)| *who == person);
            let said: Vec<_> = said.map(|(_, text)| text.clone()).collect();
            let answers = self.server.wait_for_answers(person, said.len()).await;
            let short = |texts: &[String]| -> Vec<String> {
                let number = |text: &String| text.split(' ').next().unwrap().to_owned();
                texts.iter().map(number).collect()
            };
            assert_eq!(short(&answers), short(&said), "person {person}");
        }
    }

    /// Fills the disk, and has the bot notice it: with updates that cannot be stored.
    async fn fill_up(&mut self, bot: &Process) {
        self.volume.fill();
        self.say(300).await;
        bot.wait_for(PAUSED);
        // The poller itself says so to whoever asks.
        for dump in 1.. {
            bot.signal(Signal::SIGUSR1);
            let line = bot.wait_for_count("dump: poller is ready", dump);
            if line.contains("updates that are not confirmed") {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_full_disk_pauses_polling_and_nothing_is_lost_or_repeated() {
    let test = "a_full_disk_pauses_polling_and_nothing_is_lost_or_repeated";
    let Some(mut town) = Town::on_small_disk(test).await else {
        return;
    };
    let bot = town.bot();
    bot.wait_for("phase=running");
    town.say(20).await;
    town.assert_answered_once().await;

    town.fill_up(&bot).await;
    // For more than one try; people go on writing meanwhile.
    for _ in 0..10 {
        town.say(1).await;
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    assert_eq!(bot.count(PAUSED), 1, "it is told once");
    assert_eq!(bot.count(RESUMED), 0);
    let state = town.server.state().await;
    let waiting = state["pending_update_count"].as_u64().unwrap();
    assert!(waiting > 100, "{waiting} wait at the server");

    let freed = Instant::now();
    town.volume.free();
    bot.wait_for(RESUMED);
    let took = freed.elapsed();
    assert!(took < Duration::from_secs(2), "it takes {took:?}");
    town.assert_answered_once().await;
    bot.signal(Signal::SIGTERM);
    let ended = bot.end();
    ended.assert_code(0);
    ended.assert_says("left 0, parked 0");
}

#[tokio::test]
async fn who_keeps_up_goes_on_in_the_space_that_the_store_has() {
    let test = "who_keeps_up_goes_on_in_the_space_that_the_store_has";
    let Some(mut town) = Town::on_small_disk(test).await else {
        return;
    };
    for round in 0..2 {
        let bot = town.bot();
        bot.wait_for("phase=running");
        // What waits at once in the first life makes the store larger than anything in the second one.
        town.say(if round == 0 { 200 } else { 10 }).await;
        town.assert_answered_once().await;
        if round == 1 {
            town.volume.fill();
            for _ in 0..100 {
                town.say(1).await;
                town.assert_answered_once().await;
            }
            assert_eq!(bot.count(PAUSED), 0);
        }
        bot.signal(Signal::SIGTERM);
        bot.end().assert_code(0);
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_for_space_and_the_next_start_repeats_nothing() {
    let test = "a_stop_does_not_wait_for_space_and_the_next_start_repeats_nothing";
    let Some(ended) = ended_on_a_full_disk(test, Signal::SIGTERM).await else {
        return;
    };
    ended.assert_code(74);
    ended.assert_says("could not be stored; they are not confirmed, and come again");
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
}

#[tokio::test]
async fn sigkill_while_the_disk_is_full_loses_and_repeats_nothing() {
    let test = "sigkill_while_the_disk_is_full_loses_and_repeats_nothing";
    ended_on_a_full_disk(test, Signal::SIGKILL).await;
}

/// Ends a bot on a full disk, and shows that the next one goes on well when there is space.
async fn ended_on_a_full_disk(test: &str, signal: Signal) -> Option<Ended> {
    let mut town = Town::on_small_disk(test).await?;
    let bot = town.bot();
    bot.wait_for("phase=running");
    town.say(20).await;
    town.fill_up(&bot).await;
    bot.signal(signal);
    let ended = bot.end();
    town.volume.free();

    let next = town.bot();
    town.assert_answered_once().await;
    next.signal(Signal::SIGTERM);
    let last = next.end();
    last.assert_code(0);
    last.assert_says("left 0, parked 0");
    Some(ended)
}

#[tokio::test]
async fn a_disk_that_is_full_at_the_first_start_is_74() {
    let test = "a_disk_that_is_full_at_the_first_start_is_74";
    let Some(town) = Town::on_small_disk(test).await else {
        return;
    };
    town.volume.fill();
    let ended = town.bot().end();
    ended.assert_code(74);
    ended.assert_says("its disk is full; free some space");
    ended.assert_says(town.volume.state().to_str().unwrap());
}

#[tokio::test]
async fn a_disk_that_is_read_only_is_74() {
    let test = "a_disk_that_is_read_only_is_74";
    let Some(town) = Town::on_small_disk(test).await else {
        return;
    };
    // Without a store, and with one.
    for _ in 0..2 {
        town.volume.make_read_only();
        let ended = town.bot().end();
        ended.assert_code(74);
        ended.assert_says("Read-only file system");
        ended.assert_says(town.volume.state().to_str().unwrap());
        town.volume.make_writable();
        let bot = town.bot();
        bot.wait_for("phase=running");
        bot.signal(Signal::SIGTERM);
        bot.end().assert_code(0);
    }
}

#[tokio::test]
async fn a_damaged_database_is_74_and_says_what_to_do() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let (state, log) = (dir.path().join("state"), dir.path().join("log"));
    let start = || bot(Command::new(example("crash_bot")), &server, &state, &log);
    let first = start();
    first.wait_for("phase=running");
    for number in 0..200 {
        server
            .say(1, &format!("{number} {}", "x".repeat(1_000)))
            .await;
    }
    server.wait_for_answers(1, 1).await;
    first.signal(Signal::SIGTERM);
    first.end().assert_code(0);

    let path = state.join("sundown.sqlite");
    let file = fs::File::options().write(true).open(&path).unwrap();
    let pages = file.metadata().unwrap().len() / 4_096;
    for page in pages / 4..pages * 3 / 4 {
        file.write_all_at(&[0xA5; 4_096], page * 4_096).unwrap();
    }
    let before = fs::read(&path).unwrap();
    let ended = start().end();
    ended.assert_code(74);
    ended.assert_says(&format!("the database {} is damaged", path.display()));
    ended.assert_says("sqlite3 sundown.sqlite .recover");
    assert!(fs::read(&path).unwrap() == before, "it is left as it is");

    let arguments = ["inbox", "check", "--state-dir", state.to_str().unwrap()];
    Process::sundown(arguments).end().assert_code(74);
    // As the message says.
    fs::rename(&state, dir.path().join("damaged")).unwrap();
    let next = start();
    server.say(2, "hello").await;
    server.wait_for_answers(2, 1).await;
    next.signal(Signal::SIGTERM);
    next.end().assert_code(0);
    let ended = Process::sundown(arguments).end();
    ended.assert_code(0);
    ended.assert_says("no damage found");
}
