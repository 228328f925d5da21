//! What the lanes read of the store: what is new, what long queues left on disk, and what bots are behind with.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use super::admission::Admission;
use super::board::{Board, LaneId};
use crate::lifecycle::crash_point;
use crate::store::{BotId, Entry, Lease, Pos, Store, StoreError};

/// Entries held in memory at most; the rest waits in the store.
pub(super) const HELD_MAX: usize = 10_000;
/// Entries on disk that are remembered by their position at most; then nothing more is read before some are handled.
const ON_DISK_MAX: usize = 4_000_000;
/// The least room that is asked for.
const PAGE: usize = 1_000;
/// Entries read by position at a time.
const FETCH: usize = 1_000;
/// How long one question to the store waits for an update.
const WAIT: Duration = Duration::from_secs(60);

type Reading<T> = Option<BoxFuture<'static, Result<T, StoreError>>>;
type Fetched = (Vec<LaneId>, Vec<Entry>);

/// The questions to the store that are open.
pub(super) struct Intake {
    store: Store,
    part: Lease,
    admission: Admission,
    /// Last position that was read from the store.
    read: Pos,
    /// Whether all that was there at the start has been read.
    is_through: bool,
    /// New entries on their way from the store.
    reading: Reading<Vec<Entry>>,
    /// Entries of hungry lanes on their way from disk.
    fetching: Reading<Fetched>,
    /// What a bot is behind with, on its way from disk.
    catching_up: Reading<Missed>,
}

/// What was read for a bot that is behind: everything as far as `covered`, other bots' entries included.
struct Missed {
    bot: BotId,
    entries: Vec<Entry>,
    covered: Pos,
}

/// What the store has answered.
pub(super) enum Arrival {
    /// Entries that the board has not seen.
    New(Vec<Entry>),
    /// What these lanes wanted.
    Wanted(Vec<LaneId>, Vec<Entry>),
}

impl Intake {
    pub(super) fn new(store: Store, part: Lease) -> Self {
        Self {
            store,
            part,
            admission: Admission::default(),
            read: Pos::default(),
            is_through: false,
            reading: None,
            fetching: None,
            catching_up: None,
        }
    }

    pub(super) fn admit(&mut self, bot: BotId) {
        self.admission.admit(bot);
    }

    /// Whether something that may be handled is left to be read, as far as is known.
    pub(super) fn is_behind(&self) -> bool {
        let is_starting = self.admission.has_any() && !self.is_through;
        is_starting || self.admission.behind().is_some()
    }

    /// Takes the questions back.
    pub(super) fn close(&mut self) {
        (self.reading, self.fetching, self.catching_up) = (None, None, None);
    }

    /// Asks for what there is room for.
    pub(super) fn ask(&mut self, board: &mut Board) {
        if self.fetching.is_none() {
            let wanted = board.wanted(FETCH);
            if !wanted.is_empty() {
                self.fetching = Some(self.fetch(wanted));
            }
        }
        // In pages: with a full board, a question for each handler that ends would be one for the disk each.
        let has_room = board.held() + PAGE <= HELD_MAX && board.on_disk() < ON_DISK_MAX;
        if !has_room || !self.admission.has_any() {
            return;
        }
        let room = HELD_MAX - board.held();
        if self.reading.is_none() {
            let (store, part, after) = (Arc::clone(&self.store), self.part, self.read);
            let wait = if self.is_through {
                WAIT
            } else {
                Duration::ZERO
            };
            self.reading = Some(Box::pin(async move {
                store.next(&part, after, room, wait).await
            }));
        }
        if self.catching_up.is_none()
            && let Some((bot, after)) = self.admission.behind()
        {
            self.catching_up = Some(self.catch_up(bot, after, room));
        }
    }

    /// What has arrived first; pending where nothing was asked for.
    ///
    /// # Cancel safety
    /// An answer is taken out only as this resolves.
    pub(super) async fn arrival(&mut self) -> Result<Arrival, StoreError> {
        tokio::select! {
            biased;
            fetched = answer(&mut self.fetching) => {
                let (lanes, entries) = fetched?;
                crash_point("during a spill");
                Ok(Arrival::Wanted(lanes, entries))
            }
            missed = answer(&mut self.catching_up) => Ok(Arrival::New(self.take_missed(missed?))),
            read = answer(&mut self.reading) => Ok(Arrival::New(self.take_read(read?))),
        }
    }

    fn take_read(&mut self, mut entries: Vec<Entry>) -> Vec<Entry> {
        self.is_through |= entries.is_empty();
        self.read = entries.last().map_or(self.read, |last| last.pos);
        entries.retain(|entry| self.admission.takes(entry));
        entries
    }

    /// What comes behind `read` is read in its turn.
    fn take_missed(&mut self, missed: Missed) -> Vec<Entry> {
        let (mut entries, covered) = (missed.entries, missed.covered.min(self.read));
        entries.retain(|entry| entry.bot == missed.bot && entry.pos <= covered);
        self.admission.caught_up(missed.bot, covered, self.read);
        entries
    }

    fn catch_up(
        &self,
        bot: BotId,
        after: Pos,
        room: usize,
    ) -> BoxFuture<'static, Result<Missed, StoreError>> {
        let (store, part, read) = (Arc::clone(&self.store), self.part, self.read);
        Box::pin(async move {
            let entries = store.next(&part, after, room, Duration::ZERO).await?;
            let last = entries.last().map_or(after, |last| last.pos);
            // With less than there is room for, nothing else was there of what had been read by then.
            let covered = if entries.len() < room {
                last.max(read)
            } else {
                last
            };
            Ok(Missed {
                bot,
                entries,
                covered,
            })
        })
    }

    fn fetch(
        &self,
        wanted: Vec<(LaneId, Vec<Pos>)>,
    ) -> BoxFuture<'static, Result<Fetched, StoreError>> {
        let (store, part) = (Arc::clone(&self.store), self.part);
        Box::pin(async move {
            let (mut lanes, mut all) = (Vec::new(), Vec::new());
            for (lane, positions) in wanted {
                lanes.push(lane);
                all.extend(positions);
            }
            Ok((lanes, store.fetch(&part, all).await?))
        })
    }
}

/// What was asked of the store; pending where nothing was.
///
/// # Cancel safety
/// The answer is taken out only as this resolves.
async fn answer<T>(asked: &mut Reading<T>) -> Result<T, StoreError> {
    let Some(future) = asked.as_mut() else {
        return std::future::pending().await;
    };
    let answer = future.await;
    *asked = None;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::Sqlite;
    use crate::store::{Cursor, LaneKey, RawBatch, RawUpdate, Scope, UpdateId};

    async fn append(store: &Store, bot: BotId, id: i64) {
        let poll = store.acquire(Scope::Poll(bot)).await.unwrap();
        let update = RawUpdate {
            id: UpdateId(id),
            lane: LaneKey(1),
            body: "{}".into(),
        };
        let batch = RawBatch {
            updates: vec![update],
            cursor: Cursor::default(),
        };
        store.append(&poll, batch).await.unwrap();
    }

    /// What is new with the next answer.
    async fn next(intake: &mut Intake) -> Vec<i64> {
        match intake.arrival().await.unwrap() {
            Arrival::New(entries) => entries.iter().map(|entry| entry.pos.0).collect(),
            Arrival::Wanted(..) => panic!("nothing was wanted"),
        }
    }

    #[tokio::test]
    async fn what_arrives_while_a_bot_catches_up_is_taken_in_once() {
        let dir = tempfile::tempdir().unwrap();
        let store: Store = Arc::new(Sqlite::open(dir.path()).unwrap());
        let part = store.acquire(Scope::Part(0)).await.unwrap();
        let (mut intake, mut board) = (Intake::new(Arc::clone(&store), part), Board::new(9));
        let late = BotId(2);
        append(&store, late, 1).await;
        intake.admit(BotId(1));
        intake.ask(&mut board);
        assert_eq!(next(&mut intake).await, [0; 0], "it is not let in yet");

        append(&store, late, 2).await;
        intake.admit(late);
        intake.ask(&mut board);
        // The other question has not been answered.
        intake.reading = None;
        assert_eq!(next(&mut intake).await, [1]);
        intake.ask(&mut board);
        assert_eq!(next(&mut intake).await, [2]);
        assert!(intake.admission.behind().is_none());
    }
}
