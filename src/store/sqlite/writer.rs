//! The thread that owns the only connection that writes.

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::window::Window;
use super::{
    Ack, BotId, Completion, Cursor, Entry, Pos, RawBatch, Result, StoreError, entry, refused,
};
use crate::lifecycle::crash_point;
use crate::store::Fate;

/// Completions wait this long for an append to ride with.
const LINGER: Duration = Duration::from_millis(50);
/// How often what somebody else wrote is looked for.
const LOOK: Duration = Duration::from_secs(1);
/// So many completions do not wait any longer.
const LINGER_MAX: usize = 1_000;

pub(super) enum Command {
    Append {
        bot: BotId,
        batch: RawBatch,
        ack: Ack<usize>,
    },
    Complete {
        done: Vec<Completion>,
        ack: Ack<()>,
    },
    /// Completions are not to wait any longer.
    Flush {
        ack: Ack<()>,
    },
    Close {
        ack: Ack<()>,
    },
}

/// The writer's address. Dropped, it waits for the thread to commit what it has and to give the lock back.
pub(super) struct Writer {
    /// None while it is dropped.
    commands: Option<Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Writer {
    pub(super) fn spawn(
        connection: Connection,
        lock: File,
        last: Pos,
        window: Arc<Window>,
    ) -> Result<Self> {
        let (commands, inbox) = mpsc::channel();
        let work = Work {
            connection,
            _lock: lock,
            last,
            window,
            appends: Vec::new(),
            completions: Vec::new(),
            oldest: None,
            looked: Instant::now(),
            data_version: 0,
        };
        let thread = thread::Builder::new()
            .name("sundown-store".into())
            .spawn(move || work.run(&inbox))
            .map_err(|error| StoreError::Database {
                what: "start the writer thread",
                detail: error.to_string(),
            })?;
        Ok(Self {
            commands: Some(commands),
            thread: Some(thread),
        })
    }

    pub(super) async fn ask<T>(&self, command: impl FnOnce(Ack<T>) -> Command) -> Result<T> {
        let (ack, answer) = oneshot::channel();
        let commands = self.commands.as_ref().ok_or(StoreError::Closed)?;
        commands
            .send(command(ack))
            .map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

struct Append {
    bot: BotId,
    batch: RawBatch,
    ack: Ack<usize>,
}

struct Work {
    connection: Connection,
    /// Given back after the connection, when nothing more is written; by the operating system at the latest.
    _lock: File,
    last: Pos,
    window: Arc<Window>,
    appends: Vec<Append>,
    completions: Vec<(Vec<Completion>, Ack<()>)>,
    /// When the oldest completion came.
    oldest: Option<Instant>,
    /// When somebody else's writing was looked for, and what the database said then.
    looked: Instant,
    data_version: i64,
}

impl Work {
    fn run(mut self, inbox: &Receiver<Command>) {
        loop {
            let closing = match self.wait(inbox) {
                Ok(command) => self.take(command, inbox),
                Err(RecvTimeoutError::Timeout) => None,
                // Nobody is left who could ask.
                Err(RecvTimeoutError::Disconnected) => {
                    self.commit();
                    return;
                }
            };
            if closing.is_some() || self.is_due() {
                self.commit();
            }
            if closing.is_none() && self.looked.elapsed() >= LOOK {
                self.look_for_retries();
            }
            if let Some(ack) = closing {
                // The connection is closed before it is said to be.
                let closed = self.connection.close();
                let _ =
                    ack.send(closed.map_err(|(_, error)| refused("close the database", &error)));
                return;
            }
        }
    }

    fn wait(&self, inbox: &Receiver<Command>) -> Result<Command, RecvTimeoutError> {
        let until = match self.oldest {
            Some(oldest) => oldest + LINGER,
            None => self.looked + LOOK,
        };
        inbox.recv_timeout(until.saturating_duration_since(Instant::now()))
    }

    /// Takes a command and all that is queued behind it; returns the acknowledgement to give where one of them
    /// closes the store.
    fn take(&mut self, first: Command, inbox: &Receiver<Command>) -> Option<Ack<()>> {
        let mut next = Some(first);
        while let Some(command) = next {
            match command {
                Command::Append { bot, batch, ack } => {
                    self.appends.push(Append { bot, batch, ack })
                }
                Command::Complete { done, ack } => {
                    self.oldest.get_or_insert_with(Instant::now);
                    self.completions.push((done, ack));
                }
                Command::Flush { ack } => {
                    self.completions.push((Vec::new(), ack));
                }
                Command::Close { ack } => return Some(ack),
            }
            next = inbox.try_recv().ok();
        }
        None
    }

    fn is_due(&self) -> bool {
        let waiting: usize = self.completions.iter().map(|(done, _)| done.len()).sum();
        let is_flushed = self.completions.iter().any(|(done, _)| done.is_empty());
        !self.appends.is_empty()
            || is_flushed
            || waiting >= LINGER_MAX
            || self.oldest.is_some_and(|oldest| oldest.elapsed() >= LINGER)
    }

    /// Takes up parked updates that somebody has marked from outside: they get a new place, behind what waits.
    fn look_for_retries(&mut self) {
        self.looked = Instant::now();
        let version = self
            .connection
            .query_row("PRAGMA data_version", [], |row| row.get(0));
        match version {
            Ok(version) if version != self.data_version => self.data_version = version,
            _ => return,
        }
        match requeue(&mut self.connection, self.last) {
            Ok(entries) if entries.is_empty() => {}
            Ok(entries) => {
                tracing::info!(count = entries.len(), "parked updates are handled again");
                self.last = entries.last().map_or(self.last, |entry| entry.pos);
                self.window.push(entries);
            }
            Err(error) => tracing::warn!(%error, "parked updates cannot be taken up again"),
        }
    }

    /// One transaction for everything that waits; then, and only then, everybody is told.
    fn commit(&mut self) {
        let appends = std::mem::take(&mut self.appends);
        let completions = std::mem::take(&mut self.completions);
        self.oldest = None;
        if appends.is_empty() && completions.is_empty() {
            return;
        }
        crash_point(if appends.is_empty() {
            "before a completion is recorded"
        } else {
            "before the commit"
        });
        let written = write(&mut self.connection, self.last, &appends, &completions)
            .map_err(|error| refused("write", &error));
        match written {
            Ok(batches) => {
                crash_point("after the commit");
                for (append, entries) in appends.into_iter().zip(batches) {
                    self.last = entries.last().map_or(self.last, |entry| entry.pos);
                    let stored = entries.len();
                    self.window.push(entries);
                    let _ = append.ack.send(Ok(stored));
                }
                for (_, ack) in completions {
                    let _ = ack.send(Ok(()));
                }
            }
            Err(error) => {
                tracing::error!(%error, "nothing of this transaction was stored");
                for append in appends {
                    let _ = append.ack.send(Err(error.clone()));
                }
                for (_, ack) in completions {
                    let _ = ack.send(Err(error.clone()));
                }
            }
        }
    }
}

fn write(
    connection: &mut Connection,
    last: Pos,
    appends: &[Append],
    completions: &[(Vec<Completion>, Ack<()>)],
) -> rusqlite::Result<Vec<Vec<Entry>>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut pos = last;
    let mut batches = Vec::with_capacity(appends.len());
    for append in appends {
        batches.push(insert(&transaction, &mut pos, append)?);
    }
    for completion in completions.iter().flat_map(|(done, _)| done) {
        record(&transaction, completion)?;
    }
    transaction.commit()?;
    Ok(batches)
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
            update: update.clone(),
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

fn requeue(connection: &mut Connection, last: Pos) -> rusqlite::Result<Vec<Entry>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut entries: Vec<Entry> = transaction
        .prepare_cached(
            "SELECT pos, bot, update_id, lane, body, attempts FROM updates WHERE retry = 1 ORDER BY pos",
        )?
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

fn record(connection: &Connection, completion: &Completion) -> rusqlite::Result<()> {
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
