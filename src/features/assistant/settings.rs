//! What an operator decides about the assistant.

use std::collections::BTreeSet;
use std::time::Duration;

/// The assistant's settings, as plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The model that answers where a chat has chosen none. None: the first of the first provider.
    pub model: Option<String>,
    /// What is said to the model before everything else. None: nothing.
    pub system: Option<String>,
    /// The users who are answered, by number. Empty: everybody.
    pub users: BTreeSet<i64>,
    /// The groups in which it answers, by number. Empty: every group.
    pub groups: BTreeSet<i64>,
    /// Tokens that one user may spend in a day (UTC). None: no limit.
    pub tokens_per_day: Option<u64>,
    /// Questions that may wait behind the one that is answered, in one conversation: 0 to 20.
    pub queue: usize,
    /// About so many tokens of a conversation are sent along with a question; what is older is left out.
    pub history_tokens: u64,
    /// A conversation that has been quiet for so long begins anew.
    pub forget_after: Duration,
    /// An answer that takes longer is ended, and what there is of it is kept.
    pub answer_timeout: Duration,
    /// Of a stop's time, what answers that are being written may use.
    pub drain: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            model: None,
            system: None,
            users: BTreeSet::new(),
            groups: BTreeSet::new(),
            tokens_per_day: None,
            queue: 3,
            history_tokens: 4_000,
            forget_after: Duration::from_secs(24 * 3_600),
            answer_timeout: Duration::from_secs(240),
            drain: Duration::from_secs(12),
        }
    }
}
