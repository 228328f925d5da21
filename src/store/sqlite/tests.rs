//! The store's contract on SQLite, and what is about its files.

use tempfile::TempDir;

use super::*;
use crate::lifecycle::ExitKind;
use crate::store::Store;
use crate::store::conformance::{Home, conformance};

impl Home for TempDir {
    async fn new() -> Self {
        tempfile::tempdir().unwrap()
    }

    async fn open(&self) -> Store {
        Arc::new(open(self))
    }
}

conformance!(TempDir);

fn open(dir: &TempDir) -> Sqlite {
    Sqlite::open(dir.path()).unwrap()
}

#[tokio::test]
async fn a_store_that_is_closed_leaves_no_log_behind() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let poll = store.acquire(Scope::Poll(BotId(7))).await.unwrap();
    let cursor = Cursor {
        generation: 0,
        next_offset: 8,
    };
    let updates = Vec::new();
    store
        .append(&poll, RawBatch { updates, cursor })
        .await
        .unwrap();
    assert!(dir.path().join("sundown.sqlite-wal").exists());
    store.close().await.unwrap();
    assert!(!dir.path().join("sundown.sqlite-wal").exists());
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
async fn updates_of_a_store_of_version_1_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let old = Connection::open(dir.path().join("sundown.sqlite")).unwrap();
    old.execute_batch(super::open::MIGRATIONS[0]).unwrap();
    old.execute_batch(
        "PRAGMA user_version = 1;
         INSERT INTO cursors VALUES (7, 0, 12);
         INSERT INTO updates VALUES (3, 7, 0, 10, 5, 'no tea', '{}'), (4, 7, 0, 11, 5, NULL, '{}');",
    )
    .unwrap();
    drop(old);
    let store = open(&dir);
    let part = store.acquire(Scope::Part(0)).await.unwrap();
    let waits = store
        .next(&part, Pos::default(), 9, Duration::from_secs(20))
        .await
        .unwrap();
    assert_eq!(waits.len(), 1);
    assert_eq!(
        (waits[0].update_id(), waits[0].lane, waits[0].attempts),
        (Some(11), LaneKey(5), 0)
    );
    assert_eq!(store.counts().await.unwrap().parked, 1);
}
