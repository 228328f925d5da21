//! Disks that are full or damaged.

use std::fs;
use std::os::unix::fs::FileExt;

use tempfile::TempDir;

use super::*;
use crate::lifecycle::ExitKind;
use crate::store::{Expected, Fate, RawUpdate};

const BOT: BotId = BotId(7);

fn batch(ids: std::ops::Range<i64>, bytes: usize) -> RawBatch {
    let cursor = Cursor {
        generation: 0,
        next_offset: ids.end,
    };
    let update = |id: i64| RawUpdate {
        id: UpdateId(id),
        lane: LaneKey(id % 3),
        body: "x".repeat(bytes).into(),
    };
    RawBatch {
        updates: ids.map(update).collect(),
        cursor,
    }
}

async fn open(dir: &TempDir) -> (Sqlite, Lease, Lease) {
    let store = Sqlite::open(dir.path()).unwrap();
    let poll = store.acquire(Scope::Poll(BOT)).await.unwrap();
    let part = store.acquire(Scope::Part(0)).await.unwrap();
    (store, poll, part)
}

fn file(dir: &TempDir) -> std::path::PathBuf {
    dir.path().join("sundown.sqlite")
}

/// A store with so many updates, closed.
async fn filled(updates: i64) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (store, poll, _) = open(&dir).await;
    store
        .append(&poll, batch(1..updates + 1, 580))
        .await
        .unwrap();
    store.close().await.unwrap();
    dir
}

/// Writes over half of the file's pages, in its middle.
fn damage(dir: &TempDir) {
    let file = fs::File::options().write(true).open(file(dir)).unwrap();
    let pages = file.metadata().unwrap().len() / 4_096;
    for page in pages / 4..pages * 3 / 4 {
        file.write_all_at(&[0xA5; 4_096], page * 4_096).unwrap();
    }
}

fn open_error(dir: &TempDir) -> StoreError {
    Sqlite::open(dir.path()).err().expect("it is refused")
}

#[tokio::test]
async fn what_a_full_disk_has_no_space_for_can_be_stored_when_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let (store, poll, _) = open(&dir).await;
    store.append(&poll, batch(1..3, 580)).await.unwrap();
    store.limit_growth(3);

    let large = batch(3..103, 580);
    let error = store.append(&poll, large.clone()).await.unwrap_err();
    assert!(error.may_pass(), "{error}");
    assert_eq!(error.exit_kind(), ExitKind::StateIo);
    let path = file(&dir).display().to_string();
    assert!(error.to_string().contains(&path), "{error}");
    assert_eq!(store.cursor(&poll).await.unwrap().next_offset, 3);
    assert_eq!(store.counts().await.unwrap().queued, 2);

    store.limit_growth(1_000);
    assert_eq!(store.append(&poll, large).await.unwrap(), 100);
    assert_eq!(store.cursor(&poll).await.unwrap().next_offset, 103);
}

#[tokio::test]
async fn ends_are_recorded_where_there_is_no_space_for_updates() {
    let dir = tempfile::tempdir().unwrap();
    let (store, poll, part) = open(&dir).await;
    store.append(&poll, batch(1..3, 580)).await.unwrap();
    let first = store.next(&part, Pos(0), 1, Duration::ZERO).await.unwrap();
    store.limit_growth(0);

    // Both are in one transaction: the one that waits rides with the other.
    let done = vec![Completion::new(first[0].pos, Fate::Done)];
    let (ended, appended) = tokio::join!(
        store.complete(&part, done),
        store.append(&poll, batch(3..103, 580))
    );
    assert!(appended.unwrap_err().may_pass());
    ended.unwrap();
    assert_eq!(store.counts().await.unwrap().queued, 1);
}

#[tokio::test]
async fn changes_that_have_no_space_leave_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (store, poll, part) = open(&dir).await;
    store.append(&poll, batch(1..2, 580)).await.unwrap();
    store.limit_growth(0);

    let key = Key::new("large").unwrap();
    let put = Change::Put {
        key: key.clone(),
        body: "x".repeat(20_000).into(),
        expected: Expected::Nothing,
    };
    let done = Completion {
        pos: Pos(1),
        fate: Fate::Done,
        changes: vec![put],
    };
    let error = store.complete(&part, vec![done.clone()]).await.unwrap_err();
    assert!(error.may_pass(), "{error}");
    assert!(store.read(&key).await.unwrap().is_none());
    assert_eq!(store.counts().await.unwrap().queued, 1);

    store.limit_growth(100);
    store.complete(&part, vec![done]).await.unwrap();
    assert!(store.read(&key).await.unwrap().is_some());
    assert_eq!(store.counts().await.unwrap().queued, 0);
}

#[tokio::test]
async fn a_damaged_store_is_refused_at_the_start_and_left_as_it_is() {
    let dir = filled(1_000).await;
    damage(&dir);
    let before = fs::read(file(&dir)).unwrap();
    let error = open_error(&dir);
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert_eq!(error.exit_kind(), ExitKind::StateIo);
    let text = error.to_string();
    for part in [
        &*file(&dir).display().to_string(),
        "Move the directory",
        ".recover",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    assert!(fs::read(file(&dir)).unwrap() == before);
}

#[tokio::test]
async fn a_large_damaged_store_is_noticed_when_it_is_read() {
    let dir = filled(20_000).await;
    damage(&dir);
    let (store, _, part) = open(&dir).await;
    let mut after = Pos(0);
    let error = loop {
        match store.next(&part, after, 1_000, Duration::ZERO).await {
            Ok(entries) => after = entries.last().expect("the damage comes before the end").pos,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

#[tokio::test]
async fn a_store_that_has_been_cut_off_is_refused() {
    for updates in [1_000, 20_000] {
        let dir = filled(updates).await;
        let file = fs::File::options().write(true).open(file(&dir)).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        let error = open_error(&dir);
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn the_full_check_finds_what_a_start_does_not_look_for() {
    let dir = filled(20_000).await;
    let sound = Inbox::open(dir.path()).unwrap().check().unwrap();
    assert_eq!(sound, [""; 0]);
    damage(&dir);
    drop(Sqlite::open(dir.path()).expect("a look at what everything hangs on finds nothing"));
    let found = Inbox::open(dir.path()).unwrap().check();
    match found {
        Ok(found) => assert!(!found.is_empty()),
        Err(error) => assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}"),
    }
}

#[tokio::test]
async fn nothing_is_written_any_more_once_damage_has_been_met() {
    let dir = tempfile::tempdir().unwrap();
    let (store, poll, part) = open(&dir).await;
    store.append(&poll, batch(1..2_000, 580)).await.unwrap();
    let path = file(&dir);
    store.writer.meddle(move |connection| {
        // Out of the log and out of the memory, into the file; and there something else comes over it.
        let sql = "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA shrink_memory;";
        connection.execute_batch(sql).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        let pages = file.metadata().unwrap().len() / 4_096;
        for page in 8..pages {
            file.write_all_at(&[0xA5; 4_096], page * 4_096).unwrap();
        }
    });
    let done = vec![Completion::new(Pos(1_000), Fate::Done)];
    let error = store.complete(&part, done).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    // Also what would not touch the place, and what is only read.
    let later = store.append(&poll, batch(2_000..2_001, 5)).await;
    assert!(
        matches!(later, Err(StoreError::Damaged { .. })),
        "{later:?}"
    );
    let closed = store.close().await;
    assert!(
        matches!(closed, Err(StoreError::Damaged { .. })),
        "{closed:?}"
    );
}

#[tokio::test]
async fn what_had_ended_is_known_after_a_start_that_failed() {
    let dir = tempfile::tempdir().unwrap();
    let (store, poll, part) = open(&dir).await;
    store.append(&poll, batch(1..3, 580)).await.unwrap();
    store.begin(&part, Pos(1)).await.unwrap();
    store.end(&part, Pos(1)).await.unwrap();
    drop(store);

    // Everything of a start but the last of its steps in the database.
    let connection = open::database(&file(&dir)).unwrap();
    let epoch = open::next_epoch(&connection).unwrap();
    drop(Running::open(dir.path(), epoch).unwrap());
    drop(connection);

    let (store, _, part) = open(&dir).await;
    let left = store.next(&part, Pos(0), 9, Duration::ZERO).await.unwrap();
    let left: Vec<_> = left.iter().map(Entry::update_id).collect();
    assert_eq!(left, [Some(2)]);
}
