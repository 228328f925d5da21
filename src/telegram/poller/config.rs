//! How a bot is polled.

use std::time::Duration;

/// How a bot is polled.
#[derive(Clone, Debug)]
pub struct PollerConfig {
    /// How long the server holds a call open while there is no update. 1 to 50 s; the server cuts more to 50 s.
    /// Short polls cost traffic, long ones nothing: a stop does not wait for them.
    pub timeout: Duration,
    /// Updates in one answer at most: 1 to 100.
    pub limit: u8,
    /// Kinds of updates to ask for, by the Bot API's names. An empty list means every kind but `chat_member`,
    /// `message_reaction` and `message_reaction_count`, which must be named. Sent with every call.
    pub allowed_updates: Vec<String>,
    /// How long an unreachable server is tried at start before the start fails; of one among several bots, before the
    /// start goes on without it.
    pub start_patience: Duration,
    /// Updates that wait at the start and are older than this are confirmed and not handled; their number is the fact
    /// `dropped` in the report. None keeps them all. Their age is that of their own `date` or `edit_date`, by this
    /// machine's clock; kinds that have neither, such as `callback_query` and `inline_query`, have no age. It is about
    /// messages of every sort, also those that tell of a payment. What waits in the store is not dropped.
    pub drop_older_than: Option<Duration>,
    /// Updates of these kinds, by the Bot API's names, are dropped where they wait at the start, whatever their age is.
    pub drop_kinds: Vec<String>,
}

impl Default for PollerConfig {
    /// 30 s, 100 updates, the server's default kinds, 10 s of patience; nothing is dropped.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            limit: 100,
            allowed_updates: Vec::new(),
            start_patience: Duration::from_secs(10),
            drop_older_than: None,
            drop_kinds: Vec::new(),
        }
    }
}
