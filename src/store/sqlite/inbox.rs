//! A look at a store from outside, beside a process that may be running on it.
//!
//! Reading disturbs nobody. What is written here are single rows that the running process does not hold: parked ones. One
//! that is to be tried again is only marked; the process, or the next one, takes it up.

use std::fmt;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row};

use super::{Counts, Origin, Pos, Result, StoreError, check, open, path, refused, refused_at};

/// The updates of a store.
pub struct Inbox(Connection);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Item {
    /// Its place in the store.
    pub pos: Pos,
    /// The bot that received it.
    pub bot: i64,
    /// Where it came from.
    pub origin: Origin,
    /// The chat or user whose order it keeps.
    pub lane: i64,
    /// How often the process died while it was handled.
    pub attempts: u32,
    /// Why it is parked; none while it waits to be handled.
    pub error: Option<String>,
    /// Bytes of its JSON text.
    pub bytes: u64,
}

/// In one line: where it is, what it is, how often it was tried, and why it is parked.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pos, origin, lane, bytes) = (self.pos.0, &self.origin, self.lane, self.bytes);
        write!(f, "{pos:>8}  {origin}  lane {lane}  {bytes} bytes")?;
        if self.attempts > 0 {
            write!(f, "  attempts {}", self.attempts)?;
        }
        write!(f, "  {}", self.error.as_deref().unwrap_or_default())
    }
}

impl Inbox {
    /// Opens the store in a directory, whether a process runs on it or not.
    ///
    /// # Errors
    /// Where there is no store, or it is of another version than this program's: start the bot once.
    pub fn open(dir: &Path) -> Result<Self> {
        let file = dir.join("sundown.sqlite");
        if !file.is_file() {
            let error = std::io::ErrorKind::NotFound.into();
            return Err(path("find a store at", &file, &error));
        }
        let connection =
            Connection::open(&file).map_err(|error| refused_at("open", &file, &error))?;
        let found: i64 = connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(|error| refused("read the schema's version", &connection, &error))?;
        if found != open::KNOWN_SCHEMA {
            return Err(StoreError::OtherSchema {
                found,
                known: open::KNOWN_SCHEMA,
            });
        }
        Ok(Self(connection))
    }

    /// How many updates wait and how many are parked.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn counts(&self) -> Result<Counts> {
        super::counts(&self.0).map_err(|error| refused("count updates", &self.0, &error))
    }

    /// Up to `max` updates in their order: those that are parked, or those that wait.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn list(&self, parked: bool, max: u32) -> Result<Vec<Item>> {
        let list = || -> rusqlite::Result<Vec<Item>> {
            let mut select = self.0.prepare(
                "SELECT pos, bot, update_id, lane, attempts, error, length(CAST(body AS BLOB)), timer FROM updates
                 WHERE (error IS NOT NULL) = ?1 ORDER BY pos LIMIT ?2",
            )?;
            select.query_map((parked, max), item)?.collect()
        };
        list().map_err(|error| refused("list updates", &self.0, &error))
    }

    /// The JSON text of an update; none where it is not there any more.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn body(&self, pos: Pos) -> Result<Option<String>> {
        self.0
            .query_row("SELECT body FROM updates WHERE pos = ?1", [pos.0], |row| {
                row.get(0)
            })
            .optional()
            .map_err(|error| refused("read an update", &self.0, &error))
    }

    /// Has a parked update handled again, or all of them; returns how many. A running process takes them up within a
    /// second, behind what waits already.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn retry(&self, pos: Option<Pos>) -> Result<usize> {
        self.change(
            "UPDATE updates SET error = NULL, attempts = 0, retry = 1
             WHERE error IS NOT NULL AND (?1 IS NULL OR pos = ?1)",
            pos,
        )
    }

    /// Deletes a parked update, or all of them; returns how many.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn discard(&self, pos: Option<Pos>) -> Result<usize> {
        self.change(
            "DELETE FROM updates WHERE error IS NOT NULL AND (?1 IS NULL OR pos = ?1)",
            pos,
        )
    }

    /// Looks through the whole database, and returns what is wrong with it, up to a hundred findings; none is good. A
    /// running process goes on meanwhile, and its log grows until this is over: about 5 s for a million updates.
    ///
    /// # Errors
    /// Where the database cannot be read at all.
    pub fn check(&self) -> Result<Vec<String>> {
        let found = check::whole(&self.0).map_err(|error| refused("check", &self.0, &error));
        if !matches!(&found, Ok(found) if found.is_empty()) {
            // What is damaged is left as it is, its log included.
            let _ = open::empties_log(&self.0, false);
        }
        found
    }

    fn change(&self, statement: &str, pos: Option<Pos>) -> Result<usize> {
        self.0
            .execute(statement, [pos.map(|pos| pos.0)])
            .map_err(|error| refused("change parked updates", &self.0, &error))
    }
}

fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item {
        pos: Pos(row.get(0)?),
        bot: row.get(1)?,
        origin: super::origin(row, 2, 7)?,
        lane: row.get(3)?,
        attempts: row.get(4)?,
        error: row.get(5)?,
        bytes: row.get::<_, i64>(6)?.unsigned_abs(),
    })
}
