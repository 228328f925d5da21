//! What the server knows: the updates, and when each was available, handed out and answered.

use std::ops::Range;
use std::time::Instant;

use super::workload::{Arrival, Workload};

/// The id of the first update.
const FIRST_ID: usize = 1_000;
/// Updates in one answer at most, whatever was asked for.
const LIMIT_MAX: usize = 100;

/// One update's way.
#[derive(Clone, Copy, Default)]
pub(crate) struct Times {
    pub(crate) available: Option<Instant>,
    pub(crate) handed_out: Option<Instant>,
    pub(crate) answered: Option<Instant>,
}

/// The updates of one trial, made before the bot comes.
pub(crate) struct Record {
    bodies: Vec<String>,
    chats: usize,
    pub(crate) times: Vec<Times>,
    available: usize,
    /// The first update that is not confirmed.
    confirmed: usize,
    pub(crate) handed_out: usize,
    pub(crate) answered: usize,
    pub(crate) answered_last: Option<Instant>,
    /// Answers to what was answered before.
    pub(crate) repeated: usize,
    /// Answers that overtook an earlier update of their chat.
    pub(crate) overtaken: usize,
    /// For each chat, the update that was answered last.
    newest: Vec<usize>,
    /// Calls of getUpdates so far: the newest one wins.
    pub(crate) polls: u64,
    pub(crate) polled_first: Option<Instant>,
    /// Since when a long poll has been held open.
    pub(crate) held_since: Option<Instant>,
}

impl Record {
    pub(crate) fn new(workload: &Workload) -> Self {
        let bodies = (0..workload.updates).map(|index| body(index, index % workload.chats));
        let mut record = Self {
            bodies: bodies.collect(),
            chats: workload.chats,
            times: vec![Times::default(); workload.updates],
            available: 0,
            confirmed: 0,
            handed_out: 0,
            answered: 0,
            answered_last: None,
            repeated: 0,
            overtaken: 0,
            newest: vec![0; workload.chats],
            polls: 0,
            polled_first: None,
            held_since: None,
        };
        if workload.arrival == Arrival::Backlog {
            record.release(workload.updates);
        }
        record
    }

    /// Makes the first so many updates available.
    pub(crate) fn release(&mut self, count: usize) {
        let now = Instant::now();
        for times in &mut self.times[self.available..count] {
            times.available = Some(now);
        }
        self.available = count;
    }

    /// An offset confirms what is below it.
    pub(crate) fn confirm(&mut self, offset: i64) {
        let below = usize::try_from(offset)
            .unwrap_or(0)
            .saturating_sub(FIRST_ID);
        self.confirmed = self.confirmed.max(below.min(self.available));
    }

    pub(crate) fn has_updates(&self) -> bool {
        self.confirmed < self.available
    }

    /// The answer to getUpdates.
    pub(crate) fn hand_out(&mut self, limit: usize) -> String {
        let range: Range<usize> =
            self.confirmed..(self.confirmed + limit.min(LIMIT_MAX)).min(self.available);
        let now = Instant::now();
        for times in &mut self.times[range.clone()] {
            times.handed_out.get_or_insert(now);
        }
        self.handed_out = self.handed_out.max(range.end);
        format!(
            r#"{{"ok":true,"result":[{}]}}"#,
            self.bodies[range].join(",")
        )
    }

    /// A message came; its text says which update it answers.
    pub(crate) fn answer(&mut self, index: usize) {
        let now = Instant::now();
        let Some(times) = self.times.get_mut(index) else {
            return;
        };
        if times.answered.replace(now).is_some() {
            self.repeated += 1;
            return;
        }
        let newest = &mut self.newest[index % self.chats];
        if index < *newest {
            self.overtaken += 1;
        }
        *newest = index;
        self.answered += 1;
        self.answered_last = Some(now);
    }
}

/// A private message as the Bot API writes it; its text is the update's number.
fn body(index: usize, chat: usize) -> String {
    let (update_id, message_id, chat) = (FIRST_ID + index, index + 1, 500_000_000 + chat);
    let person = format!(r#""id":{chat},"first_name":"Ada","username":"ada_{chat}""#);
    format!(
        r#"{{"update_id":{update_id},"message":{{"message_id":{message_id},"from":{{{person},"is_bot":false,"language_code":"en"}},"chat":{{{person},"type":"private"}},"date":1700000000,"text":"{index}"}}}}"#
    )
}
