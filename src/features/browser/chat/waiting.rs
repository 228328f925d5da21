//! Who waits for how much in a chat, so that nobody's pages keep everybody else's waiting. A document of each chat, written in
//! the chat's lane alone.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::work::Asker;
use crate::bot::State;
use crate::features::moment::Moment;
use crate::store::StoreError;

/// One person may wait for so much at a time in a chat.
const MOST: usize = 3;
/// What is this old was lost: its work was parked, for it had ended the process again and again.
const LOST_AFTER: Duration = Duration::from_secs(3_600);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Waiting(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    user: i64,
    message: i32,
    since: Moment,
}

impl Waiting {
    pub(super) async fn read(state: &State, chat: i64) -> Result<Self, StoreError> {
        Ok(state.get(&name(chat)).await?.unwrap_or_default())
    }

    pub(super) fn write(&self, state: &State, chat: i64) -> Result<(), StoreError> {
        match self.0.is_empty() {
            true => state.delete(&name(chat)),
            false => state.put(&name(chat), self),
        }
    }

    /// Takes it up, or says false where that person waits for enough.
    pub(super) fn add(&mut self, by: Asker, now: Moment) -> bool {
        self.0.retain(|entry| now.since(entry.since) < LOST_AFTER);
        let (user, message) = (by.user, by.message);
        if self.0.iter().any(|entry| entry.message == message) {
            return true;
        }
        if self.0.iter().filter(|entry| entry.user == user).count() >= MOST {
            return false;
        }
        self.0.push(Entry {
            user,
            message,
            since: now,
        });
        true
    }

    pub(super) fn cross_out(&mut self, by: Asker) {
        self.0.retain(|entry| entry.message != by.message);
    }
}

fn name(chat: i64) -> String {
    format!("browser/waiting/{chat}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(user: i64, message: i32) -> Asker {
        Asker {
            chat: 1,
            thread: 0,
            user,
            message,
        }
    }

    #[test]
    fn one_person_waits_for_three_pages_at_a_time_and_others_are_not_held_up() {
        let (mut waiting, now) = (Waiting::default(), Moment::now());
        let added: Vec<_> = (1..=4).map(|n| waiting.add(by(7, n), now)).collect();
        assert_eq!(added, [true, true, true, false]);
        assert!(waiting.add(by(8, 5), now), "somebody else");
        waiting.cross_out(by(7, 2));
        assert!(waiting.add(by(7, 6), now), "one is over");
    }

    #[test]
    fn the_same_command_counts_once_and_what_was_lost_does_not_count() {
        let (mut waiting, now) = (Waiting::default(), Moment::now());
        for _ in 0..5 {
            assert!(waiting.add(by(7, 1), now));
        }
        assert_eq!(waiting.0.len(), 1);
        for n in 2..=3 {
            waiting.add(by(7, n), now);
        }
        assert!(!waiting.add(by(7, 4), now));
        assert!(waiting.add(by(7, 4), now + LOST_AFTER));
    }
}
