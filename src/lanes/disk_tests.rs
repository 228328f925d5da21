//! Lanes on a disk that is full.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use super::*;
use crate::lifecycle::{Builder, ExitKind, Supervisor};
use crate::store::sqlite::Sqlite;
use crate::store::{
    BotId, Cursor, Engine, Expected, Key, LaneKey, Pos, RawBatch, RawUpdate, StoreService, UpdateId,
};

const CONCURRENCY: usize = 256;

/// A store with updates `1..=count`, each of a chat of its own, which cannot grow.
async fn full(count: i64, dir: &tempfile::TempDir) -> Arc<Sqlite> {
    let store = Sqlite::open(dir.path()).unwrap();
    let poll = store.acquire(Scope::Poll(BotId(1))).await.unwrap();
    let update = |id| RawUpdate {
        id: UpdateId(id),
        lane: LaneKey(id),
        body: "{}".into(),
    };
    let cursor = Cursor {
        generation: 0,
        next_offset: count + 1,
    };
    let updates = (1..=count).map(update).collect();
    let batch = RawBatch { updates, cursor };
    store.append(&poll, batch).await.unwrap();
    store.limit_growth(0);
    Arc::new(store)
}

fn supervised(store: Store, handler: impl Fn(Entry) -> Outcome + Send + Sync + 'static) -> Builder {
    let kept = Arc::clone(&store);
    let handler: Handler = Arc::new(move |entry| {
        let outcome = handler(entry);
        Box::pin(async { outcome })
    });
    let config = LanesConfig {
        concurrency: CONCURRENCY,
        ..LanesConfig::default()
    };
    Supervisor::builder("test")
        .signals(false)
        .service("store", move || StoreService::new(Arc::clone(&kept)))
        .service("lanes", move || {
            let gate: Gate = Arc::new(|| Box::pin(futures::stream::iter([BotId(1)])));
            Lanes::new(Arc::clone(&store), Arc::clone(&handler), gate, config)
        })
}

fn large() -> String {
    "x".repeat(20_000)
}

fn put_large(key: &str) -> Change {
    Change::Put {
        key: Key::new(key).unwrap(),
        body: large().into(),
        expected: Expected::Nothing,
    }
}

/// Until the store has been asked again.
async fn another_try() {
    tokio::time::sleep(Duration::from_millis(1_300)).await;
}

async fn until_recorded(store: &Sqlite) {
    while store.counts().await.unwrap().queued > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await; // between two looks at a condition
    }
}

#[tokio::test]
async fn changes_that_have_no_space_are_written_later_and_their_handler_runs_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = full(2, &dir).await;
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let handler = move |entry: Entry| {
        counted.fetch_add(1, Ordering::SeqCst);
        match entry.pos.0 {
            1 => Outcome::DoneWith(vec![put_large("one")]),
            _ => Outcome::Failed { error: large() },
        }
    };
    let lanes = supervised(store.clone(), handler);
    let handle = lanes.handle();
    let freed = async {
        another_try().await;
        assert_eq!(store.counts().await.unwrap().queued, 2);
        store.limit_growth(1_000);
        until_recorded(&store).await;
        handle.request_stop("enough");
    };
    let (report, ()) = tokio::join!(lanes.run(), freed);
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    let facts = ["handled", "failed", "left", "parked"].map(|fact| report.fact(fact));
    assert_eq!(facts, [1, 1, 0, 1]);
    drop(store);

    let store = Sqlite::open(dir.path()).unwrap();
    let document = store.read(&Key::new("one").unwrap()).await.unwrap();
    assert_eq!(document.unwrap().body.len(), large().len());
}

#[tokio::test]
async fn a_stop_tells_what_there_was_no_space_for_and_only_that_is_handled_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = full(3, &dir).await;
    let handler = |entry: Entry| match entry.pos.0 {
        1 => Outcome::DoneWith(vec![put_large("one")]),
        2 => Outcome::Failed { error: large() },
        _ => Outcome::Done,
    };
    let lanes = supervised(store.clone(), handler);
    let handle = lanes.handle();
    let stopped = async {
        another_try().await;
        handle.request_stop("enough");
        Instant::now()
    };
    let (report, asked) = tokio::join!(lanes.run(), stopped);
    assert!(asked.elapsed() < Duration::from_secs(2), "{report}");
    assert_eq!(report.exit_kind(), ExitKind::StateIo, "{report}");
    let text = report.to_string();
    assert!(
        text.contains("the ends of 3 handlers could not be recorded"),
        "{text}"
    );
    drop(store);

    let store = Sqlite::open(dir.path()).unwrap();
    let part = store.acquire(Scope::Part(0)).await.unwrap();
    let left = store.next(&part, Pos(0), 9, Duration::ZERO).await.unwrap();
    let left: Vec<_> = left
        .iter()
        .map(|entry| (entry.pos.0, entry.attempts))
        .collect();
    assert_eq!(left, [(1, 0), (2, 0)], "and nothing counts as an attempt");
}

#[tokio::test]
async fn no_handler_starts_while_five_thousand_ends_wait_for_space() {
    let dir = tempfile::tempdir().unwrap();
    let store = full(5_600, &dir).await;
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let handler = move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        let error = "x".repeat(500);
        Outcome::Failed { error }
    };
    let lanes = supervised(store.clone(), handler);
    let handle = lanes.handle();
    let freed = async {
        while runs.load(Ordering::SeqCst) < 5_000 {
            tokio::time::sleep(Duration::from_millis(10)).await; // between two looks at a condition
        }
        another_try().await;
        // Those that ran beside each other when the last place was taken.
        let most = 5_000 + u32::try_from(CONCURRENCY).unwrap();
        let (ran, parked) = (
            runs.load(Ordering::SeqCst),
            store.counts().await.unwrap().parked,
        );
        assert!(ran <= most, "{ran} ran, {parked} parked");
        store.limit_growth(100_000);
        until_recorded(&store).await;
        handle.request_stop("enough");
    };
    let (report, ()) = tokio::join!(lanes.run(), freed);
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    assert_eq!(
        (report.fact("failed"), report.fact("parked")),
        (5_600, 5_600)
    );
}
