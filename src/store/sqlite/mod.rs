//! The embedded engine: one SQLite database in a state directory that one process holds.
//!
//! ```text
//!  append ─┐                     ┌──────────────────────┐ commit   ┌─────────┐
//!  append ─┼─→ commands ───────→ │ writer thread        │────────→ │ SQLite  │
//!  complete┘   (group commit)    │ the only connection  │          │ WAL     │
//!                                │ that writes          │          │ FULL    │
//!                                └──────────┬───────────┘          └────┬────┘
//!                                           │ committed entries         │ a page, where the
//!                                           ▼                           ▼ window does not reach
//!                                        window ──────────────────→ next
//! ```
//!
//! `synchronous=FULL` because NORMAL was seen to lose acknowledged batches in a power cut. The writer blocks for a
//! first command, takes what else is queued, and commits once: no timer makes anybody wait.

mod check;
mod commands;
mod faults;
mod inbox;
mod open;
mod outage;
mod running;
mod state;
mod transactions;
mod window;
mod writer;

#[cfg(test)]
mod disk_tests;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, Row};
use tokio::sync::oneshot;

use super::{
    BotId, Change, Completion, Counts, Cursor, Document, Engine, Entry, Key, LaneKey, Lease,
    Origin, Pos, RawBatch, Result, Scope, StoreError, UpdateId,
};
use commands::{Command, Record};
use faults::{path, refused, refused_at};
pub use inbox::{Inbox, Item};
use running::Running;
use window::Window;
use writer::Writer;

/// Entries that are kept in memory for handlers to start from; what does not fit is read from disk.
const WINDOW: usize = 10_000;

/// SQLite in a state directory.
pub struct Sqlite {
    epoch: i64,
    writer: Writer,
    /// None once the store is closed.
    reader: Arc<Mutex<Option<Connection>>>,
    window: Arc<Window>,
    running: Running,
}

impl Sqlite {
    /// Opens the store in a directory, which is made where it is missing (mode 0700).
    ///
    /// # Errors
    /// [`StoreError::InUse`] where another process holds it; [`StoreError::Path`] where the directory cannot be
    /// used; [`StoreError::Full`] where there is no space; [`StoreError::Damaged`] where the database is damaged, as
    /// far as a look of a few milliseconds finds out; [`StoreError::Database`] and [`StoreError::NewerSchema`] where
    /// it cannot be used otherwise.
    pub fn open(dir: &Path) -> Result<Self> {
        let lock = open::lock(dir)?;
        let path = dir.join("sundown.sqlite");
        let mut connection = open::database(&path)?;
        open::sync_names(dir)?;
        let epoch = open::next_epoch(&connection)?;
        let (running, left) = Running::open(dir, epoch)?;
        open::begin(&mut connection, epoch, &left)?;
        running.clear()?;
        let last = open::last_pos(&connection)?;
        let reader = open::reader(&path)?;
        let window = Arc::new(Window::new(WINDOW, last));
        let writer = Writer::spawn(connection, lock, last, Arc::clone(&window))?;
        Ok(Self {
            epoch,
            writer,
            reader: Arc::new(Mutex::new(Some(reader))),
            window,
            running,
        })
    }

    fn check(&self, lease: &Lease) -> Result<()> {
        self.check_epoch(lease)?;
        self.writer.doubt().map_or(Ok(()), Err)
    }

    fn check_epoch(&self, lease: &Lease) -> Result<()> {
        if lease.epoch == self.epoch {
            Ok(())
        } else {
            Err(StoreError::Fenced(lease.scope))
        }
    }

    /// Reads on a thread that may block.
    async fn query<T, F>(&self, what: &'static str, query: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let reader = Arc::clone(&self.reader);
        let read = tokio::task::spawn_blocking(move || {
            let reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            let connection = reader.as_ref().ok_or(StoreError::Closed)?;
            query(connection).map_err(|error| refused(what, connection, &error))
        });
        read.await.map_err(|_| StoreError::Closed)?
    }

    /// Lets the database grow by so many pages and no more, as a full disk would.
    #[cfg(test)]
    pub(crate) fn limit_growth(&self, pages: i64) {
        self.writer.meddle(move |connection| {
            let query = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
            let count = query("PRAGMA page_count").unwrap();
            query(&format!("PRAGMA max_page_count = {}", count + pages)).unwrap();
        });
    }

    async fn record(&self, record: Record) -> Result<()> {
        self.writer.ask(|ack| Command::Record { record, ack }).await
    }

    async fn page(&self, after: Pos, max: usize) -> Result<Vec<Entry>> {
        self.query("read queued updates", move |connection| {
            let mut select = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM updates
                 WHERE pos > ?1 AND error IS NULL AND retry = 0 ORDER BY pos LIMIT ?2",
            ))?;
            let limit = i64::try_from(max).unwrap_or(i64::MAX);
            select.query_map((after.0, limit), entry)?.collect()
        })
        .await
    }
}

#[async_trait]
impl Engine for Sqlite {
    async fn acquire(&self, scope: Scope) -> Result<Lease> {
        // The lock on the directory is the lease: whoever has opened the store holds every scope.
        if let Scope::Part(_) = scope {
            self.window.reset();
        }
        Ok(Lease {
            scope,
            epoch: self.epoch,
        })
    }

    async fn cursor(&self, poll: &Lease) -> Result<Cursor> {
        self.check(poll)?;
        let bot = poll_bot(poll)?;
        self.query("read the offset", move |connection| {
            let mut select = connection
                .prepare_cached("SELECT generation, next_offset FROM cursors WHERE bot = ?1")?;
            let mut rows = select.query_map([bot.0], |row| {
                Ok(Cursor {
                    generation: row.get(0)?,
                    next_offset: row.get(1)?,
                })
            })?;
            rows.next().unwrap_or(Ok(Cursor::default()))
        })
        .await
    }

    async fn append(&self, poll: &Lease, batch: RawBatch) -> Result<usize> {
        self.check(poll)?;
        let bot = poll_bot(poll)?;
        self.writer
            .ask(|ack| Command::Append { bot, batch, ack })
            .await
    }

    async fn next(
        &self,
        part: &Lease,
        after: Pos,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Entry>> {
        self.check(part)?;
        if let Err(floor) = self.window.read(after, max) {
            let entries = self.page(after, max).await?;
            if !entries.is_empty() {
                return Ok(entries);
            }
            // What the window has let go of meanwhile is on disk; an empty answer only makes the caller ask again.
            self.window.lower(floor, after);
        }
        // Where the time runs out, there is nothing to read; an append before or meanwhile is seen.
        let _ = tokio::time::timeout(wait, self.window.grown(after)).await;
        Ok(self.window.read(after, max).unwrap_or_default())
    }

    async fn fetch(&self, part: &Lease, positions: Vec<Pos>) -> Result<Vec<Entry>> {
        self.check(part)?;
        self.query("read queued updates", move |connection| {
            let mut select = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM updates WHERE pos = ?1 AND error IS NULL AND retry = 0",
            ))?;
            let mut entries = Vec::with_capacity(positions.len());
            for pos in positions {
                for found in select.query_map([pos.0], entry)? {
                    entries.push(found?);
                }
            }
            Ok(entries)
        })
        .await
    }

    async fn begin(&self, part: &Lease, pos: Pos) -> Result<()> {
        self.check(part)?;
        self.running.begin(pos)
    }

    async fn end(&self, part: &Lease, pos: Pos) -> Result<()> {
        // Also where the database cannot be relied on: this is another file, and what it says spares people a second answer.
        self.check_epoch(part)?;
        self.running.end(pos)
    }

    async fn put_back(&self, part: &Lease, pos: Pos) -> Result<()> {
        self.check_epoch(part)?;
        self.running.forget(pos)
    }

    async fn complete(&self, part: &Lease, done: Vec<Completion>) -> Result<()> {
        self.check(part)?;
        let positions: Vec<Pos> = done.iter().map(|completion| completion.pos).collect();
        let committed = self.record(Record::of(done)).await;
        if committed.is_ok() {
            positions
                .into_iter()
                .for_each(|pos| self.running.release(pos));
        }
        committed
    }

    async fn counts(&self) -> Result<Counts> {
        self.query("count updates", counts).await
    }

    async fn flush(&self) -> Result<()> {
        self.record(Record::default()).await
    }

    async fn change(&self, lease: &Lease, changes: Vec<Change>) -> Result<()> {
        self.check(lease)?;
        let done = Vec::new();
        self.record(Record { done, changes }).await
    }

    async fn read(&self, key: &Key) -> Result<Option<Document>> {
        let key = key.clone();
        self.query("read a document", move |connection| {
            state::read(connection, &key)
        })
        .await
    }

    async fn scan(&self, prefix: &str, after: Option<&Key>, max: usize) -> Result<Vec<Document>> {
        let (prefix, after) = (prefix.to_owned(), after.cloned());
        self.query("read documents", move |connection| {
            let after = after.as_ref().map_or("", Key::as_str);
            state::scan(connection, &prefix, after, max)
        })
        .await
    }

    async fn bots(&self) -> Result<Vec<BotId>> {
        self.query("list the bots", |connection| {
            // From bot to bot along the index, and not over every row.
            let mut select = connection.prepare_cached(
                "WITH RECURSIVE bots (bot) AS (
                     SELECT min(bot) FROM updates
                     UNION ALL
                     SELECT (SELECT min(bot) FROM updates WHERE bot > bots.bot) FROM bots WHERE bot IS NOT NULL
                 )
                 SELECT bot FROM bots WHERE EXISTS (
                     SELECT 1 FROM updates WHERE updates.bot = bots.bot AND error IS NULL
                 )
                 UNION SELECT bot FROM timers",
            )?;
            select.query_map([], |row| row.get(0).map(BotId))?.collect()
        })
        .await
    }

    async fn close(&self) -> Result<()> {
        // The reader first: the last connection to close empties the log.
        let reader = Arc::clone(&self.reader);
        let closing = tokio::task::spawn_blocking(move || {
            drop(reader.lock().unwrap_or_else(PoisonError::into_inner).take());
        });
        closing.await.map_err(|_| StoreError::Closed)?;
        self.writer.ask(|ack| Command::Close { ack }).await
    }
}

fn counts(connection: &Connection) -> rusqlite::Result<Counts> {
    // Each from an index: the rows of a large backlog are not read.
    let count = |query| {
        let count = connection.query_row(query, [], |row| row.get::<_, i64>(0));
        count.map(i64::unsigned_abs)
    };
    let all = count("SELECT count(*) FROM updates")?;
    let parked = count("SELECT count(*) FROM updates WHERE error IS NOT NULL")?;
    Ok(Counts {
        queued: all - parked,
        parked,
    })
}

fn poll_bot(lease: &Lease) -> Result<BotId> {
    match lease.scope {
        Scope::Poll(bot) => Ok(bot),
        Scope::Part(_) | Scope::Documents => Err(StoreError::Fenced(lease.scope)),
    }
}

/// What [`entry`] reads of a row of `updates`.
const COLUMNS: &str = "pos, bot, update_id, lane, body, attempts, timer";

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        pos: Pos(row.get(0)?),
        bot: BotId(row.get(1)?),
        lane: LaneKey(row.get(3)?),
        origin: origin(row, 2, 6)?,
        body: row.get::<_, String>(4)?.into(),
        attempts: row.get(5)?,
    })
}

fn origin(row: &Row<'_>, update_id: usize, timer: usize) -> rusqlite::Result<Origin> {
    Ok(match row.get::<_, Option<String>>(timer)? {
        None => Origin::Update(UpdateId(row.get(update_id)?)),
        Some(_) => Origin::Timer(state::key(row, timer)?),
    })
}

/// The other end of an answer.
type Ack<T> = oneshot::Sender<Result<T>>;
