//! A bot's life under the shim, its end, and what comes after.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use nix::sys::signal::Signal;
use sundown::store::sqlite::Sqlite;
use sundown::store::{BotId, Engine, Entry, Pos, Scope, StoreError};

use super::super::support::{Process, Server, TOKEN};
use super::disk::{self, Files, Luck};
use super::log::Log;
use super::shim::Shim;
use super::verdict::Verdict;

pub(super) const PEOPLE: i64 = 6;
pub(super) const UPDATES: i64 = 25 * PEOPLE;
/// What everybody says at last: once it is answered, whatever came before is answered or lost.
pub(super) const LAST: &str = "last";

/// How a bot's life under the shim goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    /// So many updates wait for it when it starts.
    pub(super) waiting: i64,
    /// So many have been sent when it ends; the others come later.
    pub(super) sent: i64,
    /// How much longer than needed the texts are, in bytes.
    pub(super) padding: usize,
    /// It is killed when it has said that it has answered so many; None: it answers all and stops.
    pub(super) killed_after: Option<usize>,
}

/// A life that is over: what was written down, and the server that it leaves.
pub(super) struct Life {
    pub(super) log: Log,
    server: Server,
    first_id: i64,
}

impl Life {
    pub(super) async fn lead(shim: &Shim, course: Course) -> Self {
        let server = Server::start().await;
        let scratch = tempfile::tempdir().unwrap();
        let (state, log) = (scratch.path().join("state"), scratch.path().join("log"));
        fs::create_dir(&state).unwrap();
        let state = state.canonicalize().unwrap();
        let first_id = server.state().await["next_update_id"].as_i64().unwrap();
        send(&server, 0..course.waiting, course.padding).await;
        let bot = shim.start(&server, &state, &log);
        bot.wait_for("answered");
        send(&server, course.waiting..course.sent, course.padding).await;
        bot.wait_for_count(
            "answered",
            course.killed_after.unwrap_or(count(course.sent)),
        );
        if course.killed_after.is_some() {
            bot.signal(Signal::SIGKILL);
            assert_eq!(bot.end().signal, Some(Signal::SIGKILL as i32));
        } else {
            bot.signal(Signal::SIGTERM);
            bot.end().assert_code(0);
        }
        let log = Log::read(&log);
        let life = Self {
            log,
            server,
            first_id,
        };
        life.assert_all_is_written_down(&state).await;
        send(&life.server, course.sent..UPDATES, 0).await;
        life
    }

    /// The log leads to the files that are there, and knows at least as much as the server.
    async fn assert_all_is_written_down(&self, state: &Path) {
        let whole = Luck {
            sectors: 1.0,
            lies_about: None,
        };
        let at = |cut| {
            disk::comparable(disk::after_cut(
                &self.log,
                cut,
                whole,
                &mut Rng::with_seed(0),
            ))
        };
        let real = disk::comparable(disk::read(state));
        // A kill may have come between the last record and what it tells.
        let is_like_the_log =
            real == at(self.log.len()) || real == at(self.log.before_last_change());
        assert!(
            is_like_the_log,
            "the shim has missed something of {:?}",
            real.keys()
        );

        let state = self.server.state().await;
        let forgotten = state["next_update_id"].as_i64().unwrap()
            - state["pending_update_count"].as_i64().unwrap();
        let told = self.log.confirmed_at(self.log.len()).max(self.first_id);
        assert!(
            forgotten <= told,
            "the server forgot up to {forgotten}, and was told {told}"
        );
        let known = self.log.answers_at(self.log.len());
        for answer in answers(&self.server).await {
            assert!(known.contains(&answer), "{answer:?} went past the shim");
        }
    }

    /// A server with what ours had not been told to forget at this moment.
    async fn server_at(&self, cut: usize) -> Server {
        let next = self.log.confirmed_at(cut).max(self.first_id);
        let server = Server::start().await;
        server.next_id(next).await;
        send(&server, next - self.first_id..UPDATES, 0).await;
        server
    }

    /// The next life after a cut at the end of this one, on the server that was there: once, since it goes on.
    pub(super) async fn go_on(&self, luck: Luck, rng: &mut Rng) -> Verdict {
        let files = disk::after_cut(&self.log, self.log.len(), luck, rng);
        recover(&self.server, &files).await;
        Verdict::on(&answers(&self.server).await)
    }

    /// The next life after a cut at any moment of this one, on a server rewound to it.
    pub(super) async fn go_on_after(&self, cut: usize, luck: Luck, rng: &mut Rng) -> Verdict {
        let server = self.server_at(cut).await;
        recover(&server, &disk::after_cut(&self.log, cut, luck, rng)).await;
        Verdict::on(&[self.log.answers_at(cut), answers(&server).await].concat())
    }

    /// What the store has after a cut at this moment, against what had been confirmed by then, or will be at the next
    /// start.
    pub(super) async fn remains_after(
        &self,
        cut: usize,
        luck: Luck,
        rng: &mut Rng,
    ) -> Result<Remains, StoreError> {
        let state = tempfile::tempdir().unwrap();
        disk::write(state.path(), &disk::after_cut(&self.log, cut, luck, rng));
        let (stored, next_offset) = stored(state.path()).await?;
        let (answered, confirmed) = (self.log.answers_at(cut), self.log.confirmed_at(cut));
        let is_missing =
            |(id, text): &(i64, String)| !stored.contains(id) && !answered.contains(text);
        let mut missing: Vec<_> = (self.first_id..confirmed.max(next_offset))
            .map(|id| (id, name(id - self.first_id)))
            .filter(is_missing)
            .map(|(_, text)| text)
            .collect();
        missing.sort();
        Ok(Remains {
            missing,
            offset_is_kept: next_offset >= confirmed,
        })
    }
}

/// What a store has after a power cut.
#[derive(Debug)]
pub(super) struct Remains {
    /// Updates that were confirmed, that nobody has answered, and that the store has not.
    pub(super) missing: Vec<String>,
    /// Whether the store knows the last offset that was confirmed.
    pub(super) offset_is_kept: bool,
}

fn count(updates: i64) -> usize {
    usize::try_from(updates).unwrap()
}

/// People take turns in writing. An update's name says who wrote it and how many that person had written.
fn name(update: i64) -> String {
    format!("{}.{}", person(update), update / PEOPLE)
}

fn person(update: i64) -> i64 {
    update % PEOPLE + 1
}

async fn send(server: &Server, updates: Range<i64>, padding: usize) {
    let padding = "x".repeat(padding);
    for update in updates {
        let text = format!("{} {padding}", name(update));
        server.say(person(update), &text).await;
    }
}

/// What everybody was answered, the words that are in every answer left away.
async fn answers(server: &Server) -> Vec<String> {
    let mut all = Vec::new();
    for person in 1..=PEOPLE {
        let said = server.answers(person).await;
        all.extend(said.iter().map(|text| text.replace("You said ", "")));
    }
    all
}

/// The ids of what the store has, as the lanes would get it, and the offset that its next start would confirm.
async fn stored(state: &Path) -> Result<(Vec<i64>, i64), StoreError> {
    let store = Sqlite::open(state)?;
    let bot = TOKEN.split_once(':').unwrap().0.parse().unwrap();
    let poll = store.acquire(Scope::Poll(BotId(bot))).await?;
    let offset = store.cursor(&poll).await?.next_offset;
    let part = store.acquire(Scope::Part(0)).await?;
    let entries = store
        .next(&part, Pos(0), count(UPDATES), Duration::ZERO)
        .await?;
    store.close().await?;
    Ok((
        entries.iter().filter_map(Entry::update_id).collect(),
        offset,
    ))
}

/// The bot's next life, on these files, until everybody's last word is answered.
async fn recover(server: &Server, files: &Files) {
    let state = tempfile::tempdir().unwrap();
    disk::write(state.path(), files);
    let bot = Process::example("powercut", &server.url, state.path());
    for person in 1..=PEOPLE {
        server.say(person, &format!("{person}.{LAST}")).await;
    }
    bot.wait_for_count(LAST, count(PEOPLE));
    bot.signal(Signal::SIGTERM);
    let ended = bot.end();
    ended.assert_code(0);
    ended.assert_says("left 0, parked 0");
}
