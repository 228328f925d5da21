//! What do the lanes cost by themselves, with a handler that does nothing? `cargo bench --bench lanes`
//!
//! - How many updates a second go through where they are spread over many chats?
//! - And where all are of one chat, so that one waits for the other?
//!
//! All wait in the store when the lanes begin; writing them there does not count, opening the store and recording the
//! ends does.
#![allow(clippy::print_stdout, reason = "a benchmark talks to whoever runs it")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sundown::lanes::{Gate, Handler, Lanes, LanesConfig, Outcome};
use sundown::lifecycle::Supervisor;
use sundown::store::sqlite::Sqlite;
use sundown::store::{
    BotId, Cursor, LaneKey, RawBatch, RawUpdate, Scope, Store, StoreService, UpdateId,
};

const UPDATES: i64 = 50_000;
/// The median of so many is told.
const ROUNDS: usize = 5;

#[tokio::main]
async fn main() {
    println!("{:<32}  {:>10}", "", "updates/s");
    for (question, chats) in [("many chats", 1_000), ("one chat", 1)] {
        let mut rates = Vec::new();
        for _ in 0..ROUNDS {
            let dir = tempfile::tempdir().expect("a directory");
            fill(dir.path(), chats).await;
            rates.push(rate(dir.path()).await);
        }
        rates.sort_by(f64::total_cmp);
        println!("{question:<32}  {:>10.0}", rates[ROUNDS / 2]);
    }
}

async fn fill(dir: &Path, chats: i64) {
    let store: Store = Arc::new(Sqlite::open(dir).expect("a store"));
    let poll = store.acquire(Scope::Poll(BotId(1))).await.expect("a lease");
    let update = |id: i64| RawUpdate {
        id: UpdateId(id),
        lane: LaneKey(id % chats),
        body: "{}".into(),
    };
    let updates = (1..=UPDATES).map(update).collect();
    let cursor = Cursor {
        generation: 0,
        next_offset: UPDATES + 1,
    };
    let batch = RawBatch { updates, cursor };
    store.append(&poll, batch).await.expect("stored");
    store.close().await.expect("closed");
}

/// Updates a second from the store's opening to the last one's end.
async fn rate(dir: &Path) -> f64 {
    let began = Instant::now();
    let store: Store = Arc::new(Sqlite::open(dir).expect("a store"));
    let handler: Handler = Arc::new(|_| Box::pin(async { Outcome::Done }));
    let gate: Gate = Arc::new(|| Box::pin(futures::stream::iter([BotId(1)])));
    let config = LanesConfig {
        max_updates: Some(UPDATES.unsigned_abs()),
        ..LanesConfig::default()
    };
    let kept = Arc::clone(&store);
    let report = Supervisor::builder("lanes")
        .signals(false)
        .stop_timeout(Duration::from_secs(60))
        .service("store", move || StoreService::new(Arc::clone(&kept)))
        .service("lanes", move || {
            Lanes::new(
                Arc::clone(&store),
                Arc::clone(&handler),
                Arc::clone(&gate),
                config,
            )
        })
        .run()
        .await;
    assert_eq!(report.fact("handled"), UPDATES.unsigned_abs(), "{report}");
    UPDATES as f64 / began.elapsed().as_secs_f64()
}
