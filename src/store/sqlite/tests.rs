//! The store's contract, on SQLite. What is not about files would be asked of any other engine too.

use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::lifecycle::ExitKind;
use crate::store::{Fate, RawUpdate};

const BOT: BotId = BotId(7);
const SOON: Duration = Duration::from_millis(10);

fn open(dir: &TempDir) -> Sqlite {
    Sqlite::open(dir.path()).unwrap()
}

fn batch(ids: std::ops::Range<i64>) -> RawBatch {
    let cursor = Cursor {
        generation: 0,
        next_offset: ids.end,
    };
    let update = |id: i64| RawUpdate {
        id: UpdateId(id),
        lane: LaneKey(id % 3),
        body: format!("{{\"n\":{id}}}").into(),
    };
    RawBatch {
        updates: ids.map(update).collect(),
        cursor,
    }
}

async fn leases(store: &Sqlite) -> (Lease, Lease) {
    (
        store.acquire(Scope::Poll(BOT)).await.unwrap(),
        store.acquire(Scope::Part(0)).await.unwrap(),
    )
}

/// Everything that waits, read as the lanes read it.
async fn read_all(store: &Sqlite, part: &Lease, page: usize) -> Vec<Entry> {
    let (mut all, mut after) = (Vec::new(), Pos::default());
    loop {
        let entries = store.next(part, after, page, SOON).await.unwrap();
        let Some(last) = entries.last() else {
            return all;
        };
        after = last.pos;
        all.extend(entries);
    }
}

fn ids(entries: &[Entry]) -> Vec<i64> {
    entries
        .iter()
        .map(|entry| entry.update_id().unwrap())
        .collect()
}

#[tokio::test]
async fn a_batch_and_its_cursor_survive_without_a_close() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let (poll, _) = leases(&store).await;
    assert_eq!(store.cursor(&poll).await.unwrap(), Cursor::default());
    assert_eq!(store.append(&poll, batch(10..13)).await.unwrap(), 3);
    drop(store);

    let store = open(&dir);
    let (poll, part) = leases(&store).await;
    assert_eq!(
        store.cursor(&poll).await.unwrap(),
        Cursor {
            generation: 0,
            next_offset: 13
        }
    );
    let entries = read_all(&store, &part, 100).await;
    assert_eq!(ids(&entries), [10, 11, 12]);
    assert_eq!(
        (entries[0].bot, &*entries[0].body, entries[0].lane),
        (BOT, "{\"n\":10}", LaneKey(1))
    );
}

#[tokio::test]
async fn what_is_done_is_gone_and_what_is_parked_is_kept_aside() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let (poll, part) = leases(&store).await;
    store.append(&poll, batch(1..4)).await.unwrap();
    let entries = read_all(&store, &part, 100).await;
    let done = |entry: &Entry| Completion::new(entry.pos, Fate::Done);
    let error = "no tea".to_owned();
    let parked = Completion::new(entries[1].pos, Fate::Parked { error });
    store
        .complete(&part, vec![done(&entries[0]), parked])
        .await
        .unwrap();
    assert_eq!(
        store.counts().await.unwrap(),
        Counts {
            queued: 1,
            parked: 1
        }
    );
    store.close().await.unwrap();

    drop(store);
    let store = open(&dir);
    let (_, part) = leases(&store).await;
    assert_eq!(ids(&read_all(&store, &part, 100).await), [3]);
}

#[tokio::test]
async fn an_update_is_stored_once_a_generation() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let (poll, _) = leases(&store).await;
    store.append(&poll, batch(1..4)).await.unwrap();
    assert_eq!(store.append(&poll, batch(2..6)).await.unwrap(), 2);
    let mut again = batch(1..4);
    again.cursor.generation = 1;
    assert_eq!(store.append(&poll, again).await.unwrap(), 3);
    assert_eq!(store.counts().await.unwrap().queued, 8);
}

#[tokio::test]
async fn what_does_not_fit_into_memory_is_read_from_disk_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let (poll, part) = leases(&store).await;
    let many = i64::try_from(WINDOW).unwrap() + 500;
    for start in (0..many).step_by(100) {
        store
            .append(&poll, batch(start..start + 100))
            .await
            .unwrap();
    }
    let entries = read_all(&store, &part, 777).await;
    assert_eq!(ids(&entries), (0..many).collect::<Vec<_>>());
    store.append(&poll, batch(many..many + 2)).await.unwrap();
    let entries = store
        .next(&part, entries.last().unwrap().pos, 10, SOON)
        .await
        .unwrap();
    assert_eq!(ids(&entries), [many, many + 1]);
}

#[tokio::test]
async fn a_reader_that_waits_is_woken_by_an_append() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let (poll, part) = leases(&store).await;
    let waits = store.next(&part, Pos::default(), 10, Duration::from_secs(60));
    let appends = async {
        tokio::task::yield_now().await;
        store.append(&poll, batch(1..2)).await.unwrap();
    };
    let (entries, ()) = tokio::join!(waits, appends);
    assert_eq!(ids(&entries.unwrap()), [1]);
}

#[tokio::test]
async fn parked_updates_at_the_end_do_not_hide_what_comes_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let (poll, part) = leases(&store).await;
    store.append(&poll, batch(1..3)).await.unwrap();
    for entry in read_all(&store, &part, 10).await {
        let fate = Fate::Parked { error: "x".into() };
        store
            .complete(&part, vec![Completion::new(entry.pos, fate)])
            .await
            .unwrap();
    }
    drop(store);
    let store = open(&dir);
    let (poll, part) = leases(&store).await;
    assert_eq!(
        store.next(&part, Pos::default(), 10, SOON).await.unwrap(),
        []
    );
    store.append(&poll, batch(3..5)).await.unwrap();
    assert_eq!(ids(&read_all(&store, &part, 10).await), [3, 4]);
}

#[tokio::test]
async fn a_new_reader_does_not_get_what_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let (poll, part) = leases(&store).await;
    store.append(&poll, batch(1..4)).await.unwrap();
    // Read once: the entries are still in memory.
    let entries = store.next(&part, Pos::default(), 10, SOON).await.unwrap();
    let done = |entry: &Entry| Completion::new(entry.pos, Fate::Done);
    store
        .complete(&part, entries[..2].iter().map(done).collect())
        .await
        .unwrap();
    let part = store.acquire(Scope::Part(0)).await.unwrap();
    assert_eq!(ids(&read_all(&store, &part, 10).await), [3]);
}

#[tokio::test]
async fn the_bots_with_queued_updates_are_known() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    assert_eq!(store.bots().await.unwrap(), []);
    let (poll, _) = leases(&store).await;
    store.append(&poll, batch(1..4)).await.unwrap();
    assert_eq!(store.bots().await.unwrap(), [BOT]);
}

#[tokio::test]
async fn a_closed_store_refuses_everything_and_leaves_no_log_behind() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let (poll, part) = leases(&store).await;
    store.append(&poll, batch(1..4)).await.unwrap();
    store.close().await.unwrap();
    assert!(matches!(
        store.append(&poll, batch(1..2)).await,
        Err(StoreError::Closed)
    ));
    assert!(matches!(
        store.complete(&part, Vec::new()).await,
        Err(StoreError::Closed)
    ));
    assert!(matches!(store.cursor(&poll).await, Err(StoreError::Closed)));
    assert!(matches!(store.counts().await, Err(StoreError::Closed)));
    assert!(!dir.path().join("sundown.sqlite-wal").exists());
}

#[tokio::test]
async fn a_lease_of_an_earlier_opening_is_fenced() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let (old, _) = leases(&store).await;
    drop(store);
    let store = open(&dir);
    let refused = store.append(&old, batch(1..2)).await;
    assert!(matches!(refused, Err(StoreError::Fenced(Scope::Poll(BOT)))));
}

#[tokio::test]
async fn a_directory_has_one_holder_and_is_free_when_that_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let Err(error) = Sqlite::open(dir.path()) else {
        panic!("opened twice")
    };
    assert_eq!(error.exit_kind(), ExitKind::Temporary);
    assert!(
        error
            .to_string()
            .contains(&format!("process {}", std::process::id())),
        "{error}"
    );
    drop(store);
    open(&dir);
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(&dir));
    let path = dir.path().join("sundown.sqlite");
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let Err(error) = Sqlite::open(dir.path()) else {
        panic!("opened")
    };
    assert!(
        matches!(error, StoreError::NewerSchema { found: 99, .. }),
        "{error}"
    );
    assert_eq!(error.exit_kind(), ExitKind::StateIo);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("sundown.sqlite"),
        "tea leaves, tea leaves, tea leaves",
    )
    .unwrap();
    let Err(error) = Sqlite::open(dir.path()) else {
        panic!("opened")
    };
    assert_eq!(error.exit_kind(), ExitKind::StateIo);
    assert!(error.to_string().contains("not a database"), "{error}");
}

#[tokio::test]
async fn every_commit_is_set_to_be_flushed() {
    let dir = tempfile::tempdir().unwrap();
    let connection = super::open::database(&dir.path().join("x.sqlite")).unwrap();
    let pragma = |name: &str| {
        connection
            .query_row(&format!("PRAGMA {name}"), [], |row| {
                row.get::<_, rusqlite::types::Value>(0)
            })
            .unwrap()
    };
    assert_eq!(pragma("synchronous"), 2.into(), "FULL");
    assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
}

#[tokio::test]
async fn what_was_handled_when_the_process_died_is_counted_and_the_third_time_parked() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let (poll, _) = leases(&store).await;
    store.append(&poll, batch(1..8)).await.unwrap();
    drop(store);
    for died in 0..3 {
        let store = open(&dir);
        let (_, part) = leases(&store).await;
        let entries = read_all(&store, &part, 100).await;
        assert_eq!(
            (entries[0].update_id().unwrap(), entries[0].attempts),
            (1, died)
        );
        assert!(entries[1..].iter().all(|entry| entry.attempts == 0));
        for entry in &entries[..3] {
            store.begin(&part, entry.pos).await.unwrap();
        }
        // One ended well, and one was broken off on purpose; during the first the process dies.
        let done = Completion::new(entries[1].pos, Fate::Done);
        store.complete(&part, vec![done]).await.unwrap();
        store.put_back(&part, entries[2].pos).await.unwrap();
        drop(store);
    }
    let store = open(&dir);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.queued, counts.parked), (3, 1));
}

#[tokio::test]
async fn updates_are_fetched_by_their_positions() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let (poll, part) = leases(&store).await;
    store.append(&poll, batch(1..6)).await.unwrap();
    let all = read_all(&store, &part, 100).await;
    let gone = Completion::new(all[2].pos, Fate::Done);
    store.complete(&part, vec![gone]).await.unwrap();
    let wanted = vec![all[4].pos, all[2].pos, all[0].pos];
    let fetched = store.fetch(&part, wanted).await.unwrap();
    assert_eq!(ids(&fetched), [5, 1]);
}
