//! Opening: the directory, its lock, the database and its schema.

use std::fs::{self, DirBuilder, File};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::running::Left;
use super::{Pos, Result, StoreError, check, path, refused, refused_at};
use crate::lifecycle::crash_point;

/// Each migration brings the schema from its index to the next version.
pub(super) const MIGRATIONS: [&str; 3] = [
    "
    CREATE TABLE node (
        id INTEGER PRIMARY KEY CHECK (id = 0),
        epoch INTEGER NOT NULL
    ) STRICT;
    INSERT INTO node VALUES (0, 0);
    CREATE TABLE cursors (
        bot INTEGER PRIMARY KEY,
        generation INTEGER NOT NULL,
        next_offset INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE updates (
        pos INTEGER PRIMARY KEY,
        bot INTEGER NOT NULL,
        generation INTEGER NOT NULL,
        update_id INTEGER NOT NULL,
        lane INTEGER NOT NULL,
        error TEXT, -- set where the update is parked
        body TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX updates_once ON updates (bot, generation, update_id);
",
    "
    -- How often the process died while the update was handled.
    ALTER TABLE updates ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
    -- Set from outside where a parked update is to be handled again.
    ALTER TABLE updates ADD COLUMN retry INTEGER NOT NULL DEFAULT 0;
    -- Both are all but empty: they find what is rare among a million rows.
    CREATE INDEX updates_retry ON updates (pos) WHERE retry = 1;
    CREATE INDEX updates_parked ON updates (pos) WHERE error IS NOT NULL;
",
    "
    CREATE TABLE documents (
        key TEXT PRIMARY KEY,
        version INTEGER NOT NULL,
        body TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE timers (
        key TEXT PRIMARY KEY,
        due_ms INTEGER NOT NULL, -- since 1970
        bot INTEGER NOT NULL,
        lane INTEGER NOT NULL,
        body TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX timers_due ON timers (due_ms);
    -- Gives documents their versions.
    ALTER TABLE node ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;
    -- The name of the timer that a row was before it came due.
    ALTER TABLE updates ADD COLUMN timer TEXT;
",
];

/// The version that this program's migrations lead to.
#[expect(clippy::cast_possible_wrap, reason = "a handful")]
pub(super) const KNOWN_SCHEMA: i64 = MIGRATIONS.len() as i64;

/// An update during which the process died so often is not tried again.
const MOST_ATTEMPTS: u32 = 3;

/// Has the names in a directory survive a power cut.
pub(super) fn sync_names(dir: &Path) -> Result<()> {
    File::open(dir)
        .and_then(|names| names.sync_all())
        .map_err(|error| path("flush the directory", dir, &error))
}

/// Makes the directory where it is missing, and takes it for this process.
pub(super) fn lock(dir: &Path) -> Result<File> {
    if !dir.is_dir() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|error| path("make the state directory", dir, &error))?;
        if let Some(above) = dir.parent().filter(|above| !above.as_os_str().is_empty()) {
            // Where it may not be read, it cannot be flushed either.
            let _ = sync_names(above);
        }
    }
    let file = dir.join("lock");
    let mut lock = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&file)
        .map_err(|error| path("write to the state directory: open", &file, &error))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let holder = match lock.read_to_string(&mut pid) {
                Ok(_) if !pid.trim().is_empty() => format!("process {}", pid.trim()),
                _ => "another process".to_owned(),
            };
            let dir = dir.to_owned();
            return Err(StoreError::InUse { dir, holder });
        }
        Err(fs::TryLockError::Error(error)) => return Err(path("lock", &file, &error)),
    }
    // For the message above only; the lock itself is the kernel's.
    lock.set_len(0)
        .and_then(|()| lock.rewind())
        .and_then(|()| writeln!(lock, "{}", std::process::id()))
        .map_err(|error| path("write", &file, &error))?;
    Ok(lock)
}

/// The connection that writes, with the schema up to date. Nothing is changed in a database that turns out to be damaged.
pub(super) fn database(path: &Path) -> Result<Connection> {
    may_write(path)?;
    let mut connection =
        Connection::open(path).map_err(|error| refused_at("open", path, &error))?;
    configure(&connection).map_err(|error| refused_at("configure", path, &error))?;
    check::at_start(&connection)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// SQLite opens what it may not write for reading, and does not say why.
fn may_write(file: &Path) -> Result<()> {
    match File::options().read(true).write(true).open(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(path("write to", file, &error)),
        _ => Ok(()),
    }
}

/// Has the log put away when this connection closes, or left as it is: only a good end puts it away.
pub(super) fn empties_log(connection: &Connection, does: bool) -> rusqlite::Result<()> {
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !does)
        .map(drop)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    empties_log(connection, false)?;
    // Looks at each page's structure as it is read.
    connection.pragma_update(None, "cell_size_check", true)?;
    // Before the first table, or it has no effect.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    connection.pragma_update(None, "journal_size_limit", 16 << 20)?;
    connection.pragma_update(None, "cache_size", -16_384)
}

fn migrate(connection: &mut Connection) -> Result<()> {
    let found: i64 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(|error| refused("read the schema's version", connection, &error))?;
    let from = usize::try_from(found)
        .ok()
        .filter(|from| *from <= MIGRATIONS.len());
    let Some(from) = from else {
        return Err(StoreError::NewerSchema {
            found,
            known: KNOWN_SCHEMA,
        });
    };
    for (version, migration) in (found + 1..).zip(&MIGRATIONS[from..]) {
        step_up(connection, version, migration)
            .map_err(|error| refused("migrate the schema", connection, &error))?;
    }
    Ok(())
}

fn step_up(connection: &mut Connection, version: i64, migration: &str) -> rusqlite::Result<()> {
    let step = connection.transaction()?;
    step.execute_batch(migration)?;
    step.pragma_update(None, "user_version", version)?;
    crash_point("migrate");
    step.commit()
}

/// The number of this opening, one more than that of the last which [began](begin).
pub(super) fn next_epoch(connection: &Connection) -> Result<i64> {
    connection
        .query_row("SELECT epoch + 1 FROM node", [], |row| row.get(0))
        .map_err(|error| refused("count this start", connection, &error))
}

/// Counts this opening, so that leases of an earlier one are refused, and makes up for the death of the last process: what
/// it had handled is over, what it was handling has had an attempt, and what has had too many is parked.
///
/// All of it or nothing: what the last process left is told by its epoch, and would be forgotten with a new one.
pub(super) fn begin(connection: &mut Connection, epoch: i64, left: &Left) -> Result<()> {
    let (running, parked) = recover(connection, epoch, left)
        .map_err(|error| refused("recover the last run", connection, &error))?;
    if running > 0 {
        tracing::warn!(
            running,
            parked,
            "the last process died while it handled updates; they are tried again one at a time"
        );
    }
    Ok(())
}

/// Returns how many updates were being handled, and how many of them are parked now.
fn recover(
    connection: &mut Connection,
    epoch: i64,
    left: &Left,
) -> rusqlite::Result<(usize, usize)> {
    let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    step.execute("UPDATE node SET epoch = ?1", [epoch])?;
    for pos in &left.ended {
        step.prepare_cached("DELETE FROM updates WHERE pos = ?1 AND error IS NULL")?
            .execute([pos.0])?;
    }
    let (mut running, mut parked) = (0, 0);
    for pos in &left.running {
        // What is done by now, or was parked and is to be tried again, has only left its place in the file.
        running += step
            .prepare_cached(
                "UPDATE updates SET attempts = attempts + 1 WHERE pos = ?1 AND error IS NULL AND retry = 0",
            )?
            .execute([pos.0])?;
        parked += step
            .prepare_cached(
                "UPDATE updates SET error = 'the process died ' || attempts || ' times while this update was handled'
                 WHERE pos = ?1 AND attempts >= ?2 AND error IS NULL",
            )?
            .execute((pos.0, MOST_ATTEMPTS))?;
    }
    // Nobody has read it yet: it is handled in its old place.
    step.execute("UPDATE updates SET retry = 0 WHERE retry = 1", [])?;
    step.commit()?;
    Ok((running, parked))
}

pub(super) fn last_pos(connection: &Connection) -> Result<Pos> {
    connection
        .query_row("SELECT coalesce(max(pos), 0) FROM updates", [], |row| {
            row.get(0)
        })
        .map(Pos)
        .map_err(|error| refused("find the last update", connection, &error))
}

/// A second connection, for reading beside the writer.
pub(super) fn reader(path: &Path) -> Result<Connection> {
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        Ok(connection)
    };
    open().map_err(|error| refused_at("read", path, &error))
}
