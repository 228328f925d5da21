//! What the writer is asked for.

#[cfg(test)]
use rusqlite::Connection;

use super::{Ack, BotId, Change, Completion, RawBatch};

pub(super) enum Command {
    Append {
        bot: BotId,
        batch: RawBatch,
        ack: Ack<usize>,
    },
    Record {
        record: Record,
        ack: Ack<()>,
    },
    Close {
        ack: Ack<()>,
    },
    /// What a test does to the connection that writes.
    #[cfg(test)]
    Meddle(Box<dyn FnOnce(&Connection) + Send>),
}

/// Completions and changes that are recorded together, or not at all.
#[derive(Default)]
pub(super) struct Record {
    pub(super) done: Vec<Completion>,
    pub(super) changes: Vec<Change>,
}

impl Record {
    pub(super) fn of(mut done: Vec<Completion>) -> Self {
        let changes = done
            .iter_mut()
            .map(|done| std::mem::take(&mut done.changes));
        Self {
            changes: changes.flatten().collect(),
            done,
        }
    }

    /// Completions alone can wait for others to share a flush with. Changes cannot, and nothing at all asks for what
    /// waits to be written now.
    pub(super) fn can_wait(&self) -> bool {
        self.changes.is_empty() && !self.done.is_empty()
    }

    pub(super) fn sets_timers(&self) -> bool {
        let is_about_timers =
            |change: &Change| matches!(change, Change::SetTimer(_) | Change::CancelTimer(_));
        self.changes.iter().any(is_about_timers)
    }
}

/// A batch that waits for its transaction.
pub(super) struct Append {
    pub(super) bot: BotId,
    pub(super) batch: RawBatch,
    pub(super) ack: Ack<usize>,
}
