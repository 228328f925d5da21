//! Which of the ids that arrive are new, and what the next offset is.
//!
//! Telegram numbers updates in sequence, and restarts at a random number after a week or more without any
//! (<https://core.telegram.org/bots/api#update>). A server that has lost its memory repeats what it already sent.
//! Both come as an id below the offset that was asked for; only what was seen a short while ago tells them apart.

use std::collections::{HashSet, VecDeque};

use crate::store::{Cursor, RawUpdate, UpdateId};

/// Ids that are remembered: ten full answers of getUpdates.
const REMEMBERED: usize = 1_000;

/// The offset of a bot's polling, and the ids seen last.
pub(super) struct Sequence {
    cursor: Cursor,
    seen: HashSet<UpdateId>,
    order: VecDeque<UpdateId>,
}

/// What a batch turned out to be.
pub(super) struct Placed {
    pub(super) updates: Vec<RawUpdate>,
    pub(super) repeated: usize,
    pub(super) was_reset: bool,
}

impl Sequence {
    pub(super) fn new(cursor: Cursor) -> Self {
        Self {
            cursor,
            seen: HashSet::new(),
            order: VecDeque::new(),
        }
    }

    /// The cursor after all that was placed.
    pub(super) fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Sorts out what has been seen, and follows the ids wherever they go: after a reset the next offset is the
    /// received id + 1 although that is lower, because the server ignores an offset far off its own ids.
    pub(super) fn place(&mut self, batch: Vec<RawUpdate>) -> Placed {
        let mut placed = Placed {
            updates: Vec::with_capacity(batch.len()),
            repeated: 0,
            was_reset: false,
        };
        for update in batch {
            if self.seen.contains(&update.id) {
                placed.repeated += 1;
                continue;
            }
            if update.id.0 < self.cursor.next_offset {
                placed.was_reset = true;
                self.cursor.generation += 1;
                self.seen.clear();
                self.order.clear();
            }
            self.cursor.next_offset = update.id.0 + 1;
            self.remember(update.id);
            placed.updates.push(update);
        }
        placed
    }

    fn remember(&mut self, id: UpdateId) {
        self.seen.insert(id);
        self.order.push_back(id);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::LaneKey;

    fn place(sequence: &mut Sequence, ids: &[i64]) -> (Vec<i64>, bool) {
        let update = |id: &i64| RawUpdate {
            id: UpdateId(*id),
            lane: LaneKey(1),
            body: "{}".into(),
        };
        let placed = sequence.place(ids.iter().map(update).collect());
        (
            placed.updates.iter().map(|update| update.id.0).collect(),
            placed.was_reset,
        )
    }

    #[test]
    fn gaps_are_normal() {
        let mut sequence = Sequence::new(Cursor::default());
        assert_eq!(place(&mut sequence, &[5, 9]), (vec![5, 9], false));
        assert_eq!(
            sequence.cursor(),
            Cursor {
                generation: 0,
                next_offset: 10
            }
        );
    }

    #[test]
    fn a_reset_is_followed_downwards_in_a_new_generation() {
        let mut sequence = Sequence::new(Cursor {
            generation: 2,
            next_offset: 1_000,
        });
        assert_eq!(place(&mut sequence, &[7, 8]), (vec![7, 8], true));
        assert_eq!(
            sequence.cursor(),
            Cursor {
                generation: 3,
                next_offset: 9
            }
        );
    }

    #[test]
    fn what_is_repeated_is_no_reset() {
        let mut sequence = Sequence::new(Cursor::default());
        place(&mut sequence, &[1, 2, 3]);
        assert_eq!(place(&mut sequence, &[2, 3, 4]), (vec![4], false));
        assert_eq!(sequence.cursor().next_offset, 5);
    }

    #[test]
    fn memory_is_bounded() {
        let mut sequence = Sequence::new(Cursor::default());
        place(&mut sequence, &(1..5_000).collect::<Vec<_>>());
        assert_eq!(sequence.seen.len(), REMEMBERED);
        assert_eq!(sequence.order.len(), REMEMBERED);
    }
}
