//! Which bots' updates may be handled, and what was passed over before they could be.
//!
//! Nothing is kept in memory for a bot that is not admitted: where its first update was is remembered, and from there on the
//! store is read once more when it is. So a bot that is never admitted costs nothing, however much of its waits.

use std::collections::HashMap;

use crate::store::{BotId, Entry, Pos};

#[derive(Default)]
pub(super) struct Admission(HashMap<BotId, Standing>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Not admitted; its first entry was passed over here.
    Outside(Pos),
    /// Admitted, and taken in as far as this; what comes behind was passed over.
    Behind(Pos),
    /// What is read of it is taken in.
    Inside,
}

impl Admission {
    /// Whether there is anybody to read for.
    pub(super) fn has_any(&self) -> bool {
        let is_outside = |standing: &Standing| matches!(standing, Standing::Outside(_));
        !self.0.values().all(is_outside)
    }

    pub(super) fn admit(&mut self, bot: BotId) {
        let standing = self.0.entry(bot).or_insert(Standing::Inside);
        if let Standing::Outside(first) = *standing {
            *standing = Standing::Behind(Pos(first.0 - 1));
        }
    }

    /// Whether an entry that was just read is taken in, and not passed over.
    pub(super) fn takes(&mut self, entry: &Entry) -> bool {
        let standing = self.0.entry(entry.bot);
        *standing.or_insert(Standing::Outside(entry.pos)) == Standing::Inside
    }

    /// A bot that is behind, and how far it has been taken in.
    pub(super) fn behind(&self) -> Option<(BotId, Pos)> {
        self.0.iter().find_map(|(bot, standing)| match standing {
            Standing::Behind(after) => Some((*bot, *after)),
            Standing::Outside(_) | Standing::Inside => None,
        })
    }

    /// A bot that was behind has been taken in as far as `covered`, where everybody else is at `read`.
    pub(super) fn caught_up(&mut self, bot: BotId, covered: Pos, read: Pos) {
        let standing = if covered >= read {
            Standing::Inside
        } else {
            Standing::Behind(covered)
        };
        self.0.insert(bot, standing);
    }
}
