//! The durable engine: updates that arrived and have not been handled, the offset that confirms them, and what features
//! keep.
//!
//! It knows bots, lanes and positions, and nothing of Telegram's types: a body is JSON text that somebody else
//! reads. **Authority**: what the engine has acknowledged is on disk; nothing else is promised.
//!
//! ```text
//!             append (one transaction with the cursor)          complete(Done), with changes
//!   Telegram ──────────────────────────────────────→ queued ─────────────────→ row deleted; documents written,
//!                                                    ▲ │  ▲                    timers set
//!   timers ──────────────────────────────────────────┘ │  │
//!             when they are due                        │  └ a process that died starts over from here
//!                                                      │
//!                complete(Parked), or the process died │
//!                      three times while handling it   ▼
//!                                                    parked, with its error
//! ```
//!
//! Invariants:
//! - A batch and the cursor behind it are committed together, and flushed, before `append` returns.
//! - Positions rise in the order of the appends; within a lane that is the order of the updates.
//! - A completion and the changes that come with it are committed together, or neither is.
//! - What fails with [`StoreError::Full`] is not stored at all, and the same may be asked again.
//! - A handler runs again only where the process died while it ran, or the machine before its completion was flushed.
//!
//! The contract is a trait from the start, although SQLite is its only engine yet: it is cut for several nodes on
//! one server too, and the shape of `acquire`, positions and completions comes from there. It deliberately has no
//! acknowledgement handles, no visibility time-outs, no consumers and no SQL types.

#[cfg(test)]
mod conformance;
mod error;
mod service;
pub mod sqlite;
mod state;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use error::StoreError;
pub use service::StoreService;
pub use state::{Change, Document, Expected, Key, Timer};

/// A bot, by the number in front of its token's colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BotId(pub i64);

/// An update's id as the Bot API numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UpdateId(pub i64);

/// What is handled in order: updates with the same key, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LaneKey(pub i64);

impl LaneKey {
    /// A lane by a name, for what is to be in order and has no chat of its own. The same name is the same lane at every
    /// start, and none of them is a chat's: Telegram's ids have 52 bits.
    #[must_use]
    pub fn named(name: &str) -> Self {
        const NAMED: i64 = 1 << 62;
        // FNV-1a: what it says of a name is stored, so it must never change, and the standard library's hasher may.
        let hash = name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
        Self(NAMED | (hash & (NAMED.unsigned_abs() - 1)).cast_signed())
    }
}

/// A stored update's place; it rises with every append.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pos(pub i64);

/// What a lease gives the right to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Polling this bot and appending its updates.
    Poll(BotId),
    /// Handling the updates of this partition. The embedded engine has one, number 0.
    Part(u16),
    /// Changing documents that belong to no update. It disturbs nobody who handles updates.
    Documents,
}

/// The right to a scope. A later holder has a higher epoch, and the engine refuses the earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What it is for.
    pub scope: Scope,
    /// Which holder it is.
    pub epoch: i64,
}

/// Where the polling of a bot stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Counts the times that Telegram restarted its update ids.
    pub generation: i64,
    /// The `offset` of the next getUpdates; 0 before the first update.
    pub next_offset: i64,
}

/// An update as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawUpdate {
    /// Its id.
    pub id: UpdateId,
    /// Its lane.
    pub lane: LaneKey,
    /// The update object as JSON text.
    pub body: Arc<str>,
}

/// What one getUpdates brought, and the cursor that confirms it.
#[derive(Clone, Debug)]
pub struct RawBatch {
    /// The updates in the order they came.
    pub updates: Vec<RawUpdate>,
    /// The cursor after them.
    pub cursor: Cursor,
}

/// Something stored that waits to be handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place.
    pub pos: Pos,
    /// The bot that it is for.
    pub bot: BotId,
    /// Its lane among the bot's.
    pub lane: LaneKey,
    /// Where it came from.
    pub origin: Origin,
    /// The update object as JSON text, or the text that the timer was set with.
    pub body: Arc<str>,
    /// How often the process died while it was handled.
    pub attempts: u32,
}

impl Entry {
    /// The update's id; none where it is a timer.
    #[must_use]
    pub fn update_id(&self) -> Option<i64> {
        match &self.origin {
            Origin::Update(id) => Some(id.0),
            Origin::Timer(_) => None,
        }
    }
}

/// Where an entry came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It arrived from Telegram.
    Update(UpdateId),
    /// A timer with this key came due.
    Timer(Key),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Update(id) => write!(f, "update {}", id.0),
            Self::Timer(key) => write!(f, "timer {key}"),
        }
    }
}

/// What becomes of a stored update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is over and can be forgotten.
    Done,
    /// It failed; it is kept aside with the error, and not handled again by itself.
    Parked {
        /// What went wrong, for people.
        error: String,
    },
}

/// The end of one update's handling.
#[derive(Clone, Debug)]
pub struct Completion {
    /// Which one.
    pub pos: Pos,
    /// What becomes of it.
    pub fate: Fate,
    /// What it changes of documents and timers.
    pub changes: Vec<Change>,
}

impl Completion {
    /// One that changes nothing.
    #[must_use]
    pub fn new(pos: Pos, fate: Fate) -> Self {
        Self {
            pos,
            fate,
            changes: Vec::new(),
        }
    }
}

type Result<T, E = StoreError> = std::result::Result<T, E>;

/// An engine as its users hold it.
pub type Store = Arc<dyn Engine>;

/// The store's contract.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// Takes the right to a scope.
    async fn acquire(&self, scope: Scope) -> Result<Lease>;

    /// Where the polling of a bot stands.
    async fn cursor(&self, poll: &Lease) -> Result<Cursor>;

    /// Stores a batch and its cursor in one transaction, and returns how many updates were new. `Ok` means that
    /// they survive a power cut.
    async fn append(&self, poll: &Lease, batch: RawBatch) -> Result<usize>;

    /// Up to `max` queued updates behind `after`, in order. Waits up to `wait` for the first one; an empty answer
    /// means that none came.
    ///
    /// # Cancel safety
    /// Nothing is taken out by a call: what a dropped call would have returned is returned by the next.
    async fn next(
        &self,
        part: &Lease,
        after: Pos,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Entry>>;

    /// The queued updates at these positions, in their order; what is not there any more is left out.
    async fn fetch(&self, part: &Lease, positions: Vec<Pos>) -> Result<Vec<Entry>>;

    /// Says that the handling of an update begins. Where the process dies before [`end`](Self::end),
    /// [`complete`](Self::complete) or [`put_back`](Self::put_back), that counts as an attempt, and after the third the update is parked. Costs no flush:
    /// a power cut is not counted.
    async fn begin(&self, part: &Lease, pos: Pos) -> Result<()>;

    /// Says that the handling of an update has ended well; [`complete`](Self::complete) follows. From here on the death of
    /// the process does not repeat it.
    async fn end(&self, part: &Lease, pos: Pos) -> Result<()>;

    /// Says that the handling of an update was broken off on purpose. It stays queued, and nothing is counted.
    async fn put_back(&self, part: &Lease, pos: Pos) -> Result<()>;

    /// Has completions that wait for others to share a flush with written now: nothing more will come.
    async fn flush(&self) -> Result<()>;

    /// Records completions with their changes, all of them or none. It returns when they are on disk: where nothing is
    /// changed that is up to 50 ms later, since they wait to share a flush with others.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where a document is not as a change expects; then nothing is recorded.
    async fn complete(&self, part: &Lease, done: Vec<Completion>) -> Result<()>;

    /// Does changes that belong to no update, all of them or none, and returns when they are on disk. The lease is one of a
    /// partition, or of documents.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where a document is not as a change expects; then nothing is done.
    async fn change(&self, lease: &Lease, changes: Vec<Change>) -> Result<()>;

    /// Reads a document as it was last committed.
    async fn read(&self, key: &Key) -> Result<Option<Document>>;

    /// Up to `max` documents whose names begin with `prefix`, in the order of their names' bytes, from the first behind
    /// `after`.
    async fn scan(&self, prefix: &str, after: Option<&Key>, max: usize) -> Result<Vec<Document>>;

    /// The bots that have queued updates, or timers.
    async fn bots(&self) -> Result<Vec<BotId>>;

    /// How many updates are queued and parked.
    async fn counts(&self) -> Result<Counts>;

    /// Writes what is left and closes the engine. Every later call fails with [`StoreError::Closed`].
    async fn close(&self) -> Result<()>;
}

/// What is in the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Updates that wait to be handled.
    pub queued: u64,
    /// Updates kept aside because their handling failed.
    pub parked: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_lane_is_always_the_same_and_never_a_chats() {
        assert_eq!(LaneKey::named("guard"), LaneKey(7_691_644_734_609_606_126));
        let names: std::collections::HashSet<_> = (0..10_000)
            .map(|n| LaneKey::named(&format!("guard/do/-100{n}")).0)
            .collect();
        assert_eq!(names.len(), 10_000);
        assert!(names.iter().all(|lane| *lane >= 1 << 62));
    }
}
