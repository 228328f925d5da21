//! The thread that owns the only connection that writes.

use std::fs::File;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::commands::{Append, Command, Record};
use super::outage::{OWN, Outage, Writes};
use super::transactions::{self, Written};
use super::window::Window;
use super::{Ack, Entry, Pos, Result, StoreError, faults, open, refused, state};
use crate::lifecycle::crash_point;

/// Completions wait this long for an append to ride with.
const LINGER: Duration = Duration::from_millis(50);
/// How often what somebody else wrote is looked for.
const LOOK: Duration = Duration::from_secs(1);
/// So many completions do not wait any longer.
const LINGER_MAX: usize = 1_000;

/// The writer's address. Dropped, it waits for the thread to commit what it has and to give the lock back.
pub(super) struct Writer {
    /// None while it is dropped.
    commands: Option<Sender<Command>>,
    thread: Option<JoinHandle<()>>,
    doubt: Doubt,
}

/// Why it is not known any more what is on disk, once that is so. Nothing is written then.
type Doubt = Arc<OnceLock<StoreError>>;

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
        let doubt = Doubt::default();
        let database = connection.path().unwrap_or_default().into();
        let work = Work {
            connection,
            _lock: lock,
            doubt: Arc::clone(&doubt),
            outage: Outage::default(),
            last,
            window,
            appends: Vec::new(),
            records: Vec::new(),
            oldest: None,
            looked: Instant::now(),
            data_version: 0,
            due: None,
        };
        let thread = thread::Builder::new()
            .name("sundown-store".into())
            .spawn(move || work.run(&inbox))
            .map_err(|error| StoreError::Database {
                path: database,
                what: "start the writer thread",
                detail: error.to_string(),
            })?;
        Ok(Self {
            commands: Some(commands),
            thread: Some(thread),
            doubt,
        })
    }

    #[cfg(test)]
    pub(super) fn meddle(&self, with: impl FnOnce(&Connection) + Send + 'static) {
        let commands = self.commands.as_ref().unwrap();
        commands.send(Command::Meddle(Box::new(with))).unwrap();
    }

    /// Why nothing can be relied on any more, where that is so.
    pub(super) fn doubt(&self) -> Option<StoreError> {
        self.doubt.get().cloned()
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

struct Work {
    connection: Connection,
    /// Given back after the connection, when nothing more is written; by the operating system at the latest.
    _lock: File,
    doubt: Doubt,
    outage: Outage,
    last: Pos,
    window: Arc<Window>,
    appends: Vec<Append>,
    records: Vec<(Record, Ack<()>)>,
    /// When the oldest of them came.
    oldest: Option<Instant>,
    /// When somebody else's writing was looked for, and what the database said then.
    looked: Instant,
    data_version: i64,
    /// When the first timer is due.
    due: Option<SystemTime>,
}

impl Work {
    fn run(mut self, inbox: &Receiver<Command>) {
        self.look_for_timers();
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
            if closing.is_none() && self.due.is_some_and(|due| due <= SystemTime::now()) {
                self.fire();
            }
            if let Some(ack) = closing {
                // The connection is closed before it is said to be.
                let _ = ack.send(self.close());
                return;
            }
        }
    }

    fn close(self) -> Result<()> {
        if let Some(error) = self.doubt.get() {
            return Err(error.clone());
        }
        // A good end: the log is brought into the database, and goes.
        let _ = open::empties_log(&self.connection, true);
        let closed = self.connection.close();
        closed.map_err(|(connection, error)| refused("close", &connection, &error))
    }

    fn wait(&self, inbox: &Receiver<Command>) -> Result<Command, RecvTimeoutError> {
        let until = match self.oldest {
            Some(oldest) => oldest + LINGER,
            None => self.looked + LOOK,
        };
        let wait = until.saturating_duration_since(Instant::now());
        // A clock that is set otherwise meanwhile is noticed at the next look.
        let until_due = |due: SystemTime| due.duration_since(SystemTime::now()).unwrap_or_default();
        inbox.recv_timeout(self.due.map_or(wait, |due| wait.min(until_due(due))))
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
                Command::Record { record, ack } => {
                    self.oldest.get_or_insert_with(Instant::now);
                    self.records.push((record, ack));
                }
                Command::Close { ack } => return Some(ack),
                #[cfg(test)]
                Command::Meddle(with) => with(&self.connection),
            }
            next = inbox.try_recv().ok();
        }
        None
    }

    fn is_due(&self) -> bool {
        let waiting: usize = self
            .records
            .iter()
            .map(|(record, _)| record.done.len())
            .sum();
        let is_urgent = self.records.iter().any(|(record, _)| !record.can_wait());
        !self.appends.is_empty()
            || is_urgent
            || waiting >= LINGER_MAX
            || self.oldest.is_some_and(|oldest| oldest.elapsed() >= LINGER)
    }

    /// Takes up parked updates that somebody has marked from outside: they get a new place, behind what waits.
    fn look_for_retries(&mut self) {
        self.looked = Instant::now();
        if self.doubt.get().is_some() {
            return;
        }
        let version = self
            .connection
            .query_row("PRAGMA data_version", [], |row| row.get(0));
        match version {
            Ok(version) if version != self.data_version => self.data_version = version,
            _ => return,
        }
        match transactions::requeue(&mut self.connection, self.last) {
            Ok(entries) if entries.is_empty() => {}
            Ok(entries) => {
                tracing::info!(count = entries.len(), "parked updates are handled again");
                self.outage.passed(OWN);
                self.take_in(entries);
            }
            Err(error) => {
                self.data_version = 0; // It is looked for again.
                self.failed("take parked updates up again in", &error, OWN);
            }
        }
    }

    /// One transaction for everything that waits; then, and only then, everybody is told.
    fn commit(&mut self) {
        let appends = std::mem::take(&mut self.appends);
        let records = std::mem::take(&mut self.records);
        self.oldest = None;
        if appends.is_empty() && records.is_empty() {
            return;
        }
        crash_point(if appends.is_empty() {
            "before a completion is recorded"
        } else {
            "before the commit"
        });
        match self.write(&appends, &records) {
            Err(error) if error.may_pass() && !appends.is_empty() && !records.is_empty() => {
                // Each has a chance of its own: ends need less space, and set some free.
                let written = self.write(&[], &records);
                self.tell(Vec::new(), records, written);
                let written = self.write(&appends, &[]);
                self.tell(appends, Vec::new(), written);
            }
            written => self.tell(appends, records, written),
        }
    }

    fn write(&mut self, appends: &[Append], records: &[(Record, Ack<()>)]) -> Result<Written> {
        if let Some(error) = self.doubt.get() {
            return Err(error.clone());
        }
        let writes = Writes {
            updates: !appends.is_empty(),
            ends: !records.is_empty(),
            own: false,
        };
        let mut written = transactions::write(&mut self.connection, self.last, appends, records);
        if matches!(&written, Err(error) if faults::is_full(error)) {
            transactions::start_log_over(&self.connection);
            written = transactions::write(&mut self.connection, self.last, appends, records);
        }
        match written {
            Ok(written) => {
                self.outage.passed(writes);
                Ok(written)
            }
            Err(error) => Err(self.failed("write to", &error, writes)),
        }
    }

    /// Says the first time that there is no space, or that nothing can be relied on any more.
    fn failed(
        &mut self,
        what: &'static str,
        error: &rusqlite::Error,
        writes: Writes,
    ) -> StoreError {
        let is_doubtful = faults::is_doubtful(error);
        let error = refused(what, &self.connection, error);
        if error.may_pass() {
            self.outage.met(&error, writes);
        } else {
            tracing::error!(%error, "nothing of this was stored");
        }
        if is_doubtful {
            let _ = self.doubt.set(error.clone());
            self.due = None;
        }
        error
    }

    fn tell(
        &mut self,
        appends: Vec<Append>,
        records: Vec<(Record, Ack<()>)>,
        written: Result<Written>,
    ) {
        let Written { batches, results } = match written {
            Ok(written) => written,
            Err(error) => {
                for append in appends {
                    let _ = append.ack.send(Err(error.clone()));
                }
                for (_, ack) in records {
                    let _ = ack.send(Err(error.clone()));
                }
                return;
            }
        };
        crash_point("after the commit");
        for (append, entries) in appends.into_iter().zip(batches) {
            let stored = entries.len();
            self.take_in(entries);
            let _ = append.ack.send(Ok(stored));
        }
        let has_timers = records.iter().any(|(record, _)| record.sets_timers());
        for ((_, ack), result) in records.into_iter().zip(results) {
            let _ = ack.send(result.map_err(StoreError::Changed));
        }
        if has_timers {
            self.look_for_timers();
        }
    }

    /// Hands committed entries on.
    fn take_in(&mut self, entries: Vec<Entry>) {
        self.last = entries.last().map_or(self.last, |entry| entry.pos);
        self.window.push(entries);
    }

    /// Has timers that are due handled.
    fn fire(&mut self) {
        match state::fire(&mut self.connection, self.last, SystemTime::now()) {
            Ok(entries) => {
                tracing::debug!(count = entries.len(), "timers are due");
                self.outage.passed(OWN);
                self.take_in(entries);
                self.look_for_timers();
            }
            Err(error) => {
                self.due = Some(SystemTime::now() + LOOK);
                self.failed("write timers that are due to", &error, OWN);
            }
        }
    }

    /// Notes when the first timer is due.
    fn look_for_timers(&mut self) {
        match state::next_due(&self.connection) {
            Ok(due) => self.due = due,
            Err(error) => {
                self.due = Some(SystemTime::now() + LOOK);
                self.failed("read timers in", &error, OWN);
            }
        }
    }
}
