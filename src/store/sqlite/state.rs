//! Documents and timers in the database.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior};

use super::{COLUMNS, Entry, Pos, entry};
use crate::store::{Change, Document, Expected, Key, Timer};

/// Timers that become entries in one transaction at most.
const FIRED_MAX: u32 = 1_000;
const ALMOST_A_MS: Duration = Duration::from_nanos(999_999);
/// Update ids are unique within a generation, and no update has this one.
const OF_TIMERS: i64 = -1;

/// Does all of these changes, or returns the name of the document that is not as one of them expects.
pub(super) fn apply(
    connection: &Connection,
    changes: &[Change],
) -> rusqlite::Result<Result<(), Key>> {
    for change in changes {
        let (Change::Put { key, expected, .. } | Change::Delete { key, expected }) = change else {
            continue;
        };
        if !is_as_expected(connection, key, *expected)? {
            return Ok(Err(key.clone()));
        }
    }
    let mut count =
        connection.prepare_cached("UPDATE node SET changes = changes + 1 RETURNING changes")?;
    let version: i64 = count.query_row([], |row| row.get(0))?;
    for change in changes {
        make(connection, change, version)?;
    }
    Ok(Ok(()))
}

fn is_as_expected(
    connection: &Connection,
    key: &Key,
    expected: Expected,
) -> rusqlite::Result<bool> {
    let expected = match expected {
        Expected::Anything => return Ok(true),
        Expected::Nothing => None,
        Expected::Version(version) => Some(version),
    };
    let mut select = connection.prepare_cached("SELECT version FROM documents WHERE key = ?1")?;
    let found = select
        .query_row([key.as_str()], |row| row.get(0))
        .optional()?;
    Ok(found == expected)
}

fn make(connection: &Connection, change: &Change, version: i64) -> rusqlite::Result<usize> {
    match change {
        Change::Put { key, body, .. } => connection
            .prepare_cached("INSERT OR REPLACE INTO documents VALUES (?1, ?2, ?3)")?
            .execute((key.as_str(), version, &**body)),
        Change::Delete { key, .. } => connection
            .prepare_cached("DELETE FROM documents WHERE key = ?1")?
            .execute([key.as_str()]),
        Change::SetTimer(timer) => {
            let Timer {
                key,
                bot,
                lane,
                due,
                body,
            } = timer;
            // Rounded up: it is never early.
            let due_ms = millis(due.checked_add(ALMOST_A_MS).unwrap_or(*due));
            connection
                .prepare_cached("INSERT OR REPLACE INTO timers VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute((key.as_str(), due_ms, bot.0, lane.0, &**body))
        }
        Change::CancelTimer(key) => connection
            .prepare_cached("DELETE FROM timers WHERE key = ?1")?
            .execute([key.as_str()]),
    }
}

pub(super) fn read(connection: &Connection, key: &Key) -> rusqlite::Result<Option<Document>> {
    connection
        .prepare_cached("SELECT key, version, body FROM documents WHERE key = ?1")?
        .query_row([key.as_str()], document)
        .optional()
}

/// Documents whose names begin with `prefix`, behind the name `after`, in the order of their names.
pub(super) fn scan(
    connection: &Connection,
    prefix: &str,
    after: &str,
    max: usize,
) -> rusqlite::Result<Vec<Document>> {
    // No key has the last character in it.
    let end = format!("{prefix}{}", char::MAX);
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "SELECT key, version, body FROM documents
             WHERE key >= ?1 AND key < ?2 AND key > ?3 ORDER BY key LIMIT ?4",
        )?
        .query_map((prefix, end, after, max), document)?
        .collect()
}

fn document(row: &Row<'_>) -> rusqlite::Result<Document> {
    Ok(Document {
        key: key(row, 0)?,
        version: row.get(1)?,
        body: row.get::<_, String>(2)?.into(),
    })
}

/// A name that is stored; it was checked before it was.
pub(super) fn key(row: &Row<'_>, column: usize) -> rusqlite::Result<Key> {
    let text: String = row.get(column)?;
    Key::new(text).map_err(|error| {
        let kind = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
    })
}

/// When the first timer is due.
pub(super) fn next_due(connection: &Connection) -> rusqlite::Result<Option<SystemTime>> {
    let first: Option<i64> = connection
        .prepare_cached("SELECT min(due_ms) FROM timers")?
        .query_row([], |row| row.get(0))?;
    Ok(first.map(time))
}

/// Makes entries of timers that are due, behind the last position, and returns them.
pub(super) fn fire(
    connection: &mut Connection,
    last: Pos,
    now: SystemTime,
) -> rusqlite::Result<Vec<Entry>> {
    let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let insert = format!(
        "INSERT INTO updates (pos, bot, generation, update_id, lane, timer, body)
         SELECT ?1 + nth, bot, ?2, ?1 + nth, lane, key, body FROM (
             SELECT *, row_number() OVER (ORDER BY due_ms, key) AS nth FROM timers WHERE due_ms <= ?3
         ) WHERE nth <= ?4
         RETURNING {COLUMNS}"
    );
    let mut entries: Vec<Entry> = step
        .prepare_cached(&insert)?
        .query_map((last.0, OF_TIMERS, millis(now), FIRED_MAX), entry)?
        .collect::<rusqlite::Result<_>>()?;
    entries.sort_by_key(|entry| entry.pos);
    step.prepare_cached(
        "DELETE FROM timers WHERE key IN (SELECT timer FROM updates WHERE pos > ?1)",
    )?
    .execute([last.0])?;
    step.commit()?;
    Ok(entries)
}

/// Milliseconds since 1970, rounded down.
fn millis(time: SystemTime) -> i64 {
    let millis = |nanos: u128| i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => millis(after.as_nanos()),
        Err(before) => -millis(before.duration().as_nanos() + 999_999),
    }
}

fn time(millis: i64) -> SystemTime {
    let apart = Duration::from_millis(millis.unsigned_abs());
    if millis < 0 {
        UNIX_EPOCH.checked_sub(apart)
    } else {
        UNIX_EPOCH.checked_add(apart)
    }
    .unwrap_or(UNIX_EPOCH)
}
