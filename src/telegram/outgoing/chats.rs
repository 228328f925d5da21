//! The chats that something was sent to lately, each with its pace and its queue.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use teloxide::types::Recipient;
use tokio::sync::Mutex as Queue;
use tokio::time::Instant;

use super::limits::Limits;
use super::pace::ChatPace;

/// As many chats are kept without a look at whether they are idle.
const LOOK_AT: usize = 64;

/// A chat's pace. Whoever holds it has the chat's turn; the others wait in the order in which they came, which is how
/// tokio's mutex hands itself on.
pub(super) type Chat = Arc<Queue<ChatPace>>;

/// Chats by their ids. The idle ones are forgotten, so that there are never more than twice those that are in use or
/// were within the longest span of the limits, or [`LOOK_AT`].
pub(super) struct Chats {
    limits: Limits,
    known: Mutex<Known>,
}

struct Known {
    chats: HashMap<Recipient, Chat>,
    look_at: usize,
}

impl Chats {
    pub(super) fn new(limits: Limits) -> Self {
        let known = Known {
            chats: HashMap::new(),
            look_at: LOOK_AT,
        };
        Self {
            limits,
            known: Mutex::new(known),
        }
    }

    /// The chat with this id or name.
    pub(super) fn of(&self, chat: Recipient) -> Chat {
        let (key, is_group) = match chat {
            Recipient::Id(id) => (chat, id.0 < 0),
            // Names are not case-sensitive. That one is the same chat as some id is not known here.
            Recipient::ChannelUsername(name) => {
                (Recipient::ChannelUsername(name.to_lowercase()), true)
            }
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.chats.len() >= known.look_at && !known.chats.contains_key(&key) {
            known.forget(Instant::now());
        }
        let new = || Arc::new(Queue::new(ChatPace::new(&self.limits, is_group)));
        Arc::clone(known.chats.entry(key).or_insert_with(new))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.known.lock().unwrap().chats.len()
    }
}

impl Known {
    /// Forgets the chats that nobody holds or waits for, and that nothing is remembered about.
    fn forget(&mut self, now: Instant) {
        self.chats.retain(|_, chat| {
            // Clones are made under the lock that is held here, so this is the last one, and free.
            let unused = Arc::get_mut(chat).map(Queue::get_mut);
            unused.is_none_or(|pace| !pace.is_idle(now))
        });
        self.look_at = LOOK_AT.max(2 * self.chats.len());
        self.chats.shrink_to(self.look_at);
    }
}
