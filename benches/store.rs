//! What does the store cost by itself, without Telegram and without handlers? `cargo bench --bench store`
//!
//! - How many updates a second does it take in, a hundred at a time, each batch flushed before it is acknowledged?
//! - How many does it take in and see through, where the completions of one batch come with the next?
//! - How many does it read back from disk, a thousand at a time?
#![allow(clippy::print_stdout, reason = "a benchmark talks to whoever runs it")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use sundown::store::sqlite::Sqlite;
use sundown::store::{
    BotId, Completion, Cursor, Entry, Fate, LaneKey, Lease, Pos, RawBatch, RawUpdate, Scope, Store,
    UpdateId,
};

const UPDATES: i64 = 50_000;
const BATCH: i64 = 100;
const PAGE: usize = 1_000;
const CHATS: i64 = 1_000;
/// The median of so many is told.
const ROUNDS: usize = 5;

#[tokio::main]
async fn main() {
    println!("{:<32}  {:>10}", "", "updates/s");
    for (question, mode) in [
        ("append", Mode::Append),
        ("append and complete", Mode::Complete),
        ("read a page from disk", Mode::Read),
    ] {
        let mut rates = Vec::new();
        for _ in 0..ROUNDS {
            rates.push(rate(mode).await);
        }
        rates.sort_by(f64::total_cmp);
        println!("{question:<32}  {:>10.0}", rates[ROUNDS / 2]);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Append,
    Complete,
    Read,
}

/// Updates a second in a new store.
async fn rate(mode: Mode) -> f64 {
    let dir = tempfile::tempdir().expect("a directory");
    let store: Store = Arc::new(Sqlite::open(dir.path()).expect("a store"));
    let bot = store.acquire(Scope::Poll(BotId(1))).await.expect("a lease");
    let part = store.acquire(Scope::Part(0)).await.expect("a lease");
    let mut began = Instant::now();
    if mode == Mode::Complete {
        append_and_complete(&store, &bot, &part).await;
    } else {
        for first in (1..=UPDATES).step_by(BATCH as usize) {
            store.append(&bot, batch(first)).await.expect("stored");
        }
    }
    if mode == Mode::Read {
        // A new reader begins with what the disk has.
        let part = store.acquire(Scope::Part(0)).await.expect("a lease");
        began = Instant::now();
        read(&store, &part).await;
    }
    let took = began.elapsed();
    store.close().await.expect("closed");
    UPDATES as f64 / took.as_secs_f64()
}

async fn append_and_complete(store: &Store, bot: &Lease, part: &Lease) {
    let mut after = Pos::default();
    let mut ended = Vec::new();
    for first in (1..=UPDATES).step_by(BATCH as usize) {
        // Side by side, as lanes and poller do it, and so with one flush.
        let (completed, stored) = tokio::join!(
            store.complete(part, std::mem::take(&mut ended)),
            store.append(bot, batch(first)),
        );
        stored.expect("stored");
        completed.expect("completed");
        let entries = next(store, part, after).await;
        after = entries.last().map_or(after, |last| last.pos);
        let done = |entry: Entry| Completion::new(entry.pos, Fate::Done);
        ended.extend(entries.into_iter().map(done));
    }
}

async fn read(store: &Store, part: &Lease) {
    let (mut after, mut count) = (Pos::default(), 0);
    while count < UPDATES.unsigned_abs() as usize {
        let entries = next(store, part, after).await;
        after = entries.last().map_or(after, |last| last.pos);
        count += entries.len();
    }
}

async fn next(store: &Store, part: &Lease, after: Pos) -> Vec<Entry> {
    let wait = Duration::from_secs(10);
    store.next(part, after, PAGE, wait).await.expect("a page")
}

/// So many updates of about half a kilobyte, as messages are.
fn batch(first: i64) -> RawBatch {
    let ids = first..first + BATCH;
    let cursor = Cursor {
        generation: 0,
        next_offset: ids.end,
    };
    let update = |id: i64| RawUpdate {
        id: UpdateId(id),
        lane: LaneKey(id % CHATS),
        body: format!("{{\"text\":\"{}\"}}", "x".repeat(560)).into(),
    };
    let updates = ids.map(update).collect();
    RawBatch { updates, cursor }
}
