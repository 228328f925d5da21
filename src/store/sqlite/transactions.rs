//! What the writer does to the database, a transaction at a time.

use std::sync::Arc;

use rusqlite::{Connection, TransactionBehavior};

use super::commands::{Append, Record};
use super::{Ack, COLUMNS, Completion, Cursor, Entry, Key, Origin, Pos, entry, state};
use crate::store::Fate;

/// What one transaction has brought about.
pub(super) struct Written {
    /// The new entries of each append.
    pub(super) batches: Vec<Vec<Entry>>,
    /// For each record whether it was done, or which document was not as it expected.
    pub(super) results: Vec<Result<(), Key>>,
}

/// Everything that waits.
pub(super) fn write(
    connection: &mut Connection,
    last: Pos,
    appends: &[Append],
    records: &[(Record, Ack<()>)],
) -> rusqlite::Result<Written> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut pos = last;
    let mut batches = Vec::with_capacity(appends.len());
    for append in appends {
        batches.push(insert(&transaction, &mut pos, append)?);
    }
    let results = records.iter().map(|(one, _)| record(&transaction, one));
    let results = results.collect::<rusqlite::Result<_>>()?;
    transaction.commit()?;
    Ok(Written { batches, results })
}

/// Has the log written over from its beginning, where all of it can be brought into the database: on a full disk that is
/// room which is ours already.
pub(super) fn start_log_over(connection: &Connection) {
    // It says in a row how far it came; the next write shows.
    let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
}

fn insert(connection: &Connection, pos: &mut Pos, append: &Append) -> rusqlite::Result<Vec<Entry>> {
    let Cursor {
        generation,
        next_offset,
    } = append.batch.cursor;
    let mut insert = connection.prepare_cached(
        "INSERT OR IGNORE INTO updates (pos, bot, generation, update_id, lane, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut entries = Vec::with_capacity(append.batch.updates.len());
    for update in &append.batch.updates {
        let next = Pos(pos.0 + 1);
        let row = (
            next.0,
            append.bot.0,
            generation,
            update.id.0,
            update.lane.0,
            &*update.body,
        );
        if insert.execute(row)? == 0 {
            continue; // It is queued already.
        }
        *pos = next;
        entries.push(Entry {
            pos: next,
            bot: append.bot,
            lane: update.lane,
            origin: Origin::Update(update.id),
            body: Arc::clone(&update.body),
            attempts: 0,
        });
    }
    connection
        .prepare_cached(
            "INSERT INTO cursors VALUES (?1, ?2, ?3)
             ON CONFLICT (bot) DO UPDATE SET generation = ?2, next_offset = ?3",
        )?
        .execute((append.bot.0, generation, next_offset))?;
    Ok(entries)
}

/// Gives parked updates that are marked for it a new place, behind the last position, and returns them.
pub(super) fn requeue(connection: &mut Connection, last: Pos) -> rusqlite::Result<Vec<Entry>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut entries: Vec<Entry> = transaction
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM updates WHERE retry = 1 ORDER BY pos",
        ))?
        .query_map([], entry)?
        .collect::<rusqlite::Result<_>>()?;
    let mut pos = last;
    for entry in &mut entries {
        pos = Pos(pos.0 + 1);
        transaction
            .prepare_cached("UPDATE updates SET pos = ?2, retry = 0 WHERE pos = ?1")?
            .execute((entry.pos.0, pos.0))?;
        entry.pos = pos;
    }
    transaction.commit()?;
    Ok(entries)
}

fn record(connection: &Connection, record: &Record) -> rusqlite::Result<Result<(), Key>> {
    if !record.changes.is_empty()
        && let Err(key) = state::apply(connection, &record.changes)?
    {
        return Ok(Err(key));
    }
    for done in &record.done {
        complete(connection, done)?;
    }
    Ok(Ok(()))
}

fn complete(connection: &Connection, completion: &Completion) -> rusqlite::Result<()> {
    match &completion.fate {
        Fate::Done => connection
            .prepare_cached("DELETE FROM updates WHERE pos = ?1")?
            .execute([completion.pos.0])?,
        Fate::Parked { error } => connection
            .prepare_cached("UPDATE updates SET error = ?2 WHERE pos = ?1")?
            .execute((completion.pos.0, error))?,
    };
    Ok(())
}
