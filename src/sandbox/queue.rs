//! A bot's updates that wait, and what an offset does to them.

use std::collections::VecDeque;

use serde_json::{Value, json};

/// The server ignores an offset that is further than this beyond its newest update.
const OFFSET_SLACK: i64 = 10;
/// An answer holds about so many bytes at most.
const ANSWER_BYTES: usize = 4 << 20;
/// So many updates that were confirmed are remembered, for a server that repeats them.
const REMEMBERED: usize = 10;
/// Kinds that a bot gets only where it names them.
const BY_NAME_ONLY: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];

/// One update, and the size of its text.
#[derive(Debug)]
struct Queued {
    id: i64,
    update: Value,
    bytes: usize,
}

/// Kinds that there are; a bot that names another one has named nothing.
const KINDS: [&str; 15] = [
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "message_reaction",
    "message_reaction_count",
    "inline_query",
    "chosen_inline_result",
    "callback_query",
    "poll",
    "poll_answer",
    "my_chat_member",
    "chat_member",
    "chat_join_request",
    "chat_boost",
];

/// Updates that were not confirmed.
#[derive(Debug)]
pub(super) struct UpdateQueue {
    updates: VecDeque<Queued>,
    confirmed: VecDeque<Value>,
    next_id: i64,
    /// The kinds that were asked for last; none before the bot has said anything.
    allowed: Option<Vec<String>>,
}

impl UpdateQueue {
    pub(super) fn new(first_id: i64) -> Self {
        Self {
            updates: VecDeque::new(),
            confirmed: VecDeque::new(),
            next_id: first_id,
            allowed: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.updates.len()
    }

    /// Queues an update where its kind is wanted; returns its id.
    pub(super) fn push(&mut self, kind: &str, payload: &Value) -> Option<i64> {
        self.wants(kind).then(|| self.push_any(kind, payload))
    }

    /// Queues an update of whatever kind.
    pub(super) fn push_any(&mut self, kind: &str, payload: &Value) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        let update = json!({ "update_id": id, kind: payload });
        let bytes = update.to_string().len();
        self.updates.push_back(Queued { id, update, bytes });
        id
    }

    /// Remembers the kinds that were asked for. Updates that are queued already are not affected.
    pub(super) fn allow(&mut self, mut kinds: Vec<String>) {
        kinds.retain(|kind| KINDS.contains(&kind.as_str()));
        self.allowed = Some(kinds);
    }

    pub(super) fn allowed(&self) -> Option<&[String]> {
        self.allowed.as_deref().filter(|kinds| !kinds.is_empty())
    }

    /// Confirms what is below a positive offset; keeps only the last N for the offset −N.
    pub(super) fn confirm(&mut self, offset: i64) {
        if offset > self.next_id + OFFSET_SLACK {
            return;
        }
        if offset < 0 {
            let keep = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
            while self.updates.len() > keep {
                self.updates.pop_front();
            }
        }
        while self
            .updates
            .front()
            .is_some_and(|queued| queued.id < offset)
        {
            let confirmed = self.updates.pop_front().map(|queued| queued.update);
            self.confirmed.extend(confirmed);
        }
        let surplus = self.confirmed.len().saturating_sub(REMEMBERED);
        self.confirmed.drain(..surplus);
    }

    /// The updates that were confirmed last.
    pub(super) fn confirmed(&self) -> Vec<Value> {
        self.confirmed.iter().cloned().collect()
    }

    /// All updates that wait, however many and large they are.
    pub(super) fn everything(&self) -> Vec<Value> {
        let updates = self.updates.iter();
        updates.map(|queued| queued.update.clone()).collect()
    }

    /// The first updates, as many as one answer may hold.
    pub(super) fn head(&self, limit: usize) -> Vec<Value> {
        let mut bytes = 0;
        let fits = |queued: &&Queued| {
            bytes += queued.bytes;
            bytes <= ANSWER_BYTES || bytes == queued.bytes
        };
        let head = self.updates.iter().take(limit).take_while(fits);
        head.map(|queued| queued.update.clone()).collect()
    }

    /// Forgets everything that waits.
    pub(super) fn clear(&mut self) {
        self.updates.clear();
    }

    /// The next update gets this id: higher for a gap, lower for a restart of the numbering.
    pub(super) fn continue_at(&mut self, id: i64) {
        if id < self.next_id {
            // A server that numbers anew has nothing left of the old numbers.
            self.updates.clear();
            self.confirmed.clear();
        }
        self.next_id = id;
    }

    pub(super) fn next_id(&self) -> i64 {
        self.next_id
    }

    fn wants(&self, kind: &str) -> bool {
        match self.allowed() {
            Some(kinds) => kinds.iter().any(|allowed| allowed == kind),
            None => !BY_NAME_ONLY.contains(&kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(count: i64) -> UpdateQueue {
        let mut queue = UpdateQueue::new(100);
        for _ in 0..count {
            queue.push("message", &json!({}));
        }
        queue
    }

    fn ids(queue: &UpdateQueue) -> Vec<i64> {
        queue
            .head(100)
            .iter()
            .filter_map(|update| update["update_id"].as_i64())
            .collect()
    }

    #[test]
    fn an_offset_confirms_what_is_below_it() {
        let mut queue = with(3);
        queue.confirm(102);
        assert_eq!(ids(&queue), [102]);
    }

    #[test]
    fn what_was_confirmed_last_is_remembered_for_a_server_that_repeats_it() {
        let mut queue = with(30);
        queue.confirm(105);
        queue.confirm(125);
        let remembered: Vec<_> = queue
            .confirmed()
            .iter()
            .map(|update| update["update_id"].clone())
            .collect();
        assert_eq!(remembered, (115..125).collect::<Vec<_>>());
        assert_eq!(queue.everything().len(), 5);
    }

    #[test]
    fn offset_zero_confirms_nothing() {
        let mut queue = with(3);
        queue.confirm(0);
        assert_eq!(ids(&queue), [100, 101, 102]);
    }

    #[test]
    fn a_negative_offset_deletes_all_but_the_last() {
        let mut queue = with(5);
        queue.confirm(-2);
        assert_eq!(ids(&queue), [103, 104]);
        queue.confirm(-9);
        assert_eq!(ids(&queue), [103, 104]);
    }

    #[test]
    fn an_offset_far_beyond_the_newest_is_ignored() {
        let mut queue = with(2);
        queue.confirm(113);
        assert_eq!(queue.len(), 2);
        queue.confirm(112);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn an_answer_holds_four_mebibytes_and_at_least_one_update() {
        let mut queue = UpdateQueue::new(1);
        for size in [5 << 20, 1 << 20, 2 << 20, 2 << 20] {
            queue.push("message", &json!({ "text": "x".repeat(size) }));
        }
        assert_eq!(queue.head(100).len(), 1);
        queue.confirm(2);
        assert_eq!(queue.head(100).len(), 2);
    }

    #[test]
    fn some_kinds_must_be_named() {
        let mut queue = UpdateQueue::new(1);
        assert_eq!(queue.push("chat_member", &json!({})), None);
        queue.allow(vec!["chat_member".into()]);
        assert_eq!(queue.push("chat_member", &json!({})), Some(1));
        assert_eq!(queue.push("message", &json!({})), None);
        queue.allow(Vec::new());
        assert_eq!(queue.push("chat_member", &json!({})), None);
        queue.allow(vec!["tea_time".into()]);
        assert_eq!(
            queue.push("message", &json!({})),
            Some(2),
            "an unknown kind is as good as none"
        );
    }
}
